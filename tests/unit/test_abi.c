/* SPDX-License-Identifier: MIT */
/* test_abi.c - are numbers, names and counters of all ABIs what they say? */
#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/abi/abi.h"
#include "vmm/abi/counters.h"

static void numbers_are_decimal_hexadecimal_or_octal(void)
{
	static const struct {
		const char *text;
		uint64_t number;
	} good[] = { { "0", 0 },
		     { "42", 42 },
		     { "0x80001000", 0x80001000 },
		     { "0X1f", 31 },
		     { "010", 8 },
		     { "18446744073709551615", UINT64_MAX } };
	uint64_t number;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CU_ASSERT_EQUAL(
			abi_number(good[i].text, 0, UINT64_MAX, &number), 0);
		CU_ASSERT_EQUAL(number, good[i].number);
	}
}

static void texts_that_are_no_numbers_are_einval(void)
{
	static const char *const bad[] = { "",	 " 1", "+1", "-1",  "1 ",
					   "1k", "x",  "0x", "0xg", "08" };
	uint64_t number;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(abi_number(bad[i], 0, UINT64_MAX, &number),
				-EINVAL);
	CU_ASSERT_EQUAL(
		abi_number("18446744073709551616", 0, UINT64_MAX, &number),
		-ERANGE);
	CU_ASSERT_EQUAL(abi_number("0", 1, 2, &number), -ERANGE);
	CU_ASSERT_EQUAL(abi_number("3", 1, 2, &number), -ERANGE);
}

static void guests_are_named_after_their_images(void)
{
	static const struct {
		const char *path;
		uint32_t nr, guests_nr;
		const char *name;
	} cases[] = {
		{ "hello.bin", 0, 1, "hello" },
		{ "/a.b/c/hello.img", 3, 4, "hello.3" },
		{ "hello", 0, 2, "hello.0" },
		{ ".hidden", 0, 1, ".hidden" },
		{ "a.b.c", 0, 1, "a.b" },
		{ "a-name-that-is-very-long.bin", 31, 32, "a-name-t.31" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char name[20];

		abi_guest_name(name, sizeof(name), cases[i].path, cases[i].nr,
			       cases[i].guests_nr);
		CU_ASSERT_STRING_EQUAL(name, cases[i].name);
	}
}

static void abis_are_found_by_all_their_names(void)
{
	for (const struct abi *const *abi = abis; *abi; abi++) {
		CU_ASSERT_PTR_EQUAL(abi_find((*abi)->name), *abi);
		for (const char *const *p = (*abi)->programs; *p; p++)
			CU_ASSERT_PTR_EQUAL(abi_find(*p), *abi);
	}
	CU_ASSERT_PTR_NULL(abi_find("ivlab"));
	CU_ASSERT_PTR_NULL(abi_find(""));
}

static void ports_beyond_the_table_are_counted_together(void)
{
	struct flat_counters c = { .exits = 0 }, sum = { .exits = 0 };

	for (uint32_t port = 0; port < COUNTERS_PORTS_NR + 5; port++) {
		counters_port(&c, (uint16_t)port, 2, port % 2);
		counters_port(&c, (uint16_t)port, 2, port % 2);
	}
	CU_ASSERT_EQUAL(c.ports_nr, COUNTERS_PORTS_NR);
	CU_ASSERT_EQUAL(c.ports[1].outs, 2);
	CU_ASSERT_EQUAL(c.ports[1].out_bytes, 4);
	CU_ASSERT_EQUAL(c.ports[0].ins, 2);
	CU_ASSERT_EQUAL(c.other.ins + c.other.outs, 10);
	counters_exit(&c, 2);
	counters_exit(&c, UINT32_MAX);
	counters_exit(&c, COUNTERS_REASONS_NR);
	CU_ASSERT_EQUAL(c.exits, 3);
	CU_ASSERT_EQUAL(c.reasons[2], 1);
	CU_ASSERT_EQUAL(c.reasons[COUNTERS_REASONS_NR - 1], 2);
	counters_add(&sum, &c);
	counters_add(&sum, &c);
	CU_ASSERT_EQUAL(sum.exits, 6);
	CU_ASSERT_EQUAL(sum.ports[1].outs, 4);
	CU_ASSERT_EQUAL(sum.other.ins + sum.other.outs, 20);
}

static void reasons_have_names_or_numbers(void)
{
	char text[COUNTERS_REASON_LEN];

	CU_ASSERT_STRING_EQUAL(counters_reason(2, text), "IO");
	CU_ASSERT_STRING_EQUAL(counters_reason(5, text), "HLT");
	CU_ASSERT_STRING_EQUAL(counters_reason(12, text), "reason 12");
	CU_ASSERT_STRING_EQUAL(counters_reason(4000000000, text),
			       "reason 4000000000");
}

static const struct unit_test tests[] = {
	{ "numbers_are_decimal_hexadecimal_or_octal",
	  numbers_are_decimal_hexadecimal_or_octal },
	{ "texts_that_are_no_numbers_are_einval",
	  texts_that_are_no_numbers_are_einval },
	{ "guests_are_named_after_their_images",
	  guests_are_named_after_their_images },
	{ "abis_are_found_by_all_their_names",
	  abis_are_found_by_all_their_names },
	{ "ports_beyond_the_table_are_counted_together",
	  ports_beyond_the_table_are_counted_together },
	{ "reasons_have_names_or_numbers", reasons_have_names_or_numbers },
};

UNIT_MAIN("abi", tests)
