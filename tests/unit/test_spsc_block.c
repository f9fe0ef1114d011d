/* SPDX-License-Identifier: MIT */
/* test_spsc_block.c - do messages that pass in blocks arrive as all others do?
 */
#include "shm/copy.h"
#include "shm/spsc_block.h"
#include "tests/unit/spsc_room.h"

#define WORDS	  (SLOT_LEN / 8)
#define BLOCK_NR  2u /* an eighth of SLOTS_NR */
#define BLOCK_LEN ((uint64_t)BLOCK_NR * SLOT_LEN)

static struct spsc_block_tx out;
static struct spsc_block_rx in;
static _Alignas(SPSC_LINE_LEN) uint8_t block[8192];

static void room_open_blocks(uint64_t start_idx)
{
	room_open_both(start_idx);
	CU_ASSERT_EQUAL_FATAL(
		spsc_block_open_tx(&out, &tx, block, sizeof(block)), 0);
	spsc_block_open_rx(&in, &rx);
}

/* Message nr, as push_nr() and pop_nr() have them. */
static int put(uint64_t nr)
{
	void *slots;
	int got = spsc_block_reserve(&out, 1, &slots);

	if (got != 1)
		return got;
	for (uint32_t i = 0; i < WORDS; i++)
		((uint64_t *)slots)[i] = nr * 0x10001 + i;
	got = spsc_block_commit(&out, 1);
	return got < 0 ? got : 1;
}

static int take(uint64_t nr)
{
	const void *slots;
	int got = spsc_block_peek(&in, 1, &slots);

	for (uint32_t i = 0; got == 1 && i < WORDS; i++)
		if (((const uint64_t *)slots)[i] != nr * 0x10001 + i)
			return -1;
	if (got == 1)
		spsc_block_release(&in, 1);
	return got;
}

