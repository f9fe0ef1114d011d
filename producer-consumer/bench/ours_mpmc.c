/* SPDX-License-Identifier: MIT */
/* ours_mpmc.c - how does the harness drive shm/mpmc.h? */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/mpmc.h"

#define ENDS_NR	  4u /* of each role: pairs and crowds */
#define BATCH_MAX 32u

static const char name[] = "mpmc";

static uint64_t mem_len(const struct bench_shape *s)
{
	if (s->msg_len != 8 || s->batch > BATCH_MAX)
		return 0;
	return ours_region_len(
		mpmc_len(8, (uint32_t)(s->ring_len / 8), ENDS_NR));
}

static int create(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return mpmc_create(&region, name, 8, (uint32_t)(s->ring_len / 8),
			   ENDS_NR, 0);
}

/* Cells carry their number: a batch's messages are not behind each other. */
struct tx {
	struct mpmc_tx end;
	uint32_t batch;
	uint64_t scratch[BATCH_MAX];
	struct ours_room room;
};
struct rx {
	struct mpmc_rx end;
	uint32_t batch;
	uint64_t scratch[BATCH_MAX];
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	struct tx *tx = handle;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	tx->batch = s->batch;
	return err ? err
		   : mpmc_open_tx(&tx->end, &tx->room.region, name,
				  &tx->room.peer, 0);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	struct rx *rx = handle;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	rx->batch = s->batch;
	return err ? err
		   : mpmc_open_rx(&rx->end, &rx->room.region, name,
				  &rx->room.peer, 0);
}

/* A broken ring gives nothing more, and the harness's time runs out. */
WORK_INLINE uint32_t reserve(void *handle, uint32_t want, void **slots)
{
	struct tx *tx = handle;
	int got = mpmc_reserve(&tx->end, want);

	if (got <= 0)
		return 0;
	*slots = tx->batch == 1 ? mpmc_slot_tx(&tx->end, 0) : tx->scratch;
	return (uint32_t)got;
}

WORK_INLINE void commit(void *handle, uint32_t nr)
{
	struct tx *tx = handle;

	for (uint32_t i = 0; i < nr && tx->batch > 1; i++)
		*(uint64_t *)mpmc_slot_tx(&tx->end, i) = tx->scratch[i];
	(void)mpmc_commit(&tx->end);
}

WORK_INLINE uint32_t peek(void *handle, uint32_t want, const void **slots)
{
	struct rx *rx = handle;
	int got = mpmc_take(&rx->end, want);

	if (got <= 0)
		return 0;
	for (int i = 0; i < got && rx->batch > 1; i++)
		rx->scratch[i] = *(const uint64_t *)mpmc_slot_rx(&rx->end,
								 (uint32_t)i);
	*slots = rx->batch == 1 ? mpmc_slot_rx(&rx->end, 0) : rx->scratch;
	return (uint32_t)got;
}

WORK_INLINE void release(void *handle, uint32_t nr)
{
	(void)nr;
	(void)mpmc_release(&((struct rx *)handle)->end);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct tx, struct rx, LOOPS_WORDS)

const struct bench_queue bench_mpmc = {
	.name = "mpmc",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_MP | BENCH_PAIRS | BENCH_CROWD,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};
