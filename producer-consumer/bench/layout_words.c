/* SPDX-License-Identifier: MIT */
/*
 * layout_words.c - three published queues of 8-byte words that do without a
 * shared index, or with a rarely written one: FastForward (a slot says itself
 * whether it is empty), B-Queue (the same, probed a batch ahead) and
 * MCRingBuffer (indices published a batch late).
 *
 * A word of 0 means an empty slot; the harness's sequence does not get there.
 */
#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"
#include "shm/atomic.h"

#define PROBE_NR   256u /* B-Queue looks so far ahead */
#define PUBLISH_NR 64u	/* MCRingBuffer's batch */

struct mem {
	_Atomic uint64_t tail_idx; /* MCRingBuffer only, as the next one */
	uint8_t reserved0[120];
	_Atomic uint64_t head_idx;
	uint8_t reserved1[3960];
	_Atomic uint64_t slots[];
};
_Static_assert(offsetof(struct mem, slots) == 4096, "layout");

struct end {
	struct mem *mem;
	uint64_t mine; /* next slot, free running */
	uint64_t seen; /* B-Queue: known to be usable up to here */
	uint64_t published;
	uint64_t mask;
	uint64_t word; /* between reserve and commit, peek and release */
};

static uint64_t mem_len(const struct bench_shape *s)
{
	return s->msg_len == 8 && s->batch == 1
		       ? sizeof(struct mem) + s->ring_len
		       : 0;
}

static int create(void *mem, const struct bench_shape *s)
{
	(void)mem;
	(void)s;
	return 0;
}

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	struct end *end = handle;

	end->mem = mem;
	end->mask = s->ring_len / 8 - 1;
	return 0;
}

static _Atomic uint64_t *slot(const struct end *end, uint64_t idx)
{
	return &end->mem->slots[idx & end->mask];
}

WORK_INLINE void put(void *tx, uint32_t nr)
{
	struct end *end = tx;

	store_release(slot(end, end->mine), end->word);
	end->mine += nr;
}

WORK_INLINE void clear(void *rx, uint32_t nr)
{
	struct end *end = rx;

	store_release(slot(end, end->mine), 0);
	end->mine += nr;
}

/* --- FastForward --------------------------------------------------------- */

WORK_INLINE uint32_t ff_reserve(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;

	*slots = &end->word;
	return load_acquire(slot(end, end->mine)) ? 0 : want;
}

WORK_INLINE uint32_t ff_peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;

	end->word = load_acquire(slot(end, end->mine));
	*slots = &end->word;
	return end->word ? want : 0;
}

static const struct bench_ops ff_ops = { ff_reserve, put, ff_peek, clear,
					 NULL };

LOOPS_RUN(ff_run, ff_ops, struct end, struct end, LOOPS_ONE_WORD)

/* --- B-Queue ------------------------------------------------------------- */

WORK_INLINE uint32_t bq_reserve(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;

	*slots = &end->word;
	if (end->mine == end->seen) {
		if (load_acquire(slot(end, end->mine + PROBE_NR - 1)))
			return 0;
		end->seen = end->mine + PROBE_NR;
	}
	return want;
}

/* Backtracking: a nearer slot when the far one is still empty. */
WORK_INLINE uint32_t bq_peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;

	*slots = &end->word;
	if (end->mine == end->seen) {
		uint64_t ahead = PROBE_NR;

		while (!load_acquire(slot(end, end->mine + ahead - 1))) {
			ahead /= 2;
			if (!ahead)
				return 0;
			work_relax();
		}
		end->seen = end->mine + ahead;
	}
	end->word = load_relaxed(slot(end, end->mine));
	return want;
}

static const struct bench_ops bq_ops = { bq_reserve, put, bq_peek, clear,
					 NULL };

LOOPS_RUN(bq_run, bq_ops, struct end, struct end, LOOPS_ONE_WORD)

/* --- MCRingBuffer -------------------------------------------------------- */

WORK_INLINE uint32_t mc_reserve(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;

	*slots = &end->word;
	if (end->mine - end->seen > end->mask) {
		end->seen = load_acquire(&end->mem->head_idx);
		if (end->mine - end->seen > end->mask)
			return 0;
	}
	return want;
}

WORK_INLINE void mc_commit(void *tx, uint32_t nr)
{
	struct end *end = tx;

	store_relaxed(slot(end, end->mine), end->word);
	end->mine += nr;
	if (end->mine - end->published >= PUBLISH_NR) {
		end->published = end->mine;
		store_release(&end->mem->tail_idx, end->mine);
	}
}

WORK_INLINE void mc_flush(void *tx)
{
	struct end *end = tx;

	end->published = end->mine;
	store_release(&end->mem->tail_idx, end->mine);
}

WORK_INLINE uint32_t mc_peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;

	*slots = &end->word;
	if (end->mine == end->seen) {
		end->seen = load_acquire(&end->mem->tail_idx);
		if (end->mine == end->seen)
			return 0;
	}
	end->word = load_relaxed(slot(end, end->mine));
	return want;
}

WORK_INLINE void mc_release(void *rx, uint32_t nr)
{
	struct end *end = rx;

	end->mine += nr;
	if (end->mine - end->published >= PUBLISH_NR) {
		end->published = end->mine;
		store_release(&end->mem->head_idx, end->mine);
	}
}

static const struct bench_ops mc_ops = { mc_reserve, mc_commit, mc_peek,
					 mc_release, mc_flush };

LOOPS_RUN(mc_run, mc_ops, struct end, struct end, LOOPS_ONE_WORD)

/* None of them is for latency: the last publishes late. */
#define WORDS_QUEUE(title, its_run)                                            \
	{                                                                      \
		.name = (title), .flags = BENCH_SHARED, .kinds = BENCH_STREAM, \
		.mem_len = mem_len, .create = create, .open_tx = open_end,     \
		.open_rx = open_end, .run = (its_run),                         \
	}
const struct bench_queue bench_fastforward = WORDS_QUEUE("FastForward layout",
							 ff_run);
const struct bench_queue bench_bqueue = WORDS_QUEUE("B-Queue layout", bq_run);
const struct bench_queue bench_mcring = WORDS_QUEUE("MCRingBuffer layout",
						    mc_run);
