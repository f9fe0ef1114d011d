/* SPDX-License-Identifier: MIT */
/*
 * remove.c - how does a name go away?
 *
 * What the lower layer has under the name must not come back: then a whiteout
 * takes the place of the upper layer's object in the same step.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* Put a whiteout at the node's name, whatever is there. */
static int cover(struct share_node *node)
{
	struct share *share = node->share;
	int dir_fd = node->parent->upper_fd, err;
	struct work_name work;

	if (node->upper_fd < 0)
		return whiteout_make(dir_fd, node->name);
	work = work_next(share);
	err = whiteout_make(share->work_fd, work.text);
	if (err)
		return err;
	if (node->type == S_IFDIR)
		err = layer_exchange(share->work_fd, work.text, dir_fd,
				     node->name);
	else if (renameat(share->work_fd, work.text, dir_fd, node->name) < 0)
		err = -errno;
	if (err || node->type == S_IFDIR)
		work_drop(share, work.text);
	return err;
}

/* Nothing to hide: the upper layer's object goes. */
static int uncover(struct share_node *node)
{
	struct share *share = node->share;
	int dir_fd = node->parent->upper_fd;
	struct work_name work;

	if (unlinkat(dir_fd, node->name,
		     node->type == S_IFDIR ? AT_REMOVEDIR : 0) == 0)
		return 0;
	if (!share_is_cow(share) || errno != ENOTEMPTY)
		return -errno;
	/* Whiteouts of names that somebody on the host has removed below. */
	work = work_next(share);
	if (renameat(dir_fd, node->name, share->work_fd, work.text) < 0)
		return -errno;
	work_drop(share, work.text);
	return 0;
}

int remove_name(struct share_node *node)
{
	struct share_node *dir = node->parent;
	int err;

	if (node->type == S_IFDIR) {
		err = merge_empty(node);
		if (err)
			return err;
	}
	err = copy_up(dir, COPY_ALL);
	if (err)
		return err;
	err = whiteout_needed(dir, node->name) ? cover(node) : uncover(node);
	if (!err)
		node_removed(node);
	return err;
}

int share_unlink(struct share_node *dir, const char *name, size_t len,
		 bool is_dir)
{
	struct share_node *node;
	struct name text;
	int err = node_change_in(dir, &text, name, len);

	if (!err)
		err = node_walk(dir, text.text, &node);
	if (err)
		return err;
	if (is_dir && node->type != S_IFDIR)
		err = -ENOTDIR;
	else if (!is_dir && node->type == S_IFDIR)
		err = -EISDIR;
	else
		err = remove_name(node);
	share_node_put(node);
	return err;
}

int share_remove(struct share_node *node)
{
	int err;

	if (node->share->opts.mode == SHARE_RO)
		return -EROFS;
	if (!node->parent)
		return -EBUSY; /* the root */
	err = node_check_name(node);
	return err ? err : remove_name(node);
}
