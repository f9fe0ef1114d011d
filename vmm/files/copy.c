/* SPDX-License-Identifier: MIT */
/* copy.c - how do a file's bytes and attributes get from layer to layer? */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define STEP_LEN COPY_TELL_LEN
#define BUF_LEN	 (256u << 10)

struct copy {
	struct share *share;
	int from_fd, to_fd;
	uint64_t len;
	bool by_hand; /* the kernel cannot copy between these two */
	char *buf;
};

static int write_all(int fd, const char *buf, size_t len, uint64_t off)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= (size_t)n;
		off += (uint64_t)n;
	}
	return 0;
}

static int64_t step_by_hand(struct copy *copy, uint64_t off, uint64_t len)
{
	ssize_t n;
	int err;

	if (!copy->buf)
		copy->buf = malloc(BUF_LEN);
	if (!copy->buf)
		return -ENOMEM;
	do
		n = pread(copy->from_fd, copy->buf,
			  len < BUF_LEN ? len : BUF_LEN, (off_t)off);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	err = write_all(copy->to_fd, copy->buf, (size_t)n, off);
	return err ? err : n;
}

/* Bytes copied, 0 at the end of a file that has shrunk, or -errno. */
static int64_t step(struct copy *copy, uint64_t off, uint64_t len)
{
	off_t in = (off_t)off, out = (off_t)off;
	ssize_t n;

	if (copy->by_hand)
		return step_by_hand(copy, off, len);
	n = copy_file_range(copy->from_fd, &in, copy->to_fd, &out,
			    len < STEP_LEN ? len : STEP_LEN, 0);
	if (n > 0)
		return n;
	if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
	    errno != EOPNOTSUPP && errno != EINTR)
		return -errno;
	/* 0 too: some file systems claim an end where there is none. */
	copy->by_hand = true;
	return step_by_hand(copy, off, len);
}

static int copy_extent(struct copy *copy, uint64_t off, uint64_t end,
		       uint64_t *asked)
{
	const struct share_opts *opts = &copy->share->opts;

	while (off < end) {
		int64_t n = step(copy, off, end - off);

		if (n <= 0)
			return (int)n;
		off += (uint64_t)n;
		if (off - *asked < STEP_LEN && off < copy->len)
			continue;
		*asked = off;
		if (opts->copying && opts->copying(opts->arg, off, copy->len))
			return -EINTR;
	}
	return 0;
}

static int copy_extents(struct copy *copy)
{
	uint64_t off = 0, asked = 0;

	while (off < copy->len) {
		off_t data = lseek(copy->from_fd, (off_t)off, SEEK_DATA);
		off_t hole;
		int err;

		if (data < 0 && errno == ENXIO)
			return 0; /* nothing but a hole to the end */
		if (data < 0)
			data = (off_t)off;
		hole = lseek(copy->from_fd, data, SEEK_HOLE);
		if (hole <= data || (uint64_t)hole > copy->len)
			hole = (off_t)copy->len;
		err = copy_extent(copy, (uint64_t)data, (uint64_t)hole, &asked);
		if (err)
			return err;
		off = (uint64_t)hole;
	}
	return 0;
}

bool copy_shared(int from_fd, int to_fd, uint64_t len)
{
	return ioctl(to_fd, FICLONE, from_fd) == 0 &&
	       ftruncate(to_fd, (off_t)len) == 0;
}

int copy_data(struct share *share, int from_fd, int to_fd, uint64_t len)
{
	struct copy copy = {
		.share = share,
		.from_fd = from_fd,
		.to_fd = to_fd,
		.len = len,
	};
	int err = 0;

	if (!len || copy_shared(from_fd, to_fd, len))
		return 0;
	/* The size first, so that a hole at the end needs nothing more. */
	if (ftruncate(to_fd, (off_t)len) < 0)
		return -errno;
	err = copy_extents(&copy);
	free(copy.buf);
	return err;
}

static bool is_copied(const char *name)
{
	return (!strncmp(name, "user.", 5) &&
		strncmp(name, RECORD_PREFIX, sizeof(RECORD_PREFIX) - 1) != 0) ||
	       !strcmp(name, "system.posix_acl_access") ||
	       !strcmp(name, "system.posix_acl_default");
}

static int copy_xattr(const char *from, const char *to, const char *name,
		      char *value)
{
	ssize_t len = getxattr(from, name, value, SHARE_XATTR_MAX);

	if (len < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	if (setxattr(to, name, value, (size_t)len, 0) < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	return 0;
}

int copy_xattrs(int from_fd, int to_fd)
{
	struct layer_path from = layer_path(from_fd), to = layer_path(to_fd);
	char *names = NULL, *value = NULL;
	ssize_t len = listxattr(from.name, NULL, 0);
	int err = 0;

	if (len <= 0)
		return len < 0 && errno != EOPNOTSUPP ? -errno : 0;
	names = malloc(XATTR_LIST_MAX);
	value = malloc(SHARE_XATTR_MAX);
	if (!names || !value) {
		err = -ENOMEM;
		goto done;
	}
	len = listxattr(from.name, names, XATTR_LIST_MAX);
	if (len < 0)
		err = -errno;
	for (char *name = names; !err && name < names + len;
	     name += strlen(name) + 1)
		if (is_copied(name))
			err = copy_xattr(from.name, to.name, name, value);
done:
	free(value);
	free(names);
	return err;
}

int copy_times(int fd, const struct stat *from)
{
	struct timespec times[2] = { from->st_atim, from->st_mtim };
	struct layer_path path = layer_path(fd);

	/* Through the magic link: the descriptor may be a path one, and the
	 * object a symbolic link. */
	return utimensat(AT_FDCWD, path.name, times, 0) < 0 ? -errno : 0;
}
