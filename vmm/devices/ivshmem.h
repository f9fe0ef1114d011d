/* SPDX-License-Identifier: MIT */
/*
 * ivshmem.h - the ivshmem device: shared memory as BAR2, doorbells as BAR0.
 *
 * BAR2 is a KVM memory slot, each (peer, vector) doorbell an ioeventfd, each
 * received vector an irqfd: between busy peers none of this code runs.
 *
 * Threads: all calls under the machine lock. guest accesses come from vCPU
 *          threads, peers from the loop thread (through link callbacks).
 * Owns:    nothing it is given: the region mapping and all eventfds belong to
 *          the link client and outlive the device.
 * Source:  shm/ivshmem.h; docs/ivshmem-device.md.
 */
#ifndef VMM_DEVICES_IVSHMEM_H
#define VMM_DEVICES_IVSHMEM_H

#include <stdint.h>

#include "vmm/core/kvm.h"
#include "vmm/core/stats.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/pci.h"

struct ivshmem;

struct ivshmem_opts {
	struct kvm_vm *kvm;
	struct bus *mmio;
	struct stats *stats;
	void *region_hva;    /* page aligned, mapped read-write */
	uint64_t region_len; /* power of two >= 4096 */
	/* 0: ivshmem-plain (no BAR1, no MSI-X, IVPosition 0); else the size of
	 * the MSI-X table, 1..IVSHMEM_VECTORS_MAX: ivshmem-doorbell. */
	uint32_t vectors_nr;
	uint32_t peer_id; /* doorbell: what IVPosition reads */
};

/* -EINVAL: region or vectors out of range. */
int ivshmem_create(struct ivshmem **out, const struct ivshmem_opts *opts);
/* NULL is fine. Unmaps, drops ioeventfds and irqfds. */
void ivshmem_destroy(struct ivshmem *ivshmem);

/* To be put into a pci_bus slot; valid until destroy. */
struct pci_dev *ivshmem_pci(struct ivshmem *ivshmem);

/*
 * Peer id's vector can be rung through efd (ids 0..65535, our own too;
 * vector < IVSHMEM_VECTORS_MAX). The ioeventfd is placed now if BAR0 decodes,
 * else when it does. If KVM's table is full, the doorbell still works by way
 * of an exit (counted in stats). -EINVAL, -ENOMEM. ivshmem-plain has no
 * doorbells and takes none.
 */
int ivshmem_peer_vector(struct ivshmem *ivshmem, uint32_t peer_id,
			uint32_t vector, int efd);
/* All of peer id's doorbells go; unknown ids are fine. */
void ivshmem_peer_gone(struct ivshmem *ivshmem, uint32_t peer_id);

/*
 * Our own vector's interrupts come from efd, and ringing our own id signals
 * it. Beyond vectors_nr (always, for ivshmem-plain): -EINVAL; -ENOMEM.
 */
int ivshmem_own_vector(struct ivshmem *ivshmem, uint32_t vector, int efd);

#endif
