/* SPDX-License-Identifier: MIT */
/* test_p9_socket.c - messages in a stream: cut anywhere, many at once, never
 * taken. */
#include <poll.h>
#include <sys/socket.h>

#include "tests/unit/p9_server_room.h"
#include "vmm/files/p9_socket.h"
#include "vmm/files/p9_uring.h"

#define MSIZE (256u << 10)

static struct server_room s;
static struct p9_conn *conn;
static int peer = -1; /* the client's end */
static uint8_t out[4 * MSIZE], in[4 * MSIZE];
static uint32_t in_len;

static void conn_open_with(struct p9_io *io, uint32_t requests)
{
	struct p9_session_opts opts = { .exports = s.exports,
					.exports_nr = 1,
					.io = io,
					.limits = P9_LIMITS_DEFAULT };
	int pair[2];

	opts.limits.msize = MSIZE;
	opts.limits.requests = requests;
	CU_ASSERT_EQUAL_FATAL(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer = pair[0];
	CU_ASSERT_EQUAL_FATAL(p9_conn_create(&conn, pair[1], &opts), 0);
	in_len = 0;
}

static void conn_open(uint32_t requests)
{
	server_open(&s);
	conn_open_with(&s.io.io, requests);
}

static void conn_close(void)
{
	p9_conn_stop(conn);
	while (s.io.nr)
		held_go(&s.io, 0);
	CU_ASSERT_TRUE(p9_conn_over(conn));
	p9_conn_destroy(conn);
	if (peer >= 0)
		close(peer);
	server_close(&s);
}

/* Everything that has come for the client. */
static void take(void)
{
	ssize_t n;

	while ((n = recv(peer, in + in_len, sizeof(in) - in_len,
			 MSG_DONTWAIT)) > 0)
		in_len += (uint32_t)n;
}

/* The nr-th message that came; type 0: there is none. */
static struct p9_msg came(unsigned int nr)
{
	struct p9_msg msg = { 0 };
	uint32_t pos = 0;

	for (;;) {
		uint32_t size;

		if (in_len - pos < P9_HEAD_LEN)
			return msg;
		memcpy(&size, in + pos, sizeof(size));
		if (size > in_len - pos)
			return msg;
		if (!nr--) {
			CU_ASSERT_EQUAL(p9_decode(in + pos, size, &msg), 0);
			return msg;
		}
		pos += size;
	}
}

static uint32_t put(uint32_t pos, uint16_t tag, struct p9_msg msg)
{
	int len;

	msg.tag = tag;
	len = p9_encode(&msg, out + pos, (uint32_t)sizeof(out) - pos);
	CU_ASSERT_FATAL(len > 0);
	return pos + (uint32_t)len;
}

static struct p9_msg msg_version(uint32_t msize)
{
	return (struct p9_msg){ .type = P9_TVERSION,
				.tversion = { msize, str(P9_VERSION_L) } };
}

static struct p9_msg msg_walk(uint32_t newfid, const char *name)
{
	return (struct p9_msg){ .type = P9_TWALK,
				.twalk = { 0, newfid, { 1, { str(name) } } } };
}

static struct p9_msg msg_open(uint32_t fid, uint32_t flags)
{
	return (struct p9_msg){ .type = P9_TLOPEN, .tlopen = { fid, flags } };
}

/* Version, attach, and fid 1 as an open new file. */
static uint32_t put_begin(void)
{
	uint32_t len = put(0, P9_NOTAG, msg_version(MSIZE));

	len = put(len, 1,
		  (struct p9_msg){
			  .type = P9_TATTACH,
			  .tattach = { 0, P9_NOFID, str(""), str(""), 0 } });
	len = put(len, 2, msg_walk(1, "f"));
	return put(len, 3, msg_open(1, P9_OPEN_RDWR));
}

/* Send all, serving and taking what comes meanwhile. */
static void exchange(uint32_t len)
{
	uint32_t sent = 0;

	for (int idle = 0; idle < 4;) {
		ssize_t n = send(peer, out + sent, len - sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		uint32_t had = in_len;

		sent += n > 0 ? (uint32_t)n : 0;
		CU_ASSERT_FATAL(p9_conn_run(conn) >= 0);
		take();
		idle = sent == len && in_len == had ? idle + 1 : 0;
	}
}

static void begin(void)
{
	exchange(put_begin());
	CU_ASSERT_EQUAL_FATAL(came(3).type, P9_RLOPEN);
	in_len = 0;
}

static void messages_are_found_byte_by_byte(void)
{
	uint32_t len;

	conn_open(8);
	len = put_begin();
	for (uint32_t i = 0; i < len; i++) {
		CU_ASSERT_EQUAL(send(peer, out + i, 1, 0), 1);
		CU_ASSERT_EQUAL(p9_conn_run(conn), 0);
	}
	take();
	CU_ASSERT_EQUAL(came(0).type, P9_RVERSION);
	CU_ASSERT_EQUAL(came(3).type, P9_RLOPEN);
	CU_ASSERT_EQUAL(came(4).type, 0);
	conn_close();
}

static void messages_in_one_go_are_all_answered_in_one_run(void)
{
	uint32_t len;

	conn_open(8);
	len = put_begin();
	CU_ASSERT_EQUAL(send(peer, out, len, 0), (ssize_t)len);
	CU_ASSERT_EQUAL(p9_conn_run(conn), 0);
	take();
	CU_ASSERT_EQUAL(came(3).type, P9_RLOPEN);
	conn_close();
}

static void writes_and_reads_of_a_whole_msize_go_through(void)
{
	static uint8_t data[MSIZE];
	struct p9_msg write = { .type = P9_TWRITE, .twrite = { .fid = 1 } };

	conn_open(8);
	begin();
	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 24);
	write.twrite.data = (struct p9_data){ MSIZE - P9_TWRITE_HEAD_LEN,
					      data };
	exchange(put(0, 5, write));
	CU_ASSERT_EQUAL_FATAL(came(0).type, P9_RWRITE);
	CU_ASSERT_EQUAL(came(0).rwrite.count, MSIZE - P9_TWRITE_HEAD_LEN);
	in_len = 0;
	exchange(put(0, 5, msg_read(1, 0, MSIZE - P9_RREAD_HEAD_LEN)));
	CU_ASSERT_EQUAL_FATAL(came(0).type, P9_RREAD);
	CU_ASSERT_EQUAL(came(0).rread.data.count, MSIZE - P9_TWRITE_HEAD_LEN);
	CU_ASSERT(!memcmp(came(0).rread.data.bytes, data,
			  MSIZE - P9_TWRITE_HEAD_LEN));
	conn_close();
}

static void expect_end(uint32_t len, int want)
{
	int ret;

	CU_ASSERT_EQUAL(send(peer, out, len, 0), (ssize_t)len);
	do {
		ret = p9_conn_run(conn);
	} while (ret > 0);
	CU_ASSERT_EQUAL(ret, want);
	CU_ASSERT_EQUAL(p9_conn_events(conn), 0);
	CU_ASSERT_EQUAL(p9_conn_run(conn), -ECONNRESET);
}

static void size_that_cannot_be_ends_the_connection(void)
{
	static const uint32_t sizes[] = { 0, P9_HEAD_LEN - 1, MSIZE + 1,
					  UINT32_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		conn_open(8);
		begin();
		memset(out, 0, 64);
		memcpy(out, &sizes[i], sizeof(sizes[i]));
		expect_end(P9_HEAD_LEN, -EPROTO);
		conn_close();
	}
	/* Before Tversion messages are small. */
	conn_open(8);
	memset(out, 0, 64);
	out[1] = 0x20;
	expect_end(P9_HEAD_LEN, -EPROTO);
	conn_close();
}

static void what_came_before_the_fault_is_answered(void)
{
	uint32_t len;

	conn_open(8);
	len = put_begin();
	memset(out + len, 0, 8);
	expect_end(len + 8, -EPROTO);
	take();
	CU_ASSERT_EQUAL(came(3).type, P9_RLOPEN);
	conn_close();
}

static void client_that_leaves_is_told(void)
{
	conn_open(8);
	begin();
	CU_ASSERT_EQUAL(send(peer, out, 3, 0), 3); /* in the middle of it */
	close(peer);
	peer = -1;
	/* The bytes; that there will be no more is an event of its own. */
	CU_ASSERT_EQUAL(p9_conn_run(conn), 0);
	CU_ASSERT_EQUAL(p9_conn_events(conn), POLLIN);
	CU_ASSERT_EQUAL(p9_conn_run(conn), -ECONNRESET);
	CU_ASSERT_TRUE(p9_conn_over(conn));
	conn_close();
}

static void connection_ends_when_what_is_under_way_has_ended(void)
{
	conn_open(8);
	begin();
	s.io.holds = true;
	exchange(put(put(0, 5, msg_read(1, 0, 3)), 6, msg_read(1, 0, 65000)));
	CU_ASSERT_EQUAL(s.io.nr, 2);
	close(peer);
	peer = -1;
	CU_ASSERT_EQUAL(p9_conn_run(conn), -ECONNRESET);
	CU_ASSERT_TRUE(p9_conn_stopped(conn));
	CU_ASSERT_FALSE(p9_conn_over(conn));
	held_go(&s.io, 1);
	CU_ASSERT_FALSE(p9_conn_over(conn));
	held_go(&s.io, 0);
	CU_ASSERT_TRUE(p9_conn_over(conn));
	conn_close();
}

static void replies_that_come_later_are_ready_to_be_sent(void)
{
	uint32_t len;

	conn_open(8);
	begin();
	s.io.holds = true;
	exchange(put(0, 5, msg_read(1, 0, 5)));
	CU_ASSERT_FALSE(p9_conn_ready(conn));
	held_go(&s.io, 0);
	CU_ASSERT_TRUE(p9_conn_ready(conn));
	/* What else has come is not looked at. */
	len = put(0, 6, msg_walk(2, "f"));
	CU_ASSERT_EQUAL(send(peer, out, len, 0), (ssize_t)len);
	CU_ASSERT_EQUAL(p9_conn_answer(conn), 0);
	CU_ASSERT_FALSE(p9_conn_ready(conn));
	take();
	CU_ASSERT_EQUAL(came(0).type, P9_RREAD);
	CU_ASSERT_EQUAL(came(1).type, 0);
	CU_ASSERT_EQUAL(p9_conn_run(conn), 0);
	take();
	CU_ASSERT_EQUAL(came(1).type, P9_RWALK);
	conn_close();
}

static void nothing_is_read_from_who_has_enough_under_way(void)
{
	uint32_t len = 0;

	conn_open(4);
	begin();
	s.io.holds = true;
	for (uint16_t i = 0; i < 10; i++)
		len = put(len, i, msg_read(1, 0, 5));
	exchange(len);
	CU_ASSERT_EQUAL(s.io.nr, 4);
	CU_ASSERT_EQUAL(p9_conn_events(conn), 0);
	for (int i = 0; i < 10; i++) {
		held_go(&s.io, 0);
		CU_ASSERT_EQUAL(p9_conn_run(conn), 0);
	}
	take();
	CU_ASSERT_EQUAL(came(9).type, P9_RREAD);
	CU_ASSERT_EQUAL(p9_conn_events(conn), POLLIN);
	conn_close();
}

static void client_that_reads_nothing_waits_for_itself(void)
{
	uint32_t len, taken = 0, sent = 0;

	conn_open(16);
	begin();
	exchange(put(0, 5,
		     (struct p9_msg){ .type = P9_TSETATTR,
				      .tsetattr = { .fid = 1,
						    .valid = P9_SETATTR_SIZE,
						    .size = 1 << 20 } }));
	in_len = 0;
	/* 64 answers of 64 KiB, far more than a socket holds. */
	len = 0;
	for (uint16_t i = 0; i < 64; i++)
		len = put(len, i, msg_read(1, 0, 65000));
	while (sent < len) {
		ssize_t n = send(peer, out + sent, len - sent, 0);

		CU_ASSERT_FATAL(n > 0);
		sent += (uint32_t)n;
	}
	for (int i = 0; i < 100; i++)
		CU_ASSERT(p9_conn_run(conn) >= 0);
	CU_ASSERT_EQUAL(p9_conn_events(conn), POLLOUT);
	/* At last it does. */
	for (int i = 0; i < 10000 && taken < 64 * (65000u + 11); i++) {
		in_len = 0;
		take();
		taken += in_len;
		CU_ASSERT_FATAL(p9_conn_run(conn) >= 0);
	}
	CU_ASSERT_EQUAL(taken, 64 * (65000u + 11));
	conn_close();
}

static void turn_ends_for_the_others_sake(void)
{
	const struct p9_msg msg = { .type = P9_TGETATTR, .tgetattr = { 0, 1 } };
	uint32_t len = 0;
	int ret, turns_nr = 1;

	conn_open(64);
	begin();
	for (uint16_t i = 0; i < 300; i++)
		len = put(len, i, msg);
	CU_ASSERT_EQUAL(send(peer, out, len, 0), (ssize_t)len);
	while ((ret = p9_conn_run(conn)) == 1) {
		turns_nr++;
		take();
	}
	CU_ASSERT_EQUAL(ret, 0);
	CU_ASSERT(turns_nr >= 4);
	take();
	CU_ASSERT_EQUAL(came(299).type, P9_RGETATTR);
	conn_close();
}

/* The whole way: socket, session, ring, file. */
static void reads_and_writes_go_through_a_ring(void)
{
	struct p9_uring *uring;
	uint32_t len = 0;
	int err = p9_uring_create(&uring, 8);

	if (err) {
		unit_skip("no io_uring here");
		return;
	}
	server_open(&s);
	conn_open_with(p9_uring_io(uring), 64);
	begin();
	for (uint16_t i = 0; i < 40; i++)
		len = put(len, i,
			  (struct p9_msg){ .type = P9_TWRITE,
					   .twrite = { 1, i, { 1, out } } });
	for (uint16_t i = 0; i < 10; i++)
		len = put(len, 50 + i, msg_read(1, 0, 5));
	exchange(len);
	for (int i = 0; i < 100 && came(49).type == 0; i++) {
		p9_uring_drain(uring);
		CU_ASSERT(p9_conn_run(conn) >= 0);
		take();
	}
	for (unsigned int i = 0; i < 50; i++)
		CU_ASSERT(came(i).type == P9_RREAD ||
			  came(i).type == P9_RWRITE);
	/* And one that leaves in the middle of it. */
	exchange(put(put(0, 1, msg_read(1, 0, 5)), 2, msg_read(1, 0, 5)));
	p9_conn_stop(conn);
	p9_uring_drain(uring);
	CU_ASSERT_TRUE(p9_conn_over(conn));
	conn_close();
	p9_uring_destroy(uring);
}

static const struct unit_test tests[] = {
	{ "messages_are_found_byte_by_byte", messages_are_found_byte_by_byte },
	{ "messages_in_one_go_are_all_answered_in_one_run",
	  messages_in_one_go_are_all_answered_in_one_run },
	{ "writes_and_reads_of_a_whole_msize_go_through",
	  writes_and_reads_of_a_whole_msize_go_through },
	{ "size_that_cannot_be_ends_the_connection",
	  size_that_cannot_be_ends_the_connection },
	{ "what_came_before_the_fault_is_answered",
	  what_came_before_the_fault_is_answered },
	{ "client_that_leaves_is_told", client_that_leaves_is_told },
	{ "connection_ends_when_what_is_under_way_has_ended",
	  connection_ends_when_what_is_under_way_has_ended },
	{ "replies_that_come_later_are_ready_to_be_sent",
	  replies_that_come_later_are_ready_to_be_sent },
	{ "nothing_is_read_from_who_has_enough_under_way",
	  nothing_is_read_from_who_has_enough_under_way },
	{ "client_that_reads_nothing_waits_for_itself",
	  client_that_reads_nothing_waits_for_itself },
	{ "turn_ends_for_the_others_sake", turn_ends_for_the_others_sake },
	{ "reads_and_writes_go_through_a_ring",
	  reads_and_writes_go_through_a_ring },
};

UNIT_MAIN("p9_socket", tests)
