/* SPDX-License-Identifier: MIT */
/* test_spsc_var_batch.c - when does a batch become visible, and what comes out
 * of the ring by which call? */
#include "tests/unit/spsc_var_room.h"

static int reserve_nr(uint64_t nr, uint32_t len)
{
	void *room;
	int got = spsc_var_reserve(&tx, len, &room);

	if (got == 1)
		fill(room, nr, len);
	return got;
}

/* Message nr, committed quietly. */
static void put_quiet(uint64_t nr, uint32_t len)
{
	CU_ASSERT_EQUAL_FATAL(reserve_nr(nr, len), 1);
	CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, len), 0);
}

static void expect(uint64_t from_nr, uint64_t to_nr, int len)
{
	for (uint64_t nr = from_nr; nr < to_nr; nr++)
		CU_ASSERT_EQUAL(pop_nr(nr), len);
	CU_ASSERT_EQUAL(pop_nr(to_nr), 0);
}

static void quiet_messages_are_seen_when_published(void)
{
	room_open_both(RING_LEN - 40);
	for (uint64_t nr = 0; nr < 4; nr++)
		put_quiet(nr, 24);
	expect(0, 0, 0);
	CU_ASSERT_EQUAL(spsc_var_publish(&tx), 0);
	expect(0, 4, 24);
	put_quiet(4, 24);
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	expect(4, 5, 24);
	room_close();
}

static void loud_commit_and_push_publish_the_quiet_ones_before(void)
{
	room_open_both(0);
	put_quiet(0, 24);
	CU_ASSERT_EQUAL(reserve_nr(1, 24), 1);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 24), 0);
	expect(0, 2, 24);
	put_quiet(2, 24);
	CU_ASSERT_EQUAL(push_nr(3, 24), 1);
	expect(2, 4, 24);
	room_close();
}

static void quiet_batch_is_published_each_kibibyte(void)
{
	room_open_both(0);
	for (uint64_t nr = 0; nr < SPSC_VAR_QUIET_LEN / 32 - 1; nr++)
		put_quiet(nr, 24);
	CU_ASSERT_EQUAL(ring->tail_idx, 0);
	put_quiet(SPSC_VAR_QUIET_LEN / 32 - 1, 24);
	CU_ASSERT_EQUAL(ring->tail_idx, SPSC_VAR_QUIET_LEN);
	expect(0, SPSC_VAR_QUIET_LEN / 32, 24);
	room_close();
}

static void full_ring_hides_no_quiet_message(void)
{
	void *room;

	room_open_both(0);
	for (uint64_t nr = 0; nr < 3; nr++)
		CU_ASSERT_EQUAL(push_nr(nr, 1000), 1);
	for (uint64_t nr = 3; nr < 7; nr++)
		put_quiet(nr, 16);
	CU_ASSERT_EQUAL(ring->tail_idx, 3 * 1008ull);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, MSG_MAX, &room), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, 3 * 1008ull + 4 * 24ull);
	room_close();
}

static void waiting_and_closing_publish_first(void)
{
	room_open_both(0);
	put_quiet(0, 24);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 100, 0), 0);
	expect(0, 1, 24);
	put_quiet(1, 24);
	spsc_var_close_tx(&tx);
	expect(1, 2, 24);
	room_close();
}

static void peeked_messages_stay_until_released_together(void)
{
	const void *first, *second;

	room_open_both(RING_LEN - 96);
	CU_ASSERT_EQUAL(push_nr(1, 50), 1);
	CU_ASSERT_EQUAL(push_nr(2, 60), 1);
	CU_ASSERT_EQUAL(spsc_var_peek(&rx, &first), 50);
	CU_ASSERT_EQUAL(spsc_var_peek(&rx, &second), 60);
	CU_ASSERT_EQUAL(peek_nr(3), 0);
	CU_ASSERT_EQUAL(ring->done_idx, RING_LEN - 96);
	CU_ASSERT_EQUAL(ring->head_idx, RING_LEN - 96);
	/* A full ring does not touch them. */
	while (push_nr(9, 200) == 1)
		;
	CU_ASSERT(right(first, 1, 50));
	CU_ASSERT(right(second, 2, 60));
	CU_ASSERT_PTR_EQUAL(second, records + 8);
	spsc_var_release(&rx);
	CU_ASSERT_EQUAL(ring->done_idx, RING_LEN + 72);
	room_close();
}

static void release_of_nothing_changes_nothing(void)
{
	room_open_both(64);
	spsc_var_release(&rx);
	CU_ASSERT_EQUAL(ring->done_idx, 64);
	CU_ASSERT_EQUAL(ring->head_idx, 64);
	CU_ASSERT_EQUAL(push_nr(1, 5), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 5);
	room_close();
}

static void pop_gives_back_what_was_peeked_before(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(1, 8), 1);
	CU_ASSERT_EQUAL(push_nr(2, 8), 1);
	CU_ASSERT_EQUAL(peek_nr(1), 8);
	CU_ASSERT_EQUAL(pop_nr(2), 8);
	CU_ASSERT_EQUAL(ring->done_idx, 32);
	room_close();
}

