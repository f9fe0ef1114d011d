/* SPDX-License-Identifier: MIT */
/* test_bare.c - does the processor, walking our tables, see the promised map?
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "shm/bare_abi.h"
#include "shm/memory_map.h"
#include "tests/unit/harness.h"
#include "vmm/boot/bare.h"

#define RAM_LEN MAP_RAM_MIN_LEN
#define ABSENT	UINT64_MAX

/* Intel SDM vol. 3, 4.5, as the processor reads it. */
#define P		1ull
#define RW		2ull
#define US		4ull
#define PS		0x80ull
#define ADDRESS_MASK	0x000ffffffffff000ull
#define KNOWN_BITS_MASK (ADDRESS_MASK | P | RW | US | PS)

static struct memory memory;
static uint64_t cr3;
static struct bare_opts opts;

static void open_ram(void)
{
	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	opts = (struct bare_opts){
		.name = "vm", .args = "", .cpus_nr = 1, .tsc_hz = 1
	};
}

static int prepare(uint64_t pci64_len)
{
	opts.pci64_len = pci64_len;
	return bare_prepare(&memory, &opts, &cr3);
}

/* Where va leads, and what a program may do there (RW | US), or ABSENT. */
static uint64_t walk(uint64_t va, uint64_t *rights)
{
	uint64_t at = cr3;

	*rights = RW | US;
	for (int shift = 39;; shift -= 9) {
		uint64_t entry, *table;
		bool last;

		CU_ASSERT_FATAL(at >= MAP_TABLES_GPA && at < MAP_TABLES_END);
		CU_ASSERT_EQUAL_FATAL(at % MAP_PAGE_LEN, 0);
		table = memory_range(&memory, at, MAP_PAGE_LEN);
		CU_ASSERT_PTR_NOT_NULL_FATAL(table);
		entry = table ? table[va >> shift & 511] : 0;
		if (!(entry & P))
			return ABSENT;
		CU_ASSERT_EQUAL_FATAL(entry & ~KNOWN_BITS_MASK, 0);
		*rights &= entry;
		last = shift == 12 || entry & PS;
		at = entry & ADDRESS_MASK;
		if (!last)
			continue;
		/* Of the large kinds only 2 MiB is there on every CPU. */
		CU_ASSERT_FATAL(shift == 12 || shift == 21);
		CU_ASSERT_EQUAL_FATAL(at % (1ull << shift), 0);
		return at + (va & ((1ull << shift) - 1));
	}
}

/* All of [start, end), looked at every step bytes and at its last byte. */
static void expect(uint64_t start, uint64_t end, uint64_t step, uint64_t want)
{
	uint64_t rights;

	for (uint64_t va = start; va < end; va += step) {
		CU_ASSERT_EQUAL_FATAL(walk(va, &rights), va);
		CU_ASSERT_EQUAL_FATAL(rights, want);
	}
	CU_ASSERT_EQUAL(walk(end - 1, &rights), end - 1);
	CU_ASSERT_EQUAL(rights, want);
}

static void expect_absent(uint64_t va)
{
	uint64_t rights;

	CU_ASSERT_EQUAL(walk(va, &rights), ABSENT);
}

static void first_page_is_absent(void)
{
	open_ram();
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	expect_absent(0);
	expect_absent(MAP_PAGE_LEN - 1);
	memory_destroy(&memory);
}

static void tables_are_the_supervisors_and_the_rest_the_users(void)
{
	open_ram();
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	expect(MAP_BOOT_INFO_GPA, MAP_BOOT_INFO_GPA + MAP_PAGE_LEN,
	       MAP_PAGE_LEN, RW | US);
	expect(MAP_TABLES_GPA, MAP_TABLES_END, MAP_PAGE_LEN, RW);
	expect(MAP_IMAGE_GPA, MAP_RAM_MAX_LEN, MAP_PAGE_LEN * 16, RW | US);
	memory_destroy(&memory);
}

static void local_apic_is_the_supervisors(void)
{
	open_ram();
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	expect(MAP_LAPIC_GPA, MAP_LAPIC_GPA + MAP_PAGE_LEN, MAP_PAGE_LEN, RW);
	memory_destroy(&memory);
}

static void window_of_32_bit_bars_is_the_users(void)
{
	open_ram();
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	expect(MAP_PCI32_GPA, MAP_PCI32_END, MAP_PAGE_LEN, RW | US);
	memory_destroy(&memory);
}

static void window_of_64_bit_bars_is_mapped_as_far_as_asked(void)
{
	static const uint64_t lens[] = {
		MAP_PAGE_LEN,
		MAP_LARGE_LEN,
		64ull << 20,
		1ull << 30,
		(1ull << 30) + 4096,
		3ull << 30,
		MAP_PCI64_BARE_MAX_LEN,
	};

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		uint64_t end = MAP_PCI64_GPA + lens[i];

		open_ram();
		CU_ASSERT_EQUAL_FATAL(prepare(lens[i]), 0);
		expect(MAP_PCI64_GPA, end, MAP_LARGE_LEN, RW | US);
		/* To the end of its 2 MiB page and no further. */
		end = (end + MAP_LARGE_LEN - 1) & ~(MAP_LARGE_LEN - 1);
		expect_absent(end);
		expect_absent(MAP_PCI64_END - 1);
		memory_destroy(&memory);
	}
}

static void nothing_else_is_mapped(void)
{
	open_ram();
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	expect_absent(4ull << 30);
	expect_absent(MAP_PCI64_GPA - 1);
	expect_absent(MAP_PCI64_GPA);
	expect_absent(0x7fffffffffff);
	expect_absent(0xffff800000000000);
	memory_destroy(&memory);
}

