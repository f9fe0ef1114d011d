/* SPDX-License-Identifier: MIT */
/* test_client.c - does the client survive what a server may send? */
#include "tests/unit/link_script.h"

/* What the callbacks saw. */
static struct {
	int peer_vectors_nr;
	int own_vectors_nr;
	int gone_nr;
	int server_gone_nr;
	int server_err;
	uint32_t last_id;
	uint32_t last_vector;
	int last_efd;
	bool efd_open_when_gone;
} seen;

static void on_peer_vector(void *arg, uint32_t id, uint32_t vector, int efd)
{
	(void)arg;
	seen.peer_vectors_nr++;
	seen.last_id = id;
	seen.last_vector = vector;
	seen.last_efd = efd;
}

static void on_own_vector(void *arg, uint32_t vector, int efd)
{
	(void)arg;
	seen.own_vectors_nr++;
	seen.last_vector = vector;
	seen.last_efd = efd;
}

static void on_peer_gone(void *arg, uint32_t id)
{
	(void)arg;
	seen.gone_nr++;
	seen.last_id = id;
	seen.efd_open_when_gone = fcntl(seen.last_efd, F_GETFD) >= 0;
}

static void on_server_gone(void *arg, int err)
{
	(void)arg;
	seen.server_gone_nr++;
	seen.server_err = err;
}

static const struct client_events events = { .peer_vector = on_peer_vector,
					     .own_vector = on_own_vector,
					     .peer_gone = on_peer_gone,
					     .server_gone = on_server_gone };

/* A client behind its handshake; returns the server's end. */
static int open_client(struct client **client)
{
	memset(&seen, 0, sizeof(seen));
	return script_greet(client, &events);
}

static void dispatch(struct client *client, int want)
{
	CU_ASSERT_EQUAL(client_dispatch(client), want);
	CU_ASSERT_EQUAL(seen.server_gone_nr, want != 0);
	CU_ASSERT_EQUAL(seen.server_err, want);
	CU_ASSERT_EQUAL(client_fd(client) < 0, want != 0);
}

/* One message must end the connection, and nothing else. */
static void check_fatal(int64_t value, enum with with, int want)
{
	struct client *client;
	int sock = open_client(&client);

	CU_ASSERT_EQUAL(script_say(sock, 9, WITH_EVENTFD), 0);
	CU_ASSERT_EQUAL(script_say(sock, value, with), 0);
	dispatch(client, want);
	dispatch(client, want); /* told once, remembered for ever */
	CU_ASSERT(client_peer_efd(client, 9, 0) >= 0);
	CU_ASSERT_PTR_NOT_NULL(client_shmem(client)->hva);
	client_destroy(client);
	close(sock);
}

static void handshake_yields_id_and_memory(void)
{
	struct client *client;
	int sock = open_client(&client);

	CU_ASSERT_EQUAL(client_id(client), OWN_ID);
	CU_ASSERT_EQUAL(client_shmem(client)->len, 4096);
	CU_ASSERT_EQUAL(client_vectors_nr(client), 0);
	CU_ASSERT_EQUAL(client_own_efd(client, 0), -1);
	CU_ASSERT_EQUAL(client_peer_efd(client, 0, 0), -1);
	CU_ASSERT_EQUAL(client_peer_efd(client, UINT32_MAX, 0), -1);
	CU_ASSERT(client_fd(client) >= 0);
	dispatch(client, 0);
	client_destroy(client);
	close(sock);
}

