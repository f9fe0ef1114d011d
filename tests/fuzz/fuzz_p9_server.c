/* SPDX-License-Identifier: MIT */
/*
 * fuzz_p9_server.c - is there a sequence of requests that the 9P server does
 * not answer, or answers otherwise than a file system would?
 *
 * The first byte chooses. A program of steps (steps.h) is what a client may
 * ask, of few names and fids, on a copy-on-write share; a tree in memory says
 * what must come of it. Anything else is messages one behind the other, each
 * with its length in front; then only what holds for all messages is looked
 * at. Reads and writes may be held back, to end later and in another order.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/steps.h"
#include "tests/unit/p9_samples.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_dirent.h"
#include "vmm/files/p9_server.h"
#include "vmm/files/share.h"

#define MSIZE	 8192u
#define NODES_NR 64
#define FIDS_NR	 8
#define DATA_LEN 64u
#define HELD_NR	 8

/* --- the model ------------------------------------------------------------ */

enum kind {
	FREE,
	DIR_NODE,
	FILE_NODE
};

struct node {
	enum kind kind;
	int parent; /* of the root: itself */
	char name;  /* 0: it has none any more */
	bool lower; /* a directory of the lower layer */
	uint32_t len;
	uint8_t data[DATA_LEN];
};
struct fid {
	bool used, open;
	int node;
	uint32_t mode; /* P9_OPEN_ACCMODE of its flags */
};

static struct node nodes[NODES_NR];
static struct fid fids[FIDS_NR];

static int node_find(int dir, char name)
{
	for (int i = 1; i < NODES_NR; i++)
		if (nodes[i].kind && nodes[i].name == name &&
		    nodes[i].parent == dir)
			return i;
	return -1;
}

/* -1: the model is full. */
static int node_add(int dir, char name, enum kind kind)
{
	for (int i = 1; i < NODES_NR; i++)
		if (!nodes[i].kind) {
			nodes[i] = (struct node){ .kind = kind,
						  .parent = dir,
						  .name = name };
			return i;
		}
	return -1;
}

static bool node_is_gone(int node)
{
	while (node) {
		if (!nodes[node].name)
			return true;
		node = nodes[node].parent;
	}
	return false;
}

static int children_nr(int dir)
{
	int nr = 0;

	for (int i = 1; i < NODES_NR; i++)
		nr += nodes[i].kind && nodes[i].name && nodes[i].parent == dir;
	return nr;
}

static bool is_below(int node, int dir)
{
	while (node && node != dir)
		node = nodes[node].parent;
	return node == dir;
}

static void model_start(void)
{
	memset(nodes, 0, sizeof(nodes));
	memset(fids, 0, sizeof(fids));
	nodes[0] = (struct node){ .kind = DIR_NODE, .name = '/' };
	nodes[node_add(0, 'a', FILE_NODE)].len = 5;
	memcpy(nodes[1].data, "lower", 5);
	nodes[node_add(0, 'b', DIR_NODE)].lower = true;
	nodes[node_add(2, 'c', FILE_NODE)].len = 4;
	memcpy(nodes[3].data, "deep", 4);
}

/* --- the server ----------------------------------------------------------- */

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
	struct ask asks[HELD_NR + 2];
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

