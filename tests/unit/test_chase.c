/* SPDX-License-Identifier: MIT */
/* test_chase.c - when does a consumer take itself for one that chases? */
#include "shm/chase.h"
#include "tests/unit/harness.h"

#define RING_LEN 65536u

static struct chase c;

static void look(uint64_t gained_len)
{
	chase_wait(&c);
	chase_judge(&c, gained_len);
}

static bool chases(void)
{
	return c.row_nr >= CHASE_ROW_NR;
}

static void begin_chase(void)
{
	chase_init(&c, RING_LEN);
	for (uint32_t i = 0; i < CHASE_ROW_NR; i++)
		look(64);
}

static void small_gains_in_a_row_are_a_chase(void)
{
	chase_init(&c, RING_LEN);
	for (uint32_t i = 1; i <= CHASE_ROW_NR; i++) {
		CU_ASSERT_FALSE(chases());
		look(64);
		look(0); /* a few in vain between them are part of it */
		look(0);
		if (i == CHASE_ROW_NR)
			break;
	}
	/* But one in vain within it ends it. */
	CU_ASSERT_FALSE(chases());
	begin_chase();
	CU_ASSERT_TRUE(chases());
}

static void gains_after_a_long_wait_or_large_ones_are_none(void)
{
	chase_init(&c, RING_LEN);
	for (uint32_t i = 0; i < 3 * CHASE_ROW_NR; i++) {
		for (uint32_t k = 0; k <= CHASE_LOOKS_NR; k++)
			look(0);
		look(64);
		CU_ASSERT_FALSE(chases());
		/* Who waits for an answer pays for no stamps. */
		CU_ASSERT_EQUAL(c.row_nr, 0);
		CU_ASSERT_EQUAL(c.look_ticks8, 0);
	}
	for (uint32_t i = 0; i < 3 * CHASE_ROW_NR; i++)
		look(CHASE_LEN);
	CU_ASSERT_FALSE(chases());
}

static void chase_lasts_while_looks_gain_and_the_ring_is_not_half_full(void)
{
	begin_chase();
	for (uint32_t i = 0; i < 100; i++) {
		look(RING_LEN / 2 - 1);
		CU_ASSERT_TRUE(chases());
	}
	look(RING_LEN / 2);
	CU_ASSERT_FALSE(chases());
	begin_chase();
	look(0);
	CU_ASSERT_FALSE(chases());
}

static void wait_is_a_multiple_of_a_look_and_has_a_limit(void)
{
	uint64_t start;

	begin_chase();
	for (uint32_t i = 0; i < 100; i++)
		look(64);
	CU_ASSERT(c.look_ticks8 > 0);
	CU_ASSERT(c.look_ticks8 <= 8 * CHASE_LOOK_MAX_TICKS);
	/* Another thread's time between both only makes it longer. */
	c.look_ticks8 = 8 * CHASE_LOOK_MAX_TICKS;
	start = cpu_ticks();
	chase_wait(&c);
	CU_ASSERT(cpu_ticks() - start >=
		  (uint64_t)CHASE_LOOK_MAX_TICKS * CHASE_WAIT_LOOKS);
	c.wait_looks = 0;
	chase_wait(&c);
	chase_judge(&c, 64);
	CU_ASSERT_TRUE(chases());
}

static const struct unit_test tests[] = {
	{ "small_gains_in_a_row_are_a_chase",
	  small_gains_in_a_row_are_a_chase },
	{ "gains_after_a_long_wait_or_large_ones_are_none",
	  gains_after_a_long_wait_or_large_ones_are_none },
	{ "chase_lasts_while_looks_gain_and_the_ring_is_not_half_full",
	  chase_lasts_while_looks_gain_and_the_ring_is_not_half_full },
	{ "wait_is_a_multiple_of_a_look_and_has_a_limit",
	  wait_is_a_multiple_of_a_look_and_has_a_limit },
};

UNIT_MAIN("chase", tests)
