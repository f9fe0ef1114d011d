/* SPDX-License-Identifier: MIT */
/* test_mpmc_history.c - does the judge of recorded histories reject what no
 * queue can do, and nothing else? */
#include <stddef.h>

#include "tests/stress/fifo_history.h"
#include "tests/unit/harness.h"

static void one_call_behind_the_other_in_order_is_let_pass(void)
{
	const struct fate fates[2] = {
		{ { 1, 2, 1 }, { 5, 6, 1 } },
		{ { 3, 4, 1 }, { 7, 8, 1 } },
	};

	CU_ASSERT(history_ok(fates, 2));
	CU_ASSERT(history_ok(fates, 0));
}

static void message_that_overtakes_another_is_rejected(void)
{
	const struct fate fates[2] = {
		{ { 1, 2, 1 }, { 7, 8, 1 } },
		{ { 3, 4, 1 }, { 5, 6, 1 } },
	};

	CU_ASSERT_FALSE(history_ok(fates, 2));
}

static void messages_sent_at_the_same_time_may_come_in_either_order(void)
{
	const struct fate fates[2] = {
		{ { 1, 4, 1 }, { 7, 8, 1 } },
		{ { 3, 5, 1 }, { 5, 6, 1 } },
	};

	CU_ASSERT(history_ok(fates, 2));
}

static void message_received_before_it_was_sent_is_rejected(void)
{
	const struct fate fates[2] = {
		{ { 3, 4, 1 }, { 1, 2, 1 } },
		{ { 5, 6, 1 }, { 7, 8, 1 } },
	};

	CU_ASSERT_FALSE(history_ok(fates, 2));
}

static void message_received_twice_or_never_or_never_sent_is_rejected(void)
{
	static const struct {
		uint32_t sent_nr, received_nr;
	} bad[] = { { 1, 2 }, { 1, 0 }, { 0, 1 }, { 2, 1 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct fate fates[2] = {
			{ { 1, 2, bad[i].sent_nr },
			  { 5, 6, bad[i].received_nr } },
			{ { 3, 4, 1 }, { 7, 8, 1 } },
		};

		CU_ASSERT_FALSE(history_ok(fates, 2));
	}
}

static uint64_t dice = 88172645463325252ull;

static uint64_t random_below(uint64_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (dice >> 32) % below;
}

static void the_judge_agrees_with_a_search_of_all_orders(void)
{
	uint32_t bad_nr = 0;

	for (uint32_t round = 0; round < 20000; round++) {
		struct fate some[SEARCH_MAX] = { 0 };
		uint32_t nr = 2 + (uint32_t)random_below(SEARCH_MAX - 1);

		for (uint32_t i = 0; i < nr; i++) {
			uint64_t sent = random_below(20);
			uint64_t received = random_below(20) + 8;

			some[i].sent = (struct call){ sent,
						      sent + random_below(8),
						      1 };
			some[i].received = (struct call){
				received, received + random_below(8), 1
			};
		}
		CU_ASSERT_EQUAL(history_ok(some, nr), history_search(some, nr));
		bad_nr += !history_ok(some, nr);
	}
	/* Both kinds were met. */
	CU_ASSERT(bad_nr > 1000 && bad_nr < 19000);
}

static const struct unit_test tests[] = {
	{ "one_call_behind_the_other_in_order_is_let_pass",
	  one_call_behind_the_other_in_order_is_let_pass },
	{ "message_that_overtakes_another_is_rejected",
	  message_that_overtakes_another_is_rejected },
	{ "messages_sent_at_the_same_time_may_come_in_either_order",
	  messages_sent_at_the_same_time_may_come_in_either_order },
	{ "message_received_before_it_was_sent_is_rejected",
	  message_received_before_it_was_sent_is_rejected },
	{ "message_received_twice_or_never_or_never_sent_is_rejected",
	  message_received_twice_or_never_or_never_sent_is_rejected },
	{ "the_judge_agrees_with_a_search_of_all_orders",
	  the_judge_agrees_with_a_search_of_all_orders },
};

UNIT_MAIN("mpmc_history", tests)
