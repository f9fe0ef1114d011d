/* SPDX-License-Identifier: MIT */
/*
 * share_copy.c - how is a large file copied while others are served?
 *
 * Into the work directory, as copy_up.c does, which takes the finished copy
 * instead of making one. A copy lives as long as somebody waits for it; one
 * that nobody wants any more ends at once, or with its piece that is under
 * way.
 */
#include "vmm/files/share_copy.h"

#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

struct share_copy {
	struct share_node *node; /* counted; its `copy` unless outdated */
	struct p9_io *io;
	struct share_wait *waits, **waits_end;
	struct share_copy *next; /* in the copier's list, while it works */
	bool works;		 /* is in that list, or its piece under way */
	bool telling;		 /* its waits are being told: stays */
	int err;
	struct work_name name; /* in the work directory */
	int from_fd, fd;       /* fd -1: taken */
	struct stat from;
	bool synced;
	uint64_t len, off, extent_end, told_off, charged;
};

/* One for each share, made when first needed. */
struct copier {
	struct share *share;
	struct share_copy *copies, **copies_end;
	uint32_t copies_nr;    /* all that live, not only those */
	struct share_copy *at; /* whose piece is under way */
	bool runs;
	struct p9_io_op op;
	struct iovec piece;
	char *buf;
};

static struct copier *copier_of(struct share *share)
{
	struct copier *copier = share->copier;

	if (copier)
		return copier;
	copier = calloc(1, sizeof(*copier));
	if (!copier)
		return NULL;
	copier->buf = malloc(COPY_PIECE_LEN);
	if (!copier->buf) {
		free(copier);
		return NULL;
	}
	copier->share = share;
	copier->copies_end = &copier->copies;
	share->copier = copier;
	return copier;
}

void copier_destroy(struct copier *copier)
{
	if (!copier)
		return;
	assert(!copier->copies && !copier->at);
	free(copier->buf);
	free(copier);
}

static void list_add(struct copier *copier, struct share_copy *copy)
{
	copy->next = NULL;
	*copier->copies_end = copy;
	copier->copies_end = &copy->next;
}

/* The first one; NULL: there is none. */
static struct share_copy *list_take(struct copier *copier)
{
	struct share_copy *copy = copier->copies;

	if (!copy)
		return NULL;
	copier->copies = copy->next;
	if (!copy->next)
		copier->copies_end = &copier->copies;
	return copy;
}

static void list_remove(struct copier *copier, const struct share_copy *copy)
{
	struct share_copy **link = &copier->copies;

	while (*link != copy)
		link = &(*link)->next;
	*link = copy->next;
	if (!*link)
		copier->copies_end = link;
}

/* --- one copy ------------------------------------------------------------- */

static void outdate(struct share_copy *copy)
{
	if (copy->node->copy == copy)
		copy->node->copy = NULL;
}

static void copy_destroy(struct share_copy *copy)
{
	struct share_node *node = copy->node;
	struct share *share = node->share;

	outdate(copy);
	if (copy->from_fd >= 0)
		close(copy->from_fd);
	if (copy->fd >= 0) {
		close(copy->fd);
		work_drop(share, copy->name.text);
	}
	quota_give(&share->quota, copy->charged);
	share->copier->copies_nr--;
	free(copy);
	share_node_put(node);
}

static struct share_copy *copy_create(struct share_node *node, struct p9_io *io,
				      uint64_t len, const struct stat *from)
{
	struct share *share = node->share;
	/* As the change will be. */
	uint64_t charged = QUOTA_OBJECT + quota_bytes(len);
	struct share_copy *copy = calloc(1, sizeof(*copy));

	if (!copy || quota_take(&share->quota, charged)) {
		free(copy);
		return NULL;
	}
	*copy = (struct share_copy){
		.node = share_node_get(node),
		.io = io,
		.name = work_next_copy(share),
		.from_fd = layer_open(node->lower_fd, O_RDONLY),
		.from = *from,
		.len = len,
		.charged = charged,
	};
	share->copier->copies_nr++;
	copy->waits_end = &copy->waits;
	copy->fd = layer_create(share->work_fd, copy->name.text, O_RDWR, 0600);
	if (copy->from_fd < 0 || copy->fd < 0) {
		copy_destroy(copy);
		return NULL;
	}
	return copy;
}

static struct share_wait *first_untold(const struct share_copy *copy)
{
	struct share_wait *wait = copy->waits;

	while (wait && wait->told)
		wait = wait->next;
	return wait;
}

