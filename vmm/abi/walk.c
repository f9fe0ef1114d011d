/* SPDX-License-Identifier: MIT */
/* walk.c - which guest-physical address does a linear one mean? */
#include "vmm/abi/walk.h"

#include <errno.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/memory_map.h"
#include "vmm/core/x86.h"

#define PSE_LEN	     0x400000u		   /* a page of a two-level directory */
#define GIB_LEN	     (1ull << 30)	   /* a page of a PDPT */
#define ADDRESS_MASK 0x000ffffffffff000ull /* bits 51..12 of a long entry */
#define RIGHTS	     (PTE_RW | PTE_US)
#define PRINT_MAX    32u /* lines; a choice */

/* Entry `index` of the table at gpa, read once. 0 (not present) outside of
 * RAM. */
static uint64_t entry_at(const struct memory *memory, uint64_t gpa,
			 uint32_t index, uint32_t entry_len)
{
	const void *at = memory_range(memory, gpa + (uint64_t)index * entry_len,
				      entry_len);

	if (!at)
		return 0;
	/* TRUST: tables are page-aligned, so entries are aligned, too. */
	return entry_len == 4 ? read_once((const uint32_t *)at)
			      : read_once((const uint64_t *)at);
}

int walk_two(const struct memory *memory, uint64_t cr3, bool pse,
	     uint32_t linear, struct walk *walk)
{
	uint64_t pde, pte;

	pde = entry_at(memory, cr3 & 0xfffff000, linear >> 22, 4);
	if (!(pde & PTE_P))
		return -EFAULT;
	if (pse && pde & PTE_PS) {
		/* Bits 20..13 would be bits 39..32 of the address (PSE-36). */
		*walk = (struct walk){
			.gpa = (pde & 0x1fe000) << 19 | (pde & 0xffc00000) |
			       (linear & (PSE_LEN - 1)),
			.page_len = PSE_LEN,
			.flags = PTE_P | (pde & RIGHTS),
		};
		return 0;
	}
	pte = entry_at(memory, pde & 0xfffff000, linear >> 12 & 1023, 4);
	if (!(pte & PTE_P))
		return -EFAULT;
	*walk = (struct walk){
		.gpa = (pte & 0xfffff000) | (linear & (MAP_PAGE_LEN - 1)),
		.page_len = MAP_PAGE_LEN,
		.flags = PTE_P | (pde & pte & RIGHTS),
	};
	return 0;
}

int walk_four(const struct memory *memory, uint64_t cr3, uint64_t linear,
	      struct walk *walk)
{
	uint64_t table_gpa = cr3 & ADDRESS_MASK;
	uint64_t rights = RIGHTS, entry, page_len;

	if ((uint64_t)((int64_t)(linear << 16) >> 16) != linear)
		return -EFAULT;
	for (int shift = 39;; shift -= 9) {
		entry = entry_at(memory, table_gpa, linear >> shift & 511, 8);
		if (!(entry & PTE_P))
			return -EFAULT;
		rights &= entry;
		page_len = 1ull << shift;
		if (shift == 12 || (page_len <= GIB_LEN && entry & PTE_PS))
			break;
		table_gpa = entry & ADDRESS_MASK;
	}
	*walk = (struct walk){
		.gpa = (entry & ADDRESS_MASK & ~(page_len - 1)) |
		       (linear & (page_len - 1)),
		.page_len = page_len,
		.flags = PTE_P | rights,
	};
	return 0;
}

int walk_linear(const struct memory *memory, const struct kvm_sregs *sregs,
		uint64_t linear, struct walk *walk)
{
	if (!(sregs->cr0 & CR0_PG)) {
		*walk = (struct walk){ .gpa = linear };
		return 0;
	}
	if (sregs->efer & EFER_LMA)
		return walk_four(memory, sregs->cr3, linear, walk);
	if (sregs->cr4 & CR4_PAE)
		return -ENOTSUP;
	return walk_two(memory, sregs->cr3, sregs->cr4 & CR4_PSE,
			(uint32_t)linear, walk);
}

