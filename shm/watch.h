/* SPDX-License-Identifier: MIT */
/*
 * watch.h - looking at a channel without being one of its ends, for the
 * *_watch() of each ring.
 *
 * Onlookers only load, so the watched pay nothing but a cache line now and
 * then, and what is seen changes while one looks. A peer that dies leaves its
 * counts as they are: that it is gone says region_peer(), not a count.
 */
#ifndef SHM_WATCH_H
#define SHM_WATCH_H

#include <stdint.h>

#include "shm/atomic.h"
#include "shm/err.h"
#include "shm/owner.h"
#include "shm/region.h"

/* The channel of that kind in a directory slot. -SHM_ENOENT: none is there;
 * -SHM_EPEER: garbage. */
static inline int watch_find(const struct region *region, uint32_t slot,
			     uint32_t kind, struct region_info *info)
{
	int err = region_channel_at(region, slot, info);

	if (err)
		return err;
	return info->kind == kind ? 0 : -SHM_ENOENT;
}

/*
 * Two free-running counts of which one follows the other and is at most
 * `most` behind. -SHM_EPEER: it is ahead.
 */
static inline int watch_counts(const _Atomic uint64_t *head,
			       const _Atomic uint64_t *tail, uint64_t most,
			       uint64_t *head_idx, uint64_t *tail_idx)
{
	/* Head first: it can only fall behind while we look, so the distance
	 * may come out too large by what arrived in between, never negative. */
	*head_idx = load_acquire(head);
	*tail_idx = load_acquire(tail);
	if ((int64_t)(*tail_idx - *head_idx) < 0)
		return -SHM_EPEER;
	if (*tail_idx - *head_idx > most)
		*head_idx = *tail_idx - most;
	return 0;
}

/* So many of nr owner words, `stride` bytes apart, are of peers that may
 * live. */
static inline uint32_t watch_living(const struct region *region,
				    const _Atomic uint64_t *first,
				    uint64_t stride, uint32_t nr)
{
	const uint8_t *word = (const uint8_t *)first;
	uint32_t living = 0;

	/* TRUST: the caller has checked that the words are in the channel. */
	for (uint32_t i = 0; i < nr; i++, word += stride)
		living += owner_lives(region, (const void *)word);
	return living;
}

#endif
