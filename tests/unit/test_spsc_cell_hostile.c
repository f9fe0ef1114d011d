/* SPDX-License-Identifier: MIT */
/* test_spsc_cell_hostile.c - what can one end of the cells do to the other?
 * Memory ends at both sides of the region, so an access outside it ends this
 * program. */
#include "tests/unit/spsc_cell_room.h"

static struct spsc_cell_tx tx;
static struct spsc_cell_rx rx;
static struct spsc_call_client client;
static struct spsc_call_server server;
static const uint64_t words[SPSC_CELL_WORDS_NR];

static void stream_open(uint64_t start_idx)
{
	cells_open(SPSC_CELL_STREAM, CELLS_NR, start_idx);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_rx(&rx, &region, NAME, &rx_fake.peer, 0), 0);
}

static void calls_open(uint64_t start_idx)
{
	cells_open(SPSC_CELL_CALL, CELLS_NR, start_idx);
	CU_ASSERT_EQUAL_FATAL(
		spsc_call_open_client(&client, &region, NAME, &tx_fake.peer, 0),
		0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_call_open_server(&server, &region, NAME, &rx_fake.peer, 0),
		0);
}

/* Seqs that are neither this lap's nor the last one's. */
static const uint64_t lies[] = { 2,
				 CELLS_NR,
				 CELLS_NR + 1,
				 0ull - 1,
				 0ull - CELLS_NR + 1,
				 0ull - CELLS_NR - 1,
				 0ull - 3ull * CELLS_NR,
				 1ull << 32,
				 1ull << 63 };
#define LIES_NR (sizeof(lies) / sizeof(*lies))

static void seq_of_no_lap_is_epeer_for_good(void)
{
	for (size_t i = 0; i < STARTS_NR * LIES_NR; i++) {
		uint64_t start_idx = starts[i % STARTS_NR];
		const struct spsc_cell *seen;
		uint64_t out[SPSC_CELL_WORDS_NR];

		stream_open(start_idx);
		ring_cells[start_idx % CELLS_NR].seq = start_idx + 1 +
						       lies[i / STARTS_NR];
		for (int again = 0; again < 2; again++) {
			CU_ASSERT_EQUAL(spsc_cell_peek(&rx, 1, &seen),
					-SHM_EPEER);
			CU_ASSERT_PTR_NULL(seen);
			CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 1), -SHM_EPEER);
			CU_ASSERT_EQUAL(
				spsc_cell_wait_data(&rx, PEER_WAIT_FOREVER),
				-SHM_EPEER);
			/* Honest again: too late. */
			ring_cells[start_idx % CELLS_NR].seq = start_idx + 1;
		}
		spsc_cell_release(&rx, 1);
		CU_ASSERT_EQUAL(spsc_cell_peek(&rx, 1, &seen), -SHM_EPEER);
		spsc_cell_close_rx(&rx);
		cells_close();
	}
}

static void lie_behind_good_messages_is_found_when_its_turn_comes(void)
{
	uint64_t out[4 * SPSC_CELL_WORDS_NR];

	stream_open(0);
	CU_ASSERT_EQUAL(spsc_cell_push(&tx, words, 1), 1);
	ring_cells[1].seq = 77;
	CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 4), 1);
	CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 4), -SHM_EPEER);
	cells_close();
}

static void hint_that_lies_changes_nothing(void)
{
	for (size_t i = 0; i < LIES_NR; i++) {
		uint64_t out[SPSC_CELL_WORDS_NR];

		stream_open(0);
		for (uint64_t nr = 0; nr < 100; nr++) {
			ring->tail_idx = nr + lies[i];
			CU_ASSERT_EQUAL(spsc_cell_push(&tx, words, 1), 1);
			ring->tail_idx = nr + lies[i];
			CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 1), 1);
		}
		CU_ASSERT_EQUAL(spsc_cell_pop(&rx, out, 1), 0);
		cells_close();
	}
}

