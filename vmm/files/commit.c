/* SPDX-License-Identifier: MIT */
/*
 * commit.c - how does what one VM changed become what all VMs see?
 *
 * Each difference is made in the lower layer by a whole file that is moved
 * into place; the upper layer is emptied at the end. Whoever is stopped half
 * way starts again: what was made is no difference any more.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

/* One at a time, beside the file that it becomes. */
#define COMMIT_TEMP ".ivlab-commit"

struct commit {
	struct share *share;
	share_change_fn *fn;
	void *arg;
};

/* The lower directory that holds path, and the last name. */
static int open_parent(const struct commit *commit, const char *path,
		       const char **name)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*name = slash ? slash + 1 : path;
	(void)snprintf(parent, sizeof(parent), "%.*s",
		       slash ? (int)(slash - path) : 0, path);
	return layer_find_deep(commit->share->lower_fd, parent);
}

/* Remove what can be in the directory; *left: a directory that could not. */
static int remove_files(int path_fd, struct name *left)
{
	struct dirent *entry;
	DIR *dir;
	int err = layer_list(path_fd, &dir);

	if (err)
		return err;
	left->text[0] = '\0';
	while (!err && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (unlinkat(path_fd, name, 0) == 0 || errno == ENOENT ||
		    unlinkat(path_fd, name, AT_REMOVEDIR) == 0)
			continue;
		err = errno == ENOTEMPTY ? node_name(left, name, strlen(name))
					 : -errno;
		if (left->text[0])
			break;
	}
	closedir(dir);
	return err;
}

/* A name and all below it, from the bottom up. */
static int remove_tree(int dir_fd, const char *name)
{
	char path[PATH_MAX];
	int err = 0;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	(void)snprintf(path, sizeof(path), "%s", name);
	while (!err) {
		char *slash = strrchr(path, '/');
		size_t len = strlen(path);
		struct name left;
		int fd = layer_find_deep(dir_fd, path);

		if (fd < 0)
			return fd;
		err = remove_files(fd, &left);
		close(fd);
		if (err)
			break;
		if (left.text[0]) {
			int more = snprintf(path + len, sizeof(path) - len,
					    "/%s", left.text);

			if ((size_t)more >= sizeof(path) - len)
				err = -ENAMETOOLONG;
			continue;
		}
		/* Empty now; its parent is next, and sees it go. */
		if (!slash)
			return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno
									: 0;
		*slash = '\0';
	}
	return err;
}

/* Attributes of the upper object, for an object of the lower layer. */
static int put_attributes(const struct diff_item *item, int to_fd,
			  struct stat *from)
{
	struct record record;
	int err;

	if (fstat(item->upper_fd, from) < 0)
		return -errno;
	err = record_read(item->upper_fd, from, true, &record);
	if (!err)
		err = copy_xattrs(item->upper_fd, to_fd);
	if (!err)
		err = record_put(to_fd, &record, false, true);
	/* A lower layer that keeps no records gets what fits into its mode;
	 * a device must not become a plain file unnoticed. */
	if (err == -EOPNOTSUPP && !record_is_special(record.mode))
		err = record_put(to_fd, &record, false, false);
	return err;
}

