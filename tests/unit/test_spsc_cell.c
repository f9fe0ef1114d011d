/* SPDX-License-Identifier: MIT */
/* test_spsc_cell.c - do one-line messages between honest ends arrive, whole,
 * in order and once, whoever sleeps, dies or takes over? */
#include "tests/unit/spsc_cell_room.h"

static struct spsc_cell_tx tx;
static struct spsc_cell_rx rx;

static int tx_open(void)
{
	return spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, TX_VECTOR);
}

static int rx_open(void)
{
	return spsc_cell_open_rx(&rx, &region, NAME, &rx_fake.peer, RX_VECTOR);
}

static void room_open(uint64_t start_idx)
{
	cells_open(SPSC_CELL_STREAM, CELLS_NR, start_idx);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	tx.spin_ns = WAIT_SPIN_NEVER;
	rx.spin_ns = WAIT_SPIN_NEVER;
}

static int push_nr(uint64_t nr)
{
	uint64_t words[SPSC_CELL_WORDS_NR];

	words_fill(words, nr);
	return spsc_cell_push(&tx, words, 1);
}

/* 1: message nr came; 0: none; -1: another one; or the error. */
static int pop_nr(uint64_t nr)
{
	uint64_t words[SPSC_CELL_WORDS_NR] = { 0 };
	int got = spsc_cell_pop(&rx, words, 1);

	return got == 1 && !words_right(words, nr) ? -1 : got;
}

static void fill_ring(void)
{
	for (uint64_t i = 0; i < CELLS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(push_nr(i), 1);
	CU_ASSERT_EQUAL_FATAL(push_nr(0), 0);
}

static void fill_ring_but_one(void)
{
	for (uint64_t i = 1; i < CELLS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(push_nr(i), 1);
}

static void impossible_numbers_of_cells_are_einval(void)
{
	static const uint32_t bad[] = { 0,
					1,
					3,
					48,
					SPSC_CELLS_MAX + 1,
					SPSC_CELLS_MAX * 2,
					1u << 31,
					UINT32_MAX };

	cells_open(SPSC_CELL_STREAM, 2, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CU_ASSERT_EQUAL(spsc_cell_len(bad[i]), 0);
		CU_ASSERT_EQUAL(spsc_cell_create(&region, "bad", bad[i], 0),
				-SHM_EINVAL);
	}
	CU_ASSERT_EQUAL(spsc_cell_len(2), 1024 + 128);
	CU_ASSERT_EQUAL(spsc_cell_len(1024), 4096 + 65536);
	CU_ASSERT_EQUAL(spsc_cell_create(&region, "big", 64, 0),
			-SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(spsc_cell_create(&region, NAME, 2, 0), -SHM_EEXIST);
	cells_close();
}

static void ring_of_calls_is_no_ring_of_messages(void)
{
	cells_open(SPSC_CELL_CALL, CELLS_NR, 0);
	CU_ASSERT_EQUAL(tx_open(), -SHM_EINVAL);
	CU_ASSERT_EQUAL(rx_open(), -SHM_EINVAL);
	cells_close();
}

/* Full, empty and between, three laps. */
static void messages_arrive_in_order_from_any_count(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		uint64_t sent = 0, got = 0;

		room_open(starts[s]);
		CU_ASSERT_EQUAL(pop_nr(0), 0);
		for (int lap = 0; lap < 4; lap++) {
			/* Credit comes in eighths, so 3 may be missing. */
			while (push_nr(sent) == 1)
				sent++;
			CU_ASSERT(sent - got >= CELLS_NR - 3);
			CU_ASSERT(sent - got <= CELLS_NR);
			for (int i = 0; i < 4; i++)
				CU_ASSERT_EQUAL(pop_nr(got++), 1);
			CU_ASSERT_EQUAL(push_nr(sent++), 1);
			while (got < sent - 2)
				CU_ASSERT_EQUAL_FATAL(pop_nr(got++), 1);
		}
		while (got < sent)
			CU_ASSERT_EQUAL_FATAL(pop_nr(got++), 1);
		CU_ASSERT_EQUAL(pop_nr(got), 0);
		spsc_cell_close_rx(&rx);
		spsc_cell_close_tx(&tx);
		CU_ASSERT_EQUAL(ring->head_idx, starts[s] + got);
		CU_ASSERT_EQUAL(ring->done_idx, starts[s] + got);
		CU_ASSERT_EQUAL(ring->tail_idx, starts[s] + sent);
		cells_close();
	}
}

static void batches_end_at_the_rings_end_and_arrive_whole(void)
{
	static uint64_t in[2 * CELLS_NR * SPSC_CELL_WORDS_NR];
	static uint64_t out[2 * CELLS_NR * SPSC_CELL_WORDS_NR];
	const struct spsc_cell *seen;
	struct spsc_cell *own;

	for (uint64_t i = 0; i < 2ull * CELLS_NR; i++)
		words_fill(in + i * SPSC_CELL_WORDS_NR, i);
	room_open(CELLS_NR - 5);
	CU_ASSERT_EQUAL(spsc_cell_reserve(&tx, UINT32_MAX, &own), 5);
	CU_ASSERT_PTR_EQUAL(own, ring_cells + CELLS_NR - 5);
	CU_ASSERT_EQUAL(spsc_cell_peek(&rx, 1, &seen), 0);
	CU_ASSERT_PTR_NULL(seen);
	CU_ASSERT_EQUAL(spsc_cell_push(&tx, in, 2 * CELLS_NR), CELLS_NR);
	CU_ASSERT_EQUAL(spsc_cell_push(&tx, in, 1), 0);
	CU_ASSERT_EQUAL(spsc_cell_push(&tx, in, 0), 0);
	CU_ASSERT_EQUAL(spsc_cell_peek(&rx, UINT32_MAX, &seen), 5);
	CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 2 * CELLS_NR), CELLS_NR);
	CU_ASSERT_EQUAL(memcmp(in, out, (size_t)CELLS_NR * SPSC_CELL_MSG_LEN),
			0);
	CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 1), 0);
	cells_close();
}

