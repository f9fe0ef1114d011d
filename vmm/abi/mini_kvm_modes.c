/* SPDX-License-Identifier: MIT */
/*
 * mini_kvm_modes.c - mini-kvm's four modes: where the image goes, where the
 * monitor's tables are, and what the registers hold at first
 * (docs/classic-guests.md, mini-kvm).
 */
#include <errno.h>
#include <string.h>

#include "vmm/abi/mini_kvm.h"
#include "vmm/boot/flat_image.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

/* Real mode: a slot for each guest, which begins with its image. */
#define SLOT_LEN 0x40000u
/* The other modes: a machine for each guest. */
#define RAM_LEN 0x400000u

#define LOAD_DEFAULT	     0x1000u
#define PAGING_ENTRY_DEFAULT 0x80001000u

#define PROTECTED_GDT 0x1000u
#define PAGING_GDT    0x500u
#define PAGING_IDT    0x528u
#define PAGING_DIR    0x100000u
#define PAGING_TABLES 0x101000u /* with 4 KiB pages: one for PDE 0, 512 */
#define PAGING_END    0x103000u
#define LONG_TABLES   0x2000u /* PML4, PDPT, directory */
#define LONG_GDT      0x5000u
#define LONG_IDT      0x6000u
#define LONG_STACK    0x8000u

#define IDT_LEN	  0x800u /* 256 gates */
#define PAGE_LEN  0x1000u
#define LARGE_LEN 0x200000u
#define PSE_LEN	  0x400000u
#define KERNEL_AT 512u /* directory entry of 0x80000000 */

/* Intel SDM vol. 3, 3.4.5: present, base 0, limit 4 GiB, pages. */
#define GDT_CODE0  0x00cf9a000000ffffull
#define GDT_DATA0  0x00cf92000000ffffull
#define GDT_CODE3  0x00cffa000000ffffull
#define GDT_DATA3  0x00cff2000000ffffull
#define GDT_CODE64 0x00af9a000000ffffull

struct range {
	uint64_t gpa, len;
};

struct mode {
	const char *name;
	uint64_t ram_len, load;
	struct range tables[3]; /* the monitor's, ascending; ends with len 0 */
	int (*prepare)(const struct mini_opts *opts, struct flat *flat,
		       struct first_state *state, uint64_t entry);
};

static int set_gdt(struct flat *flat, struct first_state *state, uint64_t gpa,
		   const uint64_t *gdt, size_t len)
{
	void *at = memory_range(&flat->memory, gpa, len);

	if (!at)
		return -EINVAL;
	memcpy(at, gdt, len);
	state->sregs.gdt.base = gpa;
	state->sregs.gdt.limit = (uint16_t)(len - 1);
	return 0;
}

/* --- protected mode ------------------------------------------------------- */

static int prepare_protected(const struct mini_opts *opts, struct flat *flat,
			     struct first_state *state, uint64_t entry)
{
	static const uint64_t gdt[] = { 0, GDT_CODE0, GDT_DATA0 };

	(void)opts;
	first_state_protected(state, (uint32_t)entry);
	/* No guest counts on a stack, and there is no memory below 0. */
	state->regs.rsp = RAM_LEN;
	return set_gdt(flat, state, PROTECTED_GDT, gdt, sizeof(gdt));
}

/* Linear 0, 0x80000000 and 0x80400000 all show 0..4 MiB. */
static int make_directory(const struct memory *memory)
{
	static const uint32_t shown_at[] = { 0, KERNEL_AT, KERNEL_AT + 1 };
	int err = 0;

	for (size_t i = 0; i < sizeof(shown_at) / sizeof(*shown_at) && !err;
	     i++)
		err = flat_tables_pse(memory, PAGING_DIR, shown_at[i], 0,
				      (uint32_t)(PTE_P | PTE_RW));
	return err;
}

/* The later variant: linear 0 and 0x80000000, a page table each. */
static int make_small_pages(const struct memory *memory)
{
	static const uint32_t shown_at[] = { 0, KERNEL_AT };
	uint32_t *dir = memory_range(memory, PAGING_DIR, PAGE_LEN);

	if (!dir)
		return -EINVAL;
	for (uint32_t i = 0; i < sizeof(shown_at) / sizeof(*shown_at); i++) {
		uint32_t gpa = PAGING_TABLES + i * PAGE_LEN;
		uint32_t *table = memory_range(memory, gpa, PAGE_LEN);

		if (!table)
			return -EINVAL;
		for (uint32_t j = 0; j < PAGE_LEN / sizeof(*table); j++)
			table[j] = j * PAGE_LEN | (uint32_t)(PTE_P | PTE_RW);
		dir[shown_at[i]] = gpa | (uint32_t)(PTE_P | PTE_RW);
	}
	return 0;
}

static int prepare_paging(const struct mini_opts *opts, struct flat *flat,
			  struct first_state *state, uint64_t entry)
{
	static const uint64_t gdt[] = { 0, GDT_CODE0, GDT_DATA0, GDT_CODE3,
					GDT_DATA3 };
	uint64_t cr0 = opts->small_pages ? CR0_ET : state->sregs.cr0;
	int err;

