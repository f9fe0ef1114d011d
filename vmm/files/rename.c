/* SPDX-License-Identifier: MIT */
/*
 * rename.c - how does a file get another name when it must seem to leave its
 * old one, over which a lower layer may still have something?
 *
 * In one step wherever there is a way. The exception is a file with a lower
 * file below its old name that replaces one that is there: killed in between,
 * it has both names.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

struct move {
	struct share_node *node, *to;
	const char *to_name;
	struct share_node *over; /* what the new name leads to, or NULL */
	bool leaves;		 /* a whiteout, at the old name */
};

static bool is_inside(const struct share_node *node,
		      const struct share_node *dir)
{
	while (node && node != dir)
		node = node->parent;
	return node != NULL;
}

static bool is_same_file(const struct share_node *a, const struct share_node *b)
{
	return a->upper_fd >= 0 && b->upper_fd >= 0 &&
	       a->upper.dev == b->upper.dev && a->upper.ino == b->upper.ino;
}

/* What rename(2) refuses, in its order. */
static int check(const struct move *move)
{
	const struct share_node *node = move->node, *over = move->over;

	if (node->type == S_IFDIR && is_inside(move->to, node))
		return -EINVAL;
	if (over && over->type == S_IFDIR && is_inside(node->parent, over))
		return -ENOTEMPTY;
	if (over && node->type == S_IFDIR && over->type != S_IFDIR)
		return -ENOTDIR;
	if (over && node->type != S_IFDIR && over->type == S_IFDIR)
		return -EISDIR;
	if (node->type == S_IFDIR && node->lower_fd >= 0)
		return -EXDEV;
	if (over && over->type == S_IFDIR)
		return merge_empty(over);
	return 0;
}

static int plain(const struct move *move)
{
	const struct share_node *node = move->node;

	return renameat(node->parent->upper_fd, node->name, move->to->upper_fd,
			move->to_name) < 0
		       ? -errno
		       : 0;
}

/* The new name shows nothing: let node and whiteout change places. */
static int swap(const struct move *move)
{
	const struct share_node *node = move->node;
	int from_fd = node->parent->upper_fd, to_fd = move->to->upper_fd, err;

	if (!whiteout_is(to_fd, move->to_name)) {
		err = whiteout_make(to_fd, move->to_name);
		if (err)
			return err;
	}
	err = layer_exchange(from_fd, node->name, to_fd, move->to_name);
	if (!err && !move->leaves)
		(void)unlinkat(from_fd, node->name, 0);
	return err;
}

/* A file replaces another one and leaves a whiteout: by a second link to it,
 * so that at no time either name leads to something else than before or
 * after. */
static int replace_and_cover(const struct move *move)
{
	const struct share_node *node = move->node;
	struct share *share = node->share;
	struct layer_path path = layer_path(node->upper_fd);
	struct work_name link = work_next(share), white = work_next(share);
	int err;

	err = whiteout_make(share->work_fd, white.text);
	if (err)
		return err;
	if (linkat(AT_FDCWD, path.name, share->work_fd, link.text,
		   AT_SYMLINK_FOLLOW) < 0 ||
	    renameat(share->work_fd, link.text, move->to->upper_fd,
		     move->to_name) < 0 ||
	    renameat(share->work_fd, white.text, node->parent->upper_fd,
		     node->name) < 0) {
		err = -errno;
		work_drop(share, link.text);
		work_drop(share, white.text);
	}
	return err;
}

static int move_dir(const struct move *move)
{
	struct share_node *node = move->node;
	bool covers = whiteout_needed(move->to, move->to_name);
	struct layer_path path = layer_path(node->upper_fd);
	struct stat st;
	int err;

	/* An empty directory that is replaced leaves first: killed in between,
	 * nothing but that is missing. */
	if (move->over &&
	    (covers || move->leaves || move->over->lower_fd >= 0)) {
		err = remove_name(move->over);
		if (err)
			return err;
	}
	if (covers) {
		if (fstat(node->upper_fd, &st) < 0 ||
		    chmod(path.name, (st.st_mode & 0777) | S_ISVTX) < 0)
			return -errno;
	}
	if (move->leaves || whiteout_is(move->to->upper_fd, move->to_name))
		return swap(move);
	err = plain(move);
	if (err != -ENOTEMPTY || !move->over)
		return err;
	/* Whiteouts that hide nothing any more. */
	err = remove_name(move->over);
	return err ? err : plain(move);
}

static int move_cow(struct move *move)
{
	int err = copy_up(move->node, COPY_ALL);

	if (!err)
		err = copy_up(move->node->parent, COPY_ALL);
	if (!err)
		err = copy_up(move->to, COPY_ALL);
	if (err)
		return err;
	move->leaves = whiteout_needed(move->node->parent, move->node->name);
	if (move->node->type == S_IFDIR)
		return move_dir(move);
	if (!move->leaves)
		return plain(move);
	return move->over ? replace_and_cover(move) : swap(move);
}

static int move_node(struct share_node *node, struct share_node *to,
		     const struct name *to_name)
{
	struct move move = { .node = node, .to = to, .to_name = to_name->text };
	char *name = NULL;
	int err = node_walk(to, to_name->text, &move.over);

	if (err && err != -ENOENT)
		return err;
	if (err)
		move.over = NULL;
	err = 0;
	if (move.over && (move.over == node || is_same_file(move.over, node)))
		goto done; /* rename(2): two names of one file both stay */
	err = check(&move);
	if (err)
		goto done;
	name = strdup(to_name->text);
	err = !name ? -ENOMEM
		    : (share_is_cow(node->share) ? move_cow(&move)
						 : plain(&move));
	if (err)
		goto done;
	if (move.over && !move.over->gone)
		node_removed(move.over);
	node_moved(node, to, name);
	name = NULL;
done:
	free(name);
	share_node_put(move.over);
	return err;
}

int share_rename(struct share_node *from, const char *from_name,
		 size_t from_len, struct share_node *to, const char *to_name,
		 size_t to_len)
{
	struct name old_text, new_text;
	struct share_node *node;
	int err = node_change_in(from, &old_text, from_name, from_len);

	if (!err)
		err = node_change_in(to, &new_text, to_name, to_len);
	if (!err && from->share != to->share)
		err = -EXDEV;
	if (!err)
		err = node_walk(from, old_text.text, &node);
	if (err)
		return err;
	err = move_node(node, to, &new_text);
	share_node_put(node);
	return err;
}

int share_rename_node(struct share_node *node, struct share_node *to,
		      const char *to_name, size_t to_len)
{
	struct name text;
	int err = node_change_in(to, &text, to_name, to_len);

	if (err)
		return err;
	if (node->share != to->share)
		return -EXDEV;
	if (!node->parent)
		return -EBUSY; /* the root */
	err = node_check_name(node);
	return err ? err : move_node(node, to, &text);
}
