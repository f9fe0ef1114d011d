/* SPDX-License-Identifier: MIT */
/*
 * wait.h - waiting for the other side of a channel: spin, announce, sleep.
 *
 * The same for every ring and both directions. A waiter polls for spin_ns,
 * then arms its bell (bell.h), looks once more and sleeps in peer_wait().
 */
#ifndef SHM_WAIT_H
#define SHM_WAIT_H

#include <stdint.h>

#include "shm/bell.h"
#include "shm/peer.h"

/* About what a wake-up by doorbell costs (docs/ring.md, "Waiting"). */
#define WAIT_SPIN_DEFAULT_NS 50000ull
#define WAIT_SPIN_FOREVER    UINT64_MAX /* never sleeps */
#define WAIT_SPIN_NEVER	     0ull	/* one look, then sleep */

struct wait {
	/* Has `end` what it waits for? 1 yes, 0 no, or an error that ends the
	 * wait. Called often; one load when the answer is no. */
	int (*ready)(void *end);
	/* May it still come? 0, or the error that ends the wait
	 * (-SHM_EGONE). Asked before each sleep; NULL: it may. */
	int (*hopeless)(void *end);
	void *end;
	struct peer *peer;
	struct bell_waiter *bell;
	uint32_t vector; /* our own, which the other side rings */
	uint64_t spin_ns;
};

/*
 * 0: ready; -SHM_ETIMEDOUT after timeout_ns (UINT64_MAX: never); errors of
 * ready(), hopeless() and peer_wait(). A timeout of 0 looks once.
 */
int wait_until(const struct wait *w, uint64_t timeout_ns);

#endif
