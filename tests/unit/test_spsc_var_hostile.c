/* SPDX-License-Identifier: MIT */
/* test_spsc_var_hostile.c - what can one end do to the other? Memory ends
 * where the ring ends, so an access beyond it ends this program. */
#include "tests/unit/spsc_var_room.h"

static const uint64_t starts[] = { 0, 1024, 4096 - 64, 0ull - 512 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

/* Refused now, refused when the index is honest again, and nothing moves. */
static void expect_tx_broken(void)
{
	uint64_t tail_idx = ring->tail_idx;
	void *room;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 1, &room), -SHM_EPEER);
		CU_ASSERT_PTR_NULL(room);
		CU_ASSERT_EQUAL(push_nr(0, 100), -SHM_EPEER);
		CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 1, PEER_WAIT_FOREVER),
				-SHM_EPEER);
		CU_ASSERT_EQUAL(spsc_var_commit(&tx, 1), -SHM_EINVAL);
		ring->head_idx = tail_idx;
	}
	CU_ASSERT_EQUAL(ring->tail_idx, tail_idx);
	spsc_var_close_tx(&tx);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
}

static void expect_rx_broken(uint64_t honest_idx)
{
	uint64_t done_idx = ring->done_idx;
	const void *msg;

	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(spsc_var_peek(&rx, &msg), -SHM_EPEER);
		CU_ASSERT_PTR_NULL(msg);
		CU_ASSERT_EQUAL(pop_nr(0), -SHM_EPEER);
		CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER),
				-SHM_EPEER);
		ring->tail_idx = honest_idx;
	}
	CU_ASSERT_EQUAL(ring->done_idx, done_idx);
	spsc_var_close_rx(&rx);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
}

static void fill_up(void)
{
	while (push_nr(1, 56) == 1)
		;
}

static void consumer_that_gives_back_what_it_never_got_is_epeer(void)
{
	static const uint64_t lies[] = { 8,	     64,
					 RING_LEN,   RING_LEN + 8,
					 1ull << 32, 1ull << 63 };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		room_open_both(starts[i % STARTS_NR]);
		fill_up();
		ring->head_idx = ring->tail_idx + lies[i / STARTS_NR];
		expect_tx_broken();
		room_close();
	}
}

static void consumer_that_frees_what_is_not_published_is_epeer(void)
{
	void *room;

	room_open_both(0);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(push_nr(1, 1000), 1);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 8, &room), 1);
	CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 8), 0);
	ring->head_idx = 4 * 1008ull + 16;
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 1000, &room), -SHM_EPEER);
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	expect_tx_broken();
	room_close();
}

static void consumer_that_takes_room_back_is_epeer(void)
{
	static const uint64_t back[] = { 8, 64, RING_LEN, 1ull << 32 };

	for (size_t i = 0; i < STARTS_NR * sizeof(back) / sizeof(*back); i++) {
		room_open_both(starts[i % STARTS_NR]);
		fill_up();
		ring->head_idx += 256;
		fill_up();
		ring->head_idx -= back[i / STARTS_NR];
		expect_tx_broken();
		room_close();
	}
}

static void crooked_index_is_epeer(void)
{
	for (uint64_t off = 1; off < 8; off++) {
		room_open_both(0);
		fill_up();
		ring->head_idx = off;
		expect_tx_broken();
		room_close();

		room_open_both(0);
		CU_ASSERT_EQUAL(push_nr(1, 56), 1);
		ring->tail_idx = 64 + off;
		expect_rx_broken(64);
		room_close();
	}
}

static void producer_that_is_too_far_ahead_is_epeer(void)
{
	static const uint64_t lies[] = { RING_LEN + 8,	     RING_LEN * 2,
					 1ull << 32,	     1ull << 63,
					 UINT64_MAX / 8 * 8, 0ull - RING_LEN };

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
	room_open_both(0);
	for (uint64_t nr = 0; nr < 8; nr++)
		CU_ASSERT_EQUAL(push_nr(nr, 8), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 8);
	/* Still more than was read, yet less than was there. */
	ring->tail_idx = 64;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 0), -SHM_EPEER);
	expect_rx_broken(128);
	room_close();
}

