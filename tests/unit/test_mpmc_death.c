/* SPDX-License-Identifier: MIT */
/* test_mpmc_death.c - an end dies at each step of its claim: what becomes of
 * the messages, and who is told? Peer 0 dies; it is producer 0 or consumer 0.
 */
#include "tests/unit/mpmc_room.h"

static const uint64_t starts[] = { 0, (1ull << 32) - 2, 0 - 2ull,
				   (1ull << 52) - 1 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

static void expect_lost(uint64_t first_idx, uint32_t nr, bool sent)
{
	CU_ASSERT_EQUAL(lost.nr, nr);
	for (uint32_t i = 0; i < lost.nr; i++) {
		CU_ASSERT_EQUAL(lost.idx[i], first_idx + i);
		CU_ASSERT_EQUAL(lost.sent[i], sent);
	}
}

/* The ring is as good as new: two laps pass through peer 1's ends. */
static void expect_sound(void)
{
	uint32_t lost_nr = lost.nr;

	for (uint64_t i = 0; i < 2ul * SLOTS_NR; i++) {
		CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, i)), 1);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, i)), 1);
	}
	CU_ASSERT_EQUAL(lost.nr, lost_nr);
}

static void producer_that_died_before_its_claim_costs_nothing(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		ring->seats[0].intent = MPMC_INTENT(starts[s], 3);
		die(0);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
		CU_ASSERT_EQUAL(push(1, 5), 1);
		CU_ASSERT_EQUAL(pop(1, 5), 1);
		expect_sound();
		CU_ASSERT_EQUAL(lost.nr, 0);
		room_close();
	}
}

/* The number the dead one wanted may be the one a living one got. */
static void claim_of_a_living_producer_is_not_taken_for_the_dead_ones(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		ring->seats[0].intent = MPMC_INTENT(starts[s], 3);
		die(0);
		CU_ASSERT_EQUAL(mpmc_reserve(&tx[1], 2), 2);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
		for (uint32_t i = 0; i < 2; i++)
			*(uint64_t *)mpmc_slot_tx(&tx[1], i) = 10 + i;
		CU_ASSERT_EQUAL(mpmc_commit(&tx[1]), 0);
		CU_ASSERT_EQUAL(pop(1, 10), 1);
		CU_ASSERT_EQUAL(pop(1, 11), 1);
		CU_ASSERT_EQUAL(lost.nr, 0);
		room_close();
	}
}

static void producer_that_died_after_its_claim_loses_all_of_it_once(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(3, starts[s]);
		CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 3), 3);
		CU_ASSERT_EQUAL(push(1, 13), 1);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 13)), 0);
		die(0);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 13)), 1);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(2, 13)), 0);
		expect_lost(starts[s], 3, false);
		CU_ASSERT_EQUAL(rx[1].end.lost_nr + rx[2].end.lost_nr, 3);
		expect_sound();
		room_close();
	}
}

static void producer_that_died_between_two_publications_loses_the_rest(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		uint64_t idx = starts[s];

		room_open(2, idx);
		CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 3), 3);
		*(uint64_t *)mpmc_slot_tx(&tx[0], 0) = 10;
		cell_of(idx)->seq = idx + 1;
		die(0);
		CU_ASSERT_EQUAL(pop(1, 10), 1);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
		expect_lost(idx + 1, 2, false);
		expect_sound();
		room_close();
	}
}

static void producer_that_died_before_clearing_its_intent_loses_nothing(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	ring->seats[0].intent = MPMC_INTENT(0ull, 1);
	die(0);
	CU_ASSERT_EQUAL(pop(1, 1), 1);
	expect_sound();
	CU_ASSERT_EQUAL(lost.nr, 0);
	room_close();
}

