/* SPDX-License-Identifier: MIT */
/*
 * harness.h - one CUnit suite per program, one line per test on stdout:
 * "ok suite/name", "not ok suite/name" or "skip suite/name # reason".
 *
 * Each test runs with a timeout (UNIT_TIMEOUT_S); a hang is a failure. After
 * each test, file descriptors must be as many as before it: a test that
 * leaks one fails.
 */
#ifndef TESTS_UNIT_HARNESS_H
#define TESTS_UNIT_HARNESS_H

#include <CUnit/CUnit.h>

#define UNIT_TIMEOUT_S 60

struct unit_test {
	const char *name; /* condition and expectation, as in STYLE */
	void (*fn)(void);
};

/* For main(): the exit status. */
int unit_main(const char *suite, const struct unit_test *tests, int tests_nr);
#define UNIT_MAIN(suite, tests)                                            \
	int main(void)                                                     \
	{                                                                  \
		return unit_main((suite), (tests),                         \
				 (int)(sizeof(tests) / sizeof(*(tests)))); \
	}

/* Called by a test that cannot run here; then it returns. */
void unit_skip(const char *reason);

#endif
