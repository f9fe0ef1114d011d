/* SPDX-License-Identifier: MIT */
/* test_memory.c - does a guest address outside RAM ever become a pointer? */
#include <errno.h>
#include <stddef.h>

#include "shm/memory_map.h"
#include "tests/unit/harness.h"
#include "vmm/core/memory.h"

#define RAM_LEN MAP_RAM_MIN_LEN

static void length_that_ram_cannot_have_is_einval(void)
{
	static const uint64_t lens[] = {
		0,
		1,
		MAP_RAM_MIN_LEN - MAP_LARGE_LEN,
		MAP_RAM_MIN_LEN - 1,
		MAP_RAM_MIN_LEN + 1,
		MAP_RAM_MIN_LEN + MAP_PAGE_LEN,
		MAP_RAM_MAX_LEN + 1,
		MAP_RAM_MAX_LEN + MAP_LARGE_LEN,
		UINT64_MAX,
		0 - MAP_LARGE_LEN,
	};
	struct memory memory;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		CU_ASSERT_EQUAL(memory_create(&memory, lens[i]), -EINVAL);
		CU_ASSERT_PTR_NULL(memory.hva);
		/* Safe on what was never made. */
		memory_destroy(&memory);
	}
}

static void smallest_and_largest_ram_are_made_and_zeroed(void)
{
	static const uint64_t lens[] = { MAP_RAM_MIN_LEN, MAP_RAM_MAX_LEN };
	struct memory memory;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(memory_create(&memory, lens[i]), 0);
		CU_ASSERT_EQUAL(memory.len, lens[i]);
		CU_ASSERT_EQUAL(memory.hva[0], 0);
		CU_ASSERT_EQUAL(memory.hva[lens[i] - 1], 0);
		memory.hva[lens[i] - 1] = 1;
		memory_destroy(&memory);
		CU_ASSERT_PTR_NULL(memory.hva);
		CU_ASSERT_EQUAL(memory.len, 0);
		memory_destroy(&memory);
	}
}

static void flat_ram_is_any_number_of_pages(void)
{
	static const uint64_t good[] = { MAP_PAGE_LEN, 512000000,
					 MAP_RAM_MAX_LEN };
	static const uint64_t bad[] = { 0, 1, MAP_PAGE_LEN + 1,
					MAP_RAM_MAX_LEN + MAP_PAGE_LEN,
					0 - MAP_PAGE_LEN };
	struct memory memory;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CU_ASSERT_EQUAL_FATAL(memory_create_flat(&memory, good[i]), 0);
		CU_ASSERT_EQUAL(memory.hva[good[i] - 1], 0);
		memory_destroy(&memory);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(memory_create_flat(&memory, bad[i]), -EINVAL);
}

static void range_inside_ram_is_its_place(void)
{
	static const struct {
		uint64_t gpa, len;
	} ranges[] = { { 0, 0 },	  { 0, 1 },	      { 0, RAM_LEN },
		       { 4097, 3 },	  { RAM_LEN - 1, 1 }, { RAM_LEN, 0 },
		       { RAM_LEN - 8, 8 } };
	struct memory memory;

	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		CU_ASSERT_PTR_EQUAL(
			memory_range(&memory, ranges[i].gpa, ranges[i].len),
			memory.hva + ranges[i].gpa);
	memory_destroy(&memory);
}

static void range_that_leaves_ram_is_null(void)
{
	static const struct {
		uint64_t gpa, len;
	} ranges[] = { { 0, RAM_LEN + 1 },
		       { 1, RAM_LEN },
		       { RAM_LEN, 1 },
		       { RAM_LEN + 1, 0 },
		       { RAM_LEN - 1, 2 },
		       { UINT64_MAX, 0 },
		       { UINT64_MAX, 1 },
		       { UINT64_MAX, 2 },
		       { UINT64_MAX - 7, 8 }, /* the sum wraps to 0 */
		       { UINT64_MAX - 7, 16 },
		       { 1, UINT64_MAX },
		       { 8, UINT64_MAX - 7 },
		       { 0, UINT64_MAX },
		       { UINT64_MAX, UINT64_MAX },
		       { 1ull << 63, 1ull << 63 },
		       { MAP_PCI32_GPA, 4 },
		       { MAP_PCI64_GPA, 4096 } };
	struct memory memory;

	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		CU_ASSERT_PTR_NULL(
			memory_range(&memory, ranges[i].gpa, ranges[i].len));
	memory_destroy(&memory);
	CU_ASSERT_PTR_NULL(memory_range(&memory, 0, 1));
	CU_ASSERT_PTR_NULL(memory_range(&memory, 1, 0));
}

static const struct unit_test tests[] = {
	{ "length_that_ram_cannot_have_is_einval",
	  length_that_ram_cannot_have_is_einval },
	{ "smallest_and_largest_ram_are_made_and_zeroed",
	  smallest_and_largest_ram_are_made_and_zeroed },
	{ "flat_ram_is_any_number_of_pages", flat_ram_is_any_number_of_pages },
	{ "range_inside_ram_is_its_place", range_inside_ram_is_its_place },
	{ "range_that_leaves_ram_is_null", range_that_leaves_ram_is_null },
};

UNIT_MAIN("memory", tests)
