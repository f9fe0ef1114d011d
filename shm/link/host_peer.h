/* SPDX-License-Identifier: MIT */
/*
 * host_peer.h - shm/peer.h for a host process that joined over the link.
 *
 * Threads: as shm/peer.h says: notify() from any, everything else from one.
 */
#ifndef SHM_LINK_HOST_PEER_H
#define SHM_LINK_HOST_PEER_H

#include "shm/peer.h"

struct host_peer;

/*
 * Join the server at path; waits until the first `vectors_nr` own vectors are
 * there, at most timeout_ms. Errors as client_connect().
 */
int host_peer_open(struct host_peer **out, const char *path,
		   uint32_t vectors_nr, int timeout_ms);
void host_peer_close(struct host_peer *host);

/* Valid until host_peer_close(). */
struct peer *host_peer_peer(struct host_peer *host);

#endif
