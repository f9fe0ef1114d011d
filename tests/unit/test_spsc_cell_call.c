/* SPDX-License-Identifier: MIT */
/* test_spsc_cell_call.c - is each request answered once, in its own cell,
 * whoever sleeps, dies or takes over? */
#include "tests/unit/spsc_cell_room.h"

static struct spsc_call_client client;
static struct spsc_call_server server;

static void room_open(uint64_t start_idx)
{
	cells_open(SPSC_CELL_CALL, CELLS_NR, start_idx);
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_client(&client, &region, NAME,
						    &tx_fake.peer, TX_VECTOR),
			      0);
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_server(&server, &region, NAME,
						    &rx_fake.peer, RX_VECTOR),
			      0);
	client.spin_ns = WAIT_SPIN_NEVER;
	server.spin_ns = WAIT_SPIN_NEVER;
}

static int send_nr(uint64_t nr)
{
	uint64_t words[SPSC_CELL_WORDS_NR];

	words_fill(words, nr);
	return spsc_call_send(&client, words);
}

/* Answer request nr with the words of nr + 1000; -1: another one came. */
static int answer_nr(uint64_t nr)
{
	uint64_t words[SPSC_CELL_WORDS_NR];
	int got = spsc_call_next(&server, words);

	if (got != 1)
		return got;
	if (!words_right(words, nr))
		return -1;
	words_fill(words, nr + 1000);
	return spsc_call_answer(&server, words);
}

/* 1: the reply to request nr came; 0: none; -1: another one; or the error. */
static int take_nr(uint64_t nr)
{
	uint64_t words[SPSC_CELL_WORDS_NR] = { 0 };
	int got = spsc_call_take(&client, words);

	return got == 1 && !words_right(words, nr + 1000) ? -1 : got;
}

static void calls_are_answered_in_order_from_any_count(void)
{
	for (size_t s = 0; s < STARTS_NR; s++) {
		uint64_t sent = 0, done = 0, taken = 0;

		room_open(starts[s]);
		CU_ASSERT_EQUAL(answer_nr(0), 0);
		CU_ASSERT_EQUAL(take_nr(0), 0);
		for (int lap = 0; lap < 3; lap++) {
			while (sent - taken < CELLS_NR)
				CU_ASSERT_EQUAL_FATAL(send_nr(sent++), 1);
			CU_ASSERT_EQUAL(send_nr(sent), 0);
			CU_ASSERT_EQUAL(take_nr(taken), 0);
			while (done < sent - 3)
				CU_ASSERT_EQUAL_FATAL(answer_nr(done++), 1);
			while (taken < done)
				CU_ASSERT_EQUAL_FATAL(take_nr(taken++), 1);
			CU_ASSERT_EQUAL(take_nr(taken), 0);
			CU_ASSERT_EQUAL(spsc_call_outstanding(&client), 3);
		}
		CU_ASSERT_EQUAL(ring->taken_idx, starts[s] + taken);
		CU_ASSERT_EQUAL(ring->done_idx, starts[s] + done);
		cells_close();
	}
}

static void reply_stands_in_the_cell_of_its_request(void)
{
	const struct spsc_cell *reply;
	struct spsc_cell *request, *seen;

	room_open(9);
	CU_ASSERT_EQUAL(spsc_call_reserve(&client, &request), 1);
	CU_ASSERT_PTR_EQUAL(request, ring_cells + 9);
	if (!request)
		return;
	request->msg[0] = 41;
	CU_ASSERT_EQUAL(spsc_call_peek(&server, &seen), 0);
	CU_ASSERT_PTR_NULL(seen);
	CU_ASSERT_EQUAL(spsc_call_commit(&client), 0);
	CU_ASSERT_EQUAL(spsc_call_peek(&server, &seen), 1);
	CU_ASSERT_PTR_EQUAL(seen, request);
	if (!seen)
		return;
	seen->msg[0]++;
	CU_ASSERT_EQUAL(spsc_call_peek_reply(&client, &reply), 0);
	CU_ASSERT_EQUAL(spsc_call_reply(&server), 0);
	CU_ASSERT_EQUAL(spsc_call_peek_reply(&client, &reply), 1);
	CU_ASSERT_PTR_EQUAL(reply, request);
	CU_ASSERT_EQUAL(reply->msg[0], 42);
	spsc_call_release(&client);
	CU_ASSERT_EQUAL(spsc_call_peek_reply(&client, &reply), 0);
	cells_close();
}

