/* SPDX-License-Identifier: MIT */
/*
 * server.h - the ivshmem server: gives peers an id, the memory object and
 * everybody's doorbell eventfds, over a Unix socket.
 *
 * Compatible with QEMU's ivshmem-doorbell device and ivshmem-client (protocol
 * version 0). Differences from QEMU's example server: 64-bit sizes, a sealed
 * memfd, stale sockets are replaced, a slow client gets its messages late but
 * never loses one (only of a peer that came and went before anything about it
 * was sent it hears nothing), ids are not reused (a reused id makes QEMU 7.2
 * free its eventfds twice; docs/ivshmem-device.md).
 *
 * Threads: one owner thread. Nothing blocks: watch server_fd() for reading
 *          and call server_dispatch().
 * Trust:   clients may send anything, at any time, or nothing: any byte from
 *          a client is a protocol error that disconnects it.
 */
#ifndef SHM_LINK_SERVER_H
#define SHM_LINK_SERVER_H

#include <stdint.h>
#include <sys/types.h>

struct server;

/* A client that does not take its messages is dropped beyond this many. */
#define SERVER_QUEUE_MAX 1048576u

struct server_opts {
	const char *socket_path; /* a Unix socket path, < 108 bytes */
	int shm_fd;		 /* memory object; stays the caller's */
	uint32_t vectors_nr;	 /* eventfds per peer, 1..IVSHMEM_VECTORS_MAX */
	/*
	 * May be NULL. Which id the process pid (SO_PEERCRED) shall have;
	 * negative: the next free one. Not asked about a process of another
	 * pid namespace. Ids below reserved_nr are given only this way. An id
	 * given before is never given again: the connection is refused.
	 */
	int (*id_for_pid)(void *arg, pid_t pid);
	uint32_t reserved_nr;
	/* May be NULL. A peer is there / is gone. */
	void (*joined)(void *arg, uint32_t peer_id, pid_t pid);
	void (*left)(void *arg, uint32_t peer_id);
	void *arg;
};

/*
 * Bind and listen. A socket file nobody listens on is replaced; a living one
 * is -EADDRINUSE; something that is not a socket is -EEXIST. -EINVAL:
 * vectors_nr or path out of range.
 */
int server_create(struct server **out, const struct server_opts *opts);
/* The sentence for one of these errors, and what to do; never NULL. */
const char *server_strerror(int err);
/* Disconnects all (left() is not called), unlinks the socket. NULL is fine. */
void server_destroy(struct server *server);

/* Readable when server_dispatch() has something to do. */
int server_fd(const struct server *server);
/* Do what can be done now. 0, or -errno when the server itself is broken. */
int server_dispatch(struct server *server);

/*
 * Ring every peer's last vector: whoever watches the peers' states
 * (shm/region.h) learns that they changed and need not poll.
 */
void server_ring_all(const struct server *server);

/* Peers connected now. */
uint32_t server_peers_nr(const struct server *server);

#endif
