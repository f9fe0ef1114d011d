/* SPDX-License-Identifier: MIT */
/* file_view.c - is this file the VM's own, or still the host's? */
#include "vmm/files/file_view.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define DIR_MODE   0755u
#define FILE_MODE  0644u
#define WALK_DEPTH 16 /* directories nftw() holds open */

struct file_view {
	struct file_view_opts opts;
	char *dir;
	struct share *share; /* of dir; NULL: not there yet */
	struct share_node *root;
};

struct file_view_file {
	struct share_file *own; /* NULL: a shared file, and fd is ours */
	int fd;
	uint64_t off;
};

static const struct share_owner host = { SHARE_HOST_ID, SHARE_HOST_ID };

static void view_say(void *arg, const char *line)
{
	const struct file_view *view = arg;

	if (view->opts.say)
		view->opts.say(view->opts.arg, line);
}

static bool view_stopping(void *arg, uint64_t done, uint64_t total)
{
	const struct file_view *view = arg;

	(void)done;
	(void)total;
	return view->opts.stopping && view->opts.stopping(view->opts.arg);
}

int file_view_create(struct file_view **out, const struct file_view_opts *opts)
{
	struct file_view *view = calloc(1, sizeof(*view));

	if (!view)
		return -ENOMEM;
	view->opts = *opts;
	view->dir = strdup(opts->private_dir);
	view->opts.private_dir = view->dir;
	if (!view->dir) {
		free(view);
		return -ENOMEM;
	}
	*out = view;
	return 0;
}

void file_view_destroy(struct file_view *view)
{
	if (!view)
		return;
	share_node_put(view->root);
	share_destroy(view->share);
	free(view->dir);
	free(view);
}

static void say_failed(struct file_view *view, int err)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "private directory %s: %s",
		       view->dir, strerror(-err));
	view_say(view, line);
}

/* -ENOENT: there is no private directory, and none was to be made. */
static int open_dir(struct file_view *view, bool make)
{
	const struct share_opts opts = {
		.mode = SHARE_RW,
		.policy = SHARE_SQUASH,
		.lower = view->dir,
		.copying = view_stopping,
		.arg = view,
	};
	int err;

	if (view->share)
		return 0;
	if (make && mkdir(view->dir, DIR_MODE) < 0 && errno != EEXIST)
		err = -errno;
	else
		err = share_create(&view->share, &opts);
	if (!err) {
		err = share_root(view->share, &view->root);
		if (err) {
			share_destroy(view->share);
			view->share = NULL;
		}
	}
	if (err && (make || err != -ENOENT))
		say_failed(view, err);
	return err;
}

/* The directory that the path's last name is in. make: those that are missing.
 */
static int find_parent(struct file_view *view, const char *path, bool make,
		       struct share_node **dir, const char **name)
{
	struct share_node *at = share_node_get(view->root), *next;
	const char *slash;

	for (; (slash = strchr(path, '/')); path = slash + 1) {
		size_t len = (size_t)(slash - path);
		int err = share_walk(at, path, len, &next);

		if (err == -ENOENT && make)
			err = share_mkdir(at, path, len, DIR_MODE, host, &next);
		share_node_put(at);
		if (err)
			return err;
		at = next;
	}
	*dir = at;
	*name = path;
	return 0;
}

/* --- copy-up -------------------------------------------------------------- */

static int fill(struct file_view *view, const struct file_shared_file *shared,
		struct share_file *copy)
{
	int fd = layer_open(shared->fd, O_RDONLY), err;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else
		err = copy_data(view->share, fd, share_file_fd(copy),
				(uint64_t)st.st_size);
	close(fd);
	return err;
}

static int copy(struct file_view *view, const struct file_shared_file *shared,
		struct share_node *dir, const char *name)
{
	static const char temp[] = FILE_PATH_RESERVED;
	struct share_file *file = NULL;
	struct share_node *node = NULL;
	int err;

	/* A monitor that was killed while copying leaves it behind. */
	err = share_unlink(dir, temp, sizeof(temp) - 1, false);
	if (err && err != -ENOENT)
		return err;
	err = share_create_file(dir, temp, sizeof(temp) - 1, O_WRONLY | O_EXCL,
				FILE_MODE, host, &node, &file);
	if (err)
		return err;
	err = fill(view, shared, file);
	share_file_close(file);
	if (!err)
		err = share_rename_node(node, dir, name, strlen(name));
	share_node_put(node);
	if (err)
		(void)share_unlink(dir, temp, sizeof(temp) - 1, false);
	return err;
}

