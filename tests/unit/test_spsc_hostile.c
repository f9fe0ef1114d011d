/* SPDX-License-Identifier: MIT */
/* test_spsc_hostile.c - what can one end do to the other? Memory ends at both
 * sides of the region, so an access outside it ends this program. */
#include "tests/unit/spsc_room.h"

/* Refused now, refused when the index is honest again, and nothing moves. */
static void expect_tx_broken(void)
{
	uint64_t tail_idx = ring->tail_idx;
	void *slots;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_reserve(&tx, 1, &slots), -SHM_EPEER);
		CU_ASSERT_PTR_NULL(slots);
		CU_ASSERT_EQUAL(push_nr(0), -SHM_EPEER);
		CU_ASSERT_EQUAL(spsc_wait_space(&tx, PEER_WAIT_FOREVER),
				-SHM_EPEER);
		ring->head_idx = tail_idx;
		ring->done_idx = tail_idx;
	}
	CU_ASSERT_EQUAL(ring->tail_idx, tail_idx);
	spsc_close_tx(&tx);
}

static void expect_rx_broken(uint64_t honest_idx)
{
	const void *slots;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_peek(&rx, 1, &slots), -SHM_EPEER);
		CU_ASSERT_PTR_NULL(slots);
		CU_ASSERT_EQUAL(pop_nr(0), -SHM_EPEER);
		CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER),
				-SHM_EPEER);
		ring->tail_idx = honest_idx;
	}
	spsc_close_rx(&rx);
}

static const uint64_t starts[] = { 100, (1ull << 32) - 1, UINT64_MAX - 3 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

static void consumer_that_gives_back_what_it_never_got_is_epeer(void)
{
	static const uint64_t lies[] = { 1,	     2,
					 SLOTS_NR,   SLOTS_NR + 1,
					 1u << 30,   1ull << 32,
					 1ull << 63, UINT64_MAX / 2 };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		room_open_both(starts[i % STARTS_NR]);
		for (uint64_t nr = 0; nr < SLOTS_NR; nr++)
			CU_ASSERT_EQUAL(push_nr(nr), 1);
		ring->head_idx = ring->tail_idx + lies[i / STARTS_NR];
		expect_tx_broken();
		room_close();
	}
}

static void consumer_that_takes_slots_back_is_epeer(void)
{
	static const uint64_t back[] = { 1, 2, SLOTS_NR, 1u << 30 };

	for (size_t i = 0; i < STARTS_NR * sizeof(back) / sizeof(*back); i++) {
		room_open_both(starts[i % STARTS_NR]);
		for (uint64_t nr = 0; nr < SLOTS_NR; nr++)
			CU_ASSERT_EQUAL(push_nr(nr), 1);
		ring->head_idx += 4;
		CU_ASSERT_EQUAL(spsc_wait_space(&tx, 0), 0);
		for (uint64_t nr = 0; nr < 4; nr++)
			CU_ASSERT_EQUAL(push_nr(nr), 1);
		ring->head_idx -= back[i / STARTS_NR];
		expect_tx_broken();
		room_close();
	}
}

static void producer_that_is_too_far_ahead_is_epeer(void)
{
	static const uint64_t lies[] = {
		SLOTS_NR + 1,	      SLOTS_NR * 2ull, 1u << 30,
		1ull << 32,	      1ull << 63,      UINT64_MAX,
		UINT64_MAX - SLOTS_NR
	};

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		uint64_t start_idx = starts[i % STARTS_NR];

		room_open_both(start_idx);
		ring->tail_idx = start_idx + lies[i / STARTS_NR];
		expect_rx_broken(start_idx);
		room_close();
	}
}

static void producer_that_takes_messages_back_is_epeer(void)
{
	room_open_both(100);
	for (uint64_t nr = 0; nr < 8; nr++)
		CU_ASSERT_EQUAL(push_nr(nr), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	/* Still more than was read, yet less than was there. */
	ring->tail_idx = 105;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 0), -SHM_EPEER);
	expect_rx_broken(108);
	room_close();
}

static void lie_found_by_a_wait_ends_the_room_given_before(void)
{
	void *slots;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_reserve(&tx, 4, &slots), 4);
	ring->head_idx = 1;
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, 0), -SHM_EPEER);
	/* What was reserved may still be committed, and opens nothing. */
	CU_ASSERT_EQUAL(spsc_commit(&tx, 4), 0);
	expect_tx_broken();
	room_close();
}

