/* SPDX-License-Identifier: MIT */
/* wait.c - when does a waiter stop polling, and when does it stop waiting? */
#include "shm/wait.h"

#include "shm/atomic.h"
#include "shm/err.h"

/*
 * A sleeper looks for itself this often: a peer that paused without a flush
 * costs latency, not a hang, and one that died is noticed.
 */
#define BACKSTOP_NS		10000000ull
#define SPINS_PER_LOOK_AT_CLOCK 32u

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Poll until ready or until end_ns. 1 ready, 0 not, or an error. */
static int spin(const struct wait *w, uint64_t end_ns)
{
	for (;;) {
		for (uint32_t i = 0; i < SPINS_PER_LOOK_AT_CLOCK; i++) {
			int answer = w->ready(w->end);

			if (answer)
				return answer;
			cpu_relax();
		}
		if (peer_now_ns(w->peer) >= end_ns)
			return 0;
	}
}

/* Announce, look again, sleep. 1 ready, 0 not, or an error. */
static int doze(const struct wait *w, uint64_t left_ns)
{
	int answer;

	bell_arm(w->bell);
	answer = w->ready(w->end); /* [BELL-ARM] the look after the fence */
	if (!answer) {
		int err = peer_wait(w->peer, w->vector,
				    left_ns < BACKSTOP_NS ? left_ns
							  : BACKSTOP_NS);
		if (err && err != -SHM_ETIMEDOUT)
			answer = err;
		else
			answer = w->ready(w->end);
		if (err == -SHM_ETIMEDOUT && answer > 0)
			w->peer->late_nr++;
	}
	bell_disarm(w->bell);
	return answer;
}

int wait_until(const struct wait *w, uint64_t timeout_ns)
{
	int answer = w->ready(w->end);
	uint64_t now, deadline, spin_end;

	if (answer || !timeout_ns)
		return answer < 0 ? answer : answer ? 0 : -SHM_ETIMEDOUT;
	now = peer_now_ns(w->peer);
	deadline = add_capped(now, timeout_ns);
	spin_end = add_capped(now, w->spin_ns);
	if (w->spin_ns)
		answer = spin(w, spin_end < deadline ? spin_end : deadline);
	while (!answer) {
		int err = w->hopeless ? w->hopeless(w->end) : 0;

		if (err) {
			/* What was sent before the end still counts. */
			answer = w->ready(w->end);
			return answer > 0 ? 0 : answer ? answer : err;
		}
		now = peer_now_ns(w->peer);
		if (now >= deadline)
			return -SHM_ETIMEDOUT;
		answer = doze(w, deadline - now);
	}
	return answer < 0 ? answer : 0;
}
