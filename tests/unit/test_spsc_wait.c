/* SPDX-License-Identifier: MIT */
/* test_spsc_wait.c - who spins, who sleeps, who is rung, and for how long? */
#include "tests/unit/spsc_room.h"

#define MS_NS 1000000ull

static void fill_ring(void)
{
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(push_nr(i), 1);
	CU_ASSERT_EQUAL_FATAL(push_nr(0), 0);
}

static void nobody_awake_is_rung(void)
{
	room_open_both(0);
	fill_ring();
	CU_ASSERT_EQUAL(spsc_flush(&tx), 0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	CU_ASSERT_EQUAL(pop_nr(SLOTS_NR), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 0);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 0);
	room_close();
}

static void sleeping_consumer_is_rung_once_at_its_vector(void)
{
	room_open_both(0);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(tx_fake.rung_id, RX_ID);
	CU_ASSERT_EQUAL(tx_fake.rung_vector, RX_VECTOR);
	CU_ASSERT_EQUAL(push_nr(1), 1);
	CU_ASSERT_EQUAL(spsc_flush(&tx), 0);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(2), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 2);
	room_close();
}

static void sleeping_producer_is_rung_when_credit_comes(void)
{
	room_open_both(0);
	fill_ring();
	bell_arm(&tx.space_bell);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 0);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(rx_fake.rung_id, TX_ID);
	CU_ASSERT_EQUAL(rx_fake.rung_vector, TX_VECTOR);
	CU_ASSERT_EQUAL(pop_nr(2), 1);
	CU_ASSERT_EQUAL(pop_nr(3), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	room_close();
}

static void closing_rings_the_sleeper_at_the_other_end(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	bell_arm(&rx.data_bell);
	spsc_close_tx(&tx);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	bell_arm(&tx.space_bell);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	spsc_close_rx(&rx);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	room_close();
}

static void doorbell_that_fails_is_eio_of_the_producer(void)
{
	room_open_both(0);
	tx_fake.notify_err = -SHM_EIO;
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0), -SHM_EIO);
	/* The message is there all the same. */
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_flush(&tx), -SHM_EIO);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, MS_NS), -SHM_EIO);
	room_close();
}

static void wait_for_what_is_there_returns_at_once(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 0), 0);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, 0), 0);
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr + tx_fake.waits_nr, 0);
	room_close();
}

static void wait_of_no_time_times_out_without_sleeping(void)
{
	static const uint64_t spins[] = { 0, WAIT_SPIN_DEFAULT_NS,
					  WAIT_SPIN_FOREVER };

	room_open_both(0);
	fill_ring();
	for (int i = 0; i < 3; i++) {
		tx.spin_ns = spins[i];
		CU_ASSERT_EQUAL(spsc_wait_space(&tx, 0), -SHM_ETIMEDOUT);
	}
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(pop_nr(i), 1);
	for (int i = 0; i < 3; i++) {
		rx.spin_ns = spins[i];
		CU_ASSERT_EQUAL(spsc_wait_data(&rx, 0), -SHM_ETIMEDOUT);
	}
	CU_ASSERT_EQUAL(rx_fake.waits_nr + tx_fake.waits_nr, 0);
	room_close();
}

static void wait_without_spinning_sleeps_until_its_time_is_over(void)
{
	uint64_t before_ns;

	room_open_both(0);
	before_ns = rx_fake.clock_ns;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 35 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT(rx_fake.clock_ns - before_ns >= 35 * MS_NS);
	CU_ASSERT(rx_fake.clock_ns - before_ns < 36 * MS_NS);
	/* 10 ms at a time; awake again at the end. */
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 4);
	CU_ASSERT_EQUAL(rx_fake.wait_vector, RX_VECTOR);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);

	fill_ring();
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, 5 * MS_NS), -SHM_ETIMEDOUT);
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
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 0);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);
	fill_ring();
	tx.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 0);
	room_close();
}

static void wait_spins_first_and_sleeps_then(void)
{
	room_open_both(0);
	rx.spin_ns = MS_NS;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 2 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 1);
	CU_ASSERT(rx_fake.wait_ns <= MS_NS);
	room_close();
}

static void push_while_asleep(struct fake_peer *fake)
{
	/* Armed before it sleeps, so this push rings. */
	CU_ASSERT_NOT_EQUAL(ring->data_bell.armed, 0);
	if (fake->waits_nr < 3)
		return;
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	fake->raised = true;
}

static void data_that_comes_while_asleep_ends_the_wait(void)
{
	room_open_both(0);
	rx_fake.asleep = push_while_asleep;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 3);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	room_close();
}

static void pop_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_NOT_EQUAL(ring->space_bell.armed, 0);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	CU_ASSERT_EQUAL(pop_nr(1), 1);
	CU_ASSERT_EQUAL(rx_fake.notifies_nr, 1);
	fake->raised = true;
}

static void room_that_comes_while_asleep_ends_the_wait(void)
{
	room_open_both(0);
	fill_ring();
	tx_fake.asleep = pop_while_asleep;
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(tx_fake.waits_nr, 1);
	CU_ASSERT_EQUAL(push_nr(SLOTS_NR), 1);
	room_close();
}

