/* SPDX-License-Identifier: MIT */
/*
 * peer.h - what a ring needs from its surroundings.
 *
 * One interface, implemented by guests/driver (bare guest: BAR2, doorbell
 * register, MSI-X) and shm/link (host process: memfd, eventfds). A program
 * written against it runs in either, in any mix.
 *
 * Threads: a struct peer belongs to one thread, except notify(), which any
 * thread may call. Two threads of one process that both sleep need two
 * vectors and two struct peer over the same region.
 * Trust:   region is memory that every peer can write at any moment.
 */
#ifndef SHM_PEER_H
#define SHM_PEER_H

#include <stdint.h>

#define PEER_ID_MAX	  65535u /* 16 bits in the doorbell register */
#define PEER_WAIT_FOREVER UINT64_MAX

struct peer;

struct peer_ops {
	/*
	 * Raise vector at peer_id. Nobody there: silently nothing, as the
	 * ivshmem doorbell register does. 0, or -SHM_EIO.
	 * Ordering [BELL-RING]: stores before the call are visible to whoever
	 * wakes from it.
	 */
	int (*notify)(struct peer *peer, uint32_t peer_id, uint32_t vector);
	/*
	 * Sleep until vector is raised or timeout_ns passes. Events coalesce:
	 * one return may stand for many, and an event from before the call
	 * returns at once. 0 raised, -SHM_ETIMEDOUT, -SHM_EIO.
	 */
	int (*wait)(struct peer *peer, uint32_t vector, uint64_t timeout_ns);
	/* Monotonic nanoseconds; comparable within this peer only. */
	uint64_t (*now_ns)(struct peer *peer);
};

struct peer {
	const struct peer_ops *ops;
	void *region;	       /* mapped write-back, page aligned */
	uint64_t region_len;   /* bytes */
	uint32_t id;	       /* what others ring: 0..PEER_ID_MAX */
	uint32_t vectors_nr;   /* own vectors are 0..vectors_nr-1; 0: no bell */
	uint64_t doorbells_nr; /* notify() calls, for reports */
	uint64_t sleeps_nr;    /* wait() calls that slept, for reports */
	uint64_t late_nr;      /* of them: nothing rang, and yet something had
				* come. The other end paused without a flush,
				* or its doorbell got lost. */
};

static inline int peer_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	peer->doorbells_nr++;
	return peer->ops->notify(peer, id, vector);
}

static inline int peer_wait(struct peer *peer, uint32_t vector,
			    uint64_t timeout_ns)
{
	return peer->ops->wait(peer, vector, timeout_ns);
}

static inline uint64_t peer_now_ns(struct peer *peer)
{
	return peer->ops->now_ns(peer);
}

#endif
