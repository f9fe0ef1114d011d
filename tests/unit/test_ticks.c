/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* test_ticks.c - does a clock tick from its start to its end? */
#include "vmm/abi/ticks.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "tests/unit/harness.h"

struct rig {
	struct ticks *ticks;
	sem_t ticked;
	atomic_int nr;
};

static void tick(void *arg)
{
	struct rig *rig = arg;

	atomic_fetch_add(&rig->nr, 1);
	sem_post(&rig->ticked);
}

static void rig_init(struct rig *rig)
{
	*rig = (struct rig){ .ticks = NULL };
	sem_init(&rig->ticked, 0, 0);
	CU_ASSERT_EQUAL_FATAL(ticks_create(&rig->ticks, 1000000, tick, rig), 0);
}

static void clock_that_was_started_ticks_again_and_again(void)
{
	struct rig rig;

	rig_init(&rig);
	ticks_start(rig.ticks);
	ticks_start(rig.ticks);
	for (int i = 0; i < 5; i++)
		sem_wait(&rig.ticked);
	ticks_destroy(rig.ticks);
	CU_ASSERT_TRUE(rig.nr >= 5);
	sem_destroy(&rig.ticked);
}

static void clock_that_was_not_started_never_ticks(void)
{
	struct rig rig;

	rig_init(&rig);
	ticks_destroy(rig.ticks);
	ticks_destroy(NULL);
	CU_ASSERT_EQUAL(rig.nr, 0);
	sem_destroy(&rig.ticked);
}

static void far_tick_does_not_hold_the_end_up(void)
{
	struct ticks *ticks = NULL;

	CU_ASSERT_EQUAL_FATAL(
		ticks_create(&ticks, 1000000000000000ull, tick, NULL), 0);
	ticks_start(ticks);
	ticks_destroy(ticks);
}

static const struct unit_test tests[] = {
	{ "clock_that_was_started_ticks_again_and_again",
	  clock_that_was_started_ticks_again_and_again },
	{ "clock_that_was_not_started_never_ticks",
	  clock_that_was_not_started_never_ticks },
	{ "far_tick_does_not_hold_the_end_up",
	  far_tick_does_not_hold_the_end_up },
};

UNIT_MAIN("ticks", tests)
