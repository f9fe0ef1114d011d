/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzz target is: a function that takes any bytes and lives,
 * and a few good inputs (seeds) to begin with.
 *
 * The same fuzz_NAME.c becomes a libFuzzer program (make fuzz) and, linked
 * with replay.c, a test that feeds it the kept inputs (make test).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The name is libFuzzer's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_SEED_MAX_LEN 4096

struct fuzz_seed {
	const char *name; /* what it does, in words: becomes the file's name */
	size_t len;
	uint8_t bytes[FUZZ_SEED_MAX_LEN];
};
/* Fill in seed nr; false: there are fewer. */
bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed);

/* Print an input as text, where the target knows one; NULL: it does not. */
__attribute__((weak)) void fuzz_print(const uint8_t *data, size_t len);

/* Unlike assert() it is there in every build. */
#define FUZZ_CHECK(cond)                                      \
	do {                                                  \
		if (!(cond))                                  \
			fuzz_fail(#cond, __FILE__, __LINE__); \
	} while (0)

_Noreturn static inline void fuzz_fail(const char *what, const char *file,
				       int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

#endif
