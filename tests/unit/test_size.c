/* SPDX-License-Identifier: MIT */
/* test_size.c - texts that are numbers, and texts that only look so. */
#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/lab/size.h"

static void assert_size(const char *text, uint64_t expected)
{
	uint64_t bytes = 0;

	CU_ASSERT_EQUAL(size_parse(text, &bytes), 0);
	CU_ASSERT_EQUAL(bytes, expected);
}

static void assert_no_size(const char *text, int expected)
{
	uint64_t bytes = 77;

	CU_ASSERT_EQUAL(size_parse(text, &bytes), expected);
	CU_ASSERT_EQUAL(bytes, 77);
}

static void size_with_suffix_is_multiple_of_1024(void)
{
	assert_size("0", 0);
	assert_size("4096", 4096);
	assert_size("4K", 4096);
	assert_size("4k", 4096);
	assert_size("64M", 64ull << 20);
	assert_size("3G", 3ull << 30);
}

static void size_at_64_bit_limit_is_exact(void)
{
	assert_size("18446744073709551615", UINT64_MAX);
	assert_size("17179869183G", 17179869183ull << 30);
}

static void size_beyond_64_bits_returns_erange(void)
{
	assert_no_size("18446744073709551616", -ERANGE);
	assert_no_size("99999999999999999999999999", -ERANGE);
	assert_no_size("17179869184G", -ERANGE);
	assert_no_size("18446744073709551615K", -ERANGE);
}

static void size_of_other_text_returns_einval(void)
{
	static const char *const texts[] = { "",    "K",  "-1",	 "+1",	 " 1",
					     "1 ",  "1Q", "1KB", "1KiB", "0x10",
					     "1.5", "1,", "1 K" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_no_size(texts[i], -EINVAL);
}

static void number_inside_range_is_taken(void)
{
	uint64_t n = 0;

	CU_ASSERT_EQUAL(size_parse_number("1", 1, 64, &n), 0);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(size_parse_number("64", 1, 64, &n), 0);
	CU_ASSERT_EQUAL(n, 64);
}

static void number_outside_range_returns_erange(void)
{
	uint64_t n = 77;

	CU_ASSERT_EQUAL(size_parse_number("0", 1, 64, &n), -ERANGE);
	CU_ASSERT_EQUAL(size_parse_number("65", 1, 64, &n), -ERANGE);
	CU_ASSERT_EQUAL(n, 77);
}

static void number_with_suffix_returns_einval(void)
{
	uint64_t n;

	CU_ASSERT_EQUAL(size_parse_number("1K", 1, 64, &n), -EINVAL);
	CU_ASSERT_EQUAL(size_parse_number("", 1, 64, &n), -EINVAL);
	CU_ASSERT_EQUAL(size_parse_number("-1", 1, 64, &n), -EINVAL);
}

static void list_of_numbers_keeps_order(void)
{
	uint32_t list[4];
	uint32_t nr = 0;

	CU_ASSERT_EQUAL(size_parse_list("3", list, 4, &nr), 0);
	CU_ASSERT_EQUAL(nr, 1);
	CU_ASSERT_EQUAL(list[0], 3);
	CU_ASSERT_EQUAL(size_parse_list("7,0,2,4294967295", list, 4, &nr), 0);
	CU_ASSERT_EQUAL(nr, 4);
	CU_ASSERT_EQUAL(list[0], 7);
	CU_ASSERT_EQUAL(list[1], 0);
	CU_ASSERT_EQUAL(list[3], UINT32_MAX);
}

static void list_that_is_malformed_is_refused(void)
{
	static const char *const texts[] = {
		"", ",", "1,", ",1", "1,,2", "1;2", "1, 2", "4294967296"
	};
	uint32_t list[4];
	uint32_t nr = 77;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		CU_ASSERT_EQUAL(size_parse_list(texts[i], list, 4, &nr),
				-EINVAL);
	CU_ASSERT_EQUAL(size_parse_list("1,2,3,4,5", list, 4, &nr), -E2BIG);
	CU_ASSERT_EQUAL(nr, 77);
}

static void format_names_the_largest_fitting_unit(void)
{
	char text[SIZE_TEXT_LEN];

	CU_ASSERT_STRING_EQUAL(size_format(0, text), "0 bytes");
	CU_ASSERT_STRING_EQUAL(size_format(1023, text), "1023 bytes");
	CU_ASSERT_STRING_EQUAL(size_format(4096, text), "4 KiB");
	CU_ASSERT_STRING_EQUAL(size_format(64 << 20, text), "64 MiB");
	CU_ASSERT_STRING_EQUAL(size_format(3ull << 29, text), "1.5 GiB");
	CU_ASSERT_STRING_EQUAL(size_format(1ull << 63, text), "8 EiB");
	CU_ASSERT_STRING_EQUAL(size_format(UINT64_MAX, text), "16.0 EiB");
}

static const struct unit_test tests[] = {
	{ "size_with_suffix_is_multiple_of_1024",
	  size_with_suffix_is_multiple_of_1024 },
	{ "size_at_64_bit_limit_is_exact", size_at_64_bit_limit_is_exact },
	{ "size_beyond_64_bits_returns_erange",
	  size_beyond_64_bits_returns_erange },
	{ "size_of_other_text_returns_einval",
	  size_of_other_text_returns_einval },
	{ "number_inside_range_is_taken", number_inside_range_is_taken },
	{ "number_outside_range_returns_erange",
	  number_outside_range_returns_erange },
	{ "number_with_suffix_returns_einval",
	  number_with_suffix_returns_einval },
	{ "list_of_numbers_keeps_order", list_of_numbers_keeps_order },
	{ "list_that_is_malformed_is_refused",
	  list_that_is_malformed_is_refused },
	{ "format_names_the_largest_fitting_unit",
	  format_names_the_largest_fitting_unit },
};
UNIT_MAIN("size", tests)
