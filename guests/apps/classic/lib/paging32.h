/* SPDX-License-Identifier: MIT */
/*
 * paging32.h - two-level page tables in free RAM, for images linked at
 * 0x80001000 that the monitor started with tables of its own.
 *
 * Source: Intel SDM vol. 3, 4.3.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_PAGING32_H
#define GUESTS_APPS_CLASSIC_LIB_PAGING32_H

#include <stdint.h>

#define PAGE_LEN      0x1000u
#define PAGE_PRESENT  0x1u
#define PAGE_WRITABLE 0x2u
#define PAGE_USER     0x4u

#define KERNEL_LINEAR 0x80000000u /* shows guest-physical 0 */

/* A directory that shows 0 to 4 MB at 0 and at KERNEL_LINEAR, writable. flags:
 * PAGE_USER or 0, for all of it. */
uint32_t *paging_create(uint32_t flags);
/* One more page, writable; or the same page with other flags. */
void paging_map(uint32_t *directory, uint32_t linear, uint32_t gpa,
		uint32_t flags);
/* The guest-physical address of a free page, zeroed. */
uint32_t paging_page(void);
void paging_load(const uint32_t *directory);

#endif
