/* SPDX-License-Identifier: MIT */
/* pager.c - which memory slot shows the page that the guest means? */
#include "vmm/abi/pager.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/abi/walk.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

#define PAGE_LEN   0x1000u
#define LINEAR_END 0x100000000ull
/* Intel SDM vol. 2, 2.3.11: the longest instruction. */
#define INSTRUCTION_MAX_LEN 15u

struct shown {
	uint64_t linear, len;
	int slot; /* -1: none */
};

struct pager {
	struct kvm_vm *kvm;
	const struct memory *memory;
	uint64_t first_cr3;
	bool pse;
	uint64_t cr3; /* under which `pages` were added */
	struct shown runs[PAGER_RUNS_MAX];
	uint32_t runs_nr;
	struct shown pages[PAGER_PAGES_MAX]; /* a ring; the oldest goes */
	uint32_t oldest, pages_nr;
};

static bool holds(const struct shown *shown, uint64_t linear)
{
	return shown->slot >= 0 && linear >= shown->linear &&
	       linear - shown->linear < shown->len;
}

static bool is_shown(const struct pager *pager, uint32_t linear)
{
	if (linear < pager->memory->len)
		return true;
	for (uint32_t i = 0; i < pager->runs_nr; i++)
		if (holds(&pager->runs[i], linear))
			return true;
	for (uint32_t i = 0; i < PAGER_PAGES_MAX; i++)
		if (holds(&pager->pages[i], linear))
			return true;
	return false;
}

/* Host address of the page that linear is in, by the tables; NULL: none. */
static void *page_of(const struct pager *pager, uint64_t cr3, uint32_t linear)
{
	struct walk walk;

	if (walk_two(pager->memory, cr3, pager->pse, linear, &walk))
		return NULL;
	return memory_range(pager->memory, walk.gpa - walk.gpa % PAGE_LEN,
			    PAGE_LEN);
}

/* --- what the first tables show ------------------------------------------ */

/*
 * The next run from *linear on: neighbours whose pages are neighbours, too.
 * Moves *linear behind it. false: there is none.
 */
static bool next_run(const struct pager *pager, uint64_t *linear,
		     struct shown *run, uint8_t **hva)
{
	uint8_t *page;

	*run = (struct shown){ .slot = -1 };
	*hva = NULL;
	for (; *linear < LINEAR_END; *linear += PAGE_LEN) {
		page = page_of(pager, pager->first_cr3, (uint32_t)*linear);
		if (run->len && page != *hva + run->len)
			return true;
		if (!page)
			continue;
		if (!run->len) {
			*hva = page;
			run->linear = *linear;
		}
		run->len += PAGE_LEN;
	}
	return run->len > 0;
}

static int show_first_tables(struct pager *pager)
{
	uint64_t linear = pager->memory->len;
	struct shown run;
	uint8_t *hva;

	while (pager->runs_nr < PAGER_RUNS_MAX &&
	       next_run(pager, &linear, &run, &hva)) {
		run.slot = kvm_slot_add(pager->kvm, run.linear, hva, run.len);
		/* No room: the rest comes by faults. */
		if (run.slot == -ENOSPC)
			return 0;
		if (run.slot < 0) {
			log_error("paging: KVM refused a memory slot for "
				  "linear 0x%llx: %s",
				  (unsigned long long)run.linear,
				  strerror(-run.slot));
			return run.slot;
		}
		pager->runs[pager->runs_nr++] = run;
	}
	return 0;
}

int pager_create(struct pager **out, struct kvm_vm *kvm,
		 const struct memory *memory, uint64_t cr3, bool pse)
{
	struct pager *pager = calloc(1, sizeof(*pager));
	int err;

	if (!pager)
		return -ENOMEM;
	pager->kvm = kvm;
	pager->memory = memory;
	pager->first_cr3 = cr3;
	pager->cr3 = cr3;
	pager->pse = pse;
	for (uint32_t i = 0; i < PAGER_PAGES_MAX; i++)
		pager->pages[i].slot = -1;
	err = show_first_tables(pager);
	if (err) {
		pager_destroy(pager);
		return err;
	}
	*out = pager;
	return 0;
}

/* --- single pages, by faults --------------------------------------------- */

static void drop_oldest(struct pager *pager)
{
	struct shown *page = &pager->pages[pager->oldest];

	kvm_slot_del(pager->kvm, page->slot);
	page->slot = -1;
	pager->oldest = (pager->oldest + 1) % PAGER_PAGES_MAX;
	pager->pages_nr--;
}

void pager_destroy(struct pager *pager)
{
	if (!pager)
		return;
	while (pager->pages_nr)
		drop_oldest(pager);
	while (pager->runs_nr)
		kvm_slot_del(pager->kvm, pager->runs[--pager->runs_nr].slot);
	free(pager);
}

