/* SPDX-License-Identifier: MIT */
/* test_p9_server_flush.c - requests under way: order, tags, cancellation. */
#include "tests/unit/p9_server_room.h"

static struct server_room s;
static struct ask asks[4];

/* Fid 1 is an open file of ten bytes, and nothing ends by itself. */
static void open_held(struct p9_limits limits)
{
	server_open_with(&s, (struct share_opts){ .mode = SHARE_COW }, limits);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), 0);
	CU_ASSERT_EQUAL(ask_create(&s, 1, "file", P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "0123456789"), 0);
	s.io.holds = true;
}

static struct p9_msg tagged(uint16_t tag, struct p9_msg msg)
{
	msg.tag = tag;
	return msg;
}

static struct p9_msg msg_flush(uint16_t tag, uint16_t oldtag)
{
	return (struct p9_msg){ .type = P9_TFLUSH,
				.tag = tag,
				.tflush = { oldtag } };
}

static struct p9_limits one_at_a_time(void)
{
	struct p9_limits limits = server_limits();

	limits.io_nr = 1;
	return limits;
}

static void replies_come_in_the_order_in_which_files_are_ready(void)
{
	open_held(server_limits());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], tagged(11, msg_read(1, 3, 3)));
	CU_ASSERT_EQUAL(s.io.nr, 2);
	/* Others are served meanwhile. */
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "f"), 0);
	held_go(&s.io, 1);
	CU_ASSERT_FALSE(asks[0].over);
	CU_ASSERT_TRUE_FATAL(asks[1].over);
	CU_ASSERT_EQUAL(asks[1].reply.tag, 11);
	CU_ASSERT_NSTRING_EQUAL(asks[1].reply.rread.data.bytes, "345", 3);
	held_go(&s.io, 0);
	CU_ASSERT_TRUE_FATAL(asks[0].over);
	CU_ASSERT_NSTRING_EQUAL(asks[0].reply.rread.data.bytes, "012", 3);
	server_close(&s);
}

static void tag_of_another_request_is_eproto_and_harms_neither(void)
{
	open_held(server_limits());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], tagged(10, msg_read(1, 3, 3)));
	CU_ASSERT_TRUE_FATAL(asks[1].over);
	CU_ASSERT_EQUAL(asks[1].reply.rlerror.ecode, EPROTO);
	CU_ASSERT_EQUAL(s.io.nr, 1);
	/* Its end must not have freed the other's tag. */
	ask_begin(&s, &asks[1], tagged(10, msg_read(1, 3, 3)));
	CU_ASSERT_EQUAL(asks[1].reply.rlerror.ecode, EPROTO);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[0].reply.type, P9_RREAD);
	s.io.holds = false;
	EXPECT_OK(&s, .type = P9_TREAD, .tag = 10, .tread = { 1, 0, 3 });
	ask_begin(&s, &asks[0], tagged(P9_NOTAG, msg_read(1, 0, 3)));
	CU_ASSERT_EQUAL(asks[0].reply.rlerror.ecode, EPROTO);
	server_close(&s);
}

static void fid_clunked_under_a_read_lives_until_its_end(void)
{
	open_held(server_limits());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 10)));
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0); /* the number is free */
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL_FATAL(asks[0].reply.type, P9_RREAD);
	CU_ASSERT_NSTRING_EQUAL(asks[0].reply.rread.data.bytes, "0123456789",
				10);
	s.io.holds = false;
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 10), "hello");
	server_close(&s);
}

static void flushed_in_the_queue_is_dropped_and_has_no_effect(void)
{
	open_held(one_at_a_time());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], tagged(11, msg_write(1, 0, "XXX")));
	ask_begin(&s, &asks[2], tagged(12, msg_write(1, 9, "Y")));
	CU_ASSERT_EQUAL(s.io.nr, 1);
	ask_begin(&s, &asks[3], msg_flush(13, 11));
	CU_ASSERT_TRUE(asks[1].over);
	CU_ASSERT_EQUAL(asks[1].reply_len, 0);
	CU_ASSERT_TRUE(asks[3].over);
	CU_ASSERT_EQUAL(asks[3].reply.type, P9_RFLUSH);
	held_go(&s.io, 0);
	held_go(&s.io, 0); /* the one behind it */
	CU_ASSERT_EQUAL(asks[2].reply.type, P9_RWRITE);
	s.io.holds = false;
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 20), "012345678Y");
	server_close(&s);
}

