/* SPDX-License-Identifier: MIT */
/* test_bcast_hostile.c - what can a writer do to its readers, and readers to
 * it? Memory ends at both sides of the region, so an access outside it ends
 * this program. */
#include "tests/unit/bcast_room.h"

static void expect_broken(void)
{
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), -SHM_EPEER);
		CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), -SHM_EPEER);
		/* Honest again: too late. */
		slot_of(rx.next_idx)->seq = BCAST_WHOLE(rx.next_idx);
	}
	bcast_close_rx(&rx);
}

static void seq_of_no_lap_or_another_slot_is_epeer_for_good(void)
{
	/* Added to the seq of the message due. */
	static const uint64_t lies[] = { 1,
					 2,
					 2ull * SLOTS_NR + 1,
					 2ull * SLOTS_NR - 2,
					 0ull - 2,
					 0ull - 2ull * SLOTS_NR - 1,
					 0ull - 4ull * SLOTS_NR,
					 1ull << 63 };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		uint64_t start_idx = starts[i % STARTS_NR];

		room_open_both(start_idx);
		slot_of(start_idx)->seq = BCAST_WHOLE(start_idx) +
					  lies[i / STARTS_NR];
		expect_broken();
		room_close();
	}
}

/* A slot of a later lap, but a count that never came so far. */
static void overtaken_without_a_count_is_epeer(void)
{
	static const uint64_t counts[] = { 0, 1, SLOTS_NR - 1, 0ull - 1,
					   1ull << 63 };

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		room_open_both(7);
		slot_of(7)->seq = BCAST_WHOLE(7 + SLOTS_NR);
		news->tail_idx = 7 + counts[i];
		expect_broken();
		room_close();
	}
}

/* Each slot claims to be laps ahead, for ever: a read must end. */
static void writer_that_always_laps_costs_a_bounded_read(void)
{
	uint64_t words[WORDS_NR], missed = 1;

	room_open_both(0);
	news->tail_idx = 1000ull * SLOTS_NR;
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		slot_of(i)->seq = BCAST_WHOLE(i + 2000ull * SLOTS_NR);
	CU_ASSERT(bcast_read(&rx, words, &missed) <= 0);
	CU_ASSERT_EQUAL(missed, 0);
	room_close();
}

static void memory_scribbled_after_open_moves_nobody_outside(void)
{
	uint64_t words[4 * WORDS_NR] = { 0 }, missed;

	for (int byte = 0; byte < 256; byte += 15) {
		room_open_both(0ull - 5);
		CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
		for (int round = 0; round < 60; round++) {
			if (round % 3 == 0)
				memset(news, byte, REGION_LEN - 1024);
			(void)bcast_write(&tx, words, 4);
			(void)bcast_flush(&tx);
			(void)bcast_read(&rx, words, &missed);
			(void)bcast_wait(&rx, 1);
		}
		bcast_close_rx(&rx);
		bcast_close_tx(&tx);
		room_close();
	}
}

