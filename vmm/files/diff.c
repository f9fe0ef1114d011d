/* SPDX-License-Identifier: MIT */
/*
 * diff.c - in what does a private layer differ from what is below it?
 *
 * Directories that are under way wait in a list on the heap and hold no
 * descriptors; each is reached from its layer's root by its path, confined as
 * every name is. A path longer than PATH_MAX ends it with -ENAMETOOLONG.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

struct level {
	struct level *above;
	struct merge names;
	size_t next;
	size_t path_len; /* of the directory */
	bool in_lower;
};

struct diff {
	struct share *share;
	const struct diff_ops *ops;
	struct level *top;
	char path[PATH_MAX];
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void pop(struct diff *diff)
{
	struct level *level = diff->top;

	diff->top = level->above;
	merge_free(&level->names);
	free(level);
}

/* lower_fd: the directory of the lower layer that merges with it, or -1. */
static int push(struct diff *diff, int upper_fd, int lower_fd)
{
	struct level *level = calloc(1, sizeof(*level));
	struct stat st;
	int err;

	if (!level)
		return -ENOMEM;
	*level = (struct level){
		.above = diff->top,
		.path_len = strlen(diff->path),
		.in_lower = lower_fd >= 0,
	};
	diff->top = level;
	if (fstat(upper_fd, &st) < 0)
		return -errno;
	err = merge_add(&level->names, upper_fd, true);
	/* Then what only the lower one has is deleted. */
	if (!err && lower_fd >= 0 && whiteout_opaque(st.st_mode))
		err = merge_add(&level->names, lower_fd, false);
	merge_sort(&level->names);
	return err;
}

static int set_path(struct diff *diff, const char *name)
{
	size_t at = diff->top->path_len, len = strlen(name);

	if (at)
		diff->path[at++] = '/';
	if (len >= sizeof(diff->path) - at)
		return -ENAMETOOLONG;
	memcpy(diff->path + at, name, len + 1);
	return 0;
}

/* A descriptor, or -1 in *fd when there is nothing. */
static int find(int root_fd, const char *path, int *fd)
{
	*fd = layer_find_deep(root_fd, path);
	if (*fd >= 0)
		return 0;
	if (*fd != -ENOENT && *fd != -ENOTDIR && *fd != -ELOOP)
		return *fd;
	*fd = -1;
	return 0;
}

static bool same_times(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same_links(int a_fd, int b_fd)
{
	char a[SHARE_TARGET_MAX + 1], b[SHARE_TARGET_MAX + 1];
	ssize_t a_len = readlinkat(a_fd, "", a, sizeof(a));
	ssize_t b_len = readlinkat(b_fd, "", b, sizeof(b));

	return a_len >= 0 && a_len == b_len && !memcmp(a, b, (size_t)a_len);
}

/* Has b each attribute of a, with its value? *nr: how many there are. */
static bool has_xattrs(int a_fd, int b_fd, char *names, char *values,
		       size_t *nr)
{
	struct layer_path a = layer_path(a_fd), b = layer_path(b_fd);
	ssize_t len = listxattr(a.name, names, XATTR_LIST_MAX);
	char *other = values + SHARE_XATTR_MAX;

	*nr = 0;
	for (const char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1) {
		ssize_t a_len, b_len;

		if (strncmp(name, "user.", 5) != 0 ||
		    !strncmp(name, RECORD_PREFIX, sizeof(RECORD_PREFIX) - 1))
			continue;
		++*nr;
		a_len = getxattr(a.name, name, values, SHARE_XATTR_MAX);
		b_len = getxattr(b.name, name, other, SHARE_XATTR_MAX);
		if (a_len < 0 || a_len != b_len ||
		    memcmp(values, other, (size_t)a_len) != 0)
			return false;
	}
	return true;
}

static int same_xattrs(int a_fd, int b_fd, bool *same)
{
	char *names = malloc(XATTR_LIST_MAX);
	char *values = malloc(2 * (size_t)SHARE_XATTR_MAX);
	size_t a_nr, b_nr;
	int err;

	if (names && values)
		*same = has_xattrs(a_fd, b_fd, names, values, &a_nr) &&
			has_xattrs(b_fd, a_fd, names, values, &b_nr) &&
			a_nr == b_nr;
	err = names && values ? 0 : -ENOMEM;
	free(names);
	free(values);
	return err;
}

/*
 * Same to the guest? A copy-up keeps size and time of a file, and every write
 * changes the time, so bytes need not be read. A directory's own time changes
 * with each name in it and says nothing.
 */
static int compare(int upper_fd, int lower_fd, bool *differs)
{
	struct stat upper, lower;
	struct record a, b;
	bool same = true;
	int err;

	if (fstat(upper_fd, &upper) < 0 || fstat(lower_fd, &lower) < 0)
		return -errno;
	err = record_read(upper_fd, &upper, true, &a);
	if (!err)
		err = record_read(lower_fd, &lower, false, &b);
	if (err)
		return err;
	*differs = true;
	if ((a.mode & S_IFMT) != (b.mode & S_IFMT))
		return 0;
	if (S_ISLNK(a.mode)) {
		*differs = !same_links(upper_fd, lower_fd);
		return 0;
	}
	if (a.mode != b.mode || a.uid != b.uid || a.gid != b.gid)
		return 0;
	if (record_is_special(a.mode)) {
		*differs = a.major != b.major || a.minor != b.minor;
		return 0;
	}
	if (S_ISREG(a.mode) &&
	    (upper.st_size != lower.st_size || !same_times(&upper, &lower)))
		return 0;
	err = same_xattrs(upper_fd, lower_fd, &same);
	*differs = !same;
	return err;
}

/* Tell of one name, and go into it if it is a directory. */
static int visit(struct diff *diff, struct diff_item *item)
{
	bool differs = true, white, is_dir = false, merges = false;
	struct stat st;
	int err = 0;

	white = item->upper_fd >= 0 && whiteout_is_fd(item->upper_fd);
	if (item->lower_fd < 0 && (white || item->upper_fd < 0))
		return 0; /* deleted, and it was not there */
	if (white || item->upper_fd < 0) {
		item->change = SHARE_DELETED;
		return diff->ops->item(diff->ops->arg, item);
	}
	if (fstat(item->upper_fd, &st) < 0)
		return -errno;
	is_dir = S_ISDIR(st.st_mode);
	item->change = SHARE_ADDED;
	if (item->lower_fd >= 0) {
		item->change = SHARE_CHANGED;
		err = compare(item->upper_fd, item->lower_fd, &differs);
		if (!err && fstat(item->lower_fd, &st) < 0)
			err = -errno;
		merges = !err && is_dir && S_ISDIR(st.st_mode);
	}
	if (!err && differs)
		err = diff->ops->item(diff->ops->arg, item);
	if (!err && is_dir)
		err = push(diff, item->upper_fd, merges ? item->lower_fd : -1);
	return err;
}

static int step(struct diff *diff)
{
	struct level *level = diff->top;
	struct diff_item item = {
		.path = diff->path,
		.upper_fd = -1,
		.lower_fd = -1,
	};
	int err;

	if (level->next == level->names.entries_nr) {
		diff->path[level->path_len] = '\0';
		err = diff->ops->leave
			      ? diff->ops->leave(diff->ops->arg, diff->path)
			      : 0;
		pop(diff);
		return err;
	}
	err = set_path(diff, merge_name(&level->names, level->next++));
	if (!err)
		err = find(diff->share->upper_fd, diff->path, &item.upper_fd);
	if (!err && level->in_lower)
		err = find(diff->share->lower_fd, diff->path, &item.lower_fd);
	if (!err)
		err = visit(diff, &item);
	close_fd(item.upper_fd);
	close_fd(item.lower_fd);
	return err;
}

int diff_run(struct share *share, const struct diff_ops *ops)
{
	struct diff *diff;
	int err;

	if (!share_is_cow(share))
		return -EINVAL;
	diff = calloc(1, sizeof(*diff));
	if (!diff)
		return -ENOMEM;
	diff->share = share;
	diff->ops = ops;
	err = push(diff, share->upper_fd, share->lower_fd);
	while (!err && diff->top)
		err = step(diff);
	while (diff->top)
		pop(diff);
	free(diff);
	return err;
}

struct listener {
	share_change_fn *fn;
	void *arg;
};

static int tell(void *arg, const struct diff_item *item)
{
	const struct listener *listener = arg;

	return listener->fn(listener->arg, item->change, item->path);
}

int share_diff(struct share *share, share_change_fn *fn, void *arg)
{
	struct listener listener = { fn, arg };
	struct diff_ops ops = { .item = tell, .arg = &listener };

	return diff_run(share, &ops);
}
