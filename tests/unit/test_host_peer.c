/* SPDX-License-Identifier: MIT */
/* test_host_peer.c - is a host process a peer like any other? */
#include <stdatomic.h>

#include "shm/err.h"
#include "shm/link/host_peer.h"
#include "tests/unit/link_room.h"

#define VECTORS_NR 2
#define LONG_NS	   (ROOM_TIMEOUT_MS * 1000000ull)

static const struct server_opts opts = { .vectors_nr = VECTORS_NR };

static struct room lab;
static struct host_peer *hosts[2];
static struct peer *peers[2];

static void join(int i)
{
	CU_ASSERT_EQUAL_FATAL(host_peer_open(&hosts[i], lab.path, VECTORS_NR,
					     ROOM_TIMEOUT_MS),
			      0);
	peers[i] = host_peer_peer(hosts[i]);
}

static void open_two(void)
{
	room_open(&lab, opts);
	room_start(&lab);
	join(0);
	join(1);
}

static void close_two(void)
{
	for (int i = 0; i < 2; i++) {
		host_peer_close(hosts[i]);
		hosts[i] = NULL;
	}
	room_close(&lab);
}

static void open_fills_in_the_peer(void)
{
	open_two();
	for (uint32_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(peers[i]->id, i);
		CU_ASSERT_EQUAL(peers[i]->region_len, ROOM_SHM_LEN);
		CU_ASSERT_EQUAL(peers[i]->vectors_nr, VECTORS_NR);
	}
	memcpy(peers[0]->region, "shared", sizeof("shared"));
	CU_ASSERT_STRING_EQUAL(peers[1]->region, "shared");
	close_two();
}

static void notify_wakes_each_vector_both_ways(void)
{
	open_two();
	for (uint32_t from = 0; from < 2; from++) {
		struct peer *to = peers[1 - from];

		for (uint32_t v = 0; v < VECTORS_NR; v++) {
			CU_ASSERT_EQUAL(peer_wait(to, v, 0), -SHM_ETIMEDOUT);
			/* Peer 0 learns of peer 1 only by this call. */
			CU_ASSERT_EQUAL(peer_notify(peers[from], to->id, v), 0);
			CU_ASSERT_EQUAL(peer_wait(to, 1 - v, 0),
					-SHM_ETIMEDOUT);
			CU_ASSERT_EQUAL(peer_wait(to, v, LONG_NS), 0);
		}
		CU_ASSERT_EQUAL(peers[from]->doorbells_nr, VECTORS_NR);
	}
	close_two();
}

static void notify_of_oneself_works(void)
{
	open_two();
	CU_ASSERT_EQUAL(peer_notify(peers[1], peers[1]->id, 1), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 1, 0), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[0], 1, 0), -SHM_ETIMEDOUT);
	close_two();
}

static void notify_of_nobody_does_nothing(void)
{
	open_two();
	CU_ASSERT_EQUAL(peer_notify(peers[0], 77, 0), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], PEER_ID_MAX, 0), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], UINT32_MAX, 0), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], 1, VECTORS_NR), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], 1, UINT32_MAX), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], 0, VECTORS_NR), 0);
	for (uint32_t v = 0; v < VECTORS_NR; v++)
		CU_ASSERT_EQUAL(peer_wait(peers[1], v, 0), -SHM_ETIMEDOUT);
	close_two();
}

static void events_coalesce_and_wait_from_before_the_call(void)
{
	open_two();
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(peer_notify(peers[0], 1, 0), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, 0), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(peers[1]->sleeps_nr, 0);
	close_two();
}

static void wait_times_out_not_before_its_time(void)
{
	uint64_t before_ns;

	open_two();
	before_ns = peer_now_ns(peers[0]);
	CU_ASSERT_EQUAL(peer_wait(peers[0], 0, 20000000), -SHM_ETIMEDOUT);
	CU_ASSERT(peer_now_ns(peers[0]) - before_ns >= 20000000);
	CU_ASSERT_EQUAL(peers[0]->sleeps_nr, 1);
	close_two();
}

static void wait_for_a_vector_one_has_not_is_eio(void)
{
	open_two();
	CU_ASSERT_EQUAL(peer_wait(peers[0], VECTORS_NR, 0), -SHM_EIO);
	CU_ASSERT_EQUAL(peer_wait(peers[0], UINT32_MAX, 0), -SHM_EIO);
	close_two();
}

static void *ring_thread(void *arg)
{
	(void)arg;
	/* Long enough that the other mostly sleeps; right either way. */
	(void)poll(NULL, 0, 20);
	return peer_notify(peers[0], 1, 0) ? arg : NULL;
}

static void wait_forever_ends_with_a_ring(void)
{
	pthread_t thread;

	open_two();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, ring_thread, &lab),
			      0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, PEER_WAIT_FOREVER), 0);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	close_two();
}

/* Peers that come and go while wait() sleeps are taken in, not woken by. */
static void *churn_thread(void *arg)
{
	struct host_peer *host;

	for (int i = 0; i < 20; i++) {
		if (host_peer_open(&host, lab.path, VECTORS_NR,
				   ROOM_TIMEOUT_MS))
			break;
		/* Unknown to peer 0, so this looks at the link too. */
		(void)peer_notify(peers[0], 77, 0);
		host_peer_close(host);
	}
	(void)peer_notify(peers[0], 1, 0);
	return arg;
}

static void wait_takes_in_link_messages_and_sleeps_on(void)
{
	pthread_t thread;

	open_two();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, churn_thread, NULL),
			      0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, LONG_NS), 0);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	CU_ASSERT(peers[1]->sleeps_nr <= 1);
	close_two();
}