	first_state_paging32(state, (uint32_t)entry, PAGING_DIR, cr0,
			     opts->small_pages ? 0 : CR4_PSE);
	/* The gates are zeroes; the guest fills them in. */
	state->sregs.idt.base = PAGING_IDT;
	state->sregs.idt.limit = IDT_LEN - 1;
	/* pager.h: the tables are the same, the processor does not use them. */
	if (opts->backend == PAGING_MEMSLOT) {
		state->sregs.cr0 = CR0_PE | CR0_ET;
		state->sregs.cr4 = 0;
	}
	err = opts->small_pages ? make_small_pages(&flat->memory)
				: make_directory(&flat->memory);
	return err ? err : set_gdt(flat, state, PAGING_GDT, gdt, sizeof(gdt));
}

uint64_t mini_mode_directory(void)
{
	return PAGING_DIR;
}

/* --- long mode ------------------------------------------------------------ */

static int prepare_long(const struct mini_opts *opts, struct flat *flat,
			struct first_state *state, uint64_t entry)
{
	static const uint64_t gdt[] = { 0, GDT_CODE64, GDT_DATA0 };
	uint64_t end_gpa;
	int err;

	(void)opts;
	first_state_long(state, entry, LONG_TABLES, CR0_ET | CR0_NE);
	state->regs.rsp = LONG_STACK;
	state->sregs.idt.base = LONG_IDT;
	state->sregs.idt.limit = 0;
	err = flat_tables_long(&flat->memory, LONG_TABLES, RAM_LEN, LARGE_LEN,
			       PTE_USER, &end_gpa);
	return err ? err : set_gdt(flat, state, LONG_GDT, gdt, sizeof(gdt));
}

/* --- all modes ------------------------------------------------------------ */

static const struct mode modes[] = {
	[MINI_REAL] = { .name = "real mode", .ram_len = SLOT_LEN },
	[MINI_PROTECTED] = {
		.name = "protected mode",
		.ram_len = RAM_LEN,
		.tables = { { PROTECTED_GDT, 3 * sizeof(uint64_t) } },
		.prepare = prepare_protected,
	},
	[MINI_PAGING] = {
		.name = "protected mode with paging",
		.ram_len = RAM_LEN,
		.load = LOAD_DEFAULT,
		.tables = { { PAGING_GDT, PAGING_IDT + IDT_LEN - PAGING_GDT },
			    { PAGING_DIR, PAGING_END - PAGING_DIR } },
		.prepare = prepare_paging,
	},
	[MINI_LONG] = {
		.name = "long mode",
		.ram_len = RAM_LEN,
		.load = LOAD_DEFAULT,
		.tables = { { LONG_TABLES, LONG_IDT + 16 - LONG_TABLES } },
		.prepare = prepare_long,
	},
	/* The rest is mini_kvm_linux.c's. */
	[MINI_LINUX] = { .name = "Linux" },
};

const char *mini_mode_name(enum mini_mode mode)
{
	return modes[mode].name;
}

uint64_t mini_mode_ram(enum mini_mode mode)
{
	return modes[mode].ram_len;
}

/* How long an image at load may be: to the next table, or the end of RAM. */
static int room_at(const struct mode *mode, uint64_t load, uint64_t *len)
{
	uint64_t end = mode->ram_len;

	for (const struct range *range = mode->tables; range->len; range++) {
		if (load >= range->gpa && load < range->gpa + range->len) {
			log_error("--load 0x%llx: the monitor's tables are "
				  "there, up to 0x%llx",
				  (unsigned long long)load,
				  (unsigned long long)(range->gpa + range->len -
						       1));
			return -EINVAL;
		}
		if (range->gpa > load && range->gpa < end)
			end = range->gpa;
	}
	if (load >= end) {
		log_error("--load 0x%llx: behind the end of RAM, 0x%llx",
			  (unsigned long long)load, (unsigned long long)end);
		return -EINVAL;
	}
	*len = end - load;
	return 0;
}

/* Segments and interrupt vectors are where the slot begins. */
static int prepare_real(struct flat_cpu *cpu, const char *image)
{
	uint64_t gpa = (uint64_t)cpu->nr * SLOT_LEN, len;
	struct first_state state;
	int err;

	err = flat_image_load(&cpu->flat->memory, image, gpa, SLOT_LEN, &len);
	if (!err)
		err = flat_cpu_get(cpu, &state);
	if (err)
		return err;
	first_state_real(&state, (uint16_t)(gpa >> 4), 0);
	state.sregs.idt.base = gpa;
	log_debug("%s: real mode, %llu bytes at 0x%llx", cpu->name,
		  (unsigned long long)len, (unsigned long long)gpa);
	return flat_cpu_set(cpu, &state);
}

int mini_mode_prepare(const struct mini_opts *opts, struct flat_cpu *cpu,
		      const char *image)
{
	const struct mode *mode = &modes[opts->mode];
	uint64_t load = opts->has_load ? opts->load : mode->load;
	uint64_t entry = opts->mode == MINI_PAGING ? PAGING_ENTRY_DEFAULT
						   : load;
	struct first_state state;
	uint64_t len;
	int err;

	if (!mode->prepare)
		return prepare_real(cpu, image);
	if (opts->has_entry)
		entry = opts->entry;
	err = room_at(mode, load, &len);
	if (!err)
		err = flat_image_load(&cpu->flat->memory, image, load, len,
				      &len);
	if (!err)
		err = flat_cpu_get(cpu, &state);
	if (!err)
		err = mode->prepare(opts, cpu->flat, &state, entry);
	if (err)
		return err;
	log_debug("%s: %s, %llu bytes at 0x%llx, entry 0x%llx", cpu->name,
		  mode->name, (unsigned long long)len, (unsigned long long)load,
		  (unsigned long long)entry);
	return flat_cpu_set(cpu, &state);
}
