/* SPDX-License-Identifier: MIT */
/* test_mp_table.c - can an operating system find the table, and walk it? */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "shm/memory_map.h"
#include "tests/unit/harness.h"
#include "vmm/boot/mp_table.h"

#define RAM_LEN 0x100000u

static uint32_t le32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint8_t sum(const uint8_t *at, size_t len)
{
	uint8_t all = 0;

	while (len--)
		all += *at++;
	return all;
}

/* As the specification has it: 4.1, 4.2, table 4-3. */
static void table_is_found_and_its_entries_are_walked(void)
{
	static const uint8_t lens[] = { 20, 8, 8, 8, 8 };
	uint32_t seen[5] = { 0 }, entries_nr, pins = 0;
	const uint8_t *pointer, *table, *at;
	struct memory memory;

	CU_ASSERT_EQUAL_FATAL(memory_create_flat(&memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(mp_table_write(&memory), 0);
	pointer = memory_range(&memory, MP_TABLE_GPA, 16);
	CU_ASSERT_EQUAL(memcmp(pointer, "_MP_", 4), 0);
	CU_ASSERT_EQUAL(sum(pointer, pointer[8] * (size_t)16), 0);
	table = memory_range(&memory, le32(pointer + 4), 44);
	CU_ASSERT_EQUAL(memcmp(table, "PCMP", 4), 0);
	CU_ASSERT_EQUAL(sum(table, le32(table + 4) & 0xffff), 0);
	CU_ASSERT_EQUAL(le32(table + 36), MAP_LAPIC_GPA);
	entries_nr = le32(table + 34) & 0xffff;
	at = table + 44;
	for (uint32_t i = 0; i < entries_nr; i++) {
		CU_ASSERT_FATAL(at[0] < 5);
		seen[at[0]]++;
		if (at[0] == 2)
			CU_ASSERT_EQUAL(le32(at + 4), MAP_IOAPIC_GPA);
		if (at[0] == 3) {
			CU_ASSERT_EQUAL(at[5], at[7]);
			pins |= 1u << at[7];
		}
		at += lens[at[0]];
	}
	CU_ASSERT_PTR_EQUAL(at, table + (le32(table + 4) & 0xffff));
	CU_ASSERT_EQUAL(seen[0], 1);
	CU_ASSERT_EQUAL(seen[1], 1);
	CU_ASSERT_EQUAL(seen[2], 1);
	CU_ASSERT_EQUAL(pins, 0xffff);
	CU_ASSERT_EQUAL(seen[4], 2);
	memory_destroy(&memory);
}

static void table_outside_of_ram_is_einval(void)
{
	struct memory memory;

	CU_ASSERT_EQUAL_FATAL(memory_create_flat(&memory, 0x9f000), 0);
	CU_ASSERT_EQUAL(mp_table_write(&memory), -EINVAL);
	memory_destroy(&memory);
}

static const struct unit_test tests[] = {
	{ "table_is_found_and_its_entries_are_walked",
	  table_is_found_and_its_entries_are_walked },
	{ "table_outside_of_ram_is_einval", table_outside_of_ram_is_einval },
};

UNIT_MAIN("mp_table", tests)
