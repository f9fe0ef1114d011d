/* SPDX-License-Identifier: MIT */
/* test_duration.c - times that are understood, and texts that are none. */
#include <errno.h>

#include "tests/unit/harness.h"
#include "vmm/core/duration.h"

static void times_with_each_unit_are_understood(void)
{
	uint64_t ns = 1;

	CU_ASSERT_EQUAL(duration_parse("0s", 0, UINT64_MAX, &ns), 0);
	CU_ASSERT_EQUAL(ns, 0);
	CU_ASSERT_EQUAL(duration_parse("250us", 0, UINT64_MAX, &ns), 0);
	CU_ASSERT_EQUAL(ns, 250000);
	CU_ASSERT_EQUAL(duration_parse("10ms", 0, UINT64_MAX, &ns), 0);
	CU_ASSERT_EQUAL(ns, 10000000);
	CU_ASSERT_EQUAL(duration_parse("0018s", 0, UINT64_MAX, &ns), 0);
	CU_ASSERT_EQUAL(ns, 18000000000ull);
}

static void other_texts_are_refused(void)
{
	static const char *const bads[] = {
		"",	"s",	"10",  "ms",   "-1s",
		"+1s",	" 1s",	"1 s", "1s ",  "1m",
		"1sec", "1.5s", "1S",  "0x1s", "99999999999999999999"
	};
	uint64_t ns = 7;

	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++)
		CU_ASSERT_EQUAL(duration_parse(bads[i], 0, UINT64_MAX, &ns),
				-EINVAL);
	CU_ASSERT_EQUAL(ns, 7);
}

static void times_out_of_range_are_told(void)
{
	uint64_t ns = 7;

	CU_ASSERT_EQUAL(duration_parse("999us", 1000000, 2000000, &ns),
			-ERANGE);
	CU_ASSERT_EQUAL(duration_parse("3ms", 1000000, 2000000, &ns), -ERANGE);
	CU_ASSERT_EQUAL(
		duration_parse("99999999999999999999s", 0, UINT64_MAX, &ns),
		-ERANGE);
	CU_ASSERT_EQUAL(duration_parse("18446744074s", 0, UINT64_MAX, &ns),
			-ERANGE);
	CU_ASSERT_EQUAL(ns, 7);
	CU_ASSERT_EQUAL(duration_parse("1ms", 1000000, 2000000, &ns), 0);
	CU_ASSERT_EQUAL(duration_parse("2ms", 1000000, 2000000, &ns), 0);
}

static const struct unit_test tests[] = {
	{ "times_with_each_unit_are_understood",
	  times_with_each_unit_are_understood },
	{ "other_texts_are_refused", other_texts_are_refused },
	{ "times_out_of_range_are_told", times_out_of_range_are_told },
};
UNIT_MAIN("duration", tests)
