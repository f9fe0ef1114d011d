/* SPDX-License-Identifier: MIT */
/* p9_io.c - how do bytes move without a ring? */
#include "vmm/files/p9_io.h"

#include <errno.h>
#include <unistd.h>

static int64_t run(const struct p9_io_op *op)
{
	switch (op->kind) {
	case P9_IO_READ:
		return preadv(op->fd, op->iov, (int)op->iov_nr, (off_t)op->off);
	case P9_IO_WRITE:
		return pwritev(op->fd, op->iov, (int)op->iov_nr,
			       (off_t)op->off);
	case P9_IO_FSYNC:
		return fsync(op->fd);
	case P9_IO_FDATASYNC:
		return fdatasync(op->fd);
	}
	errno = EINVAL;
	return -1;
}

static void submit(struct p9_io *io, struct p9_io_op *op)
{
	int64_t result;

	(void)io;
	do {
		result = run(op);
		if (result < 0)
			result = -errno;
	} while (result == -EINTR);
	op->done(op, result);
}

static void cancel(struct p9_io *io, struct p9_io_op *op)
{
	(void)io;
	(void)op; /* nothing is ever under way */
}

struct p9_io p9_io_sync = { .submit = submit, .cancel = cancel };