static void pop_into_too_little_is_etoosmall_and_the_message_stays(void)
{
	uint8_t small[9];

	/* Behind a pad, too. */
	room_open_both(RING_LEN - 16);
	CU_ASSERT_EQUAL(push_nr(1, 9), 1);
	CU_ASSERT_EQUAL(spsc_var_pop(&rx, small, 8), -SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(spsc_var_pop(&rx, small, 0), -SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(ring->done_idx, RING_LEN - 16);
	CU_ASSERT_EQUAL(spsc_var_pop(&rx, small, 9), 9);
	CU_ASSERT(right(small, 1, 9));
	CU_ASSERT_EQUAL(spsc_var_pop(&rx, small, 9), 0);
	room_close();
}

/* Source and target end where memory ends, and begin where it begins. */
static void copying_touches_no_byte_beyond_a_message(void)
{
	uint8_t *page = guarded_map(4096);

	room_open_both(0);
	for (uint32_t len = 1; len <= MSG_MAX; len++) {
		uint8_t *at = page + 4096 - len;

		fill(at, len, len);
		CU_ASSERT_EQUAL_FATAL(spsc_var_push(&tx, at, len), 1);
		memset(page, 0xee, 4096);
		CU_ASSERT_EQUAL_FATAL(spsc_var_pop(&rx, at, len), (int)len);
		CU_ASSERT(right(at, len, len));
		CU_ASSERT_EQUAL(at[-1], 0xee);

		CU_ASSERT_EQUAL_FATAL(spsc_var_push(&tx, at, len), 1);
		memset(page, 0xee, 4096);
		CU_ASSERT_EQUAL_FATAL(spsc_var_pop(&rx, page, 4096), (int)len);
		CU_ASSERT(right(page, len, len));
		CU_ASSERT_EQUAL(page[len], 0xee);
	}
	room_close();
	guarded_unmap(page, 4096);
}

static void long_message_is_copied_out_in_pieces(void)
{
	const uint32_t len = 256u << 10, step = 4096 - 3;
	const void *msg;

	room_open(1u << 20, 0ull - 8);
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT_EQUAL(push_nr(1, len), 1);
	CU_ASSERT_EQUAL(spsc_var_peek(&rx, &msg), (int)len);
	memset(text, 0, len + 1);
	for (uint32_t at = 0; at < len; at += step)
		spsc_var_copy_out(&rx, text + at, (const uint8_t *)msg + at,
				  len - at < step ? len - at : step);
	CU_ASSERT(right(text, 1, len));
	CU_ASSERT_EQUAL(text[len], 0);
	spsc_var_release(&rx);
	CU_ASSERT_EQUAL(pop_nr(2), 0);
	room_close();
}

static void batch_is_pushed_until_the_ring_is_full(void)
{
	static uint8_t bytes[16][300];
	struct spsc_var_msg msgs[16];

	room_open_both(0ull - 800);
	for (uint64_t nr = 0; nr < 16; nr++) {
		fill(bytes[nr], nr, 300);
		msgs[nr] = (struct spsc_var_msg){ bytes[nr], 300 };
	}
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs, 16), 12);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs, 16), 0);
	expect(0, 12, 300);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs, 3), 3);
	expect(0, 3, 300);
	room_close();
}

static void batch_ends_at_a_message_that_cannot_be(void)
{
	struct spsc_var_msg msgs[3] = { { text, 10 },
					{ text, 0 },
					{ text, 10 } };

	room_open_both(0);
	fill(text, 0, 10);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs, 3), 1);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, msgs + 1, 2), -SHM_EINVAL);
	expect(0, 1, 10);
	room_close();
}

static const struct unit_test tests[] = {
	{ "quiet_messages_are_seen_when_published",
	  quiet_messages_are_seen_when_published },
	{ "loud_commit_and_push_publish_the_quiet_ones_before",
	  loud_commit_and_push_publish_the_quiet_ones_before },
	{ "quiet_batch_is_published_each_kibibyte",
	  quiet_batch_is_published_each_kibibyte },
	{ "full_ring_hides_no_quiet_message",
	  full_ring_hides_no_quiet_message },
	{ "waiting_and_closing_publish_first",
	  waiting_and_closing_publish_first },
	{ "peeked_messages_stay_until_released_together",
	  peeked_messages_stay_until_released_together },
	{ "release_of_nothing_changes_nothing",
	  release_of_nothing_changes_nothing },
	{ "pop_gives_back_what_was_peeked_before",
	  pop_gives_back_what_was_peeked_before },
	{ "pop_into_too_little_is_etoosmall_and_the_message_stays",
	  pop_into_too_little_is_etoosmall_and_the_message_stays },
	{ "copying_touches_no_byte_beyond_a_message",
	  copying_touches_no_byte_beyond_a_message },
	{ "long_message_is_copied_out_in_pieces",
	  long_message_is_copied_out_in_pieces },
	{ "batch_is_pushed_until_the_ring_is_full",
	  batch_is_pushed_until_the_ring_is_full },
	{ "batch_ends_at_a_message_that_cannot_be",
	  batch_ends_at_a_message_that_cannot_be },
};

UNIT_MAIN("spsc_var_batch", tests)
