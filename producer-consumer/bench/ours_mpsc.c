/* SPDX-License-Identifier: MIT */
/* ours_mpsc.c - how does the harness drive shm/mpsc.h? */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/mpsc.h"

#define LANES_NR 4u

static const char name[] = "mpsc";

static uint32_t slots_nr(const struct bench_shape *s)
{
	return (uint32_t)(s->ring_len / s->msg_len);
}

static uint64_t mem_len(const struct bench_shape *s)
{
	return ours_region_len(mpsc_len(s->msg_len, slots_nr(s), LANES_NR));
}

static int create(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return mpsc_create(&region, name, s->msg_len, slots_nr(s), LANES_NR, 0);
}

struct tx {
	struct spsc_tx end;
	struct ours_room room;
};
struct rx {
	struct mpsc_rx end;
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	struct tx *tx = handle;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	return err ? err
		   : mpsc_open_tx(&tx->end, &tx->room.region, name,
				  &tx->room.peer, 0);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	struct rx *rx = handle;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	return err ? err
		   : mpsc_open_rx(&rx->end, &rx->room.region, name,
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
	int got = mpsc_peek(rx, want, slots);

	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	mpsc_release(rx, nr);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct spsc_tx, struct mpsc_rx, LOOPS_BY_SIZE)

/* One consumer: no pairs, no crowd. */
const struct bench_queue bench_mpsc = {
	.name = "mpsc, one lane of four busy",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_MP,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};
