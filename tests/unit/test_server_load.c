/* SPDX-License-Identifier: MIT */
/* test_server_load.c - does one client's slowness stay its own problem? */
#include <sys/resource.h>

#include "tests/unit/link_room.h"

#define VECTORS_NR 2
#define PEERS_NR   300

static const struct server_opts plain = { .vectors_nr = VECTORS_NR };

/* Room for PEERS_NR peers in this process, both ends; else skip. */
static int raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 0;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < 4096) {
		unit_skip("needs 4096 file descriptors");
		return 0;
	}
	return 1;
}

static void slow_reader_gets_every_message_in_order(void)
{
	struct room room;
	int socks[PEERS_NR];
	int slow;

	if (!raise_fd_limit())
		return;
	room_open(&room, plain);
	slow = raw_connect(&room);
	for (int i = 0; i < PEERS_NR; i++) {
		socks[i] = raw_connect(&room);
		room_pump(&room);
	}
	CU_ASSERT_EQUAL(server_peers_nr(room.server), PEERS_NR + 1);
	/* The newest, who reads at once, is not held up by anybody. */
	raw_expect_greeting(&room, socks[PEERS_NR - 1], PEERS_NR);
	for (int id = 0; id <= PEERS_NR; id++)
		raw_expect_vectors(&room, socks[PEERS_NR - 1], id, VECTORS_NR);

	raw_expect_greeting(&room, slow, 0);
	raw_expect_vectors(&room, slow, 0, VECTORS_NR);
	for (int id = 1; id <= PEERS_NR; id++)
		raw_expect_vectors(&room, slow, id, VECTORS_NR);
	for (int i = 0; i < PEERS_NR; i++)
		close(socks[i]);
	for (int id = 1; id <= PEERS_NR; id++)
		raw_expect(&room, slow, id, 0);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 1);
	close(slow);
	room_close(&room);
}

static void slow_reader_costs_no_fds_for_peers_that_came_and_went(void)
{
	struct room room;
	int64_t value;
	int fds_nr = 0;
	int slow;
	int last;
	int fd;

	room_open(&room, plain);
	slow = raw_connect(&room);
	room_pump(&room);
	for (int i = 1; i <= PEERS_NR; i++) {
		close(raw_connect(&room));
		room_pump(&room);
		CU_ASSERT_EQUAL_FATAL(server_peers_nr(room.server), 1);
		if (i == PEERS_NR / 2)
			fds_nr = fds_open();
	}
	CU_ASSERT_EQUAL(fds_open(), fds_nr);

	last = raw_connect(&room);
	raw_expect_greeting(&room, slow, 0);
	raw_expect_vectors(&room, slow, 0, VECTORS_NR);
	/* The few that fitted the socket come whole: in, in, out. */
	for (;;) {
		int64_t id;

		CU_ASSERT_EQUAL_FATAL(raw_receive(&room, slow, &id, &fd), 1);
		CU_ASSERT_FATAL(fd >= 0);
		close(fd);
		close(raw_expect(&room, slow, id, 1));
		if (id == PEERS_NR + 1)
			break;
		CU_ASSERT_EQUAL_FATAL(raw_receive(&room, slow, &value, &fd), 1);
		CU_ASSERT_EQUAL_FATAL(value, id);
		CU_ASSERT_EQUAL_FATAL(fd, -1);
	}
	close(last);
	close(slow);
	room_close(&room);
}

static void set_fd_limit(rlim_t cur)
{
	struct rlimit limit;

	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = cur;
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void no_descriptors_left_neither_spins_nor_kills(void)
{
	struct pollfd server = { .events = POLLIN };
	struct rlimit old;
	struct room room;
	uint64_t until_ns;
	int wakes_nr = 0;
	int waiting;

	room_open(&room, plain);
	server.fd = server_fd(room.server);
	waiting = raw_connect(&room);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	set_fd_limit(3);
	until_ns = deadline_after_ns(300000000);
	while (deadline_poll(&server, 1, until_ns) > 0) {
		room_pump(&room);
		wakes_nr++;
	}
	CU_ASSERT(wakes_nr < 20); /* it asks every 50 ms, and that is all */
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 0);
	/* It waited all the time and is served now. */
	set_fd_limit(old.rlim_cur);
	raw_expect_greeting(&room, waiting, 0);
	close(waiting);
	room_close(&room);
}

static void no_descriptors_for_eventfds_refuses_and_keeps_the_id(void)
{
	struct rlimit old;
	struct room room;
	int refused;

	room_open(&room, plain);
	refused = raw_connect(&room);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	/* The lowest free number is refused + 1: for the connection only. */
	set_fd_limit((rlim_t)refused + 2);
	room_pump(&room);
	set_fd_limit(old.rlim_cur);
	raw_expect_end(&room, refused);
	close(refused);
	refused = raw_connect(&room);
	raw_expect_greeting(&room, refused, 0);
	close(refused);
	room_close(&room);
}

static const struct unit_test tests[] = {
	{ "slow_reader_gets_every_message_in_order",
	  slow_reader_gets_every_message_in_order },
	{ "slow_reader_costs_no_fds_for_peers_that_came_and_went",
	  slow_reader_costs_no_fds_for_peers_that_came_and_went },
	{ "no_descriptors_left_neither_spins_nor_kills",
	  no_descriptors_left_neither_spins_nor_kills },
	{ "no_descriptors_for_eventfds_refuses_and_keeps_the_id",
	  no_descriptors_for_eventfds_refuses_and_keeps_the_id },
};

UNIT_MAIN("server_load", tests)