/* It is whole, or has failed. Each that is told makes its change at once. */
static void finish(struct share_copy *copy, int err)
{
	struct share_wait *wait;

	copy->works = false;
	copy->err = err;
	copy->telling = true;
	while ((wait = first_untold(copy))) {
		wait->told = true;
		wait->ready(wait, err);
	}
	copy->telling = false;
	if (!copy->waits)
		copy_destroy(copy);
}

/* --- pieces --------------------------------------------------------------- */

static void piece_done(struct p9_io_op *op, int64_t result);

static void begin(struct copier *copier, struct share_copy *copy,
		  enum p9_io_kind kind, size_t skip, size_t len)
{
	copier->at = copy;
	copier->piece = (struct iovec){ copier->buf + skip, len };
	copier->op = (struct p9_io_op){
		.kind = kind,
		.fd = kind == P9_IO_READ ? copy->from_fd : copy->fd,
		.iov = &copier->piece,
		.iov_nr = kind == P9_IO_FSYNC ? 0 : 1,
		.off = kind == P9_IO_FSYNC ? 0 : copy->off,
		.done = piece_done,
	};
	copy->io->submit(copy->io, &copier->op);
}

/* Where the next bytes are that are no hole. False: there are none. */
static bool find_extent(struct share_copy *copy)
{
	off_t data, hole;

	if (copy->off < copy->extent_end)
		return true;
	if (copy->off >= copy->len)
		return false;
	data = lseek(copy->from_fd, (off_t)copy->off, SEEK_DATA);
	if (data < 0 && errno == ENXIO)
		return false;
	if (data < 0)
		data = (off_t)copy->off;
	hole = lseek(copy->from_fd, data, SEEK_HOLE);
	if (hole <= data || (uint64_t)hole > copy->len)
		hole = (off_t)copy->len;
	copy->off = (uint64_t)data;
	copy->extent_end = (uint64_t)hole;
	return copy->off < copy->len;
}

/* Should it go on? 0, or why not. */
static int check(struct copier *copier, struct share_copy *copy)
{
	const struct share_opts *opts = &copier->share->opts;

	if (copy->err || copy->off - copy->told_off < COPY_TELL_LEN)
		return copy->err;
	copy->told_off = copy->off;
	return opts->copying && opts->copying(opts->arg, copy->off, copy->len)
		       ? -EINTR
		       : 0;
}

/* One that has its turn: its next piece, or its end. */
static void take_turn(struct copier *copier, struct share_copy *copy)
{
	uint64_t len;
	int err;

	if (!copy->waits) {
		copy_destroy(copy);
		return;
	}
	/* Somebody who does not wait has copied it up. */
	if (copy->node->upper_fd >= 0) {
		finish(copy, 0);
		return;
	}
	err = check(copier, copy);
	if (err) {
		finish(copy, err);
	} else if (find_extent(copy)) {
		len = copy->extent_end - copy->off;
		begin(copier, copy, P9_IO_READ, 0,
		      len < COPY_PIECE_LEN ? len : COPY_PIECE_LEN);
	} else if (copier->share->opts.sync && !copy->synced) {
		copy->synced = true;
		begin(copier, copy, P9_IO_FSYNC, 0, 0);
	} else {
		finish(copy, 0);
	}
}

static void run(struct copier *copier)
{
	struct share_copy *copy;

	/* What ends at once comes back here: the loop goes on, not deeper. */
	if (copier->runs)
		return;
	copier->runs = true;
	while (!copier->at && (copy = list_take(copier)))
		take_turn(copier, copy);
	copier->runs = false;
}

static void piece_done(struct p9_io_op *op, int64_t result)
{
	struct copier *copier =
		(void *)((char *)op - offsetof(struct copier, op));
	struct share_copy *copy = copier->at;

	copier->at = NULL;
	if (result < 0) {
		copy->err = (int)result;
	} else if (op->kind == P9_IO_READ && result > 0) {
		begin(copier, copy, P9_IO_WRITE, 0, (size_t)result);
		return;
	} else if (op->kind == P9_IO_READ) {
		copy->len = copy->off; /* it has shrunk */
		copy->extent_end = copy->off;
	} else if (op->kind == P9_IO_WRITE) {
		size_t done =
			(size_t)((char *)copier->piece.iov_base - copier->buf) +
			(size_t)result;
		size_t left = copier->piece.iov_len - (size_t)result;

		copy->off += (uint64_t)result;
		if (left && !result) {
			copy->err = -EIO;
		} else if (left) {
			begin(copier, copy, P9_IO_WRITE, done, left);
			return;
		}
	}
	/* Behind all others: each has a piece in its turn. */
	list_add(copier, copy);
	run(copier);
}

