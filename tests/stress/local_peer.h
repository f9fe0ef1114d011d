/* SPDX-License-Identifier: MIT */
/* local_peer.h - shm/peer.h for threads of one process: a bell is an eventfd,
 * and a thread is found by its vector, so that its peer id may change. */
#ifndef TESTS_STRESS_LOCAL_PEER_H
#define TESTS_STRESS_LOCAL_PEER_H

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shm/err.h"
#include "shm/peer.h"

struct local_peer {
	struct peer peer; /* first: ops get its address */
	const int *efds;  /* of all threads, by vector */
	uint32_t efds_nr;
};

static inline int local_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	const struct local_peer *local = (struct local_peer *)peer;

	(void)id;
	return vector < local->efds_nr && eventfd_write(local->efds[vector], 1)
		       ? -SHM_EIO
		       : 0;
}

static inline int local_wait(struct peer *peer, uint32_t vector,
			     uint64_t timeout_ns)
{
	const struct local_peer *local = (struct local_peer *)peer;
	struct pollfd fd = { .fd = local->efds[vector], .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};
	eventfd_t events;

	peer->sleeps_nr++;
	if (ppoll(&fd, 1, &timeout, NULL) < 0 && errno != EINTR)
		return -SHM_EIO;
	return eventfd_read(fd.fd, &events) ? -SHM_ETIMEDOUT : 0;
}

static inline uint64_t local_now_ns(struct peer *peer)
{
	struct timespec now;

	(void)peer;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const struct peer_ops local_ops = {
	.notify = local_notify,
	.wait = local_wait,
	.now_ns = local_now_ns,
};

#endif
