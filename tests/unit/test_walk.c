/* SPDX-License-Identifier: MIT */
/* test_walk.c - are a guest's page tables read as a processor reads them,
 * whatever they hold? */
#include "vmm/abi/walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/core/x86.h"

#define RAM_LEN 0x400000u
#define TOP	0x10000u /* the table CR3 points to */
#define SECOND	0x11000u
#define THIRD	0x12000u
#define FOURTH	0x13000u
#define PTE_GIB 0x40000000ull

static struct memory ram;

static void put(uint64_t table, uint32_t index, uint32_t len, uint64_t value)
{
	memcpy(ram.hva + table + (uint64_t)index * len, &value, len);
}

static void put4(uint64_t table, uint32_t index, uint64_t value)
{
	put(table, index, 4, value);
}

static void put8(uint64_t table, uint32_t index, uint64_t value)
{
	put(table, index, 8, value);
}

static void ram_init(void)
{
	CU_ASSERT_EQUAL_FATAL(memory_create(&ram, RAM_LEN), 0);
}

static void two_levels_small_page(void)
{
	struct walk walk;

	ram_init();
	put4(TOP, 512, SECOND | PTE_P | PTE_RW | PTE_US);
	put4(SECOND, 3, 0x7000 | PTE_P | PTE_US);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0x80003abc, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x7abc);
	CU_ASSERT_EQUAL(walk.page_len, 4096);
	/* Writable only if every level says so. */
	CU_ASSERT_EQUAL(walk.flags, PTE_P | PTE_US);
	memory_destroy(&ram);
}

static void two_levels_large_page_needs_pse(void)
{
	struct walk walk;

	ram_init();
	put4(TOP, 1, 0x00c00000 | PTE_P | PTE_RW | PTE_PS);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0x00512345, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x00d12345);
	CU_ASSERT_EQUAL(walk.page_len, 0x400000);
	CU_ASSERT_EQUAL(walk.flags, PTE_P | PTE_RW);
	/* Else it is a table, at an address outside of RAM. */
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, false, 0x00512345, &walk), -EFAULT);
	memory_destroy(&ram);
}

static void two_levels_pse_36_is_above_4_gib(void)
{
	struct walk walk;

	ram_init();
	put4(TOP, 0, PTE_P | PTE_PS | 0xffu << 13);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0x1234, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0xff00001234ull);
	memory_destroy(&ram);
}

static void two_levels_absent_or_outside_is_efault(void)
{
	struct walk walk;

	ram_init();
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0, &walk), -EFAULT);
	put4(TOP, 0, SECOND | PTE_P);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0, &walk), -EFAULT);
	put4(TOP, 0, RAM_LEN | PTE_P);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0, &walk), -EFAULT);
	put4(TOP, 0, 0xfffff000 | PTE_P);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0xfff, &walk), -EFAULT);
	CU_ASSERT_EQUAL(walk_two(&ram, RAM_LEN, true, 0, &walk), -EFAULT);
	CU_ASSERT_EQUAL(walk_two(&ram, UINT64_MAX, true, 0xffffffff, &walk),
			-EFAULT);
	memory_destroy(&ram);
}

static void four_levels_pages_of_each_size(void)
{
	struct walk walk;

	ram_init();
	put8(TOP, 0, SECOND | PTE_USER);
	put8(SECOND, 0, THIRD | PTE_USER);
	put8(SECOND, 1, 0x80000000 | PTE_P | PTE_PS);
	put8(THIRD, 0, FOURTH | PTE_USER);
	put8(THIRD, 1, 0x600000 | PTE_USER | PTE_PS);
	put8(FOURTH, 5, 0x9000 | PTE_P | PTE_RW);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 0x5123, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x9123);
	CU_ASSERT_EQUAL(walk.page_len, 4096);
	CU_ASSERT_EQUAL(walk.flags, PTE_P | PTE_RW);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 0x212345, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x612345);
	CU_ASSERT_EQUAL(walk.page_len, 0x200000);
	CU_ASSERT_EQUAL(walk.flags, PTE_USER);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, PTE_GIB + 0x12345678, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x92345678);
	CU_ASSERT_EQUAL(walk.page_len, PTE_GIB);
	memory_destroy(&ram);
}

static void four_levels_absent_outside_or_not_canonical_is_efault(void)
{
	struct walk walk;

	ram_init();
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 0, &walk), -EFAULT);
	put8(TOP, 0, 0x000ffffffffff000ull | PTE_P);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 0, &walk), -EFAULT);
	put8(TOP, 256, SECOND | PTE_P);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 1ull << 47, &walk), -EFAULT);
	CU_ASSERT_EQUAL(walk_four(&ram, UINT64_MAX, 0, &walk), -EFAULT);
	memory_destroy(&ram);
}

