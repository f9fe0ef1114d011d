/* SPDX-License-Identifier: MIT */
/* host_peer.c - a host process as a peer: eventfds for bells and ppoll. */
#include "shm/link/host_peer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "shm/err.h"
#include "shm/ivshmem.h"
#include "shm/link/client.h"
#include "shm/link/deadline.h"

#define NS_PER_MS 1000000ull

struct host_peer {
	struct peer peer;
	/*
	 * notify() may come from any thread and takes in link messages, which
	 * can close an eventfd that another thread is about to ring.
	 */
	pthread_mutex_t lock; /* guards client once open() is through */
	struct client *client;
	/* Own eventfds never change, so wait() needs no lock for them. */
	int own_efds[IVSHMEM_VECTORS_MAX];
};

static struct host_peer *host_of(struct peer *peer)
{
	return (struct host_peer *)((char *)peer -
				    offsetof(struct host_peer, peer));
}

static int bell_of(const struct host_peer *host, uint32_t peer_id,
		   uint32_t vector)
{
	if (peer_id == host->peer.id)
		return client_own_efd(host->client, vector);
	return client_peer_efd(host->client, peer_id, vector);
}

static int ring(int efd)
{
	const uint64_t one = 1;
	ssize_t ret;

	do {
		ret = write(efd, &one, sizeof(one));
	} while (ret < 0 && errno == EINTR);
	/* A full counter has been raised already: events coalesce. */
	return ret < 0 && errno != EAGAIN ? -SHM_EIO : 0;
}

static int notify(struct peer *peer, uint32_t peer_id, uint32_t vector)
{
	struct host_peer *host = host_of(peer);
	int err = 0;
	int efd;

	pthread_mutex_lock(&host->lock);
	efd = bell_of(host, peer_id, vector);
	if (efd < 0) {
		/* Its introduction may wait in the socket. A server that is
		 * gone changes nothing about the peers that are known. */
		(void)client_dispatch(host->client);
		efd = bell_of(host, peer_id, vector);
	}
	if (efd >= 0)
		err = ring(efd);
	pthread_mutex_unlock(&host->lock);
	return err;
}

/* 1: the vector had been raised, and no longer is; 0: not; -SHM_EIO. */
static int take_event(int efd)
{
	uint64_t events_nr;
	ssize_t ret;

	do {
		ret = read(efd, &events_nr, sizeof(events_nr));
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return 1;
	return errno == EAGAIN ? 0 : -SHM_EIO;
}

static int wait_event(struct peer *peer, uint32_t vector, uint64_t timeout_ns)
{
	struct host_peer *host = host_of(peer);
	struct pollfd fds[2] = { 0 };
	uint64_t deadline_ns = 0;
	int ret;

	if (vector >= peer->vectors_nr)
		return -SHM_EIO;
	fds[0] = (struct pollfd){ .fd = host->own_efds[vector],
				  .events = POLLIN };
	while ((ret = take_event(host->own_efds[vector])) == 0) {
		if (deadline_ns == 0) {
			if (timeout_ns == 0)
				return -SHM_ETIMEDOUT;
			peer->sleeps_nr++;
			deadline_ns = deadline_after_ns(timeout_ns);
		} else if (deadline_now_ns() >= deadline_ns) {
			/* Also when a busy link keeps waking us. */
			return -SHM_ETIMEDOUT;
		}
		pthread_mutex_lock(&host->lock);
		fds[1] = (struct pollfd){ .fd = client_fd(host->client),
					  .events = POLLIN };
		pthread_mutex_unlock(&host->lock);
		if (deadline_poll(fds, 2, deadline_ns) < 0)
			return -SHM_EIO;
		if (fds[1].revents) {
			pthread_mutex_lock(&host->lock);
			(void)client_dispatch(host->client);
			pthread_mutex_unlock(&host->lock);
		}
	}
	return ret < 0 ? ret : 0;
}

static uint64_t now_ns(struct peer *peer)
{
	(void)peer;
	return deadline_now_ns();
}

static const struct peer_ops host_ops = {
	.notify = notify,
	.wait = wait_event,
	.now_ns = now_ns,
};

static int await_vectors(struct client *client, uint32_t vectors_nr,
			 uint64_t deadline_ns)
{
	for (;;) {
		struct pollfd link = { .fd = client_fd(client),
				       .events = POLLIN };
		int ret = client_dispatch(client);

		if (client_vectors_nr(client) >= vectors_nr)
			return 0;
		if (ret)
			return ret;
		ret = deadline_poll(&link, 1, deadline_ns);
		if (ret < 0)
			return ret;
		if (ret == 0)
			return -ETIMEDOUT;
	}
}

int host_peer_open(struct host_peer **out, const char *path,
		   uint32_t vectors_nr, int timeout_ms)
{
	uint64_t deadline_ns = deadline_after_ns(
		timeout_ms > 0 ? (uint64_t)timeout_ms * NS_PER_MS : 0);
	const struct shmem *shmem;
	struct host_peer *host;
	int err;

	if (vectors_nr > IVSHMEM_VECTORS_MAX)
		return -EINVAL;
	host = malloc(sizeof(*host));
	if (!host)
		return -ENOMEM;
	*host = (struct host_peer){ .lock = PTHREAD_MUTEX_INITIALIZER };

	err = client_connect(&host->client, path, timeout_ms, NULL);
	if (err)
		goto fail;
	err = await_vectors(host->client, vectors_nr, deadline_ns);
	if (err)
		goto fail;
	shmem = client_shmem(host->client);
	host->peer = (struct peer){
		.ops = &host_ops,
		.region = shmem->hva,
		.region_len = shmem->len,
		.id = client_id(host->client),
		.vectors_nr = vectors_nr,
	};
	for (uint32_t i = 0; i < vectors_nr; i++)
		host->own_efds[i] = client_own_efd(host->client, i);
	*out = host;
	return 0;

fail:
	host_peer_close(host);
	return err;
}

void host_peer_close(struct host_peer *host)
{
	if (!host)
		return;
	client_destroy(host->client);
	pthread_mutex_destroy(&host->lock);
	free(host);
}

struct peer *host_peer_peer(struct host_peer *host)
{
	return &host->peer;
}
