/* SPDX-License-Identifier: MIT */
/* test_mpmc.c - does each message reach exactly one consumer, in order? */
#include "tests/unit/mpmc_room.h"

static void length_of_an_impossible_geometry_is_0_and_create_einval(void)
{
	static const struct {
		uint32_t slot_len, slots_nr, ends_nr;
	} bad[] = { { 0, 16, 1 },
		    { 4, 16, 1 },
		    { 12, 16, 1 },
		    { (1u << 20) + 8, 16, 1 },
		    { UINT32_MAX - 7, 16, 1 },
		    { 8, 0, 1 },
		    { 8, 2, 1 },
		    { 8, 12, 1 },
		    { 8, 1u << 31, 1 },
		    { 8, UINT32_MAX, 1 },
		    { 8, 16, 0 },
		    { 8, 16, 65 },
		    { 8, 16, UINT32_MAX } };

	room_open(1, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(mpmc_len(bad[i].slot_len, bad[i].slots_nr,
					 bad[i].ends_nr),
				0);
		CU_ASSERT_EQUAL(mpmc_create(&region, "bad", bad[i].slot_len,
					    bad[i].slots_nr, bad[i].ends_nr, 0),
				-SHM_EINVAL);
	}
	room_close();
}

static void cells_are_16_bytes_one_line_or_whole_lines(void)
{
	CU_ASSERT_EQUAL(mpmc_cell_len(8), 16);
	CU_ASSERT_EQUAL(mpmc_cell_len(16), 64);
	CU_ASSERT_EQUAL(mpmc_cell_len(56), 64);
	CU_ASSERT_EQUAL(mpmc_cell_len(64), 128);
	CU_ASSERT_EQUAL(mpmc_cell_len(120), 128);
	CU_ASSERT_EQUAL(mpmc_cell_len(MPMC_SLOT_LEN_MAX), (1u << 20) + 64);
	CU_ASSERT_EQUAL(mpmc_len(8, 16, 1), 640 + 512 + 256);
	CU_ASSERT_EQUAL(mpmc_len(8, 8192, 4), 4096 + 131072);
	CU_ASSERT_EQUAL(mpmc_len(56, 1024, 64), 36864 + 65536);
}

