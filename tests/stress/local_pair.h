/* SPDX-License-Identifier: MIT */
/*
 * local_pair.h - shm/peer.h for threads of one process: a peer's bell is an
 * eventfd, and peers find each other in one table.
 */
#ifndef TESTS_STRESS_LOCAL_PAIR_H
#define TESTS_STRESS_LOCAL_PAIR_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shm/err.h"
#include "shm/peer.h"

#define LOCAL_PEERS_MAX 8u

struct local_peer {
	struct peer peer; /* first: ops get its address */
	int efd;
};

static struct local_peer local_peers[LOCAL_PEERS_MAX];

static inline int local_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	(void)peer;
	(void)vector;
	if (id >= LOCAL_PEERS_MAX)
		return 0;
	return eventfd_write(local_peers[id].efd, 1) ? -SHM_EIO : 0;
}

static inline int local_wait(struct peer *peer, uint32_t vector,
			     uint64_t timeout_ns)
{
	const struct local_peer *local = (struct local_peer *)peer;
	struct pollfd fd = { .fd = local->efd, .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};
	eventfd_t events;

	(void)vector;
	peer->sleeps_nr++;
	if (ppoll(&fd, 1, &timeout, NULL) < 0 && errno != EINTR)
		return -SHM_EIO;
	return eventfd_read(local->efd, &events) ? -SHM_ETIMEDOUT : 0;
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

/* Peers 0..LOCAL_PEERS_MAX-1 over one region. 0, or -1. */
static inline int local_peers_open(void *region, uint64_t region_len)
{
	for (uint32_t i = 0; i < LOCAL_PEERS_MAX; i++) {
		local_peers[i] = (struct local_peer){
			.peer = { .ops = &local_ops,
				  .region = region,
				  .region_len = region_len,
				  .id = i,
				  .vectors_nr = 1 },
			.efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		};
		if (local_peers[i].efd < 0)
			return -1;
	}
	return 0;
}

static inline void local_peers_close(void)
{
	for (uint32_t i = 0; i < LOCAL_PEERS_MAX; i++)
		close(local_peers[i].efd);
}

#endif
