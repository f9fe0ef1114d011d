/* SPDX-License-Identifier: MIT */
/* test_bcast.c - does each reader get every message it was quick enough for,
 * whole, and the exact number of the others? */
#include "tests/unit/bcast_room.h"

static void impossible_geometry_is_einval(void)
{
	static const struct {
		uint32_t msg_len, slots_nr, bells_nr;
	} bad[] = { { 0, 8, 0 },
		    { 4, 8, 0 },
		    { 12, 8, 0 },
		    { BCAST_MSG_LEN_MAX + 8, 8, 0 },
		    { UINT32_MAX - 7, 8, 0 },
		    { 56, 0, 0 },
		    { 56, 1, 0 },
		    { 56, 3, 0 },
		    { 56, BCAST_SLOTS_MAX * 2, 0 },
		    { 56, 8, BCAST_BELLS_MAX + 1 },
		    { 56, 8, UINT32_MAX } };

	room_open(0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(bcast_len(bad[i].msg_len, bad[i].slots_nr,
					  bad[i].bells_nr),
				0);
		CU_ASSERT_EQUAL(bcast_create(&region, "bad", bad[i].msg_len,
					     bad[i].slots_nr, bad[i].bells_nr,
					     TX_ID),
				-SHM_EINVAL);
	}
	CU_ASSERT_EQUAL(bcast_len(56, 2, 0), 896 + 128);
	CU_ASSERT_EQUAL(bcast_len(64, 2, 1), 896 + 128 + 256);
	CU_ASSERT_EQUAL(bcast_len(BCAST_MSG_LEN_MAX, 2, 64),
			12288 + 2 * ((1ull << 20) + 64));
	CU_ASSERT_EQUAL(bcast_create(&region, "big", 56, 64, 0, 0),
			-SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(bcast_create(&region, NAME, 56, 2, 0, 0), -SHM_EEXIST);
	room_close();
}

static void messages_arrive_in_order_from_any_count(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		uint64_t sent = 0, got = 0;

		room_open_both(starts[s]);
		CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), 0);
		for (int i = 0; i < 40; i++) {
			for (int batch = i % 7; batch >= 0; batch--)
				CU_ASSERT_EQUAL(write_nr(sent++), 0);
			while (got < sent)
				CU_ASSERT_EQUAL_FATAL(read_nr(&rx, got++, 0),
						      1);
			CU_ASSERT_EQUAL(read_nr(&rx, got, 0), 0);
		}
		CU_ASSERT_EQUAL(news->tail_idx, starts[s] + sent);
		room_close();
	}
}

/* A reader that is `late` messages behind loses all but slots_nr - 1. */
static void slow_reader_is_told_exactly_what_it_missed(void)
{
	for (uint64_t late = 0; late < 5ull * SLOTS_NR; late++) {
		uint64_t lost = late < SLOTS_NR ? 0 : late - SLOTS_NR + 1;

		for (size_t s = 0; s < STARTS_NR; s++) {
			room_open_both(starts[s]);
			for (uint64_t i = 0; i < late; i++)
				CU_ASSERT_EQUAL(write_nr(i), 0);
			/* As many as slots: the oldest still is whole. */
			if (late == SLOTS_NR)
				lost = 0;
			for (uint64_t i = lost; i < late; i++)
				CU_ASSERT_EQUAL(
					read_nr(&rx, i, i == lost ? lost : 0),
					1);
			CU_ASSERT_EQUAL(read_nr(&rx, late, 0), 0);
			room_close();
		}
	}
}

static void reader_that_wants_the_newest_skips_to_it(void)
{
	room_open_both(0);
	rx.skip_to_newest = true;
	for (uint64_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(write_nr(i), 0);
	CU_ASSERT_EQUAL(read_nr(&rx, 29, 29), 1);
	CU_ASSERT_EQUAL(read_nr(&rx, 30, 0), 0);
	/* Within the ring it skips nothing. */
	CU_ASSERT_EQUAL(write_nr(30), 0);
	CU_ASSERT_EQUAL(write_nr(31), 0);
	CU_ASSERT_EQUAL(read_nr(&rx, 30, 0), 1);
	room_close();
}

static void reader_begins_where_it_wants(void)
{
	for (uint64_t sent = 0; sent < 3ull * SLOTS_NR; sent++) {
		uint64_t oldest = sent < SLOTS_NR ? 0 : sent - SLOTS_NR + 1;

		room_open(0ull - 3);
		CU_ASSERT_EQUAL_FATAL(tx_open(&tx_fake), 0);
		for (uint64_t i = 0; i < sent; i++)
			CU_ASSERT_EQUAL(write_nr(i), 0);
		CU_ASSERT_EQUAL(rx_open(BCAST_FROM_OLDEST), 0);
		for (uint64_t i = oldest; i < sent; i++)
			CU_ASSERT_EQUAL(read_nr(&rx, i, 0), 1);
		CU_ASSERT_EQUAL(read_nr(&rx, sent, 0), 0);
		CU_ASSERT_EQUAL(rx_open(BCAST_FROM_NEXT), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, sent, 0), 0);
		CU_ASSERT_EQUAL(write_nr(sent), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, sent, 0), 1);
		room_close();
	}
}