static void lost_messages_between_good_ones_split_a_batch_only(void)
{
	uint64_t out[8];

	room_open(2, 0);
	CU_ASSERT_EQUAL(push(1, 0), 1);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 2), 2);
	CU_ASSERT_EQUAL(push(1, 3), 1);
	die(0);
	CU_ASSERT_EQUAL(mpmc_pop(&rx[1], out, 8), 1);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(mpmc_pop(&rx[1], out + 1, 8)), 1);
	CU_ASSERT_EQUAL(out[1], 3);
	expect_lost(1, 2, false);
	room_close();
}

static void two_dead_producers_are_both_passed(void)
{
	room_open(3, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), 1);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[2], 1), 1);
	die(0);
	die(2);
	CU_ASSERT_EQUAL(push(1, 2), 1);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 2)), 1);
	expect_lost(0, 2, false);
	room_close();
}

static void peer_that_may_be_alive_is_waited_for(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), 1);
	region_peer_set(&region, PEER_ID(0), REGION_PEER_ALIVE);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
	region_peer_set(&region, PEER_ID(0), REGION_PEER_UNKNOWN);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	CU_ASSERT_EQUAL(mpmc_take(&rx[1], 1), 1);
	CU_ASSERT_EQUAL(lost.nr, 0);
	room_close();
}

/* A try of a living producer that failed covers the dead one's number. */
static void failed_try_of_a_living_producer_only_delays(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), 1);
	die(0);
	ring->seats[1].intent = MPMC_INTENT(0ull, 1);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
	CU_ASSERT_EQUAL(lost.nr, 0);
	ring->seats[1].intent = 0;
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
	expect_lost(0, 1, false);
	room_close();
}

/* Fill the ring; consumer 0 claims the first `nr`, then dies. */
static void die_reading(uint32_t nr)
{
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(push(1, i), 1);
	CU_ASSERT_EQUAL_FATAL(mpmc_take(&rx[0], nr), (int)nr);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, 0)), 0);
	die(0);
}

static void consumer_that_died_before_its_claim_costs_nothing(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		for (uint64_t i = 0; i < SLOTS_NR; i++)
			CU_ASSERT_EQUAL(push(1, i), 1);
		ring->seats[2].intent = MPMC_INTENT(starts[s], 4);
		die(0);
		CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, 0)), 0);
		for (uint64_t i = 0; i < SLOTS_NR; i++)
			CU_ASSERT_EQUAL(pop(1, i), 1);
		expect_sound();
		CU_ASSERT_EQUAL(lost.nr, 0);
		room_close();
	}
}

static void consumer_that_died_after_its_claim_frees_its_cells(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		die_reading(3);
		for (uint64_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, SLOTS_NR + i)),
					1);
		expect_lost(starts[s], 3, true);
		CU_ASSERT_EQUAL(tx[1].end.lost_nr, 3);
		for (uint64_t i = 3; i < SLOTS_NR + 3; i++)
			CU_ASSERT_EQUAL(pop(1, i), 1);
		expect_sound();
		room_close();
	}
}

static void consumer_that_died_giving_back_frees_the_rest(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		uint64_t idx = starts[s];

		room_open(2, idx);
		die_reading(3);
		cell_of(idx)->seq = idx + SLOTS_NR;
		for (uint64_t i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, i)), 1);
		expect_lost(idx + 1, 2, true);
		room_close();
	}
}

static void consumer_that_died_passing_a_lost_message_loses_it_once(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(push(1, 0), 1);
	/* Message 0 was lost with its producer, and consumer 0 had that. */
	cell_of(0)->seq = 2;
	ring->head_idx = 1;
	ring->seats[2].intent = MPMC_INTENT(0ull, 1);
	die(0);
	for (uint64_t i = 1; i <= SLOTS_NR; i++)
		CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, i)), 1);
	expect_lost(0, 1, false);
	room_close();
}

static void claim_of_a_living_consumer_is_not_taken_for_the_dead_ones(void)
{
	room_open(2, 0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push(1, i), 1);
	ring->seats[2].intent = MPMC_INTENT(0ull, 2);
	die(0);
	CU_ASSERT_EQUAL(mpmc_take(&rx[1], 2), 2);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, 0)), 0);
	CU_ASSERT_EQUAL(mpmc_release(&rx[1]), 0);
	CU_ASSERT_EQUAL(push(1, 0), 1);
	CU_ASSERT_EQUAL(lost.nr, 0);
	room_close();
}