static void answer_without_a_request_is_nothing(void)
{
	room_open(0);
	CU_ASSERT_EQUAL(spsc_call_answer(&server, ring_cells), 0);
	CU_ASSERT_EQUAL(ring->done_idx, 0);
	CU_ASSERT_EQUAL(spsc_call_wait_reply(&client, MS_NS), -SHM_EINVAL);
	cells_close();
}

static void ring_of_messages_is_no_ring_of_calls(void)
{
	cells_open(SPSC_CELL_STREAM, CELLS_NR, 0);
	CU_ASSERT_EQUAL(
		spsc_call_open_client(&client, &region, NAME, &tx_fake.peer, 0),
		-SHM_EINVAL);
	CU_ASSERT_EQUAL(
		spsc_call_open_server(&server, &region, NAME, &rx_fake.peer, 0),
		-SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_call_create(&region, NAME, 2, 0), -SHM_EEXIST);
	CU_ASSERT_EQUAL(spsc_call_create(&region, "bad", 3, 0), -SHM_EINVAL);
	cells_close();
}

static void client_that_died_leaves_its_calls_to_the_next(void)
{
	for (uint64_t sent = 0; sent <= CELLS_NR; sent++) {
		uint64_t done = sent * 2 / 3, taken = sent / 3, i;
		struct spsc_call_client old;

		room_open(starts[sent % STARTS_NR]);
		for (i = 0; i < sent; i++)
			CU_ASSERT_EQUAL_FATAL(send_nr(i), 1);
		for (i = 0; i < done; i++)
			CU_ASSERT_EQUAL_FATAL(answer_nr(i), 1);
		for (i = 0; i < taken; i++)
			CU_ASSERT_EQUAL_FATAL(take_nr(i), 1);
		old = client;
		region_peer_set(&region, TX_ID, REGION_PEER_GONE);
		CU_ASSERT_EQUAL_FATAL(spsc_call_open_client(&client, &region,
							    NAME,
							    &tx2_fake.peer, 0),
				      0);
		CU_ASSERT(client.taken_over);
		CU_ASSERT_EQUAL(spsc_call_outstanding(&client), sent - taken);
		if (sent > taken)
			CU_ASSERT_EQUAL(spsc_call_wait_reply(&old, MS_NS),
					-SHM_EOWNER);
		for (i = done; i < sent; i++)
			CU_ASSERT_EQUAL(answer_nr(i), 1);
		for (i = taken; i < sent; i++)
			CU_ASSERT_EQUAL(take_nr(i), 1);
		CU_ASSERT_EQUAL(send_nr(sent), 1);
		CU_ASSERT_EQUAL(answer_nr(sent), 1);
		CU_ASSERT_EQUAL(take_nr(sent), 1);
		cells_close();
	}
}

/* late: it died between the reply and saying how far it was. reused: the
 * client had sent a lap more by then. */
static void server_died(bool late, bool reused)
{
	struct spsc_call_server old;
	uint64_t done = 0, taken = 0, sent = 0;

	room_open(0ull - 2);
	while (sent < 5)
		CU_ASSERT_EQUAL(send_nr(sent++), 1);
	while (done < 3)
		CU_ASSERT_EQUAL(answer_nr(done++), 1);
	if (late)
		ring->done_idx--;
	while (reused && taken < 3)
		CU_ASSERT_EQUAL(take_nr(taken++), 1);
	while (reused && sent - taken < CELLS_NR)
		CU_ASSERT_EQUAL(send_nr(sent++), 1);
	old = server;
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(spsc_call_open_server(&server, &region, NAME,
					      &rx2_fake.peer, 0),
			0);
	CU_ASSERT(server.taken_over);
	CU_ASSERT_EQUAL(spsc_call_wait_request(&old, MS_NS), -SHM_EOWNER);
	while (done < sent)
		CU_ASSERT_EQUAL(answer_nr(done++), 1);
	CU_ASSERT_EQUAL(answer_nr(done), 0);
	while (taken < sent)
		CU_ASSERT_EQUAL(take_nr(taken++), 1);
	cells_close();
}

