/* SPDX-License-Identifier: MIT */
/*
 * client.h - a peer's end of the ivshmem client-server protocol.
 *
 * Owns the socket, the mapped memory object and every eventfd it was sent,
 * until client_destroy() or, for a peer's eventfds, until after the
 * peer_gone() callback.
 *
 * Threads: one owner thread.
 * Trust:   the server is trusted with our memory, not with our life: a
 *          message out of place is logged by the caller as the error returned
 *          and ends the connection, never the process.
 */
#ifndef SHM_LINK_CLIENT_H
#define SHM_LINK_CLIENT_H

#include <stdint.h>

#include "shm/link/shmem.h"

struct client;

/* Called from client_connect() and client_dispatch(). Any may be NULL. */
struct client_events {
	/* Peer id (never our own) can be rung on vector through efd. */
	void (*peer_vector)(void *arg, uint32_t peer_id, uint32_t vector,
			    int efd);
	/* Our own vector arrives on efd. */
	void (*own_vector)(void *arg, uint32_t vector, int efd);
	void (*peer_gone)(void *arg, uint32_t peer_id);
	/* The server closed or broke the protocol (err: -errno). What is known
	 * stays usable, as with QEMU. Called once. */
	void (*server_gone)(void *arg, int err);
	void *arg;
};

/*
 * Connect to path and receive version, id and memory object; waits for them
 * at most timeout_ms. Extra fds (vectors beyond IVSHMEM_VECTORS_MAX) are
 * closed. -EPROTO: not this protocol; -EPROTONOSUPPORT: another version;
 * -ETIMEDOUT; -errno of socket, connect and shmem_map().
 */
int client_connect(struct client **out, const char *path, int timeout_ms,
		   const struct client_events *events);
/* The sentence for one of these errors, and what to do; never NULL. */
const char *client_strerror(int err);
void client_destroy(struct client *client);

uint32_t client_id(const struct client *client);
const struct shmem *client_shmem(const struct client *client);
/*
 * Own vectors received so far (0..IVSHMEM_VECTORS_MAX); the protocol does not
 * say when all are there. The server of this project sends them right behind
 * the memory object.
 */
uint32_t client_vectors_nr(const struct client *client);
/* Own eventfd, or -1. */
int client_own_efd(const struct client *client, uint32_t vector);
/* A peer's eventfd, or -1: no such peer or vector. O(1). */
int client_peer_efd(const struct client *client, uint32_t peer_id,
		    uint32_t vector);

/*
 * Call own_vector() and peer_vector() again for all that is known now: for an
 * owner that could not use them while it was being set up.
 */
void client_replay(const struct client *client);

/* Readable when client_dispatch() has something to do; -1: server gone. */
int client_fd(const struct client *client);
/* Take in all messages that arrived. 0, or -errno once the server is gone. */
int client_dispatch(struct client *client);

#endif