static void fill_ring(void)
{
	for (uint64_t i = 0; i < CELLS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(spsc_cell_push(&tx, words, 1), 1);
}

static void credit_nobody_can_give_is_epeer_for_good(void)
{
	static const uint64_t bad[] = {
		CELLS_NR + 1, CELLS_NR * 2ull, 1u << 30,
		1ull << 32,   1ull << 63,      0ull - 1
	};

	for (size_t i = 0; i < STARTS_NR * sizeof(bad) / sizeof(*bad); i++) {
		uint64_t start_idx = starts[i % STARTS_NR];
		struct spsc_cell *own;

		stream_open(start_idx);
		fill_ring();
		ring->head_idx = start_idx + bad[i / STARTS_NR];
		for (int again = 0; again < 2; again++) {
			CU_ASSERT_EQUAL(spsc_cell_reserve(&tx, 1, &own),
					-SHM_EPEER);
			CU_ASSERT_PTR_NULL(own);
			CU_ASSERT_EQUAL(spsc_cell_push(&tx, words, 1),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(
				spsc_cell_wait_space(&tx, PEER_WAIT_FOREVER),
				-SHM_EPEER);
			ring->head_idx = start_idx + CELLS_NR;
		}
		CU_ASSERT_EQUAL(spsc_cell_commit(&tx, 1), 0);
		CU_ASSERT_EQUAL(spsc_cell_reserve(&tx, 1, &own), -SHM_EPEER);
		cells_close();
	}
}

static void credit_taken_back_is_epeer(void)
{
	stream_open(0);
	fill_ring();
	ring->head_idx = 8;
	CU_ASSERT_EQUAL(spsc_cell_push(&tx, words, 1), 1);
	ring->head_idx = 7;
	CU_ASSERT_EQUAL(spsc_cell_wait_space(&tx, 0), -SHM_EPEER);
	cells_close();
}

/* Every word of the shared header and cells, after open: named errors only. */
static void memory_scribbled_after_open_moves_nobody_outside(void)
{
	static const uint8_t fills[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	for (size_t i = 0; i < sizeof(fills); i++) {
		uint64_t out[4 * SPSC_CELL_WORDS_NR];

		stream_open(0ull - 5);
		tx.spin_ns = WAIT_SPIN_NEVER;
		rx.spin_ns = WAIT_SPIN_NEVER;
		for (int round = 0; round < 100; round++) {
			if (round % 3 == 0)
				memset(ring, fills[i], REGION_LEN - 1024);
			(void)spsc_cell_push(&tx, words, 1);
			(void)spsc_cell_pop(&rx, out, 4);
			(void)spsc_cell_wait_space(&tx, 1);
			(void)spsc_cell_wait_data(&rx, 1);
		}
		spsc_cell_close_tx(&tx);
		spsc_cell_close_rx(&rx);
		cells_close();
	}
}

static void header_that_was_scribbled_is_a_named_error(void)
{
	static const struct {
		size_t off;
		uint32_t value;
		int err;
	} bad[] = {
		{ offsetof(struct spsc_cell_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct spsc_cell_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct spsc_cell_mem, mode), 0, -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, mode), 3, -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, mode), SPSC_CELL_CALL,
		  -SHM_EINVAL },
		{ offsetof(struct spsc_cell_mem, cells_nr), 0, -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, cells_nr), 1, -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, cells_nr), CELLS_NR + 1,
		  -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, cells_nr), CELLS_NR * 2,
		  -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, cells_nr), UINT32_MAX,
		  -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, data_off), 0, -SHM_EPEER },
		{ offsetof(struct spsc_cell_mem, data_off) + 4, 1, -SHM_EPEER },
	};

	cells_open(SPSC_CELL_STREAM, CELLS_NR, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint32_t *word = (void *)((uint8_t *)ring + bad[i].off);
		uint32_t good = *word;

		*word = bad[i].value;
		CU_ASSERT_EQUAL(
			spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0),
			bad[i].err);
		CU_ASSERT_EQUAL(
			spsc_cell_open_rx(&rx, &region, NAME, &rx_fake.peer, 0),
			bad[i].err);
		*word = good;
	}
	for (uint32_t slot = 0; slot < region.channels_nr; slot++)
		region.channels[slot].len = 64;
	CU_ASSERT_EQUAL(spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0),
			-SHM_EPEER);
	cells_close();
}

static void open_beside_impossible_words_is_epeer_and_leaves_it_free(void)
{
	cells_open(SPSC_CELL_STREAM, CELLS_NR, 0);
	ring->head_idx = 1;
	CU_ASSERT_EQUAL(spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0),
			-SHM_EPEER);
	CU_ASSERT_EQUAL(spsc_cell_open_rx(&rx, &region, NAME, &rx_fake.peer, 0),
			-SHM_EPEER);
	ring->head_idx = 0;
	ring_cells[0].seq = 5;
	CU_ASSERT_EQUAL(spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0),
			-SHM_EPEER);
	/* More published than tail_idx may lag behind. */
	for (uint64_t i = 0; i < CELLS_NR; i++)
		ring_cells[i].seq = i + 1;
	CU_ASSERT_EQUAL(spsc_cell_open_tx(&tx, &region, NAME, &tx_fake.peer, 0),
			-SHM_EPEER);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
	cells_close();
}

