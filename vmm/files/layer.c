/* SPDX-License-Identifier: MIT */
/* layer.c - how does a guest's name become a descriptor, and no other's? */
#include "vmm/files/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_beneath(int dir_fd, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int layer_find(int dir_fd, const char *name)
{
	return open_beneath(dir_fd, name, O_PATH | O_NOFOLLOW, 0);
}

int layer_find_deep(int dir_fd, const char *path)
{
	return layer_find(dir_fd, path[0] ? path : ".");
}

struct layer_path layer_path(int fd)
{
	struct layer_path path;

	(void)snprintf(path.name, sizeof(path.name), "/proc/self/fd/%d", fd);
	return path;
}

int layer_open(int path_fd, int flags)
{
	struct layer_path path = layer_path(path_fd);
	struct stat st;
	int fd = -1;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	/* An inode's type is for life: nothing can become a FIFO now. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -EACCES;
	/* O_NONBLOCK: not to wait for whoever holds a lease on the file. */
	flags |= O_CLOEXEC | O_NOCTTY;
	if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_TRUNC))
		fd = open(path.name, flags | O_NONBLOCK | O_NOATIME);
	if (fd >= 0)
		flags |= O_NOATIME;
	else
		fd = open(path.name, flags | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* Left on, it would make io_uring answer -EAGAIN instead of waiting
	 * for the disk. What was only for open() is ignored. */
	if (fcntl(fd, F_SETFL, flags) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int layer_create(int dir_fd, const char *name, int flags, mode_t mode)
{
	return open_beneath(dir_fd, name,
			    flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY,
			    mode & 0777);
}

int layer_list(int path_fd, DIR **out)
{
	int fd = layer_open(path_fd, O_RDONLY | O_DIRECTORY), err;

	if (fd < 0)
		return fd;
	*out = fdopendir(fd);
	if (*out)
		return 0;
	err = -errno;
	close(fd);
	return err;
}

int layer_exchange(int a_fd, const char *a, int b_fd, const char *b)
{
	return renameat2(a_fd, a, b_fd, b, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

int layer_same(int dir_fd, const char *name, dev_t dev, ino_t ino)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return st.st_dev == dev && st.st_ino == ino ? 0 : -ESTALE;
}
