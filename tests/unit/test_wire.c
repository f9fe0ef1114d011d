/* SPDX-License-Identifier: MIT */
/* test_wire.c - is a message the same on both ends, however it travels? */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/link/wire.h"
#include "tests/unit/harness.h"

static int socks[2]; /* [0] sends, [1] receives */

static void open_pair(void)
{
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks), 0);
}

static void close_pair(void)
{
	for (int i = 0; i < 2; i++) {
		if (socks[i] >= 0)
			close(socks[i]);
		socks[i] = -1;
	}
}

/* Send bytes with fds_nr copies of fd in one control message. */
static void send_bytes(const void *bytes, size_t len, int fd, size_t fds_nr)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds_nr) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fds_nr * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(fds_nr * sizeof(int));
		for (size_t i = 0; i < fds_nr; i++)
			memcpy(CMSG_DATA(&control.align) + i * sizeof(int), &fd,
			       sizeof(int));
	}
	CU_ASSERT_EQUAL_FATAL(sendmsg(socks[0], &msg, 0), (ssize_t)len);
}

static void expect(struct wire_reader *reader, int64_t want, int with_fd)
{
	int64_t value = -2;
	int fd = -1;

	CU_ASSERT_EQUAL_FATAL(wire_receive(socks[1], reader, &value, &fd), 1);
	CU_ASSERT_EQUAL(value, want);
	CU_ASSERT_EQUAL(fd >= 0, with_fd);
	if (fd >= 0)
		close(fd);
}

static void expect_result(struct wire_reader *reader, int want)
{
	int64_t value;
	int fd;

	CU_ASSERT_EQUAL(wire_receive(socks[1], reader, &value, &fd), want);
}

static void value_survives_the_round_trip(void)
{
	static const int64_t values[] = { 0,	 1,	    -1,	      65535,
					  65536, INT64_MIN, INT64_MAX };
	struct wire_reader reader = WIRE_READER_INIT;

	open_pair();
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		CU_ASSERT_EQUAL(wire_send(socks[0], values[i], -1), 0);
		expect(&reader, values[i], 0);
	}
	expect_result(&reader, 0);
	close_pair();
}

static void value_is_little_endian_on_the_wire(void)
{
	static const uint8_t want[] = { 8, 7, 6, 5, 4, 3, 2, 0x81 };
	uint8_t got[9];

	open_pair();
	CU_ASSERT_EQUAL(wire_send(socks[0], (int64_t)0x8102030405060708ull, -1),
			0);
	CU_ASSERT_EQUAL(recv(socks[1], got, sizeof(got), MSG_DONTWAIT), 8);
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
	close_pair();
}

static void byte_by_byte_is_one_message(void)
{
	static const uint8_t bytes[] = { 1, 2, 0, 0, 0, 0, 0, 0 };
	struct wire_reader reader = WIRE_READER_INIT;

	open_pair();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 7; i++) {
			send_bytes(bytes + i, 1, -1, 0);
			expect_result(&reader, 0);
		}
		send_bytes(bytes + 7, 1, -1, 0);
		expect(&reader, 0x201, 0);
	}
	close_pair();
}

static void coalesced_messages_come_apart(void)
{
	uint8_t bytes[24] = { 0 };
	struct wire_reader reader = WIRE_READER_INIT;

	bytes[8] = 3;
	memset(bytes + 16, 0xff, 8);
	open_pair();
	send_bytes(bytes, sizeof(bytes), -1, 0);
	expect(&reader, 0, 0);
	expect(&reader, 3, 0);
	expect(&reader, -1, 0);
	expect_result(&reader, 0);
	close_pair();
}

static void fd_arrives_with_its_message_close_on_exec(void)
{
	struct wire_reader reader = WIRE_READER_INIT;
	int efd = eventfd(0, EFD_NONBLOCK);
	int64_t value;
	uint64_t count;
	int fd;

	open_pair();
	CU_ASSERT_EQUAL(wire_send(socks[0], 5, -1), 0);
	CU_ASSERT_EQUAL(wire_send(socks[0], 6, efd), 0);
	CU_ASSERT_EQUAL(wire_send(socks[0], 7, -1), 0);
	expect(&reader, 5, 0);
	CU_ASSERT_EQUAL_FATAL(wire_receive(socks[1], &reader, &value, &fd), 1);
	CU_ASSERT_EQUAL(value, 6);
	CU_ASSERT_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CU_ASSERT_EQUAL(eventfd_write(fd, 3), 0);
	CU_ASSERT_EQUAL(eventfd_read(efd, &count), 0);
	CU_ASSERT_EQUAL(count, 3);
	expect(&reader, 7, 0);
	close(fd);
	close(efd);
	close_pair();
}

static void fd_on_a_later_byte_belongs_to_that_message(void)
{
	static const uint8_t bytes[] = { 9, 0, 0, 0, 0, 0, 0, 0 };
	struct wire_reader reader = WIRE_READER_INIT;

	open_pair();
	send_bytes(bytes, 3, -1, 0);
	send_bytes(bytes + 3, 5, socks[0], 1);
	send_bytes(bytes, 8, -1, 0);
	expect(&reader, 9, 1);
	expect(&reader, 9, 0);
	close_pair();
}