static void reply_nobody_can_give_is_epeer_for_good(void)
{
	for (size_t i = 0; i < STARTS_NR * LIES_NR; i++) {
		uint64_t idx = starts[i % STARTS_NR];
		uint64_t out[SPSC_CELL_WORDS_NR];

		if (lies[i / STARTS_NR] == 0ull - 1)
			continue; /* that is the request itself */
		calls_open(idx);
		CU_ASSERT_EQUAL(spsc_call_send(&client, words), 1);
		ring_cells[idx % CELLS_NR].seq = SPSC_CALL_REPLY(idx) +
						 lies[i / STARTS_NR];
		for (int again = 0; again < 2; again++) {
			CU_ASSERT_EQUAL(spsc_call_take(&client, out),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(spsc_call_wait_reply(&client, MS_NS),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(spsc_call_send(&client, words),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(spsc_call(&client, words, out, MS_NS),
					-SHM_EPEER);
			ring_cells[idx % CELLS_NR].seq = SPSC_CALL_REPLY(idx);
		}
		cells_close();
	}
}

static void request_nobody_can_send_is_epeer_for_good(void)
{
	for (size_t i = 0; i < STARTS_NR * LIES_NR; i++) {
		uint64_t idx = starts[i % STARTS_NR];
		uint64_t out[SPSC_CELL_WORDS_NR];

		calls_open(idx);
		ring_cells[idx % CELLS_NR].seq = SPSC_CALL_REQUEST(idx) +
						 lies[i / STARTS_NR];
		for (int again = 0; again < 2; again++) {
			CU_ASSERT_EQUAL(spsc_call_next(&server, out),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(spsc_call_answer(&server, words),
					-SHM_EPEER);
			CU_ASSERT_EQUAL(spsc_call_wait_request(&server, MS_NS),
					-SHM_EPEER);
			ring_cells[idx % CELLS_NR].seq = SPSC_CALL_REQUEST(idx);
		}
		cells_close();
	}
}

static void call_end_beside_impossible_words_is_epeer_and_stays_free(void)
{
	cells_open(SPSC_CELL_CALL, CELLS_NR, 0);
	ring_cells[0].seq = 1234567;
	CU_ASSERT_EQUAL(
		spsc_call_open_client(&client, &region, NAME, &tx_fake.peer, 0),
		-SHM_EPEER);
	CU_ASSERT_EQUAL(
		spsc_call_open_server(&server, &region, NAME, &rx_fake.peer, 0),
		-SHM_EPEER);
	CU_ASSERT_EQUAL((uint32_t)ring->producer, 0);
	CU_ASSERT_EQUAL((uint32_t)ring->consumer, 0);
	cells_close();
}

static const struct unit_test tests[] = {
	{ "seq_of_no_lap_is_epeer_for_good", seq_of_no_lap_is_epeer_for_good },
	{ "lie_behind_good_messages_is_found_when_its_turn_comes",
	  lie_behind_good_messages_is_found_when_its_turn_comes },
	{ "hint_that_lies_changes_nothing", hint_that_lies_changes_nothing },
	{ "credit_nobody_can_give_is_epeer_for_good",
	  credit_nobody_can_give_is_epeer_for_good },
	{ "credit_taken_back_is_epeer", credit_taken_back_is_epeer },
	{ "memory_scribbled_after_open_moves_nobody_outside",
	  memory_scribbled_after_open_moves_nobody_outside },
	{ "header_that_was_scribbled_is_a_named_error",
	  header_that_was_scribbled_is_a_named_error },
	{ "open_beside_impossible_words_is_epeer_and_leaves_it_free",
	  open_beside_impossible_words_is_epeer_and_leaves_it_free },
	{ "reply_nobody_can_give_is_epeer_for_good",
	  reply_nobody_can_give_is_epeer_for_good },
	{ "request_nobody_can_send_is_epeer_for_good",
	  request_nobody_can_send_is_epeer_for_good },
	{ "call_end_beside_impossible_words_is_epeer_and_stays_free",
	  call_end_beside_impossible_words_is_epeer_and_stays_free },
};

UNIT_MAIN("spsc_cell_hostile", tests)
