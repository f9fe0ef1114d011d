/* SPDX-License-Identifier: MIT */
/* test_spsc_var.c - do messages of every length go through the ring whole,
 * wherever it wraps? */
#include "tests/unit/spsc_var_room.h"

/* Indices near the end of what 64 bits count. */
#define LAST_TURN (0ull - RING_LEN)

static void ring_that_is_no_power_of_two_in_range_is_einval(void)
{
	static const uint64_t bad[] = { 0,	    1,		2048,
					4095,	    4097,	6144,
					1ull << 31, 1ull << 32, UINT64_MAX,
					1ull << 63 };

	room_open(RING_LEN, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(spsc_var_len(bad[i]), 0);
		CU_ASSERT_EQUAL(spsc_var_msg_max(bad[i]), 0);
		CU_ASSERT_EQUAL(spsc_var_create(&region, "x", bad[i], 0),
				-SHM_EINVAL);
	}
	CU_ASSERT_EQUAL(spsc_var_create(&region, "x", 1ull << 30, 0),
			-SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(spsc_var_create(&region, "x", RING_LEN, 0), -SHM_EFULL);
	CU_ASSERT_EQUAL(spsc_var_create(&region, NAME, RING_LEN, 0),
			-SHM_EEXIST);
	room_close();
}

static void longest_message_is_a_quarter_of_the_ring_up_to_a_mebibyte(void)
{
	CU_ASSERT_EQUAL(spsc_var_msg_max(4096), 1024);
	CU_ASSERT_EQUAL(spsc_var_msg_max(2 << 20), 512 << 10);
	CU_ASSERT_EQUAL(spsc_var_msg_max(4 << 20), 1 << 20);
	CU_ASSERT_EQUAL(spsc_var_msg_max(1 << 30), 1 << 20);
	CU_ASSERT_EQUAL(spsc_var_len(4096), 1024 + 4096);
	CU_ASSERT_EQUAL(spsc_var_len(64 << 10), 4096 + (64 << 10));
}

/* Three messages of this length, from this place on, in two ways. */
static void pass_three(uint64_t start_idx, uint32_t len)
{
	void *room;

	set_indices(start_idx);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(push_nr(1, len), 1);
	CU_ASSERT_EQUAL(pop_nr(1), (int)len);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, len, &room), 1);
	CU_ASSERT_EQUAL((uintptr_t)room % 8, 0);
	fill(room, 2, len);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, len), 0);
	CU_ASSERT_EQUAL(push_nr(3, len), 1);
	CU_ASSERT_EQUAL(peek_nr(2), (int)len);
	CU_ASSERT_EQUAL(peek_nr(3), (int)len);
	CU_ASSERT_EQUAL(peek_nr(4), 0);
	spsc_var_release(&rx);
	CU_ASSERT_EQUAL(ring->done_idx, ring->tail_idx);
	spsc_var_close_tx(&tx);
	spsc_var_close_rx(&rx);
	CU_ASSERT_EQUAL(ring->head_idx, ring->tail_idx);
}

static void every_length_passes_at_every_place(void)
{
	static const uint32_t lens[] = { 1,   2,   7,	8,    9,    15,
					 16,  17,  31,	32,   33,   55,
					 56,  57,  63,	64,   65,   127,
					 128, 129, 511, 1016, 1023, 1024 };

	room_open(RING_LEN, 0);
	for (uint64_t slot = 0; slot < RING_LEN; slot += 8)
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
			pass_three(slot, lens[i]);
	for (uint64_t slot = RING_LEN - 2200; slot < RING_LEN; slot += 8)
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++)
			pass_three((LAST_TURN + slot) & ~7ull, lens[i]);
	for (uint32_t len = 1; len <= MSG_MAX; len++)
		pass_three(LAST_TURN + len * 8ull % RING_LEN, len);
	room_close();
}

static void mebibyte_passes_whole_and_around_the_end(void)
{
	static const uint32_t lens[] = { 1u << 20, (1u << 20) - 1,
					 (1u << 20) - 8, 65537 };

	room_open(4ull << 20, 0);
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		pass_three(0, lens[i]);
		pass_three((4ull << 20) - lens[i] / 8 * 8ull, lens[i]);
		pass_three(0ull - 8, lens[i]);
	}
	room_close();
}

static void record_that_ends_with_the_ring_needs_no_pad(void)
{
	room_open_both(LAST_TURN + RING_LEN - 72);
	CU_ASSERT_EQUAL(push_nr(1, 64), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 0);
	CU_ASSERT_EQUAL(pop_nr(1), 64);
	room_close();
}