/* --- those who wait ------------------------------------------------------- */

static void join(struct share_copy *copy, struct share_wait *wait)
{
	wait->copy = copy;
	wait->next = NULL;
	*copy->waits_end = wait;
	copy->waits_end = &wait->next;
}

void share_copy_leave(struct share_wait *wait)
{
	struct share_copy *copy = wait->copy;
	struct share_wait **link;
	struct copier *copier;

	if (!copy)
		return;
	copier = copy->node->share->copier;
	for (link = &copy->waits; *link != wait;)
		link = &(*link)->next;
	*link = wait->next;
	if (!*link)
		copy->waits_end = link;
	wait->copy = NULL;
	if (copy->waits || copy->telling)
		return;
	/* One whose piece is under way ends with that. */
	if (copy->works && copier->at == copy)
		return;
	if (copy->works)
		list_remove(copier, copy);
	copy_destroy(copy);
}

/* Is it as the lower file still is, and enough of it? */
static bool is_good(const struct share_copy *copy, const struct stat *now,
		    uint64_t len)
{
	const struct stat *then = &copy->from;

	return !copy->works && !copy->err && copy->fd >= 0 &&
	       copy->len >= len && then->st_size == now->st_size &&
	       then->st_mtim.tv_sec == now->st_mtim.tv_sec &&
	       then->st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
	       then->st_ctim.tv_sec == now->st_ctim.tv_sec &&
	       then->st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}

/* How many bytes a change copies; 0: none that are worth a word. */
static uint64_t copied_len(const struct share_node *node, uint64_t keep,
			   struct stat *st)
{
	uint64_t len, min = node->share->opts.ahead_min;

	if (!share_is_cow(node->share) || node->upper_fd >= 0 ||
	    node->type != S_IFREG || keep < min ||
	    fstat(node->lower_fd, st) < 0 || !S_ISREG(st->st_mode))
		return 0;
	len = (uint64_t)st->st_size;
	if (len > keep)
		len = keep;
	return len < min ? 0 : len;
}

/* Begin a copy, all of it if it can be shared. NULL: let the change fail. */
static struct share_copy *copy_begin(struct share_node *node, struct p9_io *io,
				     uint64_t len, const struct stat *st)
{
	struct copier *copier = copier_of(node->share);
	struct share_copy *copy = copier ? copy_create(node, io, len, st)
					 : NULL;

	if (!copy)
		return NULL;
	node->copy = copy;
	if (copy_shared(copy->from_fd, copy->fd, len))
		return copy;
	/* The size first: a hole at the end needs nothing more. */
	if (ftruncate(copy->fd, (off_t)len) < 0) {
		copy_destroy(copy);
		return NULL;
	}
	copy->works = true;
	list_add(copier, copy);
	return copy;
}

static bool is_full(const struct copier *copier)
{
	return copier && copier->copies_nr >= COPIES_AHEAD_MAX;
}

int share_copy_ahead(struct share_node *node, uint64_t keep, struct p9_io *io,
		     struct share_wait *wait)
{
	struct share_copy *copy = node->copy;
	struct stat st;
	uint64_t len = copied_len(node, keep, &st);

	if (!len) {
		share_copy_leave(wait);
		return 0;
	}
	if (copy && !copy->works && !is_good(copy, &st, len)) {
		outdate(copy);
		copy = NULL;
	}
	if (wait->copy != copy) {
		share_copy_leave(wait);
		wait->told = false;
	}
	if (!copy && is_full(node->share->copier))
		return -EMFILE;
	if (!copy)
		copy = copy_begin(node, io, len, &st);
	if (!copy)
		return 0;
	if (!wait->copy)
		join(copy, wait);
	if (!copy->works) {
		wait->told = true;
		return 0;
	}
	run(node->share->copier);
	return 1;
}

int copy_take(struct share_node *node, uint64_t len, const struct stat *now,
	      struct work_name *name)
{
	struct share_copy *copy = node->copy;
	int fd;

	if (!copy || !is_good(copy, now, len))
		return -ENOENT;
	if (copy->len > len && ftruncate(copy->fd, (off_t)len) < 0)
		return -errno;
	outdate(copy);
	quota_give(&node->share->quota, copy->charged);
	copy->charged = 0;
	*name = copy->name;
	fd = copy->fd;
	copy->fd = -1;
	return fd;
}
