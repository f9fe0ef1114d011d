/* SPDX-License-Identifier: MIT */
/*
 * owner.h - who has one end of a channel, and who may take it over.
 *
 * An owner word holds a peer id and an epoch that grows with every taking, so
 * that a peer which was declared dead and is not can see that its end is no
 * longer its own. Ends are taken from nobody, or from a peer that the
 * server's table calls gone (region.h); never from a living one.
 *
 * Trust: any peer can write the word. The worst that does is to deny the end
 * to others (-SHM_EEXIST) or to make its owner stop (-SHM_EOWNER).
 */
#ifndef SHM_OWNER_H
#define SHM_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/atomic.h"
#include "shm/err.h"
#include "shm/region.h"

/* Bits 0..31: peer id + 1, 0 for nobody; bits 32..63: epoch. */
#define OWNER_WORD(epoch, id) ((uint64_t)(epoch) << 32 | ((uint64_t)(id) + 1))

/* Private: an end we took. */
struct owner {
	_Atomic uint64_t *word;
	uint64_t mine; /* what the word holds while it is ours */
};

/*
 * Take the end for peer id. 0: it was free; 1: its owner is gone and the end
 * was taken over; -SHM_EEXIST: a peer that may be alive has it.
 */
static inline int owner_take(struct owner *owner, const struct region *region,
			     _Atomic uint64_t *word, uint32_t id)
{
	uint64_t seen = load_acquire(word); /* [OWNER] */

	for (;;) {
		uint32_t holder = (uint32_t)seen;
		uint64_t mine = OWNER_WORD((uint32_t)(seen >> 32) + 1, id);

		if (holder &&
		    region_peer(region, holder - 1) != REGION_PEER_GONE)
			return -SHM_EEXIST;
		/* [OWNER] what the last owner left is visible to us; pairs
		 * with owner_release(). */
		if (cas_strong(word, &seen, mine)) {
			owner->word = word;
			owner->mine = mine;
			return holder != 0;
		}
	}
}

/* Nobody took it over. Cheap, but not for every message. */
SHM_HOT bool owner_holds(const struct owner *owner)
{
	return load_relaxed(owner->word) == owner->mine;
}

/* Give the end up; does nothing if it is no longer ours. */
static inline void owner_release(const struct owner *owner)
{
	uint64_t mine = owner->mine;

	/* [OWNER] our last words before the end is free. */
	(void)cas_strong(owner->word, &mine, mine & ~0xffffffffull);
}

/* A peer that may be alive has this end: taking it would be refused. */
static inline bool owner_lives(const struct region *region,
			       const _Atomic uint64_t *word)
{
	uint32_t holder = (uint32_t)load_acquire(word);

	return holder && region_peer(region, holder - 1) != REGION_PEER_GONE;
}

/* The peer that has this end is known to be dead. */
static inline bool owner_gone(const struct region *region,
			      const _Atomic uint64_t *word)
{
	uint32_t holder = (uint32_t)load_acquire(word);

	return holder && region_peer(region, holder - 1) == REGION_PEER_GONE;
}

#endif