static int show_page(struct pager *pager, uint32_t linear, void *hva)
{
	uint32_t at;
	int slot;

	if (pager->pages_nr == PAGER_PAGES_MAX)
		drop_oldest(pager);
	slot = kvm_slot_add(pager->kvm, linear, hva, PAGE_LEN);
	/* Others' slots count, too. */
	if (slot == -ENOSPC && pager->pages_nr) {
		drop_oldest(pager);
		slot = kvm_slot_add(pager->kvm, linear, hva, PAGE_LEN);
	}
	if (slot < 0)
		return slot;
	at = (pager->oldest + pager->pages_nr++) % PAGER_PAGES_MAX;
	pager->pages[at] = (struct shown){ .linear = linear,
					   .len = PAGE_LEN,
					   .slot = slot };
	return 0;
}

int pager_fault(struct pager *pager, uint64_t cr3, uint32_t linear)
{
	void *hva;

	if (cr3 != pager->cr3) {
		while (pager->pages_nr)
			drop_oldest(pager);
		pager->cr3 = cr3;
	}
	if (is_shown(pager, linear))
		return 0;
	hva = page_of(pager, cr3, linear);
	if (!hva)
		return -EFAULT;
	return show_page(pager, linear - linear % PAGE_LEN, hva);
}

/* --- exits --------------------------------------------------------------- */

static enum flat_next cannot(const struct flat_cpu *cpu, const char *what,
			     uint32_t linear, uint64_t eip, int err)
{
	if (err == -EFAULT)
		log_error("%s: page fault: %s at linear address 0x%08x, eip "
			  "0x%08llx: its tables show no memory there",
			  cpu->name, what, linear, (unsigned long long)eip);
	else
		log_error("%s: KVM refused a memory slot for linear address "
			  "0x%08x: %s",
			  cpu->name, linear, strerror(-err));
	return FLAT_END;
}

/* Bytes one by one: each may be on a page of its own. */
static enum flat_next carry_out(struct pager *pager, struct flat_cpu *cpu,
				uint64_t cr3, uint64_t eip, struct kvm_run *run)
{
	uint32_t len = run->mmio.len;

	if (len > sizeof(run->mmio.data))
		return FLAT_PASS;
	for (uint32_t i = 0; i < len; i++) {
		uint32_t linear = (uint32_t)run->mmio.phys_addr + i;
		int err = pager_fault(pager, cr3, linear);
		uint8_t *page = page_of(pager, cr3, linear);

		if (!err && !page)
			err = -EFAULT;
		if (err)
			return cannot(cpu,
				      run->mmio.is_write ? "write" : "read",
				      linear, eip, err);
		if (run->mmio.is_write)
			page[linear % PAGE_LEN] = run->mmio.data[i];
		else
			run->mmio.data[i] = page[linear % PAGE_LEN];
	}
	return FLAT_GO;
}

/* KVM could not emulate: perhaps because there was nothing to fetch from. */
static enum flat_next fetch(struct pager *pager, struct flat_cpu *cpu,
			    const struct kvm_sregs *sregs,
			    const struct kvm_regs *regs)
{
	uint32_t first = (uint32_t)(sregs->cs.base + regs->rip);
	uint32_t last = first + INSTRUCTION_MAX_LEN - 1;
	bool was_shown = is_shown(pager, first) && sregs->cr3 == pager->cr3;
	int err;

	err = pager_fault(pager, sregs->cr3, first);
	if (err)
		return cannot(cpu, "fetch", first, regs->rip, err);
	/* It may reach into the next page; whether it does, only the processor
	 * knows. */
	if (was_shown &&
	    (is_shown(pager, last) || pager_fault(pager, sregs->cr3, last)))
		return FLAT_PASS;
	/* Also takes back the #UD that KVM queues with this exit. */
	return kvm_vcpu_set_regs(cpu->kvm, regs) ? FLAT_PASS : FLAT_GO;
}

enum flat_next pager_exit(struct pager *pager, struct flat_cpu *cpu,
			  struct kvm_run *run)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (run->exit_reason != KVM_EXIT_MMIO &&
	    run->exit_reason != KVM_EXIT_INTERNAL_ERROR)
		return FLAT_PASS;
	if (kvm_vcpu_get_sregs(cpu->kvm, &sregs) ||
	    kvm_vcpu_get_regs(cpu->kvm, &regs))
		return FLAT_PASS;
	if (sregs.cr4 & CR4_PSE)
		pager->pse = true;
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		return fetch(pager, cpu, &sregs, &regs);
	if (run->mmio.phys_addr >= LINEAR_END)
		return FLAT_PASS;
	return carry_out(pager, cpu, sregs.cr3, regs.rip, run);
}

void pager_view(const struct pager *pager, struct kvm_sregs *sregs)
{
	sregs->cr0 |= CR0_PE | CR0_PG;
	sregs->cr4 = pager->pse ? CR4_PSE : 0;
	sregs->efer = 0;
}

void pager_print(const struct pager *pager, struct flat_cpu *cpu, FILE *out)
{
	struct kvm_sregs as_if;

	if (kvm_vcpu_get_sregs(cpu->kvm, &as_if))
		return;
	pager_view(pager, &as_if);
	fputs("  paging by memory slots; the tables at cr3 say:\n", out);
	walk_print(out, pager->memory, &as_if);
}