static void reserved_but_not_committed_is_not_seen(void)
{
	struct spsc_cell *own;

	room_open(7);
	CU_ASSERT_EQUAL(spsc_cell_reserve(&tx, 3, &own), 3);
	for (uint64_t i = 0; i < 3; i++)
		words_fill(own[i].msg, i);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(spsc_cell_commit(&tx, 2), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	CU_ASSERT_EQUAL(pop_nr(2), 0);
	cells_close();
}

static void smallest_ring_works_and_its_ends_are_exact(void)
{
	cells_open(SPSC_CELL_STREAM, 2, 0ull - 50);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	for (uint64_t i = 0; i < 200; i += 2) {
		CU_ASSERT_EQUAL(push_nr(i), 1);
		CU_ASSERT_EQUAL(push_nr(i + 1), 1);
		CU_ASSERT_EQUAL(push_nr(i + 2), 0);
		CU_ASSERT_EQUAL(pop_nr(i), 1);
		CU_ASSERT_EQUAL(pop_nr(i + 1), 1);
		CU_ASSERT_EQUAL(pop_nr(i + 2), 0);
	}
	cells_close();
}

static void end_that_is_taken_by_a_living_peer_is_eexist(void)
{
	struct spsc_cell_tx tx2;
	struct spsc_cell_rx rx2;

	room_open(0);
	region_peer_set(&region, TX_ID, REGION_PEER_ALIVE);
	CU_ASSERT_EQUAL(
		spsc_cell_open_tx(&tx2, &region, NAME, &tx2_fake.peer, 0),
		-SHM_EEXIST);
	CU_ASSERT_EQUAL(
		spsc_cell_open_rx(&rx2, &region, NAME, &rx2_fake.peer, 0),
		-SHM_EEXIST);
	spsc_cell_close_tx(&tx);
	spsc_cell_close_rx(&rx);
	CU_ASSERT_EQUAL(
		spsc_cell_open_tx(&tx2, &region, NAME, &tx2_fake.peer, 0), 0);
	CU_ASSERT_EQUAL(
		spsc_cell_open_rx(&rx2, &region, NAME, &rx2_fake.peer, 0), 0);
	CU_ASSERT(!tx2.taken_over && !rx2.taken_over);
	cells_close();
}

/* However many were committed since tail_idx was last published, and however
 * far the next one was written: each committed one once. */
static void producer_that_died_leaves_exactly_what_it_committed(void)
{
	for (uint64_t sent = 0; sent <= CELLS_NR; sent++) {
		struct spsc_cell *own;
		uint64_t nr = 0;

		room_open(starts[sent % STARTS_NR]);
		while (nr < sent)
			CU_ASSERT_EQUAL_FATAL(push_nr(nr++), 1);
		if (spsc_cell_reserve(&tx, 1, &own) == 1)
			memset(own->msg, 0xee, 20); /* and dies */
		region_peer_set(&region, TX_ID, REGION_PEER_GONE);
		CU_ASSERT_EQUAL_FATAL(spsc_cell_open_tx(&tx, &region, NAME,
							&tx2_fake.peer, 0),
				      0);
		CU_ASSERT(tx.taken_over);
		if (sent < CELLS_NR)
			CU_ASSERT_EQUAL(push_nr(nr++), 1);
		for (uint64_t i = 0; i < nr; i++)
			CU_ASSERT_EQUAL(pop_nr(i), 1);
		CU_ASSERT_EQUAL(pop_nr(nr), 0);
		cells_close();
	}
}

/* Dying between the seq and tail_idx at every place of a batch. */
static void producer_that_died_within_a_batch_leaves_its_beginning(void)
{
	for (uint64_t whole = 0; whole < 16; whole++) {
		struct spsc_cell *own;

		room_open(0);
		CU_ASSERT_EQUAL(spsc_cell_reserve(&tx, 20, &own), 20);
		for (uint64_t i = 0; i < 20; i++)
			words_fill(own[i].msg, i);
		for (uint64_t i = 0; i < whole; i++)
			own[i].seq = i + 1;
		region_peer_set(&region, TX_ID, REGION_PEER_GONE);
		CU_ASSERT_EQUAL_FATAL(spsc_cell_open_tx(&tx, &region, NAME,
							&tx2_fake.peer, 0),
				      0);
		CU_ASSERT_EQUAL(tx.tail_idx, whole);
		CU_ASSERT_EQUAL(push_nr(whole), 1);
		for (uint64_t i = 0; i <= whole; i++)
			CU_ASSERT_EQUAL(pop_nr(i), 1);
		CU_ASSERT_EQUAL(pop_nr(whole), 0);
		cells_close();
	}
}

static void consumer_that_died_leaves_exactly_what_it_did_not_release(void)
{
	for (uint64_t read = 0; read <= CELLS_NR; read++) {
		const struct spsc_cell *seen;

		room_open(starts[read % STARTS_NR]);
		fill_ring();
		for (uint64_t i = 0; i < read; i++)
			CU_ASSERT_EQUAL_FATAL(pop_nr(i), 1);
		(void)spsc_cell_peek(&rx, 3, &seen); /* and dies */
		region_peer_set(&region, RX_ID, REGION_PEER_GONE);
		CU_ASSERT_EQUAL_FATAL(spsc_cell_open_rx(&rx, &region, NAME,
							&rx2_fake.peer, 0),
				      0);
		CU_ASSERT(rx.taken_over);
		for (uint64_t i = read; i < CELLS_NR; i++)
			CU_ASSERT_EQUAL(pop_nr(i), 1);
		CU_ASSERT_EQUAL(pop_nr(CELLS_NR), 0);
		CU_ASSERT_EQUAL(push_nr(CELLS_NR), 1);
		CU_ASSERT_EQUAL(pop_nr(CELLS_NR), 1);
		cells_close();
	}
}

static void end_that_was_taken_over_says_eowner(void)
{
	struct spsc_cell_tx tx2;
	struct spsc_cell_rx rx2;

	room_open(0);
	region_peer_set(&region, TX_ID, REGION_PEER_GONE);
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(
		spsc_cell_open_tx(&tx2, &region, NAME, &tx2_fake.peer, 0), 0);
	CU_ASSERT_EQUAL(
		spsc_cell_open_rx(&rx2, &region, NAME, &rx2_fake.peer, 0), 0);
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, MS_NS), -SHM_EOWNER);
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, MS_NS), -SHM_EOWNER);
	spsc_cell_close_tx(&tx);
	spsc_cell_close_rx(&rx);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, TX2_ID + 1);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, RX2_ID + 1);
	/* A lap later its cell shows what it cannot know. */
	tx = tx2;
	rx.look_idx = UINT64_MAX / 4;
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t words[SPSC_CELL_WORDS_NR];

		CU_ASSERT_EQUAL(push_nr(i), 1);
		CU_ASSERT_EQUAL(spsc_cell_pop(&rx2, words, 1), 1);
	}
	CU_ASSERT_EQUAL(pop_nr(0), -SHM_EOWNER);
	cells_close();
}