static void flushed_last_in_the_queue_leaves_the_queue_whole(void)
{
	open_held(one_at_a_time());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], tagged(11, msg_write(1, 0, "XXX")));
	ask_begin(&s, &asks[2], msg_flush(12, 11));
	ask_begin(&s, &asks[1], tagged(11, msg_write(1, 9, "Y")));
	held_go(&s.io, 0);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[1].reply.type, P9_RWRITE);
	server_close(&s);
}

static void flushed_under_way_is_answered_before_the_flush(void)
{
	open_held(server_limits());
	ask_begin(&s, &asks[0], tagged(10, msg_write(1, 0, "XXX")));
	ask_begin(&s, &asks[1], msg_flush(11, 10));
	ask_begin(&s, &asks[2], msg_flush(12, 10)); /* and once more */
	CU_ASSERT_EQUAL(s.io.cancelled_nr, 1);
	CU_ASSERT_FALSE(asks[0].over);
	CU_ASSERT_FALSE(asks[1].over);
	CU_ASSERT_FALSE(asks[2].over);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[0].reply.type, P9_RWRITE);
	CU_ASSERT_EQUAL(asks[1].reply.type, P9_RFLUSH);
	CU_ASSERT_EQUAL(asks[2].reply.type, P9_RFLUSH);
	server_close(&s);
}

static void flushed_early_enough_is_taken_back(void)
{
	open_held(server_limits());
	s.io.cancels = true;
	ask_begin(&s, &asks[0], tagged(10, msg_write(1, 0, "XXX")));
	ask_begin(&s, &asks[1], msg_flush(11, 10));
	CU_ASSERT_TRUE(asks[0].over);
	CU_ASSERT_EQUAL(asks[0].reply_len, 0);
	CU_ASSERT_EQUAL(asks[1].reply.type, P9_RFLUSH);
	s.io.holds = false;
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 20), "0123456789");
	server_close(&s);
}

static void flush_that_waits_can_be_flushed(void)
{
	open_held(server_limits());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], msg_flush(11, 10));
	ask_begin(&s, &asks[2], msg_flush(12, 11));
	CU_ASSERT_TRUE(asks[1].over);
	CU_ASSERT_EQUAL(asks[1].reply_len, 0);
	CU_ASSERT_EQUAL(asks[2].reply.type, P9_RFLUSH);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[0].reply.type, P9_RREAD);
	server_close(&s);
}

static void flush_of_nothing_is_answered_at_once(void)
{
	open_held(server_limits());
	CU_ASSERT_EQUAL(ask_err(&s, msg_flush(5, 77)), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_flush(5, 5)), 0); /* itself */
	CU_ASSERT_EQUAL(ask_err(&s, msg_flush(5, P9_NOTAG)), 0);
	server_close(&s);
}

static void version_waits_for_what_is_under_way(void)
{
	open_held(one_at_a_time());
	ask_begin(&s, &asks[0], tagged(10, msg_write(1, 0, "XXX")));
	ask_begin(&s, &asks[1], tagged(11, msg_write(1, 0, "YYY")));
	ask_begin(&s, &asks[2], msg_flush(12, 10));
	ask_begin(&s, &asks[3],
		  (struct p9_msg){ .type = P9_TVERSION,
				   .tag = P9_NOTAG,
				   .tversion = { 8192, str(P9_VERSION_L) } });
	CU_ASSERT_FALSE(asks[0].over);
	CU_ASSERT_TRUE(asks[1].over); /* without an answer */
	CU_ASSERT_TRUE(asks[2].over);
	CU_ASSERT_EQUAL(asks[1].reply_len + asks[2].reply_len, 0);
	CU_ASSERT_FALSE(asks[3].over);
	CU_ASSERT_EQUAL(ask_attach(&s, 0), EPROTO); /* not yet */
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[0].reply_len, 0);
	CU_ASSERT_TRUE_FATAL(asks[3].over);
	CU_ASSERT_EQUAL(asks[3].reply.type, P9_RVERSION);
	CU_ASSERT_EQUAL(s.io.nr, 0); /* the one behind it never began */
	CU_ASSERT_EQUAL(ask_attach(&s, 0), 0);
	server_close(&s);
}

