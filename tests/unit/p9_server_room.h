/* SPDX-License-Identifier: MIT */
/*
 * p9_server_room.h - what the tests of the 9P server share: a session on a
 * share of its own, requests that end at once or when the test says so, and
 * short forms of what a client does.
 */
#ifndef TESTS_UNIT_P9_SERVER_ROOM_H
#define TESTS_UNIT_P9_SERVER_ROOM_H

#include "tests/unit/share_room.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_dirent.h"
#include "vmm/files/p9_server.h"

#define ASK_MAX 70000u

/* A p9_io that does nothing while it holds; then in the order asked for. */
struct held_io {
	struct p9_io io; /* first */
	bool holds;
	bool cancels; /* cancel() is early enough */
	struct p9_io_op *ops[64];
	unsigned int nr, cancelled_nr;
};

static inline void held_submit(struct p9_io *io, struct p9_io_op *op)
{
	struct held_io *held = (struct held_io *)io;

	if (held->holds && held->nr < 64)
		held->ops[held->nr++] = op;
	else
		p9_io_sync.submit(io, op);
}

static inline struct p9_io_op *held_take(struct held_io *held, unsigned int i)
{
	struct p9_io_op *op = held->ops[i];

	held->nr--;
	for (; i < held->nr; i++)
		held->ops[i] = held->ops[i + 1];
	return op;
}

static inline void held_cancel(struct p9_io *io, struct p9_io_op *op)
{
	struct held_io *held = (struct held_io *)io;

	held->cancelled_nr++;
	for (unsigned int i = 0; held->cancels && i < held->nr; i++)
		if (held->ops[i] == op) {
			held_take(held, i)->done(op, -ECANCELED);
			return;
		}
}

/* Do the i-th of those held. */
static inline void held_go(struct held_io *held, unsigned int i)
{
	CU_ASSERT_FATAL(i < held->nr);
	p9_io_sync.submit(&held->io, held_take(held, i));
}

struct ask {
	struct p9_request req; /* first */
	struct iovec room;
	bool over;
	uint32_t reply_len;
	struct p9_msg reply;
	uint32_t in_len;
	uint8_t in[ASK_MAX], out[ASK_MAX];
};

struct server_room {
	struct room room;
	struct held_io io;
	struct p9_export exports[2];
	struct p9_session *session;
	struct ask ask;	    /* of ask() */
	unsigned int order; /* counts what is over */
};

static inline struct p9_limits server_limits(void)
{
	struct p9_limits limits = P9_LIMITS_DEFAULT;

	limits.msize = 65536;
	return limits;
}

static inline void server_session(struct server_room *s,
				  struct p9_limits limits)
{
	struct p9_session_opts opts = { .exports = s->exports,
					.exports_nr = 1,
					.io = &s->io.io,
					.limits = limits };

	s->exports[0] = (struct p9_export){ "share", s->room.share };
	CU_ASSERT_EQUAL_FATAL(p9_session_create(&s->session, &opts), 0);
}

/* --- requests ------------------------------------------------------------- */

static inline void ask_done(struct p9_request *req, uint32_t reply_len)
{
	struct ask *one = (struct ask *)req;

	CU_ASSERT_FALSE(one->over);
	one->over = true;
	one->reply_len = reply_len;
	if (reply_len)
		CU_ASSERT_EQUAL(p9_decode(one->out, reply_len, &one->reply), 0);
}

static inline void ask_bytes(struct server_room *s, struct ask *ask,
			     uint32_t room_len)
{
	ask->over = false;
	ask->reply_len = 0;
	ask->reply = (struct p9_msg){ 0 };
	ask->room = (struct iovec){ ask->out, room_len };
	ask->req = (struct p9_request){ .head = ask->in,
					.head_len = ask->in_len,
					.len = ask->in_len,
					.room = &ask->room,
					.room_nr = 1,
					.done = ask_done };
	p9_session_submit(s->session, &ask->req);
}

/* Without waiting: see ask->over. */
static inline void ask_begin(struct server_room *s, struct ask *ask,
			     struct p9_msg msg)
{
	int len = p9_encode(&msg, ask->in, sizeof(ask->in));

	CU_ASSERT_FATAL(len > 0);
	ask->in_len = (uint32_t)len;
	ask_bytes(s, ask,
		  p9_reply_room(ask->in, ask->in_len,
				p9_session_msize(s->session)));
}

/* The reply; the errno of an Rlerror is in *err. */
static inline const struct p9_msg *ask(struct server_room *s, struct p9_msg msg)
{
	if (msg.type != P9_TVERSION && !msg.tag)
		msg.tag = 1;
	ask_begin(s, &s->ask, msg);
	CU_ASSERT_TRUE_FATAL(s->ask.over);
	CU_ASSERT_EQUAL(s->ask.reply.tag, msg.tag);
	CU_ASSERT_TRUE(s->ask.reply.type == msg.type + 1 ||
		       s->ask.reply.type == P9_RLERROR);
	return &s->ask.reply;
}

