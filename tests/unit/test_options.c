/* SPDX-License-Identifier: MIT */
/* test_options.c - is a mistyped word found, and said why it is refused? */
#include <stdio.h>
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/core/near.h"
#include "vmm/core/options.h"

static void near_name_finds_a_mistyped_word(void)
{
	static const char *const names[] = { "run", "server", "bench",
					     "doctor" };

	CU_ASSERT_STRING_EQUAL(near_name("dcotor", names, 4), "doctor");
	CU_ASSERT_STRING_EQUAL(near_name("servers", names, 4), "server");
	CU_ASSERT_STRING_EQUAL(near_name("rum", names, 4), "run");
	CU_ASSERT_STRING_EQUAL(near_name("bnech", names, 4), "bench");
}

static void near_name_of_a_far_word_is_null(void)
{
	static const char *const names[] = { "run", "server" };
	char word[200];

	CU_ASSERT_PTR_NULL(near_name("start", names, 2));
	CU_ASSERT_PTR_NULL(near_name("", names, 2));
	CU_ASSERT_PTR_NULL(near_name("x", names, 0));
	memset(word, 'r', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	CU_ASSERT_PTR_NULL(near_name(word, names, 2));
}

/* What is said of the first word of these; NULL ends them. */
static const char *fault_of(char *words[])
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "once", no_argument, NULL, 'o' },
		{ "paging-backend", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	static char text[OPTIONS_FAULT_LEN];
	char name[] = "ivlab", *argv[4] = { name };
	int argc = 1, result;

	while (words[argc - 1] && argc < 3) {
		argv[argc] = words[argc - 1];
		argc++;
	}
	opterr = 0;
	optind = 0;
	result = getopt_long(argc, argv, ":h", options, NULL);
	CU_ASSERT_FATAL(result == '?' || result == ':');
	return options_fault(text, result, argv, options);
}

static void assert_fault(const char *word, const char *expected)
{
	char copy[64], *words[] = { copy, NULL };

	snprintf(copy, sizeof(copy), "%s", word);
	CU_ASSERT_STRING_EQUAL(fault_of(words), expected);
}

static void fault_names_word_reason_and_the_nearest_option(void)
{
	assert_fault("--nonsense", "unknown option --nonsense");
	assert_fault("--sokcet",
		     "unknown option --sokcet: did you mean --socket?");
	assert_fault("--pagin-bakcend=kvm",
		     "unknown option --pagin-bakcend=kvm: did you mean "
		     "--paging-backend?");
	assert_fault("--socket", "option --socket needs a value");
	assert_fault("--once=3", "option --once=3 takes no value");
	assert_fault("-Z", "unknown option -Z");
	assert_fault("-Zh", "unknown option -Z");
	assert_fault("--=", "unknown option --=");
}

static void fault_of_a_long_word_is_cut(void)
{
	char word[1000], *words[] = { word, NULL };
	const char *fault;

	memset(word, '-', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	fault = fault_of(words);
	CU_ASSERT_EQUAL(strlen(fault), OPTIONS_FAULT_LEN - 1);
	CU_ASSERT_EQUAL(strncmp(fault, "unknown option ---", 18), 0);
}

static const struct unit_test tests[] = {
	{ "near_name_finds_a_mistyped_word", near_name_finds_a_mistyped_word },
	{ "near_name_of_a_far_word_is_null", near_name_of_a_far_word_is_null },
	{ "fault_names_word_reason_and_the_nearest_option",
	  fault_names_word_reason_and_the_nearest_option },
	{ "fault_of_a_long_word_is_cut", fault_of_a_long_word_is_cut },
};
UNIT_MAIN("options", tests)