static void record_one_byte_longer_begins_at_the_start_behind_a_pad(void)
{
	uint64_t header;

	room_open_both(LAST_TURN + RING_LEN - 72);
	CU_ASSERT_EQUAL(push_nr(1, 65), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 80);
	memcpy(&header, records + RING_LEN - 72, 8);
	CU_ASSERT_EQUAL(header, SPSC_VAR_HEADER(SPSC_VAR_PAD, 64));
	memcpy(&header, records, 8);
	CU_ASSERT_EQUAL(header, SPSC_VAR_HEADER(SPSC_VAR_MSG, 65));
	CU_ASSERT_EQUAL(pop_nr(1), 65);
	CU_ASSERT_EQUAL(ring->done_idx, 80);
	room_close();
}

static void pad_of_a_header_alone_is_passed(void)
{
	room_open_both(RING_LEN - 8);
	CU_ASSERT_EQUAL(push_nr(1, 1), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, RING_LEN + 16);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	room_close();
}

static void length_out_of_range_is_einval_and_nothing_moves(void)
{
	static const uint32_t bad[] = { 0,	  MSG_MAX + 1,	  1u << 20,
					1u << 31, UINT32_MAX - 7, UINT32_MAX };
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(tx.msg_max, MSG_MAX);
	CU_ASSERT_EQUAL(rx.msg_max, MSG_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, bad[i], &room),
				-SHM_EINVAL);
		CU_ASSERT_PTR_NULL(room);
		CU_ASSERT_EQUAL(spsc_var_push(&tx, text, bad[i]), -SHM_EINVAL);
		CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, bad[i], 0),
				-SHM_EINVAL);
		CU_ASSERT_EQUAL(spsc_var_commit(&tx, 1), -SHM_EINVAL);
	}
	CU_ASSERT_EQUAL(ring->tail_idx, 0);
	room_close();
}

static void commit_of_more_than_was_reserved_is_einval(void)
{
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 10, &room), 1);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 0), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 11), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 16), -SHM_EINVAL);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	fill(room, 7, 10);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 10), 0);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 10), -SHM_EINVAL);
	CU_ASSERT_EQUAL(pop_nr(7), 10);
	CU_ASSERT_EQUAL(pop_nr(8), 0);
	room_close();
}

static void commit_of_less_gives_the_rest_back(void)
{
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, MSG_MAX, &room), 1);
	fill(room, 1, 3);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 3), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, 16);
	CU_ASSERT_EQUAL(push_nr(2, 8), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 3);
	CU_ASSERT_EQUAL(pop_nr(2), 8);
	room_close();
}

static void reservation_left_behind_never_existed(void)
{
	void *first, *second;

	/* The first needs a pad, the second does not. */
	room_open_both(RING_LEN - 64);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 500, &first), 1);
	memset(first, 0xee, 500);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 20, &second), 1);
	CU_ASSERT_PTR_NOT_EQUAL(first, second);
	fill(second, 1, 20);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 500), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 20), 0);
	CU_ASSERT_EQUAL(pop_nr(1), 20);
	CU_ASSERT_EQUAL(pop_nr(2), 0);
	room_close();
}

static void full_ring_refuses_and_goes_on_when_credit_comes(void)
{
	uint64_t sent = 0, seen = 0;
	void *room;

	room_open_both(0ull - 1024);
	for (int turn = 0; turn < 50; turn++) {
		while (push_nr(sent, 1 + (uint32_t)(sent * 37 % 300)) == 1)
			sent++;
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, MSG_MAX, &room), 0);
		CU_ASSERT_PTR_NULL(room);
		/* Some room may stay unknown to the producer, but an eighth
		 * that was released is not. */
		for (int i = 0; i < 4 || ring->head_idx != ring->done_idx;
		     i++, seen++)
			CU_ASSERT_EQUAL_FATAL(pop_nr(seen),
					      1 + (int)(seen * 37 % 300));
		CU_ASSERT(sent - seen < RING_LEN / 16);
	}
	while (seen < sent) {
		CU_ASSERT_EQUAL_FATAL(pop_nr(seen), 1 + (int)(seen * 37 % 300));
		seen++;
	}
	CU_ASSERT_EQUAL(pop_nr(seen), 0);
	CU_ASSERT_EQUAL(ring->head_idx, ring->tail_idx);
	room_close();
}