/* The writer is in the middle of overwriting the message: it is counted, not
 * delivered, though its seq said whole when the last lap ended. */
static void message_being_overwritten_is_missed_not_torn(void)
{
	room_open_both(0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(write_nr(i), 0);
	slot_of(0)->seq = BCAST_WRITING(SLOTS_NR);
	slot_of(0)->words[3] = 0xdead;
	CU_ASSERT_EQUAL(read_nr(&rx, 1, 1), 1);
	for (uint64_t i = 2; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(read_nr(&rx, i, 0), 1);
	CU_ASSERT_EQUAL(read_nr(&rx, SLOTS_NR, 0), 0);
	room_close();
}

static void readers_on_a_read_only_mapping_read(void)
{
	room_open(0);
	CU_ASSERT_EQUAL_FATAL(tx_open(&tx_fake), 0);
	CU_ASSERT_EQUAL(write_nr(0), 0);
	CU_ASSERT_EQUAL_FATAL(mprotect(mem, REGION_LEN, PROT_READ), 0);
	CU_ASSERT_EQUAL(rx_open(BCAST_FROM_OLDEST), 0);
	CU_ASSERT_EQUAL(bcast_wait(&rx, MS_NS), 0);
	CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), 1);
	CU_ASSERT_EQUAL(bcast_wait(&rx, MS_NS), -SHM_ETIMEDOUT);
	bcast_close_rx(&rx);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 0);
	room_close();
}

static void batches_larger_than_the_ring_leave_its_end(void)
{
	static uint64_t words[20 * WORDS_NR];

	for (uint64_t nr = 0; nr < 20; nr++)
		for (uint32_t i = 0; i < WORDS_NR; i++)
			words[nr * WORDS_NR + i] = nr * 0x10001 + i;
	room_open_both(0);
	CU_ASSERT_EQUAL(bcast_write(&tx, words, 0), 0);
	CU_ASSERT_EQUAL(bcast_write(&tx, words, 20), 0);
	for (uint64_t i = 13; i < 20; i++)
		CU_ASSERT_EQUAL(read_nr(&rx, i, i == 13 ? 13 : 0), 1);
	room_close();
}

/* 0: before it wrote, 1: in the message, 2: behind it, before tail_idx. */
static void writer_died(int where)
{
	struct bcast_tx old;

	room_open_both(0ull - 2);
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(write_nr(i), 0);
	if (where) {
		CU_ASSERT_EQUAL(write_nr(3), 0);
		news->tail_idx--;
	}
	if (where == 1) {
		slot_of(0ull - 2 + 3)->seq = BCAST_WRITING(0ull - 2 + 3);
		slot_of(0ull - 2 + 3)->words[9] = 0xdead;
	}
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(read_nr(&rx, i, 0), 1);
	CU_ASSERT_EQUAL(read_nr(&rx, 3, 0), where == 2);
	old = tx;
	CU_ASSERT_EQUAL(tx_open(&tx2_fake), -SHM_EEXIST);
	region_peer_set(&region, TX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(tx_open(&tx2_fake), 0);
	CU_ASSERT(tx.taken_over);
	CU_ASSERT_EQUAL(bcast_write(&old, news, 1), -SHM_EOWNER);
	for (uint64_t i = where == 2 ? 4 : 3; i < 20; i++) {
		CU_ASSERT_EQUAL(write_nr(i), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, i, 0), 1);
	}
	room_close();
}

static void writer_that_died_leaves_whole_messages_only(void)
{
	writer_died(0);
	writer_died(1);
	writer_died(2);
}

static void wait_without_a_writer_is_egone(void)
{
	for (int bell = 0; bell < 2; bell++) {
		room_open_both(0);
		if (bell)
			CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
		CU_ASSERT_EQUAL(write_nr(0), 0);
		region_peer_set(&region, TX_ID, REGION_PEER_GONE);
		CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), 1);
		CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), -SHM_EGONE);
		room_close();
	}
}

static void write_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(rx.bell.bell->armed, 0);
	CU_ASSERT_EQUAL(write_nr(fake->waits_nr - 1), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, fake->waits_nr);
	CU_ASSERT_EQUAL(tx_fake.rung_id, RX_ID);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, RX_VECTOR);
	/* Once for each sleep. */
	CU_ASSERT_EQUAL(bcast_flush(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, fake->waits_nr);
	fake->raised = true;
}

static void sleeping_reader_is_rung_and_the_awake_are_not(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0); /* has it */
	rx_fake.asleep = write_while_asleep;
	for (uint64_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), 0);
		CU_ASSERT_EQUAL(read_nr(&rx, i, 0), 1);
		CU_ASSERT_EQUAL(rx.bell.bell->armed, 0);
	}
	CU_ASSERT_EQUAL(write_nr(5), 0);
	CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 5);
	room_close();
}

