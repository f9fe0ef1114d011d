/* SPDX-License-Identifier: MIT */
/*
 * fake_peer.h - shm/peer.h without time and threads: the clock moves only when
 * somebody looks at it or waits, and a hook plays the rest of the world while
 * the peer sleeps.
 */
#ifndef TESTS_UNIT_FAKE_PEER_H
#define TESTS_UNIT_FAKE_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/err.h"
#include "shm/peer.h"

struct fake_peer {
	struct peer peer; /* first: ops get its address */
	uint64_t clock_ns;
	uint64_t tick_ns;	  /* what one look at the clock costs */
	int notify_err, wait_err; /* 0: work */
	bool raised; /* an event is there, the next wait takes it */
	/* Called in wait(), before it looks for an event. */
	void (*asleep)(struct fake_peer *fake);
	void *arg;
	/* What was asked of it. */
	uint32_t notifies_nr, rung_id, rung_vector;
	uint32_t waits_nr, wait_vector;
	uint64_t wait_ns;
};

static inline int fake_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	struct fake_peer *fake = (struct fake_peer *)peer;

	fake->notifies_nr++;
	fake->rung_id = id;
	fake->rung_vector = vector;
	return fake->notify_err;
}

static inline int fake_wait(struct peer *peer, uint32_t vector,
			    uint64_t timeout_ns)
{
	struct fake_peer *fake = (struct fake_peer *)peer;

	fake->waits_nr++;
	fake->wait_vector = vector;
	fake->wait_ns = timeout_ns;
	if (fake->asleep)
		fake->asleep(fake);
	if (fake->wait_err)
		return fake->wait_err;
	if (fake->raised) {
		fake->raised = false;
		return 0;
	}
	fake->clock_ns += timeout_ns;
	return -SHM_ETIMEDOUT;
}

static inline uint64_t fake_now_ns(struct peer *peer)
{
	struct fake_peer *fake = (struct fake_peer *)peer;

	fake->clock_ns += fake->tick_ns;
	return fake->clock_ns;
}

static const struct peer_ops fake_peer_ops = {
	.notify = fake_notify,
	.wait = fake_wait,
	.now_ns = fake_now_ns,
};

static inline void fake_peer_init(struct fake_peer *fake, uint32_t id,
				  void *region, uint64_t region_len)
{
	*fake = (struct fake_peer){
		.peer = { .ops = &fake_peer_ops,
			  .region = region,
			  .region_len = region_len,
			  .id = id,
			  .vectors_nr = 4 },
		.clock_ns = 1000000,
		.tick_ns = 1000,
	};
}

#endif