static void ring_filled_to_the_last_byte_is_emptied(void)
{
	room_open_both(RING_LEN / 2);
	for (uint64_t i = 0; i < RING_LEN / 64; i++)
		CU_ASSERT_EQUAL(push_nr(i, 56), 1);
	CU_ASSERT_EQUAL(push_nr(0, 1), 0);
	CU_ASSERT_EQUAL(ring->tail_idx - ring->head_idx, RING_LEN);
	for (uint64_t i = 0; i < RING_LEN / 64; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 56);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	room_close();
}

static void credit_goes_out_by_the_eighth_and_when_the_ring_is_empty(void)
{
	room_open_both(0);
	for (uint64_t i = 0; i < 12; i++)
		CU_ASSERT_EQUAL(push_nr(i, 120), 1);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 120);
	CU_ASSERT_EQUAL(ring->head_idx, 0);
	CU_ASSERT_EQUAL(ring->done_idx, 384);
	CU_ASSERT_EQUAL(pop_nr(3), 120);
	CU_ASSERT_EQUAL(ring->head_idx, CREDIT_LEN);
	for (uint64_t i = 4; i < 10; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 120);
	CU_ASSERT_EQUAL(ring->head_idx, 2ull * CREDIT_LEN);
	CU_ASSERT_EQUAL(pop_nr(10), 120);
	CU_ASSERT_EQUAL(pop_nr(11), 120);
	CU_ASSERT_EQUAL(pop_nr(12), 0);
	CU_ASSERT_EQUAL(ring->head_idx, 12 * 128ull);
	room_close();
}

static void onlooker_sees_the_ring_and_no_other_channel(void)
{
	struct spsc_var_view view;
	uint32_t rings_nr = 0;

	room_open_both(0ull - 8);
	CU_ASSERT_EQUAL(push_nr(1, 100), 1);
	for (uint32_t slot = 0; slot <= region.channels_nr; slot++) {
		int err = spsc_var_watch(&region, slot, &view);

		if (err) {
			CU_ASSERT_EQUAL(err, -SHM_ENOENT);
			continue;
		}
		rings_nr++;
		CU_ASSERT_STRING_EQUAL(view.name, NAME);
		CU_ASSERT_EQUAL(view.ring_len, RING_LEN);
		CU_ASSERT_EQUAL(view.head_idx, 0ull - 8);
		CU_ASSERT_EQUAL(view.tail_idx, 112);
	}
	CU_ASSERT_EQUAL(rings_nr, 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "ring_that_is_no_power_of_two_in_range_is_einval",
	  ring_that_is_no_power_of_two_in_range_is_einval },
	{ "longest_message_is_a_quarter_of_the_ring_up_to_a_mebibyte",
	  longest_message_is_a_quarter_of_the_ring_up_to_a_mebibyte },
	{ "every_length_passes_at_every_place",
	  every_length_passes_at_every_place },
	{ "mebibyte_passes_whole_and_around_the_end",
	  mebibyte_passes_whole_and_around_the_end },
	{ "record_that_ends_with_the_ring_needs_no_pad",
	  record_that_ends_with_the_ring_needs_no_pad },
	{ "record_one_byte_longer_begins_at_the_start_behind_a_pad",
	  record_one_byte_longer_begins_at_the_start_behind_a_pad },
	{ "pad_of_a_header_alone_is_passed", pad_of_a_header_alone_is_passed },
	{ "length_out_of_range_is_einval_and_nothing_moves",
	  length_out_of_range_is_einval_and_nothing_moves },
	{ "commit_of_more_than_was_reserved_is_einval",
	  commit_of_more_than_was_reserved_is_einval },
	{ "commit_of_less_gives_the_rest_back",
	  commit_of_less_gives_the_rest_back },
	{ "reservation_left_behind_never_existed",
	  reservation_left_behind_never_existed },
	{ "full_ring_refuses_and_goes_on_when_credit_comes",
	  full_ring_refuses_and_goes_on_when_credit_comes },
	{ "ring_filled_to_the_last_byte_is_emptied",
	  ring_filled_to_the_last_byte_is_emptied },
	{ "credit_goes_out_by_the_eighth_and_when_the_ring_is_empty",
	  credit_goes_out_by_the_eighth_and_when_the_ring_is_empty },
	{ "onlooker_sees_the_ring_and_no_other_channel",
	  onlooker_sees_the_ring_and_no_other_channel },
};

UNIT_MAIN("spsc_var", tests)