static void bad_handshake_is_an_error(void)
{
	static const struct {
		int want;
		int lines_nr;
		struct line lines[3];
	} cases[] = {
		{ -EPROTONOSUPPORT, 1, { { 1, WITH_NOTHING } } },
		{ -EPROTONOSUPPORT, 1, { { -1, WITH_NOTHING } } },
		{ -EPROTO, 1, { { 0, WITH_EVENTFD } } },
		{ -EPROTO,
		  2,
		  { { 0, WITH_NOTHING }, { 65536, WITH_NOTHING } } },
		{ -EPROTO, 2, { { 0, WITH_NOTHING }, { -1, WITH_SHM } } },
		{ -EPROTO, 2, { { 0, WITH_NOTHING }, { 3, WITH_EVENTFD } } },
		{ -EPROTO,
		  3,
		  { { 0, WITH_NOTHING },
		    { 3, WITH_NOTHING },
		    { -1, WITH_NOTHING } } },
		{ -EPROTO,
		  3,
		  { { 0, WITH_NOTHING },
		    { 3, WITH_NOTHING },
		    { -2, WITH_SHM } } },
		{ -EINVAL,
		  3,
		  { { 0, WITH_NOTHING },
		    { 3, WITH_NOTHING },
		    { -1, WITH_SMALL_SHM } } },
		{ -EINVAL,
		  3,
		  { { 0, WITH_NOTHING },
		    { 3, WITH_NOTHING },
		    { -1, WITH_PIPE } } },
		{ -ECONNRESET, 0, { { 0, WITH_NOTHING } } },
		{ -ECONNRESET, 1, { { 0, WITH_NOTHING } } },
		{ -ECONNRESET,
		  2,
		  { { 0, WITH_NOTHING }, { 3, WITH_NOTHING } } },
		{ -ECONNRESET,
		  3,
		  { { 0, WITH_NOTHING },
		    { 3, WITH_NOTHING },
		    { 4, WITH_EVENTFD } } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct script script = { .lines = cases[i].lines,
					 .lines_nr = cases[i].lines_nr,
					 .hang_up = true };
		struct client *client = NULL;

		CU_ASSERT_EQUAL(script_connect(&client, &script,
					       ROOM_TIMEOUT_MS, &events),
				cases[i].want);
		CU_ASSERT_PTR_NULL(client);
		CU_ASSERT_EQUAL(seen.server_gone_nr, 0);
	}
}

static void server_that_stays_silent_is_etimedout(void)
{
	/* After nothing at all and after half of a handshake. */
	for (int lines_nr = 0; lines_nr < 3; lines_nr++) {
		static const struct line lines[] = { { 0, WITH_NOTHING },
						     { 3, WITH_NOTHING } };
		struct script script = { .lines = lines, .lines_nr = lines_nr };
		struct client *client = NULL;

		CU_ASSERT_EQUAL(script_connect(&client, &script, 20, &events),
				-ETIMEDOUT);
		if (script.sock >= 0)
			close(script.sock);
	}
}

static void peers_may_come_before_the_memory(void)
{
	static const struct line lines[] = {
		{ 0, WITH_NOTHING },	  { OWN_ID, WITH_NOTHING },
		{ 8, WITH_EVENTFD },	  { OWN_ID, WITH_EVENTFD },
		{ 70 + 8, WITH_NOTHING }, { IVSHMEM_MSG_SHM, WITH_SHM },
	};
	struct script script = { .lines = lines, .lines_nr = 6 };
	struct client *client;

	memset(&seen, 0, sizeof(seen));
	CU_ASSERT_EQUAL_FATAL(
		script_connect(&client, &script, ROOM_TIMEOUT_MS, &events), 0);
	CU_ASSERT(client_peer_efd(client, 8, 0) >= 0);
	CU_ASSERT(client_own_efd(client, 0) >= 0);
	CU_ASSERT_EQUAL(seen.peer_vectors_nr, 1);
	CU_ASSERT_EQUAL(seen.own_vectors_nr, 1);
	client_destroy(client);
	close(script.sock);
}

static void vectors_are_numbered_as_they_come(void)
{
	struct client *client;
	int sock = open_client(&client);

	for (uint32_t vector = 0; vector < 5; vector++) {
		CU_ASSERT_EQUAL(script_say(sock, 65535, WITH_EVENTFD), 0);
		dispatch(client, 0);
		CU_ASSERT_EQUAL(seen.last_id, 65535);
		CU_ASSERT_EQUAL(seen.last_vector, vector);
		CU_ASSERT_EQUAL(client_peer_efd(client, 65535, vector),
				seen.last_efd);
		CU_ASSERT(fcntl(seen.last_efd, F_GETFL) & O_NONBLOCK);
		CU_ASSERT_EQUAL(client_peer_efd(client, 65535, vector + 1), -1);
		CU_ASSERT_EQUAL(script_say(sock, OWN_ID, WITH_EVENTFD), 0);
		dispatch(client, 0);
		CU_ASSERT_EQUAL(client_vectors_nr(client), vector + 1);
		CU_ASSERT_EQUAL(client_own_efd(client, vector), seen.last_efd);
	}
	client_destroy(client);
	close(sock);
}

static void vectors_beyond_the_limit_are_closed(void)
{
	struct client *client;
	int sock = open_client(&client);
	int fds_nr = 0;

	for (int i = 0; i < IVSHMEM_VECTORS_MAX + 10; i++) {
		if (i == IVSHMEM_VECTORS_MAX)
			fds_nr = fds_open();
		CU_ASSERT_EQUAL(script_say(sock, 1, WITH_EVENTFD), 0);
		CU_ASSERT_EQUAL(script_say(sock, OWN_ID, WITH_EVENTFD), 0);
		dispatch(client, 0);
	}
	CU_ASSERT_EQUAL(fds_open(), fds_nr);
	CU_ASSERT_EQUAL(seen.peer_vectors_nr, IVSHMEM_VECTORS_MAX);
	CU_ASSERT_EQUAL(client_vectors_nr(client), IVSHMEM_VECTORS_MAX);
	CU_ASSERT_EQUAL(client_own_efd(client, IVSHMEM_VECTORS_MAX), -1);
	client_destroy(client);
	close(sock);
}

static void byte_by_byte_and_coalesced_are_the_same(void)
{
	static const uint8_t two[2 * WIRE_MSG_LEN] = {
		7, 0, 0, 0, 0, 0, 0, 0, 8
	};
	struct client *client;
	int sock = open_client(&client);

	CU_ASSERT_EQUAL(script_say(sock, 7, WITH_EVENTFD), 0);
	CU_ASSERT_EQUAL(script_say(sock, 8, WITH_EVENTFD), 0);
	dispatch(client, 0);
	for (size_t i = 0; i < WIRE_MSG_LEN; i++) {
		CU_ASSERT_EQUAL(seen.gone_nr, 0);
		CU_ASSERT_EQUAL(send(sock, two + i, 1, 0), 1);
		dispatch(client, 0);
	}
	CU_ASSERT_EQUAL(seen.gone_nr, 1);
	CU_ASSERT_EQUAL(send(sock, two, sizeof(two), 0), sizeof(two));
	dispatch(client, 0);
	CU_ASSERT_EQUAL(seen.gone_nr, 2);
	CU_ASSERT_EQUAL(seen.last_id, 8);
	client_destroy(client);
	close(sock);
}

static void leaving_closes_after_the_callback_and_id_may_return(void)
{
	struct client *client;
	int sock = open_client(&client);

	for (int round = 1; round <= 3; round++) {
		CU_ASSERT_EQUAL(script_say(sock, 5, WITH_EVENTFD), 0);
		dispatch(client, 0);
		CU_ASSERT_EQUAL(seen.last_vector, 0);
		CU_ASSERT_EQUAL(script_say(sock, 5, WITH_NOTHING), 0);
		dispatch(client, 0);
		CU_ASSERT_EQUAL(seen.gone_nr, round);
		CU_ASSERT(seen.efd_open_when_gone);
		CU_ASSERT_EQUAL(fcntl(seen.last_efd, F_GETFD), -1);
		CU_ASSERT_EQUAL(client_peer_efd(client, 5, 0), -1);
	}
	client_destroy(client);
	close(sock);
}

static void leaving_of_unknown_or_self_is_ignored(void)
{
	struct client *client;
	int sock = open_client(&client);

	CU_ASSERT_EQUAL(script_say(sock, OWN_ID, WITH_EVENTFD), 0);
	CU_ASSERT_EQUAL(script_say(sock, OWN_ID, WITH_NOTHING), 0);
	CU_ASSERT_EQUAL(script_say(sock, 1000, WITH_NOTHING), 0);
	dispatch(client, 0);
	CU_ASSERT_EQUAL(seen.gone_nr, 0);
	CU_ASSERT(client_own_efd(client, 0) >= 0);
	client_destroy(client);
	close(sock);
}

static void message_out_of_place_is_eproto_once(void)
{
	check_fatal(IVSHMEM_MSG_SHM, WITH_SHM, -EPROTO);
	check_fatal(IVSHMEM_MSG_SHM, WITH_NOTHING, -EPROTO);
	check_fatal(IVSHMEM_PEERS_MAX, WITH_NOTHING, -EPROTO);
	check_fatal(IVSHMEM_PEERS_MAX, WITH_EVENTFD, -EPROTO);
	check_fatal(-2, WITH_EVENTFD, -EPROTO);
	check_fatal(INT64_MIN, WITH_NOTHING, -EPROTO);
	check_fatal(INT64_MAX, WITH_EVENTFD, -EPROTO);
	/* A bell that could kill us with SIGPIPE. */
	check_fatal(4, WITH_PIPE, -EPROTO);
	check_fatal(OWN_ID, WITH_SHM, -EPROTO);
}

static void end_of_stream_keeps_what_is_known(void)
{
	struct client *client;
	int sock = open_client(&client);

	CU_ASSERT_EQUAL(script_say(sock, 9, WITH_EVENTFD), 0);
	CU_ASSERT_EQUAL(send(sock, "half", 4, 0), 4);
	close(sock);
	dispatch(client, -ECONNRESET);
	dispatch(client, -ECONNRESET);
	CU_ASSERT(client_peer_efd(client, 9, 0) >= 0);
	client_destroy(client);
}

static void no_callbacks_are_fine(void)
{
	struct server_opts opts = { .vectors_nr = 1 };
	struct client *client;
	struct room room;

	room_open(&room, opts);
	room_start(&room);
	CU_ASSERT_EQUAL_FATAL(
		client_connect(&client, room.path, ROOM_TIMEOUT_MS, NULL), 0);
	room_stop(&room);
	CU_ASSERT_EQUAL(client_dispatch(client), -ECONNRESET);
	client_destroy(client);
	client_destroy(NULL);
	room_close(&room);
}

static void no_server_is_an_error(void)
{
	char path[200] = { 0, WITH_NOTHING };
	struct client *client = NULL;

	memset(path, 'x', sizeof(path) - 1);
	CU_ASSERT_EQUAL(client_connect(&client, path, 10, &events), -EINVAL);
	CU_ASSERT_EQUAL(client_connect(&client, "", 10, &events), -EINVAL);
	CU_ASSERT_EQUAL(client_connect(&client, "/nowhere/s", 10, &events),
			-ENOENT);
	CU_ASSERT_PTR_NULL(client);
}

static const struct unit_test tests[] = {
	{ "handshake_yields_id_and_memory", handshake_yields_id_and_memory },
	{ "bad_handshake_is_an_error", bad_handshake_is_an_error },
	{ "server_that_stays_silent_is_etimedout",
	  server_that_stays_silent_is_etimedout },
	{ "peers_may_come_before_the_memory",
	  peers_may_come_before_the_memory },
	{ "vectors_are_numbered_as_they_come",
	  vectors_are_numbered_as_they_come },
	{ "vectors_beyond_the_limit_are_closed",
	  vectors_beyond_the_limit_are_closed },
	{ "byte_by_byte_and_coalesced_are_the_same",
	  byte_by_byte_and_coalesced_are_the_same },
	{ "leaving_closes_after_the_callback_and_id_may_return",
	  leaving_closes_after_the_callback_and_id_may_return },
	{ "leaving_of_unknown_or_self_is_ignored",
	  leaving_of_unknown_or_self_is_ignored },
	{ "message_out_of_place_is_eproto_once",
	  message_out_of_place_is_eproto_once },
	{ "end_of_stream_keeps_what_is_known",
	  end_of_stream_keeps_what_is_known },
	{ "no_callbacks_are_fine", no_callbacks_are_fine },
	{ "no_server_is_an_error", no_server_is_an_error },
};

UNIT_MAIN("client", tests)
