/* SPDX-License-Identifier: MIT */
/* test_mpsc.c - are all lanes served, in turn, whoever comes and goes? */
#include "tests/unit/mpsc_room.h"

static void length_of_an_impossible_geometry_is_0_and_create_einval(void)
{
	static const struct {
		uint32_t slot_len, slots_nr, lanes_nr;
	} bad[] = { { 0, 8, 1 }, { 12, 8, 1 }, { 8, 3, 1 },	    { 8, 0, 1 },
		    { 8, 8, 0 }, { 8, 8, 65 }, { 8, 8, UINT32_MAX } };

	room_open_empty(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(mpsc_len(bad[i].slot_len, bad[i].slots_nr,
					 bad[i].lanes_nr),
				0);
		CU_ASSERT_EQUAL(mpsc_create(&region, "bad", bad[i].slot_len,
					    bad[i].slots_nr, bad[i].lanes_nr,
					    0),
				-SHM_EINVAL);
	}
	CU_ASSERT_EQUAL(mpsc_len(8, 8, 3), 384 + 3 * (1024 + 64));
	CU_ASSERT_EQUAL(mpsc_len(64, 1024, 2), 4096 + 2 * (4096 + 65536));
	CU_ASSERT_EQUAL(mpsc_create(&region, NAME, 8, 8, 1, 0), -SHM_EEXIST);
	CU_ASSERT_EQUAL(mpsc_create(&region, "full", 8, 8, 1, 0), -SHM_EFULL);
	CU_ASSERT_EQUAL(mpsc_create(&region, "big", 8, 1024, 2, 0),
			-SHM_ETOOSMALL);
	room_close();
}

static void producers_take_lanes_until_none_is_left_and_again_after_close(void)
{
	room_open(0);
	for (uint32_t i = 0; i < LANES_NR; i++)
		CU_ASSERT_PTR_EQUAL(tx[i].mem, lane_of(i));
	CU_ASSERT_EQUAL(tx_open(3), -SHM_EFULL);
	spsc_close_tx(&tx[1]);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT_PTR_EQUAL(tx[3].mem, lane_of(1));
	CU_ASSERT_EQUAL(push(3, 7), 1);
	CU_ASSERT_EQUAL(pop(1, 7), 1);
	room_close();
}

static void second_consumer_is_refused_until_close(void)
{
	struct mpsc_rx other;

	room_open(0);
	CU_ASSERT_EQUAL(
		mpsc_open_rx(&other, &region, NAME, &fakes[0].fake.peer, 0),
		-SHM_EEXIST);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	mpsc_close_rx(&rx);
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT_FALSE(rx.taken_over);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	room_close();
}

static void open_of_what_is_not_there_says_so(void)
{
	room_open_empty(0);
	CU_ASSERT_EQUAL(
		mpsc_open_tx(&tx[0], &region, "none", &fakes[0].fake.peer, 0),
		-SHM_ENOENT);
	CU_ASSERT_EQUAL(mpsc_open_rx(&rx, &region, "filler", &rx_fake.peer, 0),
			-SHM_EINVAL);
	room_close();
}

static void lanes_are_served_in_turn_with_at_most_want_each(void)
{
	static const uint32_t turns[] = { 0, 1, 2, 0, 1, 2, 0, 1, 2 };
	const void *slots;

	room_open(0);
	for (uint64_t i = 0; i < 6; i++)
		for (uint32_t n = 0; n < LANES_NR; n++)
			CU_ASSERT_EQUAL(push(n, n * 100ul + i), 1);
	for (uint32_t i = 0; i < 9; i++) {
		CU_ASSERT_EQUAL(mpsc_peek(&rx, 2, &slots), 2);
		CU_ASSERT_EQUAL(rx.lane, turns[i]);
		CU_ASSERT_EQUAL(*(const uint64_t *)slots,
				rx.lane * 100 + i / 3 * 2);
		mpsc_release(&rx, 2);
	}
	CU_ASSERT_EQUAL(mpsc_peek(&rx, 2, &slots), 0);
	CU_ASSERT_PTR_NULL(slots);
	room_close();
}

static void busy_lane_does_not_keep_a_quiet_one_waiting(void)
{
	room_open(0);
	for (uint64_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(push(0, i), 1);
	CU_ASSERT_EQUAL(pop(0, 0), 1);
	CU_ASSERT_EQUAL(push(2, 50), 1);
	CU_ASSERT_EQUAL(pop(2, 50), 1);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	room_close();
}

static void one_pop_gathers_from_all_lanes(void)
{
	uint64_t out[16];

	room_open(0);
	for (uint32_t n = 0; n < LANES_NR; n++)
		for (uint64_t i = 0; i <= n; i++)
			CU_ASSERT_EQUAL(push(n, n * 10ul + i), 1);
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 16), 6);
	CU_ASSERT_EQUAL(out[0], 0);
	CU_ASSERT_EQUAL(out[2], 11);
	CU_ASSERT_EQUAL(out[5], 22);
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 16), 0);
	room_close();
}

