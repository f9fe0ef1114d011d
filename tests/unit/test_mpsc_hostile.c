/* SPDX-License-Identifier: MIT */
/* test_mpsc_hostile.c - whom can a lying producer harm? Only its lane. Memory
 * ends at both sides: an access outside it ends this program. */
#include "tests/unit/mpsc_room.h"

static void geometry_that_no_creator_writes_is_refused(void)
{
	static const struct {
		size_t off;
		uint32_t value;
		int err;
	} bad[] = {
		{ offsetof(struct mpsc_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct mpsc_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct mpsc_mem, slot_len), 0, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, slot_len), UINT32_MAX, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, slots_nr), 7, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, slots_nr), 16, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lanes_nr), 0, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lanes_nr), 4, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lanes_nr), 65, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lanes_off), 0, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lane_len), 64, -SHM_EPEER },
		{ offsetof(struct mpsc_mem, lane_len) + 4, 1, -SHM_EPEER },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		room_open_empty(0);
		memcpy((uint8_t *)lanes + bad[i].off, &bad[i].value, 4);
		CU_ASSERT_EQUAL(tx_open(0), bad[i].err);
		CU_ASSERT_EQUAL(rx_open(), bad[i].err);
		room_close();
	}
}

static void lane_of_another_geometry_is_closed_and_not_joined(void)
{
	room_open_empty(0);
	/* Smaller slots, larger ring: it fits the lane, but not our buffers. */
	lane_of(1)->slots_nr = SLOTS_NR / 2;
	lane_of(2)->slot_len = 16;
	lane_of(2)->slots_nr = SLOTS_NR / 2;
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT(mpsc_lane_open(&rx, 0));
	CU_ASSERT_FALSE(mpsc_lane_open(&rx, 1));
	CU_ASSERT_FALSE(mpsc_lane_open(&rx, 2));
	CU_ASSERT_EQUAL(tx_open(0), 0);
	CU_ASSERT_EQUAL(tx_open(1), -SHM_EFULL);
	lanes->closed = 0;
	CU_ASSERT_EQUAL(tx_open(1), -SHM_EFULL);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	room_close();
}

static void lane_that_lies_is_named_once_and_the_others_are_served(void)
{
	static const uint64_t lies[] = { SLOTS_NR + 1, 1ull << 32, 1ull << 63,
					 UINT64_MAX };
	const void *slots;

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		room_open(100);
		lane_of(1)->tail_idx += lies[i];
		for (uint64_t n = 0; n < 4; n++) {
			CU_ASSERT_EQUAL(push(0, n), 1);
			CU_ASSERT_EQUAL(push(2, n), 1);
		}
		CU_ASSERT_EQUAL(pop(0, 0), 1);
		CU_ASSERT_EQUAL(mpsc_peek(&rx, 1, &slots), -SHM_EPEER);
		CU_ASSERT_PTR_NULL(slots);
		CU_ASSERT_EQUAL(rx.lane, 1);
		CU_ASSERT_FALSE(mpsc_lane_open(&rx, 1));
		/* Honest again: too late. */
		lane_of(1)->tail_idx = 101;
		CU_ASSERT_EQUAL(pop(2, 0), 1);
		for (uint64_t n = 1; n < 4; n++) {
			CU_ASSERT_EQUAL(pop(0, n), 1);
			CU_ASSERT_EQUAL(pop(2, n), 1);
		}
		CU_ASSERT_EQUAL(pop(0, 0), 0);
		CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
		room_close();
	}
}

static void lie_found_in_a_batch_is_told_behind_what_was_copied(void)
{
	uint64_t out[8];

	room_open(0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(push(2, 2), 1);
	lane_of(1)->tail_idx = 99;
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 8), 1);
	CU_ASSERT_EQUAL(out[0], 1);
	/* Lane 2's turn comes first now. */
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 1), 1);
	CU_ASSERT_EQUAL(out[0], 2);
	CU_ASSERT_EQUAL(mpsc_wait_data(&rx, MS_NS), 0);
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 8), -SHM_EPEER);
	CU_ASSERT_EQUAL(rx.lane, 1);
	CU_ASSERT_EQUAL(mpsc_pop(&rx, out, 8), 0);
	room_close();
}