static void wait_for_a_dead_peer_ends_when_nothing_is_left(void)
{
	room_open(0);
	region_peer_set(&region, TX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	cells_close();
	room_open(0);
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, PEER_WAIT_FOREVER), 0);
	fill_ring();
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	cells_close();
}

static void push_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(ring->data_bell.armed, 0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.rung_id, RX_ID);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, RX_VECTOR);
	fake->raised = true;
}

static void pop_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(ring->space_bell.armed, 0);
	for (uint64_t i = 0; i < CELLS_NR / 8; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(rx_fake.rung_id, TX_ID);
	CU_ASSERT_EQUAL(rx_fake.rung_vector, TX_VECTOR);
	fake->raised = true;
}

static void sleepers_are_rung_once_and_the_awake_never(void)
{
	room_open(0);
	CU_ASSERT_EQUAL(push_nr(9), 1);
	CU_ASSERT_EQUAL(spsc_cell_flush(&tx), 0);
	CU_ASSERT_EQUAL(pop_nr(9), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr + rx_fake.notifies_nr, 0);
	rx_fake.asleep = push_while_asleep;
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 1);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);
	CU_ASSERT_EQUAL(spsc_cell_flush(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	cells_close();
	room_open(0);
	fill_ring();
	tx_fake.asleep = pop_while_asleep;
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	CU_ASSERT_EQUAL(push_nr(CELLS_NR), 1);
	cells_close();
}

static void waits_keep_their_time_spinning_or_sleeping(void)
{
	room_open(0);
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, 35 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4); /* 10 ms at a time */
	rx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4);
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, 0), -SHM_ETIMEDOUT);
	fill_ring();
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, 5 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	tx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	cells_close();
}