/* Each lane full and empty several times, in its own order. */
static void run_from(uint64_t start_idx)
{
	uint64_t sent[LANES_NR] = { 0 }, got[LANES_NR] = { 0 }, word;

	room_open(start_idx);
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t n = round % LANES_NR;

		while (push(n, sent[n] * 4 + n) == 1)
			sent[n]++;
		for (uint32_t i = 0; i < 9 && mpsc_pop(&rx, &word, 1) == 1; i++)
			CU_ASSERT_EQUAL(word, got[rx.lane]++ * 4 + rx.lane);
	}
	while (mpsc_pop(&rx, &word, 1) == 1)
		CU_ASSERT_EQUAL(word, got[rx.lane]++ * 4 + rx.lane);
	for (uint32_t n = 0; n < LANES_NR; n++) {
		CU_ASSERT_EQUAL(got[n], sent[n]);
		CU_ASSERT(sent[n] > SLOTS_NR);
	}
	room_close();
}

static void messages_of_each_lane_stay_in_order_across_wraps(void)
{
	for (uint64_t i = 0; i < 20; i += 3) {
		run_from(i);
		run_from((1ull << 32) - i);
		run_from(0 - i);
	}
}

static void one_bell_serves_all_lanes(void)
{
	room_open(0);
	for (uint32_t n = 0; n < LANES_NR; n++) {
		bell_arm(&rx.data_bell);
		CU_ASSERT_EQUAL(push(n, n), 1);
		CU_ASSERT_EQUAL(fakes[n].fake.notifies_nr, 1);
		CU_ASSERT_EQUAL(fakes[n].fake.rung_id, RX_ID);
		CU_ASSERT_EQUAL(fakes[n].fake.rung_vector, RX_VECTOR);
	}
	bell_disarm(&rx.data_bell);
	CU_ASSERT_EQUAL(push(0, 0), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	room_close();
}

static void push_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(lanes->data_bell.armed, 0);
	if (fake->waits_nr < 3)
		return;
	CU_ASSERT_EQUAL(push(2, 7), 1);
	CU_ASSERT_EQUAL(fakes[2].fake.notifies_nr, 1);
	fake->raised = true;
}

static void data_of_any_lane_ends_the_wait(void)
{
	room_open(0);
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, 25 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 3);
	rx_fake.waits_nr = 0;
	rx_fake.asleep = push_while_asleep;
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 3);
	CU_ASSERT_EQUAL(lanes->data_bell.armed, 0);
	CU_ASSERT_EQUAL(pop(2, 7), 1);
	rx_fake.asleep = NULL;
	rx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), -SHM_EIO);
	room_close();
}

static void producer_sleeps_at_its_own_lane(void)
{
	room_open(0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push(1, i), 1);
	CU_ASSERT_EQUAL(push(1, 0), 0);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx[1], MS_NS), -SHM_ETIMEDOUT);
	bell_arm(&tx[1].space_bell);
	CU_ASSERT_EQUAL(pop(1, 0), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(rx_fake.rung_id, PEER_ID(1));
	CU_ASSERT_EQUAL(spsc_wait_space(&tx[1], 0), 0);
	room_close();
}

static void dead_producers_messages_come_and_its_lane_goes_on(void)
{
	void *slots;

	room_open(0);
	CU_ASSERT_EQUAL(push(1, 5), 1);
	/* Reserved, written, never committed: it never was. */
	CU_ASSERT_EQUAL_FATAL(spsc_reserve(&tx[1], 1, &slots), 1);
	if (slots)
		*(uint64_t *)slots = 6;
	die(PEER_ID(1));
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT(tx[3].taken_over);
	CU_ASSERT_PTR_EQUAL(tx[3].mem, lane_of(1));
	CU_ASSERT_EQUAL(push(3, 7), 1);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	CU_ASSERT_EQUAL(pop(1, 5), 1);
	CU_ASSERT_EQUAL(pop(1, 7), 1);
	CU_ASSERT_EQUAL(pop(0, 0), 0);
	room_close();
}

