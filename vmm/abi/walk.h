/* SPDX-License-Identifier: MIT */
/*
 * walk.h - what a guest's page tables say, read by the monitor.
 *
 * Threads: any; a guest that runs may change its tables meanwhile. Every
 *          entry is read once, and addresses go through memory_range().
 * Source:  Intel SDM vol. 3, 4.3 (two levels) and 4.5 (four levels). No
 *          protection is checked and no accessed or dirty bit is set.
 */
#ifndef VMM_ABI_WALK_H
#define VMM_ABI_WALK_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/core/memory.h"

struct walk {
	uint64_t gpa;	   /* what the linear address means */
	uint64_t page_len; /* of the page it is in; 0: no paging */
	uint64_t flags;	   /* PTE_P | ..., what all levels allow */
};

/* Two levels at cr3; pse: entries of the directory may be pages of 4 MiB.
 * -EFAULT: not present, or a table outside of RAM. */
int walk_two(const struct memory *memory, uint64_t cr3, bool pse,
	     uint32_t linear, struct walk *walk);
/* Four levels. -EFAULT as above, also for a linear address that is not
 * canonical. */
int walk_four(const struct memory *memory, uint64_t cr3, uint64_t linear,
	      struct walk *walk);
/* By the mode the registers show; without paging linear is gpa. -EFAULT;
 * -ENOTSUP: three levels (PAE), which no ABI here uses. */
int walk_linear(const struct memory *memory, const struct kvm_sregs *sregs,
		uint64_t linear, struct walk *walk);

/* All that is mapped, neighbours joined, a line each, for people. Stops after
 * some lines and says so. */
void walk_print(FILE *out, const struct memory *memory,
		const struct kvm_sregs *sregs);

#endif
