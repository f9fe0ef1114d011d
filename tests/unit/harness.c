/* SPDX-License-Identifier: MIT */
/* harness.c - runs a table of tests under CUnit and says how each ended. */
#include "tests/unit/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *suite_name;
static const char *skip_reason;
static int fds_before;

static int fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

void unit_skip(const char *reason)
{
	skip_reason = reason;
}

static void test_start(const CU_pTest test, const CU_pSuite suite)
{
	(void)test;
	(void)suite;
	skip_reason = NULL;
	fds_before = fds_open();
	alarm(UNIT_TIMEOUT_S); /* default action: the program dies */
}

static void test_done(const CU_pTest test, const CU_pSuite suite,
		      const CU_pFailureRecord failures)
{
	int fds_after = fds_open();

	(void)suite;
	alarm(0);
	for (const CU_FailureRecord *f = failures; f; f = f->pNext)
		printf("# %s:%u: %s\n", f->strFileName, f->uiLineNumber,
		       f->strCondition);
	if (!failures && fds_after != fds_before)
		printf("# %d file descriptors before, %d after\n", fds_before,
		       fds_after);
	if (failures || fds_after != fds_before) {
		printf("not ok %s/%s\n", suite_name, test->pName);
		/* The leak check is ours: count it where CUnit counts. */
		if (!failures)
			exit(EXIT_FAILURE);
	} else if (skip_reason) {
		printf("skip %s/%s # %s\n", suite_name, test->pName,
		       skip_reason);
	} else {
		printf("ok %s/%s\n", suite_name, test->pName);
	}
	(void)fflush(stdout);
}

int unit_main(const char *suite, const struct unit_test *tests, int tests_nr)
{
	CU_pSuite cu;
	unsigned int failed;

	suite_name = suite;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	cu = CU_add_suite(suite, NULL, NULL);
	for (int i = 0; cu && i < tests_nr; i++)
		if (!CU_add_test(cu, tests[i].name, tests[i].fn))
			cu = NULL;
	if (!cu) {
		fprintf(stderr, "%s: %s\n", suite, CU_get_error_msg());
		return EXIT_FAILURE;
	}
	CU_set_test_start_handler(test_start);
	CU_set_test_complete_handler(test_done);
	CU_run_all_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
