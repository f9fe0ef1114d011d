/* SPDX-License-Identifier: MIT */
/* paging32.c - page tables out of the RAM behind the image. */
#include "guests/apps/classic/lib/paging32.h"

#include "guests/runtime/runtime.h"

#define ENTRIES_NR 1024

/* Behind the stack that start.S has taken from there. */
#define STACK_LEN 0x4000u
extern char flat_end[];
static uint32_t next_gpa;

static void *pointer_of(uint32_t gpa)
{
	return gpa_pointer(gpa + KERNEL_LINEAR);
}

static uint32_t gpa_of(const void *pointer)
{
	return (uint32_t)(uintptr_t)pointer - KERNEL_LINEAR;
}

uint32_t paging_page(void)
{
	uint32_t gpa;

	if (!next_gpa)
		next_gpa = (gpa_of(flat_end) + STACK_LEN + PAGE_LEN - 1) &
			   ~(PAGE_LEN - 1);
	gpa = next_gpa;
	next_gpa += PAGE_LEN;
	memset(pointer_of(gpa), 0, PAGE_LEN);
	return gpa;
}

static uint32_t *table_of(uint32_t *directory, uint32_t linear)
{
	uint32_t *entry = &directory[linear >> 22];

	/* What a page is not allowed, its own entry says. */
	if (!*entry)
		*entry = paging_page() | PAGE_PRESENT | PAGE_WRITABLE |
			 PAGE_USER;
	return pointer_of(*entry & ~(PAGE_LEN - 1));
}

void paging_map(uint32_t *directory, uint32_t linear, uint32_t gpa,
		uint32_t flags)
{
	uint32_t *table = table_of(directory, linear);

	table[linear / PAGE_LEN % ENTRIES_NR] = gpa | flags | PAGE_PRESENT |
						PAGE_WRITABLE;
}

uint32_t *paging_create(uint32_t flags)
{
	uint32_t *directory = pointer_of(paging_page());
	uint32_t *table = table_of(directory, 0);

	for (uint32_t i = 0; i < ENTRIES_NR; i++)
		table[i] = i * PAGE_LEN | flags | PAGE_PRESENT | PAGE_WRITABLE;
	directory[KERNEL_LINEAR >> 22] = directory[0];
	return directory;
}

void paging_load(const uint32_t *directory)
{
	uintptr_t cr3 = gpa_of(directory);

	__asm__ __volatile__("mov %0, %%cr3" ::"r"(cr3) : "memory");
}
