/* SPDX-License-Identifier: MIT */
/*
 * ambush.h - lets a fuzz target change shared memory just before the code
 * under test loads from it: a check of one load and a use of another is then
 * found by one thread, without luck.
 *
 * Put before every file of such a target, shm/ included (-include in the
 * Makefile); it stands in front of what shm/atomic.h calls the loads.
 */
#ifndef TESTS_FUZZ_AMBUSH_H
#define TESTS_FUZZ_AMBUSH_H

#include "shm/atomic.h"

/* NULL: nobody waits. Weak, so that all files have one and the same. */
__attribute__((weak)) void (*fuzz_ambush)(void);

#define FUZZ_AMBUSH() (fuzz_ambush ? fuzz_ambush() : (void)0)

/* Reading an _Atomic object without a function has the strongest order. */
#undef load_relaxed
#define load_relaxed(p) (FUZZ_AMBUSH(), *(p))
#undef load_acquire
#define load_acquire(p) (FUZZ_AMBUSH(), *(p))
#undef read_once
#define read_once(p) (FUZZ_AMBUSH(), *(const volatile __typeof__(*(p)) *)(p))
#undef cas_strong
#define cas_strong(p, expected, desired) \
	(FUZZ_AMBUSH(),                  \
	 atomic_compare_exchange_strong((p), (expected), (desired)))

#endif
