/* SPDX-License-Identifier: MIT */
/*
 * lower.c - is a private layer laid over the directory it was made over?
 *
 * UPPER/ivlab-lower has the directory's device, inode and path, as they were
 * when it was last used. A directory that was moved keeps the first two, one
 * that was made anew, or whose disk got another number, the last: either will
 * do, and is written down. Changes laid over anything else mean nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define RECORD	   "ivlab-lower"
#define RECORD_NEW "ivlab-lower.new"

struct identity {
	unsigned long long dev, ino;
	char path[PATH_MAX];
};

/* Of the directory that is named now. */
static int identity_now(const struct share *share, struct identity *id)
{
	struct layer_path link = layer_path(share->lower_fd);
	ssize_t len = readlink(link.name, id->path, sizeof(id->path));
	struct stat st;

	if (len < 0 || fstat(share->lower_fd, &st) < 0)
		return -errno;
	if ((size_t)len == sizeof(id->path))
		return -ENAMETOOLONG;
	id->path[len] = '\0';
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return 0;
}

/* The path in a record; NULL: it is none. */
static const char *parse(const char *text, struct identity *id)
{
	char *end;

	id->dev = strtoull(text, &end, 10);
	if (end == text || *end != ':')
		return NULL;
	text = end + 1;
	id->ino = strtoull(text, &end, 10);
	return end != text && end[0] == ' ' && end[1] == '/' ? end + 1 : NULL;
}

/* -ENOENT: the layer is of a time before there were records, or a power cut
 * has emptied it. What else is no record is that of no directory. */
static int identity_read(int home_fd, struct identity *id)
{
	char text[PATH_MAX + 64];
	int fd = openat(home_fd, RECORD,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *path;
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return len < 0 ? -errno : -ENOENT;
	text[len] = '\0';
	path = parse(text, id);
	if (!path || text[len - 1] != '\n' || strlen(path) > sizeof(id->path)) {
		*id = (struct identity){ .path = "an unreadable " RECORD };
		return 0;
	}
	text[len - 1] = '\0';
	memcpy(id->path, path, strlen(path) + 1);
	return 0;
}

static int identity_write(int home_fd, const struct identity *id)
{
	int fd = openat(home_fd, RECORD_NEW,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	/* On the disk before it has its name: a power cut leaves the old one
	 * or this one, whole. */
	if (dprintf(fd, "%llu:%llu %s\n", id->dev, id->ino, id->path) < 0 ||
	    fsync(fd) < 0)
		err = -errno;
	close(fd);
	if (!err && renameat(home_fd, RECORD_NEW, home_fd, RECORD) < 0)
		err = -errno;
	if (err)
		(void)unlinkat(home_fd, RECORD_NEW, 0);
	return err;
}

int lower_check(struct share *share, const char *upper)
{
	struct identity was = { 0 }, now = { 0 };
	bool same_inode, same_path;
	struct stat st;
	int err;

	/* No changes yet, or none any more: of any directory. */
	if (fstatat(share->home_fd, "tree", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	err = identity_now(share, &now);
	if (!err)
		err = identity_read(share->home_fd, &was);
	if (err)
		return err == -ENOENT ? 0 : err;
	same_inode = was.dev == now.dev && was.ino == now.ino;
	same_path = !strcmp(was.path, now.path);
	if (same_inode || same_path)
		return 0;
	share_say(share,
		  "share: private directory %s has changes to %s, not to %s: "
		  "name that directory, or start anew (--fresh); if it is the "
		  "same in another place, remove %s/" RECORD,
		  upper, was.path, now.path, upper);
	return -EXDEV;
}

int lower_forget(struct share *share)
{
	return unlinkat(share->home_fd, RECORD, 0) < 0 && errno != ENOENT
		       ? -errno
		       : 0;
}

int lower_note(struct share *share)
{
	struct identity was = { 0 }, now = { 0 };
	int err = identity_now(share, &now);

	if (err)
		return err;
	if (!identity_read(share->home_fd, &was) && was.dev == now.dev &&
	    was.ino == now.ino && !strcmp(was.path, now.path))
		return 0;
	err = identity_write(share->home_fd, &now);
	if (err != -ENOSPC && err != -EDQUOT)
		return err;
	/* The old one, if any, is still good, and what is full must stay
	 * usable, if only to remove something. */
	share_say(share,
		  "share: no room to note that the private directory is that "
		  "of %s: %s",
		  now.path, strerror(-err));
	return 0;
}