static inline int ask_err(struct server_room *s, struct p9_msg msg)
{
	const struct p9_msg *reply = ask(s, msg);

	return reply->type == P9_RLERROR ? (int)reply->rlerror.ecode : 0;
}

#define EXPECT_OK(s, ...) \
	CU_ASSERT_EQUAL(ask_err((s), (struct p9_msg){ __VA_ARGS__ }), 0)
#define EXPECT_ERR(s, err, ...) \
	CU_ASSERT_EQUAL(ask_err((s), (struct p9_msg){ __VA_ARGS__ }), (err))

static inline struct p9_str str(const char *text)
{
	return (struct p9_str){ (uint16_t)strlen(text), text };
}

/* --- short forms ---------------------------------------------------------- */

static inline int ask_version(struct server_room *s, uint32_t msize)
{
	return ask_err(
		s, (struct p9_msg){ .type = P9_TVERSION,
				    .tag = P9_NOTAG,
				    .tversion = { msize, str(P9_VERSION_L) } });
}

static inline int ask_attach(struct server_room *s, uint32_t fid)
{
	return ask_err(s,
		       (struct p9_msg){ .type = P9_TATTACH,
					.tattach = { fid, P9_NOFID, str("root"),
						     str(""), P9_NOUID } });
}

static inline int ask_walk(struct server_room *s, uint32_t fid, uint32_t newfid,
			   const char *name)
{
	struct p9_msg msg = { .type = P9_TWALK,
			      .twalk = { .fid = fid, .newfid = newfid } };

	if (name)
		msg.twalk.names = (struct p9_names){ .nr = 1,
						     .name = { str(name) } };
	return ask_err(s, msg);
}

static inline int ask_open(struct server_room *s, uint32_t fid, uint32_t flags)
{
	return ask_err(s, (struct p9_msg){ .type = P9_TLOPEN,
					   .tlopen = { fid, flags } });
}

static inline int ask_clunk(struct server_room *s, uint32_t fid)
{
	return ask_err(s,
		       (struct p9_msg){ .type = P9_TCLUNK, .tclunk = { fid } });
}

static inline int ask_create(struct server_room *s, uint32_t fid,
			     const char *name, uint32_t flags)
{
	return ask_err(s, (struct p9_msg){ .type = P9_TLCREATE,
					   .tlcreate = { fid, str(name), flags,
							 0644, P9_NOUID } });
}

static inline struct p9_msg msg_read(uint32_t fid, uint64_t off, uint32_t count)
{
	return (struct p9_msg){ .type = P9_TREAD,
				.tread = { fid, off, count } };
}

static inline struct p9_msg msg_write(uint32_t fid, uint64_t off,
				      const char *text)
{
	return (struct p9_msg){ .type = P9_TWRITE,
				.twrite = { fid,
					    off,
					    { (uint32_t)strlen(text),
					      (const uint8_t *)text } } };
}

/* What is read, or "?" and the error. */
static inline const char *ask_read(struct server_room *s, uint32_t fid,
				   uint64_t off, uint32_t count)
{
	static char text[ASK_MAX];
	const struct p9_msg *reply = ask(s, msg_read(fid, off, count));

	if (reply->type == P9_RLERROR) {
		(void)snprintf(text, sizeof(text), "?%u", reply->rlerror.ecode);
		return text;
	}
	if (reply->rread.data.count)
		memcpy(text, reply->rread.data.bytes, reply->rread.data.count);
	text[reply->rread.data.count] = '\0';
	return text;
}

static inline int ask_write(struct server_room *s, uint32_t fid, uint64_t off,
			    const char *text)
{
	return ask_err(s, msg_write(fid, off, text));
}

/* --- begin and end -------------------------------------------------------- */

/* Fid 0 is the root, of a lower directory with a file "f" and one "d/g". */
static inline void server_open_with(struct server_room *s,
				    struct share_opts opts,
				    struct p9_limits limits)
{
	memset(s, 0, offsetof(struct server_room, ask));
	s->io.io = (struct p9_io){ .submit = held_submit,
				   .cancel = held_cancel };
	room_start(&s->room);
	tree_file(s->room.lower.text, "f", "hello");
	tree_mkdir(s->room.lower.text, "d");
	tree_file(s->room.lower.text, "d/g", "deep");
	room_open_with(&s->room, opts);
	server_session(s, limits);
	CU_ASSERT_EQUAL_FATAL(ask_version(s, limits.msize), 0);
	CU_ASSERT_EQUAL_FATAL(ask_attach(s, 0), 0);
}

static inline void server_open(struct server_room *s)
{
	server_open_with(s, (struct share_opts){ .mode = SHARE_COW },
			 server_limits());
}

static inline void server_close(struct server_room *s)
{
	p9_session_stop(s->session);
	s->io.holds = false;
	while (s->io.nr)
		held_go(&s->io, 0);
	CU_ASSERT_EQUAL(p9_session_live(s->session), 0);
	p9_session_destroy(s->session);
	room_end(&s->room); /* aborts when a node is left */
}

#endif