static void stopped_session_answers_nobody(void)
{
	open_held(one_at_a_time());
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[1], tagged(11, msg_read(1, 0, 3)));
	ask_begin(&s, &asks[2], msg_flush(12, 10));
	p9_session_stop(s.session);
	CU_ASSERT_TRUE(asks[1].over && asks[2].over);
	CU_ASSERT_EQUAL(p9_session_live(s.session), 1);
	ask_begin(&s, &asks[3], msg_flush(12, 10));
	CU_ASSERT_TRUE(asks[3].over);
	held_go(&s.io, 0);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(asks[i].reply_len, 0);
	server_close(&s);
}

static void bytes_under_way_are_limited_and_one_may_always_go(void)
{
	struct p9_limits limits = server_limits();

	limits.io_len = 5;
	open_held(limits);
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 10)));
	ask_begin(&s, &asks[1], tagged(11, msg_read(1, 0, 1)));
	CU_ASSERT_EQUAL(s.io.nr, 1);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(s.io.nr, 1);
	ask_begin(&s, &asks[2], tagged(12, msg_read(1, 0, 4)));
	ask_begin(&s, &asks[3], tagged(13, msg_read(1, 0, 1)));
	CU_ASSERT_EQUAL(s.io.nr, 2);
	held_go(&s.io, 0);
	held_go(&s.io, 0);
	held_go(&s.io, 0);
	CU_ASSERT_TRUE(asks[3].over);
	server_close(&s);
}

static void requests_beyond_the_limit_are_enomem(void)
{
	struct p9_limits limits = server_limits();

	limits.requests = 2;
	open_held(limits);
	ask_begin(&s, &asks[0], tagged(10, msg_read(1, 0, 1)));
	ask_begin(&s, &asks[1], tagged(11, msg_read(1, 0, 1)));
	ask_begin(&s, &asks[2], tagged(12, msg_read(1, 0, 1)));
	CU_ASSERT_TRUE_FATAL(asks[2].over);
	CU_ASSERT_EQUAL(asks[2].reply.rlerror.ecode, ENOMEM);
	held_go(&s.io, 0);
	ask_begin(&s, &asks[2], tagged(12, msg_read(1, 0, 1)));
	CU_ASSERT_FALSE(asks[2].over);
	server_close(&s);
}

static void reads_and_writes_go_to_pieces_of_memory(void)
{
	char ab[] = "ab", cde[] = "cde";
	struct iovec room[8], data[3] = { { ab, 2 }, { NULL, 0 }, { cde, 3 } };
	const struct p9_msg msg = { .type = P9_TWRITE,
				    .tag = 4,
				    .twrite = { 1, 0, { 5, NULL } } };

	open_held(server_limits());
	s.io.holds = false;
	CU_ASSERT_EQUAL(p9_encode_head(&msg, asks[0].in, ASK_MAX),
			(int)P9_TWRITE_HEAD_LEN);
	asks[0].over = false;
	asks[0].room = (struct iovec){ asks[0].out, 11 };
	asks[0].req = (struct p9_request){ .head = asks[0].in,
					   .head_len = P9_TWRITE_HEAD_LEN,
					   .len = P9_TWRITE_HEAD_LEN + 5,
					   .data = data,
					   .data_nr = 3,
					   .room = &asks[0].room,
					   .room_nr = 1,
					   .done = ask_done };
	p9_session_submit(s.session, &asks[0].req);
	CU_ASSERT_EQUAL(asks[0].reply.rwrite.count, 5);

	/* A head in pieces, and data that begin in one of them. */
	for (int i = 0; i < 8; i++)
		room[i] = (struct iovec){ asks[1].out + 4 * (size_t)i, 4 };
	asks[1].in_len = (uint32_t)p9_encode(
		&(struct p9_msg){
			.type = P9_TREAD, .tag = 5, .tread = { 1, 1, 8 } },
		asks[1].in, ASK_MAX);
	asks[1].over = false;
	asks[1].req = (struct p9_request){ .head = asks[1].in,
					   .head_len = asks[1].in_len,
					   .len = asks[1].in_len,
					   .room = room,
					   .room_nr = 8,
					   .done = ask_done };
	asks[1].reply_len = 0;
	s.io.holds = true;
	p9_session_submit(s.session, &asks[1].req);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(asks[1].reply_len, 19);
	CU_ASSERT_EQUAL(asks[1].reply.rread.data.count, 8);
	CU_ASSERT_NSTRING_EQUAL(asks[1].reply.rread.data.bytes, "bcde5678", 8);
	server_close(&s);
}