static void lie_found_by_a_wait_ends_the_messages_seen_before(void)
{
	const void *slots;

	room_open_both(0);
	for (uint64_t nr = 0; nr < 8; nr++)
		CU_ASSERT_EQUAL(push_nr(nr), 1);
	CU_ASSERT_EQUAL(spsc_peek(&rx, 4, &slots), 4);
	ring->tail_idx = SLOTS_NR + 1;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 0), -SHM_EPEER);
	spsc_release(&rx, 4);
	expect_rx_broken(8);
	room_close();
}

static void open_beside_an_impossible_index_is_epeer_and_leaves_it_free(void)
{
	static const struct {
		uint64_t tail_idx, head_idx;
	} bad[] = { { SLOTS_NR + 1, 0 },
		    { 0, 1 },
		    { 5, 6 },
		    { UINT64_MAX, 0 },
		    { 1ull << 63, 0 } };

	room_open(SLOT_LEN, SLOTS_NR, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ring->tail_idx = bad[i].tail_idx;
		ring->head_idx = bad[i].head_idx;
		CU_ASSERT_EQUAL(tx_open(), -SHM_EPEER);
		CU_ASSERT_EQUAL(rx_open(), -SHM_EPEER);
		CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
		CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
	}
	room_close();
}

static void geometry_that_was_scribbled_is_a_named_error(void)
{
	static const struct {
		size_t off;
		uint32_t value;
		int err;
	} bad[] = {
		{ offsetof(struct spsc_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct spsc_mem, version), 0, -SHM_EVERSION },
		{ offsetof(struct spsc_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct spsc_mem, slot_len), 0, -SHM_EPEER },
		{ offsetof(struct spsc_mem, slot_len), SLOT_LEN + 1,
		  -SHM_EPEER },
		{ offsetof(struct spsc_mem, slot_len), SLOT_LEN + 8,
		  -SHM_EPEER },
		{ offsetof(struct spsc_mem, slot_len), SLOT_LEN * 2,
		  -SHM_EPEER },
		{ offsetof(struct spsc_mem, slot_len), 0x80000000, -SHM_EPEER },
		{ offsetof(struct spsc_mem, slot_len), UINT32_MAX, -SHM_EPEER },
		{ offsetof(struct spsc_mem, slots_nr), 0, -SHM_EPEER },
		{ offsetof(struct spsc_mem, slots_nr), 1, -SHM_EPEER },
		{ offsetof(struct spsc_mem, slots_nr), SLOTS_NR + 1,
		  -SHM_EPEER },
		{ offsetof(struct spsc_mem, slots_nr), SLOTS_NR * 2,
		  -SHM_EPEER },
		{ offsetof(struct spsc_mem, slots_nr), 0x80000000, -SHM_EPEER },
		{ offsetof(struct spsc_mem, data_off), 0, -SHM_EPEER },
		{ offsetof(struct spsc_mem, data_off), 4096, -SHM_EPEER },
		{ offsetof(struct spsc_mem, data_off) + 4, 1, -SHM_EPEER },
	};

	room_open(SLOT_LEN, SLOTS_NR, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t *word = (void *)((uint8_t *)ring + bad[i].off);
		uint32_t good = *word;
		struct spsc_view view;

		*word = bad[i].value;
		CU_ASSERT_EQUAL(tx_open(), bad[i].err);
		CU_ASSERT_EQUAL(rx_open(), bad[i].err);
		for (uint32_t slot = 0; slot < region.channels_nr; slot++)
			CU_ASSERT_NOT_EQUAL(spsc_watch(&region, slot, &view),
					    0);
		*word = good;
	}
	CU_ASSERT_EQUAL(tx_open(), 0);
	room_close();
}

static void channel_too_short_for_its_ring_is_epeer(void)
{
	static const uint64_t lens[] = { 1, 64, 639, 640, 1024, 3071 };

	room_open(SLOT_LEN, SLOTS_NR, 0);
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		for (uint32_t slot = 0; slot < region.channels_nr; slot++)
			region.channels[slot].len = lens[i];
		CU_ASSERT_EQUAL(tx_open(), -SHM_EPEER);
		CU_ASSERT_EQUAL(rx_open(), -SHM_EPEER);
	}
	/* The last line of the region is too short for any ring. */
	for (uint32_t slot = 0; slot < region.channels_nr; slot++) {
		region.channels[slot].off = REGION_LEN - 64;
		region.channels[slot].len = 64;
	}
	CU_ASSERT_EQUAL(tx_open(), -SHM_EPEER);
	room_close();
}

static void header_scribbled_after_open_changes_nothing(void)
{
	room_open_both(7);
	memset(ring, 0xff, offsetof(struct spsc_mem, tail_idx));
	for (uint64_t i = 0; i < 3ull * SLOTS_NR; i++) {
		CU_ASSERT_EQUAL_FATAL(push_nr(i), 1);
		CU_ASSERT_EQUAL_FATAL(pop_nr(i), 1);
	}
	room_close();
}

