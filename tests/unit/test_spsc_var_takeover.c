/* SPDX-License-Identifier: MIT */
/* test_spsc_var_takeover.c - who may have an end, and what does an heir find?
 */
#include "tests/unit/spsc_var_room.h"

#define HEIR_ID 9u

static const uint64_t starts[] = { 0, RING_LEN - 8, 0ull - 64 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

static struct spsc_var_tx tx2;
static struct spsc_var_rx rx2;

static void die(uint32_t id)
{
	region_peer_set(&region, id, REGION_PEER_GONE);
}

static int heir_open_tx(void)
{
	tx_fake.peer.id = HEIR_ID;
	return spsc_var_open_tx(&tx2, &region, NAME, &tx_fake.peer, TX_VECTOR);
}

static int heir_open_rx(void)
{
	rx_fake.peer.id = HEIR_ID;
	return spsc_var_open_rx(&rx2, &region, NAME, &rx_fake.peer, RX_VECTOR);
}

static void end_of_a_peer_that_may_live_is_taken(void)
{
	static const enum region_peer_state states[] = { REGION_PEER_ALIVE,
							 REGION_PEER_UNKNOWN };

	for (int i = 0; i < 2; i++) {
		room_open_both(0);
		region_peer_set(&region, TX_ID, states[i]);
		region_peer_set(&region, RX_ID, states[i]);
		CU_ASSERT_EQUAL(heir_open_tx(), -SHM_EEXIST);
		CU_ASSERT_EQUAL(heir_open_rx(), -SHM_EEXIST);
		CU_ASSERT_FALSE(tx.taken_over);
		CU_ASSERT_FALSE(rx.taken_over);
		CU_ASSERT_EQUAL(push_nr(0, 9), 1);
		CU_ASSERT_EQUAL(pop_nr(0), 9);
		room_close();
	}
}

static void end_that_was_given_up_is_free(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0, 100), 1);
	CU_ASSERT_EQUAL(push_nr(1, 100), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 100);
	spsc_var_close_tx(&tx);
	spsc_var_close_rx(&rx);
	CU_ASSERT_EQUAL(heir_open_tx(), 0);
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	CU_ASSERT_FALSE(tx2.taken_over);
	CU_ASSERT_FALSE(rx2.taken_over);
	rx = rx2;
	CU_ASSERT_EQUAL(pop_nr(1), 100);
	CU_ASSERT_EQUAL(pop_nr(2), 0);
	room_close();
}

static void what_a_dead_producer_published_is_there_and_nothing_else(void)
{
	void *room;

	for (size_t i = 0; i < STARTS_NR; i++) {
		room_open_both(starts[i]);
		CU_ASSERT_EQUAL(push_nr(0, 40), 1);
		/* Committed but not published, and half written: it dies. */
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 300, &room), 1);
		fill(room, 77, 300);
		CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 300), 0);
		CU_ASSERT_EQUAL_FATAL(spsc_var_reserve(&tx, 500, &room), 1);
		if (room)
			memset(room, 0xee, 250);
		die(TX_ID);
		CU_ASSERT_EQUAL(heir_open_tx(), 0);
		CU_ASSERT(tx2.taken_over);
		CU_ASSERT_EQUAL(pop_nr(0), 40);
		CU_ASSERT_EQUAL(pop_nr(1), 0);
		tx = tx2;
		CU_ASSERT_EQUAL(push_nr(1, 333), 1);
		CU_ASSERT_EQUAL(pop_nr(1), 333);
		CU_ASSERT_EQUAL(pop_nr(2), 0);
		room_close();
	}
}

/* The consumer dies after each number of messages, one more in its hands. */
static void released_messages_are_released_once_and_the_others_come(void)
{
	for (uint64_t released = 0; released <= 20; released++) {
		room_open_both(starts[released % STARTS_NR]);
		for (uint64_t nr = 0; nr < 21; nr++)
			CU_ASSERT_EQUAL(push_nr(nr, 50 + (uint32_t)nr), 1);
		for (uint64_t nr = 0; nr < released; nr++)
			CU_ASSERT_EQUAL(pop_nr(nr), 50 + (int)nr);
		CU_ASSERT_EQUAL(peek_nr(released), 50 + (int)released);
		die(RX_ID);
		CU_ASSERT_EQUAL(heir_open_rx(), 0);
		CU_ASSERT(rx2.taken_over);
		rx = rx2;
		for (uint64_t nr = released; nr < 21; nr++)
			CU_ASSERT_EQUAL(pop_nr(nr), 50 + (int)nr);
		CU_ASSERT_EQUAL(pop_nr(21), 0);
		CU_ASSERT_EQUAL(ring->head_idx, ring->tail_idx);
		room_close();
	}
}

static void producer_goes_on_when_its_consumer_was_replaced(void)
{
	uint64_t sent = 0;

	room_open_both(0ull - 800);
	while (push_nr(sent, 200) == 1)
		sent++;
	for (uint64_t nr = 0; nr < 4; nr++)
		CU_ASSERT_EQUAL(pop_nr(nr), 200);
	die(RX_ID);
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	rx = rx2;
	for (uint64_t nr = 4; nr < sent; nr++)
		CU_ASSERT_EQUAL(pop_nr(nr), 200);
	CU_ASSERT_EQUAL(pop_nr(sent), 0);
	CU_ASSERT_EQUAL(push_nr(sent, MSG_MAX), 1);
	CU_ASSERT_EQUAL(pop_nr(sent), (int)MSG_MAX);
	room_close();
}

