/* SPDX-License-Identifier: MIT */
/* p9_uring.c - how do many reads and writes go on at once? */
#include "vmm/files/p9_uring.h"

#include <errno.h>
#include <liburing.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A choice: what one run hands over again and again, such as the pieces of a
 * copy, is short beside what a client waits for anyway. */
#define ROUNDS_MAX 4u

struct p9_uring {
	struct p9_io io; /* first: what sessions see */
	struct io_uring ring;
	bool ready;
	unsigned int entries, in_flight_nr;
	struct p9_io_op *waiting, **waiting_end; /* beyond entries */
	struct iovec *fixed;
	unsigned int fixed_nr;
};

static struct p9_uring *uring_of(struct p9_io *io)
{
	return (struct p9_uring *)io;
}

/* --- submission ----------------------------------------------------------- */

/* Which fixed region all of the piece is in; -1: none. */
static int find_fixed(const struct p9_uring *uring, const struct iovec *piece)
{
	uintptr_t start = (uintptr_t)piece->iov_base;

	for (unsigned int i = 0; i < uring->fixed_nr; i++) {
		const struct iovec *region = &uring->fixed[i];
		uintptr_t base = (uintptr_t)region->iov_base;

		if (start >= base && piece->iov_len <= region->iov_len &&
		    start - base <= region->iov_len - piece->iov_len)
			return (int)i;
	}
	return -1;
}

static void prepare_bytes(const struct p9_uring *uring,
			  struct io_uring_sqe *sqe, const struct p9_io_op *op)
{
	bool is_read = op->kind == P9_IO_READ;
	int fixed = op->iov_nr == 1 ? find_fixed(uring, op->iov) : -1;
	const struct iovec *piece = op->iov;

	if (fixed >= 0 && is_read)
		io_uring_prep_read_fixed(sqe, op->fd, piece->iov_base,
					 (unsigned int)piece->iov_len, op->off,
					 fixed);
	else if (fixed >= 0)
		io_uring_prep_write_fixed(sqe, op->fd, piece->iov_base,
					  (unsigned int)piece->iov_len, op->off,
					  fixed);
	else if (is_read)
		io_uring_prep_readv(sqe, op->fd, op->iov, op->iov_nr, op->off);
	else
		io_uring_prep_writev(sqe, op->fd, op->iov, op->iov_nr, op->off);
}

/* There is always one: entries were asked for, and no more are in flight,
 * but for cancellations, which make room first. */
static struct io_uring_sqe *sqe_get(struct p9_uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (sqe)
		return sqe;
	(void)io_uring_submit(&uring->ring);
	return io_uring_get_sqe(&uring->ring);
}

static bool begin(struct p9_uring *uring, struct p9_io_op *op)
{
	struct io_uring_sqe *sqe = sqe_get(uring);

	if (!sqe)
		return false;
	if (op->kind == P9_IO_READ || op->kind == P9_IO_WRITE)
		prepare_bytes(uring, sqe, op);
	else
		io_uring_prep_fsync(sqe, op->fd,
				    op->kind == P9_IO_FDATASYNC
					    ? IORING_FSYNC_DATASYNC
					    : 0);
	io_uring_sqe_set_data(sqe, op);
	uring->in_flight_nr++;
	return true;
}

static void wait_in_list(struct p9_uring *uring, struct p9_io_op *op)
{
	op->next = NULL;
	*uring->waiting_end = op;
	uring->waiting_end = &op->next;
}

static void submit(struct p9_io *io, struct p9_io_op *op)
{
	struct p9_uring *uring = uring_of(io);

	if (uring->waiting || uring->in_flight_nr >= uring->entries ||
	    !begin(uring, op))
		wait_in_list(uring, op);
}

static void begin_waiting(struct p9_uring *uring)
{
	while (uring->waiting && uring->in_flight_nr < uring->entries) {
		struct p9_io_op *op = uring->waiting;
		struct p9_io_op *next = op->next;

		if (!begin(uring, op))
			break;
		uring->waiting = next;
		if (!next)
			uring->waiting_end = &uring->waiting;
	}
}

static void cancel(struct p9_io *io, struct p9_io_op *op)
{
	struct p9_uring *uring = uring_of(io);
	struct p9_io_op **link = &uring->waiting;
	struct io_uring_sqe *sqe;

	while (*link && *link != op)
		link = &(*link)->next;
	if (*link) {
		*link = op->next;
		if (!*link)
			uring->waiting_end = link;
		op->done(op, -ECANCELED);
		return;
	}
	sqe = sqe_get(uring);
	if (!sqe)
		return; /* it ends as it ends */
	io_uring_prep_cancel(sqe, op, 0);
	io_uring_sqe_set_data(sqe, NULL);
}

/* --- completion ----------------------------------------------------------- */

