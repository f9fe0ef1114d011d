/* SPDX-License-Identifier: MIT */
/* ours_spsc.c - how does the harness drive shm/spsc.h? In host and guest. */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/spsc.h"

static const char name[] = "stream";

/* Slots begin on lines of their own from 56 bytes on. */
static uint32_t slot_len(const struct bench_shape *s)
{
	return s->msg_len == 56 ? 64 : s->msg_len;
}

static uint64_t mem_len(const struct bench_shape *s)
{
	return ours_region_len(
		spsc_len(slot_len(s), (uint32_t)(s->ring_len / slot_len(s))));
}

static int create(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return spsc_create(&region, name, slot_len(s),
			   (uint32_t)(s->ring_len / slot_len(s)), 0);
}

struct tx {
	struct spsc_tx tx; /* first: a guest has rooms of its own */
	struct ours_room room;
};
struct rx {
	struct spsc_rx rx;
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *end, void *mem, const struct bench_shape *s)
{
	struct tx *tx = end;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	return err ? err
		   : spsc_open_tx(&tx->tx, &tx->room.region, name,
				  &tx->room.peer, 0);
}

static int open_rx(void *end, void *mem, const struct bench_shape *s)
{
	struct rx *rx = end;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	return err ? err
		   : spsc_open_rx(&rx->rx, &rx->room.region, name,
				  &rx->room.peer, 0);
}

/* A broken ring gives nothing more, and the harness's time runs out. */
WORK_INLINE uint32_t reserve(void *tx, uint32_t want, void **slots)
{
	int got = spsc_reserve(tx, want, slots);

	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void commit(void *tx, uint32_t nr)
{
	(void)spsc_commit(tx, nr);
}

WORK_INLINE uint32_t peek(void *rx, uint32_t want, const void **slots)
{
	int got = spsc_peek(rx, want, slots);

	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	spsc_release(rx, nr);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct spsc_tx, struct spsc_rx, LOOPS_BY_SIZE)

/* Compiled a second time, with SHM_TRUSTING, for what the checks cost. */
#ifdef OURS_TRUSTING
const struct bench_queue bench_spsc_trusting = {
	.name = "spsc, trusting",
	.flags = BENCH_OURS | BENCH_TRIAL,
	.kinds = BENCH_HARDEN,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};
#else
const struct bench_queue bench_spsc = {
	.name = "spsc",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT | BENCH_HARDEN,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};

WORK_INLINE void stage(void *tx, uint32_t nr)
{
	(void)spsc_stage(tx, nr);
}

WORK_INLINE void flush(void *tx)
{
	(void)spsc_flush(tx);
}

static const struct bench_ops stage_ops = { reserve, stage, peek, release,
					    flush };

LOOPS_RUN(run_staged, stage_ops, struct spsc_tx, struct spsc_rx, LOOPS_BY_SIZE)

/* For batches it is the same as spsc. */
static uint64_t staged_mem_len(const struct bench_shape *s)
{
	return s->batch == 1 && s->msg_len <= SPSC_STAGE_LEN ? mem_len(s) : 0;
}

const struct bench_queue bench_spsc_staged = {
	.name = "spsc, staged",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM,
	.mem_len = staged_mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run_staged,
};

/* What the doorbell's fence costs: one check for every 64 messages. */
#define FLUSH_NR 64u

WORK_INLINE void commit_and_flush(void *tx, uint32_t nr)
{
	(void)spsc_commit(tx, nr);
	if (((struct spsc_tx *)tx)->tail_idx % FLUSH_NR < nr)
		(void)spsc_flush(tx);
}

static const struct bench_ops flush_ops = { reserve, commit_and_flush, peek,
					    release, NULL };

LOOPS_RUN(run_flushing, flush_ops, struct spsc_tx, struct spsc_rx,
	  LOOPS_BY_SIZE)

const struct bench_queue bench_spsc_flushing = {
	.name = "spsc, flush every 64",
	.flags = BENCH_OURS | BENCH_TRIAL,
	.kinds = BENCH_HARDEN,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run_flushing,
};
#endif
