/* SPDX-License-Identifier: MIT */
/*
 * peer_dpdk.c - how does the harness drive DPDK's rte_ring?
 *
 * Elements of 64 bytes and more through its zero-copy calls; 8-byte ones,
 * where copying is the cheaper call, through the bulk copying ones.
 */
#ifdef BENCH_WITH_DPDK
#include <rte_ring.h>
#include <rte_ring_peek_zc.h>
#include <string.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"

#define BATCH_MAX 64

static uint32_t elem_len(const struct bench_shape *s)
{
	return s->msg_len == 56 ? 64 : s->msg_len;
}

static uint32_t slots_nr(const struct bench_shape *s)
{
	return (uint32_t)(s->ring_len / elem_len(s));
}

static uint64_t mem_len(const struct bench_shape *s)
{
	ssize_t len = rte_ring_get_memsize_elem(elem_len(s), slots_nr(s));

	return len > 0 && s->batch <= BATCH_MAX ? (uint64_t)len : 0;
}

static int create_sp(void *mem, const struct bench_shape *s)
{
	return rte_ring_init(mem, "bench", slots_nr(s),
			     RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int create_mp(void *mem, const struct bench_shape *s)
{
	return rte_ring_init(mem, "bench", slots_nr(s), 0);
}

struct end {
	struct rte_ring *ring;
	uint32_t elem_len;
	void (*idle)(void);
	uint64_t scratch[BATCH_MAX];
};
_Static_assert(sizeof(struct end) <= BENCH_HANDLE_LEN, "handle");

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	struct end *end = handle;

	end->ring = mem;
	end->elem_len = elem_len(s);
	return 0;
}

/* --- zero copy: both halves stand behind each other up to the wrap ------- */

WORK_INLINE uint32_t zc_reserve(void *handle, uint32_t want, void **slots)
{
	struct end *end = handle;
	struct rte_ring_zc_data zc;
	uint32_t nr = rte_ring_enqueue_zc_burst_elem_start(
		end->ring, end->elem_len, want, &zc, NULL);

	*slots = nr ? zc.ptr1 : NULL;
	return nr < zc.n1 || !nr ? nr : zc.n1;
}

WORK_INLINE void zc_commit(void *handle, uint32_t nr)
{
	rte_ring_enqueue_zc_elem_finish(((struct end *)handle)->ring, nr);
}

WORK_INLINE uint32_t zc_peek(void *handle, uint32_t want, const void **slots)
{
	struct end *end = handle;
	struct rte_ring_zc_data zc;
	uint32_t nr = rte_ring_dequeue_zc_burst_elem_start(
		end->ring, end->elem_len, want, &zc, NULL);

	*slots = nr ? zc.ptr1 : NULL;
	return nr < zc.n1 || !nr ? nr : zc.n1;
}

WORK_INLINE void zc_release(void *handle, uint32_t nr)
{
	rte_ring_dequeue_zc_elem_finish(((struct end *)handle)->ring, nr);
}

static const struct bench_ops zc_ops = { zc_reserve, zc_commit, zc_peek,
					 zc_release, NULL };

/* --- copies of 8 bytes --------------------------------------------------- */

WORK_INLINE uint32_t copy_reserve(void *handle, uint32_t want, void **slots)
{
	*slots = ((struct end *)handle)->scratch;
	return want;
}

WORK_INLINE void copy_commit(struct end *end, uint32_t nr, bool mp)
{
	uint32_t done = 0;

	for (;;) {
		const uint64_t *from = end->scratch + done;

		done += mp ? rte_ring_mp_enqueue_burst_elem(end->ring, from, 8,
							    nr - done, NULL)
			   : rte_ring_sp_enqueue_burst_elem(end->ring, from, 8,
							    nr - done, NULL);
		if (done == nr)
			return;
		work_idle(end->idle);
	}
}

WORK_INLINE void sp_commit(void *handle, uint32_t nr)
{
	copy_commit(handle, nr, false);
}

WORK_INLINE void mp_commit(void *handle, uint32_t nr)
{
	copy_commit(handle, nr, true);
}

WORK_INLINE uint32_t sc_peek(void *handle, uint32_t want, const void **slots)
{
	struct end *end = handle;

	*slots = end->scratch;
	return rte_ring_sc_dequeue_burst_elem(end->ring, end->scratch, 8, want,
					      NULL);
}

WORK_INLINE uint32_t mc_peek(void *handle, uint32_t want, const void **slots)
{
	struct end *end = handle;

	*slots = end->scratch;
	return rte_ring_mc_dequeue_burst_elem(end->ring, end->scratch, 8, want,
					      NULL);
}

WORK_INLINE void copy_release(void *handle, uint32_t nr)
{
	(void)handle;
	(void)nr;
}

static const struct bench_ops sp_ops = { copy_reserve, sp_commit, sc_peek,
					 copy_release, NULL };
static const struct bench_ops mp_ops = { copy_reserve, mp_commit, mc_peek,
					 copy_release, NULL };

LOOPS_RUN(run_zc, zc_ops, struct end, struct end, LOOPS_BY_SIZE)
LOOPS_RUN(run_copy, sp_ops, struct end, struct end, LOOPS_WORDS)
LOOPS_RUN(run_mp_copy, mp_ops, struct end, struct end, LOOPS_WORDS)

static void run_sp(struct bench_run *r)
{
	if (r->shape.msg_len == 8)
		run_copy(r);
	else
		run_zc(r);
}

static void run_mp(struct bench_run *r)
{
	((struct end *)r->tx)->idle = r->idle;
	run_mp_copy(r);
}

const struct bench_queue bench_dpdk_sp = {
	.name = "DPDK rte_ring SP/SC",
	.flags = BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create_sp,
	.open_tx = open_end,
	.open_rx = open_end,
	.run = run_sp,
};

const struct bench_queue bench_dpdk_mp = {
	.name = "DPDK rte_ring MP/MC",
	.flags = BENCH_SHARED,
	.kinds = BENCH_MP | BENCH_PAIRS | BENCH_CROWD,
	.mem_len = mem_len,
	.create = create_mp,
	.open_tx = open_end,
	.open_rx = open_end,
	.run = run_mp,
};
#endif