static int make_dir(const struct diff_item *item, int dir_fd, const char *name)
{
	struct stat st;
	int fd, err;

	if (item->lower_fd >= 0 && fstat(item->lower_fd, &st) < 0)
		return -errno;
	if (item->lower_fd >= 0 && !S_ISDIR(st.st_mode) &&
	    unlinkat(dir_fd, name, 0) < 0)
		return -errno;
	if (mkdirat(dir_fd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = layer_find(dir_fd, name);
	if (fd < 0)
		return fd;
	err = put_attributes(item, fd, &st);
	close(fd);
	return err;
}

static int fill_file(struct share *share, const struct diff_item *item,
		     int dir_fd)
{
	int to_fd = layer_create(dir_fd, COMMIT_TEMP, O_RDWR, 0600);
	int from_fd, err;
	struct stat st;

	if (to_fd < 0)
		return to_fd;
	from_fd = layer_open(item->upper_fd, O_RDONLY);
	err = from_fd < 0 ? from_fd : 0;
	if (!err && fstat(from_fd, &st) < 0)
		err = -errno;
	if (!err)
		err = copy_data(share, from_fd, to_fd, (uint64_t)st.st_size);
	if (!err)
		err = put_attributes(item, to_fd, &st);
	if (!err)
		err = copy_times(to_fd, &st);
	if (from_fd >= 0)
		close(from_fd);
	close(to_fd);
	return err;
}

static int fill_link(const struct diff_item *item, int dir_fd)
{
	char target[SHARE_TARGET_MAX + 1];
	ssize_t len = readlinkat(item->upper_fd, "", target, sizeof(target));

	if (len < 0)
		return -errno;
	if ((size_t)len == sizeof(target))
		return -ENAMETOOLONG;
	target[len] = '\0';
	return symlinkat(target, dir_fd, COMMIT_TEMP) < 0 ? -errno : 0;
}

static int make_other(struct share *share, const struct diff_item *item,
		      int dir_fd, const char *name, bool is_link)
{
	struct stat st;
	int err;

	if (unlinkat(dir_fd, COMMIT_TEMP, 0) < 0 && errno != ENOENT)
		return -errno;
	err = is_link ? fill_link(item, dir_fd)
		      : fill_file(share, item, dir_fd);
	if (!err && item->lower_fd >= 0 && fstat(item->lower_fd, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		err = remove_tree(dir_fd, name);
	if (!err && renameat(dir_fd, COMMIT_TEMP, dir_fd, name) < 0)
		err = -errno;
	if (err)
		(void)unlinkat(dir_fd, COMMIT_TEMP, 0);
	return err;
}

static int make(void *arg, const struct diff_item *item)
{
	struct commit *commit = arg;
	const char *name;
	int dir_fd = open_parent(commit, item->path, &name), err;
	struct stat st;

	if (dir_fd < 0)
		return dir_fd;
	if (item->change == SHARE_DELETED)
		err = remove_tree(dir_fd, name);
	else if (fstat(item->upper_fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = make_dir(item, dir_fd, name);
	else
		err = make_other(commit->share, item, dir_fd, name,
				 S_ISLNK(st.st_mode));
	close(dir_fd);
	if (err)
		share_say(commit->share, "share: commit: %s: %s", item->path,
			  strerror(-err));
	if (!err && commit->fn)
		err = commit->fn(commit->arg, item->change, item->path);
	return err;
}

/* A directory's times, after the last change in it. */
static int leave(void *arg, const char *path)
{
	const struct commit *commit = arg;
	int upper_fd = layer_find_deep(commit->share->upper_fd, path);
	int lower_fd = layer_find_deep(commit->share->lower_fd, path);
	struct stat st;

	if (upper_fd >= 0 && lower_fd >= 0 && !fstat(upper_fd, &st))
		(void)copy_times(lower_fd, &st);
	if (upper_fd >= 0)
		close(upper_fd);
	if (lower_fd >= 0)
		close(lower_fd);
	return 0;
}

/* The only other copy is about to be deleted. */
static int flush(int path_fd)
{
	int fd = layer_open(path_fd, O_RDONLY | O_DIRECTORY), err;

	if (fd < 0)
		return fd;
	err = syncfs(fd) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int share_commit(struct share *share, share_change_fn *fn, void *arg)
{
	struct commit commit = { share, fn, arg };
	struct diff_ops ops = { .item = make, .leave = leave, .arg = &commit };
	int err;

	if (!share_is_cow(share))
		return -EINVAL;
	if (share->nodes_nr)
		return -EBUSY;
	err = diff_run(share, &ops);
	if (!err)
		err = flush(share->lower_fd);
	return err ? err : share_discard(share);
}
