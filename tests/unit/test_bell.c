/* SPDX-License-Identifier: MIT */
/* test_bell.c - is a sleeper rung once, and nobody who is awake? */
#include "shm/bell.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/harness.h"

static struct bell bell;
static struct bell_waiter waiter;
static struct bell_ringer ringer;
static struct fake_peer peer_fake;

static void open_bell(void)
{
	bell = (struct bell){ .armed = 0 };
	waiter = (struct bell_waiter){ .bell = &bell };
	ringer = (struct bell_ringer){ .bell = &bell };
	fake_peer_init(&peer_fake, 1, NULL, 0);
	bell_set_target(&waiter, 9, 3);
}

static int ring(void)
{
	return bell_ring(&ringer, &peer_fake.peer);
}

static void ring_of_one_awake_does_nothing(void)
{
	open_bell();
	CU_ASSERT_FALSE(bell_is_armed(&ringer));
	CU_ASSERT_EQUAL(ring(), 0);
	bell_arm(&waiter);
	bell_disarm(&waiter);
	CU_ASSERT_FALSE(bell_is_armed(&ringer));
	CU_ASSERT_EQUAL(ring(), 0);
	CU_ASSERT_EQUAL(peer_fake.notifies_nr, 0);
}

static void armed_bell_rings_once_per_arming(void)
{
	open_bell();
	for (uint32_t i = 1; i <= 3; i++) {
		bell_arm(&waiter);
		CU_ASSERT_TRUE(bell_is_armed(&ringer));
		CU_ASSERT_EQUAL(ring(), 1);
		CU_ASSERT_FALSE(bell_is_armed(&ringer));
		CU_ASSERT_EQUAL(ring(), 0);
		CU_ASSERT_EQUAL(ring(), 0);
		CU_ASSERT_EQUAL(peer_fake.notifies_nr, i);
		bell_disarm(&waiter);
		CU_ASSERT_EQUAL(ring(), 0);
	}
	CU_ASSERT_EQUAL(peer_fake.peer.doorbells_nr, 3);
}

static void armed_again_without_disarming_rings_again(void)
{
	open_bell();
	bell_arm(&waiter);
	CU_ASSERT_EQUAL(ring(), 1);
	bell_arm(&waiter);
	CU_ASSERT_EQUAL(ring(), 1);
	CU_ASSERT_EQUAL(peer_fake.notifies_nr, 2);
}

static void target_rung_is_the_one_written(void)
{
	static const struct {
		uint32_t id, vector;
	} targets[] = { { 0, 0 },
			{ 9, 3 },
			{ PEER_ID_MAX, 0xffff },
			{ 0, 0xffff },
			{ PEER_ID_MAX, 0 } };

	open_bell();
	for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
		bell_set_target(&waiter, targets[i].id, targets[i].vector);
		CU_ASSERT_EQUAL(bell.doorbell,
				targets[i].id << 16 | targets[i].vector);
		bell_arm(&waiter);
		CU_ASSERT_EQUAL(ring(), 1);
		CU_ASSERT_EQUAL(peer_fake.rung_id, targets[i].id);
		CU_ASSERT_EQUAL(peer_fake.rung_vector, targets[i].vector);
	}
}

static void vector_that_is_too_large_leaves_the_id_alone(void)
{
	open_bell();
	bell_set_target(&waiter, 9, 0x10003);
	CU_ASSERT_EQUAL(bell.doorbell, 9u << 16 | 3);
}

static void ticket_wraps_without_meaning_awake(void)
{
	open_bell();
	waiter.ticket = UINT32_MAX - 2;
	for (int i = 0; i < 6; i++) {
		bell_arm(&waiter);
		CU_ASSERT_NOT_EQUAL(bell.armed, 0);
		CU_ASSERT_EQUAL(ring(), 1);
		CU_ASSERT_EQUAL(ring(), 0);
	}
}

static void doorbell_that_fails_is_reported_once_for_this_arming(void)
{
	open_bell();
	peer_fake.notify_err = -SHM_EIO;
	bell_arm(&waiter);
	CU_ASSERT_EQUAL(ring(), -SHM_EIO);
	CU_ASSERT_EQUAL(ring(), 0);
	CU_ASSERT_EQUAL(peer_fake.notifies_nr, 1);
}

static void ringer_that_comes_anew_rings_the_sleeper(void)
{
	open_bell();
	bell_arm(&waiter);
	CU_ASSERT_EQUAL(ring(), 1);
	ringer = (struct bell_ringer){ .bell = &bell };
	CU_ASSERT_EQUAL(ring(), 1);
}

static void waiter_writes_nothing_but_its_two_words(void)
{
	open_bell();
	bell_arm(&waiter);
	for (size_t i = 0; i < sizeof(bell.reserved); i++)
		CU_ASSERT_EQUAL(bell.reserved[i], 0);
}

static const struct unit_test tests[] = {
	{ "ring_of_one_awake_does_nothing", ring_of_one_awake_does_nothing },
	{ "armed_bell_rings_once_per_arming",
	  armed_bell_rings_once_per_arming },
	{ "armed_again_without_disarming_rings_again",
	  armed_again_without_disarming_rings_again },
	{ "target_rung_is_the_one_written", target_rung_is_the_one_written },
	{ "vector_that_is_too_large_leaves_the_id_alone",
	  vector_that_is_too_large_leaves_the_id_alone },
	{ "ticket_wraps_without_meaning_awake",
	  ticket_wraps_without_meaning_awake },
	{ "doorbell_that_fails_is_reported_once_for_this_arming",
	  doorbell_that_fails_is_reported_once_for_this_arming },
	{ "ringer_that_comes_anew_rings_the_sleeper",
	  ringer_that_comes_anew_rings_the_sleeper },
	{ "waiter_writes_nothing_but_its_two_words",
	  waiter_writes_nothing_but_its_two_words },
};

UNIT_MAIN("bell", tests)
