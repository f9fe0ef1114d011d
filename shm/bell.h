/* SPDX-License-Identifier: MIT */
/*
 * bell.h - sleeping until the other side has something, with a doorbell only
 * when somebody really sleeps.
 *
 * The waiter arms its bell (writes that it is about to sleep), looks at the
 * shared state once more, then waits. The ringer makes its change visible,
 * looks at the bell, and rings only if it is armed, once per arming. Between
 * "write mine" and "look at theirs" both sides need a full fence, or each can
 * miss the other and sleep for ever ([BELL-ARM], [BELL-CHECK]; docs/ring.md).
 *
 * One struct bell has one waiter and one ringer, and lives in a cache line of
 * its own in shared memory: the waiter writes it, the ringer reads it.
 */
#ifndef SHM_BELL_H
#define SHM_BELL_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/atomic.h"
#include "shm/err.h"
#include "shm/peer.h"

struct bell {
	_Atomic uint32_t armed;	   /* 0: awake; else a ticket, new each time */
	_Atomic uint32_t doorbell; /* peer << 16 | vector to ring */
	uint8_t reserved[120];
};
_Static_assert(sizeof(struct bell) == 128, "layout");

/* The waiter's private side. */
struct bell_waiter {
	struct bell *bell;
	uint32_t ticket;
};

/* The ringer's private side. */
struct bell_ringer {
	const struct bell *bell;
	uint32_t rung; /* the ticket answered last */
};

/* Tell the ringer where the waiter sleeps: peer id and its vector. */
static inline void bell_set_target(struct bell_waiter *w, uint32_t peer_id,
				   uint32_t vector)
{
	store_relaxed(&w->bell->doorbell, peer_id << 16 | (vector & 0xffff));
}

/*
 * Become the bell's waiter, awake so far. Tickets of one waiter must differ
 * from those of the one before it at the same end, which the ringer may have
 * answered already: they begin with the clock.
 */
static inline void bell_take(struct bell_waiter *w, struct bell *bell,
			     struct peer *peer, uint32_t vector)
{
	w->bell = bell;
	w->ticket = (uint32_t)peer_now_ns(peer);
	bell_set_target(w, peer->id, vector);
}

/* After this, look at the shared state again before sleeping. */
static inline void bell_arm(struct bell_waiter *w)
{
	if (++w->ticket == 0)
		w->ticket = 1; /* 0 means awake */
	store_release(&w->bell->armed, w->ticket);
	/* [BELL-ARM] armed is visible before the state is read again; pairs
	 * with [BELL-CHECK]. */
	fence_full();
}

static inline void bell_disarm(struct bell_waiter *w)
{
	store_relaxed(&w->bell->armed, 0);
}

/*
 * A look without a fence: cheap enough for every message, but it may miss a
 * waiter that arms at this moment. Only bell_ring() is reliable.
 */
SHM_HOT bool bell_is_armed(const struct bell_ringer *r)
{
	uint32_t armed = load_relaxed(&r->bell->armed);

	return armed != 0 && armed != r->rung;
}

/*
 * The change is stored: ring if the waiter sleeps. Returns 1 when it rang,
 * 0 when nobody slept, or an error of notify().
 */
SHM_HOT int bell_ring(struct bell_ringer *r, struct peer *peer)
{
	uint32_t armed, doorbell;
	int err;

	/* [BELL-CHECK] the change is visible before armed is read; pairs with
	 * [BELL-ARM]. */
	fence_full();
	armed = load_acquire(&r->bell->armed);
	if (armed == 0 || armed == r->rung)
		return 0;
	r->rung = armed;
	doorbell = load_relaxed(&r->bell->doorbell);
	err = peer_notify(peer, doorbell >> 16, doorbell & 0xffff);
	return err ? err : 1;
}

#endif