static void wait_ends_with_egone_when_the_last_producer_is_dead(void)
{
	room_open(0);
	die(PEER_ID(0));
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	spsc_close_tx(&tx[1]);
	CU_ASSERT_EQUAL(push(2, 3), 1);
	die(PEER_ID(2));
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), 0);
	CU_ASSERT_EQUAL(pop(2, 3), 1);
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, PEER_WAIT_FOREVER), -SHM_EGONE);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	room_close();
}

static void dead_consumer_is_followed_with_each_message_once(void)
{
	struct mpsc_rx old;

	room_open(0);
	for (uint64_t i = 0; i < 6; i++)
		for (uint32_t n = 0; n < LANES_NR; n++)
			CU_ASSERT_EQUAL(push(n, i), 1);
	for (uint32_t n = 0; n < LANES_NR; n++)
		CU_ASSERT_EQUAL(pop(n, 0), 1);
	die(RX_ID);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx[0], MS_NS), 0);
	old = rx;
	rx_fake.peer.id = RX_ID + 1;
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT(rx.taken_over);
	for (uint64_t i = 1; i < 6; i++)
		for (uint32_t n = 0; n < LANES_NR; n++)
			CU_ASSERT_EQUAL(pop(n, i), 1);
	CU_ASSERT_EQUAL(pop(0, 0), 0);
	/* The old one lives after all: it gets nothing more. */
	CU_ASSERT_EQUAL(push(0, 9), 1);
	for (uint32_t i = 0; i < 5 * LANES_NR; i++) {
		const void *slots;
		int got = mpsc_peek(&old, 1, &slots);

		if (got < 0)
			CU_ASSERT_EQUAL(got, -SHM_EOWNER);
		if (got < 0)
			break;
		mpsc_release(&old, 1);
	}
	CU_ASSERT_EQUAL(mpsc_wait_data(&old, MS_NS), 0);
	room_close();
}

static void retire_is_refused_while_an_end_lives_and_frees_the_name_then(void)
{
	room_open(0);
	spsc_close_tx(&tx[0]);
	spsc_close_tx(&tx[1]);
	CU_ASSERT_EQUAL(mpsc_retire(&region, NAME, 1), -SHM_EEXIST);
	die(PEER_ID(2));
	CU_ASSERT_EQUAL(mpsc_retire(&region, NAME, 1), -SHM_EEXIST);
	mpsc_close_rx(&rx);
	CU_ASSERT_EQUAL(mpsc_retire(&region, "none", 1), -SHM_ENOENT);
	CU_ASSERT_EQUAL(mpsc_retire(&region, NAME, 1), 0);
	CU_ASSERT_EQUAL(tx_open(3), -SHM_ENOENT);
	CU_ASSERT_EQUAL(mpsc_create(&region, NAME, 8, SLOTS_NR, LANES_NR, 0),
			0);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT_EQUAL(push(3, 1), 1);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "length_of_an_impossible_geometry_is_0_and_create_einval",
	  length_of_an_impossible_geometry_is_0_and_create_einval },
	{ "producers_take_lanes_until_none_is_left_and_again_after_close",
	  producers_take_lanes_until_none_is_left_and_again_after_close },
	{ "second_consumer_is_refused_until_close",
	  second_consumer_is_refused_until_close },
	{ "open_of_what_is_not_there_says_so",
	  open_of_what_is_not_there_says_so },
	{ "lanes_are_served_in_turn_with_at_most_want_each",
	  lanes_are_served_in_turn_with_at_most_want_each },
	{ "busy_lane_does_not_keep_a_quiet_one_waiting",
	  busy_lane_does_not_keep_a_quiet_one_waiting },
	{ "one_pop_gathers_from_all_lanes", one_pop_gathers_from_all_lanes },
	{ "messages_of_each_lane_stay_in_order_across_wraps",
	  messages_of_each_lane_stay_in_order_across_wraps },
	{ "one_bell_serves_all_lanes", one_bell_serves_all_lanes },
	{ "data_of_any_lane_ends_the_wait", data_of_any_lane_ends_the_wait },
	{ "producer_sleeps_at_its_own_lane", producer_sleeps_at_its_own_lane },
	{ "dead_producers_messages_come_and_its_lane_goes_on",
	  dead_producers_messages_come_and_its_lane_goes_on },
	{ "wait_ends_with_egone_when_the_last_producer_is_dead",
	  wait_ends_with_egone_when_the_last_producer_is_dead },
	{ "dead_consumer_is_followed_with_each_message_once",
	  dead_consumer_is_followed_with_each_message_once },
	{ "retire_is_refused_while_an_end_lives_and_frees_the_name_then",
	  retire_is_refused_while_an_end_lives_and_frees_the_name_then },
};

UNIT_MAIN("mpsc", tests)
