/* SPDX-License-Identifier: MIT */
/*
 * layout_lmax.c - a ring after the LMAX Disruptor's description: one cursor
 * the producer publishes, a sequence the consumer publishes at the end of
 * each batch of all that was there, both cached by the other side.
 */
#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"
#include "shm/atomic.h"

struct mem {
	_Atomic uint64_t cursor; /* published by the producer */
	uint8_t reserved0[120];
	_Atomic uint64_t sequence; /* consumed */
	uint8_t reserved1[3960];
	uint8_t slots[];
};
_Static_assert(offsetof(struct mem, slots) == 4096, "layout");

struct end {
	struct mem *mem;
	uint64_t mine, seen; /* next to claim or read; the other side's */
	uint64_t slots_nr;
	uint32_t slot_len;
};

static uint32_t slot_len(const struct bench_shape *s)
{
	return s->msg_len == 56 ? 64 : s->msg_len;
}

static uint64_t mem_len(const struct bench_shape *s)
{
	return sizeof(struct mem) + s->ring_len;
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
	end->slot_len = slot_len(s);
	end->slots_nr = s->ring_len / end->slot_len;
	return 0;
}

/* How many of want lie behind each other from index on. */
static uint32_t up_to_wrap(const struct end *end, uint64_t nr, uint32_t want)
{
	uint64_t left = end->slots_nr - (end->mine & (end->slots_nr - 1));

	if (nr > want)
		nr = want;
	return (uint32_t)(nr < left ? nr : left);
}

static void *slot(const struct end *end)
{
	return end->mem->slots +
	       (end->mine & (end->slots_nr - 1)) * end->slot_len;
}

WORK_INLINE uint32_t reserve(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;
	uint64_t used = end->mine - end->seen;

	if (used == end->slots_nr) {
		end->seen = load_acquire(&end->mem->sequence);
		used = end->mine - end->seen;
	}
	*slots = slot(end);
	return up_to_wrap(end, end->slots_nr - used, want);
}

WORK_INLINE void commit(void *tx, uint32_t nr)
{
	struct end *end = tx;

	end->mine += nr;
	store_release(&end->mem->cursor, end->mine);
}

WORK_INLINE uint32_t peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;

	if (end->mine == end->seen) {
		end->seen = load_acquire(&end->mem->cursor);
		if (end->mine == end->seen)
			return 0;
	}
	*slots = slot(end);
	return up_to_wrap(end, end->seen - end->mine, want);
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	struct end *end = rx;

	end->mine += nr;
	if (end->mine == end->seen) /* the end of the batch */
		store_release(&end->mem->sequence, end->mine);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct end, struct end, LOOPS_BY_SIZE)

const struct bench_queue bench_lmax = {
	.name = "LMAX layout",
	.flags = BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_end,
	.open_rx = open_end,
	.run = run,
};
