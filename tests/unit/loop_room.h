/* SPDX-License-Identifier: MIT */
/* loop_room.h - what the tests of core/loop.h share: a loop and callbacks. */
#ifndef TESTS_UNIT_LOOP_ROOM_H
#define TESTS_UNIT_LOOP_ROOM_H

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "shm/link/deadline.h"
#include "tests/unit/harness.h"
#include "vmm/core/loop.h"

#define MS_NS 1000000ull
#define MANY  200 /* more than the rings of the loop have entries */

static struct loop *loop;
static struct loop_watch *watches[2];
static int counted, count_to;
static unsigned int last_revents;

static inline void loop_open(void)
{
	CU_ASSERT_EQUAL_FATAL(loop_create(&loop), 0);
	watches[0] = NULL;
	watches[1] = NULL;
	counted = 0;
	count_to = 0;
	last_revents = 0;
}

static inline void loop_close(void)
{
	loop_destroy(loop);
	loop = NULL;
}

static inline void count_and_stop(void *arg)
{
	(void)arg;
	if (++counted == count_to)
		loop_stop(loop, 0);
}

/* Runs the loop for some milliseconds: for what must not happen. */
struct pause {
	struct loop_watch *watch;
	void (*fn)(void);
};

static inline void pause_over(void *arg)
{
	struct pause *p = arg;

	loop_watch_del(loop, &p->watch);
	p->fn();
}

static inline void stop_with_7(void)
{
	loop_stop(loop, 7);
}

/* Call fn from the loop, soon. */
static inline void later(void (*fn)(void))
{
	static struct pause p;

	p.fn = fn;
	CU_ASSERT_EQUAL_FATAL(
		loop_watch_timer(loop, 20 * MS_NS, pause_over, &p, &p.watch),
		0);
}

static inline void run_for_a_while(void)
{
	later(stop_with_7);
	CU_ASSERT_EQUAL(loop_run(loop), 7);
}

static inline void count_events(void *arg, unsigned int revents)
{
	(void)arg;
	counted++;
	last_revents = revents;
}

static inline void take_and_count(void *arg, unsigned int revents)
{
	eventfd_t value;

	last_revents = revents;
	/* A second event may come for what one read has taken. */
	if (eventfd_read(*(const int *)arg, &value) == 0 &&
	    ++counted == count_to)
		loop_stop(loop, 0);
}

static inline void take_and_stop(void *arg, unsigned int revents)
{
	int before = counted;

	take_and_count(arg, revents);
	if (counted > before)
		loop_stop(loop, 0);
}

static inline void delete_first(void *arg, unsigned int revents)
{
	count_events(arg, revents);
	loop_watch_del(loop, &watches[0]);
	CU_ASSERT_PTR_NULL(watches[0]);
}

static inline void delete_second(void *arg)
{
	(void)arg;
	counted++;
	loop_watch_del(loop, &watches[1]);
	CU_ASSERT_PTR_NULL(watches[1]);
}

static inline void delete_second_fd(void *arg, unsigned int revents)
{
	last_revents = revents;
	delete_second(arg);
}

static inline void delete_both(void *arg, unsigned int revents)
{
	count_events(arg, revents);
	loop_watch_del(loop, &watches[1]);
	loop_watch_del(loop, &watches[0]);
}

static inline void watch_again(void *arg, unsigned int revents)
{
	const int *efd = arg;

	count_events(arg, revents);
	if (counted == 100) {
		loop_stop(loop, 0);
		return;
	}
	loop_watch_del(loop, &watches[0]);
	CU_ASSERT_EQUAL(loop_watch_fd(loop, *efd, POLLIN, watch_again, arg,
				      &watches[0]),
			0);
}

#endif