static void raise_without_data(struct fake_peer *fake)
{
	fake->raised = fake->waits_nr < 50;
}

static void doorbells_without_data_are_slept_through(void)
{
	room_open_both(0);
	rx_fake.asleep = raise_without_data;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(rx_fake.waits_nr, 50);
	room_close();
}

static void wait_that_fails_is_eio_and_leaves_the_bell_disarmed(void)
{
	room_open_both(0);
	rx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, MS_NS), -SHM_EIO);
	CU_ASSERT_EQUAL(ring->data_bell.armed, 0);
	fill_ring();
	tx_fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, MS_NS), -SHM_EIO);
	CU_ASSERT_EQUAL(ring->space_bell.armed, 0);
	room_close();
}

static void wait_for_room_rings_the_consumer_first(void)
{
	room_open_both(0);
	fill_ring();
	/* It fell asleep between our last commit and now. */
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(spsc_wait_space(&tx, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	room_close();
}

static void new_consumer_is_rung_though_the_last_one_was(void)
{
	room_open_both(0);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(0), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 1);
	bell_disarm(&rx.data_bell);
	spsc_close_rx(&rx);
	CU_ASSERT_EQUAL(rx_open(), 0);
	bell_arm(&rx.data_bell);
	CU_ASSERT_EQUAL(push_nr(1), 1);
	CU_ASSERT_EQUAL(tx_fake.notifies_nr, 2);
	room_close();
}

static void waits_are_counted_by_who_sleeps(void)
{
	room_open_both(0);
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 5 * MS_NS), -SHM_ETIMEDOUT);
	/* peer.h leaves it to wait(), which alone knows; the fake does not. */
	CU_ASSERT_EQUAL(rx_fake.peer.sleeps_nr, 0);
	room_close();
}

static void push_silently(struct fake_peer *fake)
{
	(void)fake;
	CU_ASSERT_EQUAL(push_nr(0), 1);
}

static void sleeper_whom_nobody_rang_counts_what_it_missed(void)
{
	room_open_both(0);
	/* The doorbell gets lost: bell_ring() says nothing, the fake raises
	 * nothing. */
	rx_fake.asleep = push_silently;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.peer.late_nr, 1);
	CU_ASSERT_EQUAL(pop_nr(0), 1);
	/* One that was rung, or that waited for nothing, missed nothing. */
	rx_fake.asleep = NULL;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, 25 * MS_NS), -SHM_ETIMEDOUT);
	rx_fake.asleep = push_silently;
	rx_fake.raised = true;
	CU_ASSERT_EQUAL(spsc_wait_data(&rx, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(rx_fake.peer.late_nr, 1);
	room_close();
}

static const struct unit_test tests[] = {
	{ "sleeper_whom_nobody_rang_counts_what_it_missed",
	  sleeper_whom_nobody_rang_counts_what_it_missed },
	{ "nobody_awake_is_rung", nobody_awake_is_rung },
	{ "sleeping_consumer_is_rung_once_at_its_vector",
	  sleeping_consumer_is_rung_once_at_its_vector },
	{ "sleeping_producer_is_rung_when_credit_comes",
	  sleeping_producer_is_rung_when_credit_comes },
	{ "closing_rings_the_sleeper_at_the_other_end",
	  closing_rings_the_sleeper_at_the_other_end },
	{ "doorbell_that_fails_is_eio_of_the_producer",
	  doorbell_that_fails_is_eio_of_the_producer },
	{ "wait_for_what_is_there_returns_at_once",
	  wait_for_what_is_there_returns_at_once },
	{ "wait_of_no_time_times_out_without_sleeping",
	  wait_of_no_time_times_out_without_sleeping },
	{ "wait_without_spinning_sleeps_until_its_time_is_over",
	  wait_without_spinning_sleeps_until_its_time_is_over },
	{ "wait_that_spins_for_ever_never_sleeps",
	  wait_that_spins_for_ever_never_sleeps },
	{ "wait_spins_first_and_sleeps_then",
	  wait_spins_first_and_sleeps_then },
	{ "data_that_comes_while_asleep_ends_the_wait",
	  data_that_comes_while_asleep_ends_the_wait },
	{ "room_that_comes_while_asleep_ends_the_wait",
	  room_that_comes_while_asleep_ends_the_wait },
	{ "doorbells_without_data_are_slept_through",
	  doorbells_without_data_are_slept_through },
	{ "wait_that_fails_is_eio_and_leaves_the_bell_disarmed",
	  wait_that_fails_is_eio_and_leaves_the_bell_disarmed },
	{ "wait_for_room_rings_the_consumer_first",
	  wait_for_room_rings_the_consumer_first },
	{ "new_consumer_is_rung_though_the_last_one_was",
	  new_consumer_is_rung_though_the_last_one_was },
	{ "waits_are_counted_by_who_sleeps", waits_are_counted_by_who_sleeps },
};

UNIT_MAIN("spsc_wait", tests)
