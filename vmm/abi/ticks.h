/* SPDX-License-Identifier: MIT */
/*
 * ticks.h - a clock that calls a function every so often, on a thread of its
 * own, from when somebody first wants it.
 *
 * Threads: ticks_start() from any; create and destroy from one.
 */
#ifndef VMM_ABI_TICKS_H
#define VMM_ABI_TICKS_H

#include <stdint.h>

struct ticks;

/* fn(arg) every period_ns; a late call is not made up for. */
int ticks_create(struct ticks **out, uint64_t period_ns, void (*fn)(void *arg),
		 void *arg);
/* When it returns, fn is not called again. NULL is fine. */
void ticks_destroy(struct ticks *ticks);
/* Begin, unless begun. A failure is logged: then there are no ticks. */
void ticks_start(struct ticks *ticks);

#endif