static void complete(struct p9_uring *uring, struct p9_io_op *op, int res)
{
	uring->in_flight_nr--;
	/* The kernel asks for another try. */
	if (res == -EAGAIN || res == -EINTR)
		submit(&uring->io, op);
	else
		op->done(op, res);
}

static bool reap(struct p9_uring *uring)
{
	struct io_uring_cqe *cqe;
	bool any = false;

	while (!io_uring_peek_cqe(&uring->ring, &cqe)) {
		struct p9_io_op *op = io_uring_cqe_get_data(cqe);
		int res = cqe->res;

		io_uring_cqe_seen(&uring->ring, cqe);
		if (op) /* else a cancellation's own answer */
			complete(uring, op, res);
		any = true;
	}
	return any;
}

void p9_uring_run(struct p9_uring *uring)
{
	/* What has ended may begin more, and that end at once. What the last
	 * round handed over makes the descriptor readable when it ends. */
	for (unsigned int round = 1;; round++) {
		begin_waiting(uring);
		if (io_uring_sq_ready(&uring->ring))
			(void)io_uring_submit(&uring->ring);
		if (round == ROUNDS_MAX || !reap(uring))
			break;
	}
}

void p9_uring_drain(struct p9_uring *uring)
{
	p9_uring_run(uring);
	while (uring->in_flight_nr || uring->waiting) {
		int err = io_uring_submit_and_wait(&uring->ring, 1);

		if (err < 0 && err != -EINTR && err != -EAGAIN && err != -EBUSY)
			break; /* the ring is broken; what is left is lost */
		p9_uring_run(uring);
	}
}

/* --- set-up --------------------------------------------------------------- */

/* liburing 2.3 declares functions for these two and does not export them. */
static int ring_register(const struct io_uring *ring, unsigned int what,
			 const void *arg, unsigned int arg_nr)
{
	if (syscall(SYS_io_uring_register, ring->ring_fd, what, arg, arg_nr) <
	    0)
		return -errno;
	return 0;
}

/* Only what prepare_bytes(), begin() and cancel() prepare, and p9_uring_fix()
 * once. */
static int restrict_ring(struct io_uring *ring)
{
	static const uint8_t ops[] = {
		IORING_OP_READV,       IORING_OP_WRITEV, IORING_OP_READ_FIXED,
		IORING_OP_WRITE_FIXED, IORING_OP_FSYNC,	 IORING_OP_ASYNC_CANCEL
	};
	enum {
		OPS_NR = sizeof(ops) / sizeof(*ops)
	};
	struct io_uring_restriction only[OPS_NR + 2] = { 0 };
	int err;

	for (unsigned int i = 0; i < OPS_NR; i++) {
		only[i].opcode = IORING_RESTRICTION_SQE_OP;
		only[i].sqe_op = ops[i];
	}
	only[OPS_NR].opcode = IORING_RESTRICTION_REGISTER_OP;
	only[OPS_NR].register_op = IORING_REGISTER_BUFFERS;
	only[OPS_NR + 1].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
	err = ring_register(ring, IORING_REGISTER_RESTRICTIONS, only,
			    OPS_NR + 2);
	return err ? err
		   : ring_register(ring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

int p9_uring_create(struct p9_uring **out, unsigned int entries)
{
	struct p9_uring *uring = calloc(1, sizeof(*uring));
	int err;

	if (!uring)
		return -ENOMEM;
	uring->io = (struct p9_io){ .submit = submit, .cancel = cancel };
	uring->entries = entries;
	uring->waiting_end = &uring->waiting;
	err = io_uring_queue_init(entries, &uring->ring,
				  IORING_SETUP_R_DISABLED);
	if (err)
		goto fail;
	uring->ready = true;
	err = restrict_ring(&uring->ring);
	if (err)
		goto fail;
	*out = uring;
	return 0;

fail:
	p9_uring_destroy(uring);
	return err;
}

void p9_uring_destroy(struct p9_uring *uring)
{
	if (!uring)
		return;
	if (uring->ready) {
		p9_uring_drain(uring);
		io_uring_queue_exit(&uring->ring);
	}
	free(uring->fixed);
	free(uring);
}

int p9_uring_fix(struct p9_uring *uring, const struct iovec *regions,
		 unsigned int regions_nr)
{
	struct iovec *fixed;
	int err;

	if (uring->fixed || !regions_nr)
		return -EINVAL;
	fixed = calloc(regions_nr, sizeof(*fixed));
	if (!fixed)
		return -ENOMEM;
	memcpy(fixed, regions, regions_nr * sizeof(*fixed));
	err = io_uring_register_buffers(&uring->ring, fixed, regions_nr);
	if (err) {
		free(fixed);
		return err < 0 ? err : -EINVAL;
	}
	uring->fixed = fixed;
	uring->fixed_nr = regions_nr;
	return 0;
}

struct p9_io *p9_uring_io(struct p9_uring *uring)
{
	return &uring->io;
}

int p9_uring_fd(const struct p9_uring *uring)
{
	return uring->ring.ring_fd;
}
