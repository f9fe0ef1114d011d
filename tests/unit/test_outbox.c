/* SPDX-License-Identifier: MIT */
/* test_outbox.c - does a message wait, and its eventfd live, long enough? */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/link/outbox.h"
#include "shm/link/server.h"
#include "shm/link/wire.h"
#include "tests/unit/harness.h"

static int socks[2];

static void open_pair(void)
{
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
}

static void close_pair(void)
{
	close(socks[0]);
	close(socks[1]);
}

static void expect(int64_t want, int with_fd)
{
	struct wire_reader reader = WIRE_READER_INIT;
	int64_t value = -2;
	int fd = -1;

	CU_ASSERT_EQUAL_FATAL(wire_receive(socks[1], &reader, &value, &fd), 1);
	CU_ASSERT_EQUAL(value, want);
	CU_ASSERT_EQUAL(fd >= 0, with_fd);
	if (fd >= 0)
		close(fd);
}

static void bells_are_closed_with_the_last_reference(void)
{
	struct outbox outbox = { 0 };
	struct bells *bells;
	int efd;

	open_pair();
	CU_ASSERT_EQUAL_FATAL(bells_create(&bells, 3), 0);
	efd = bells->efds[2];
	CU_ASSERT_EQUAL(fcntl(efd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT(fcntl(efd, F_GETFL) & O_NONBLOCK);
	CU_ASSERT_EQUAL(outbox_push_bells(&outbox, 9, bells), 0);
	bells_put(bells); /* the peer is gone, its introduction is not */
	CU_ASSERT_EQUAL(fcntl(efd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(outbox_flush(&outbox, socks[0]), 0);
	CU_ASSERT_EQUAL(fcntl(efd, F_GETFD), -1);
	for (int i = 0; i < 3; i++)
		expect(9, 1);
	outbox_destroy(&outbox);
	close_pair();
}

static void destroy_drops_what_still_waits(void)
{
	struct outbox outbox = { 0 };
	struct bells *bells;
	int efd;

	CU_ASSERT_EQUAL_FATAL(bells_create(&bells, 1), 0);
	efd = bells->efds[0];
	CU_ASSERT_EQUAL(outbox_push_bells(&outbox, 9, bells), 0);
	bells_put(bells);
	outbox_destroy(&outbox);
	CU_ASSERT_EQUAL(fcntl(efd, F_GETFD), -1);
	outbox_destroy(&outbox);
}

static void order_survives_growing_and_draining(void)
{
	struct outbox outbox = { 0 };
	int64_t pushed = 0;
	int64_t taken = 0;

	open_pair();
	/* Two in, one out: grows, wraps down, and never mixes up. */
	while (pushed < 4000) {
		CU_ASSERT_EQUAL(outbox_push(&outbox, pushed++, -1, NULL), 0);
		CU_ASSERT_EQUAL(outbox_push(&outbox, pushed++, -1, NULL), 0);
		(void)outbox_flush(&outbox, socks[0]);
		expect(taken++, 0);
	}
	while (taken < pushed) {
		(void)outbox_flush(&outbox, socks[0]);
		expect(taken++, 0);
	}
	CU_ASSERT_EQUAL(outbox_flush(&outbox, socks[0]), 0);
	outbox_destroy(&outbox);
	close_pair();
}

static void full_queue_is_enobufs(void)
{
	struct outbox outbox = { 0 };
	int err = 0;

	for (uint32_t i = 0; !err && i < SERVER_QUEUE_MAX; i++)
		err = outbox_push(&outbox, i, -1, NULL);
	CU_ASSERT_EQUAL(err, 0);
	CU_ASSERT_EQUAL(outbox_push(&outbox, 0, -1, NULL), -ENOBUFS);
	outbox_destroy(&outbox);
}

static void forget_takes_back_a_whole_introduction_only(void)
{
	struct outbox outbox = { 0 };
	struct bells *first;
	struct bells *second;
	int efd;

	open_pair();
	CU_ASSERT_EQUAL_FATAL(bells_create(&first, 2), 0);
	CU_ASSERT_EQUAL_FATAL(bells_create(&second, 2), 0);
	efd = second->efds[0];
	CU_ASSERT_FALSE(outbox_forget(&outbox, 1, 2));
	/* One of two is out: the rest has to follow. */
	CU_ASSERT_EQUAL(outbox_push(&outbox, 1, first->efds[1], first), 0);
	CU_ASSERT_EQUAL(outbox_push_bells(&outbox, 2, second), 0);
	CU_ASSERT_EQUAL(outbox_push(&outbox, 3, -1, NULL), 0);
	bells_put(first);
	bells_put(second);

	CU_ASSERT_FALSE(outbox_forget(&outbox, 1, 2));
	CU_ASSERT_TRUE(outbox_forget(&outbox, 2, 2));
	CU_ASSERT_EQUAL(fcntl(efd, F_GETFD), -1);
	CU_ASSERT_FALSE(outbox_forget(&outbox, 2, 2));
	/* A notice without a bell is no introduction. */
	CU_ASSERT_FALSE(outbox_forget(&outbox, 3, 1));
	CU_ASSERT_EQUAL(outbox_flush(&outbox, socks[0]), 0);
	expect(1, 1);
	expect(3, 0);
	outbox_destroy(&outbox);
	close_pair();
}

static const struct unit_test tests[] = {
	{ "bells_are_closed_with_the_last_reference",
	  bells_are_closed_with_the_last_reference },
	{ "destroy_drops_what_still_waits", destroy_drops_what_still_waits },
	{ "order_survives_growing_and_draining",
	  order_survives_growing_and_draining },
	{ "full_queue_is_enobufs", full_queue_is_enobufs },
	{ "forget_takes_back_a_whole_introduction_only",
	  forget_takes_back_a_whole_introduction_only },
};

UNIT_MAIN("outbox", tests)
