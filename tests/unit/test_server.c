/* SPDX-License-Identifier: MIT */
/* test_server.c - does each client hear the right things, and only those? */
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/link_room.h"

#define VECTORS_NR 2

/* What the callbacks saw and shall answer. */
static struct {
	int joined_nr;
	int left_nr;
	uint32_t last_id;
	pid_t last_pid;
	int next_id;
} seen;

static int id_for_pid(void *arg, pid_t pid)
{
	(void)arg;
	seen.last_pid = pid;
	return seen.next_id;
}

static void joined(void *arg, uint32_t peer_id, pid_t pid)
{
	(void)arg;
	seen.joined_nr++;
	seen.last_id = peer_id;
	seen.last_pid = pid;
}

static void left(void *arg, uint32_t peer_id)
{
	(void)arg;
	seen.left_nr++;
	seen.last_id = peer_id;
}

static const struct server_opts plain = { .vectors_nr = VECTORS_NR,
					  .joined = joined,
					  .left = left };

static void open_room(struct room *room, struct server_opts opts)
{
	memset(&seen, 0, sizeof(seen));
	seen.next_id = -1;
	room_open(room, opts);
}

/* Connect as the only client; read up to and with the own eventfds. */
static int join_alone(const struct room *room, int64_t id)
{
	int sock = raw_connect(room);

	raw_expect_greeting(room, sock, id);
	raw_expect_vectors(room, sock, id, VECTORS_NR);
	return sock;
}

static void joins_tell_everybody_in_the_standard_order(void)
{
	struct room room;
	int socks[3];

	open_room(&room, plain);
	socks[0] = join_alone(&room, 0);
	socks[1] = raw_connect(&room);
	raw_expect_greeting(&room, socks[1], 1);
	raw_expect_vectors(&room, socks[1], 0, VECTORS_NR);
	raw_expect_vectors(&room, socks[1], 1, VECTORS_NR);
	socks[2] = raw_connect(&room);
	raw_expect_greeting(&room, socks[2], 2);
	raw_expect_vectors(&room, socks[2], 0, VECTORS_NR);
	raw_expect_vectors(&room, socks[2], 1, VECTORS_NR);
	raw_expect_vectors(&room, socks[2], 2, VECTORS_NR);
	raw_expect_vectors(&room, socks[0], 1, VECTORS_NR);
	raw_expect_vectors(&room, socks[0], 2, VECTORS_NR);
	raw_expect_vectors(&room, socks[1], 2, VECTORS_NR);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 3);
	CU_ASSERT_EQUAL(seen.joined_nr, 3);
	CU_ASSERT_EQUAL(seen.last_id, 2);
	CU_ASSERT_EQUAL(seen.last_pid, getpid());
	for (int i = 0; i < 3; i++)
		close(socks[i]);
	room_close(&room);
	CU_ASSERT_EQUAL(seen.left_nr, 0); /* destroy does not call it */
}

static void eventfds_ring_through_and_do_not_block(void)
{
	struct room room;
	int socks[2];
	int own[VECTORS_NR];
	uint64_t count;

	open_room(&room, plain);
	socks[0] = raw_connect(&room);
	raw_expect_greeting(&room, socks[0], 0);
	for (int i = 0; i < VECTORS_NR; i++)
		own[i] = raw_expect(&room, socks[0], 0, 1);
	socks[1] = raw_connect(&room);
	raw_expect_greeting(&room, socks[1], 1);
	for (int i = 0; i < VECTORS_NR; i++) {
		int efd = raw_expect(&room, socks[1], 0, 1);

		CU_ASSERT_EQUAL(eventfd_write(efd, 10 + i), 0);
		close(efd);
	}
	for (int i = 0; i < VECTORS_NR; i++) {
		CU_ASSERT_EQUAL(eventfd_read(own[i], &count), 0);
		CU_ASSERT_EQUAL(count, 10 + i);
		CU_ASSERT_EQUAL(eventfd_read(own[i], &count), -1);
		CU_ASSERT_EQUAL(errno, EAGAIN);
		close(own[i]);
	}
	close(socks[0]);
	close(socks[1]);
	room_close(&room);
}

static void shared_memory_fd_is_the_object(void)
{
	struct room room;
	struct shmem shmem;
	int sock;

	open_room(&room, plain);
	sock = raw_connect(&room);
	raw_expect(&room, sock, 0, 0);
	raw_expect(&room, sock, 0, 0);
	CU_ASSERT_EQUAL_FATAL(shmem_map(&shmem, raw_expect(&room, sock, -1, 1)),
			      0);
	memcpy(shmem.hva, "hello", sizeof("hello"));
	CU_ASSERT_STRING_EQUAL(room.shmem.hva, "hello");
	shmem_destroy(&shmem);
	close(sock);
	room_close(&room);
}

static void leaving_is_told_to_the_others_and_ids_are_not_reused(void)
{
	struct room room;
	int socks[2];

	open_room(&room, plain);
	socks[0] = join_alone(&room, 0);
	for (int64_t id = 1; id < 10; id++) {
		socks[1] = raw_connect(&room);
		raw_expect_greeting(&room, socks[1], id);
		raw_expect_vectors(&room, socks[0], id, VECTORS_NR);
		close(socks[1]);
		raw_expect(&room, socks[0], id, 0);
		CU_ASSERT_EQUAL(seen.left_nr, id);
		CU_ASSERT_EQUAL(seen.last_id, id);
		CU_ASSERT_EQUAL(server_peers_nr(room.server), 1);
	}
	close(socks[0]);
	room_close(&room);
}

