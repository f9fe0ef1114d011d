/* SPDX-License-Identifier: MIT */
/*
 * bells.h - everybody's doorbells: from the value a guest stores in the
 * ivshmem doorbell register to the eventfd it signals.
 *
 * Each known (peer, vector) is an ioeventfd wherever the register decodes.
 * The same table serves a store that comes by way of an exit.
 *
 * Threads: machine lock. Eventfds are not owned and outlive their entry.
 */
#ifndef VMM_DEVICES_BELLS_H
#define VMM_DEVICES_BELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/ivshmem.h"
#include "vmm/core/kvm.h"

#define BELLS_PAGE_NR  256u /* peers in one page of the table */
#define BELLS_PAGES_NR (IVSHMEM_PEERS_MAX / BELLS_PAGE_NR)

struct bells_peer;

/* A tree of two levels: ids are 16 bits wide, few are in use. */
struct bells_page {
	struct bells_peer *peers[BELLS_PAGE_NR]; /* NULL: unknown */
};

struct bells {
	struct kvm_vm *kvm;
	bool placed;  /* the register decodes, */
	uint64_t gpa; /* here */
	struct bells_page *pages[BELLS_PAGES_NR];
};

/* An empty table: struct bells b = { .kvm = kvm }. */

/* Takes away the ioeventfds too. */
void bells_destroy(struct bells *bells);

/*
 * peer_id's vector is rung through efd; the last one told counts. A full
 * kernel table is no error (-ENOSPC from KVM): that bell rings by way of an
 * exit. -EINVAL: beyond IVSHMEM_PEERS_MAX or IVSHMEM_VECTORS_MAX; -ENOMEM.
 */
int bells_set(struct bells *bells, uint32_t peer_id, uint32_t vector, int efd);
/* Unknown ids are fine. */
void bells_del_peer(struct bells *bells, uint32_t peer_id);

/* The doorbell register decodes at gpa, or no longer. */
void bells_place(struct bells *bells, uint64_t gpa);
void bells_unplace(struct bells *bells);

/* Signal the eventfd that value names; -ENOENT: there is none. */
int bells_ring(struct bells *bells, uint32_t value);

#endif