static void server_that_died_leaves_what_it_did_not_answer(void)
{
	server_died(false, false);
	server_died(true, false);
	server_died(false, true);
	server_died(true, true);
}

static void wait_for_a_dead_peer_is_egone_unless_it_answered(void)
{
	room_open(0);
	CU_ASSERT_EQUAL(send_nr(0), 1);
	CU_ASSERT_EQUAL(send_nr(1), 1);
	CU_ASSERT_EQUAL(answer_nr(0), 1);
	region_peer_set(&region, RX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(spsc_call_wait_reply(&client, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(take_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_call_wait_reply(&client, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	region_peer_set(&region, TX_ID, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(spsc_call_wait_request(&server, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(answer_nr(1), 1);
	CU_ASSERT_EQUAL(spsc_call_wait_request(&server, PEER_WAIT_FOREVER),
			-SHM_EGONE);
	cells_close();
}

static void answer_while_asleep(struct fake_peer *fake)
{
	uint64_t words[SPSC_CELL_WORDS_NR] = { 0 };

	CU_ASSERT_NOT_EQUAL(ring->space_bell.armed, 0);
	CU_ASSERT_EQUAL(spsc_call_next(&server, words), 1);
	words[0] += 5;
	CU_ASSERT_EQUAL(spsc_call_answer(&server, words), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(rx_fake.rung_id, TX_ID);
	CU_ASSERT_EQUAL(rx_fake.rung_vector, TX_VECTOR);
	fake->raised = true;
}

static void send_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(ring->data_bell.armed, 0);
	CU_ASSERT_EQUAL(send_nr(7), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.rung_id, RX_ID);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, RX_VECTOR);
	fake->raised = true;
}

static void sleepers_are_rung_by_request_and_reply(void)
{
	uint64_t words[SPSC_CELL_WORDS_NR] = { 1, 2, 3, 4, 5, 6, 7 };
	uint64_t reply[SPSC_CELL_WORDS_NR] = { 0 };

	room_open(0);
	tx_fake.asleep = answer_while_asleep;
	CU_ASSERT_EQUAL(spsc_call(&client, words, reply, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(reply[0], 6);
	CU_ASSERT_EQUAL(reply[6], 7);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	rx_fake.asleep = send_while_asleep;
	CU_ASSERT_EQUAL(spsc_call_wait_request(&server, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 1);
	/* One is outstanding, and its reply is not for another call. */
	CU_ASSERT_EQUAL(spsc_call(&client, words, reply, MS_NS), -SHM_EINVAL);
	cells_close();
}

static void call_that_nobody_answers_times_out(void)
{
	uint64_t words[SPSC_CELL_WORDS_NR] = { 0 };

	room_open(0);
	CU_ASSERT_EQUAL(spsc_call(&client, words, words, 35 * MS_NS),
			-SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 4);
	CU_ASSERT_EQUAL(spsc_call_outstanding(&client), 1);
	client.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_call_wait_reply(&client, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 4);
	CU_ASSERT_EQUAL(answer_nr(0), -1); /* request of zeros, not of nr 0 */
	server.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_call_answer(&server, words), 1);
	CU_ASSERT_EQUAL(spsc_call_wait_request(&server, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 0);
	cells_close();
}

static const struct unit_test tests[] = {
	{ "calls_are_answered_in_order_from_any_count",
	  calls_are_answered_in_order_from_any_count },
	{ "reply_stands_in_the_cell_of_its_request",
	  reply_stands_in_the_cell_of_its_request },
	{ "answer_without_a_request_is_nothing",
	  answer_without_a_request_is_nothing },
	{ "ring_of_messages_is_no_ring_of_calls",
	  ring_of_messages_is_no_ring_of_calls },
	{ "client_that_died_leaves_its_calls_to_the_next",
	  client_that_died_leaves_its_calls_to_the_next },
	{ "server_that_died_leaves_what_it_did_not_answer",
	  server_that_died_leaves_what_it_did_not_answer },
	{ "wait_for_a_dead_peer_is_egone_unless_it_answered",
	  wait_for_a_dead_peer_is_egone_unless_it_answered },
	{ "sleepers_are_rung_by_request_and_reply",
	  sleepers_are_rung_by_request_and_reply },
	{ "call_that_nobody_answers_times_out",
	  call_that_nobody_answers_times_out },
};

UNIT_MAIN("spsc_cell_call", tests)