static void new_writer_rings_who_slept_before_it_came(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
	bell_arm(&rx.bell);
	news->alarms_nr++;
	CU_ASSERT_EQUAL(write_nr(0), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	region_peer_set(&region, TX_ID, REGION_PEER_GONE);
	bell_arm(&rx.bell);
	news->alarms_nr++;
	CU_ASSERT_EQUAL(tx_open(&tx2_fake), 0);
	CU_ASSERT_EQUAL(write_nr(1), 0);
	CU_ASSERT_EQUAL(tx2_fake.notifies_nr, 1);
	room_close();
}

static void bells_are_for_so_many_and_those_of_the_dead_are_free(void)
{
	struct bcast_rx others[3];

	room_open_both(0);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(bcast_open_rx(&others[i], &region, NAME,
					      &rx2_fake.peer, BCAST_FROM_NEXT),
				0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
	CU_ASSERT_EQUAL(bcast_take_bell(&others[0], 1), 0);
	CU_ASSERT_PTR_NOT_EQUAL(rx.bell.bell, others[0].bell.bell);
	CU_ASSERT_EQUAL(bcast_take_bell(&others[1], 1), -SHM_EFULL);
	bcast_close_rx(&others[0]);
	CU_ASSERT_EQUAL(bcast_take_bell(&others[1], 1), 0);
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(bcast_take_bell(&others[2], 1), 0);
	CU_ASSERT_EQUAL(bcast_wait(&rx, PEER_WAIT_FOREVER), -SHM_EOWNER);
	room_close();
}

static void waits_keep_their_time_spinning_or_sleeping(void)
{
	room_open_both(0);
	/* Without a bell it can only spin. */
	CU_ASSERT_EQUAL(bcast_wait(&rx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(bcast_wait(&rx, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
	CU_ASSERT_EQUAL(bcast_wait(&rx, 35 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4);
	rx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(bcast_wait(&rx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4);
	room_close();
}

static void retired_channel_is_gone_unless_somebody_lives(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(bcast_retire(&region, NAME, TX2_ID), -SHM_EEXIST);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, RX_VECTOR), 0);
	bcast_close_tx(&tx);
	CU_ASSERT_EQUAL(bcast_retire(&region, NAME, TX2_ID), -SHM_EEXIST);
	bcast_close_rx(&rx);
	CU_ASSERT_EQUAL(bcast_retire(&region, NAME, TX2_ID), 0);
	CU_ASSERT_EQUAL(rx_open(BCAST_FROM_NEXT), -SHM_ENOENT);
	CU_ASSERT_EQUAL(
		bcast_create(&region, NAME, MSG_LEN, SLOTS_NR, BELLS_NR, TX_ID),
		0);
	CU_ASSERT_EQUAL(tx_open(&tx_fake), 0);
	CU_ASSERT_EQUAL(rx_open(BCAST_FROM_OLDEST), 0);
	CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), 0);
	CU_ASSERT_EQUAL(write_nr(0), 0);
	CU_ASSERT_EQUAL(read_nr(&rx, 0, 0), 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "impossible_geometry_is_einval", impossible_geometry_is_einval },
	{ "messages_arrive_in_order_from_any_count",
	  messages_arrive_in_order_from_any_count },
	{ "slow_reader_is_told_exactly_what_it_missed",
	  slow_reader_is_told_exactly_what_it_missed },
	{ "reader_that_wants_the_newest_skips_to_it",
	  reader_that_wants_the_newest_skips_to_it },
	{ "reader_begins_where_it_wants", reader_begins_where_it_wants },
	{ "message_being_overwritten_is_missed_not_torn",
	  message_being_overwritten_is_missed_not_torn },
	{ "readers_on_a_read_only_mapping_read",
	  readers_on_a_read_only_mapping_read },
	{ "batches_larger_than_the_ring_leave_its_end",
	  batches_larger_than_the_ring_leave_its_end },
	{ "writer_that_died_leaves_whole_messages_only",
	  writer_that_died_leaves_whole_messages_only },
	{ "wait_without_a_writer_is_egone", wait_without_a_writer_is_egone },
	{ "sleeping_reader_is_rung_and_the_awake_are_not",
	  sleeping_reader_is_rung_and_the_awake_are_not },
	{ "new_writer_rings_who_slept_before_it_came",
	  new_writer_rings_who_slept_before_it_came },
	{ "bells_are_for_so_many_and_those_of_the_dead_are_free",
	  bells_are_for_so_many_and_those_of_the_dead_are_free },
	{ "waits_keep_their_time_spinning_or_sleeping",
	  waits_keep_their_time_spinning_or_sleeping },
	{ "retired_channel_is_gone_unless_somebody_lives",
	  retired_channel_is_gone_unless_somebody_lives },
};

UNIT_MAIN("bcast", tests)