/* A ring of which the producer published there_len bytes at slot, the first
 * of them this header, all others the second. */
static void room_with(uint64_t slot, uint64_t there_len, uint64_t header,
		      uint64_t second)
{
	room_open_both(slot);
	for (uint64_t at = 0; at < RING_LEN; at += 8)
		memcpy(records + at, &second, 8);
	memcpy(records + slot, &header, 8);
	ring->tail_idx = slot + there_len;
}

#define MSG(len) SPSC_VAR_HEADER(SPSC_VAR_MSG, len)
#define PAD(len) SPSC_VAR_HEADER(SPSC_VAR_PAD, len)

static void header_that_no_producer_writes_is_epeer(void)
{
	static const struct {
		uint64_t slot, there_len, header;
	} bad[] = {
		/* Lengths: none, beyond what is published, too long. */
		{ 0, 64, MSG(0) },
		{ 0, 64, MSG(57) },
		{ 0, 8, MSG(1) },
		{ 0, 64, MSG(64) },
		{ 0, RING_LEN, MSG(MSG_MAX + 1) },
		{ 0, RING_LEN, MSG(RING_LEN - 8) },
		{ 0, RING_LEN, MSG(RING_LEN) },
		{ 0, RING_LEN, MSG(0x7fffffff) },
		{ 0, RING_LEN, MSG(0x80000000) },
		{ 0, RING_LEN, MSG(UINT32_MAX - 7) },
		{ 0, RING_LEN, MSG(UINT32_MAX) },
		/* Over the ring's end. */
		{ RING_LEN - 64, RING_LEN, MSG(57) },
		{ RING_LEN - 8, RING_LEN, MSG(1) },
		{ RING_LEN - 8, RING_LEN, MSG(MSG_MAX) },
		/* Neither message nor pad. */
		{ 0, 64, 0 },
		{ 0, 64, 8 },
		{ 0, 64, UINT64_MAX },
		{ 0, 64, SPSC_VAR_HEADER(SPSC_VAR_MSG ^ 1, 8) },
		{ 0, 64, SPSC_VAR_HEADER(SPSC_VAR_PAD ^ 1u << 31, 8) },
		/* Pads in the middle, too long, too short, at the start. */
		{ 0, 64, PAD(8) },
		{ 0, RING_LEN, PAD(RING_LEN - 8) },
		{ 1024, RING_LEN, PAD(56) },
		{ 1024, RING_LEN, PAD(RING_LEN - 1024 - 8) },
		{ RING_LEN - 64, RING_LEN, PAD(48) },
		{ RING_LEN - 64, RING_LEN, PAD(55) },
		{ RING_LEN - 64, RING_LEN, PAD(57) },
		{ RING_LEN - 64, RING_LEN, PAD(64) },
		{ RING_LEN - 64, RING_LEN, PAD(UINT32_MAX) },
		{ RING_LEN - MSG_MAX - 8, RING_LEN, PAD(MSG_MAX) },
		/* Right, but the last that is published, or more than that. */
		{ RING_LEN - 64, 64, PAD(56) },
		{ RING_LEN - 64, 32, PAD(56) },
		{ RING_LEN - 64, 8, PAD(56) },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		room_with(bad[i].slot, bad[i].there_len, bad[i].header, MSG(8));
		expect_rx_broken(bad[i].slot + bad[i].there_len);
		room_close();
	}
}

static void what_stands_behind_a_pad_is_doubted_as_well(void)
{
	static const struct {
		uint64_t there_len, second;
	} bad[] = {
		{ 128, MSG(0) },	 { 128, MSG(57) }, { 72, MSG(1) },
		{ 1024, MSG(1025) },	 { 128, 0 },	   { 128, PAD(56) },
		{ 1024, PAD(1024 - 8) }, { 128, PAD(0) },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		room_with(RING_LEN - 64, bad[i].there_len, PAD(56),
			  bad[i].second);
		expect_rx_broken(RING_LEN - 64 + bad[i].there_len);
		room_close();
	}
}

