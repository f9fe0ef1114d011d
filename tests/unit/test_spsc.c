/* SPDX-License-Identifier: MIT */
/* test_spsc.c - do messages between honest ends arrive, whole and in order? */
#include "tests/unit/spsc_room.h"

static void length_of_an_impossible_geometry_is_0_and_create_einval(void)
{
	static const struct {
		uint32_t slot_len, slots_nr;
	} bad[] = { { 0, 16 },
		    { 4, 16 },
		    { 12, 16 },
		    { 65, 16 },
		    { 64, 0 },
		    { 64, 1 },
		    { 64, 3 },
		    { 64, 24 },
		    { (1u << 20) + 8, 2 },
		    { UINT32_MAX - 7, 2 },
		    { 64, (1u << 30) + 1 },
		    { 64, 1u << 31 },
		    { 64, UINT32_MAX } };

	room_open(SLOT_LEN, SLOTS_NR, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(spsc_len(bad[i].slot_len, bad[i].slots_nr), 0);
		CU_ASSERT_EQUAL(spsc_create(&region, "bad", bad[i].slot_len,
					    bad[i].slots_nr, TX_ID),
				-SHM_EINVAL);
	}
	room_close();
}

static void length_counts_header_and_slots(void)
{
	CU_ASSERT_EQUAL(spsc_len(8, 2), 1024 + 16);
	CU_ASSERT_EQUAL(spsc_len(SLOT_LEN, SLOTS_NR), 3072);
	CU_ASSERT_EQUAL(spsc_len(64, 1024), 4096 + 65536);
	CU_ASSERT_EQUAL(spsc_len(64, 512), 1024 + 32768);
	CU_ASSERT_EQUAL(spsc_len(SPSC_SLOT_LEN_MAX, SPSC_SLOTS_MAX),
			4096 + (1ull << 50));
}

static void create_says_what_is_wrong(void)
{
	room_open(SLOT_LEN, SLOTS_NR, 0);
	CU_ASSERT_EQUAL(spsc_create(&region, NAME, 8, 2, 0), -SHM_EEXIST);
	CU_ASSERT_EQUAL(spsc_create(&region, "big", 64, 64, 0), -SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(spsc_create(&region, "full", 8, 2, 0), -SHM_EFULL);
	CU_ASSERT_EQUAL(spsc_create(&region, "", 8, 2, 0), -SHM_EINVAL);
	room_close();
}

static void open_of_what_is_not_there_is_enoent(void)
{
	room_open(SLOT_LEN, SLOTS_NR, 0);
	CU_ASSERT_EQUAL(spsc_open_tx(&tx, &region, "other", &tx_fake.peer, 0),
			-SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_open_rx(&rx, &region, "other", &rx_fake.peer, 0),
			-SHM_ENOENT);
	room_close();
}

static void second_owner_of_an_end_is_refused_until_close(void)
{
	struct spsc_tx tx2;
	struct spsc_rx rx2;

	room_open_both(0);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, TX_ID + 1);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, RX_ID + 1);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
			spsc_open_tx(&tx2, &region, NAME, &rx_fake.peer, 0),
			-SHM_EEXIST);
		CU_ASSERT_EQUAL(
			spsc_open_rx(&rx2, &region, NAME, &tx_fake.peer, 0),
			-SHM_EEXIST);
	}
	spsc_close_tx(&tx);
	spsc_close_rx(&rx);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
	CU_ASSERT_EQUAL(spsc_open_tx(&tx2, &region, NAME, &rx_fake.peer, 0), 0);
	CU_ASSERT_EQUAL(spsc_open_rx(&rx2, &region, NAME, &tx_fake.peer, 0), 0);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, RX_ID + 1);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, TX_ID + 1);
	room_close();
}

static void owner_with_the_highest_id_is_an_owner(void)
{
	room_open(SLOT_LEN, SLOTS_NR, 0);
	tx_fake.peer.id = PEER_ID_MAX;
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, PEER_ID_MAX + 1);
	CU_ASSERT_EQUAL(tx_open(), -SHM_EEXIST);
	room_close();
}

static void ends_tell_each_other_where_they_sleep(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(ring->space_bell.doorbell, TX_ID << 16 | TX_VECTOR);
	CU_ASSERT_EQUAL(ring->data_bell.doorbell, RX_ID << 16 | RX_VECTOR);
	room_close();
}

