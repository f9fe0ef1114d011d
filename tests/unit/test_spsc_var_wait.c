/* SPDX-License-Identifier: MIT */
/* test_spsc_var_wait.c - who spins, who sleeps, who is rung, and for how long?
 */
#include "tests/unit/spsc_var_room.h"

#define MS_NS 1000000ull

/* Four messages of the longest kind: 64 bytes are left. */
static void fill_ring(void)
{
	for (uint64_t nr = 0; nr < 4; nr++)
		CU_ASSERT_EQUAL_FATAL(push_nr(nr, 1000), 1);
	CU_ASSERT_EQUAL_FATAL(push_nr(4, 1000), 0);
}

static void nobody_awake_is_rung(void)
{
	room_open_both(0);
	fill_ring();
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	for (uint64_t nr = 0; nr < 4; nr++)
		CU_ASSERT_EQUAL(pop_nr(nr), 1000);
	CU_ASSERT_EQUAL(pop_nr(4), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr + rx_fake.notifies_nr, 0);
	room_close();
}

static void sleeping_consumer_is_rung_once_at_its_vector(void)
{
	room_open_both(0);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0, 10), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.rung_id, RX_ID);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, RX_VECTOR);
	CU_ASSERT_EQUAL(push_nr(1, 10), 1);
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 2);
	room_close();
}

static void quiet_messages_wake_nobody_before_they_are_published(void)
{
	void *room;

	room_open_both(0);
	bell_arm(&rx.data_bell);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 8, &room), 1);
		CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 8), 0);
	}
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 0);
	CU_ASSERT_EQUAL(spsc_var_publish(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	room_close();
}

static void sleeping_producer_is_rung_when_credit_comes(void)
{
	room_open_both(0);
	for (uint64_t nr = 0; nr < RING_LEN / 256; nr++)
		CU_ASSERT_EQUAL(push_nr(nr, 248), 1);
	bell_arm(&tx.space_bell);
	CU_ASSERT_EQUAL(pop_nr(0), 248);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 0);
	CU_ASSERT_EQUAL(pop_nr(1), 248);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(rx_fake.rung_id, TX_ID);
	CU_ASSERT_EQUAL(rx_fake.rung_vector, TX_VECTOR);
	room_close();
}

static void closing_rings_the_sleeper_at_the_other_end(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0, 10), 1);
	bell_arm(&rx.data_bell);
	spsc_var_close_tx(&tx);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	bell_arm(&tx.space_bell);
	CU_ASSERT_EQUAL(pop_nr(0), 10);
	spsc_var_close_rx(&rx);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	room_close();
}

static void doorbell_that_fails_is_eio_and_the_message_is_out(void)
{
	struct spsc_var_msg msg = { text, 10 };
	void *room;

	room_open_both(0);
	tx_fake.notify_err = -SHM_EIO;
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0, 10), -SHM_EIO);
	bell_arm(&rx.data_bell);
	fill(text, 1, 10);
	CU_ASSERT_EQUAL(spsc_var_push_n(&tx, &msg, 1), -SHM_EIO);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 1000, &room), 1);
	fill(room, 2, 1000);
	CU_ASSERT_EQUAL(spsc_var_commit_quiet(&tx, 1000), 0);
	CU_ASSERT_EQUAL(spsc_var_flush(&tx), -SHM_EIO);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 1, MS_NS), -SHM_EIO);
	CU_ASSERT_EQUAL(pop_nr(0), 10);
	CU_ASSERT_EQUAL(pop_nr(1), 10);
	CU_ASSERT_EQUAL(pop_nr(2), 1000);
	room_close();
}

static void wait_for_what_is_there_returns_at_once(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0, 10), 1);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, MSG_MAX, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 1, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr + tx_fake.waits_nr, 0);
	room_close();
}

static void wait_for_space_knows_how_much(void)
{
	room_open_both(0);
	fill_ring();
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 56, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 57, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(pop_nr(0), 1000);
	CU_ASSERT_EQUAL(pop_nr(1), 1000);
	/* The pad is 64 bytes. */
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, MSG_MAX, 0), 0);
	CU_ASSERT_EQUAL(push_nr(4, MSG_MAX), 1);
	room_close();
}

static void wait_for_space_leaves_nothing_reserved(void)
{
	void *room;

	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 100, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(spsc_var_reserve(&tx, 100, &room), 1);
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 100, 0), 0);
	CU_ASSERT_EQUAL(spsc_var_commit(&tx, 1), -SHM_EINVAL);
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	room_close();
}

static void wait_for_data_looks_behind_what_is_peeked(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0, 10), 1);
	CU_ASSERT_EQUAL(peek_nr(0), 10);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(push_nr(1, 10), 1);
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 0), 0);
	CU_ASSERT_EQUAL(peek_nr(1), 10);
	room_close();
}

static void wait_without_spinning_sleeps_until_its_time_is_over(void)
{
	uint64_t before_ns;

	room_open_both(0);
	before_ns = rx_fake.clock_ns;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, 35 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT(rx_fake.clock_ns - before_ns >= 35 * MS_NS);
	CU_ASSERT(rx_fake.clock_ns - before_ns < 36 * MS_NS);
	/* 10 ms at a time; awake again at the end. */
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4);
	CU_ASSERT_EQUAL(rx_fake.wait_vector, RX_VECTOR);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);

	fill_ring();
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 500, 5 * MS_NS),
			-SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.wait_vector, TX_VECTOR);
	CU_ASSERT(tx_fake.wait_ns <= 5 * MS_NS);
	CU_ASSERT_EQUAL(ring->space_bell.armed, 0);
	room_close();
}

