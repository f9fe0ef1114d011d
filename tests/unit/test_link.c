/* SPDX-License-Identifier: MIT */
/* test_link.c - do server and client understand each other, and only that? */
#include <signal.h>
#include <sys/wait.h>

#include "tests/unit/link_script.h"

#define VECTORS_NR 2
#define FUZZ_SEED  20260101u

static const struct server_opts opts = { .vectors_nr = VECTORS_NR };

static struct client *join(const struct room *room)
{
	struct client *client = NULL;

	CU_ASSERT_EQUAL_FATAL(
		client_connect(&client, room->path, ROOM_TIMEOUT_MS, NULL), 0);
	return client;
}

/* Dispatch until the peer has vectors_nr vectors (0: is gone). */
static void await_peer(struct client *client, uint32_t id, uint32_t vectors_nr)
{
	uint64_t deadline_ns = room_deadline_ns();

	for (;;) {
		struct pollfd link = { .fd = client_fd(client),
				       .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(client_dispatch(client), 0);
		if ((client_peer_efd(client, id, 0) >= 0) == (vectors_nr > 0) &&
		    (!vectors_nr ||
		     client_peer_efd(client, id, vectors_nr - 1) >= 0))
			return;
		CU_ASSERT_EQUAL_FATAL(deadline_poll(&link, 1, deadline_ns), 1);
	}
}

static void await_own(struct client *client)
{
	uint64_t deadline_ns = room_deadline_ns();

	while (client_vectors_nr(client) < VECTORS_NR) {
		struct pollfd link = { .fd = client_fd(client),
				       .events = POLLIN };

		CU_ASSERT_EQUAL_FATAL(deadline_poll(&link, 1, deadline_ns), 1);
		CU_ASSERT_EQUAL_FATAL(client_dispatch(client), 0);
	}
}

static void check_rings(int from_efd, int to_efd)
{
	uint64_t count = 0;

	CU_ASSERT_EQUAL(eventfd_read(to_efd, &count), -1); /* not yet */
	CU_ASSERT_EQUAL(eventfd_write(from_efd, 1), 0);
	CU_ASSERT_EQUAL(eventfd_read(to_efd, &count), 0);
	CU_ASSERT_EQUAL(count, 1);
}

static void two_clients_share_memory_and_ring_each_other(void)
{
	struct client *clients[2];
	struct room room;

	room_open(&room, opts);
	room_start(&room);
	for (uint32_t i = 0; i < 2; i++) {
		clients[i] = join(&room);
		CU_ASSERT_EQUAL(client_id(clients[i]), i);
		CU_ASSERT_EQUAL(client_shmem(clients[i])->len, ROOM_SHM_LEN);
		await_own(clients[i]);
	}
	for (uint32_t i = 0; i < 2; i++) {
		await_peer(clients[i], 1 - i, VECTORS_NR);
		for (uint32_t v = 0; v < VECTORS_NR; v++)
			check_rings(client_peer_efd(clients[i], 1 - i, v),
				    client_own_efd(clients[1 - i], v));
		CU_ASSERT_EQUAL(client_peer_efd(clients[i], 1 - i, VECTORS_NR),
				-1);
		CU_ASSERT_EQUAL(client_peer_efd(clients[i], i, 0), -1);
	}
	memcpy(client_shmem(clients[0])->hva, "one object",
	       sizeof("one object"));
	CU_ASSERT_STRING_EQUAL(client_shmem(clients[1])->hva, "one object");
	client_destroy(clients[1]);
	await_peer(clients[0], 1, 0);
	client_destroy(clients[0]);
	room_close(&room);
}

static void killed_client_process_is_gone_for_the_others(void)
{
	struct client *client;
	struct room room;
	pid_t pid;

	room_open(&room, opts);
	/* Before there is a thread: a fork has only its caller. */
	pid = fork();
	if (pid == 0) {
		if (client_connect(&client, room.path, ROOM_TIMEOUT_MS, NULL))
			_exit(1);
		(void)poll(NULL, 0, ROOM_TIMEOUT_MS);
		_exit(0);
	}
	CU_ASSERT_FATAL(pid > 0);
	room_start(&room);
	client = join(&room);
	await_peer(client, 1 - client_id(client), VECTORS_NR);
	CU_ASSERT_EQUAL(kill(pid, SIGKILL), 0);
	CU_ASSERT_EQUAL(waitpid(pid, NULL, 0), pid);
	await_peer(client, 1 - client_id(client), 0);
	client_destroy(client);
	room_close(&room);
}

static void peers_still_ring_when_the_server_is_gone(void)
{
	struct client *clients[2];
	struct room room;

	room_open(&room, opts);
	room_start(&room);
	clients[0] = join(&room);
	await_own(clients[0]);
	clients[1] = join(&room);
	await_peer(clients[1], 0, VECTORS_NR);
	room_stop(&room);
	CU_ASSERT_EQUAL(client_dispatch(clients[1]), -ECONNRESET);
	check_rings(client_peer_efd(clients[1], 0, 1),
		    client_own_efd(clients[0], 1));
	client_destroy(clients[0]);
	client_destroy(clients[1]);
	room_close(&room);
}

static void object_outlives_a_peer_that_tries_to_cut_it(void)
{
	struct client *clients[2];
	struct room room;

	room_open(&room, opts);
	room_start(&room);
	clients[0] = join(&room);
	clients[1] = join(&room);
	CU_ASSERT_EQUAL(ftruncate(client_shmem(clients[0])->fd, 0), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	memset(client_shmem(clients[1])->hva, 1, ROOM_SHM_LEN);
	client_destroy(clients[0]);
	client_destroy(clients[1]);
	room_close(&room);
}

/* --- random servers ------------------------------------------------------ */

static uint32_t rng_state;

/* xorshift: the same sequence everywhere. */
static uint32_t rng(uint32_t below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 17;
	rng_state ^= rng_state << 5;
	return rng_state % below;
}

#define FUZZ_IDS 6

static void count_gone(void *arg, int err)
{
	int *calls_nr = arg;

	CU_ASSERT(err == -EPROTO || err == -ECONNRESET);
	(*calls_nr)++;
}

/* The client must know of each id what the messages said. */
static void check_model(const struct client *client, const uint32_t *vectors_nr)
{
	for (uint32_t id = 0; id < FUZZ_IDS; id++) {
		uint32_t nr = vectors_nr[id];

		if (id == OWN_ID) {
			CU_ASSERT_EQUAL(client_vectors_nr(client), nr);
			continue;
		}
		CU_ASSERT_EQUAL(client_peer_efd(client, id, nr), -1);
		CU_ASSERT(nr == 0 || client_peer_efd(client, id, nr - 1) >= 0);
	}
}

/* One connection of random messages, mostly legal, up to the first that
 * is not. Returns how many were sent. */
static int random_session(void)
{
	uint32_t vectors_nr[FUZZ_IDS] = { 0 };
	int gone_nr = 0;
	struct client_events events = { .server_gone = count_gone,
					.arg = &gone_nr };
	struct client *client;
	int sock = script_greet(&client, &events);
	bool fatal = false;
	int sent_nr = 0;

	while (!fatal && sent_nr < 100) {
		uint32_t id = rng(FUZZ_IDS);
		uint32_t kind = rng(100);

		if (kind < 70) {
			CU_ASSERT_EQUAL(script_say(sock, id, WITH_EVENTFD), 0);
			if (vectors_nr[id] < IVSHMEM_VECTORS_MAX)
				vectors_nr[id]++;
		} else if (kind < 97) {
			CU_ASSERT_EQUAL(script_say(sock, id, WITH_NOTHING), 0);
			if (id != OWN_ID)
				vectors_nr[id] = 0;
		} else {
			int64_t value = kind == 97 ? (int64_t)rng(1000) - 1001
						   : 65536 + rng(1u << 31);
			enum with with = kind == 98 ? WITH_EVENTFD : WITH_SHM;

			CU_ASSERT_EQUAL(script_say(sock, value, with), 0);
			fatal = true;
		}
		sent_nr++;
		if (rng(4) == 0)
			CU_ASSERT_EQUAL(client_dispatch(client),
					fatal ? -EPROTO : 0);
	}
	CU_ASSERT_EQUAL(client_dispatch(client), fatal ? -EPROTO : 0);
	CU_ASSERT_EQUAL(gone_nr, fatal);
	check_model(client, vectors_nr);
	close(sock);
	CU_ASSERT(client_dispatch(client) < 0);
	CU_ASSERT_EQUAL(gone_nr, 1);
	client_destroy(client);
	return sent_nr;
}

static void random_messages_leave_what_the_legal_ones_said(void)
{
	int sent_nr = 0;

	rng_state = FUZZ_SEED;
	while (sent_nr < 4000)
		sent_nr += random_session();
}

static void random_bytes_in_the_handshake_are_an_error(void)
{
	rng_state = FUZZ_SEED + 1;
	for (int round = 0; round < 200; round++) {
		uint8_t bytes[64] = { 0 };
		struct script script = { .bytes = bytes,
					 .bytes_len = 1 + rng(sizeof(bytes)),
					 .hang_up = true };
		struct client *client = NULL;
		int err;

		/* Often right up to some byte, so that all stages are met. */
		for (uint32_t i = WIRE_MSG_LEN * rng(4); i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rng(256);
		err = script_connect(&client, &script, ROOM_TIMEOUT_MS, NULL);
		CU_ASSERT(err == -EPROTO || err == -EPROTONOSUPPORT ||
			  err == -ECONNRESET);
	}
}

static const struct unit_test tests[] = {
	{ "two_clients_share_memory_and_ring_each_other",
	  two_clients_share_memory_and_ring_each_other },
	{ "killed_client_process_is_gone_for_the_others",
	  killed_client_process_is_gone_for_the_others },
	{ "peers_still_ring_when_the_server_is_gone",
	  peers_still_ring_when_the_server_is_gone },
	{ "object_outlives_a_peer_that_tries_to_cut_it",
	  object_outlives_a_peer_that_tries_to_cut_it },
	{ "random_messages_leave_what_the_legal_ones_said",
	  random_messages_leave_what_the_legal_ones_said },
	{ "random_bytes_in_the_handshake_are_an_error",
	  random_bytes_in_the_handshake_are_an_error },
};

UNIT_MAIN("link", tests)
