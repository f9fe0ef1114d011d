/* SPDX-License-Identifier: MIT */
/* ours_var.c - how does the harness drive shm/spsc_var.h? */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/spsc_var.h"

static const char name[] = "var";

static uint64_t mem_len(const struct bench_shape *s)
{
	if (s->msg_len > spsc_var_msg_max(s->ring_len))
		return 0;
	return ours_region_len(spsc_var_len(s->ring_len));
}

static int create(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return spsc_var_create(&region, name, s->ring_len, 0);
}

/* The loops know one length: it stands beside the end. */
struct tx {
	struct spsc_var_tx end;
	uint32_t msg_len;
	struct ours_room room;
};
struct rx {
	struct spsc_var_rx end;
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	struct tx *tx = handle;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	tx->msg_len = s->msg_len;
	return err ? err
		   : spsc_var_open_tx(&tx->end, &tx->room.region, name,
				      &tx->room.peer, 0);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	struct rx *rx = handle;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	return err ? err
		   : spsc_var_open_rx(&rx->end, &rx->room.region, name,
				      &rx->room.peer, 0);
}

/* A broken ring gives nothing more, and the harness's time runs out. */
WORK_INLINE uint32_t reserve(void *handle, uint32_t want, void **slots)
{
	struct tx *tx = handle;

	(void)want;
	return spsc_var_reserve(&tx->end, tx->msg_len, slots) > 0;
}

WORK_INLINE void commit(void *handle, uint32_t nr)
{
	struct tx *tx = handle;

	(void)nr;
	(void)spsc_var_commit(&tx->end, tx->msg_len);
}

WORK_INLINE void commit_quiet(void *handle, uint32_t nr)
{
	struct tx *tx = handle;

	(void)nr;
	(void)spsc_var_commit_quiet(&tx->end, tx->msg_len);
}

WORK_INLINE void flush(void *handle)
{
	(void)spsc_var_flush(&((struct tx *)handle)->end);
}

WORK_INLINE uint32_t peek(void *handle, uint32_t want, const void **slots)
{
	(void)want;
	return spsc_var_peek(&((struct rx *)handle)->end, slots) > 0;
}

WORK_INLINE void release(void *handle, uint32_t nr)
{
	(void)nr;
	spsc_var_release(&((struct rx *)handle)->end);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };
static const struct bench_ops quiet_ops = { reserve, commit_quiet, peek,
					    release, flush };

LOOPS_RUN(run, ops, struct tx, struct rx, LOOPS_BY_SIZE)
LOOPS_RUN(run_quiet, quiet_ops, struct tx, struct rx, LOOPS_BY_SIZE)

static uint64_t single_mem_len(const struct bench_shape *s)
{
	return s->batch == 1 ? mem_len(s) : 0;
}

const struct bench_queue bench_spsc_var = {
	.name = "spsc_var",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = single_mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};

/* Its batches: published together, in steps of its own. */
const struct bench_queue bench_spsc_var_quiet = {
	.name = "spsc_var, quiet commits",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run_quiet,
};
