/* SPDX-License-Identifier: MIT */
/*
 * share_oracle.h - the operations of share.h on a plain directory, by plain
 * system calls on (directory, name): what a local file system answers.
 *
 * All return 0 or a value, or -errno. Where a share speaks of the object
 * behind a name, the oracle looks at its type first, because its own calls
 * would follow links or open special files.
 */
#ifndef TESTS_STRESS_SHARE_ORACLE_H
#define TESTS_STRESS_SHARE_ORACLE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

struct oracle_name {
	int dir_fd; /* or -errno: the way there failed */
	const char *name;
};

#define ORACLE(call) ((call) < 0 ? -errno : 0)

/* path: components with '/'; the last one becomes the name. */
static inline struct oracle_name oracle_find(int root_fd, char *path)
{
	struct oracle_name at = { .name = path };
	int fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	char *slash;

	while (fd >= 0 && (slash = strchr(at.name, '/'))) {
		int next;

		*slash = '\0';
		next = openat(fd, at.name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		*slash = '/';
		if (next < 0)
			next = -errno;
		close(fd);
		fd = next;
		at.name = slash + 1;
	}
	at.dir_fd = fd;
	return at;
}

static inline void oracle_done(struct oracle_name *at)
{
	if (at->dir_fd >= 0)
		close(at->dir_fd);
}

/* A path descriptor of the object. */
static inline int oracle_object(const struct oracle_name *at)
{
	int fd;

	if (at->dir_fd < 0)
		return at->dir_fd;
	fd = openat(at->dir_fd, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static inline int oracle_stat(const struct oracle_name *at, struct stat *st)
{
	if (at->dir_fd < 0)
		return at->dir_fd;
	return ORACLE(fstatat(at->dir_fd, at->name, st, AT_SYMLINK_NOFOLLOW));
}

static inline int oracle_open(const struct oracle_name *at, int flags,
			      mode_t mode)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
	struct stat st;
	int err = oracle_stat(at, &st), fd;

	if (err && (err != -ENOENT || at->dir_fd < 0))
		return err;
	if (!err && flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (!err && S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!err && S_ISDIR(st.st_mode) && (writes || flags & O_CREAT))
		return -EISDIR;
	if (!err && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -EACCES;
	fd = openat(at->dir_fd, at->name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

static inline int oracle_truncate(const struct oracle_name *at, off_t size)
{
	struct stat st;
	int err = oracle_stat(at, &st), fd;

	if (err)
		return err;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	fd = openat(at->dir_fd, at->name, O_WRONLY | O_CLOEXEC);
	err = ORACLE(ftruncate(fd, size));
	close(fd);
	return err;
}

static inline int oracle_chmod(const struct oracle_name *at, mode_t mode)
{
	struct stat st;
	int err = oracle_stat(at, &st);

	if (err)
		return err;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	return ORACLE(fchmodat(at->dir_fd, at->name, mode, 0));
}

static inline int oracle_times(const struct oracle_name *at,
			       const struct timespec times[2])
{
	if (at->dir_fd < 0)
		return at->dir_fd;
	return ORACLE(
		utimensat(at->dir_fd, at->name, times, AT_SYMLINK_NOFOLLOW));
}

static inline int oracle_setxattr(const struct oracle_name *at,
				  const char *name, const char *value)
{
	int fd = oracle_object(at), err;
	char path[64];

	if (fd < 0)
		return fd;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	err = value ? ORACLE(setxattr(path, name, value, strlen(value), 0))
		    : ORACLE(removexattr(path, name));
	close(fd);
	return err;
}

static inline int oracle_getxattr(const struct oracle_name *at,
				  const char *name, char *value, size_t cap)
{
	int fd = oracle_object(at);
	char path[64];
	ssize_t len;

	if (fd < 0)
		return fd;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = getxattr(path, name, value, cap);
	len = len < 0 ? -errno : len;
	close(fd);
	return (int)len;
}

static inline int oracle_link(const struct oracle_name *from,
			      const struct oracle_name *to)
{
	struct stat st;
	int err = oracle_stat(from, &st);

	if (err)
		return err;
	if (to->dir_fd < 0)
		return to->dir_fd;
	/* The order in which a share looks. */
	err = oracle_stat(to, &st);
	if (!err)
		return -EEXIST;
	if (err != -ENOENT)
		return err;
	return ORACLE(
		linkat(from->dir_fd, from->name, to->dir_fd, to->name, 0));
}

#endif