static void create_says_what_is_wrong(void)
{
	room_open(1, 0);
	CU_ASSERT_EQUAL(mpmc_create(&region, NAME, 8, 4, 1, 0), -SHM_EEXIST);
	CU_ASSERT_EQUAL(mpmc_create(&region, "full", 8, 4, 1, 0), -SHM_EFULL);
	CU_ASSERT_EQUAL(mpmc_create(&region, "big", 56, 256, 1, 0),
			-SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(mpmc_create(&region, "", 8, 4, 1, 0), -SHM_EINVAL);
	room_close();
}

static void open_of_what_is_not_there_says_so(void)
{
	room_open(1, 0);
	CU_ASSERT_EQUAL(
		mpmc_open_tx(&tx[1], &region, "none", &fakes[1].fake.peer, 0),
		-SHM_ENOENT);
	CU_ASSERT_EQUAL(
		mpmc_open_rx(&rx[1], &region, "filler", &fakes[1].fake.peer, 0),
		-SHM_EINVAL);
	room_close();
}

static void seats_are_taken_until_none_is_left_and_again_after_close(void)
{
	room_open(ENDS_NR, 0);
	for (uint32_t i = 0; i < ENDS_NR; i++) {
		CU_ASSERT_EQUAL((uint32_t)ring->seats[i].owner, PEER_ID(i) + 1);
		CU_ASSERT_EQUAL((uint32_t)ring->seats[ENDS_NR + i].owner,
				PEER_ID(i) + 1);
	}
	CU_ASSERT_EQUAL(tx_open(ENDS_NR), -SHM_EFULL);
	CU_ASSERT_EQUAL(rx_open(ENDS_NR), -SHM_EFULL);
	mpmc_close_tx(&tx[1]);
	mpmc_close_rx(&rx[2]);
	CU_ASSERT_EQUAL((uint32_t)ring->seats[1].owner, 0);
	CU_ASSERT_EQUAL(tx_open(ENDS_NR), 0);
	CU_ASSERT_EQUAL(rx_open(ENDS_NR), 0);
	CU_ASSERT_EQUAL(tx[ENDS_NR].end.seat_nr, 1);
	CU_ASSERT_EQUAL(rx[ENDS_NR].end.seat_nr, 2);
	CU_ASSERT_FALSE(tx[ENDS_NR].end.taken_over);
	CU_ASSERT_EQUAL(push(ENDS_NR, 7), 1);
	CU_ASSERT_EQUAL(pop(ENDS_NR, 7), 1);
	room_close();
}

static void one_peer_may_have_many_ends(void)
{
	struct mpmc_tx other;

	room_open_as(8, SLOTS_NR, 2, 0);
	CU_ASSERT_EQUAL(tx_open(0), 0);
	CU_ASSERT_EQUAL(
		mpmc_open_tx(&other, &region, NAME, &fakes[0].fake.peer, 0), 0);
	CU_ASSERT_EQUAL(rx_open(0), 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(mpmc_push(&other, &(uint64_t){ 2 }, 1), 1);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	CU_ASSERT_EQUAL(pop(0, 2), 1);
	room_close();
}

static void all_64_seats_of_each_role_can_be_taken(void)
{
	static struct mpmc_tx txs[MPMC_ENDS_MAX];
	static struct mpmc_rx rxs[MPMC_ENDS_MAX];
	const uint64_t len = 64 << 10;
	uint64_t word;

	mem = guarded_map(len);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, len), 0);
	CU_ASSERT_EQUAL_FATAL(
		mpmc_create(&region, NAME, 8, 16, MPMC_ENDS_MAX, 0), 0);
	fake_peer_init(&fakes[0].fake, PEER_ID(0), mem, len);
	for (uint32_t i = 0; i < MPMC_ENDS_MAX; i++) {
		CU_ASSERT_EQUAL(mpmc_open_tx(&txs[i], &region, NAME,
					     &fakes[0].fake.peer, 0),
				0);
		CU_ASSERT_EQUAL(mpmc_open_rx(&rxs[i], &region, NAME,
					     &fakes[0].fake.peer, 1),
				0);
	}
	CU_ASSERT_EQUAL(
		mpmc_open_tx(&tx[0], &region, NAME, &fakes[0].fake.peer, 0),
		-SHM_EFULL);
	for (uint64_t i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(mpmc_push(&txs[i * 7 % 64], &i, 1), 1);
		CU_ASSERT_EQUAL(mpmc_pop(&rxs[i * 5 % 64], &word, 1), 1);
		CU_ASSERT_EQUAL(word, i);
	}
	/* The last seat's bit is the sign bit. */
	bell_arm(&rxs[63].end.bell);
	ring = txs[0].end.mem;
	ring->rx_asleep = 1ull << 63;
	CU_ASSERT_EQUAL(mpmc_push(&txs[63], &word, 1), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	guarded_unmap(mem, len);
}

/* Fill and drain with all ends in turn; numbers cross start_idx + 80. */
static void run_from(uint64_t start_idx)
{
	uint64_t sent = 0, got = 0;

	room_open(ENDS_NR, start_idx);
	CU_ASSERT_EQUAL(pop(0, 0), 0);
	for (uint32_t lap = 0; lap < 5; lap++) {
		while (sent - got < SLOTS_NR) {
			CU_ASSERT_EQUAL_FATAL(
				push((uint32_t)(sent % ENDS_NR), sent), 1);
			sent++;
		}
		for (uint32_t n = 0; n < ENDS_NR; n++)
			CU_ASSERT_EQUAL(AFTER_A_WHILE(push(n, sent)), 0);
		CU_ASSERT_EQUAL(ring->tail_idx, start_idx + sent);
		while (got < sent - 3ul * (lap % 2)) {
			CU_ASSERT_EQUAL_FATAL(
				pop((uint32_t)(got / 2 % ENDS_NR), got), 1);
			got++;
		}
	}
	while (got < sent) {
		CU_ASSERT_EQUAL_FATAL(pop(0, got), 1);
		got++;
	}
	for (uint32_t n = 0; n < ENDS_NR; n++)
		CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(n, got)), 0);
	CU_ASSERT_EQUAL(ring->head_idx, start_idx + got);
	room_close();
}

