/* SPDX-License-Identifier: MIT */
/* test_mpmc_wait.c - of many that sleep, who is rung, and for how long does
 * one wait? */
#include "tests/unit/mpmc_room.h"

static void fill_ring(void)
{
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL_FATAL(push(0, i), 1);
}

/* As if end n's peer slept in its wait. */
static void sleep_rx(uint32_t n)
{
	ring->rx_asleep |= 1ull << n;
	bell_arm(&rx[n].end.bell);
}

static void sleep_tx(uint32_t n)
{
	ring->tx_asleep |= 1ull << n;
	bell_arm(&tx[n].end.bell);
}

static void nobody_awake_is_rung(void)
{
	room_open(2, 0);
	fill_ring();
	CU_ASSERT_EQUAL(mpmc_flush_tx(&tx[0]), 0);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(pop(0, i), 1);
	CU_ASSERT_EQUAL(mpmc_flush_rx(&rx[0]), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 0);
	room_close();
}

static void one_message_rings_one_of_many_sleepers_another_each_time(void)
{
	room_open(3, 0);
	for (uint32_t n = 0; n < 3; n++)
		sleep_rx(n);
	for (uint32_t n = 0; n < 3; n++) {
		CU_ASSERT_EQUAL(push(0, n), 1);
		CU_ASSERT_EQUAL(mpmc_flush_tx(&tx[0]), 0);
		CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, n + 1);
		CU_ASSERT_EQUAL(fakes[0].fake.rung_id, PEER_ID(n));
		CU_ASSERT_EQUAL(fakes[0].fake.rung_vector, RX_VECTOR(n));
	}
	/* All were rung, and once. */
	CU_ASSERT_EQUAL(push(1, 3), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr + fakes[1].fake.notifies_nr,
			3);
	sleep_rx(0);
	CU_ASSERT_EQUAL(push(0, 4), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 4);
	CU_ASSERT_EQUAL(fakes[0].fake.rung_id, PEER_ID(0));
	room_close();
}

static void batch_rings_as_many_as_it_has_messages(void)
{
	const uint64_t words[2] = { 1, 2 };

	room_open(3, 0);
	for (uint32_t n = 0; n < 3; n++)
		sleep_rx(n);
	CU_ASSERT_EQUAL(mpmc_push(&tx[0], words, 2), 2);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 2);
	room_close();
}

static void cell_given_back_rings_a_sleeping_producer(void)
{
	room_open(3, 0);
	fill_ring();
	sleep_tx(1);
	sleep_tx(2);
	CU_ASSERT_EQUAL(pop(0, 0), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(fakes[0].fake.rung_id, PEER_ID(1));
	CU_ASSERT_EQUAL(fakes[0].fake.rung_vector, TX_VECTOR(1));
	room_close();
}

static void two_ringers_ring_one_sleep_once(void)
{
	room_open(2, 0);
	sleep_rx(0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(push(1, 2), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(fakes[1].fake.notifies_nr, 0);
	room_close();
}

/* It armed after the producer's unfenced look: the flush finds it. */
static void flush_rings_who_fell_asleep_at_that_moment(void)
{
	room_open(2, 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	sleep_rx(1);
	CU_ASSERT_EQUAL(mpmc_flush_tx(&tx[0]), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(mpmc_flush_tx(&tx[0]), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	room_close();
}

static void dead_sleeper_does_not_eat_the_doorbell(void)
{
	room_open(3, 0);
	sleep_rx(0);
	sleep_rx(2);
	die(0);
	CU_ASSERT_EQUAL(push(1, 1), 1);
	CU_ASSERT_EQUAL(fakes[1].fake.notifies_nr, 1);
	CU_ASSERT_EQUAL(fakes[1].fake.rung_id, PEER_ID(2));
	/* Its successor is awake. */
	CU_ASSERT_EQUAL(rx_open(4), 0);
	CU_ASSERT_EQUAL(rx[4].end.seat_nr, 0);
	CU_ASSERT_EQUAL(ring->rx_asleep, 4);
	room_close();
}

static void doorbell_that_fails_is_eio_and_the_message_is_in(void)
{
	room_open(1, 0);
	fakes[0].fake.notify_err = -SHM_EIO;
	sleep_rx(0);
	CU_ASSERT_EQUAL(push(0, 1), -SHM_EIO);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	room_close();
}

static void wait_for_what_is_there_returns_at_once(void)
{
	room_open(1, 0);
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 0), 0);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], 0), 0);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 0);
	room_close();
}

