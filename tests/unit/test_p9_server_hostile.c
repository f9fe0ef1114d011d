/* SPDX-License-Identifier: MIT */
/* test_p9_server_hostile.c - what no honest client sends. */
#include "tests/unit/p9_room.h"
#include "tests/unit/p9_server_room.h"

static struct server_room s;

static int ask_raw(const void *bytes, uint32_t len, uint32_t room_len)
{
	memcpy(s.ask.in, bytes, len);
	s.ask.in_len = len;
	ask_bytes(&s, &s.ask, room_len);
	CU_ASSERT_TRUE_FATAL(s.ask.over);
	if (!s.ask.reply_len)
		return -1;
	return s.ask.reply.type == P9_RLERROR ? (int)s.ask.reply.rlerror.ecode
					      : 0;
}

static void every_message_cut_short_or_made_longer_is_eproto(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN + 1] = { 0 };

	server_open(&s);
	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = (uint32_t)p9_sample_bytes(sample, bytes);
		bool is_request = !(sample->msg.type & 1);

		for (uint32_t cut = P9_HEAD_LEN; is_request && cut < len;
		     cut++) {
			/* Fsync's last field may be missing. */
			if (sample->msg.type == P9_TFSYNC && cut == len - 4)
				continue;
			p9_set_size(bytes, cut);
			p9_expect(sample->name, ask_raw(bytes, cut, 4096),
				  EPROTO);
		}
		if (is_request && sample->msg.type != P9_TFSYNC) {
			p9_set_size(bytes, len + 1);
			p9_expect(sample->name, ask_raw(bytes, len + 1, 4096),
				  EPROTO);
		}
		p9_set_size(bytes, len + 7); /* and not what is there */
		if (is_request)
			p9_expect(sample->name, ask_raw(bytes, len, 4096),
				  EPROTO);
	}
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0); /* the session lives */
	server_close(&s);
}

static void replies_and_unknown_types_are_no_requests(void)
{
	uint8_t bytes[P9_HEAD_LEN] = { P9_HEAD_LEN, 0, 0, 0, 0, 1, 0 };

	server_open(&s);
	for (int type = 0; type < 256; type++) {
		int err;

		bytes[4] = (uint8_t)type;
		err = ask_raw(bytes, sizeof(bytes), 4096);
		CU_ASSERT(err == EOPNOTSUPP || err == EPROTO);
		if (type & 1 || !p9_type_name((uint8_t)type))
			CU_ASSERT(err == EOPNOTSUPP || err == EPROTO);
	}
	server_close(&s);
}

static void reply_without_room_is_refused_before_anything_is_done(void)
{
	uint8_t bytes[64];
	const struct p9_msg make = { .type = P9_TMKDIR,
				     .tag = 1,
				     .tmkdir = { 0, str("new"), 0700, 0 } };
	const struct p9_msg read = { .type = P9_TREAD,
				     .tag = 1,
				     .tread = { 1, 0, 100 } };
	const struct p9_msg walk = {
		.type = P9_TWALK,
		.tag = 1,
		.twalk = { 0, 2, { 2, { str("d"), str("g") } } }
	};
	uint32_t len;

	server_open(&s);
	len = (uint32_t)p9_encode(&make, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 19), EMSGSIZE);
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 11), EMSGSIZE);
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 10), -1); /* not even that fits */
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 0), -1);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "new"), ENOENT);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	len = (uint32_t)p9_encode(&read, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 110), EMSGSIZE);
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 111), 0);
	len = (uint32_t)p9_encode(&walk, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 34), EMSGSIZE);
	CU_ASSERT_EQUAL(ask_clunk(&s, 2), EBADF);
	CU_ASSERT_EQUAL(ask_raw(bytes, len, 35), 0);
	server_close(&s);
}

static void reply_room_is_enough_and_never_more_than_msize(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		uint32_t len = (uint32_t)p9_sample_bytes(&p9_samples[i], bytes);
		for (uint32_t cut = 0; cut <= len; cut++) {
			uint32_t room = p9_reply_room(p9_room_of(bytes, cut),
						      cut, 8192);
			CU_ASSERT(room >= P9_RLERROR_LEN && room <= 8192);
		}
		CU_ASSERT_EQUAL(p9_reply_room(bytes, len, P9_RLERROR_LEN),
				P9_RLERROR_LEN);
	}
}

static void data_of_another_length_than_their_message_says_are_refused(void)
{
	char text[] = "abc";
	struct iovec data = { text, 3 };
	const struct p9_msg msg = { .type = P9_TWRITE,
				    .tag = 1,
				    .twrite = { 1, 0, { 5, NULL } } };

	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	(void)p9_encode_head(&msg, s.ask.in, ASK_MAX);
	s.ask.over = false;
	s.ask.req.head_len = P9_TWRITE_HEAD_LEN;
	s.ask.req.len = P9_TWRITE_HEAD_LEN + 5;
	s.ask.req.data = &data;
	s.ask.req.data_nr = 1;
	s.ask.room.iov_len = 11;
	p9_session_submit(s.session, &s.ask.req);
	CU_ASSERT_TRUE(s.ask.over);
	CU_ASSERT_EQUAL(s.ask.reply.type, P9_RLERROR);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "hello");
	server_close(&s);
}

static void every_sample_on_a_session_is_answered(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	server_open(&s);
	/* Their fids are small numbers and mostly there. */
	for (uint32_t fid = 1; fid < 20; fid++)
		CU_ASSERT_EQUAL(ask_walk(&s, 0, fid, fid & 1 ? "f" : "d"), 0);
	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		uint32_t len = (uint32_t)p9_sample_bytes(&p9_samples[i], bytes);

		CU_ASSERT(ask_raw(bytes, len, 65536) >= 0);
	}
	CU_ASSERT_EQUAL(p9_session_live(s.session), 0);
	server_close(&s);
}

static const struct unit_test tests[] = {
	{ "every_message_cut_short_or_made_longer_is_eproto",
	  every_message_cut_short_or_made_longer_is_eproto },
	{ "replies_and_unknown_types_are_no_requests",
	  replies_and_unknown_types_are_no_requests },
	{ "reply_without_room_is_refused_before_anything_is_done",
	  reply_without_room_is_refused_before_anything_is_done },
	{ "reply_room_is_enough_and_never_more_than_msize",
	  reply_room_is_enough_and_never_more_than_msize },
	{ "data_of_another_length_than_their_message_says_are_refused",
	  data_of_another_length_than_their_message_says_are_refused },
	{ "every_sample_on_a_session_is_answered",
	  every_sample_on_a_session_is_answered },
};

UNIT_MAIN("p9_server_hostile", tests)
