/* SPDX-License-Identifier: MIT */
/*
 * p9_io.h - how the bytes of files move: the operations that may take long,
 * behind one interface.
 *
 * Two are there: p9_io_sync, which does each before submit() returns, and the
 * ring of p9_uring.h, which has many under way at once and ends them in any
 * order. Tests bring a third that ends them when the test says so.
 *
 * Threads: an interface belongs to the thread of the sessions that use it;
 *          done() is called there.
 */
#ifndef VMM_FILES_P9_IO_H
#define VMM_FILES_P9_IO_H

#include <stdint.h>
#include <sys/uio.h>

enum p9_io_kind {
	P9_IO_READ,
	P9_IO_WRITE,
	P9_IO_FSYNC,
	P9_IO_FDATASYNC,
};

/* One operation. All it points to stays as it is until done(). */
struct p9_io_op {
	enum p9_io_kind kind;
	int fd;
	const struct iovec *iov; /* up to IOV_MAX pieces */
	uint32_t iov_nr;
	uint64_t off; /* up to INT64_MAX */
	/* Once for each: bytes moved, perhaps fewer than asked for, or -errno;
	 * -ECANCELED: nothing was done. */
	void (*done)(struct p9_io_op *op, int64_t result);
	struct p9_io_op *next; /* while submitted, the interface's */
};

struct p9_io {
	/* Begin. done() may come before this returns. */
	void (*submit)(struct p9_io *io, struct p9_io_op *op);
	/* An attempt: done() comes as ever, with -ECANCELED if it was early
	 * enough, perhaps before this returns. */
	void (*cancel)(struct p9_io *io, struct p9_io_op *op);
};

/* Does everything at once with preadv(2), pwritev(2) and fsync(2). */
extern struct p9_io p9_io_sync;

#endif