/* --- all of it ------------------------------------------------------------ */

/* Neighbours of the same kind, joined. */
struct run {
	FILE *out;
	uint64_t linear, len;
	struct walk walk;
	uint32_t lines;
};

static void run_put(struct run *run)
{
	if (run->len && run->lines++ < PRINT_MAX)
		fprintf(run->out,
			"  linear %llx..%llx -> %llx %s%s, pages of "
			"%llu KiB\n",
			(unsigned long long)run->linear,
			(unsigned long long)(run->linear + run->len - 1),
			(unsigned long long)run->walk.gpa,
			run->walk.flags & PTE_RW ? "rw" : "r",
			run->walk.flags & PTE_US ? " user" : "",
			(unsigned long long)run->walk.page_len >> 10);
	run->len = 0;
}

static void run_add(struct run *run, uint64_t linear, const struct walk *walk)
{
	if (run->len && run->linear + run->len == linear &&
	    run->walk.gpa + run->len == walk->gpa &&
	    run->walk.page_len == walk->page_len &&
	    run->walk.flags == walk->flags) {
		run->len += walk->page_len;
		return;
	}
	run_put(run);
	run->linear = linear;
	run->len = walk->page_len;
	run->walk = *walk;
}

static void print_two(struct run *run, const struct memory *memory,
		      const struct kvm_sregs *sregs)
{
	uint64_t linear = 0;
	struct walk walk;

	while (linear < 1ull << 32 && run->lines <= PRINT_MAX) {
		uint64_t pde = entry_at(memory, sregs->cr3 & 0xfffff000,
					(uint32_t)(linear >> 22), 4);

		if (!(pde & PTE_P)) {
			linear += PSE_LEN;
			continue;
		}
		if (walk_two(memory, sregs->cr3, sregs->cr4 & CR4_PSE,
			     (uint32_t)linear, &walk)) {
			linear += MAP_PAGE_LEN;
			continue;
		}
		run_add(run, linear, &walk);
		linear += walk.page_len;
	}
}

/* A subtree; level 4 is the top one. Its depth is 4. */
static void print_four(struct run *run, const struct memory *memory,
		       uint64_t table_gpa, uint64_t linear, uint64_t rights,
		       int level)
{
	int shift = 12 + 9 * (level - 1);

	for (uint32_t i = 0; i < 512 && run->lines <= PRINT_MAX; i++) {
		uint64_t entry = entry_at(memory, table_gpa, i, 8);
		uint64_t at = linear | (uint64_t)i << shift;

		if (!(entry & PTE_P))
			continue;
		if (level == 4 && i >= 256)
			at |= 0xffffull << 48;
		if (level > 1 && (level == 4 || !(entry & PTE_PS))) {
			print_four(run, memory, entry & ADDRESS_MASK, at,
				   rights & entry, level - 1);
			continue;
		}
		run_add(run, at,
			&(struct walk){
				.gpa = entry & ADDRESS_MASK &
				       ~((1ull << shift) - 1),
				.page_len = 1ull << shift,
				.flags = PTE_P | (rights & entry),
			});
	}
}

void walk_print(FILE *out, const struct memory *memory,
		const struct kvm_sregs *sregs)
{
	struct run run = { .out = out };

	if (!(sregs->cr0 & CR0_PG)) {
		fputs("  no paging: linear is physical\n", out);
		return;
	}
	if (sregs->efer & EFER_LMA)
		print_four(&run, memory, sregs->cr3 & ADDRESS_MASK, 0, RIGHTS,
			   4);
	else if (!(sregs->cr4 & CR4_PAE))
		print_two(&run, memory, sregs);
	run_put(&run);
	if (run.lines > PRINT_MAX)
		fputs("  and more\n", out);
	else if (!run.lines)
		fputs("  no page is mapped\n", out);
}
