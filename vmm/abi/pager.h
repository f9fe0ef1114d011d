/* SPDX-License-Identifier: MIT */
/*
 * pager.h - 32-bit paging where KVM has none: the vCPU runs with CR0.PG = 0,
 * and memory slots show guest RAM at linear addresses, so that "physical"
 * addresses play linear ones. The guest's loads of CR3 store a value and
 * change nothing; the tables are looked at when it touches an address that no
 * slot has (docs/classic-guests.md, "32-bit paging by memory slots").
 *
 * What cannot be told from real paging: any read, write or fetch through
 * tables that are made before they are used. What can: protection bits count
 * for nothing, accessed and dirty bits stay as they are, CR0 reads PG = 0, an
 * entry that was used once and is then changed stays in force until CR3 does,
 * and below the length of RAM linear addresses are physical ones.
 *
 * Threads: the one that steps the vCPU; a VM with a pager has only one vCPU.
 * Trust:   tables and CR3 are the guest's; walk.h reads them, slots only ever
 *          show checked pages of the guest's own RAM.
 */
#ifndef VMM_ABI_PAGER_H
#define VMM_ABI_PAGER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/abi/flat.h"
#include "vmm/core/kvm.h"
#include "vmm/core/memory.h"

/* Slots for single pages, a choice; a new one takes the oldest one's place. */
#define PAGER_PAGES_MAX 32
/* Slots for what the first tables show. */
#define PAGER_RUNS_MAX 8

struct pager;

/*
 * kvm has a slot that shows memory at 0. The tables at cr3 exist: what they
 * show above the length of RAM gets slots now, a run of neighbours each, as
 * many as there may be. pse: CR4.PSE as the guest shall believe it.
 * -ENOMEM; those of kvm_slot_add(), logged.
 */
int pager_create(struct pager **out, struct kvm_vm *kvm,
		 const struct memory *memory, uint64_t cr3, bool pse);
/* Takes its slots away. NULL is fine. */
void pager_destroy(struct pager *pager);

/*
 * The guest touched linear while CR3 was cr3. 0: a slot shows the page now (or
 * did before); -EFAULT: its tables have no page there, or one outside of RAM;
 * others of kvm_slot_add().
 */
int pager_fault(struct pager *pager, uint64_t cr3, uint32_t linear);

/*
 * For a machine's exit hook: carry out what the access of this exit would
 * have done. FLAT_GO; FLAT_PASS: not a matter of paging; FLAT_END: a page
 * fault, which no guest of this kind can handle: logged with linear address
 * and EIP.
 */
enum flat_next pager_exit(struct pager *pager, struct flat_cpu *cpu,
			  struct kvm_run *run);

/* The vCPU's registers as they would be if it did the paging itself: for
 * walk_linear(). */
void pager_view(const struct pager *pager, struct kvm_sregs *sregs);
/* For a machine's dump_tables hook: what the tables at CR3 show. */
void pager_print(const struct pager *pager, struct flat_cpu *cpu, FILE *out);

#endif
