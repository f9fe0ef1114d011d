/* SPDX-License-Identifier: MIT */
/*
 * copy_up.c - the one way from the lower layer into the upper one.
 *
 * A copy is made in the work directory, whole, with all its attributes, and
 * then moved to its name: whoever is killed leaves no copy or a whole one. A
 * file whose name is gone already gets a copy without a name.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* A copy in the work directory. */
struct made {
	struct work_name name;
	struct stat from;
	struct record record;
	int from_fd, fd; /* path descriptors; fd: -1 until it is there */
	int ahead_fd;	 /* has its bytes already, not taken; or -1 */
	uint64_t len, charged;
};

static int made_find(struct share *share, struct made *made)
{
	made->fd = layer_find(share->work_fd, made->name.text);
	return made->fd < 0 ? made->fd : 0;
}

static int make_file(struct share *share, struct made *made)
{
	int from_fd = -1, fd = made->ahead_fd, err;
	bool ahead = fd >= 0;

	made->ahead_fd = -1;
	if (!ahead)
		fd = layer_create(share->work_fd, made->name.text, O_RDWR,
				  0600);
	if (fd < 0)
		return fd;
	err = made_find(share, made);
	if (!err && !ahead && made->len) {
		from_fd = layer_open(made->from_fd, O_RDONLY);
		err = from_fd < 0 ? from_fd
				  : copy_data(share, from_fd, fd, made->len);
	}
	if (!err)
		err = copy_xattrs(made->from_fd, made->fd);
	if (!err)
		err = record_write(share, made->fd, &made->record, false);
	if (!err)
		err = copy_times(made->fd, &made->from);
	if (!err && share->opts.sync && fsync(fd) < 0)
		err = -errno;
	if (from_fd >= 0)
		close(from_fd);
	close(fd);
	return err;
}

static int make_dir(struct share *share, struct made *made)
{
	int err;

	if (mkdirat(share->work_fd, made->name.text, 0700) < 0)
		return -errno;
	err = made_find(share, made);
	if (!err)
		err = copy_xattrs(made->from_fd, made->fd);
	if (!err)
		err = record_write(share, made->fd, &made->record, false);
	if (!err)
		err = copy_times(made->fd, &made->from);
	return err;
}

static int make_symlink(struct share *share, struct made *made)
{
	char target[SHARE_TARGET_MAX + 1];
	ssize_t len = readlinkat(made->from_fd, "", target, sizeof(target));
	int err;

	if (len < 0)
		return -errno;
	if ((size_t)len == sizeof(target))
		return -ENAMETOOLONG;
	if (whiteout_is_target(target, (size_t)len))
		return -EPERM;
	target[len] = '\0';
	if (symlinkat(target, share->work_fd, made->name.text) < 0)
		return -errno;
	err = made_find(share, made);
	if (!err)
		err = copy_times(made->fd, &made->from);
	return err;
}

/* A FIFO, socket or device of the host's becomes a record of one. */
static int make_special(struct share *share, struct made *made)
{
	int fd = layer_create(share->work_fd, made->name.text, O_WRONLY, 0600);
	int err;

	if (fd < 0)
		return fd;
	close(fd);
	err = made_find(share, made);
	if (!err)
		err = record_write(share, made->fd, &made->record, false);
	if (!err)
		err = copy_times(made->fd, &made->from);
	return err;
}

static int make(struct share *share, struct made *made)
{
	int err = record_read(made->from_fd, &made->from, false, &made->record);

	if (err)
		return err;
	switch (made->from.st_mode & S_IFMT) {
	case S_IFREG:
		return make_file(share, made);
	case S_IFDIR:
		return make_dir(share, made);
	case S_IFLNK:
		return make_symlink(share, made);
	default:
		return make_special(share, made);
	}
}

/* The upper layer must have nothing under the name, and the lower one what
 * the node stands for: others on the host may have changed that. */
static int check_place(const struct share_node *node)
{
	struct stat st;

	if (node->gone)
		return 0;
	if (fstatat(node->parent->upper_fd, node->name, &st,
		    AT_SYMLINK_NOFOLLOW) == 0)
		return -ESTALE;
	if (errno != ENOENT)
		return -errno;
	return node_check_name(node);
}

static int move_into_place(const struct share_node *node,
			   const struct made *made)
{
	const struct share *share = node->share;
	int dir_fd = node->gone ? -1 : node->parent->upper_fd;
	struct stat dir;

	if (node->gone)
		return unlinkat(share->work_fd, made->name.text,
				node->type == S_IFDIR ? AT_REMOVEDIR : 0) < 0
			       ? -errno
			       : 0;
	if (fstat(dir_fd, &dir) < 0 ||
	    renameat(share->work_fd, made->name.text, dir_fd, node->name) < 0)
		return -errno;
	/* To the guest nothing was made in that directory. */
	(void)copy_times(dir_fd, &dir);
	return 0;
}

/* The node stands for the copy from now on. Nothing here can fail but for
 * memory, which costs the others of a hard-linked file their new id. */
static void adopt(struct share_node *node, struct made *made)
{
	struct share *share = node->share;
	struct stat st = { 0 };
	uint64_t id;

	(void)fstat(made->fd, &st);
	node->upper_fd = made->fd;
	node->upper = (struct inode_key){ st.st_dev, st.st_ino };
	made->fd = -1;
	claim_join(node);
	if (!node->gone)
		(void)ids_give(&share->ids, node->upper, node->id);
	/* The lower inode has another id from now on, also when the host
	 * deletes it and something else gets its number. */
	if (!ids_renew(&share->ids, node->lower, &id) &&
	    made->from.st_nlink > 1 && node->type != S_IFDIR)
		node_part(node, id);
	if (node->type == S_IFDIR)
		return; /* a merged one from now on */
	file_switch(node);
	close(node->lower_fd);
	node->lower_fd = -1;
	if (node->claim)
		node->claim->owes = node->gone;
}

static int copy_up_one(struct share_node *node, uint64_t keep)
{
	struct share *share = node->share;
	struct made made = {
		.name = work_next(share),
		.from_fd = node->lower_fd,
		.fd = -1,
		.ahead_fd = -1,
		.charged = QUOTA_OBJECT,
	};
	int err = check_place(node);

	if (!err && fstat(node->lower_fd, &made.from) < 0)
		err = -errno;
	if (err)
		return err;
	if (S_ISREG(made.from.st_mode)) {
		made.len = (uint64_t)made.from.st_size;
		if (made.len > keep)
			made.len = keep;
		made.charged += quota_bytes(made.len);
		made.ahead_fd = copy_take(node, made.len, &made.from,
					  &made.name);
	}
	err = quota_take(&share->quota, made.charged);
	if (err)
		made.charged = 0;
	else
		err = make(share, &made);
	if (!err)
		err = file_prepare(node, made.fd);
	if (!err)
		err = move_into_place(node, &made);
	if (!err) {
		adopt(node, &made);
		return 0;
	}
	file_forget(node);
	if (made.fd >= 0)
		close(made.fd);
	if (made.ahead_fd >= 0)
		close(made.ahead_fd);
	quota_give(&share->quota, made.charged);
	work_drop(share, made.name.text);
	return err;
}

int copy_up(struct share_node *node, uint64_t keep)
{
	if (node->share->opts.mode == SHARE_RO)
		return -EROFS;
	while (node->upper_fd < 0) {
		struct share_node *top = node;
		int err;

		while (!top->gone && top->parent->upper_fd < 0)
			top = top->parent;
		err = copy_up_one(top, top == node ? keep : COPY_ALL);
		if (err)
			return err;
	}
	return 0;
}