static void successor_of_a_dead_producer_gives_up_what_that_one_claimed(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 2), 2);
		die(0);
		CU_ASSERT_EQUAL(tx_open(3), 0);
		CU_ASSERT(tx[3].end.taken_over);
		CU_ASSERT_EQUAL(tx[3].end.seat_nr, 0);
		CU_ASSERT_EQUAL(push(3, 2), 1);
		/* At once: no search is needed. */
		CU_ASSERT_EQUAL(pop(1, 2), 1);
		expect_lost(starts[s], 2, false);
		expect_sound();
		room_close();
	}
}

static void successor_of_a_dead_consumer_reports_what_that_one_had(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		room_open(2, starts[s]);
		die_reading(3);
		CU_ASSERT_EQUAL(rx_open(3), 0);
		CU_ASSERT(rx[3].end.taken_over);
		CU_ASSERT_EQUAL(pop(3, 3), 1);
		expect_lost(starts[s], 3, true);
		CU_ASSERT_EQUAL(push(1, 1), 1);
		expect_lost(starts[s], 3, true);
		room_close();
	}
}

/* Who comes first reports it: the other then finds nothing. */
static void successor_and_producer_do_not_report_twice(void)
{
	room_open(2, 0);
	die_reading(2);
	CU_ASSERT_EQUAL(rx_open(3), 0);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, 16)), 1);
	expect_lost(0, 1, true);
	CU_ASSERT_EQUAL(pop(3, 2), 1);
	expect_lost(0, 2, true);
	room_close();
}

static void successor_finds_nothing_in_an_old_intent(void)
{
	static const uint64_t old[] = { 0, 1, 70, 1000, UINT64_MAX >> 12 };

	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++) {
		room_open(2, 100);
		CU_ASSERT_EQUAL(push(1, 1), 1);
		ring->seats[0].intent = MPMC_INTENT(old[i], 4095);
		ring->seats[2].intent = MPMC_INTENT(old[i], 4095);
		die(0);
		CU_ASSERT_EQUAL(tx_open(3), 0);
		CU_ASSERT_EQUAL(rx_open(3), 0);
		CU_ASSERT_EQUAL(push(3, 2), 1);
		CU_ASSERT_EQUAL(pop(3, 1), 1);
		CU_ASSERT_EQUAL(pop(3, 2), 1);
		CU_ASSERT_EQUAL(lost.nr, 0);
		expect_sound();
		room_close();
	}
}

static void dead_seats_are_taken_before_free_ones(void)
{
	room_open_as(8, SLOTS_NR, 3, 0);
	CU_ASSERT_EQUAL(tx_open(1), 0);
	CU_ASSERT_EQUAL(tx_open(0), 0);
	mpmc_close_tx(&tx[1]);
	die(0);
	CU_ASSERT_EQUAL(tx_open(2), 0);
	CU_ASSERT_EQUAL(tx[2].end.seat_nr, 1);
	CU_ASSERT(tx[2].end.taken_over);
	room_close();
}

static void producer_taken_for_dead_that_lives_publishes_nothing(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 2), 2);
	die(0);
	CU_ASSERT_EQUAL(push(1, 2), 1);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 2)), 1);
	expect_lost(0, 2, false);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), -SHM_EOWNER);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(1, 0)), 0);
	expect_sound();
	room_close();
}

static void consumer_taken_for_dead_that_lives_gives_nothing_back(void)
{
	room_open(2, 0);
	die_reading(1);
	CU_ASSERT_EQUAL(AFTER_A_WHILE(push(1, 16)), 1);
	CU_ASSERT_EQUAL(mpmc_release(&rx[0]), -SHM_EOWNER);
	CU_ASSERT_EQUAL(cell_of(16)->seq, 17);
	expect_lost(0, 1, true);
	room_close();
}

