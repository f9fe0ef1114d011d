/* SPDX-License-Identifier: MIT */
/*
 * quota.c - how much does a private layer hold?
 *
 * Counted is what files claim to hold, not the blocks they have: the sum is
 * known before a write is made and bounds the blocks, also of sparse and of
 * reflinked files.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

uint64_t quota_bytes(uint64_t len)
{
	if (len > UINT64_MAX - 4095)
		return UINT64_MAX;
	return (len + 4095) & ~4095ull;
}

int quota_take(struct quota *quota, uint64_t bytes)
{
	if (!quota->limit)
		return 0;
	if (quota->used > quota->limit || bytes > quota->limit - quota->used)
		return -EDQUOT;
	quota->used += bytes;
	return 0;
}

void quota_give(struct quota *quota, uint64_t bytes)
{
	quota->used -= bytes < quota->used ? bytes : quota->used;
}

static void count(struct quota *quota, int dir_fd, const char *name,
		  const struct stat *st)
{
	uint64_t bytes = QUOTA_OBJECT;

	if (S_ISLNK(st->st_mode) && whiteout_is(dir_fd, name))
		return;
	/* Each name of a hard-linked file brings its part. */
	if (S_ISREG(st->st_mode))
		bytes += quota_bytes((uint64_t)st->st_size);
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		bytes /= st->st_nlink;
	quota->used += bytes;
}

/* Directories that wait; a guest may have nested them deeper than any path or
 * descriptor table goes, so each is reached by its parent and left by "..".
 * Nobody else is in the layer, so ".." is where we came from. */
struct level {
	struct level *above;
	struct merge subdirs;
	size_t next;
};

static int enter(struct quota *quota, int dir_fd, struct level **top)
{
	struct level *level = calloc(1, sizeof(*level));
	size_t kept = 0;
	int err;

	if (!level)
		return -ENOMEM;
	level->above = *top;
	*top = level;
	err = merge_add(&level->subdirs, dir_fd, true);
	for (size_t i = 0; !err && i < level->subdirs.entries_nr; i++) {
		const char *name = merge_name(&level->subdirs, i);
		struct stat st;

		if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		count(quota, dir_fd, name, &st);
		if (S_ISDIR(st.st_mode))
			level->subdirs.entries[kept++] =
				level->subdirs.entries[i];
	}
	level->subdirs.entries_nr = kept;
	return err;
}

static void leave(struct level **top)
{
	struct level *level = *top;

	*top = level->above;
	merge_free(&level->subdirs);
	free(level);
}

int quota_scan(struct quota *quota, int dir_fd)
{
	struct level *top = NULL;
	int fd = layer_find(dir_fd, "."), err;

	if (fd < 0)
		return fd;
	err = enter(quota, fd, &top);
	while (!err && top) {
		bool down = top->next < top->subdirs.entries_nr;
		int next;

		if (!down && !top->above)
			break;
		next = down ? layer_find(fd,
					 merge_name(&top->subdirs, top->next++))
			    : openat(fd, "..", O_PATH | O_CLOEXEC);
		if (next < 0) {
			err = down ? next : -errno;
			break;
		}
		close(fd);
		fd = next;
		if (down)
			err = enter(quota, fd, &top);
		else
			leave(&top);
	}
	while (top)
		leave(&top);
	close(fd);
	return err;
}