static void failing_doorbell_and_wait_are_eio(void)
{
	room_open(0);
	tx_fake.notify_err = -SHM_EIO;
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0), -SHM_EIO);
	CU_ASSERT_EQUAL(pop_nr(0), 1); /* there all the same */
	rx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(spsc_cell_wait_data(&rx, MS_NS), -SHM_EIO);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);
	cells_close();
}

static void retired_ring_is_gone_and_comes_back_empty(void)
{
	room_open(0);
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_cell_retire(&region, NAME, SPSC_CELL_CALL, RX2_ID),
			-SHM_EINVAL);
	CU_ASSERT_EQUAL(
		spsc_cell_retire(&region, NAME, SPSC_CELL_STREAM, RX2_ID),
		-SHM_EEXIST);
	/* The dead one's end is still seen as such. */
	fill_ring_but_one();
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	spsc_cell_close_tx(&tx);
	CU_ASSERT_EQUAL(
		spsc_cell_retire(&region, NAME, SPSC_CELL_STREAM, RX2_ID), 0);
	CU_ASSERT_EQUAL(tx_open(), -SHM_ENOENT);
	CU_ASSERT_EQUAL(spsc_cell_create(&region, NAME, CELLS_NR, TX_ID), 0);
	CU_ASSERT_EQUAL(tx_open(), 0);
	CU_ASSERT_EQUAL(rx_open(), 0);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(push_nr(5), 1);
	CU_ASSERT_EQUAL(pop_nr(5), 1);
	cells_close();
}