static void wait_that_spins_for_ever_never_sleeps(void)
{
	room_open_both(0);
	rx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	fill_ring();
	tx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 500, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr + tx_fake.waits_nr, 0);
	room_close();
}

/* The producer works while the consumer sleeps, and rings. */
static void send_and_ring(struct fake_peer *fake)
{
	CU_ASSERT_EQUAL(push_nr(0, 100), 1);
	fake->raised = tx_fake.notifies_nr == 1;
}

static void sleeping_consumer_wakes_for_a_message(void)
{
	room_open_both(0);
	rx_fake.asleep = send_and_ring;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 1);
	CU_ASSERT_EQUAL(pop_nr(0), 100);
	room_close();
}

static void pop_and_ring(struct fake_peer *fake)
{
	CU_ASSERT_EQUAL(pop_nr(fake->waits_nr - 1), 1000);
	fake->raised = rx_fake.notifies_nr != 0;
}

static void sleeping_producer_wakes_for_enough_room(void)
{
	room_open_both(0);
	fill_ring();
	tx_fake.asleep = pop_and_ring;
	/* Where it wraps, 64 bytes of pad come first. */
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 1020, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 2);
	CU_ASSERT_EQUAL(push_nr(9, 1020), 1);
	room_close();
}

static void lost_doorbell_costs_a_backstop_only(void)
{
	room_open_both(0);
	rx_fake.asleep = send_and_ring;
	tx_fake.notifies_nr = 7; /* so that it is not raised */
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.wait_ns, 10 * MS_NS);
	room_close();
}

/* One message, found at the look that follows so many in vain. */
static void gain_after(int looks)
{
	for (int i = 0; i < looks; i++)
		CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(push_nr(0, 8), 1);
	CU_ASSERT_EQUAL(pop_nr(0), 8);
}

static void consumer_that_runs_into_its_producer_stands_back(void)
{
	room_open_both(0);
	for (uint32_t i = 1; i <= 6; i++) {
		gain_after(0);
		CU_ASSERT_EQUAL(rx.chase.row_nr,
				i < CHASE_ROW_NR ? i : CHASE_ROW_NR);
	}
	/* A moment that gained nothing ends it. */
	CU_ASSERT_EQUAL(pop_nr(0), 0);
	CU_ASSERT_EQUAL(rx.chase.row_nr, 0);
	room_close();
}

static void consumer_that_waits_for_answers_never_stands_back(void)
{
	room_open_both(0);
	for (int i = 0; i < 10; i++) {
		gain_after(9);
		CU_ASSERT_EQUAL(rx.chase.row_nr, 0);
	}
	/* Nor does one that finds plenty. */
	for (int i = 0; i < 10; i++) {
		for (int nr = 0; nr < 3; nr++)
			CU_ASSERT_EQUAL(push_nr(0, 1000), 1);
		for (int nr = 0; nr < 3; nr++)
			CU_ASSERT_EQUAL(pop_nr(0), 1000);
		CU_ASSERT_EQUAL(rx.chase.row_nr, 0);
	}
	room_close();
}

static void wait_that_fails_is_eio(void)
{
	room_open_both(0);
	rx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(spsc_var_wait_data(&rx, PEER_WAIT_FOREVER), -SHM_EIO);
	fill_ring();
	tx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(spsc_var_wait_space(&tx, 500, PEER_WAIT_FOREVER),
			-SHM_EIO);
	room_close();
}

static const struct unit_test tests[] = {
	{ "nobody_awake_is_rung", nobody_awake_is_rung },
	{ "sleeping_consumer_is_rung_once_at_its_vector",
	  sleeping_consumer_is_rung_once_at_its_vector },
	{ "quiet_messages_wake_nobody_before_they_are_published",
	  quiet_messages_wake_nobody_before_they_are_published },
	{ "sleeping_producer_is_rung_when_credit_comes",
	  sleeping_producer_is_rung_when_credit_comes },
	{ "closing_rings_the_sleeper_at_the_other_end",
	  closing_rings_the_sleeper_at_the_other_end },
	{ "doorbell_that_fails_is_eio_and_the_message_is_out",
	  doorbell_that_fails_is_eio_and_the_message_is_out },
	{ "wait_for_what_is_there_returns_at_once",
	  wait_for_what_is_there_returns_at_once },
	{ "wait_for_space_knows_how_much", wait_for_space_knows_how_much },
	{ "wait_for_space_leaves_nothing_reserved",
	  wait_for_space_leaves_nothing_reserved },
	{ "wait_for_data_looks_behind_what_is_peeked",
	  wait_for_data_looks_behind_what_is_peeked },
	{ "wait_without_spinning_sleeps_until_its_time_is_over",
	  wait_without_spinning_sleeps_until_its_time_is_over },
	{ "wait_that_spins_for_ever_never_sleeps",
	  wait_that_spins_for_ever_never_sleeps },
	{ "sleeping_consumer_wakes_for_a_message",
	  sleeping_consumer_wakes_for_a_message },
	{ "sleeping_producer_wakes_for_enough_room",
	  sleeping_producer_wakes_for_enough_room },
	{ "lost_doorbell_costs_a_backstop_only",
	  lost_doorbell_costs_a_backstop_only },
	{ "consumer_that_runs_into_its_producer_stands_back",
	  consumer_that_runs_into_its_producer_stands_back },
	{ "consumer_that_waits_for_answers_never_stands_back",
	  consumer_that_waits_for_answers_never_stands_back },
	{ "wait_that_fails_is_eio", wait_that_fails_is_eio },
};

UNIT_MAIN("spsc_var_wait", tests)