static void messages_arrive_once_and_in_order_from_the_first(void)
{
	run_from(0);
}

static void messages_arrive_across_the_wrap_of_32_bits(void)
{
	for (uint64_t i = 0; i < 40; i += 3)
		run_from((1ull << 32) - i);
	run_from((1ull << 31) - 7);
}

static void messages_arrive_across_the_wrap_of_64_and_of_52_bits(void)
{
	for (uint64_t i = 0; i < 40; i += 3) {
		run_from(0 - i);
		run_from((1ull << 52) - i);
	}
	run_from((1ull << 63) - 7);
}

static void batches_are_cut_at_what_is_free_and_wrap(void)
{
	uint64_t in[40], out[40];

	for (uint64_t i = 0; i < 40; i++)
		in[i] = 1000 + i;
	for (uint64_t start = 0; start < SLOTS_NR; start += 5) {
		room_open(1, 0 - start);
		CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 5), 5);
		CU_ASSERT_EQUAL(mpmc_push(&tx[0], in + 5, 35), SLOTS_NR - 5);
		CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 1), 0);
		CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 3), 3);
		CU_ASSERT_EQUAL(mpmc_push(&tx[0], in + 16, 20), 3);
		CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out + 3, 37), SLOTS_NR);
		CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 40), 0);
		CU_ASSERT_EQUAL(memcmp(in, out, 19 * sizeof(*in)), 0);
		room_close();
	}
}

/* Longer than a claim may be, and over the end of the ring. */
static void long_batches_of_any_message_length_are_copied_whole(void)
{
	static uint64_t in[1500][3], out[1500][3];
	const uint64_t len = 256 << 10;

	for (uint64_t i = 0; i < 1500; i++)
		for (uint64_t j = 0; j < 3; j++)
			in[i][j] = i << 8 | j;
	mem = guarded_map(len);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, len), 0);
	CU_ASSERT_EQUAL_FATAL(mpmc_create(&region, NAME, 24, 2048, 1, 0), 0);
	fake_peer_init(&fakes[0].fake, PEER_ID(0), mem, len);
	CU_ASSERT_EQUAL_FATAL(tx_open(0), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(0), 0);
	for (uint32_t lap = 0; lap < 3; lap++) {
		memset(out, 0, sizeof(out));
		CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 1500), 1500);
		CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 1500), 1500);
		CU_ASSERT_EQUAL(memcmp(in, out, sizeof(in)), 0);
	}
	CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 1500), 1500);
	CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 1500), 548);
	CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 1500), 1500);
	CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 1500), 548);
	CU_ASSERT_EQUAL(memcmp(in, out, 548 * sizeof(in[0])), 0);
	CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 1), 0);
	guarded_unmap(mem, len);
}

static void claims_end_where_another_end_still_holds_a_cell(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 100), SLOTS_NR);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 3), 3);
	CU_ASSERT_EQUAL(mpmc_take(&rx[1], 4), 4);
	CU_ASSERT_EQUAL(rx[1].end.held_idx, 3);
	/* 3..6 are free again, but the next numbers' cells are 0..2's. */
	CU_ASSERT_EQUAL(mpmc_release(&rx[1]), 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 16), 0);
	CU_ASSERT_EQUAL(mpmc_release(&rx[0]), 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 16), 7);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	room_close();
}

