/* SPDX-License-Identifier: MIT */
/* bare.c - what does RAM hold when a bare guest begins? */
#include "vmm/boot/bare.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "shm/bare_abi.h"
#include "shm/memory_map.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

#define ENTRIES_NR 512u
#define GIB_LEN	   (1ull << 30)
#define LOW_GIBS   4u /* RAM, 32-bit BARs, local APIC */

/* KVM's local APIC timer counts nanoseconds (arch/x86/kvm/lapic.h,
 * APIC_BUS_CYCLE_NS_DEFAULT). */
#define KVM_LAPIC_TIMER_HZ 1000000000ull

/* Hands out zeroed tables from MAP_TABLES_GPA upwards. */
struct tables {
	const struct memory *memory;
	uint64_t next_gpa;
};

static uint64_t *table_new(struct tables *tables, uint64_t *gpa)
{
	uint64_t *table;

	if (tables->next_gpa == MAP_TABLES_END)
		return NULL;
	*gpa = tables->next_gpa;
	table = memory_range(tables->memory, *gpa, MAP_PAGE_LEN);
	tables->next_gpa += MAP_PAGE_LEN;
	memset(table, 0, MAP_PAGE_LEN);
	return table;
}

/* The first 2 MiB, page by page: NULL absent, tables supervisor-only. */
static void low_pages(struct tables *tables, uint64_t *gpa)
{
	uint64_t *pt = table_new(tables, gpa);

	for (uint32_t i = 1; i < ENTRIES_NR; i++) {
		uint64_t page_gpa = i * MAP_PAGE_LEN;
		bool table = page_gpa >= MAP_TABLES_GPA &&
			     page_gpa < MAP_TABLES_END;

		pt[i] = page_gpa | (table ? PTE_P | PTE_RW : PTE_USER);
	}
}

/* One directory for the GiB at start_gpa, `len` bytes of it. */
static bool map_gib(struct tables *tables, uint64_t *slot, uint64_t start_gpa,
		    uint64_t len)
{
	uint64_t gpa, *pd = table_new(tables, &gpa);

	if (!pd)
		return false;
	for (uint32_t i = 0; i < ENTRIES_NR && i * MAP_LARGE_LEN < len; i++)
		pd[i] = (start_gpa + i * MAP_LARGE_LEN) | PTE_USER | PTE_PS;
	*slot = gpa | PTE_USER;
	return true;
}

static int tables_build(struct tables *tables, uint64_t pci64_len,
			uint64_t *cr3)
{
	uint64_t *pml4, *pdpt, *pd, gpa, lapic_gpa = MAP_LAPIC_GPA;

	pml4 = table_new(tables, cr3);
	pdpt = table_new(tables, &gpa);
	pml4[0] = gpa | PTE_USER;
	for (uint32_t i = 0; i < LOW_GIBS; i++)
		map_gib(tables, &pdpt[i], i * GIB_LEN, GIB_LEN);

	low_pages(tables, &gpa);
	pd = memory_range(tables->memory, pdpt[0] & ~(MAP_PAGE_LEN - 1),
			  MAP_PAGE_LEN);
	pd[0] = gpa | PTE_USER;
	pd = memory_range(tables->memory,
			  pdpt[lapic_gpa / GIB_LEN] & ~(MAP_PAGE_LEN - 1),
			  MAP_PAGE_LEN);
	pd[lapic_gpa % GIB_LEN / MAP_LARGE_LEN] &= ~PTE_US;

	if (!pci64_len)
		return 0;
	pdpt = table_new(tables, &gpa);
	pml4[MAP_PCI64_GPA / (ENTRIES_NR * GIB_LEN)] = gpa | PTE_USER;
	for (uint64_t at = 0; at < pci64_len; at += GIB_LEN)
		if (!map_gib(tables, &pdpt[at / GIB_LEN], MAP_PCI64_GPA + at,
			     pci64_len - at))
			return -E2BIG;
	return 0;
}

/* Cut args into words; they fit, as the caller checked. */
static uint32_t args_split(char *out, const char *args)
{
	uint32_t len = 0;

	while (*args) {
		size_t word = strcspn(args, " \t");

		if (word) {
			memcpy(out + len, args, word);
			len += (uint32_t)word;
			out[len++] = '\0';
		}
		args += word;
		args += strspn(args, " \t");
	}
	return len;
}

int bare_prepare(const struct memory *memory, const struct bare_opts *opts,
		 uint64_t *cr3)
{
	struct tables tables = { .memory = memory, .next_gpa = MAP_TABLES_GPA };
	struct bare_boot_info *info;

	info = memory_range(memory, MAP_BOOT_INFO_GPA, sizeof(*info));
	if (!info)
		return -EINVAL;
	if (opts->pci64_len > MAP_PCI64_BARE_MAX_LEN) {
		log_error("a bare guest can map %llu GiB of shared memory, "
			  "this region has %llu",
			  (unsigned long long)(MAP_PCI64_BARE_MAX_LEN >> 30),
			  (unsigned long long)(opts->pci64_len >> 30));
		return -E2BIG;
	}
	if (strlen(opts->args) >= BARE_ARGS_LEN) {
		log_error("args: %zu bytes, a guest takes at most %d",
			  strlen(opts->args), BARE_ARGS_LEN - 1);
		return -E2BIG;
	}
	*info = (struct bare_boot_info){
		.magic = BARE_BOOT_MAGIC,
		.version = BARE_BOOT_VERSION,
		.cpus_nr = opts->cpus_nr,
		.ram_len = memory->len,
		.tsc_hz = opts->tsc_hz,
		.lapic_timer_hz = KVM_LAPIC_TIMER_HZ,
		.pci64_len = opts->pci64_len,
	};
	strncpy(info->name, opts->name, BARE_NAME_LEN - 1);
	info->args_len = args_split(info->args, opts->args);
	return tables_build(&tables, opts->pci64_len, cr3);
}