static void every_header_is_a_message_inside_or_epeer(void)
{
	uint64_t random = 88172645463325252ull;

	room_open_both(0);
	for (int i = 0; i < 200000; i++) {
		uint64_t slot, there_len, header;
		const void *msg;
		int len;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		slot = random % RING_LEN / 8 * 8;
		there_len = (random >> 12) % (RING_LEN + 8) / 8 * 8;
		header = SPSC_VAR_HEADER(
			random >> 60 ? SPSC_VAR_MSG : SPSC_VAR_PAD,
			(random >> 25) % (random >> 59 & 1 ? 4200 : 1100));
		memcpy(records + slot, &header, 8);
		rx.peek_idx = rx.head_idx = rx.head_published = slot;
		rx.tail_seen = slot + there_len;
		ring->tail_idx = slot + there_len;
		rx.broken = 0;
		len = spsc_var_peek(&rx, &msg);
		if (len > 0) {
			CU_ASSERT((const uint8_t *)msg >= records + 8);
			CU_ASSERT((const uint8_t *)msg + len <=
				  records + RING_LEN);
			CU_ASSERT((uint32_t)len <= MSG_MAX);
			CU_ASSERT(rx.peek_idx - slot <= there_len);
			spsc_var_copy_out(&rx, text, msg, (uint32_t)len);
		} else if (there_len) {
			CU_ASSERT_EQUAL(len, -SHM_EPEER);
		}
	}
	room_close();
}

static void length_that_changes_after_the_peek_changes_nothing(void)
{
	uint64_t header = MSG(1000);
	const void *msg;

	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(1, 8), 1);
	CU_ASSERT_EQUAL(push_nr(2, 8), 1);
	CU_ASSERT_EQUAL(spsc_var_peek(&rx, &msg), 8);
	memcpy(records, &header, 8);
	spsc_var_release(&rx);
	CU_ASSERT_EQUAL(ring->done_idx, 16);
	CU_ASSERT_EQUAL(pop_nr(2), 8);
	room_close();
}

static void own_words_that_are_scribbled_over_change_nothing(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(1, 8), 1);
	ring->done_idx = 12345;
	ring->ring_len = 1ull << 40;
	ring->data_off = 1ull << 40;
	CU_ASSERT_EQUAL(push_nr(2, 8), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 8);
	CU_ASSERT_EQUAL(pop_nr(2), 8);
	CU_ASSERT_EQUAL(ring->tail_idx, 32);
	CU_ASSERT_EQUAL(ring->done_idx, 32);
	room_close();
}

static void lie_found_while_room_is_reserved_ends_with_its_commit(void)
{
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(1, 8), 1);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 100, &room), 1);
	ring->head_idx = 1;
	CU_ASSERT_EQUAL(spsc_var_refresh_tx(&tx), -SHM_EPEER);
	/* What was reserved may still be committed, and opens nothing. */
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 100), 0);
	expect_tx_broken();
	room_close();
}

static void lie_found_while_messages_are_peeked_ends_with_their_release(void)
{
	room_open_both(0);
	for (uint64_t nr = 0; nr < 8; nr++)
		CU_ASSERT_EQUAL(push_nr(nr, 8), 1);
	CU_ASSERT_EQUAL(peek_nr(0), 8);
	CU_ASSERT_EQUAL(peek_nr(1), 8);
	ring->tail_idx = RING_LEN + 8;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 0), -SHM_EPEER);
	spsc_var_release(&rx);
	expect_rx_broken(128);
	room_close();
}

