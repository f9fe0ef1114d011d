/* SPDX-License-Identifier: MIT */
/* ours_spsc.c - how does the harness drive shm/spsc.h? In host and guest. */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/spsc.h"
#include "shm/spsc_block.h"

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

/* --- spsc_block.h: the same ring ------------------------------------------ */

struct block_tx {
	struct spsc_block_tx
		block; /* first: what the loops keep in registers */
	struct spsc_tx tx;
	struct ours_room room;
};
struct block_rx {
	struct spsc_block_rx block; /* first */
	struct spsc_rx rx;
	struct ours_room room;
};
_Static_assert(sizeof(struct block_tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct block_rx) <= BENCH_HANDLE_LEN, "handle");

/* A process has one producer. */
static _Alignas(SPSC_LINE_LEN) uint8_t block_mem[4 * SPSC_BLOCK_LEN];

static int open_block_tx(void *end, void *mem, const struct bench_shape *s)
{
	struct block_tx *tx = end;
	uint32_t len = slot_len(s);
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	if (!err)
		err = spsc_open_tx(&tx->tx, &tx->room.region, name,
				   &tx->room.peer, 0);
	if (!err)
		err = spsc_block_open_tx(&tx->block, &tx->tx, block_mem,
					 len < SPSC_BLOCK_LEN ? SPSC_BLOCK_LEN
							      : len);
	return err;
}

static int open_block_rx(void *end, void *mem, const struct bench_shape *s)
{
	struct block_rx *rx = end;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	if (!err)
		err = spsc_open_rx(&rx->rx, &rx->room.region, name,
				   &rx->room.peer, 0);
	if (!err)
		spsc_block_open_rx(&rx->block, &rx->rx);
	return err;
}

WORK_INLINE uint32_t block_reserve(void *tx, uint32_t want, void **slots)
{
	int got = spsc_block_reserve(tx, want, slots);

	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void block_commit(void *tx, uint32_t nr)
{
	(void)spsc_block_commit(tx, nr);
}

WORK_INLINE void block_flush(void *tx)
{
	while (spsc_block_flush(tx) == -SHM_EFULL)
		work_relax();
}

WORK_INLINE uint32_t block_peek(void *rx, uint32_t want, const void **slots)
{
	int got = spsc_block_peek(rx, want, slots);

	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void block_release(void *rx, uint32_t nr)
{
	spsc_block_release(rx, nr);
}

static const struct bench_ops block_ops = { block_reserve, block_commit,
					    block_peek, block_release,
					    block_flush };

LOOPS_RUN(run_block, block_ops, struct spsc_block_tx, struct spsc_block_rx,
	  LOOPS_BY_SIZE)

static uint64_t block_mem_len(const struct bench_shape *s)
{
	return s->msg_len <= sizeof(block_mem) ? mem_len(s) : 0;
}

const struct bench_queue bench_spsc_block = {
	.name = "spsc, blocks",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM,
	.mem_len = block_mem_len,
	.create = create,
	.open_tx = open_block_tx,
	.open_rx = open_block_rx,
	.run = run_block,
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