/* A directory's entries may take as long to reach the disk as a file's. */
static void fsync_of_a_directory_is_under_way_as_that_of_a_file(void)
{
	const struct p9_msg fsync_it = { .type = P9_TFSYNC,
					 .tfsync = { .fid = 2 } };

	open_held(server_limits());
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "d"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), 0);
	/* The lower layer's has nothing to flush. */
	CU_ASSERT_EQUAL(ask_err(&s, fsync_it), 0);
	EXPECT_OK(&s, .type = P9_TMKDIR,
		  .tmkdir = { 2, str("new"), 0755, P9_NOUID });
	for (int i = 0; i < 2; i++) {
		ask_begin(&s, &asks[0], tagged(7, fsync_it));
		CU_ASSERT_FALSE(asks[0].over);
		CU_ASSERT_EQUAL(s.io.nr, 1);
		CU_ASSERT_EQUAL(ask_walk(&s, 0, 3, NULL), 0);
		CU_ASSERT_EQUAL(ask_clunk(&s, 3), 0);
		held_go(&s.io, 0);
		CU_ASSERT_EQUAL(asks[0].reply.type, P9_RFSYNC);
	}
	server_close(&s);
}

static const struct unit_test tests[] = {
	{ "fsync_of_a_directory_is_under_way_as_that_of_a_file",
	  fsync_of_a_directory_is_under_way_as_that_of_a_file },
	{ "replies_come_in_the_order_in_which_files_are_ready",
	  replies_come_in_the_order_in_which_files_are_ready },
	{ "tag_of_another_request_is_eproto_and_harms_neither",
	  tag_of_another_request_is_eproto_and_harms_neither },
	{ "fid_clunked_under_a_read_lives_until_its_end",
	  fid_clunked_under_a_read_lives_until_its_end },
	{ "flushed_in_the_queue_is_dropped_and_has_no_effect",
	  flushed_in_the_queue_is_dropped_and_has_no_effect },
	{ "flushed_last_in_the_queue_leaves_the_queue_whole",
	  flushed_last_in_the_queue_leaves_the_queue_whole },
	{ "flushed_under_way_is_answered_before_the_flush",
	  flushed_under_way_is_answered_before_the_flush },
	{ "flushed_early_enough_is_taken_back",
	  flushed_early_enough_is_taken_back },
	{ "flush_that_waits_can_be_flushed", flush_that_waits_can_be_flushed },
	{ "flush_of_nothing_is_answered_at_once",
	  flush_of_nothing_is_answered_at_once },
	{ "version_waits_for_what_is_under_way",
	  version_waits_for_what_is_under_way },
	{ "stopped_session_answers_nobody", stopped_session_answers_nobody },
	{ "bytes_under_way_are_limited_and_one_may_always_go",
	  bytes_under_way_are_limited_and_one_may_always_go },
	{ "requests_beyond_the_limit_are_enomem",
	  requests_beyond_the_limit_are_enomem },
	{ "reads_and_writes_go_to_pieces_of_memory",
	  reads_and_writes_go_to_pieces_of_memory },
};

UNIT_MAIN("p9_server_flush", tests)
