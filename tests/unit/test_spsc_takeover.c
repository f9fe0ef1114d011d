/* SPDX-License-Identifier: MIT */
/* test_spsc_takeover.c - what becomes of a ring whose peer dies? */
#include "tests/unit/spsc_room.h"

#define HEIR_ID 9u

static struct fake_peer heir_fake;

static void die(uint32_t id)
{
	region_peer_set(&region, id, REGION_PEER_GONE);
}

static void heir_init(void)
{
	fake_peer_init(&heir_fake, HEIR_ID, mem, REGION_LEN);
}

static int heir_open_tx(void)
{
	return spsc_open_tx(&tx, &region, NAME, &heir_fake.peer, 0);
}

static int heir_open_rx(void)
{
	return spsc_open_rx(&rx, &region, NAME, &heir_fake.peer, 0);
}

static void living_peers_keep_their_ends(void)
{
	struct spsc_tx other;

	room_open_both(0);
	heir_init();
	CU_ASSERT_EQUAL(spsc_open_tx(&other, &region, NAME, &heir_fake.peer, 0),
			-SHM_EEXIST);
	region_peer_set(&region, TX_ID, REGION_PEER_ALIVE);
	CU_ASSERT_EQUAL(spsc_open_tx(&other, &region, NAME, &heir_fake.peer, 0),
			-SHM_EEXIST);
	room_close();
}

static void committed_messages_survive_their_producer(void)
{
	uint64_t start = UINT64_MAX - 3;
	void *slots;

	room_open_both(start);
	heir_init();
	for (uint64_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	/* Half a message: reserved, scribbled, never committed. */
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 1, &slots), 1);
	memset(slots, 0xee, SLOT_LEN);
	die(TX_ID);
	CU_ASSERT_EQUAL_FATAL(heir_open_tx(), 0);
	CU_ASSERT_TRUE(tx.taken_over);
	for (uint64_t i = 5; i < 8; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	for (uint64_t i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	CU_ASSERT_EQUAL(pop_nr(8), 0);
	room_close();
}

/* However many were released since the last credit, none comes again. */
static void released_messages_do_not_come_again(void)
{
	for (uint64_t taken = 0; taken <= SLOTS_NR; taken++) {
		const void *slots;

		room_open_both(UINT64_MAX - 7);
		heir_init();
		for (uint64_t i = 0; i < SLOTS_NR; i++)
			CU_ASSERT_EQUAL(push_nr(i), 1);
		for (uint64_t i = 0; i < taken; i++)
			CU_ASSERT_EQUAL(pop_nr(i), 1);
		/* Peeked, not released: it was never delivered. */
		(void)spsc_peek(&rx, 1, &slots);
		die(RX_ID);
		CU_ASSERT_EQUAL_FATAL(heir_open_rx(), 0);
		CU_ASSERT_TRUE(rx.taken_over);
		for (uint64_t i = taken; i < SLOTS_NR; i++)
			CU_ASSERT_EQUAL(pop_nr(i), 1);
		CU_ASSERT_EQUAL(pop_nr(0), 0);
		room_close();
	}
}

static void a_zombie_notices_and_stops(void)
{
	struct spsc_tx zombie;
	struct spsc_rx dead_reader;
	const void *there;
	void *slots;

	room_open_both(0);
	heir_init();
	zombie = tx;
	dead_reader = rx;
	die(TX_ID);
	die(RX_ID);
	CU_ASSERT_EQUAL_FATAL(heir_open_tx(), 0);
	CU_ASSERT_EQUAL_FATAL(heir_open_rx(), 0);
	zombie.head_seen = zombie.tail_idx - zombie.slots_nr; /* full */
	CU_ASSERT_EQUAL(spsc_reserve(&zombie, 1, &slots), -SHM_EOWNER);
	CU_ASSERT_EQUAL(spsc_reserve(&zombie, 1, &slots), -SHM_EOWNER);
	CU_ASSERT_EQUAL(spsc_wait_space(&zombie, 0), -SHM_EOWNER);
	CU_ASSERT_EQUAL(spsc_peek(&dead_reader, 1, &there), -SHM_EOWNER);
	CU_ASSERT_EQUAL(spsc_wait_data(&dead_reader, 1000), -SHM_EOWNER);
	/* Closing what is not its own any more changes nothing. */
	spsc_close_tx(&zombie);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, HEIR_ID + 1);
	room_close();
}

static void waiting_for_the_dead_ends(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	die(TX_ID);
	/* What it sent still counts. */
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), -SHM_EGONE);
	room_close();

	room_open_both(0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	die(RX_ID);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, PEER_WAIT_FOREVER), -SHM_EGONE);
	room_close();
}

static void nobody_at_the_other_end_is_waited_for(void)
{
	room_open(SLOT_LEN, SLOTS_NR, 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 50000000), -SHM_ETIMEDOUT);
	room_close();
}

static void garbage_in_the_exact_count_is_epeer(void)
{
	room_open(SLOT_LEN, SLOTS_NR, 0);
	ring->tail_idx = 5;
	ring->done_idx = 6;
	CU_ASSERT_EQUAL(rx_open(), -SHM_EPEER);
	ring->done_idx = UINT64_MAX;
	CU_ASSERT_EQUAL(rx_open(), -SHM_EPEER);
	room_close();
}

static void a_retired_ring_is_not_found_and_comes_back_empty(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_retire(&region, NAME, HEIR_ID), -SHM_EEXIST);
	spsc_close_tx(&tx);
	CU_ASSERT_EQUAL(spsc_retire(&region, NAME, HEIR_ID), -SHM_EEXIST);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0); /* the refusal gave it back */
	spsc_close_tx(&tx);
	spsc_close_rx(&rx);
	CU_ASSERT_EQUAL(spsc_retire(&region, NAME, HEIR_ID), 0);
	CU_ASSERT_EQUAL(tx_open(), -SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_retire(&region, NAME, HEIR_ID), -SHM_ENOENT);
	/* Who found it earlier cannot sneak in. */
	CU_ASSERT_EQUAL(
		spsc_open_tx_at(&tx, &region, (uint64_t)((uint8_t *)ring - mem),
				spsc_len(SLOT_LEN, SLOTS_NR), &tx_fake.peer, 0),
		-SHM_EEXIST);
	CU_ASSERT_EQUAL(spsc_create(&region, NAME, SLOT_LEN, SLOTS_NR, TX_ID),
			0);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	CU_ASSERT_PTR_EQUAL(tx.mem, ring); /* the same memory */
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(push_nr(7), 1);
	CU_ASSERT_EQUAL(pop_nr(7), 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "living_peers_keep_their_ends", living_peers_keep_their_ends },
	{ "committed_messages_survive_their_producer",
	  committed_messages_survive_their_producer },
	{ "released_messages_do_not_come_again",
	  released_messages_do_not_come_again },
	{ "a_zombie_notices_and_stops", a_zombie_notices_and_stops },
	{ "waiting_for_the_dead_ends", waiting_for_the_dead_ends },
	{ "nobody_at_the_other_end_is_waited_for",
	  nobody_at_the_other_end_is_waited_for },
	{ "garbage_in_the_exact_count_is_epeer",
	  garbage_in_the_exact_count_is_epeer },
	{ "a_retired_ring_is_not_found_and_comes_back_empty",
	  a_retired_ring_is_not_found_and_comes_back_empty },
};

UNIT_MAIN("spsc_takeover", tests)