static void memory_that_holds_no_message_is_einval(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_block_open_tx(&out, &tx, block, 0), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_block_open_tx(&out, &tx, block, SLOT_LEN - 1),
			-SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_block_open_tx(&out, &tx, block + 8, BLOCK_LEN),
			-SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_block_open_tx(&out, &tx, block, SLOT_LEN), 0);
	CU_ASSERT_EQUAL(out.block_nr, 1);
	CU_ASSERT_EQUAL(spsc_block_open_tx(&out, &tx, block, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(out.block_nr, BLOCK_NR);
	room_close();
}

static void messages_are_seen_by_the_block(void)
{
	room_open_blocks(0);
	CU_ASSERT_EQUAL(put(0), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 0);
	CU_ASSERT_EQUAL(put(1), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 2);
	CU_ASSERT_EQUAL(put(2), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, 2);
	CU_ASSERT_EQUAL(spsc_block_flush(&out), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, 3);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(take(i), 1);
	CU_ASSERT_EQUAL(take(3), 0);
	CU_ASSERT_EQUAL(spsc_block_flush(&out), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, 3);
	room_close();
}

/* Take up to nr messages, of which *seen is the next. */
static void take_some(uint64_t *seen, uint32_t nr)
{
	for (; nr; nr--) {
		int got = take(*seen);

		CU_ASSERT(got == 0 || got == 1);
		*seen += got == 1;
	}
}

static void messages_arrive_in_order_across_every_wrap(void)
{
	static const uint64_t starts[] = { 0, 13, UINT32_MAX - 7,
					   UINT64_MAX - 7 };

	for (size_t s = 0; s < sizeof(starts) / sizeof(*starts); s++) {
		uint64_t sent = 0, seen = 0;

		room_open_blocks(starts[s]);
		/* Ends of different pace, a flush now and then. */
		for (uint32_t turn = 0; seen < 500; turn++) {
			for (uint32_t i = 0; i < turn % 23; i++)
				sent += put(sent) == 1;
			if (turn % 3 == 0)
				(void)spsc_block_flush(&out);
			take_some(&seen, turn % 19);
		}
		CU_ASSERT(seen <= sent);
		room_close();
	}
}

static void full_ring_keeps_the_block_and_takes_it_later(void)
{
	uint64_t sent = 0, seen = 0;

	room_open_blocks(5);
	while (put(sent) == 1)
		sent++;
	/* The ring, and one block that could not move. */
	CU_ASSERT_EQUAL(sent, SLOTS_NR + BLOCK_NR);
	CU_ASSERT_EQUAL(put(sent), 0);
	CU_ASSERT_EQUAL(spsc_block_move(&out), 0);
	CU_ASSERT_EQUAL(spsc_block_flush(&out), -SHM_EFULL);
	CU_ASSERT_EQUAL(ring->tail_idx, 5 + SLOTS_NR);
	while (take(seen) == 1)
		seen++;
	CU_ASSERT_EQUAL(seen, SLOTS_NR);
	CU_ASSERT_EQUAL(spsc_block_flush(&out), 0);
	while (take(seen) == 1)
		seen++;
	CU_ASSERT_EQUAL(seen, sent);
	room_close();
}

static void half_a_block_moves_when_there_is_room_for_half(void)
{
	uint64_t sent = 0;

	room_open_blocks(0);
	while (put(sent) == 1)
		sent++;
	/* By hand: the consumer of spsc.h gives credit in other steps. */
	ring->head_idx = 1;
	CU_ASSERT_EQUAL(spsc_block_move(&out), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, SLOTS_NR + 1);
	ring->head_idx = 2;
	CU_ASSERT_EQUAL(spsc_block_move(&out), 1);
	CU_ASSERT_EQUAL(ring->tail_idx, SLOTS_NR + 2);
	room_close();
}

static void blocks_are_read_by_a_consumer_that_knows_none(void)
{
	room_open_blocks(0);
	for (uint64_t i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(put(i), 1);
		CU_ASSERT_EQUAL(spsc_block_flush(&out), 0);
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	}
	room_close();
}

static void block_goes_back_whole_or_when_settled(void)
{
	const void *slots;

	room_open_blocks(0);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(push_nr(i), 1);
	CU_ASSERT_EQUAL(take(0), 1);
	/* A successor would see it again. */
	CU_ASSERT_EQUAL(ring->done_idx, 0);
	spsc_block_settle(&in);
	CU_ASSERT_EQUAL(ring->done_idx, 1);
	CU_ASSERT_EQUAL(spsc_block_peek(&in, 9, &slots), 1);
	CU_ASSERT_EQUAL(take(1), 1);
	CU_ASSERT_EQUAL(ring->done_idx, 2);
	CU_ASSERT_EQUAL(take(2), 1);
	CU_ASSERT_EQUAL(ring->done_idx, 3);
	spsc_block_settle(&in);
	CU_ASSERT_EQUAL(ring->done_idx, 3);
	CU_ASSERT_EQUAL(spsc_block_peek(&in, 1, &slots), 0);
	CU_ASSERT_PTR_NULL(slots);
	room_close();
}

static void wait_moves_all_or_says_why_not(void)
{
	uint64_t sent = 0;

	room_open_blocks(0);
	while (put(sent) == 1)
		sent++;
	CU_ASSERT_EQUAL(spsc_block_wait(&out, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(spsc_block_wait(&out, 5000000), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(take(0), 1);
	CU_ASSERT_EQUAL(take(1), 1);
	CU_ASSERT_EQUAL(spsc_block_wait(&out, 5000000), 0);
	CU_ASSERT_EQUAL(ring->tail_idx, sent);
	room_close();
}

static void hostile_peer_is_epeer_to_both_for_good(void)
{
	const void *room;
	void *slots;

	room_open_blocks(0);
	CU_ASSERT_EQUAL(put(0), 1);
	ring->head_idx = 77;
	ring->tail_idx = 1000;
	for (uint64_t i = 0; i < 40; i++) {
		int got = put(i);

		CU_ASSERT(got == 1 || got == -SHM_EPEER);
	}
	CU_ASSERT_EQUAL(spsc_block_reserve(&out, 1, &slots), -SHM_EPEER);
	CU_ASSERT_EQUAL(spsc_block_flush(&out), -SHM_EPEER);
	CU_ASSERT_EQUAL(spsc_block_wait(&out, 1000), -SHM_EPEER);
	ring->tail_idx = 1000;
	CU_ASSERT_EQUAL(spsc_block_peek(&in, 1, &room), -SHM_EPEER);
	CU_ASSERT_EQUAL(spsc_block_peek(&in, 1, &room), -SHM_EPEER);
	room_close();
}

/* What stands before and behind must stay, whatever the way of copying. */
static void copies_are_exact_at_every_length(void)
{
	static uint8_t from[4096], to[4096 + 128];

	for (uint32_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7 + 1);
	for (uint32_t len = 0; len <= sizeof(from); len += 1 + len / 9) {
		for (int by_string = 0; by_string < 2; by_string++) {
			uint32_t wrong = 0;

			memset(to, 0xee, sizeof(to));
			copy_in(to + 64, from, len, by_string);
			for (uint32_t i = 0; i < sizeof(to); i++)
				wrong += to[i] != (i >= 64 && i < 64 + len
							   ? from[i - 64]
							   : 0xee);
			CU_ASSERT_EQUAL(wrong, 0);
		}
	}
}

static const struct unit_test tests[] = {
	{ "memory_that_holds_no_message_is_einval",
	  memory_that_holds_no_message_is_einval },
	{ "messages_are_seen_by_the_block", messages_are_seen_by_the_block },
	{ "messages_arrive_in_order_across_every_wrap",
	  messages_arrive_in_order_across_every_wrap },
	{ "full_ring_keeps_the_block_and_takes_it_later",
	  full_ring_keeps_the_block_and_takes_it_later },
	{ "half_a_block_moves_when_there_is_room_for_half",
	  half_a_block_moves_when_there_is_room_for_half },
	{ "blocks_are_read_by_a_consumer_that_knows_none",
	  blocks_are_read_by_a_consumer_that_knows_none },
	{ "block_goes_back_whole_or_when_settled",
	  block_goes_back_whole_or_when_settled },
	{ "wait_moves_all_or_says_why_not", wait_moves_all_or_says_why_not },
	{ "hostile_peer_is_epeer_to_both_for_good",
	  hostile_peer_is_epeer_to_both_for_good },
	{ "copies_are_exact_at_every_length",
	  copies_are_exact_at_every_length },
};

UNIT_MAIN("spsc_block", tests)