static void end_whose_seat_was_taken_over_is_eowner_and_harmless(void)
{
	uint64_t intent;

	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), 1);
	die(0);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[3], 1), 1);
	intent = ring->seats[0].intent;
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), -SHM_EOWNER);
	/* What its successor is about stays known. */
	CU_ASSERT_EQUAL(ring->seats[0].intent, intent);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), -SHM_EOWNER);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], MS_NS), -SHM_EOWNER);
	mpmc_close_tx(&tx[0]);
	CU_ASSERT_EQUAL((uint32_t)ring->seats[0].owner, PEER_ID(3) + 1);
	CU_ASSERT_EQUAL(ring->seats[0].intent, intent);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[3]), 0);
	room_close();
}

static const struct unit_test tests[] = {
	{ "producer_that_died_before_its_claim_costs_nothing",
	  producer_that_died_before_its_claim_costs_nothing },
	{ "claim_of_a_living_producer_is_not_taken_for_the_dead_ones",
	  claim_of_a_living_producer_is_not_taken_for_the_dead_ones },
	{ "producer_that_died_after_its_claim_loses_all_of_it_once",
	  producer_that_died_after_its_claim_loses_all_of_it_once },
	{ "producer_that_died_between_two_publications_loses_the_rest",
	  producer_that_died_between_two_publications_loses_the_rest },
	{ "producer_that_died_before_clearing_its_intent_loses_nothing",
	  producer_that_died_before_clearing_its_intent_loses_nothing },
	{ "lost_messages_between_good_ones_split_a_batch_only",
	  lost_messages_between_good_ones_split_a_batch_only },
	{ "two_dead_producers_are_both_passed",
	  two_dead_producers_are_both_passed },
	{ "peer_that_may_be_alive_is_waited_for",
	  peer_that_may_be_alive_is_waited_for },
	{ "failed_try_of_a_living_producer_only_delays",
	  failed_try_of_a_living_producer_only_delays },
	{ "consumer_that_died_before_its_claim_costs_nothing",
	  consumer_that_died_before_its_claim_costs_nothing },
	{ "consumer_that_died_after_its_claim_frees_its_cells",
	  consumer_that_died_after_its_claim_frees_its_cells },
	{ "consumer_that_died_giving_back_frees_the_rest",
	  consumer_that_died_giving_back_frees_the_rest },
	{ "consumer_that_died_passing_a_lost_message_loses_it_once",
	  consumer_that_died_passing_a_lost_message_loses_it_once },
	{ "claim_of_a_living_consumer_is_not_taken_for_the_dead_ones",
	  claim_of_a_living_consumer_is_not_taken_for_the_dead_ones },
	{ "successor_of_a_dead_producer_gives_up_what_that_one_claimed",
	  successor_of_a_dead_producer_gives_up_what_that_one_claimed },
	{ "successor_of_a_dead_consumer_reports_what_that_one_had",
	  successor_of_a_dead_consumer_reports_what_that_one_had },
	{ "successor_and_producer_do_not_report_twice",
	  successor_and_producer_do_not_report_twice },
	{ "successor_finds_nothing_in_an_old_intent",
	  successor_finds_nothing_in_an_old_intent },
	{ "dead_seats_are_taken_before_free_ones",
	  dead_seats_are_taken_before_free_ones },
	{ "producer_taken_for_dead_that_lives_publishes_nothing",
	  producer_taken_for_dead_that_lives_publishes_nothing },
	{ "consumer_taken_for_dead_that_lives_gives_nothing_back",
	  consumer_taken_for_dead_that_lives_gives_nothing_back },
	{ "end_whose_seat_was_taken_over_is_eowner_and_harmless",
	  end_whose_seat_was_taken_over_is_eowner_and_harmless },
};

UNIT_MAIN("mpmc_death", tests)
