/* SPDX-License-Identifier: MIT */
/*
 * hypercall.h - the paravirtual ports of shm/bare_abi.h: console, hypercall
 * and exit.
 *
 * Threads: machine lock, except where it says otherwise.
 * Trust: request structures are copied once from guest RAM; every range in
 *        them goes through memory_range(). A bad one is answered, not fatal.
 */
#ifndef VMM_DEVICES_HYPERCALL_H
#define VMM_DEVICES_HYPERCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/core/memory.h"
#include "vmm/core/stats.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/console.h"

/*
 * What an access leaves to be done once the machine lock is free: a full
 * console holds the caller, and whoever empties it may want the lock.
 */
struct hypercall_todo {
	const void *console_buf; /* in guest RAM */
	uint32_t console_len;
	enum stats_end end; /* STATS_END_NONE: the VM goes on */
	uint32_t status;
};

struct hypercall {
	const struct memory *memory;
	struct stats *stats;
	struct console *console;
	void (*ended)(void *arg, enum stats_end why, uint32_t status);
	void *arg;
	uint64_t counters_gpa; /* 0: none registered */
	bool over; /* the guest ended the VM; only the first counts */
	struct hypercall_todo todo;
};

/*
 * Claim the hypercall and the exit port; hypercall's other fields are filled
 * by the caller. Console bytes need no lock and go to hypercall_console().
 */
int hypercall_init(struct hypercall *hypercall, struct bus *ports);
/* After each access, with the lock still held. */
struct hypercall_todo hypercall_take_todo(struct hypercall *hypercall);
/* Then, without it. May wait for room in the console; may call ended(). */
void hypercall_finish(const struct hypercall *hypercall,
		      const struct hypercall_todo *todo);
/* Bytes written to the console port, without the lock; may wait for room. */
void hypercall_console(const struct hypercall *hypercall, const void *buf,
		       size_t len);
/* Copy the guest's counters into stats. */
void hypercall_update_stats(const struct hypercall *hypercall);

#endif
