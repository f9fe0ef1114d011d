/* SPDX-License-Identifier: MIT */
/*
 * work.c - the work directory of a private layer: things are made here and
 * moved into place in one step, or moved here in one step to be deleted. What
 * it holds at start was never, or is no longer, part of the layer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

struct work_name work_next(struct share *share)
{
	struct work_name name;

	(void)snprintf(name.text, sizeof(name.text), "w%u", share->work_seq++);
	return name;
}

struct work_name work_next_copy(struct share *share)
{
	struct work_name name;

	(void)snprintf(name.text, sizeof(name.text), "c%u", share->work_seq++);
	return name;
}

/* Move a directory up into the work directory itself, under a new name: so
 * that no depth a guest builds costs us descriptors, stack or paths. */
static int move_up(struct share *share, int dir_fd, const char *name)
{
	int err;

	do {
		struct work_name to = work_next(share);

		err = renameat2(dir_fd, name, share->work_fd, to.text,
				RENAME_NOREPLACE) < 0
			      ? -errno
			      : 0;
	} while (err == -EEXIST);
	return err;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Remove what is in the directory, but its directories, which move up. */
static int drain(struct share *share, int path_fd)
{
	struct dirent *entry;
	DIR *dir;
	int err = layer_list(path_fd, &dir);

	if (err)
		return err;
	while (!err && (entry = readdir(dir))) {
		if (is_dots(entry->d_name))
			continue;
		if (unlinkat(path_fd, entry->d_name, 0) == 0)
			continue;
		err = -errno;
		if (err == -EISDIR || err == -EPERM)
			err = move_up(share, path_fd, entry->d_name);
	}
	closedir(dir);
	return err;
}

/* Remove name, if it can be done in one go: 0. 1: look again. */
static int remove_one(struct share *share, const char *name)
{
	int fd, err;

	if (unlinkat(share->work_fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	/* Its mode may be anything if a user put it there by hand. */
	(void)fchmodat(share->work_fd, name, 0700, 0);
	fd = layer_find(share->work_fd, name);
	if (fd < 0)
		return fd;
	err = drain(share, fd);
	close(fd);
	if (!err && unlinkat(share->work_fd, name, AT_REMOVEDIR) < 0)
		err = -errno;
	return err ? err : 1;
}

int work_empty(struct share *share)
{
	int err, more;

	do {
		struct dirent *entry;
		DIR *dir;

		err = layer_list(share->work_fd, &dir);
		if (err)
			return err;
		more = 0;
		while (err >= 0 && (entry = readdir(dir))) {
			if (is_dots(entry->d_name) ||
			    (share->copier && entry->d_name[0] == 'c'))
				continue;
			err = remove_one(share, entry->d_name);
			more |= err == 1;
		}
		closedir(dir);
	} while (err >= 0 && more);
	return err < 0 ? err : 0;
}

void work_drop(struct share *share, const char *name)
{
	int err = remove_one(share, name);

	/* What went up is all there is: the directory has nothing else for
	 * long. What stays is tried again at the next start. */
	if (err == 1)
		err = work_empty(share);
	if (err && err != -ENOENT)
		share_say(share, "share: work/%s cannot be removed: %s", name,
			  strerror(-err));
}
