/* SPDX-License-Identifier: MIT */
/*
 * peers.h - keeps the region's table of peer states true: alive from the
 * moment a peer joins, gone when its process is dead, and not before.
 *
 * A connection that ends proves nothing: a peer that was dropped for being
 * slow still has the memory mapped and may be writing. Its ends of channels
 * must not go to another before it is certain to have stopped
 * (shm/owner.h), so death is what the process's pidfd tells.
 *
 * Threads: the loop's.
 */
#ifndef VMM_LAB_PEERS_H
#define VMM_LAB_PEERS_H

#include <stdint.h>
#include <sys/types.h>

#include "shm/link/server.h"
#include "shm/region.h"
#include "vmm/core/loop.h"

struct peers;

/* All outlive it; *server may be made later. */
int peers_create(struct peers **out, struct loop *loop,
		 const struct region *region, struct server *const *server);
/* NULL is fine. Before the loop goes. */
void peers_destroy(struct peers *peers);

/* What the server tells (server_opts). */
void peers_joined(struct peers *peers, uint32_t peer_id, pid_t pid);
/*
 * Once its process is dead: gone in the table, and everybody is rung. A peer
 * whose process cannot be watched (another pid namespace) becomes unknown.
 */
void peers_left(struct peers *peers, uint32_t peer_id);

#endif