static void any_byte_from_a_client_disconnects_it(void)
{
	struct room room;
	int socks[2];

	open_room(&room, plain);
	socks[0] = join_alone(&room, 0);
	socks[1] = raw_connect(&room);
	raw_expect_greeting(&room, socks[1], 1);
	raw_expect_vectors(&room, socks[1], 0, VECTORS_NR);
	raw_expect_vectors(&room, socks[1], 1, VECTORS_NR);
	raw_expect_vectors(&room, socks[0], 1, VECTORS_NR);
	/* With an fd in it, which must not stay with the server. */
	CU_ASSERT_EQUAL(wire_send(socks[1], 0, socks[0]), 0);
	raw_expect(&room, socks[0], 1, 0);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 1);
	CU_ASSERT_EQUAL(send(socks[0], "x", 1, 0), 1);
	room_pump(&room);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 0);
	CU_ASSERT_EQUAL(seen.left_nr, 2);
	close(socks[0]);
	close(socks[1]);
	room_close(&room);
}

static void half_closed_client_is_gone(void)
{
	struct room room;
	int sock;

	open_room(&room, plain);
	sock = join_alone(&room, 0);
	CU_ASSERT_EQUAL(shutdown(sock, SHUT_WR), 0);
	raw_expect_end(&room, sock);
	CU_ASSERT_EQUAL(server_peers_nr(room.server), 0);
	close(sock);
	room_close(&room);
}

/* A process of its own, so that SO_PEERCRED names another pid. */
static pid_t fork_client(const struct room *room)
{
	pid_t pid = fork();
	int sock;

	if (pid == 0) {
		/* Until the parent's end is closed: it is told to go. */
		if (socket_connect(&sock, room->path, room_deadline_ns()) == 0)
			(void)poll(NULL, 0, ROOM_TIMEOUT_MS);
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0);
	return pid;
}

static void pump_until_peers(const struct room *room, uint32_t nr)
{
	uint64_t deadline_ns = room_deadline_ns();
	struct pollfd fd = { .fd = server_fd(room->server), .events = POLLIN };

	while (server_peers_nr(room->server) != nr &&
	       deadline_poll(&fd, 1, deadline_ns) > 0)
		room_pump(room);
	CU_ASSERT_EQUAL_FATAL(server_peers_nr(room->server), nr);
}

static void reserved_id_goes_to_its_process_only(void)
{
	struct server_opts opts = plain;
	struct room room;
	int other;
	pid_t pid;

	opts.id_for_pid = id_for_pid;
	opts.reserved_nr = 4;
	open_room(&room, opts);
	other = join_alone(&room, 4); /* the first free one */
	seen.next_id = 3;
	pid = fork_client(&room);
	pump_until_peers(&room, 2);
	CU_ASSERT_EQUAL(seen.last_pid, pid);
	CU_ASSERT_EQUAL(seen.last_id, 3);
	raw_expect_vectors(&room, other, 3, VECTORS_NR);
	/* A killed process is a gone peer. */
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	raw_expect(&room, other, 3, 0);
	close(other);
	room_close(&room);
}

static void id_given_before_or_out_of_range_is_refused(void)
{
	static const int bad[] = { 7, 65536, INT32_MAX };
	struct server_opts opts = plain;
	struct room room;

	opts.id_for_pid = id_for_pid;
	opts.reserved_nr = 0;
	open_room(&room, opts);
	seen.next_id = 7;
	close(join_alone(&room, 7));
	room_pump(&room);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int sock;

		seen.next_id = bad[i];
		sock = raw_connect(&room);
		raw_expect_end(&room, sock);
		close(sock);
	}
	CU_ASSERT_EQUAL(seen.joined_nr, 1);
	/* Given out of turn, 7 is skipped when its turn comes. */
	seen.next_id = -1;
	for (int64_t id = 0; id < 9; id++) {
		if (id == 7)
			continue;
		close(join_alone(&room, id));
		room_pump(&room);
	}
	room_close(&room);
}

static void connection_without_a_free_id_is_refused(void)
{
	struct server_opts opts = plain;
	struct room room;

	opts.reserved_nr = IVSHMEM_PEERS_MAX - 1;
	open_room(&room, opts);
	close(join_alone(&room, IVSHMEM_PEERS_MAX - 1));
	for (int i = 0; i < 3; i++) {
		int sock = raw_connect(&room);

		raw_expect_end(&room, sock);
		close(sock);
	}
	CU_ASSERT_EQUAL(seen.joined_nr, 1);
	room_close(&room);
}

static const struct unit_test tests[] = {
	{ "joins_tell_everybody_in_the_standard_order",
	  joins_tell_everybody_in_the_standard_order },
	{ "eventfds_ring_through_and_do_not_block",
	  eventfds_ring_through_and_do_not_block },
	{ "shared_memory_fd_is_the_object", shared_memory_fd_is_the_object },
	{ "leaving_is_told_to_the_others_and_ids_are_not_reused",
	  leaving_is_told_to_the_others_and_ids_are_not_reused },
	{ "any_byte_from_a_client_disconnects_it",
	  any_byte_from_a_client_disconnects_it },
	{ "half_closed_client_is_gone", half_closed_client_is_gone },
	{ "reserved_id_goes_to_its_process_only",
	  reserved_id_goes_to_its_process_only },
	{ "id_given_before_or_out_of_range_is_refused",
	  id_given_before_or_out_of_range_is_refused },
	{ "connection_without_a_free_id_is_refused",
	  connection_without_a_free_id_is_refused },
};

UNIT_MAIN("server", tests)
