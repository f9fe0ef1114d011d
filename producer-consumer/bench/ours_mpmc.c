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

struct tx {
	struct mpmc_tx end;
	void (*idle)(void);
	uint64_t scratch[BATCH_MAX];
	struct ours_room room;
};
struct rx {
	struct mpmc_rx end;
	uint64_t scratch[BATCH_MAX];
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	struct tx *tx = handle;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	return err ? err
		   : mpmc_open_tx(&tx->end, &tx->room.region, name,
				  &tx->room.peer, 0);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	struct rx *rx = handle;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	return err ? err
		   : mpmc_open_rx(&rx->end, &rx->room.region, name,
				  &rx->room.peer, 0);
}

/* --- one message: in place ------------------------------------------------ */

/* A broken ring gives nothing more, and the harness's time runs out. */
WORK_INLINE uint32_t reserve(void *handle, uint32_t want, void **slots)
{
	struct tx *tx = handle;
	int got = mpmc_reserve(&tx->end, want);

	if (got <= 0)
		return 0;
	*slots = mpmc_slot_tx(&tx->end, 0);
	return (uint32_t)got;
}

WORK_INLINE void commit(void *handle, uint32_t nr)
{
	(void)nr;
	(void)mpmc_commit(&((struct tx *)handle)->end);
}

WORK_INLINE uint32_t peek(void *handle, uint32_t want, const void **slots)
{
	struct rx *rx = handle;
	int got = mpmc_take(&rx->end, want);

	if (got <= 0)
		return 0;
	*slots = mpmc_slot_rx(&rx->end, 0);
	return (uint32_t)got;
}

WORK_INLINE void release(void *handle, uint32_t nr)
{
	(void)nr;
	(void)mpmc_release(&((struct rx *)handle)->end);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

/* --- a batch: copied, since the cells have their numbers in between ------- */

WORK_INLINE uint32_t copy_reserve(void *handle, uint32_t want, void **slots)
{
	*slots = ((struct tx *)handle)->scratch;
	return want;
}

WORK_INLINE void copy_commit(void *handle, uint32_t nr)
{
	struct tx *tx = handle;
	uint32_t done = 0;

	for (;;) {
		int got = mpmc_push(&tx->end, tx->scratch + done, nr - done);

		done += got > 0 ? (uint32_t)got : 0;
		if (done == nr)
			return;
		work_idle(tx->idle);
	}
}

WORK_INLINE uint32_t copy_peek(void *handle, uint32_t want, const void **slots)
{
	struct rx *rx = handle;
	int got = mpmc_pop(&rx->end, rx->scratch, want);

	*slots = rx->scratch;
	return got > 0 ? (uint32_t)got : 0;
}

WORK_INLINE void copy_release(void *handle, uint32_t nr)
{
	(void)handle;
	(void)nr;
}

static const struct bench_ops copy_ops = { copy_reserve, copy_commit, copy_peek,
					   copy_release, NULL };

LOOPS_RUN(run_one, ops, struct tx, struct rx, LOOPS_WORDS)
LOOPS_RUN(run_batch, copy_ops, struct tx, struct rx, LOOPS_WORDS)

static void run(struct bench_run *r)
{
	((struct tx *)r->tx)->idle = r->idle;
	if (r->shape.batch > 1)
		run_batch(r);
	else
		run_one(r);
}

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
