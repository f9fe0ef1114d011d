/* SPDX-License-Identifier: MIT */
/*
 * steps.h - an input as a program: steps of eight bytes each. Of one size, so
 * that the fuzzer can cut, copy and swap them.
 */
#ifndef TESTS_FUZZ_STEPS_H
#define TESTS_FUZZ_STEPS_H

#include <string.h>

#include "tests/fuzz/fuzz.h"

struct step {
	uint8_t op, arg;
	uint16_t off;
	uint32_t value;
};
_Static_assert(sizeof(struct step) == 8, "no holes");

#define STEPS_MAX 512u /* more teach nothing and cost time */

struct steps {
	const uint8_t *data;
	size_t left_nr;
};

static inline struct steps steps_of(const uint8_t *data, size_t len)
{
	size_t nr = len / sizeof(struct step);

	return (struct steps){ data, nr < STEPS_MAX ? nr : STEPS_MAX };
}

static inline bool steps_next(struct steps *steps, struct step *step)
{
	if (!steps->left_nr)
		return false;
	memcpy(step, steps->data, sizeof(*step));
	steps->data += sizeof(*step);
	steps->left_nr--;
	return true;
}

/* A seed that is a program. */
struct steps_seed {
	const char *name;
	uint32_t steps_nr;
	struct step steps[24];
};

static inline bool steps_seed(struct fuzz_seed *seed,
			      const struct steps_seed *from)
{
	seed->name = from->name;
	seed->len = from->steps_nr * sizeof(struct step);
	memcpy(seed->bytes, from->steps, seed->len);
	return true;
}

#endif
