/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the one file that names memory orders and prefetch hints.
 *
 * Everything two parties share goes through these. Each use carries a label,
 * the same at both ends, that docs/ring.md explains in one table. Plain
 * loads and stores stay for memory that one side owns at that moment.
 *
 * Source: C11 7.17. On x86 acquire and release cost nothing but keep the
 * compiler honest; fence_full() is the one that costs (a locked operation).
 */
#ifndef SHM_ATOMIC_H
#define SHM_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * For what stands in a loop once per message: it must be inlined whole. If a
 * single call takes the address of a ring's handle, a compiler keeps all of
 * its counts in memory, and each message waits for the stores of the one
 * before it (measured: 8-byte messages take 2.5 times as long).
 */
#define SHM_HOT static inline __attribute__((always_inline))

#define load_relaxed(p) atomic_load_explicit((p), memory_order_relaxed)
#define load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
#define store_relaxed(p, v) \
	atomic_store_explicit((p), (v), memory_order_relaxed)
#define store_release(p, v) \
	atomic_store_explicit((p), (v), memory_order_release)
#define add_relaxed(p, v) \
	atomic_fetch_add_explicit((p), (v), memory_order_relaxed)

/* Bits on, bits off: doing it twice is doing it once. */
#define or_relaxed(p, bits) \
	atomic_fetch_or_explicit((p), (bits), memory_order_relaxed)
#define and_relaxed(p, bits) \
	atomic_fetch_and_explicit((p), (bits), memory_order_relaxed)

/*
 * One load of a plain word in memory that a peer may write meanwhile: the
 * compiler must not read it a second time after the copy was checked. Orders
 * nothing by itself.
 */
#define read_once(p) (*(const volatile __typeof__(*(p)) *)(p))

/*
 * Replace *p by desired if it holds *expected; else *expected takes what is
 * there. Full ordering on success, acquire on failure.
 */
#define cas_strong(p, expected, desired)                                    \
	atomic_compare_exchange_strong_explicit((p), (expected), (desired), \
						memory_order_seq_cst,       \
						memory_order_acquire)

/*
 * Orders every store before it against every load after it: what a release
 * store alone does not do on x86 (the store may wait in the store buffer).
 * The locked add on the stack is the same barrier as mfence and cheaper.
 */
static inline void fence_full(void)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__ __volatile__("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
	atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* One turn of a spin loop: frees the core's resources for its sibling. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/* The processor's counter, for comparing short times of one thread. */
static inline uint64_t cpu_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

/* Hints; any address is allowed, nothing faults. */
static inline void prefetch_read(const void *p)
{
	__builtin_prefetch(p, 0, 3);
}

static inline void prefetch_write(const void *p)
{
	__builtin_prefetch(p, 1, 3);
}

#endif
