/* SPDX-License-Identifier: MIT */
/*
 * chase.h - a consumer that runs on its producer's heels stands back a moment.
 *
 * A consumer faster than its producer finds a message or two at each look,
 * and each look takes the producer's index line away from it: the producer's
 * next store waits until the line is back, about as long as the look took,
 * and both get slow together, by a factor of 2 to 10 (measured, docs/ring.md).
 * After a few such looks in a row the consumer waits before the next one,
 * CHASE_WAIT_LOOKS times as long as a look takes here: then the producer
 * loses at most about 1 part in that many, and no message comes later than
 * that. Looks that find nothing end it at once: who waits for an answer must
 * not get it late.
 *
 * Private to one consumer; no shared memory.
 */
#ifndef SHM_CHASE_H
#define SHM_CHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/atomic.h"

#define CHASE_LEN	     2048u /* bytes gained with one look: more is no chase */
#define CHASE_LOOKS_NR	     8u /* looks in vain before it: more is waiting */
#define CHASE_ROW_NR	     4u /* such looks in a row make a chase */
#define CHASE_WAIT_LOOKS     8u /* 0 in a handle: never wait */
#define CHASE_LOOK_MAX_TICKS 2048u /* a longer one was interrupted */

struct chase {
	uint32_t looks_nr;    /* in vain since the last gain */
	uint32_t row_nr;      /* small gains in a row */
	uint32_t wait_looks;  /* may be changed by the owner */
	uint32_t look_ticks8; /* 8 times what a look that gains takes */
	uint64_t look_start;
	uint64_t ring_len;
};

/* ring_len: bytes; half of it gained at once ends a chase. */
SHM_HOT void chase_init(struct chase *c, uint64_t ring_len)
{
	c->looks_nr = 0;
	c->row_nr = 0;
	c->wait_looks = CHASE_WAIT_LOOKS;
	c->look_ticks8 = 0;
	c->look_start = 0;
	c->ring_len = ring_len;
}

/* Before a look. */
SHM_HOT void chase_wait(struct chase *c)
{
	uint64_t start;

	if (!c->row_nr)
		return;
	start = cpu_ticks();
	c->look_start = start;
	if (c->row_nr < CHASE_ROW_NR)
		return;
	while (c->look_start - start <
	       (uint64_t)c->look_ticks8 * c->wait_looks / 8) {
		cpu_relax();
		c->look_start = cpu_ticks();
	}
}

/* A look began a row or was part of it; one in vain need not fetch a line. */
SHM_HOT void chase_learn(struct chase *c)
{
	uint64_t ticks = cpu_ticks() - c->look_start;

	if (ticks > CHASE_LOOK_MAX_TICKS)
		ticks = CHASE_LOOK_MAX_TICKS;
	c->look_ticks8 += (uint32_t)ticks - c->look_ticks8 / 8;
}

/* After it: so many bytes have come. */
SHM_HOT void chase_judge(struct chase *c, uint64_t gained_len)
{
	bool chase = c->row_nr >= CHASE_ROW_NR;

	if (gained_len == 0) {
		c->looks_nr++;
		if (chase)
			c->row_nr = 0;
		return;
	}
	if (c->row_nr)
		chase_learn(c);
	/* What came while we waited is no reason to stop waiting; a producer
	 * that is about to fill the ring is. */
	if (chase ? gained_len >= c->ring_len / 2
		  : gained_len >= CHASE_LEN || c->looks_nr > CHASE_LOOKS_NR)
		c->row_nr = 0;
	else if (!chase)
		c->row_nr++;
	c->looks_nr = 0;
}

#endif