static void several_fds_at_once_are_eproto_and_closed(void)
{
	static const uint8_t bytes[WIRE_MSG_LEN];

	/* 3 and more do not fit the receiver's buffer: the kernel's case. */
	for (size_t fds_nr = 2; fds_nr <= 8; fds_nr++) {
		struct wire_reader reader = WIRE_READER_INIT;

		open_pair();
		send_bytes(bytes, sizeof(bytes), socks[0], fds_nr);
		expect_result(&reader, -EPROTO);
		CU_ASSERT_EQUAL(reader.fd, -1);
		close_pair();
	}
}

static void second_fd_on_a_later_byte_is_eproto(void)
{
	static const uint8_t bytes[WIRE_MSG_LEN];
	struct wire_reader reader = WIRE_READER_INIT;

	open_pair();
	send_bytes(bytes, 4, socks[0], 1);
	expect_result(&reader, 0);
	send_bytes(bytes, 4, socks[0], 1);
	expect_result(&reader, -EPROTO);
	CU_ASSERT_EQUAL(reader.fd, -1);
	close_pair();
}

static void end_of_stream_is_econnreset(void)
{
	static const uint8_t bytes[WIRE_MSG_LEN];

	/* After nothing, in the middle of a message, behind a whole one. */
	for (size_t len = 0; len <= sizeof(bytes); len += 4) {
		struct wire_reader reader = WIRE_READER_INIT;

		open_pair();
		if (len)
			send_bytes(bytes, len, -1, 0);
		close(socks[0]);
		socks[0] = -1;
		if (len == sizeof(bytes))
			expect(&reader, 0, 0);
		expect_result(&reader, -ECONNRESET);
		close_pair();
	}
}

static void reader_destroy_closes_the_fd_of_half_a_message(void)
{
	static const uint8_t bytes[WIRE_MSG_LEN];
	struct wire_reader reader = WIRE_READER_INIT;
	int held_fd;

	open_pair();
	send_bytes(bytes, 4, socks[0], 1);
	expect_result(&reader, 0);
	held_fd = reader.fd;
	CU_ASSERT(held_fd >= 0);
	wire_reader_destroy(&reader);
	CU_ASSERT_EQUAL(fcntl(held_fd, F_GETFD), -1);
	CU_ASSERT_EQUAL(reader.fd, -1);
	wire_reader_destroy(&reader);
	close_pair();
}

static void send_to_full_socket_is_eagain_and_loses_nothing(void)
{
	struct wire_reader reader = WIRE_READER_INIT;
	int64_t sent_nr = 0;
	int err;

	open_pair();
	while ((err = wire_send(socks[0], sent_nr, socks[1])) == 0)
		sent_nr++;
	CU_ASSERT_EQUAL(err, -EAGAIN);
	CU_ASSERT(sent_nr > 1);
	for (int64_t i = 0; i < sent_nr; i++)
		expect(&reader, i, 1);
	expect_result(&reader, 0);
	CU_ASSERT_EQUAL(wire_send(socks[0], 1, -1), 0);
	close_pair();
}

static void send_to_closed_socket_is_epipe_without_a_signal(void)
{
	open_pair();
	close(socks[1]);
	socks[1] = -1;
	CU_ASSERT_EQUAL(wire_send(socks[0], 1, -1), -EPIPE);
	close_pair();
}

static void send_of_bad_fd_is_ebadf(void)
{
	open_pair();
	CU_ASSERT_EQUAL(wire_send(socks[0], 1, 1 << 20), -EBADF);
	close_pair();
}

static void receive_without_free_descriptors_is_emfile(void)
{
	struct wire_reader reader = WIRE_READER_INIT;
	struct rlimit old;
	struct rlimit none;

	open_pair();
	CU_ASSERT_EQUAL(wire_send(socks[0], 1, socks[0]), 0);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0; /* what is open stays open */
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	expect_result(&reader, -EMFILE);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &old), 0);
	close_pair();
}

static const struct unit_test tests[] = {
	{ "value_survives_the_round_trip", value_survives_the_round_trip },
	{ "value_is_little_endian_on_the_wire",
	  value_is_little_endian_on_the_wire },
	{ "byte_by_byte_is_one_message", byte_by_byte_is_one_message },
	{ "coalesced_messages_come_apart", coalesced_messages_come_apart },
	{ "fd_arrives_with_its_message_close_on_exec",
	  fd_arrives_with_its_message_close_on_exec },
	{ "fd_on_a_later_byte_belongs_to_that_message",
	  fd_on_a_later_byte_belongs_to_that_message },
	{ "several_fds_at_once_are_eproto_and_closed",
	  several_fds_at_once_are_eproto_and_closed },
	{ "second_fd_on_a_later_byte_is_eproto",
	  second_fd_on_a_later_byte_is_eproto },
	{ "end_of_stream_is_econnreset", end_of_stream_is_econnreset },
	{ "reader_destroy_closes_the_fd_of_half_a_message",
	  reader_destroy_closes_the_fd_of_half_a_message },
	{ "send_to_full_socket_is_eagain_and_loses_nothing",
	  send_to_full_socket_is_eagain_and_loses_nothing },
	{ "send_to_closed_socket_is_epipe_without_a_signal",
	  send_to_closed_socket_is_epipe_without_a_signal },
	{ "send_of_bad_fd_is_ebadf", send_of_bad_fd_is_ebadf },
	{ "receive_without_free_descriptors_is_emfile",
	  receive_without_free_descriptors_is_emfile },
};

UNIT_MAIN("wire", tests)