/* Whoever has one already keeps it, with all that was written to it. */
static int copy_once(struct file_view *view,
		     const struct file_shared_file *shared)
{
	struct share_node *dir, *there;
	const char *name;
	int err;

	err = find_parent(view, shared->name, true, &dir, &name);
	if (err)
		return err;
	err = share_walk(dir, name, strlen(name), &there);
	if (!err)
		share_node_put(there);
	else if (err == -ENOENT)
		err = copy(view, shared, dir, name);
	share_node_put(dir);
	return err;
}

/* --- open files ----------------------------------------------------------- */

static int open_own(struct file_view *view, const char *path, bool writes,
		    struct share_file **out)
{
	struct share_node *dir, *node;
	const char *name;
	int err;

	err = find_parent(view, path, false, &dir, &name);
	if (err)
		return err;
	if (writes) {
		err = share_create_file(dir, name, strlen(name),
					O_WRONLY | O_APPEND, FILE_MODE, host,
					&node, out);
	} else {
		err = share_walk(dir, name, strlen(name), &node);
		if (!err) {
			err = share_open(node, O_RDONLY, out);
			if (err)
				share_node_put(node);
		}
	}
	share_node_put(dir);
	if (err)
		return err;
	share_node_put(node); /* the file holds it */
	if (share_file_fd(*out) < 0) {
		share_file_close(*out);
		return -EISDIR;
	}
	return 0;
}

static int open_file(struct file_view *view, const char *path, bool writes,
		     struct file_view_file *file)
{
	const struct file_shared_file *shared =
		file_shared_find(view->opts.shared, path);
	int err = open_dir(view, writes);

	if (shared)
		path = shared->name;
	if (!err && writes && shared)
		err = copy_once(view, shared);
	if (!err)
		err = open_own(view, path, writes, &file->own);
	if (err == -ENOENT && !writes && shared) {
		file->fd = layer_open(shared->fd, O_RDONLY);
		return file->fd < 0 ? file->fd : 0;
	}
	if (!err)
		file->fd = share_file_fd(file->own);
	return err;
}

int file_view_open(struct file_view *view, const char *path, size_t len,
		   bool writes, struct file_view_file **out)
{
	struct file_view_file *file;
	struct file_path checked;
	int err = file_path_check(&checked, path, len);

	if (err)
		return err;
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	err = open_file(view, checked.text, writes, file);
	if (err) {
		free(file);
		return err;
	}
	*out = file;
	return 0;
}

void file_view_close(struct file_view_file *file)
{
	if (!file)
		return;
	if (file->own)
		share_file_close(file->own);
	else
		close(file->fd);
	free(file);
}

int file_view_read(struct file_view_file *file, void *buf, size_t len)
{
	ssize_t n;

	do
		n = pread(file->fd, buf, len, (off_t)file->off);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	file->off += (uint64_t)n;
	return (int)n;
}

int file_view_write(struct file_view_file *file, const void *buf, size_t len)
{
	const char *from = buf;

	/* Opened for reading; a shared file's descriptor could not either. */
	if (!file->own)
		return -EBADF;
	while (len) {
		int64_t n = share_write(file->own, from, len, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		from += n;
		len -= (size_t)n;
	}
	return 0;
}

/* --- --fresh -------------------------------------------------------------- */

/* The mount a name lies on. Not by its device: in overlayfs a file may have
 * another than its directory. */
static int mount_of(const char *path, uint64_t *id)
{
	struct statx sx;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_MNT_ID, &sx) < 0)
		return -errno;
	*id = sx.stx_mnt_id;
	return 0;
}

/* nftw() has no argument for it. */
static _Thread_local uint64_t discard_mount;

static int discard_one(const char *path, const struct stat *st, int type,
		       struct FTW *ftw)
{
	uint64_t mount = 0;
	int err = mount_of(path, &mount);

	(void)st;
	(void)type;
	(void)ftw;
	if (err)
		return err;
	if (mount != discard_mount)
		return -EXDEV;
	return remove(path) < 0 ? -errno : 0;
}

int file_view_discard(const char *private_dir)
{
	struct stat st;
	int err;

	if (lstat(private_dir, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	err = mount_of(private_dir, &discard_mount);
	if (err)
		return err;
	/* Neither through symbolic links nor into what is mounted there. */
	err = nftw(private_dir, discard_one, WALK_DEPTH, FTW_DEPTH | FTW_PHYS);
	return err == -1 ? -errno : err;
}
