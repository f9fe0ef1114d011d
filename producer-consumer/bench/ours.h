/* SPDX-License-Identifier: MIT */
/*
 * ours.h - what the adapters of our own rings have in common: a region of the
 * right size, and surroundings in which nobody ever sleeps.
 *
 * Freestanding: guests compile the adapters too.
 */
#ifndef PRODUCER_CONSUMER_BENCH_OURS_H
#define PRODUCER_CONSUMER_BENCH_OURS_H

#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "shm/peer.h"
#include "shm/region.h"

/* Directory, headers and alignment beside the slots. */
#define OURS_EXTRA_LEN (128ull << 10)

/* The power of two that has room for a channel of len bytes; 0 for 0. */
static inline uint64_t ours_region_len(uint64_t len)
{
	uint64_t region_len = OURS_EXTRA_LEN;

	while (len && region_len < len + OURS_EXTRA_LEN)
		region_len *= 2;
	return len ? region_len : 0;
}

static inline int ours_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	(void)peer;
	(void)id;
	(void)vector;
	return 0;
}

static inline int ours_wait(struct peer *peer, uint32_t vector, uint64_t ns)
{
	(void)peer;
	(void)vector;
	(void)ns;
	return 0;
}

static inline uint64_t ours_now_ns(struct peer *peer)
{
	(void)peer;
	return loops_stamp();
}

/* What an end keeps pointers to: it stands behind the end in its handle. */
struct ours_room {
	struct peer peer;
	struct region region;
};

/* The measured ends only try: none of peer's operations is on the way. */
static inline int ours_enter(struct ours_room *room, uint32_t id, void *mem,
			     uint64_t mem_len)
{
	static const struct peer_ops peer_ops = { ours_notify, ours_wait,
						  ours_now_ns };

	room->peer = (struct peer){ .ops = &peer_ops,
				    .region = mem,
				    .region_len = mem_len,
				    .id = id,
				    .vectors_nr = 1 };
	return region_attach(&room->region, mem, mem_len);
}

#endif
