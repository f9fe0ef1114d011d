/* SPDX-License-Identifier: MIT */
/* test_gate.c - who waits at the gate, and what ends it? */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/core/gate.h"

static _Atomic uint32_t gate;
static _Atomic uint32_t passed;

static void *pass_third(void *arg)
{
	(void)arg;
	gate_pass(&gate, 2);
	atomic_fetch_add(&passed, 1);
	return NULL;
}

static void begin(void)
{
	gate = 0;
	passed = 0;
}

static void open_gate_lets_everybody_pass(void)
{
	begin();
	gate_pass(&gate, 0);
	gate_hold(&gate, 1u << 1);
	gate_pass(&gate, 0);
	gate_pass(&gate, GATE_CPUS_MAX - 1);
	CU_ASSERT_EQUAL(gate, 2);
	gate_open(&gate, 1u << 1);
	gate_pass(&gate, 1);
	CU_ASSERT_EQUAL(gate, 0);
}

static void held_one_waits_until_it_is_opened(void)
{
	pthread_t thread;

	begin();
	gate_hold(&gate, 5);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, pass_third, NULL),
			      0);
	/* Somebody else's news do not end it. */
	gate_open(&gate, 1);
	gate_hold(&gate, 2);
	usleep(20000);
	CU_ASSERT_EQUAL(passed, 0);
	gate_open(&gate, 4);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(passed, 1);
	CU_ASSERT_EQUAL(gate, 2);
}

static void broken_gate_holds_nobody_any_more(void)
{
	pthread_t thread;

	begin();
	gate_hold(&gate, 4);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, pass_third, NULL),
			      0);
	gate_break(&gate);
	pthread_join(thread, NULL);
	/* The holder does not know, and cannot mend it. */
	gate_hold(&gate, UINT32_MAX);
	gate_pass(&gate, 2);
	gate_open(&gate, UINT32_MAX);
	gate_hold(&gate, 4);
	gate_pass(&gate, 2);
}

static const struct unit_test tests[] = {
	{ "open_gate_lets_everybody_pass", open_gate_lets_everybody_pass },
	{ "held_one_waits_until_it_is_opened",
	  held_one_waits_until_it_is_opened },
	{ "broken_gate_holds_nobody_any_more",
	  broken_gate_holds_nobody_any_more },
};
UNIT_MAIN("gate", tests)
