/* SPDX-License-Identifier: MIT */
/* p9_room.h - what tests of 9P messages share: a place where one byte too
 * far ends the program, and checks that name the message. */
#ifndef TESTS_UNIT_P9_ROOM_H
#define TESTS_UNIT_P9_ROOM_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"
#include "tests/unit/p9_samples.h"

#define P9_ROOM_LEN 4096u

/* len bytes, of any content, behind which nobody may read or write. */
static inline uint8_t *p9_room(uint32_t len)
{
	static uint8_t *page;

	if (!page)
		page = guarded_map(P9_ROOM_LEN);
	return page + P9_ROOM_LEN - len;
}

static inline uint8_t *p9_room_of(const void *bytes, uint32_t len)
{
	return memcpy(p9_room(len), bytes, len);
}

static inline void p9_expect(const char *name, int got, int want)
{
	if (got != want)
		fprintf(stderr, "%s: %d, not %d\n", name, got, want);
	CU_ASSERT_EQUAL(got, want);
}

/* A message's first field, for those that a test spoils. */
static inline void p9_set_size(uint8_t *bytes, uint32_t size)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(size >> (8 * i));
}

/* xorshift: the same sequence everywhere. */
static inline uint64_t p9_random(void)
{
	static uint64_t random = 88172645463325252ull;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return random;
}

#endif
