/* SPDX-License-Identifier: MIT */
/* bells.c - whom does a doorbell value ring? */
#include "vmm/devices/bells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/log.h"

struct bell {
	int efd;     /* -1: unknown */
	bool in_kvm; /* its ioeventfd is in place */
};

/* As long as the highest vector told asks for: most peers have one or two. */
struct bells_peer {
	uint32_t bells_nr;
	struct bell bells[];
};

typedef void bell_fn(const struct bells *bells, struct bell *bell,
		     uint32_t value);

static void bell_place(const struct bells *bells, struct bell *bell,
		       uint32_t value)
{
	static struct log_limit limit;
	int err;

	if (!bells->placed || bell->efd < 0)
		return;
	err = kvm_ioeventfd_add(bells->kvm, bells->gpa, value, bell->efd);
	bell->in_kvm = !err;
	/* Not an error to pass on: the store exits and bells_ring() does it.
	 * It stays so until the register moves. */
	if (err)
		log_limited(&limit,
			    "ivshmem: doorbell of peer %u vector %u exits: %s",
			    value >> 16, value & 0xffff, strerror(-err));
}

static void bell_unplace(const struct bells *bells, struct bell *bell,
			 uint32_t value)
{
	if (bell->in_kvm)
		kvm_ioeventfd_del(bells->kvm, bells->gpa, value, bell->efd);
	bell->in_kvm = false;
}

static struct bells_peer *find_peer(const struct bells *bells, uint32_t peer_id)
{
	const struct bells_page *page;

	if (peer_id >= IVSHMEM_PEERS_MAX)
		return NULL;
	page = bells->pages[peer_id / BELLS_PAGE_NR];
	return page ? page->peers[peer_id % BELLS_PAGE_NR] : NULL;
}

/* Room for vector of peer_id, or NULL: no memory. */
static struct bell *make_bell(struct bells *bells, uint32_t peer_id,
			      uint32_t vector)
{
	struct bells_page **page = &bells->pages[peer_id / BELLS_PAGE_NR];
	struct bells_peer *grown, *peer = find_peer(bells, peer_id);
	uint32_t nr = peer ? peer->bells_nr : 0;

	if (vector < nr)
		return &peer->bells[vector];
	if (!*page)
		*page = calloc(1, sizeof(**page));
	if (!*page)
		return NULL;
	grown = realloc(peer,
			sizeof(*peer) + (vector + 1) * sizeof(peer->bells[0]));
	if (!grown)
		return NULL;
	while (nr <= vector)
		grown->bells[nr++] = (struct bell){ .efd = -1 };
	grown->bells_nr = nr;
	(*page)->peers[peer_id % BELLS_PAGE_NR] = grown;
	return &grown->bells[vector];
}

int bells_set(struct bells *bells, uint32_t peer_id, uint32_t vector, int efd)
{
	uint32_t value = IVSHMEM_DOORBELL(peer_id, vector);
	struct bell *bell;

	if (peer_id >= IVSHMEM_PEERS_MAX || vector >= IVSHMEM_VECTORS_MAX)
		return -EINVAL;
	bell = make_bell(bells, peer_id, vector);
	if (!bell)
		return -ENOMEM;
	bell_unplace(bells, bell, value);
	bell->efd = efd;
	bell_place(bells, bell, value);
	return 0;
}

static void each_bell_of(const struct bells *bells, uint32_t peer_id,
			 bell_fn *fn)
{
	struct bells_peer *peer = find_peer(bells, peer_id);

	for (uint32_t i = 0; peer && i < peer->bells_nr; i++)
		fn(bells, &peer->bells[i], IVSHMEM_DOORBELL(peer_id, i));
}

/* Looks only at pages in use. */
static void each_bell(const struct bells *bells, bell_fn *fn)
{
	for (uint32_t i = 0; i < BELLS_PAGES_NR; i++)
		for (uint32_t j = 0; bells->pages[i] && j < BELLS_PAGE_NR; j++)
			each_bell_of(bells, i * BELLS_PAGE_NR + j, fn);
}

void bells_del_peer(struct bells *bells, uint32_t peer_id)
{
	struct bells_peer *peer = find_peer(bells, peer_id);

	if (!peer)
		return;
	each_bell_of(bells, peer_id, bell_unplace);
	bells->pages[peer_id / BELLS_PAGE_NR]->peers[peer_id % BELLS_PAGE_NR] =
		NULL;
	free(peer);
}

void bells_place(struct bells *bells, uint64_t gpa)
{
	bells_unplace(bells);
	bells->gpa = gpa;
	bells->placed = true;
	each_bell(bells, bell_place);
}

void bells_unplace(struct bells *bells)
{
	each_bell(bells, bell_unplace);
	bells->placed = false;
}

int bells_ring(struct bells *bells, uint32_t value)
{
	const struct bells_peer *peer = find_peer(bells, value >> 16);
	uint32_t vector = value & 0xffff;
	uint64_t one = 1;

	if (!peer || vector >= peer->bells_nr || peer->bells[vector].efd < 0)
		return -ENOENT;
	/* EAGAIN: its counter is at the top, so it is signalled already. */
	if (write(peer->bells[vector].efd, &one, sizeof(one)) < 0)
		return errno == EAGAIN ? 0 : -errno;
	return 0;
}

void bells_destroy(struct bells *bells)
{
	bells_unplace(bells);
	for (uint32_t i = 0; i < BELLS_PAGES_NR; i++) {
		struct bells_page *page = bells->pages[i];

		for (uint32_t j = 0; page && j < BELLS_PAGE_NR; j++)
			free(page->peers[j]);
		free(page);
		bells->pages[i] = NULL;
	}
}