static void window_beyond_the_tables_is_e2big(void)
{
	open_ram();
	CU_ASSERT_EQUAL(prepare(MAP_PCI64_BARE_MAX_LEN + 1), -E2BIG);
	CU_ASSERT_EQUAL(prepare(256ull << 30), -E2BIG);
	CU_ASSERT_EQUAL(prepare(UINT64_MAX), -E2BIG);
	memory_destroy(&memory);
}

static const struct bare_boot_info *info(void)
{
	return memory_range(&memory, MAP_BOOT_INFO_GPA,
			    sizeof(struct bare_boot_info));
}

static void boot_information_is_what_was_asked_for(void)
{
	open_ram();
	opts.name = "producer";
	opts.cpus_nr = 3;
	opts.tsc_hz = 2600000000;
	CU_ASSERT_EQUAL_FATAL(prepare(1ull << 20), 0);
	CU_ASSERT_EQUAL(info()->magic, BARE_BOOT_MAGIC);
	CU_ASSERT_EQUAL(info()->version, BARE_BOOT_VERSION);
	CU_ASSERT_EQUAL(info()->cpus_nr, 3);
	CU_ASSERT_EQUAL(info()->ram_len, RAM_LEN);
	CU_ASSERT_EQUAL(info()->tsc_hz, 2600000000);
	CU_ASSERT_EQUAL(info()->lapic_timer_hz, 1000000000);
	CU_ASSERT_EQUAL(info()->pci64_len, 1ull << 20);
	CU_ASSERT_STRING_EQUAL(info()->name, "producer");
	CU_ASSERT_EQUAL(info()->args_len, 0);
	memory_destroy(&memory);
}

static void boot_information_replaces_what_stood_there(void)
{
	open_ram();
	memset(memory.hva, 0xff, MAP_TABLES_END);
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	CU_ASSERT_STRING_EQUAL(info()->name, "vm");
	for (size_t i = 0; i < sizeof(info()->args); i++)
		CU_ASSERT_EQUAL_FATAL(info()->args[i], 0);
	expect_absent(0);
	expect_absent(4ull << 30);
	memory_destroy(&memory);
}

static void name_that_is_long_is_cut(void)
{
	open_ram();
	opts.name = "a-name-of-more-than-thirty-one-characters";
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	CU_ASSERT_STRING_EQUAL(info()->name, "a-name-of-more-than-thirty-one-");
	CU_ASSERT_EQUAL(strlen(info()->name), BARE_NAME_LEN - 1);
	memory_destroy(&memory);
}

static void args_are_cut_into_words(void)
{
	static const struct {
		const char *args, *words;
		uint32_t len;
	} cases[] = {
		{ "", "", 0 },
		{ " \t ", "", 0 },
		{ "one", "one", 4 },
		{ "one two", "one\0two", 8 },
		{ "  one\t\ttwo  ", "one\0two", 8 },
		{ "a=\"b c\" 'd'", "a=\"b\0c\"\0'd'", 12 },
		{ "x", "x", 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		open_ram();
		opts.args = cases[i].args;
		CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
		CU_ASSERT_EQUAL(info()->args_len, cases[i].len);
		CU_ASSERT_EQUAL(
			memcmp(info()->args, cases[i].words, cases[i].len), 0);
		CU_ASSERT_EQUAL(info()->args[cases[i].len], 0);
		memory_destroy(&memory);
	}
}

static void longest_args_fit_and_one_byte_more_is_e2big(void)
{
	static char args[BARE_ARGS_LEN + 1];

	memset(args, 'a', BARE_ARGS_LEN - 1);
	open_ram();
	opts.args = args;
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	CU_ASSERT_EQUAL(info()->args_len, BARE_ARGS_LEN);
	CU_ASSERT_EQUAL(info()->args[BARE_ARGS_LEN - 1], '\0');
	/* Not one byte more was written. */
	CU_ASSERT_EQUAL(memory.hva[MAP_BOOT_INFO_GPA + sizeof(*info())], 0);
	for (size_t i = 1; i < BARE_ARGS_LEN - 1; i += 2)
		args[i] = ' '; /* as many words as can be */
	CU_ASSERT_EQUAL_FATAL(prepare(0), 0);
	CU_ASSERT_EQUAL(info()->args_len, BARE_ARGS_LEN);
	args[BARE_ARGS_LEN - 1] = 'a';
	CU_ASSERT_EQUAL(prepare(0), -E2BIG);
	memory_destroy(&memory);
}

static const struct unit_test tests[] = {
	{ "first_page_is_absent", first_page_is_absent },
	{ "tables_are_the_supervisors_and_the_rest_the_users",
	  tables_are_the_supervisors_and_the_rest_the_users },
	{ "local_apic_is_the_supervisors", local_apic_is_the_supervisors },
	{ "window_of_32_bit_bars_is_the_users",
	  window_of_32_bit_bars_is_the_users },
	{ "window_of_64_bit_bars_is_mapped_as_far_as_asked",
	  window_of_64_bit_bars_is_mapped_as_far_as_asked },
	{ "nothing_else_is_mapped", nothing_else_is_mapped },
	{ "window_beyond_the_tables_is_e2big",
	  window_beyond_the_tables_is_e2big },
	{ "boot_information_is_what_was_asked_for",
	  boot_information_is_what_was_asked_for },
	{ "boot_information_replaces_what_stood_there",
	  boot_information_replaces_what_stood_there },
	{ "name_that_is_long_is_cut", name_that_is_long_is_cut },
	{ "args_are_cut_into_words", args_are_cut_into_words },
	{ "longest_args_fit_and_one_byte_more_is_e2big",
	  longest_args_fit_and_one_byte_more_is_e2big },
};

UNIT_MAIN("bare", tests)