static void notify_from_another_thread_while_waiting_is_safe(void)
{
	pthread_t thread;

	open_two();
	/* It rings through peer 0, which waits itself: one link, two users. */
	CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, churn_thread, NULL),
			      0);
	CU_ASSERT_EQUAL(peer_wait(peers[0], 1, 30000000), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, LONG_NS), 0);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	close_two();
}

static void known_peers_still_ring_when_the_server_is_gone(void)
{
	open_two();
	CU_ASSERT_EQUAL(peer_notify(peers[0], 1, 0), 0);
	room_stop(&lab);
	/* Takes note of the end while it waits, and keeps its time. */
	CU_ASSERT_EQUAL(peer_wait(peers[0], 0, 1000000), -SHM_ETIMEDOUT);
	CU_ASSERT_EQUAL(peer_notify(peers[0], 1, 1), 0);
	CU_ASSERT_EQUAL(peer_notify(peers[0], 7, 1), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 1, LONG_NS), 0);
	CU_ASSERT_EQUAL(peer_wait(peers[1], 0, LONG_NS), 0);
	close_two();
}

static void full_counter_is_a_ring_all_the_same(void)
{
	uint64_t count = UINT64_MAX - 1; /* one more would block */
	int sock;
	int efd;

	room_open(&lab, opts);
	sock = raw_connect(&lab);
	raw_expect_greeting(&lab, sock, 0);
	efd = raw_expect(&lab, sock, 0, 1);
	raw_expect_vectors(&lab, sock, 0, VECTORS_NR - 1);
	CU_ASSERT_EQUAL(eventfd_write(efd, count), 0);
	room_start(&lab);
	join(1);
	CU_ASSERT_EQUAL(peer_notify(peers[1], 0, 0), 0);
	CU_ASSERT_EQUAL(eventfd_read(efd, &count), 0);
	CU_ASSERT_EQUAL(count, UINT64_MAX - 1);
	close(efd);
	close(sock);
	close_two();
}

static void open_with_impossible_vectors_is_an_error(void)
{
	struct host_peer *host = NULL;

	room_open(&lab, opts);
	room_start(&lab);
	CU_ASSERT_EQUAL(
		host_peer_open(&host, lab.path, IVSHMEM_VECTORS_MAX + 1, 10),
		-EINVAL);
	/* They never come. */
	CU_ASSERT_EQUAL(host_peer_open(&host, lab.path, VECTORS_NR + 1, 50),
			-ETIMEDOUT);
	CU_ASSERT_PTR_NULL(host);
	CU_ASSERT_EQUAL_FATAL(
		host_peer_open(&host, lab.path, 0, ROOM_TIMEOUT_MS), 0);
	CU_ASSERT_EQUAL(host_peer_peer(host)->vectors_nr, 0);
	CU_ASSERT_EQUAL(peer_wait(host_peer_peer(host), 0, 0), -SHM_EIO);
	host_peer_close(host);
	host_peer_close(NULL);
	room_close(&lab);
}

static void last_vectors_of_all_can_be_rung(void)
{
	struct host_peer *peer;
	struct room room;

	room_open(&room, (struct server_opts){ .vectors_nr = 2 });
	room_start(&room);
	CU_ASSERT_EQUAL_FATAL(
		host_peer_open(&peer, room.path, 2, ROOM_TIMEOUT_MS), 0);
	CU_ASSERT_EQUAL(peer_wait(host_peer_peer(peer), 1, 0), -SHM_ETIMEDOUT);
	/* The server belongs to one thread at a time: take it from its own. */
	CU_ASSERT_EQUAL(eventfd_write(room.stop_efd, 1), 0);
	CU_ASSERT_EQUAL(pthread_join(room.thread, NULL), 0);
	close(room.stop_efd);
	room.stop_efd = -1;
	server_ring_all(room.server);
	CU_ASSERT_EQUAL(peer_wait(host_peer_peer(peer), 1,
				  ROOM_TIMEOUT_MS * 1000000ull),
			0);
	CU_ASSERT_EQUAL(peer_wait(host_peer_peer(peer), 0, 0), -SHM_ETIMEDOUT);
	host_peer_close(peer);
	room_close(&room);
}

static const struct unit_test tests[] = {
	{ "last_vectors_of_all_can_be_rung", last_vectors_of_all_can_be_rung },
	{ "open_fills_in_the_peer", open_fills_in_the_peer },
	{ "notify_wakes_each_vector_both_ways",
	  notify_wakes_each_vector_both_ways },
	{ "notify_of_oneself_works", notify_of_oneself_works },
	{ "notify_of_nobody_does_nothing", notify_of_nobody_does_nothing },
	{ "events_coalesce_and_wait_from_before_the_call",
	  events_coalesce_and_wait_from_before_the_call },
	{ "wait_times_out_not_before_its_time",
	  wait_times_out_not_before_its_time },
	{ "wait_for_a_vector_one_has_not_is_eio",
	  wait_for_a_vector_one_has_not_is_eio },
	{ "wait_forever_ends_with_a_ring", wait_forever_ends_with_a_ring },
	{ "wait_takes_in_link_messages_and_sleeps_on",
	  wait_takes_in_link_messages_and_sleeps_on },
	{ "notify_from_another_thread_while_waiting_is_safe",
	  notify_from_another_thread_while_waiting_is_safe },
	{ "known_peers_still_ring_when_the_server_is_gone",
	  known_peers_still_ring_when_the_server_is_gone },
	{ "full_counter_is_a_ring_all_the_same",
	  full_counter_is_a_ring_all_the_same },
	{ "open_with_impossible_vectors_is_an_error",
	  open_with_impossible_vectors_is_an_error },
};

UNIT_MAIN("host_peer", tests)