static void open_beside_an_impossible_index_is_epeer_and_leaves_it_free(void)
{
	static const struct {
		uint64_t tail_idx, head_idx, done_idx;
		bool tx_too; /* done_idx is the consumer's alone */
	} bad[] = {
		{ RING_LEN + 8, 0, 0, true }, { 0, 8, 0, true },
		{ 1ull << 63, 0, 0, true },   { 4, 0, 0, true },
		{ 12, 4, 8, true },	      { 16, 0, 24, false },
		{ 16, 8, 0, false },	      { 16, 0, 9, false },
		{ 16, 0, UINT64_MAX, false },
	};

	room_open(RING_LEN, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ring->tail_idx = bad[i].tail_idx;
		ring->head_idx = bad[i].head_idx;
		ring->done_idx = bad[i].done_idx;
		CU_ASSERT_EQUAL(rx_open(), -SHM_EPEER);
		CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
		CU_ASSERT_EQUAL(tx_open(), bad[i].tx_too ? -SHM_EPEER : 0);
		if (!bad[i].tx_too)
			spsc_var_close_tx(&tx);
		CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
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
		{ offsetof(struct spsc_var_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct spsc_var_mem, version), 0, -SHM_EVERSION },
		{ offsetof(struct spsc_var_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct spsc_var_mem, ring_len), 0, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len), 2048, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len), 4095, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len), 4104, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len), 8192, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len), 1u << 30,
		  -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, ring_len) + 4, 1, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, data_off), 0, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, data_off), 4096, -SHM_EPEER },
		{ offsetof(struct spsc_var_mem, data_off) + 4, 1, -SHM_EPEER },
	};

	room_open(RING_LEN, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t *word = (void *)((uint8_t *)ring + bad[i].off);
		uint32_t good = *word;
		struct spsc_var_view view;

		*word = bad[i].value;
		CU_ASSERT_EQUAL(tx_open(), bad[i].err);
		CU_ASSERT_EQUAL(rx_open(), bad[i].err);
		CU_ASSERT_EQUAL(spsc_var_retire(&region, NAME, 1), bad[i].err);
		for (uint32_t slot = 0; slot < region.channels_nr; slot++)
			CU_ASSERT_NOT_EQUAL(
				spsc_var_watch(&region, slot, &view), 0);
		*word = good;
	}
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(rx_open(), 0);
	room_close();
}

static void onlooker_bounds_what_it_sees(void)
{
	struct spsc_var_view view;
	uint32_t slot = 0;

	room_open_both(0);
	while (spsc_var_watch(&region, slot, &view))
		CU_ASSERT_FATAL(++slot < region.channels_nr);
	ring->head_idx = 8;
	CU_ASSERT_EQUAL(spsc_var_watch(&region, slot, &view), -SHM_EPEER);
	ring->tail_idx = 8 + 3 * RING_LEN;
	CU_ASSERT_EQUAL(spsc_var_watch(&region, slot, &view), 0);
	CU_ASSERT_EQUAL(view.tail_idx - view.head_idx, RING_LEN);
	room_close();
}

static const struct unit_test tests[] = {
	{ "consumer_that_gives_back_what_it_never_got_is_epeer",
	  consumer_that_gives_back_what_it_never_got_is_epeer },
	{ "consumer_that_frees_what_is_not_published_is_epeer",
	  consumer_that_frees_what_is_not_published_is_epeer },
	{ "consumer_that_takes_room_back_is_epeer",
	  consumer_that_takes_room_back_is_epeer },
	{ "crooked_index_is_epeer", crooked_index_is_epeer },
	{ "producer_that_is_too_far_ahead_is_epeer",
	  producer_that_is_too_far_ahead_is_epeer },
	{ "producer_that_takes_messages_back_is_epeer",
	  producer_that_takes_messages_back_is_epeer },
	{ "header_that_no_producer_writes_is_epeer",
	  header_that_no_producer_writes_is_epeer },
	{ "what_stands_behind_a_pad_is_doubted_as_well",
	  what_stands_behind_a_pad_is_doubted_as_well },
	{ "every_header_is_a_message_inside_or_epeer",
	  every_header_is_a_message_inside_or_epeer },
	{ "length_that_changes_after_the_peek_changes_nothing",
	  length_that_changes_after_the_peek_changes_nothing },
	{ "own_words_that_are_scribbled_over_change_nothing",
	  own_words_that_are_scribbled_over_change_nothing },
	{ "lie_found_while_room_is_reserved_ends_with_its_commit",
	  lie_found_while_room_is_reserved_ends_with_its_commit },
	{ "lie_found_while_messages_are_peeked_ends_with_their_release",
	  lie_found_while_messages_are_peeked_ends_with_their_release },
	{ "open_beside_an_impossible_index_is_epeer_and_leaves_it_free",
	  open_beside_an_impossible_index_is_epeer_and_leaves_it_free },
	{ "geometry_that_was_scribbled_is_a_named_error",
	  geometry_that_was_scribbled_is_a_named_error },
	{ "onlooker_bounds_what_it_sees", onlooker_bounds_what_it_sees },
};

UNIT_MAIN("spsc_var_hostile", tests)
