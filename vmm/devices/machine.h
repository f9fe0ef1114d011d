/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the whole computer: RAM, buses and the list of its devices.
 *
 * machine.c is the only file that decides which devices exist.
 *
 * Threads: machine_pio() and machine_mmio() from vCPU threads, the link
 *          functions from the loop thread; all take the machine lock, which
 *          is held for the length of one device access, never over KVM_RUN
 *          and never while a vCPU waits for room in the console.
 */
#ifndef VMM_DEVICES_MACHINE_H
#define VMM_DEVICES_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/kvm.h"
#include "vmm/core/memory.h"
#include "vmm/core/stats.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/virtio_9p.h"

struct machine;

/* A shared directory's device (virtio_9p.h). */
#define MACHINE_SHARES_MAX 8
struct machine_share {
	const char *tag;
	const struct virtio_9p_ops *ops;
	void *arg;
};

struct machine_opts {
	uint64_t ram_len;    /* memory.h */
	struct stats *stats; /* outlives the machine */
	/* The guest ended the VM (exit port, fault). Called once, from a vCPU
	 * thread, with no lock held. */
	void (*ended)(void *arg, enum stats_end why, uint32_t status);
	void *arg;

	/* The ivshmem device, if there is a region to show (hva not NULL). */
	void *region_hva;
	uint64_t region_len;
	uint32_t peer_id;
	uint32_t vectors_nr; /* 0: ivshmem-plain */

	struct machine_share shares[MACHINE_SHARES_MAX];
	uint32_t shares_nr;
};

int machine_create(struct machine **out, const struct machine_opts *opts);
void machine_destroy(struct machine *machine);

struct kvm_vm *machine_kvm(struct machine *machine);
const struct memory *machine_memory(const struct machine *machine);
struct console *machine_console(struct machine *machine);
/* nr: below shares_nr. It is the loop's to serve; all of it goes first. */
struct virtio_9p *machine_share(struct machine *machine, uint32_t nr);

/*
 * Carry out count accesses of len bytes at port, data being the exit's data
 * area (count * len bytes, read or filled).
 */
enum bus_result machine_pio(struct machine *machine, uint16_t port,
			    uint32_t len, uint32_t count, bool is_write,
			    void *data);
/* One access of len 1..8 bytes at gpa. */
enum bus_result machine_mmio(struct machine *machine, uint64_t gpa,
			     uint32_t len, bool is_write, void *data);

/* What the link tells (client.h); no-ops without an ivshmem device. */
void machine_peer_vector(struct machine *machine, uint32_t peer_id,
			 uint32_t vector, int efd);
void machine_peer_gone(struct machine *machine, uint32_t peer_id);
void machine_own_vector(struct machine *machine, uint32_t vector, int efd);

/* Bring stats->guest_* up to date from the guest's counters. */
void machine_update_stats(struct machine *machine);

#endif