static void what_is_behind_a_reserved_cell_waits_for_it(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 2), 2);
	CU_ASSERT_EQUAL(push(1, 12), 1);
	/* However often it is asked: its producer lives. */
	CU_ASSERT_EQUAL(AFTER_A_WHILE(pop(0, 10)), 0);
	for (uint32_t i = 0; i < 2; i++)
		*(uint64_t *)mpmc_slot_tx(&tx[0], i) = 10 + i;
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	for (uint64_t i = 10; i < 13; i++)
		CU_ASSERT_EQUAL(pop(1, i), 1);
	CU_ASSERT_EQUAL(lost.nr, 0);
	room_close();
}

static void second_claim_before_the_first_is_finished_is_einval(void)
{
	room_open(1, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), 1);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(push(0, 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], 0), -SHM_EINVAL);
	CU_ASSERT_NOT_EQUAL(tx[0].end.seat->intent, 0);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	CU_ASSERT_EQUAL(tx[0].end.seat->intent, 0);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 1), 1);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 0), -SHM_EINVAL);
	CU_ASSERT_EQUAL(mpmc_release(&rx[0]), 0);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 1), 0);
	room_close();
}

static void calls_that_claim_nothing_leave_no_intent(void)
{
	room_open(1, 0);
	/* As a try left them that lost its race, within the same call. */
	rx[0].end.seat->intent = MPMC_INTENT(0ull, 4);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 4), 0);
	CU_ASSERT_EQUAL(rx[0].end.seat->intent, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 16), 16);
	CU_ASSERT_EQUAL(mpmc_commit(&tx[0]), 0);
	tx[0].end.seat->intent = MPMC_INTENT(16ull, 4);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 16), 0);
	CU_ASSERT_EQUAL(tx[0].end.seat->intent, 0);
	room_close();
}

static void messages_of_all_lengths_arrive_whole(void)
{
	static const uint32_t lens[] = { 8, 16, 48, 56, 64, 120, 128, 504 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		uint32_t len = lens[i];
		uint8_t in[2 * 504], out[2 * 504];

		room_open_as(len, 8, 1, 0 - 5ull);
		CU_ASSERT_EQUAL(tx_open(0), 0);
		CU_ASSERT_EQUAL(rx_open(0), 0);
		for (uint32_t lap = 0; lap < 20; lap++) {
			for (uint32_t b = 0; b < 2 * len; b++)
				in[b] = (uint8_t)(b * 7 + lap);
			memset(out, 0, sizeof(out));
			CU_ASSERT_EQUAL(mpmc_push(&tx[0], in, 2), 2);
			CU_ASSERT_EQUAL(mpmc_pop(&rx[0], out, 2), 2);
			CU_ASSERT_EQUAL(memcmp(in, out, 2ul * len), 0);
		}
		room_close();
	}
}

static void smallest_ring_works(void)
{
	room_open_as(8, MPMC_SLOTS_MIN, 1, UINT64_MAX - 100);
	CU_ASSERT_EQUAL(tx_open(0), 0);
	CU_ASSERT_EQUAL(rx_open(0), 0);
	for (uint64_t i = 0; i < 300; i += 4) {
		const uint64_t words[4] = { i, i + 1, i + 2, i + 3 };

		CU_ASSERT_EQUAL(mpmc_push(&tx[0], words, 4), 4);
		CU_ASSERT_EQUAL(push(0, i), 0);
		for (uint64_t j = i; j < i + 4; j++)
			CU_ASSERT_EQUAL(pop(0, j), 1);
	}
	room_close();
}

static void leaving_gives_up_what_is_reserved_and_back_what_is_taken(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 2), 2);
	CU_ASSERT_EQUAL(push(1, 4), 1);
	mpmc_close_tx(&tx[0]);
	CU_ASSERT_EQUAL(mpmc_take(&rx[0], 1), 1);
	mpmc_close_rx(&rx[0]);
	CU_ASSERT_EQUAL(pop(1, 4), 1);
	CU_ASSERT_EQUAL(lost.nr, 2);
	CU_ASSERT_EQUAL(rx[1].end.lost_nr, 2);
	for (uint32_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(lost.idx[i], 1 + i);
		CU_ASSERT_FALSE(lost.sent[i]);
	}
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push(1, i), 1);
	room_close();
}

