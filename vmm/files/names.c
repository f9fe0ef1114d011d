/* SPDX-License-Identifier: MIT */
/*
 * names.c - how does a new name come into a directory?
 *
 * Where the layer below has a deleted name, the new object is made in the
 * work directory and takes the whiteout's place in one step; so is what would
 * be something else without its record. All others are made in place.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* A new object on its way. */
struct fresh {
	struct share_node *dir;
	struct name name;
	struct work_name work;
	/* Where it is made: the directory itself or the work directory. */
	int at_fd;
	const char *at_name;
	bool hides; /* a whiteout stands at the name */
};

static int fresh_check(struct fresh *fresh, struct share_node *dir,
		       const char *name, size_t len)
{
	struct share_node *there;
	int err;

	*fresh = (struct fresh){ .dir = dir };
	err = node_change_in(dir, &fresh->name, name, len);
	if (err)
		return err;
	err = node_walk(dir, fresh->name.text, &there);
	if (err)
		return err == -ENOENT ? 0 : err;
	share_node_put(there);
	return -EEXIST;
}

/* The name is free. aside: not to be seen before it is complete. */
static int fresh_begin(struct fresh *fresh, bool aside)
{
	struct share *share = fresh->dir->share;
	int err = copy_up(fresh->dir, COPY_ALL);

	if (!err)
		err = quota_take(&share->quota, QUOTA_OBJECT);
	if (err)
		return err;
	fresh->hides = share_is_cow(share) &&
		       whiteout_is(fresh->dir->upper_fd, fresh->name.text);
	fresh->at_fd = fresh->dir->upper_fd;
	fresh->at_name = fresh->name.text;
	if (fresh->hides || (aside && share_is_cow(share))) {
		fresh->work = work_next(share);
		fresh->at_fd = share->work_fd;
		fresh->at_name = fresh->work.text;
	}
	return 0;
}

/* Owner and set-id bits of a directory that is there now. */
static int fresh_record_dir(const struct fresh *fresh, uint32_t mode,
			    struct share_owner owner)
{
	struct record record = { mode, owner.uid, owner.gid, 0, 0 };
	int fd = layer_find(fresh->at_fd, fresh->at_name), err;

	if (fd < 0)
		return fd;
	err = record_write(fresh->dir->share, fd, &record, fresh->hides);
	close(fd);
	return err;
}

static int fresh_place(const struct fresh *fresh, bool is_dir)
{
	int dir_fd = fresh->dir->upper_fd, err;

	if (fresh->at_fd == dir_fd)
		return 0;
	if (!is_dir || !fresh->hides)
		return renameat(fresh->at_fd, fresh->at_name, dir_fd,
				fresh->name.text) < 0
			       ? -errno
			       : 0;
	/* A directory cannot replace a link. */
	err = layer_exchange(fresh->at_fd, fresh->at_name, dir_fd,
			     fresh->name.text);
	if (!err)
		work_drop(fresh->dir->share, fresh->at_name);
	return err;
}

/* Done, or it is as if nothing had been; returns err, or the walk's. */
static int fresh_end(const struct fresh *fresh, bool made, bool is_dir, int err,
		     struct share_node **out)
{
	struct share *share = fresh->dir->share;

	if (!err)
		err = fresh_place(fresh, is_dir);
	if (!err)
		return out ? node_walk(fresh->dir, fresh->name.text, out) : 0;
	if (made)
		(void)unlinkat(fresh->at_fd, fresh->at_name,
			       is_dir ? AT_REMOVEDIR : 0);
	quota_give(&share->quota, QUOTA_OBJECT);
	return err;
}

int share_mkdir(struct share_node *dir, const char *name, size_t len,
		uint32_t mode, struct share_owner owner,
		struct share_node **out)
{
	struct fresh fresh;
	int err = fresh_check(&fresh, dir, name, len);
	bool made;

	if (!err)
		err = fresh_begin(&fresh, false);
	if (err)
		return err;
	made = mkdirat(fresh.at_fd, fresh.at_name, 0700) == 0;
	err = made ? fresh_record_dir(&fresh, S_IFDIR | (mode & 07777), owner)
		   : -errno;
	return fresh_end(&fresh, made, true, err, out);
}

int share_symlink(struct share_node *dir, const char *name, size_t len,
		  const char *target, size_t target_len,
		  struct share_owner owner, struct share_node **out)
{
	char text[SHARE_TARGET_MAX + 1];
	struct fresh fresh;
	int err = fresh_check(&fresh, dir, name, len);
	bool made;

