/* SPDX-License-Identifier: MIT */
/*
 * p9_steps.h - is each of a client's requests answered as the tree in memory
 * says? Of few names and fids, one request at a time.
 */
#ifndef TESTS_FUZZ_P9_STEPS_H
#define TESTS_FUZZ_P9_STEPS_H

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/p9_client.h"
#include "tests/fuzz/p9_model.h"
#include "tests/fuzz/steps.h"
#include "vmm/files/p9_dirent.h"

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

#endif