/* The next that is not under way; there is always one. */
static struct ask *ask_free(void)
{
	for (;;) {
		struct ask *one =
			&server.asks[server.next_ask++ % (HELD_NR + 2)];

		if (one->over)
			return one;
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
	struct share_opts opts = { .mode = SHARE_COW };
	struct p9_session_opts session = { .exports = &server.export,
					   .exports_nr = 1,
					   .io = &io,
					   .limits = P9_LIMITS_DEFAULT };

	memset(&server, 0, offsetof(typeof(server), asks));
	for (int i = 0; i < HELD_NR + 2; i++)
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
	for (int i = 0; i < HELD_NR + 2; i++)
		FUZZ_CHECK(server.asks[i].over);
	p9_session_destroy(server.session);
	share_destroy(server.share); /* aborts if a node is left */
	FUZZ_CHECK(file_is(server.dir.text, "canary", "untouched"));
	FUZZ_CHECK(file_is(server.lower.text, "a", "lower"));
	FUZZ_CHECK(file_is(server.lower.text, "b/c", "deep"));
	tree_remove(server.dir.text);
}

/* --- steps against the model ---------------------------------------------- */

struct pick {
	uint32_t number, other_number;
	struct fid *fid, *other;
	uint32_t off, len;
	char name, new_name;
	struct p9_str str, new_str;
	bool flag, trunc;
	uint32_t mode;
};

static void pick_from(const struct step *step, struct pick *p)
{
	static const char letters[] = "abcd";

	p->number = step->arg % FIDS_NR;
	p->other_number = step->arg / FIDS_NR % FIDS_NR;
	p->fid = &fids[p->number];
	p->other = &fids[p->other_number];
	p->off = step->off % (DATA_LEN - 16);
	p->len = step->value % 16;
	p->name = letters[step->value >> 8 & 3];
	p->new_name = letters[step->value >> 10 & 3];
	p->str = (struct p9_str){ 1, &p->name };
	p->new_str = (struct p9_str){ 1, &p->new_name };
	p->flag = step->value >> 12 & 1;
	p->trunc = step->value >> 13 & 1;
	p->mode = (step->value >> 14 & 3) % 3;
}

/* What stands in the way of changing names there. */
static int dir_error(const struct fid *fid)
{
	if (!fid->used)
		return EBADF;
	if (nodes[fid->node].kind != DIR_NODE)
		return ENOTDIR;
	return node_is_gone(fid->node) ? ENOENT : 0;
}

static bool is_full(void)
{
	return nodes[NODES_NR - 1].kind != FREE;
}

static void step_walk(struct pick *p)
{
	bool same = p->fid == p->other;
	int node = -1, want = 0;
	int got = ask((struct p9_msg){
		.type = P9_TWALK,
		.twalk = { p->number, p->other_number, { 1, { p->str } } } });

	if (!p->fid->used)
		want = EBADF;
	else if (p->fid->open || (!same && p->other->used))
		want = EINVAL;
	else if (nodes[p->fid->node].kind != DIR_NODE)
		want = ENOTDIR;
	else if ((node = node_find(p->fid->node, p->name)) < 0)
		want = ENOENT;
	FUZZ_CHECK(got == want);
	if (!got)
		*p->other = (struct fid){ .used = true, .node = node };
}

static void step_clone(struct pick *p)
{
	bool same = p->fid == p->other;
	int want = 0;
	int got = ask((struct p9_msg){
		.type = P9_TWALK,
		.twalk = { .fid = p->number, .newfid = p->other_number } });

	if (!p->fid->used)
		want = EBADF;
	else if ((same && p->fid->open) || (!same && p->other->used))
		want = EINVAL;
	FUZZ_CHECK(got == want);
	if (!got && !same)
		*p->other = (struct fid){ .used = true, .node = p->fid->node };
}

static void step_open(struct pick *p)
{
	uint32_t flags = p->mode | (p->trunc ? P9_OPEN_TRUNC : 0);
	int want = 0;
	int got = ask((struct p9_msg){ .type = P9_TLOPEN,
				       .tlopen = { p->number, flags } });

	if (!p->fid->used)
		want = EBADF;
	else if (p->fid->open)
		want = EINVAL;
	else if (nodes[p->fid->node].kind == DIR_NODE && flags)
		want = EISDIR;
	FUZZ_CHECK(got == want);
	if (got)
		return;
	p->fid->open = true;
	p->fid->mode = p->mode;
	if (p->trunc)
		nodes[p->fid->node].len = 0;
}

static void step_create(struct pick *p)
{
	uint32_t flags = P9_OPEN_RDWR | (p->flag ? P9_OPEN_EXCL : 0) |
			 (p->trunc ? P9_OPEN_TRUNC : 0);
	int there, want = 0, got;

	if (is_full())
		return;
	got = ask((struct p9_msg){
		.type = P9_TLCREATE,
		.tlcreate = { p->number, p->str, flags, 0644, P9_NOUID } });
	there = p->fid->used ? node_find(p->fid->node, p->name) : -1;
	if (!p->fid->used)
		want = EBADF;
	else if (p->fid->open)
		want = EINVAL;
	else if (there >= 0 && p->flag)
		want = EEXIST;
	else if (there >= 0 && nodes[there].kind == DIR_NODE)
		want = EISDIR;
	else if (there < 0)
		want = dir_error(p->fid);
	FUZZ_CHECK(got == want);
	if (got)
		return;
	if (there < 0)
		there = node_add(p->fid->node, p->name, FILE_NODE);
	else if (p->trunc)
		nodes[there].len = 0;
	*p->fid = (struct fid){ true, true, there, P9_OPEN_RDWR };
}

/* Why no bytes go, if they do not. */
static int io_error(const struct fid *fid, uint32_t other_mode)
{
	if (!fid->used || !fid->open)
		return EBADF;
	if (nodes[fid->node].kind == DIR_NODE)
		return EISDIR;
	return fid->mode == other_mode ? EBADF : 0;
}

static void step_read(struct pick *p)
{
	const struct node *node = &nodes[p->fid->node];
	const struct p9_data *data = &server.reply.rread.data;
	uint32_t len = p->len;
	int got = ask((struct p9_msg){
		.type = P9_TREAD, .tread = { p->number, p->off, p->len } });

	FUZZ_CHECK(got == io_error(p->fid, P9_OPEN_WRONLY));
	if (got)
		return;
	if (p->off >= node->len)
		len = 0;
	else if (len > node->len - p->off)
		len = node->len - p->off;
	FUZZ_CHECK(data->count == len);
	FUZZ_CHECK(!len || !memcmp(data->bytes, node->data + p->off, len));
}

static void step_write(struct pick *p)
{
	struct node *node = &nodes[p->fid->node];
	uint8_t bytes[16];
	int got;

	memset(bytes, p->name, sizeof(bytes));
	got = ask((struct p9_msg){
		.type = P9_TWRITE,
		.twrite = { p->number, p->off, { p->len, bytes } } });
	FUZZ_CHECK(got == io_error(p->fid, P9_OPEN_RDONLY));
	if (got)
		return;
	FUZZ_CHECK(server.reply.rwrite.count == p->len);
	if (!p->len)
		return;
	if (p->off > node->len)
		memset(node->data + node->len, 0, p->off - node->len);
	memcpy(node->data + p->off, bytes, p->len);
	if (p->off + p->len > node->len)
		node->len = p->off + p->len;
}

static void step_clunk(struct pick *p)
{
	int got = ask(
		(struct p9_msg){ .type = P9_TCLUNK, .tclunk = { p->number } });

	FUZZ_CHECK(got == (p->fid->used ? 0 : EBADF));
	*p->fid = (struct fid){ 0 };
}

static void step_mkdir(struct pick *p)
{
	int want, got;

	if (is_full())
		return;
	got = ask((struct p9_msg){
		.type = P9_TMKDIR,
		.tmkdir = { p->number, p->str, 0755, P9_NOUID } });
	want = dir_error(p->fid);
	if (!want && node_find(p->fid->node, p->name) >= 0)
		want = EEXIST;
	FUZZ_CHECK(got == want);
	if (!got)
		(void)node_add(p->fid->node, p->name, DIR_NODE);
}

static void step_unlink(struct pick *p)
{
	uint32_t flags = p->flag ? P9_UNLINKAT_REMOVEDIR : 0;
	int node = -1, want = dir_error(p->fid);
	int got = ask(
		(struct p9_msg){ .type = P9_TUNLINKAT,
				 .tunlinkat = { p->number, p->str, flags } });

	if (!want) {
		node = node_find(p->fid->node, p->name);
		if (node < 0)
			want = ENOENT;
		else if (p->flag && nodes[node].kind != DIR_NODE)
			want = ENOTDIR;
		else if (!p->flag && nodes[node].kind == DIR_NODE)
			want = EISDIR;
		else if (p->flag && children_nr(node))
			want = ENOTEMPTY;
	}
	FUZZ_CHECK(got == want);
	if (!got)
		nodes[node].name = 0;
}

static void step_remove(struct pick *p)
{
	int node = p->fid->node;
	bool may = p->fid->used && node && !node_is_gone(node) &&
		   !(nodes[node].kind == DIR_NODE && children_nr(node));
	int got = ask((struct p9_msg){ .type = P9_TREMOVE,
				       .tremove = { p->number } });

	FUZZ_CHECK(may == !got);
	if (!p->fid->used)
		FUZZ_CHECK(got == EBADF);
	*p->fid = (struct fid){ 0 }; /* also then */
	if (!got)
		nodes[node].name = 0;
}

/* May a directory go there? The lower layer's may not at all. */
static bool dir_may_move(int from, int to_dir, int there)
{
	if (there == from)
		return true;
	if (nodes[from].lower || is_below(to_dir, from))
		return false;
	return there < 0 ||
	       (nodes[there].kind == DIR_NODE && !children_nr(there));
}

static void step_rename(struct pick *p)
{
	int want = dir_error(p->fid), from = -1, there = -1;
	int got = ask((struct p9_msg){ .type = P9_TRENAMEAT,
				       .trenameat = { p->number, p->str,
						      p->other_number,
						      p->new_str } });

	if (want || dir_error(p->other)) {
		FUZZ_CHECK(got);
		return;
	}
	from = node_find(p->fid->node, p->name);
	there = node_find(p->other->node, p->new_name);
	if (from < 0)
		FUZZ_CHECK(got == ENOENT);
	else if (nodes[from].kind == DIR_NODE && got)
		return; /* which error is the layers' business */
	else if (nodes[from].kind == DIR_NODE)
		FUZZ_CHECK(dir_may_move(from, p->other->node, there));
	else if (there >= 0 && nodes[there].kind == DIR_NODE)
		FUZZ_CHECK(got == EISDIR);
	else
		FUZZ_CHECK(!got);
	if (got || from == there)
		return;
	if (there >= 0)
		nodes[there].name = 0;
	nodes[from].parent = p->other->node;
	nodes[from].name = p->new_name;
}

static void step_getattr(struct pick *p)
{
	const struct node *node = &nodes[p->fid->node];
	uint32_t type;
	int got = ask(
		(struct p9_msg){ .type = P9_TGETATTR,
				 .tgetattr = { p->number, P9_GETATTR_BASIC } });

	FUZZ_CHECK(got == (p->fid->used ? 0 : EBADF));
	if (got)
		return;
	type = server.reply.rgetattr.mode & S_IFMT;
	FUZZ_CHECK(type == (node->kind == DIR_NODE ? S_IFDIR : S_IFREG));
	if (node->kind == FILE_NODE)
		FUZZ_CHECK(server.reply.rgetattr.size == node->len);
}

static void step_truncate(struct pick *p)
{
	struct node *node = &nodes[p->fid->node];
	uint32_t size = p->off;
	int got = ask((struct p9_msg){ .type = P9_TSETATTR,
				       .tsetattr = { .fid = p->number,
						     .valid = P9_SETATTR_SIZE,
						     .size = size } });

	if (!p->fid->used)
		FUZZ_CHECK(got == EBADF);
	else
		FUZZ_CHECK(!got == (node->kind == FILE_NODE));
	if (got)
		return;
	if (size > node->len)
		memset(node->data + node->len, 0, size - node->len);
	node->len = size;
}

static void step_readdir(struct pick *p)
{
	unsigned int seen = 0, want = 0;
	uint64_t off = 0;
	int nr = 0, err;

	if (p->fid->used && p->fid->open && node_is_gone(p->fid->node))
		return;
	for (;;) {
		struct p9_dirent entry;
		struct p9_reader r;

		err = ask((struct p9_msg){
			.type = P9_TREADDIR,
			.treaddir = { p->number, off, p->flag ? 40 : 512 } });
		if (err || !server.reply.rreaddir.data.count)
			break;
		r = p9_reader_of(server.reply.rreaddir.data.bytes,
				 server.reply.rreaddir.data.count);
		while (p9_get_dirent(&r, &entry) == 1) {
			off = entry.offset;
			if (nr++ >= 2) /* "." and ".." */
				seen |= 1u << (entry.name.bytes[0] - 'a');
		}
		FUZZ_CHECK(!r.err && nr < NODES_NR);
	}
	if (!p->fid->used || !p->fid->open) {
		FUZZ_CHECK(err == EBADF);
		return;
	}
	if (nodes[p->fid->node].kind != DIR_NODE) {
		FUZZ_CHECK(err == ENOTDIR);
		return;
	}
	for (int i = 1; i < NODES_NR; i++)
		if (nodes[i].kind && nodes[i].name &&
		    nodes[i].parent == p->fid->node)
			want |= 1u << (nodes[i].name - 'a');
	FUZZ_CHECK(!err && seen == want);
	FUZZ_CHECK(nr == 2 + children_nr(p->fid->node));
}

static void run_steps(const uint8_t *data, size_t len)
{
	static void (*const calls[])(struct pick *) = {
		step_walk,     step_clone,   step_open,	  step_create,
		step_read,     step_write,   step_clunk,  step_mkdir,
		step_unlink,   step_remove,  step_rename, step_getattr,
		step_truncate, step_readdir,
	};
	struct steps steps = steps_of(data, len);
	struct step step;

	attach();
	model_start();
	fids[0].used = true;
	while (steps_next(&steps, &step)) {
		struct pick pick;

		pick_from(&step, &pick);
		calls[step.op % (sizeof(calls) / sizeof(*calls))](&pick);
	}
}

/* --- any messages --------------------------------------------------------- */

/* A byte with what to do with those held back, a length in two, bytes. */
static void run_messages(const uint8_t *data, size_t len)
{
	attach();
	while (len > 3) {
		uint32_t part = data[1] | (uint32_t)data[2] << 8;
		struct ask *one = ask_free();

		server.holds = data[0] & 1;
		if (data[0] & 2 && server.held_nr)
			p9_io_sync.submit(
				&io, held_take(data[0] / 4u % server.held_nr));
		data += 3;
		len -= 3;
		if (part > len)
			part = (uint32_t)len;
		if (part > MSIZE)
			part = MSIZE;
		memcpy(one->in, data, part);
		data += part;
		len -= part;
		if (part < P9_HEAD_LEN)
			continue;
		/* Few inputs have the right one. */
		memcpy(one->in, &part, sizeof(part));
		begin(one, part);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	server_start();
	if (data[0] & 1)
		run_messages(data + 1, len - 1);
	else
		run_steps(data + 1, len - 1);
	server_end();
	return 0;
}

/* --- seeds ---------------------------------------------------------------- */

static void add_message(struct fuzz_seed *seed, uint8_t held, struct p9_msg msg)
{
	uint8_t *to = seed->bytes + seed->len;
	int len = p9_encode(&msg, to + 3,
			    (uint32_t)(FUZZ_SEED_MAX_LEN - seed->len - 3));

	FUZZ_CHECK(len > 0);
	to[0] = held;
	to[1] = (uint8_t)len;
	to[2] = (uint8_t)(len >> 8);
	seed->len += 3 + (size_t)len;
}

#define MSG(held, ...) add_message(seed, held, (struct p9_msg){ __VA_ARGS__ })

static void seed_open_file(struct fuzz_seed *seed)
{
	seed->bytes[0] = 1;
	seed->len = 1;
	MSG(0, .type = P9_TWALK, .tag = 1,
	    .twalk = { 0, 1, { 1, { { 1, "a" } } } });
	MSG(0, .type = P9_TLOPEN, .tag = 1, .tlopen = { 1, P9_OPEN_RDWR });
}

static void seed_flush(struct fuzz_seed *seed)
{
	seed_open_file(seed);
	for (uint16_t tag = 2; tag < 9; tag++)
		MSG(1, .type = P9_TREAD, .tag = tag, .tread = { 1, tag, 3 });
	for (uint16_t tag = 2; tag < 9; tag += 2)
		MSG(3, .type = P9_TFLUSH, .tag = 20 + tag, .tflush = { tag });
	MSG(1, .type = P9_TFLUSH, .tag = 40, .tflush = { 22 });
	MSG(1, .type = P9_TCLUNK, .tag = 41, .tclunk = { 1 });
	MSG(1, .type = P9_TVERSION, .tag = P9_NOTAG,
	    .tversion = { MSIZE, { 8, P9_VERSION_L } });
}

static void seed_xattr(struct fuzz_seed *seed)
{
	seed_open_file(seed);
	MSG(0, .type = P9_TXATTRWALK, .tag = 1,
	    .txattrwalk = { 1, 2, { 0, "" } });
	MSG(0, .type = P9_TREAD, .tag = 1, .tread = { 2, 0, 100 });
	MSG(0, .type = P9_TWALK, .tag = 1, .twalk = { 0, 3, { 0 } });
	MSG(0, .type = P9_TXATTRCREATE, .tag = 1,
	    .txattrcreate = { 3, { 6, "user.x" }, 2, 0 });
	MSG(0, .type = P9_TWRITE, .tag = 1,
	    .twrite = { 3, 0, { 2, (const uint8_t *)"hi" } });
	MSG(0, .type = P9_TCLUNK, .tag = 1, .tclunk = { 3 });
	MSG(0, .type = P9_TLOCK, .tag = 1,
	    .tlock = { 1, 1, 0, 0, 0, 1, { 1, "c" } });
}

static void seed_samples(struct fuzz_seed *seed)
{
	seed->bytes[0] = 1;
	seed->len = 1;
	for (size_t i = 0; i < P9_SAMPLES_NR; i++)
		if (!(p9_samples[i].msg.type & 1))
			add_message(seed, 0, p9_samples[i].msg);
}

/* Each step with several fids and names. */
static void seed_steps(struct fuzz_seed *seed)
{
	seed->bytes[0] = 0;
	seed->len = 1;
	for (uint32_t i = 0; i < 200; i++) {
		const struct step step = { .op = (uint8_t)(i * 5 + i / 14),
					   .arg = (uint8_t)(i * 11 % 64),
					   .off = (uint16_t)(i % 7),
					   .value = i * 2654435761u };

		memcpy(seed->bytes + seed->len, &step, sizeof(step));
		seed->len += sizeof(step);
	}
}

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	static const struct {
		const char *name;
		void (*fill)(struct fuzz_seed *seed);
	} seeds[] = {
		{ "flushes_of_reads_that_are_held", seed_flush },
		{ "xattrs_and_a_lock", seed_xattr },
		{ "one_message_of_each_kind", seed_samples },
		{ "steps_of_each_kind", seed_steps },
	};

	if (nr >= sizeof(seeds) / sizeof(*seeds))
		return false;
	seed->name = seeds[nr].name;
	seeds[nr].fill(seed);
	return true;
}