static void wait_of_no_time_times_out_without_sleeping(void)
{
	static const uint64_t spins[] = { WAIT_SPIN_NEVER, WAIT_SPIN_DEFAULT_NS,
					  WAIT_SPIN_FOREVER };

	room_open(1, 0);
	for (int i = 0; i < 3; i++) {
		rx[0].end.spin_ns = spins[i];
		CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 0), -SHM_ETIMEDOUT);
	}
	fill_ring();
	for (int i = 0; i < 3; i++) {
		tx[0].end.spin_ns = spins[i];
		CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], 0), -SHM_ETIMEDOUT);
	}
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 0);
	CU_ASSERT_EQUAL(ring->rx_asleep | ring->tx_asleep, 0);
	room_close();
}

static void wait_without_spinning_sleeps_until_its_time_is_over(void)
{
	uint64_t before_ns;

	room_open(1, 0);
	before_ns = fakes[0].fake.clock_ns;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 35 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT(fakes[0].fake.clock_ns - before_ns >= 35 * MS_NS);
	CU_ASSERT(fakes[0].fake.clock_ns - before_ns < 36 * MS_NS);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 4);
	CU_ASSERT_EQUAL(fakes[0].fake.wait_vector, RX_VECTOR(0));
	CU_ASSERT_EQUAL(ring->rx_asleep, 0);
	CU_ASSERT_EQUAL(rx[0].end.seat->bell.armed, 0);
	fill_ring();
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], 5 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 5);
	CU_ASSERT_EQUAL(fakes[0].fake.wait_vector, TX_VECTOR(0));
	CU_ASSERT_EQUAL(ring->tx_asleep, 0);
	room_close();
}

static void wait_that_spins_announces_nothing_before_it_sleeps(void)
{
	room_open(1, 0);
	rx[0].end.spin_ns = WAIT_SPIN_FOREVER;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 0);
	rx[0].end.spin_ns = MS_NS;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 2 * MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 1);
	CU_ASSERT(fakes[0].fake.wait_ns <= MS_NS);
	room_close();
}

static void push_while_asleep(struct fake_peer *fake)
{
	CU_ASSERT_EQUAL(ring->rx_asleep, 1);
	CU_ASSERT_NOT_EQUAL(rx[0].end.seat->bell.armed, 0);
	if (fake->waits_nr < 3)
		return;
	CU_ASSERT_EQUAL(push(1, 7), 1);
	CU_ASSERT_EQUAL(fakes[1].fake.rung_id, PEER_ID(0));
	fake->raised = true;
}

static void data_that_comes_while_asleep_ends_the_wait(void)
{
	room_open(2, 0);
	fakes[0].fake.asleep = push_while_asleep;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 3);
	CU_ASSERT_EQUAL(ring->rx_asleep, 0);
	CU_ASSERT_EQUAL(pop(0, 7), 1);
	room_close();
}

static void wait_rings_those_of_the_other_role_first(void)
{
	room_open(2, 0);
	fill_ring();
	sleep_rx(1);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 1);
	room_close();
}

static void die_while_asleep(struct fake_peer *fake)
{
	if (fake->waits_nr == 2)
		die(1);
	CU_ASSERT(fake->waits_nr < 5);
}

static void sleeper_passes_over_a_producer_that_dies_meanwhile(void)
{
	room_open(3, 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx[1], 1), 1);
	CU_ASSERT_EQUAL(push(2, 2), 1);
	fakes[0].fake.asleep = die_while_asleep;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(fakes[0].fake.waits_nr, 2);
	CU_ASSERT_EQUAL(pop(0, 2), 1);
	CU_ASSERT_EQUAL(lost.nr, 1);
	room_close();
}

