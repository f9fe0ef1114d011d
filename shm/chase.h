/* SPDX-License-Identifier: MIT */
/*
 * chase.h - a consumer that runs on its producer's heels stands back a moment.
 *
 * A consumer faster than its producer finds a message or two at each look,
 * and each look takes the producer's index line and the line being written
 * away from it: both get slow together, by a factor of 2 to 10 (measured,
 * docs/ring.md). After a few such looks in a row the consumer pauses before
 * the next one. Looks that find nothing end that at once: who waits for an
 * answer must not get it late.
 *
 * Private to one consumer; no shared memory.
 */
#ifndef SHM_CHASE_H
#define SHM_CHASE_H

#include <stdint.h>

#include "shm/atomic.h"

#define CHASE_LEN	     2048u /* bytes gained with one look: more is no chase */
#define CHASE_LOOKS_NR	     8u /* looks in vain before it: more is waiting */
#define CHASE_ROW_NR	     4u /* such looks in a row make a chase */
#define CHASE_PAUSES_DEFAULT 32u

struct chase {
	uint32_t looks_nr;  /* in vain since the last gain */
	uint32_t row_nr;    /* small gains in a row */
	uint32_t pauses_nr; /* cpu_relax() before a look; 0: never */
};

SHM_HOT void chase_init(struct chase *c)
{
	c->looks_nr = 0;
	c->row_nr = 0;
	c->pauses_nr = CHASE_PAUSES_DEFAULT;
}

/* Before a look. */
SHM_HOT void chase_pause(const struct chase *c)
{
	if (c->row_nr >= CHASE_ROW_NR)
		for (uint32_t i = 0; i < c->pauses_nr; i++)
			cpu_relax();
}

/* After it: so many bytes have come. */
SHM_HOT void chase_judge(struct chase *c, uint64_t gained_len)
{
	if (gained_len == 0) {
		c->looks_nr++;
		if (c->row_nr >= CHASE_ROW_NR)
			c->row_nr = 0;
		return;
	}
	if (gained_len < CHASE_LEN && c->looks_nr <= CHASE_LOOKS_NR)
		c->row_nr++;
	else
		c->row_nr = 0;
	c->looks_nr = 0;
}

#endif
