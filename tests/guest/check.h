/* SPDX-License-Identifier: MIT */
/*
 * check.h - claims of a guest test: each prints "ok NAME" or "not ok NAME";
 * the guest ends with the number of claims that failed.
 */
#ifndef TESTS_GUEST_CHECK_H
#define TESTS_GUEST_CHECK_H

#include <stdbool.h>

#include "guests/runtime/runtime.h"

static uint32_t checks_failed;

static inline void check(bool holds, const char *name)
{
	printf("%sok %s\n", holds ? "" : "not ", name);
	checks_failed += !holds;
}

/* As check(), and says what came instead. */
static inline void check_equal(uint64_t got, uint64_t want, const char *name)
{
	if (got != want)
		printf("# %s: 0x%llx, expected 0x%llx\n", name,
		       (unsigned long long)got, (unsigned long long)want);
	check(got == want, name);
}

#endif