/* Gaps of so many misses with one message between, so often. */
static void play_gaps(uint32_t misses, int times, uint64_t *nr)
{
	while (times--) {
		for (uint32_t i = 0; i < misses; i++)
			CU_ASSERT_EQUAL(pop_nr(*nr), 0);
		CU_ASSERT_EQUAL(push_nr(*nr), 1);
		CU_ASSERT_EQUAL(pop_nr((*nr)++), 1);
	}
	CU_ASSERT_EQUAL(pop_nr(*nr), 0);
}

static void coalescing_needs_short_gaps_and_pays_or_stops(void)
{
	uint64_t nr = 0;

	room_open(0);
	/* A ping-pong: it waits longer than that. */
	play_gaps(SPSC_CELL_GAP_POLLS_MAX + 1, 20, &nr);
	CU_ASSERT(!rx.coalesced);
	play_gaps(2, 2, &nr);
	CU_ASSERT(!rx.coalesced);
	play_gaps(2, SPSC_CELL_GAPS_NR, &nr);
	/* Tried once; it gathered nothing, so not again soon. */
	CU_ASSERT(rx.coalesced || rx.short_gaps < 0);
	play_gaps(2, 20, &nr);
	CU_ASSERT(!rx.coalesced);
	CU_ASSERT(rx.short_gaps < 0);
	/* Where it gathers something it goes on. */
	rx.short_gaps = SPSC_CELL_GAPS_NR;
	for (int i = 0; i < 10; i++) {
		for (uint64_t j = 0; j < SPSC_CELL_GATHER_MIN; j++)
			CU_ASSERT_EQUAL(push_nr(nr + j), 1);
		for (uint64_t j = 0; j < SPSC_CELL_GATHER_MIN; j++)
			CU_ASSERT_EQUAL(pop_nr(nr++), 1);
		CU_ASSERT_EQUAL(pop_nr(nr), 0);
		CU_ASSERT(rx.coalesced);
	}
	cells_close();
}

static const struct unit_test tests[] = {
	{ "impossible_numbers_of_cells_are_einval",
	  impossible_numbers_of_cells_are_einval },
	{ "ring_of_calls_is_no_ring_of_messages",
	  ring_of_calls_is_no_ring_of_messages },
	{ "messages_arrive_in_order_from_any_count",
	  messages_arrive_in_order_from_any_count },
	{ "batches_end_at_the_rings_end_and_arrive_whole",
	  batches_end_at_the_rings_end_and_arrive_whole },
	{ "reserved_but_not_committed_is_not_seen",
	  reserved_but_not_committed_is_not_seen },
	{ "smallest_ring_works_and_its_ends_are_exact",
	  smallest_ring_works_and_its_ends_are_exact },
	{ "end_that_is_taken_by_a_living_peer_is_eexist",
	  end_that_is_taken_by_a_living_peer_is_eexist },
	{ "producer_that_died_leaves_exactly_what_it_committed",
	  producer_that_died_leaves_exactly_what_it_committed },
	{ "producer_that_died_within_a_batch_leaves_its_beginning",
	  producer_that_died_within_a_batch_leaves_its_beginning },
	{ "consumer_that_died_leaves_exactly_what_it_did_not_release",
	  consumer_that_died_leaves_exactly_what_it_did_not_release },
	{ "end_that_was_taken_over_says_eowner",
	  end_that_was_taken_over_says_eowner },
	{ "wait_for_a_dead_peer_ends_when_nothing_is_left",
	  wait_for_a_dead_peer_ends_when_nothing_is_left },
	{ "sleepers_are_rung_once_and_the_awake_never",
	  sleepers_are_rung_once_and_the_awake_never },
	{ "waits_keep_their_time_spinning_or_sleeping",
	  waits_keep_their_time_spinning_or_sleeping },
	{ "failing_doorbell_and_wait_are_eio",
	  failing_doorbell_and_wait_are_eio },
	{ "retired_ring_is_gone_and_comes_back_empty",
	  retired_ring_is_gone_and_comes_back_empty },
	{ "coalescing_needs_short_gaps_and_pays_or_stops",
	  coalescing_needs_short_gaps_and_pays_or_stops },
};

UNIT_MAIN("spsc_cell", tests)