/* A table that is its own child: as many levels as there are, and no more. */
static void table_that_points_to_itself_ends(void)
{
	struct walk walk;

	ram_init();
	put8(TOP, 0, TOP | PTE_USER);
	CU_ASSERT_EQUAL(walk_four(&ram, TOP, 0x10, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, TOP + 0x10);
	put4(TOP, 0, TOP | PTE_P);
	CU_ASSERT_EQUAL(walk_two(&ram, TOP, true, 0x10, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, TOP + 0x10);
	memory_destroy(&ram);
}

static void mode_is_taken_from_the_registers(void)
{
	struct kvm_sregs sregs = { .cr3 = TOP };
	struct walk walk;

	ram_init();
	put8(TOP, 0, 0);
	put4(TOP, 0, 0x00400000 | PTE_P | PTE_PS);
	CU_ASSERT_EQUAL(walk_linear(&ram, &sregs, 0x123456789, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x123456789);
	CU_ASSERT_EQUAL(walk.page_len, 0);
	sregs.cr0 = CR0_PE | CR0_PG;
	sregs.cr4 = CR4_PSE;
	CU_ASSERT_EQUAL(walk_linear(&ram, &sregs, 0x1000, &walk), 0);
	CU_ASSERT_EQUAL(walk.gpa, 0x401000);
	sregs.cr4 = CR4_PAE;
	CU_ASSERT_EQUAL(walk_linear(&ram, &sregs, 0x1000, &walk), -ENOTSUP);
	sregs.efer = EFER_LME | EFER_LMA;
	CU_ASSERT_EQUAL(walk_linear(&ram, &sregs, 0x1000, &walk), -EFAULT);
	memory_destroy(&ram);
}

static char *printed(const struct kvm_sregs *sregs)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	walk_print(out, &ram, sregs);
	CU_ASSERT_EQUAL(fclose(out), 0);
	return text;
}

static uint32_t lines_of(const char *text)
{
	uint32_t nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

static void print_joins_neighbours(void)
{
	const struct kvm_sregs sregs = { .cr0 = CR0_PE | CR0_PG, .cr3 = TOP };
	char *text;

	ram_init();
	put4(TOP, 512, SECOND | PTE_P | PTE_RW);
	for (uint32_t i = 0; i < 16; i++)
		put4(SECOND, i, (0x20000 + i * 4096) | PTE_P | PTE_RW);
	put4(SECOND, 20, 0x5000 | PTE_P);
	text = printed(&sregs);
	CU_ASSERT_EQUAL(lines_of(text), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "80000000..8000ffff -> 20000 rw"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "80014000..80014fff -> 5000 r"));
	free(text);
	memory_destroy(&ram);
}

/* Random tables, of both kinds: it ends, and says what it leaves out. */
static void print_of_garbage_is_short(void)
{
	struct kvm_sregs sregs = { .cr0 = CR0_PE | CR0_PG,
				   .cr3 = TOP,
				   .cr4 = CR4_PSE };
	uint32_t x = 1;
	char *text;

	ram_init();
	for (uint32_t i = 0; i < RAM_LEN; i += 4) {
		x = x * 1664525u + 1013904223u;
		put4(i, 0, x & 0x3ff0ff);
	}
	text = printed(&sregs);
	CU_ASSERT_TRUE(lines_of(text) <= 40);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "and more"));
	free(text);
	sregs.efer = EFER_LME | EFER_LMA;
	text = printed(&sregs);
	CU_ASSERT_TRUE(lines_of(text) <= 40);
	free(text);
	memory_destroy(&ram);
}

static const struct unit_test tests[] = {
	{ "two_levels_small_page", two_levels_small_page },
	{ "two_levels_large_page_needs_pse", two_levels_large_page_needs_pse },
	{ "two_levels_pse_36_is_above_4_gib",
	  two_levels_pse_36_is_above_4_gib },
	{ "two_levels_absent_or_outside_is_efault",
	  two_levels_absent_or_outside_is_efault },
	{ "four_levels_pages_of_each_size", four_levels_pages_of_each_size },
	{ "four_levels_absent_outside_or_not_canonical_is_efault",
	  four_levels_absent_outside_or_not_canonical_is_efault },
	{ "table_that_points_to_itself_ends",
	  table_that_points_to_itself_ends },
	{ "mode_is_taken_from_the_registers",
	  mode_is_taken_from_the_registers },
	{ "print_joins_neighbours", print_joins_neighbours },
	{ "print_of_garbage_is_short", print_of_garbage_is_short },
};

UNIT_MAIN("walk", tests)