static void header_that_was_scribbled_is_a_named_error(void)
{
	static const struct {
		size_t off;
		uint32_t value;
		int err;
	} bad[] = {
		{ offsetof(struct bcast_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct bcast_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct bcast_mem, msg_len), 0, -SHM_EPEER },
		{ offsetof(struct bcast_mem, msg_len), MSG_LEN + 1,
		  -SHM_EPEER },
		{ offsetof(struct bcast_mem, msg_len), MSG_LEN + 8,
		  -SHM_EPEER },
		{ offsetof(struct bcast_mem, msg_len), UINT32_MAX, -SHM_EPEER },
		{ offsetof(struct bcast_mem, slots_nr), 0, -SHM_EPEER },
		{ offsetof(struct bcast_mem, slots_nr), 3, -SHM_EPEER },
		{ offsetof(struct bcast_mem, slots_nr), SLOTS_NR * 4,
		  -SHM_EPEER },
		{ offsetof(struct bcast_mem, bells_nr), 65, -SHM_EPEER },
		{ offsetof(struct bcast_mem, bells_nr), BELLS_NR + 1,
		  -SHM_EPEER },
		{ offsetof(struct bcast_mem, slot_len), 64, -SHM_EPEER },
		{ offsetof(struct bcast_mem, bells_off), 0, -SHM_EPEER },
		{ offsetof(struct bcast_mem, data_off), 0, -SHM_EPEER },
		{ offsetof(struct bcast_mem, data_off) + 4, 1, -SHM_EPEER },
	};

	room_open(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t *word = (void *)((uint8_t *)news + bad[i].off);
		uint32_t good = *word;

		*word = bad[i].value;
		CU_ASSERT_EQUAL(tx_open(&tx_fake), bad[i].err);
		CU_ASSERT_EQUAL(rx_open(BCAST_FROM_NEXT), bad[i].err);
		*word = good;
	}
	for (uint32_t slot = 0; slot < region.channels_nr; slot++)
		region.channels[slot].len = 64;
	CU_ASSERT_EQUAL(rx_open(BCAST_FROM_NEXT), -SHM_EPEER);
	room_close();
}

static void writer_beside_an_impossible_slot_is_epeer_and_leaves_it_free(void)
{
	room_open(0);
	slot_of(0)->seq = 12345;
	CU_ASSERT_EQUAL(tx_open(&tx_fake), -SHM_EPEER);
	CU_ASSERT_EQUAL((uint32_t)news->writer, 0);
	room_close();
}

/* Any first_idx begins within the ring, or at what never comes. */
static void first_message_that_is_a_lie_begins_within_the_ring(void)
{
	static const uint64_t lies[] = { 3, 21, 1ull << 63, 0ull - 1 };

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		room_open_both(0);
		for (uint64_t nr = 0; nr < 20; nr++)
			CU_ASSERT_EQUAL(write_nr(nr), 0);
		news->first_idx = lies[i];
		CU_ASSERT_EQUAL(rx_open(BCAST_FROM_OLDEST), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, 13, 0), 1);
		room_close();
	}
}

static void bells_scribbled_cost_doorbells_and_no_more(void)
{
	room_open_both(0);
	memset((uint8_t *)news + news->bells_off, 0xff,
	       sizeof(struct bell) * BELLS_NR);
	news->alarms_nr = 77;
	for (uint64_t i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(write_nr(i), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, BELLS_NR);
	CU_ASSERT_EQUAL(tx_fake.rung_id, PEER_ID_MAX);
	tx_fake.notify_err = -SHM_EIO;
	memset((uint8_t *)news + news->bells_off, 0xfe,
	       sizeof(struct bell) * BELLS_NR);
	news->alarms_nr = 78;
	CU_ASSERT_EQUAL(write_nr(50), -SHM_EIO);
	CU_ASSERT_EQUAL(news->tail_idx, 51);
	room_close();
}

static const struct unit_test tests[] = {
	{ "seq_of_no_lap_or_another_slot_is_epeer_for_good",
	  seq_of_no_lap_or_another_slot_is_epeer_for_good },
	{ "overtaken_without_a_count_is_epeer",
	  overtaken_without_a_count_is_epeer },
	{ "writer_that_always_laps_costs_a_bounded_read",
	  writer_that_always_laps_costs_a_bounded_read },
	{ "memory_scribbled_after_open_moves_nobody_outside",
	  memory_scribbled_after_open_moves_nobody_outside },
	{ "header_that_was_scribbled_is_a_named_error",
	  header_that_was_scribbled_is_a_named_error },
	{ "writer_beside_an_impossible_slot_is_epeer_and_leaves_it_free",
	  writer_beside_an_impossible_slot_is_epeer_and_leaves_it_free },
	{ "first_message_that_is_a_lie_begins_within_the_ring",
	  first_message_that_is_a_lie_begins_within_the_ring },
	{ "bells_scribbled_cost_doorbells_and_no_more",
	  bells_scribbled_cost_doorbells_and_no_more },
};

UNIT_MAIN("bcast_hostile", tests)
