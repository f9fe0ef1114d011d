/* SPDX-License-Identifier: MIT */
/* test_peers.c - is nobody called dead who may still be writing? */
#include "vmm/lab/peers.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 4096ull
#define TICK_NS	   20000000ull

static uint8_t *mem;
static struct region region;
static struct loop *loop;
static struct peers *peers;
static struct server *no_server; /* nobody to ring */

static void room_open(void)
{
	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(loop_create(&loop), 0);
	CU_ASSERT_EQUAL_FATAL(peers_create(&peers, loop, &region, &no_server),
			      0);
}

static void room_close(void)
{
	peers_destroy(peers);
	loop_destroy(loop);
	guarded_unmap(mem, REGION_LEN);
}

static void stop(void *arg)
{
	loop_stop(arg, 0);
}

/* Let the loop handle what there is. */
static void turn(void)
{
	struct loop_watch *timer;

	CU_ASSERT_EQUAL_FATAL(
		loop_watch_timer(loop, TICK_NS, stop, loop, &timer), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	loop_watch_del(loop, &timer);
}

static void a_living_process_is_never_gone(void)
{
	room_open();
	peers_joined(peers, 3, getpid());
	CU_ASSERT_EQUAL(region_peer(&region, 3), REGION_PEER_ALIVE);
	peers_left(peers, 3); /* dropped, but it lives */
	turn();
	CU_ASSERT_EQUAL(region_peer(&region, 3), REGION_PEER_ALIVE);
	room_close();
}

static void a_dead_process_is_gone_whatever_ended_first(void)
{
	for (int left_first = 0; left_first < 2; left_first++) {
		pid_t pid;

		room_open();
		pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		CU_ASSERT_FATAL(pid > 0);
		peers_joined(peers, 4, pid);
		if (left_first) {
			peers_left(peers, 4);
			turn();
			CU_ASSERT_EQUAL(region_peer(&region, 4),
					REGION_PEER_ALIVE);
		}
		CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
		CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
		if (!left_first) {
			turn();
			/* The server has not noticed yet. */
			CU_ASSERT_EQUAL(region_peer(&region, 4),
					REGION_PEER_ALIVE);
			peers_left(peers, 4);
		}
		while (region_peer(&region, 4) != REGION_PEER_GONE)
			turn();
		room_close();
	}
}

static void a_process_nobody_can_watch_becomes_unknown(void)
{
	room_open();
	peers_joined(peers, 5, 0);
	CU_ASSERT_EQUAL(region_peer(&region, 5), REGION_PEER_ALIVE);
	peers_left(peers, 5);
	CU_ASSERT_EQUAL(region_peer(&region, 5), REGION_PEER_UNKNOWN);
	peers_left(peers, 5);
	peers_left(peers, 77);
	room_close();
}

static const struct unit_test tests[] = {
	{ "a_living_process_is_never_gone", a_living_process_is_never_gone },
	{ "a_dead_process_is_gone_whatever_ended_first",
	  a_dead_process_is_gone_whatever_ended_first },
	{ "a_process_nobody_can_watch_becomes_unknown",
	  a_process_nobody_can_watch_becomes_unknown },
};

UNIT_MAIN("peers", tests)
