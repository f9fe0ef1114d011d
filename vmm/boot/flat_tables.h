/* SPDX-License-Identifier: MIT */
/*
 * flat_tables.h - page tables for flat images: guest-physical memory from 0 on
 * shown at the same linear addresses.
 *
 * All return -EINVAL when a table would not lie inside of RAM. Tables are
 * zeroed first.
 */
#ifndef VMM_BOOT_FLAT_TABLES_H
#define VMM_BOOT_FLAT_TABLES_H

#include <stdint.h>

#include "vmm/core/memory.h"

/*
 * PML4 at gpa, PDPT and PD in the two pages behind it, then, with 4 KiB pages,
 * a page table per 2 MiB. Maps [0, len), at most 1 GiB, in pages of page_len
 * (4096 or 2 MiB, len a multiple of it), with these flags (PTE_*) in every
 * entry; PTE_PS is added where it belongs. *end_gpa: behind the last table.
 */
int flat_tables_long(const struct memory *memory, uint64_t gpa, uint64_t len,
		     uint64_t page_len, uint64_t flags, uint64_t *end_gpa);
/* A directory at gpa whose entry `index` shows the 4 MiB page from page_gpa
 * on; for several, zero the page once and call it for each. */
int flat_tables_pse(const struct memory *memory, uint64_t gpa, uint32_t index,
		    uint32_t page_gpa, uint32_t flags);

#endif
