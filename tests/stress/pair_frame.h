/* SPDX-License-Identifier: MIT */
/*
 * pair_frame.h - the frame of the stress programs with two threads, one at
 * each end of one ring: memory, peers, threads, one line of result per case.
 *
 * Work is counted, not timed. A case that loses a wake-up for good ends with
 * the program, by alarm().
 */
#ifndef TESTS_STRESS_PAIR_FRAME_H
#define TESTS_STRESS_PAIR_FRAME_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shm/region.h"
#include "tests/stress/local_pair.h"

#define PAIR_TIMEOUT_S 120
#define PAIR_WAIT_NS   20000000000ull /* more than any wait should take */

/* What an end does with its peer: NULL, or what went wrong. */
typedef const char *pair_side_fn(struct peer *peer);

struct pair_case {
	const char *name;
	uint64_t region_len;
	/* Put the ring into pair_region. NULL: the sides format the region
	 * themselves, in a race. */
	bool (*make)(void);
	pair_side_fn *tx, *rx;
};

static struct region pair_region;

struct pair_side {
	pair_side_fn *fn;
	struct peer *peer;
	const char *fault;
	pthread_t thread;
};

static inline void *pair_thread(void *arg)
{
	struct pair_side *side = arg;

	side->fault = side->fn(side->peer);
	return NULL;
}

static inline const char *pair_run_sides(const struct pair_case *c)
{
	struct pair_side sides[2] = {
		{ .fn = c->rx, .peer = &local_peers[0].peer },
		{ .fn = c->tx, .peer = &local_peers[1].peer },
	};

	if (pthread_create(&sides[0].thread, NULL, pair_thread, &sides[0]))
		return "cannot create a thread";
	if (pthread_create(&sides[1].thread, NULL, pair_thread, &sides[1]))
		exit(EXIT_FAILURE); /* the other one waits for it */
	pthread_join(sides[0].thread, NULL);
	pthread_join(sides[1].thread, NULL);
	return sides[0].fault ? sides[0].fault : sides[1].fault;
}

/* EXIT_SUCCESS or EXIT_FAILURE, after a line that says which. */
static inline int pair_run(const struct pair_case *c)
{
	void *mem = mmap(NULL, c->region_len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *fault = "cannot make the ring";

	if (mem == MAP_FAILED || local_peers_open(mem, c->region_len)) {
		printf("not ok %s # cannot make memory or eventfds\n", c->name);
		exit(EXIT_FAILURE);
	}
	if (!c->make ||
	    (!region_create(&pair_region, mem, c->region_len) && c->make()))
		fault = pair_run_sides(c);
	printf("%s %s%s%s\n# %ju doorbells, %ju sleeps\n",
	       fault ? "not ok" : "ok", c->name, fault ? " # " : "",
	       fault ? fault : "",
	       (uintmax_t)(local_peers[0].peer.doorbells_nr +
			   local_peers[1].peer.doorbells_nr),
	       (uintmax_t)(local_peers[0].peer.sleeps_nr +
			   local_peers[1].peer.sleeps_nr));
	local_peers_close();
	munmap(mem, c->region_len);
	return fault ? EXIT_FAILURE : EXIT_SUCCESS;
}

static inline void pair_begin(void)
{
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(PAIR_TIMEOUT_S); /* default action: the program dies */
}

#endif
