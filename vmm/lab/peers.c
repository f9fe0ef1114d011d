/* SPDX-License-Identifier: MIT */
/* peers.c - when is a peer dead? */
#include "vmm/lab/peers.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct one_peer {
	struct peers *peers;
	struct one_peer *next;
	uint32_t id;
	int pidfd;		  /* -1: cannot be watched */
	struct loop_watch *watch; /* NULL: still connected */
};

struct peers {
	struct loop *loop;
	const struct region *region;
	struct server *const *server;
	struct one_peer *list;
};

int peers_create(struct peers **out, struct loop *loop,
		 const struct region *region, struct server *const *server)
{
	struct peers *peers = malloc(sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	*peers = (struct peers){ .loop = loop,
				 .region = region,
				 .server = server };
	*out = peers;
	return 0;
}

static void one_free(struct one_peer *one)
{
	struct one_peer **link = &one->peers->list;

	while (*link != one)
		link = &(*link)->next;
	*link = one->next;
	loop_watch_del(one->peers->loop, &one->watch);
	if (one->pidfd >= 0)
		close(one->pidfd);
	free(one);
}

void peers_destroy(struct peers *peers)
{
	if (!peers)
		return;
	while (peers->list)
		one_free(peers->list);
	free(peers);
}

void peers_joined(struct peers *peers, uint32_t peer_id, pid_t pid)
{
	struct one_peer *one = malloc(sizeof(*one));

	region_peer_set(peers->region, peer_id, REGION_PEER_ALIVE);
	if (!one)
		return; /* it will never be called gone: safe */
	*one = (struct one_peer){
		.peers = peers, .next = peers->list, .id = peer_id, .pidfd = -1
	};
	/* Its connection is open, so the process exists and pid is its own. */
	if (pid > 0)
		one->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	peers->list = one;
}

static void on_death(void *arg, unsigned int revents)
{
	struct one_peer *one = arg;
	struct peers *peers = one->peers;

	(void)revents;
	region_peer_set(peers->region, one->id, REGION_PEER_GONE);
	one_free(one);
	if (*peers->server)
		server_ring_all(*peers->server);
}

void peers_left(struct peers *peers, uint32_t peer_id)
{
	struct one_peer *one = peers->list;

	while (one && one->id != peer_id)
		one = one->next;
	if (!one)
		return;
	if (one->pidfd >= 0 && !loop_watch_fd(peers->loop, one->pidfd, POLLIN,
					      on_death, one, &one->watch))
		return;
	region_peer_set(peers->region, peer_id, REGION_PEER_UNKNOWN);
	one_free(one);
}
