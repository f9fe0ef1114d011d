/* SPDX-License-Identifier: MIT */
/* flat_tables.c - how does a flat image's memory get its linear addresses? */
#include "vmm/boot/flat_tables.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "shm/memory_map.h"
#include "vmm/core/x86.h"

#define ENTRIES_NR 512u
#define GIB_LEN	   (1ull << 30)

static uint64_t *table_at(const struct memory *memory, uint64_t gpa)
{
	uint64_t *table = memory_range(memory, gpa, MAP_PAGE_LEN);

	if (table)
		memset(table, 0, MAP_PAGE_LEN);
	return table;
}

int flat_tables_long(const struct memory *memory, uint64_t gpa, uint64_t len,
		     uint64_t page_len, uint64_t flags, uint64_t *end_gpa)
{
	uint64_t *pml4, *pdpt, *pd, *pt;
	uint64_t next_gpa = gpa + 3 * MAP_PAGE_LEN;

	if (gpa % MAP_PAGE_LEN || !len || len > GIB_LEN ||
	    (page_len != MAP_PAGE_LEN && page_len != MAP_LARGE_LEN) ||
	    len % page_len)
		return -EINVAL;
	pml4 = table_at(memory, gpa);
	pdpt = table_at(memory, gpa + MAP_PAGE_LEN);
	pd = table_at(memory, gpa + 2 * MAP_PAGE_LEN);
	if (!pml4 || !pdpt || !pd)
		return -EINVAL;
	pml4[0] = (gpa + MAP_PAGE_LEN) | flags;
	pdpt[0] = (gpa + 2 * MAP_PAGE_LEN) | flags;
	for (uint64_t at = 0; at < len; at += MAP_LARGE_LEN) {
		if (page_len == MAP_LARGE_LEN) {
			pd[at / MAP_LARGE_LEN] = at | flags | PTE_PS;
			continue;
		}
		pt = table_at(memory, next_gpa);
		if (!pt)
			return -EINVAL;
		for (uint64_t i = 0; i < ENTRIES_NR; i++)
			if (at + i * MAP_PAGE_LEN < len)
				pt[i] = (at + i * MAP_PAGE_LEN) | flags;
		pd[at / MAP_LARGE_LEN] = next_gpa | flags;
		next_gpa += MAP_PAGE_LEN;
	}
	*end_gpa = next_gpa;
	return 0;
}

int flat_tables_pse(const struct memory *memory, uint64_t gpa, uint32_t index,
		    uint32_t page_gpa, uint32_t flags)
{
	uint32_t entry = page_gpa | flags | (uint32_t)PTE_PS;
	uint8_t *dir = memory_range(memory, gpa, MAP_PAGE_LEN);

	if (!dir || gpa % MAP_PAGE_LEN || index >= 2 * ENTRIES_NR)
		return -EINVAL;
	memcpy(dir + index * sizeof(entry), &entry, sizeof(entry));
	return 0;
}