static void own_index_overwritten_by_the_peer_is_not_believed(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	/* The consumer scribbles the producer's word: its own loss. */
	ring->tail_idx = 1ull << 40;
	CU_ASSERT_EQUAL(push_nr(1), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 2);
	ring->head_idx = 1ull << 40;
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	CU_ASSERT_EQUAL(ring->head_idx, 2);
	room_close();
}

static void bells_scribbled_cost_a_doorbell_and_no_more(void)
{
	room_open_both(0);
	memset(&ring->data_bell, 0xff, sizeof(ring->data_bell));
	memset(&ring->space_bell, 0xff, sizeof(ring->space_bell));
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.rung_id, PEER_ID_MAX);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, 0xffff);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	room_close();
}

static void owner_words_scribbled_stop_their_owners_and_no_more(void)
{
	room_open_both(0);
	ring->producer = UINT32_MAX;
	ring->consumer = UINT32_MAX;
	CU_ASSERT_EQUAL(push_nr(0), 1); /* needs no look at the peer yet */
	CU_ASSERT_EQUAL(pop_nr(0), -SHM_EOWNER);
	CU_ASSERT_EQUAL(tx_open(), -SHM_EEXIST);
	CU_ASSERT_EQUAL(rx_open(), -SHM_EEXIST);
	room_close();
}

static void onlooker_calls_impossible_counts_epeer(void)
{
	static const struct {
		uint64_t tail_idx, head_idx;
		int err;
	} cases[] = {
		/* Head is read first, so it cannot be ahead. */
		{ 5, 6, -SHM_EPEER },
		{ 0, 1, -SHM_EPEER },
		{ 0, UINT64_MAX / 2, -SHM_EPEER },
		/* Much may arrive between the two reads: cut, not wrong. */
		{ 1000, 5, 0 },
		{ SLOTS_NR + 1, 0, 0 },
	};
	struct spsc_view view;

	room_open(SLOT_LEN, SLOTS_NR, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int err = -SHM_ENOENT;

		ring->tail_idx = cases[i].tail_idx;
		ring->head_idx = cases[i].head_idx;
		for (uint32_t s = 0; err == -SHM_ENOENT && s < 64; s++)
			err = spsc_watch(&region, s, &view);
		CU_ASSERT_EQUAL(err, cases[i].err);
		if (err)
			continue;
		CU_ASSERT(view.head_idx <= view.tail_idx);
		CU_ASSERT(view.tail_idx <= view.head_idx + view.slots_nr);
	}
	room_close();
}

static const struct unit_test tests[] = {
	{ "consumer_that_gives_back_what_it_never_got_is_epeer",
	  consumer_that_gives_back_what_it_never_got_is_epeer },
	{ "consumer_that_takes_slots_back_is_epeer",
	  consumer_that_takes_slots_back_is_epeer },
	{ "producer_that_is_too_far_ahead_is_epeer",
	  producer_that_is_too_far_ahead_is_epeer },
	{ "producer_that_takes_messages_back_is_epeer",
	  producer_that_takes_messages_back_is_epeer },
	{ "lie_found_by_a_wait_ends_the_room_given_before",
	  lie_found_by_a_wait_ends_the_room_given_before },
	{ "lie_found_by_a_wait_ends_the_messages_seen_before",
	  lie_found_by_a_wait_ends_the_messages_seen_before },
	{ "open_beside_an_impossible_index_is_epeer_and_leaves_it_free",
	  open_beside_an_impossible_index_is_epeer_and_leaves_it_free },
	{ "geometry_that_was_scribbled_is_a_named_error",
	  geometry_that_was_scribbled_is_a_named_error },
	{ "channel_too_short_for_its_ring_is_epeer",
	  channel_too_short_for_its_ring_is_epeer },
	{ "header_scribbled_after_open_changes_nothing",
	  header_scribbled_after_open_changes_nothing },
	{ "own_index_overwritten_by_the_peer_is_not_believed",
	  own_index_overwritten_by_the_peer_is_not_believed },
	{ "bells_scribbled_cost_a_doorbell_and_no_more",
	  bells_scribbled_cost_a_doorbell_and_no_more },
	{ "owner_words_scribbled_stop_their_owners_and_no_more",
	  owner_words_scribbled_stop_their_owners_and_no_more },
	{ "onlooker_calls_impossible_counts_epeer",
	  onlooker_calls_impossible_counts_epeer },
};

UNIT_MAIN("spsc_hostile", tests)