static void both_ends_of_dead_peers_are_taken_over(void)
{
	room_open_both(RING_LEN - 96);
	for (uint64_t nr = 0; nr < 5; nr++)
		CU_ASSERT_EQUAL(push_nr(nr, 90), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 90);
	die(TX_ID);
	die(RX_ID);
	CU_ASSERT_EQUAL(heir_open_tx(), 0);
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	tx = tx2;
	rx = rx2;
	CU_ASSERT_EQUAL(push_nr(5, 90), 1);
	for (uint64_t nr = 1; nr < 6; nr++)
		CU_ASSERT_EQUAL(pop_nr(nr), 90);
	CU_ASSERT_EQUAL(pop_nr(6), 0);
	room_close();
}

static void wait_for_a_dead_consumer_is_egone(void)
{
	room_open_both(0);
	while (push_nr(0, 500) == 1)
		;
	die(RX_ID);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 500, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 0);
	/* An heir ends the misery. */
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	rx = rx2;
	CU_ASSERT_EQUAL(pop_nr(0), 500);
	CU_ASSERT_EQUAL(pop_nr(0), 500);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 500, PEER_WAIT_FOREVER), 0);
	room_close();
}

static void wait_for_a_dead_producer_is_egone_behind_its_last_message(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0, 5), 1);
	die(TX_ID);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 5);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), -SHM_EGONE);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 0);
	room_close();
}

static void producer_that_was_taken_over_is_eowner_and_publishes_no_more(void)
{
	uint64_t tail_idx;
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 8, &room), 1);
	CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 8), 0);
	die(TX_ID);
	CU_ASSERT_EQUAL(heir_open_tx(), 0);
	fill(text, 0, 1000);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(spsc_var_push(&tx2, text, 1000), 1);
	tail_idx = ring->tail_idx;
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	CU_ASSERT_EQUAL(spsc_var_refresh_tx(&tx), -SHM_EOWNER);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 8, &room), -SHM_EOWNER);
		CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 8, PEER_WAIT_FOREVER),
				-SHM_EOWNER);
	}
	spsc_var_close_tx(&tx);
	CU_ASSERT_EQUAL(ring->tail_idx, tail_idx);
	CU_ASSERT(owner_holds(&tx2.owner));
	room_close();
}

static void consumer_that_was_taken_over_is_eowner_and_frees_no_more(void)
{
	const void *msg;

	room_open_both(0);
	die(RX_ID);
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	CU_ASSERT_EQUAL(push_nr(0, 1000), 1);
	CU_ASSERT_EQUAL(spsc_var_pop(&rx2, text, MSG_MAX), 1000);
	CU_ASSERT_EQUAL(ring->head_idx, 1008);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_var_peek(&rx, &msg), -SHM_EOWNER);
		CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER),
				-SHM_EOWNER);
	}
	spsc_var_close_rx(&rx);
	CU_ASSERT_EQUAL(ring->head_idx, 1008);
	CU_ASSERT_EQUAL(ring->done_idx, 1008);
	CU_ASSERT(owner_holds(&rx2.owner));
	room_close();
}

static void ring_in_use_is_not_retired(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, NAME, HEIR_ID), -SHM_EEXIST);
	spsc_var_close_tx(&tx);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, NAME, HEIR_ID), -SHM_EEXIST);
	/* The end that was free is free again. */
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, "none", HEIR_ID), -SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, "before", HEIR_ID),
			-SHM_EINVAL);
	CU_ASSERT_EQUAL(push_nr(0, 9), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 9);
	room_close();
}

static void retired_ring_is_gone_and_can_be_created_again(void)
{
	room_open_both(64);
	CU_ASSERT_EQUAL(push_nr(0, 9), 1);
	spsc_var_close_tx(&tx);
	die(RX_ID);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, NAME, HEIR_ID), 0);
	CU_ASSERT_EQUAL(tx_open(), -SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_var_retire(&region, NAME, HEIR_ID), -SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_var_create(&region, NAME, RING_LEN, HEIR_ID), 0);
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(heir_open_rx(), 0);
	rx = rx2;
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(push_nr(1, 9), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 9);
	CU_ASSERT_PTR_EQUAL(tx.mem, ring);
	room_close();
}

static const struct unit_test tests[] = {
	{ "end_of_a_peer_that_may_live_is_taken",
	  end_of_a_peer_that_may_live_is_taken },
	{ "end_that_was_given_up_is_free", end_that_was_given_up_is_free },
	{ "what_a_dead_producer_published_is_there_and_nothing_else",
	  what_a_dead_producer_published_is_there_and_nothing_else },
	{ "released_messages_are_released_once_and_the_others_come",
	  released_messages_are_released_once_and_the_others_come },
	{ "producer_goes_on_when_its_consumer_was_replaced",
	  producer_goes_on_when_its_consumer_was_replaced },
	{ "both_ends_of_dead_peers_are_taken_over",
	  both_ends_of_dead_peers_are_taken_over },
	{ "wait_for_a_dead_consumer_is_egone",
	  wait_for_a_dead_consumer_is_egone },
	{ "wait_for_a_dead_producer_is_egone_behind_its_last_message",
	  wait_for_a_dead_producer_is_egone_behind_its_last_message },
	{ "producer_that_was_taken_over_is_eowner_and_publishes_no_more",
	  producer_that_was_taken_over_is_eowner_and_publishes_no_more },
	{ "consumer_that_was_taken_over_is_eowner_and_frees_no_more",
	  consumer_that_was_taken_over_is_eowner_and_frees_no_more },
	{ "ring_in_use_is_not_retired", ring_in_use_is_not_retired },
	{ "retired_ring_is_gone_and_can_be_created_again",
	  retired_ring_is_gone_and_can_be_created_again },
};

UNIT_MAIN("spsc_var_takeover", tests)