static void wait_for_the_dead_ends_with_egone(void)
{
	room_open(2, 0);
	/* A living one may yet send something. */
	die(0);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[1], MS_NS), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(push(1, 1), 1);
	mpmc_close_tx(&tx[1]);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[1], MS_NS), 0);
	CU_ASSERT_EQUAL(pop(1, 1), 1);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[1], PEER_WAIT_FOREVER), -SHM_EGONE);
	/* A successor gives hope. */
	CU_ASSERT_EQUAL(tx_open(2), 0);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[1], MS_NS), -SHM_ETIMEDOUT);
	mpmc_close_rx(&rx[1]);
	for (uint64_t i = 0; i < SLOTS_NR; i++)
		CU_ASSERT_EQUAL(push(2, i), 1);
	CU_ASSERT_EQUAL(mpmc_wait_space(&tx[2], PEER_WAIT_FOREVER), -SHM_EGONE);
	room_close();
}

static void ring_that_was_never_joined_by_others_is_waited_at(void)
{
	room_open_as(8, SLOTS_NR, 2, 0);
	CU_ASSERT_EQUAL(rx_open(0), 0);
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], 25 * MS_NS), -SHM_ETIMEDOUT);
	room_close();
}

static void wait_that_fails_is_eio_and_leaves_nothing_armed(void)
{
	room_open(1, 0);
	fakes[0].fake.wait_err = -SHM_EIO;
	CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], MS_NS), -SHM_EIO);
	CU_ASSERT_EQUAL(ring->rx_asleep, 0);
	CU_ASSERT_EQUAL(rx[0].end.seat->bell.armed, 0);
	room_close();
}

static const struct unit_test tests[] = {
	{ "nobody_awake_is_rung", nobody_awake_is_rung },
	{ "one_message_rings_one_of_many_sleepers_another_each_time",
	  one_message_rings_one_of_many_sleepers_another_each_time },
	{ "batch_rings_as_many_as_it_has_messages",
	  batch_rings_as_many_as_it_has_messages },
	{ "cell_given_back_rings_a_sleeping_producer",
	  cell_given_back_rings_a_sleeping_producer },
	{ "two_ringers_ring_one_sleep_once", two_ringers_ring_one_sleep_once },
	{ "flush_rings_who_fell_asleep_at_that_moment",
	  flush_rings_who_fell_asleep_at_that_moment },
	{ "dead_sleeper_does_not_eat_the_doorbell",
	  dead_sleeper_does_not_eat_the_doorbell },
	{ "doorbell_that_fails_is_eio_and_the_message_is_in",
	  doorbell_that_fails_is_eio_and_the_message_is_in },
	{ "wait_for_what_is_there_returns_at_once",
	  wait_for_what_is_there_returns_at_once },
	{ "wait_of_no_time_times_out_without_sleeping",
	  wait_of_no_time_times_out_without_sleeping },
	{ "wait_without_spinning_sleeps_until_its_time_is_over",
	  wait_without_spinning_sleeps_until_its_time_is_over },
	{ "wait_that_spins_announces_nothing_before_it_sleeps",
	  wait_that_spins_announces_nothing_before_it_sleeps },
	{ "data_that_comes_while_asleep_ends_the_wait",
	  data_that_comes_while_asleep_ends_the_wait },
	{ "wait_rings_those_of_the_other_role_first",
	  wait_rings_those_of_the_other_role_first },
	{ "sleeper_passes_over_a_producer_that_dies_meanwhile",
	  sleeper_passes_over_a_producer_that_dies_meanwhile },
	{ "wait_for_the_dead_ends_with_egone",
	  wait_for_the_dead_ends_with_egone },
	{ "ring_that_was_never_joined_by_others_is_waited_at",
	  ring_that_was_never_joined_by_others_is_waited_at },
	{ "wait_that_fails_is_eio_and_leaves_nothing_armed",
	  wait_that_fails_is_eio_and_leaves_nothing_armed },
};

UNIT_MAIN("mpmc_wait", tests)
