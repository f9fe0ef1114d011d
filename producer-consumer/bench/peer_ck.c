/* SPDX-License-Identifier: MIT */
/*
 * peer_ck.c - how does the harness drive Concurrency Kit's ck_ring?
 *
 * It writes in place (reserve/commit) and reads by copy; it has no batches.
 */
#ifdef BENCH_WITH_CK
#include <ck_ring.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"

#define HEADER_LEN 4096u /* the ring's own words, before the slots */

struct end {
	struct ck_ring *ring;
	uint8_t *slots;
	uint8_t *copy; /* what was read */
	uint32_t msg_len;
};
_Static_assert(sizeof(struct end) <= BENCH_HANDLE_LEN, "handle");

static uint32_t elem_len(const struct bench_shape *s)
{
	return s->msg_len == 56 ? 64 : s->msg_len;
}

/* The copy lies behind the slots: only the reader touches it. */
static uint64_t mem_len(const struct bench_shape *s)
{
	return s->batch == 1 ? HEADER_LEN + s->ring_len + elem_len(s) : 0;
}

static int create(void *mem, const struct bench_shape *s)
{
	ck_ring_init(mem, (unsigned int)(s->ring_len / elem_len(s)));
	return 0;
}

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	struct end *end = handle;

	end->ring = mem;
	end->slots = (uint8_t *)mem + HEADER_LEN;
	end->copy = end->slots + s->ring_len;
	end->msg_len = elem_len(s);
	return 0;
}

WORK_INLINE uint32_t reserve(void *handle, uint32_t want, void **slots)
{
	struct end *end = handle;

	(void)want;
	*slots = _ck_ring_enqueue_reserve_sp(end->ring, end->slots,
					     end->msg_len, NULL);
	return *slots ? 1 : 0;
}

WORK_INLINE void commit(void *handle, uint32_t nr)
{
	(void)nr;
	_ck_ring_enqueue_commit_sp(((struct end *)handle)->ring);
}

WORK_INLINE uint32_t peek(void *handle, uint32_t want, const void **slots)
{
	struct end *end = handle;

	(void)want;
	*slots = end->copy;
	return _ck_ring_dequeue_sc(end->ring, end->slots, end->copy,
				   end->msg_len);
}

WORK_INLINE void release(void *handle, uint32_t nr)
{
	(void)handle;
	(void)nr;
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

/* --- 8 bytes, many producers and consumers ------------------------------- */

struct mp_end {
	struct ck_ring *ring;
	uint64_t *slots;
	void (*idle)(void);
	uint64_t word;
};

static int open_mp(void *handle, void *mem, const struct bench_shape *s)
{
	struct mp_end *end = handle;

	(void)s;
	end->ring = mem;
	end->slots = (void *)((uint8_t *)mem + HEADER_LEN);
	return 0;
}

WORK_INLINE uint32_t mp_reserve(void *handle, uint32_t want, void **slots)
{
	(void)want;
	*slots = &((struct mp_end *)handle)->word;
	return 1;
}

WORK_INLINE void mp_commit(void *handle, uint32_t nr)
{
	struct mp_end *end = handle;

	(void)nr;
	while (!_ck_ring_enqueue_mp(end->ring, end->slots, &end->word, 8, NULL))
		work_idle(end->idle);
}

WORK_INLINE uint32_t mp_peek(void *handle, uint32_t want, const void **slots)
{
	struct mp_end *end = handle;

	(void)want;
	*slots = &end->word;
	return _ck_ring_dequeue_mc(end->ring, end->slots, &end->word, 8);
}

static const struct bench_ops mp_ops = { mp_reserve, mp_commit, mp_peek,
					 release, NULL };

static uint64_t mp_mem_len(const struct bench_shape *s)
{
	return s->msg_len == 8 ? HEADER_LEN + s->ring_len : 0;
}

LOOPS_RUN(run, ops, struct end, struct end, LOOPS_BY_SIZE)

LOOPS_RUN(run_words, mp_ops, struct mp_end, struct mp_end, LOOPS_ONE_WORD)

static void run_mp(struct bench_run *r)
{
	((struct mp_end *)r->tx)->idle = r->idle;
	run_words(r);
}

const struct bench_queue bench_ck_sp = {
	.name = "ck_ring spsc",
	.flags = BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_end,
	.open_rx = open_end,
	.run = run,
};

const struct bench_queue bench_ck_mp = {
	.name = "ck_ring mpmc",
	.flags = BENCH_SHARED,
	.kinds = BENCH_MP | BENCH_PAIRS | BENCH_CROWD,
	.mem_len = mp_mem_len,
	.create = create,
	.open_tx = open_mp,
	.open_rx = open_mp,
	.run = run_mp,
};
#endif