static void next_owner_goes_on_where_the_last_stopped(void)
{
	room_open_both(0);
	for (uint64_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	spsc_close_tx(&tx);
	/* Closing gives back what was read, however little. */
	spsc_close_rx(&rx);
	CU_ASSERT_EQUAL(ring->head_idx, 1);
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT_EQUAL(push_nr(5), 1);
	for (uint64_t i = 1; i < 6; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	CU_ASSERT_EQUAL(pop_nr(6), 0);
	room_close();
}

/* Fill, look, drain, in all shapes; indices cross start_idx + 48. */
static void run_from(uint64_t start_idx)
{
	uint64_t sent = 0, got = 0;

	room_open_both(start_idx);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	for (int lap = 0; lap < 4; lap++) {
		while (sent - got < SLOTS_NR)
			CU_ASSERT_EQUAL_FATAL(push_nr(sent++), 1);
		CU_ASSERT_EQUAL(push_nr(sent), 0);
		CU_ASSERT_EQUAL(ring->tail_idx, start_idx + sent);
		/* One slot left: one message fits, not two. */
		CU_ASSERT_EQUAL(pop_nr(got++), 1);
		CU_ASSERT_EQUAL(pop_nr(got++), 1);
		CU_ASSERT_EQUAL(push_nr(sent++), 1);
		CU_ASSERT_EQUAL(push_nr(sent++), 1);
		CU_ASSERT_EQUAL(push_nr(sent), 0);
		while (got < sent - 4)
			CU_ASSERT_EQUAL_FATAL(pop_nr(got++), 1);
	}
	while (got < sent)
		CU_ASSERT_EQUAL_FATAL(pop_nr(got++), 1);
	CU_ASSERT_EQUAL(pop_nr(got), 0);
	CU_ASSERT_EQUAL(ring->head_idx, start_idx + got);
	room_close();
}

static void messages_arrive_in_order_from_the_first(void)
{
	run_from(0);
}

static void messages_arrive_across_the_wrap_of_32_bits(void)
{
	for (uint64_t i = 0; i < 40; i += 3)
		run_from((1ull << 32) - i);
	run_from((1ull << 31) - 7);
}

static void messages_arrive_across_the_wrap_of_64_bits(void)
{
	for (uint64_t i = 0; i < 40; i += 3)
		run_from(0 - i);
	run_from((1ull << 63) - 7);
}

static void reserve_ends_at_the_rings_end_and_at_the_last_free_slot(void)
{
	void *slots;
	const void *seen;

	room_open_both(0);
	/* More than the ring has: all of it. */
	CU_ASSERT_EQUAL(spsc_reserve(&tx, UINT32_MAX, &slots), SLOTS_NR);
	CU_ASSERT_PTR_EQUAL(slots, (uint8_t *)ring + 1024);
	CU_ASSERT_EQUAL(spsc_peek(&rx, UINT32_MAX, &seen), 0);
	CU_ASSERT_PTR_NULL(seen);
	memset(slots, 0x11, (size_t)SLOTS_NR * SLOT_LEN);
	CU_ASSERT_EQUAL(spsc_commit(&tx, 10), 0);
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 7, &slots), 6);
	CU_ASSERT_PTR_EQUAL(slots, (uint8_t *)ring + 1024 + 10ul * SLOT_LEN);
	CU_ASSERT_EQUAL(spsc_commit(&tx, 6), 0);
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 1, &slots), 0);
	CU_ASSERT_PTR_NULL(slots);

	CU_ASSERT_EQUAL(spsc_peek(&rx, 4, &seen), 4);
	spsc_release(&rx, 4);
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 9, &slots), 4);
	CU_ASSERT_PTR_EQUAL(slots, (uint8_t *)ring + 1024);
	CU_ASSERT_EQUAL(spsc_commit(&tx, 4), 0);
	/* 16 are there, but only 12 stand one behind the other. */
	CU_ASSERT_EQUAL(spsc_peek(&rx, UINT32_MAX, &seen), 12);
	spsc_release(&rx, 12);
	CU_ASSERT_EQUAL(spsc_peek(&rx, UINT32_MAX, &seen), 4);
	CU_ASSERT_PTR_EQUAL(seen, (uint8_t *)ring + 1024);
	room_close();
}

static void reserved_but_not_committed_is_not_seen(void)
{
	const void *seen;
	void *slots, *again;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 3, &slots), 3);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 1, &seen), 0);
	/* The same room until it is committed. */
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 2, &again), 2);
	CU_ASSERT_PTR_EQUAL(again, slots);
	CU_ASSERT_EQUAL(spsc_commit(&tx, 1), 0);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 9, &seen), 1);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 9, &seen), 1);
	spsc_close_tx(&tx);
	CU_ASSERT_EQUAL(ring->tail_idx, 1);
	room_close();
}

static void batches_larger_than_the_ring_are_pushed_in_part(void)
{
	static uint64_t in[40 * SLOT_LEN / 8], out[40 * SLOT_LEN / 8];

	for (uint32_t i = 0; i < 40 * SLOT_LEN / 8; i++)
		in[i] = i;
	room_open_both(13); /* so that the batch is in two pieces */
	CU_ASSERT_EQUAL(spsc_push(&tx, in, 40), SLOTS_NR);
	CU_ASSERT_EQUAL(spsc_push(&tx, in, 40), 0);
	CU_ASSERT_EQUAL(spsc_push(&tx, in, 0), 0);
	CU_ASSERT_EQUAL(spsc_pop(&rx, out, 0), 0);
	CU_ASSERT_EQUAL(spsc_pop(&rx, out, 40), SLOTS_NR);
	CU_ASSERT_EQUAL(memcmp(in, out, (size_t)SLOTS_NR * SLOT_LEN), 0);
	CU_ASSERT_EQUAL(out[SLOTS_NR * SLOT_LEN / 8], 0);
	CU_ASSERT_EQUAL(spsc_pop(&rx, out, 40), 0);
	room_close();
}