static void closed_lane_is_made_new_when_its_producer_is_gone(void)
{
	const void *slots;

	room_open(50);
	CU_ASSERT_EQUAL(mpsc_reset_lane(&rx, 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(mpsc_reset_lane(&rx, LANES_NR), -SHM_EINVAL);
	memset((uint8_t *)lane_of(1) + 128, 0xee, 8); /* tail_idx */
	lane_of(1)->slot_len = 99;
	lane_of(1)->magic = 1;
	lane_of(1)->consumer = 12345;
	CU_ASSERT_EQUAL(mpsc_peek(&rx, 1, &slots), -SHM_EPEER);
	CU_ASSERT_EQUAL(mpsc_reset_lane(&rx, 1), -SHM_EEXIST);
	/* Nobody joins a lane that is not served. */
	spsc_close_tx(&tx[1]);
	CU_ASSERT_EQUAL(tx_open(3), -SHM_EFULL);
	CU_ASSERT_EQUAL(mpsc_reset_lane(&rx, 1), 0);
	CU_ASSERT(mpsc_lane_open(&rx, 1));
	CU_ASSERT_EQUAL(tx_open(3), 0);
	for (uint64_t i = 0; i < 3ul * SLOTS_NR; i++) {
		CU_ASSERT_EQUAL(push(3, i), 1);
		CU_ASSERT_EQUAL(pop(1, i), 1);
	}
	room_close();
}

static void dead_liars_lane_can_be_made_new(void)
{
	room_open(0);
	lane_of(2)->tail_idx = 1ull << 40;
	die(PEER_ID(2));
	CU_ASSERT_EQUAL(pop(0, 0), -SHM_EPEER);
	CU_ASSERT_EQUAL(mpsc_reset_lane(&rx, 2), 0);
	CU_ASSERT_EQUAL(tx_open(3), 0);
	CU_ASSERT_PTR_EQUAL(tx[3].mem, lane_of(2));
	CU_ASSERT_EQUAL(push(3, 1), 1);
	CU_ASSERT_EQUAL(pop(2, 1), 1);
	room_close();
}

static void random_words_in_lanes_do_no_more_than_close_them(void)
{
	uint64_t random = 88172645463325252ull, out[SLOTS_NR];

	for (int i = 0; i < 1000; i++) {
		room_open(0);
		for (int j = 0; j < 20; j++) {
			_Atomic uint64_t *words = (void *)lane_of(1);

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			words[random % (sizeof(struct spsc_mem) / 8)] =
				random >> (random & 63);
			(void)spsc_push(&tx[1], out, random % SLOTS_NR);
			CU_ASSERT(push(0, (uint64_t)j) >= 0);
			(void)mpsc_wait_data(&rx, MS_NS);
			for (int k = 0; k < 4; k++)
				(void)mpsc_pop(&rx, out, random % SLOTS_NR);
		}
		CU_ASSERT(mpsc_lane_open(&rx, 0));
		CU_ASSERT(mpsc_lane_open(&rx, 2));
		mpsc_close_rx(&rx);
		room_close();
	}
}

static const struct unit_test tests[] = {
	{ "geometry_that_no_creator_writes_is_refused",
	  geometry_that_no_creator_writes_is_refused },
	{ "lane_of_another_geometry_is_closed_and_not_joined",
	  lane_of_another_geometry_is_closed_and_not_joined },
	{ "lane_that_lies_is_named_once_and_the_others_are_served",
	  lane_that_lies_is_named_once_and_the_others_are_served },
	{ "lie_found_in_a_batch_is_told_behind_what_was_copied",
	  lie_found_in_a_batch_is_told_behind_what_was_copied },
	{ "closed_lane_is_made_new_when_its_producer_is_gone",
	  closed_lane_is_made_new_when_its_producer_is_gone },
	{ "dead_liars_lane_can_be_made_new", dead_liars_lane_can_be_made_new },
	{ "random_words_in_lanes_do_no_more_than_close_them",
	  random_words_in_lanes_do_no_more_than_close_them },
};

UNIT_MAIN("mpsc_hostile", tests)