static void retire_is_refused_while_an_end_lives_and_frees_the_name_then(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	for (uint32_t n = 0; n < 2; n++) {
		CU_ASSERT_EQUAL(mpmc_retire(&region, NAME, 1), -SHM_EEXIST);
		mpmc_close_tx(&tx[n]);
		CU_ASSERT_EQUAL(mpmc_retire(&region, NAME, 1), -SHM_EEXIST);
		n ? die(1) : mpmc_close_rx(&rx[n]);
	}
	CU_ASSERT_EQUAL(mpmc_retire(&region, "none", 1), -SHM_ENOENT);
	CU_ASSERT_EQUAL(mpmc_retire(&region, NAME, 1), 0);
	CU_ASSERT_EQUAL(tx_open(2), -SHM_ENOENT);
	CU_ASSERT_EQUAL(mpmc_create(&region, NAME, 8, SLOTS_NR, 2, 0), 0);
	CU_ASSERT_EQUAL(tx_open(2), 0);
	CU_ASSERT_EQUAL(rx_open(2), 0);
	CU_ASSERT_EQUAL(pop(2, 1), 0);
	CU_ASSERT_EQUAL(push(2, 2), 1);
	CU_ASSERT_EQUAL(pop(2, 2), 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "length_of_an_impossible_geometry_is_0_and_create_einval",
	  length_of_an_impossible_geometry_is_0_and_create_einval },
	{ "cells_are_16_bytes_one_line_or_whole_lines",
	  cells_are_16_bytes_one_line_or_whole_lines },
	{ "create_says_what_is_wrong", create_says_what_is_wrong },
	{ "open_of_what_is_not_there_says_so",
	  open_of_what_is_not_there_says_so },
	{ "seats_are_taken_until_none_is_left_and_again_after_close",
	  seats_are_taken_until_none_is_left_and_again_after_close },
	{ "one_peer_may_have_many_ends", one_peer_may_have_many_ends },
	{ "all_64_seats_of_each_role_can_be_taken",
	  all_64_seats_of_each_role_can_be_taken },
	{ "messages_arrive_once_and_in_order_from_the_first",
	  messages_arrive_once_and_in_order_from_the_first },
	{ "messages_arrive_across_the_wrap_of_32_bits",
	  messages_arrive_across_the_wrap_of_32_bits },
	{ "messages_arrive_across_the_wrap_of_64_and_of_52_bits",
	  messages_arrive_across_the_wrap_of_64_and_of_52_bits },
	{ "batches_are_cut_at_what_is_free_and_wrap",
	  batches_are_cut_at_what_is_free_and_wrap },
	{ "long_batches_of_any_message_length_are_copied_whole",
	  long_batches_of_any_message_length_are_copied_whole },
	{ "claims_end_where_another_end_still_holds_a_cell",
	  claims_end_where_another_end_still_holds_a_cell },
	{ "what_is_behind_a_reserved_cell_waits_for_it",
	  what_is_behind_a_reserved_cell_waits_for_it },
	{ "second_claim_before_the_first_is_finished_is_einval",
	  second_claim_before_the_first_is_finished_is_einval },
	{ "calls_that_claim_nothing_leave_no_intent",
	  calls_that_claim_nothing_leave_no_intent },
	{ "messages_of_all_lengths_arrive_whole",
	  messages_of_all_lengths_arrive_whole },
	{ "smallest_ring_works", smallest_ring_works },
	{ "retire_is_refused_while_an_end_lives_and_frees_the_name_then",
	  retire_is_refused_while_an_end_lives_and_frees_the_name_then },
	{ "leaving_gives_up_what_is_reserved_and_back_what_is_taken",
	  leaving_gives_up_what_is_reserved_and_back_what_is_taken },
};

UNIT_MAIN("mpmc", tests)