static void smallest_ring_of_smallest_messages_works(void)
{
	uint64_t word;

	room_open(8, 2, UINT64_MAX - 100);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	for (uint64_t i = 0; i < 300; i += 2) {
		const uint64_t pair[2] = { i, i + 1 };

		CU_ASSERT_EQUAL(spsc_push(&tx, pair, 2), 2);
		CU_ASSERT_EQUAL(spsc_push(&tx, pair, 1), 0);
		CU_ASSERT_EQUAL(spsc_pop(&rx, &word, 1), 1);
		CU_ASSERT_EQUAL(word, i);
		CU_ASSERT_EQUAL(spsc_pop(&rx, &word, 1), 1);
		CU_ASSERT_EQUAL(word, i + 1);
	}
	room_close();
}

static void empty_ring_gives_all_room_back(void)
{
	const void *seen;

	room_open_both(0);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 3, &seen), 3);
	spsc_release(&rx, 1);
	/* Credit goes in steps of an eighth. */
	CU_ASSERT_EQUAL(ring->head_idx, 0);
	spsc_release(&rx, 1);
	CU_ASSERT_EQUAL(ring->head_idx, 2);
	spsc_release(&rx, 1);
	CU_ASSERT_EQUAL(ring->head_idx, 2);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 1, &seen), 0);
	CU_ASSERT_EQUAL(ring->head_idx, 3);
	room_close();
}

static void onlooker_sees_the_counts_and_takes_nothing(void)
{
	struct spsc_view view;
	uint32_t rings = 0;

	room_open_both(1ull << 32);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(push_nr(1), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	spsc_publish_head(&rx);
	for (uint32_t i = 0; i <= region.channels_nr; i++) {
		int err = spsc_watch(&region, i, &view);

		if (err == -SHM_ENOENT)
			continue;
		CU_ASSERT_EQUAL(err, 0);
		CU_ASSERT_EQUAL(view.tail_idx, (1ull << 32) + 2);
		CU_ASSERT_EQUAL(view.head_idx, (1ull << 32) + 1);
		CU_ASSERT_EQUAL(view.slots_nr, SLOTS_NR);
		CU_ASSERT_EQUAL(view.slot_len, SLOT_LEN);
		CU_ASSERT_STRING_EQUAL(view.name, NAME);
		rings++;
	}
	CU_ASSERT_EQUAL(rings, 1);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "length_of_an_impossible_geometry_is_0_and_create_einval",
	  length_of_an_impossible_geometry_is_0_and_create_einval },
	{ "length_counts_header_and_slots", length_counts_header_and_slots },
	{ "create_says_what_is_wrong", create_says_what_is_wrong },
	{ "open_of_what_is_not_there_is_enoent",
	  open_of_what_is_not_there_is_enoent },
	{ "second_owner_of_an_end_is_refused_until_close",
	  second_owner_of_an_end_is_refused_until_close },
	{ "owner_with_the_highest_id_is_an_owner",
	  owner_with_the_highest_id_is_an_owner },
	{ "ends_tell_each_other_where_they_sleep",
	  ends_tell_each_other_where_they_sleep },
	{ "next_owner_goes_on_where_the_last_stopped",
	  next_owner_goes_on_where_the_last_stopped },
	{ "messages_arrive_in_order_from_the_first",
	  messages_arrive_in_order_from_the_first },
	{ "messages_arrive_across_the_wrap_of_32_bits",
	  messages_arrive_across_the_wrap_of_32_bits },
	{ "messages_arrive_across_the_wrap_of_64_bits",
	  messages_arrive_across_the_wrap_of_64_bits },
	{ "reserve_ends_at_the_rings_end_and_at_the_last_free_slot",
	  reserve_ends_at_the_rings_end_and_at_the_last_free_slot },
	{ "reserved_but_not_committed_is_not_seen",
	  reserved_but_not_committed_is_not_seen },
	{ "batches_larger_than_the_ring_are_pushed_in_part",
	  batches_larger_than_the_ring_are_pushed_in_part },
	{ "smallest_ring_of_smallest_messages_works",
	  smallest_ring_of_smallest_messages_works },
	{ "empty_ring_gives_all_room_back", empty_ring_gives_all_room_back },
	{ "onlooker_sees_the_counts_and_takes_nothing",
	  onlooker_sees_the_counts_and_takes_nothing },
};

UNIT_MAIN("spsc", tests)