	(void)owner; /* links have no user xattrs to record it in */
	if (err)
		return err;
	if (target_len > SHARE_TARGET_MAX)
		return -ENAMETOOLONG;
	if (!target_len)
		return -ENOENT; /* symlink(2) */
	if (memchr(target, '\0', target_len))
		return -EINVAL;
	if (share_is_cow(dir->share) && whiteout_is_target(target, target_len))
		return -EPERM;
	memcpy(text, target, target_len);
	text[target_len] = '\0';
	err = fresh_begin(&fresh, false);
	if (err)
		return err;
	made = symlinkat(text, fresh.at_fd, fresh.at_name) == 0;
	err = made ? 0 : -errno;
	return fresh_end(&fresh, made, false, err, out);
}

/* The name is free. */
static int make_file(struct fresh *fresh, const struct record *record,
		     struct share_node **out)
{
	bool special = record_is_special(record->mode), made;
	int err = fresh_begin(fresh, special), fd;

	if (err)
		return err;
	fd = layer_create(fresh->at_fd, fresh->at_name, O_WRONLY,
			  special ? 0600 : record->mode | 0600);
	made = fd >= 0;
	err = made ? record_write(fresh->dir->share, fd, record, false) : fd;
	if (made)
		close(fd);
	return fresh_end(fresh, made, false, err, out);
}

int share_mknod(struct share_node *dir, const char *name, size_t len,
		uint32_t mode, uint32_t major, uint32_t minor,
		struct share_owner owner, struct share_node **out)
{
	struct record record = { mode, owner.uid, owner.gid, major, minor };
	struct fresh fresh;
	int err = fresh_check(&fresh, dir, name, len);

	if (err)
		return err;
	if (!(mode & S_IFMT))
		record.mode |= S_IFREG; /* mknod(2) */
	if (!S_ISREG(record.mode) && !record_is_special(record.mode))
		return S_ISDIR(mode) ? -EPERM : -EINVAL;
	record.mode &= S_IFMT | 07777;
	return make_file(&fresh, &record, out);
}

int share_link(struct share_node *dir, const char *name, size_t len,
	       struct share_node *node)
{
	struct fresh fresh;
	int err = fresh_check(&fresh, dir, name, len);
	struct layer_path path;
	bool made;

	if (err)
		return err;
	if (node->share != dir->share)
		return -EXDEV;
	if (node->type == S_IFDIR)
		return -EPERM;
	if (node->gone && node->upper_fd < 0)
		return -ENOENT;
	err = copy_up(node, COPY_ALL);
	if (!err)
		err = fresh_begin(&fresh, false);
	if (err)
		return err;
	/* A second name costs nothing. */
	quota_give(&dir->share->quota, QUOTA_OBJECT);
	path = layer_path(node->upper_fd);
	made = linkat(AT_FDCWD, path.name, fresh.at_fd, fresh.at_name,
		      AT_SYMLINK_FOLLOW) == 0;
	err = made ? 0 : -errno;
	if (!err)
		err = fresh_place(&fresh, false);
	if (err && made)
		(void)unlinkat(fresh.at_fd, fresh.at_name, 0);
	return err;
}

int share_create_file(struct share_node *dir, const char *name, size_t len,
		      uint32_t flags, uint32_t mode, struct share_owner owner,
		      struct share_node **node, struct share_file **out)
{
	struct record record = { S_IFREG | (mode & 07777), owner.uid, owner.gid,
				 0, 0 };
	struct fresh fresh = { .dir = dir };
	struct share_node *there;
	int err;

	/* What is there may be opened also where nothing may be made. */
	err = share_walk(dir, name, len, &there);
	if (!err && flags & O_EXCL) {
		share_node_put(there);
		return -EEXIST;
	}
	if (!err) {
		err = there->type == S_IFDIR ? -EISDIR
					     : share_open(there, flags, out);
		if (err)
			share_node_put(there);
		else
			*node = there;
		return err;
	}
	if (err != -ENOENT)
		return err;
	err = node_change_in(dir, &fresh.name, name, len);
	if (!err)
		err = make_file(&fresh, &record, node);
	if (err)
		return err;
	/* Not with the open: the descriptor shall have what was asked for, and
	 * the record must be there before anybody writes. */
	err = share_open(*node, flags & ~(uint32_t)O_TRUNC, out);
	if (err)
		share_node_put(*node);
	return err;
}
