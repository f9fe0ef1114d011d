/* SPDX-License-Identifier: MIT */
/*
 * mount_random.h - random operations through a mount: their number, their
 * seed, and what is told when one is answered wrongly.
 *
 * The same seed does the same operations again, so a failure names it, and
 * the operations that led there.
 */
#ifndef TESTS_SYSTEM_MOUNT_RANDOM_H
#define TESTS_SYSTEM_MOUNT_RANDOM_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RANDOM_TOLD 24 /* the last operations that a failure tells */

struct random {
	const char *program;
	uint64_t seed, state, op_nr, ops_nr;
	char told[RANDOM_TOLD][160];
};

static inline uint32_t random_below(struct random *random, uint32_t below)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return (uint32_t)(random->state >> 20) % below;
}

static inline void random_seed(struct random *random, uint64_t seed)
{
	random->seed = seed;
	random->state = seed * 0x9e3779b97f4a7c15ull + 1;
}

/* What the operation that begins now is. */
__attribute__((format(printf, 2, 3))) static inline void
random_tell(struct random *random, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(random->told[random->op_nr % RANDOM_TOLD],
			sizeof(random->told[0]), format, args);
	va_end(args);
}

/* The last one was answered wrongly. */
_Noreturn static inline void random_fail(const struct random *random,
					 const char *what, int64_t got,
					 int64_t wanted)
{
	uint64_t nr = random->op_nr < RANDOM_TOLD
			      ? 0
			      : random->op_nr - RANDOM_TOLD + 1;

	(void)fflush(stdout);
	for (; nr <= random->op_nr; nr++)
		fprintf(stderr, "%" PRIu64 ": %s\n", nr,
			random->told[nr % RANDOM_TOLD]);
	fprintf(stderr,
		"%s: seed %" PRIu64 ", operation %" PRIu64 ": %s: got %" PRId64
		", wanted %" PRId64 "\n",
		random->program, random->seed, random->op_nr, what, got,
		wanted);
	exit(EXIT_FAILURE);
}

static inline void random_same(const struct random *random, const char *what,
			       int64_t got, int64_t wanted)
{
	if (got != wanted)
		random_fail(random, what, got, wanted);
}

/* Of an option -n or -s. */
static inline uint64_t random_number(const struct random *random,
				     const char *text)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (end == text || *end) {
		fprintf(stderr, "%s: %s is no number\n", random->program, text);
		exit(2);
	}
	return number;
}

#endif
