/* SPDX-License-Identifier: MIT */
/*
 * p9_client.h - how does a target ask a 9P server that serves a copy-on-write
 * share of its own, and what holds for every answer?
 *
 * Reads, writes and copies may be held back, to end later and in another order.
 * At the end the shared directory and what is outside of it must be as they
 * were.
 */
#ifndef TESTS_FUZZ_P9_CLIENT_H
#define TESTS_FUZZ_P9_CLIENT_H

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_server.h"
#include "vmm/files/share.h"

#define MSIZE	8192u
#define HELD_NR 8
#define ASKS_NR (HELD_NR + 2)

struct ask {
	struct p9_request req; /* first */
	struct iovec room;
	bool over;
	uint32_t reply_len;
	uint8_t in[MSIZE], out[MSIZE];
};

static struct {
	struct tree_path dir, lower, upper;
	struct share *share;
	struct p9_export export;
	struct p9_session *session;
	bool holds;
	struct p9_io_op *held[HELD_NR];
	unsigned int held_nr, next_ask;
	struct ask asks[ASKS_NR];
	struct p9_msg reply;
} server;

static void io_submit(struct p9_io *io, struct p9_io_op *op)
{
	if (server.holds && server.held_nr < HELD_NR)
		server.held[server.held_nr++] = op;
	else
		p9_io_sync.submit(io, op);
}

static struct p9_io_op *held_take(unsigned int i)
{
	struct p9_io_op *op = server.held[i];

	server.held[i] = server.held[--server.held_nr];
	return op;
}

static void io_cancel(struct p9_io *io, struct p9_io_op *op)
{
	(void)io;
	/* Every other one is too late. */
	for (unsigned int i = 0; i < server.held_nr; i++)
		if (server.held[i] == op && op->off % 2) {
			held_take(i)->done(op, -ECANCELED);
			return;
		}
}

static struct p9_io io = { .submit = io_submit, .cancel = io_cancel };

static void done(struct p9_request *req, uint32_t reply_len)
{
	struct ask *one = (struct ask *)req;
	struct p9_msg reply;

	FUZZ_CHECK(!one->over);
	one->over = true;
	one->reply_len = reply_len;
	if (!reply_len)
		return;
	FUZZ_CHECK(reply_len <= MSIZE && reply_len <= one->room.iov_len);
	FUZZ_CHECK(p9_decode(one->out, reply_len, &reply) == 0);
	FUZZ_CHECK(reply.type == P9_RLERROR || reply.type == one->in[4] + 1);
	FUZZ_CHECK(reply.tag == (one->in[5] | one->in[6] << 8));
	if (reply.type == P9_RLERROR)
		FUZZ_CHECK(reply.rlerror.ecode && reply.rlerror.ecode < 4096);
}

/* The next that is not under way. */
static struct ask *ask_free(void)
{
	for (unsigned int tries = 1;; tries++) {
		struct ask *one = &server.asks[server.next_ask++ % ASKS_NR];

		if (one->over)
			return one;
		/* All are: of those that wait for one, there is one held. */
		if (tries % ASKS_NR == 0) {
			FUZZ_CHECK(server.held_nr);
			p9_io_sync.submit(&io, held_take(0));
		}
	}
}

static void begin(struct ask *one, uint32_t len)
{
	one->over = false;
	one->room = (struct iovec){ one->out,
				    p9_reply_room(one->in, len, MSIZE) };
	one->req = (struct p9_request){ .head = one->in,
					.head_len = len,
					.len = len,
					.room = &one->room,
					.room_nr = 1,
					.done = done };
	p9_session_submit(server.session, &one->req);
}

/* The errno, or 0; the reply is in server.reply. */
static int ask(struct p9_msg msg)
{
	struct ask *one = ask_free();
	int len;

	if (msg.type != P9_TVERSION)
		msg.tag = 1;
	len = p9_encode(&msg, one->in, MSIZE);
	FUZZ_CHECK(len > 0);
	begin(one, (uint32_t)len);
	FUZZ_CHECK(one->over && one->reply_len);
	FUZZ_CHECK(!p9_decode(one->out, one->reply_len, &server.reply));
	return server.reply.type == P9_RLERROR ? (int)server.reply.rlerror.ecode
					       : 0;
}

static void server_start(void)
{
	/* Each copy is made beforehand, by operations that may be held. */
	struct share_opts opts = { .mode = SHARE_COW, .ahead_min = 1 };
	struct p9_session_opts session = { .exports = &server.export,
					   .exports_nr = 1,
					   .io = &io,
					   .limits = P9_LIMITS_DEFAULT };

	memset(&server, 0, offsetof(typeof(server), asks));
	for (int i = 0; i < ASKS_NR; i++)
		server.asks[i].over = true;
	server.dir = tree_make();
	tree_mkdir(server.dir.text, "lower");
	server.lower = tree_path(server.dir.text, "lower");
	server.upper = tree_path(server.dir.text, "upper");
	tree_file(server.dir.text, "canary", "untouched");
	tree_file(server.lower.text, "a", "lower");
	tree_mkdir(server.lower.text, "b");
	tree_file(server.lower.text, "b/c", "deep");
	opts.lower = server.lower.text;
	opts.upper = server.upper.text;
	FUZZ_CHECK(!share_create(&server.share, &opts));
	server.export = (struct p9_export){ "share", server.share };
	session.limits.msize = MSIZE;
	session.limits.io_nr = 4;
	FUZZ_CHECK(!p9_session_create(&server.session, &session));
}

static void attach(void)
{
	FUZZ_CHECK(!ask(
		(struct p9_msg){ .type = P9_TVERSION,
				 .tag = P9_NOTAG,
				 .tversion = { MSIZE, { 8, P9_VERSION_L } } }));
	FUZZ_CHECK(!ask((struct p9_msg){
		.type = P9_TATTACH,
		.tattach = { 0, P9_NOFID, { 0, "" }, { 0, "" }, P9_NOUID } }));
}

static bool file_is(const char *dir, const char *name, const char *text)
{
	char got[32] = "";
	int fd = open(tree_path(dir, name).text, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, got, sizeof(got) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && !strcmp(got, text);
}

static void server_end(void)
{
	p9_session_stop(server.session);
	server.holds = false;
	while (server.held_nr)
		p9_io_sync.submit(&io, held_take(0));
	FUZZ_CHECK(!p9_session_live(server.session));
	for (int i = 0; i < ASKS_NR; i++)
		FUZZ_CHECK(server.asks[i].over);
	p9_session_destroy(server.session);
	share_destroy(server.share); /* aborts if a node is left */
	FUZZ_CHECK(file_is(server.dir.text, "canary", "untouched"));
	FUZZ_CHECK(file_is(server.lower.text, "a", "lower"));
	FUZZ_CHECK(file_is(server.lower.text, "b/c", "deep"));
	tree_remove(server.dir.text);
}

#endif
