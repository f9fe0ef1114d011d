/* SPDX-License-Identifier: MIT */
/*
 * share.c - how is a share opened, and a private layer made or taken over?
 *
 * A private layer: UPPER/ivlab-upper says what it is, UPPER/ivlab-lower of
 * which directory (lower.c), UPPER/tree is what the guest sees, UPPER/work
 * holds what is not in place. Guests' names begin below
 * tree/, so none can mean the other two.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vmm/files/share_copy.h"
#include "vmm/files/share_private.h"

#define MARKER	    "ivlab-upper"
#define MARKER_TEXT "ivlab upper layer, version 1\n"

void share_say(struct share *share, const char *format, ...)
{
	char line[512];
	va_list args;

	if (!share->opts.say)
		return;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	share->opts.say(share->opts.arg, line);
}

/* Is dir the other one or below it? Both exist and are directories. */
static int check_apart(int dir_fd, int other_fd)
{
	struct stat st = { 0 }, other = { 0 }, up = { 0 };
	int fd = openat(dir_fd, ".", O_PATH | O_CLOEXEC), err = 0;

	if (fd < 0 || fstat(other_fd, &other) < 0 || fstat(fd, &st) < 0)
		err = -errno;
	while (!err) {
		int next;

		if (st.st_dev == other.st_dev && st.st_ino == other.st_ino) {
			err = -EINVAL;
			break;
		}
		next = openat(fd, "..", O_PATH | O_CLOEXEC);
		if (next < 0 || fstat(next, &up) < 0)
			err = -errno;
		close(fd);
		fd = next;
		if (!err && up.st_dev == st.st_dev && up.st_ino == st.st_ino)
			break; /* the root of all */
		st = up;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int is_empty(int dir_fd)
{
	struct merge merge = { 0 };
	int err = merge_add(&merge, dir_fd, true);

	if (!err && merge.entries_nr)
		err = -ENOTEMPTY;
	merge_free(&merge);
	return err;
}

static int write_marker(int home_fd)
{
	int fd = openat(home_fd, MARKER,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, MARKER_TEXT, sizeof(MARKER_TEXT) - 1);
	close(fd);
	return n == (ssize_t)sizeof(MARKER_TEXT) - 1 ? 0 : -EIO;
}

/* Ours, of this version; or empty, then it becomes ours. */
static int check_marker(struct share *share)
{
	char text[sizeof(MARKER_TEXT)] = "";
	int fd = openat(share->home_fd, MARKER,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd < 0) {
		int err = is_empty(share->home_fd);

		return err ? err : write_marker(share->home_fd);
	}
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n == 0)
		return write_marker(share->home_fd); /* killed while at it */
	if (n != (ssize_t)sizeof(MARKER_TEXT) - 1 ||
	    memcmp(text, MARKER_TEXT, sizeof(MARKER_TEXT) - 1) != 0)
		return -EINVAL;
	return 0;
}

/* Can the upper's file system do what nothing else can replace? */
static int probe(struct share *share)
{
	struct work_name a = work_next(share), b = work_next(share);
	int fd = layer_create(share->work_fd, a.text, O_WRONLY, 0600), err;
	static const char probed[] = RECORD_PREFIX "probe";

	if (fd < 0)
		return fd;
	share->records = fsetxattr(fd, probed, "", 0, 0) == 0;
	close(fd);
	err = whiteout_make(share->work_fd, b.text);
	if (!err)
		err = layer_exchange(share->work_fd, a.text, share->work_fd,
				     b.text);
	if (err == -EINVAL || err == -ENOSYS)
		err = -EOPNOTSUPP;
	work_drop(share, a.text);
	work_drop(share, b.text);
	return err;
}

/* The root of a new layer looks like the lower one's. */
static int make_tree(struct share *share)
{
	struct work_name name = work_next(share);
	struct record record;
	struct stat lower;
	int fd = -1, err;

	if (mkdirat(share->work_fd, name.text, 0700) < 0 ||
	    fstat(share->lower_fd, &lower) < 0)
		return -errno;
	fd = layer_find(share->work_fd, name.text);
	if (fd < 0)
		return fd;
	err = record_read(share->lower_fd, &lower, false, &record);
	if (!err)
		err = copy_xattrs(share->lower_fd, fd);
	if (!err)
		err = record_write(share, fd, &record, false);
	if (!err)
		err = copy_times(fd, &lower);
	if (!err && renameat2(share->work_fd, name.text, share->home_fd, "tree",
			      RENAME_NOREPLACE) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int open_work(struct share *share)
{
	if (mkdirat(share->home_fd, "work", 0700) < 0 && errno != EEXIST)
		return -errno;
	share->work_fd = layer_find(share->home_fd, "work");
	return share->work_fd < 0 ? share->work_fd : work_empty(share);
}

static int open_tree(struct share *share)
{
	int err = 0;

	share->upper_fd = layer_find(share->home_fd, "tree");
	if (share->upper_fd == -ENOENT) {
		err = make_tree(share);
		if (!err)
			share->upper_fd = layer_find(share->home_fd, "tree");
	}
	if (!err && share->upper_fd < 0)
		err = share->upper_fd;
	return err;
}

/* In one step; what is in it is deleted when work/ is emptied. */
static int take_tree_away(struct share *share)
{
	struct work_name name = work_next(share);

	return renameat(share->home_fd, "tree", share->work_fd, name.text) < 0
		       ? -errno
		       : 0;
}

/* All that the layer was, and only then of which directory: killed at any
 * moment, no changes are taken for those to another one. */
static int start_anew(struct share *share)
{
	int err = take_tree_away(share);

	if (!err || err == -ENOENT)
		err = lower_forget(share);
	return err ? err : work_empty(share);
}

int share_discard(struct share *share)
{
	int err;

	if (!share_is_cow(share))
		return -EINVAL;
	if (share->nodes_nr)
		return -EBUSY;
	err = take_tree_away(share);
	if (err)
		return err;
	close(share->upper_fd);
	share->upper_fd = -1;
	share->quota.used = 0;
	err = open_tree(share);
	if (!err)
		err = work_empty(share);
	return err;
}

bool share_is_upper(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	bool is;

	if (fd < 0)
		return false;
	is = !fstatat(fd, MARKER, &st, AT_SYMLINK_NOFOLLOW) &&
	     S_ISREG(st.st_mode);
	close(fd);
	return is;
}

static int fail_upper(struct share *share, const char *path, int err)
{
	const char *why = strerror(-err);

	if (err == -EBUSY)
		why = "another share uses it";
	else if (err == -ENOTEMPTY)
		why = "it holds something else; name an empty directory";
	else if (err == -EINVAL)
		why = "it was made by another version of ivlab";
	else if (err == -EOPNOTSUPP)
		why = "its file system cannot exchange two names "
		      "(RENAME_EXCHANGE); choose ext4, xfs, btrfs or tmpfs";
	share_say(share, "share: private directory %s: %s", path, why);
	return err;
}

static int open_upper(struct share *share, const char *path)
{
	int err;

	if (!path)
		return -EINVAL;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail_upper(share, path, -errno);
	share->home_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (share->home_fd < 0)
		return fail_upper(share, path, -errno);
	if (flock(share->home_fd, LOCK_EX | LOCK_NB) < 0)
		return fail_upper(share, path,
				  errno == EWOULDBLOCK ? -EBUSY : -errno);
	err = check_apart(share->home_fd, share->lower_fd);
	if (!err)
		err = check_apart(share->lower_fd, share->home_fd);
	if (err) {
		share_say(share,
			  "share: private directory %s and the shared one must "
			  "not be inside each other",
			  path);
		return err;
	}
	err = check_marker(share);
	if (!err && !share->opts.fresh) {
		err = lower_check(share, path);
		if (err == -EXDEV)
			return err; /* said */
	}
	if (!err)
		err = open_work(share);
	if (!err)
		err = probe(share);
	if (!err && share->opts.fresh)
		err = start_anew(share);
	if (!err)
		err = open_tree(share);
	if (!err)
		err = lower_note(share);
	if (!err && share->opts.quota)
		err = quota_scan(&share->quota, share->upper_fd);
	if (err)
		return fail_upper(share, path, err);
	if (!share->records)
		share_say(share,
			  "share: %s has no user xattrs: owners, set-id bits "
			  "and device nodes are not kept",
			  path);
	return 0;
}

/* The host's own directory: nothing may be tried out in it. */
static void adopt_host_dir(struct share *share)
{
	struct layer_path path = layer_path(share->lower_fd);

	share->upper_fd = share->lower_fd;
	share->lower_fd = -1;
	share->records = getxattr(path.name, RECORD_XATTR, NULL, 0) >= 0 ||
			 errno == ENODATA;
}

int share_create(struct share **out, const struct share_opts *opts)
{
	struct share *share = calloc(1, sizeof(*share));
	int err = 0;

	if (!share)
		return -ENOMEM;
	share->opts = *opts;
	if (!share->opts.ahead_min)
		share->opts.ahead_min = COPY_AHEAD_MIN;
	share->lower_fd = share->upper_fd = -1;
	share->home_fd = share->work_fd = -1;
	share->quota.limit = share_is_cow(share) ? opts->quota : 0;
	share->lower_fd = open(opts->lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (share->lower_fd < 0) {
		err = -errno;
		share_say(share, "share: directory %s: %s", opts->lower,
			  strerror(-err));
	} else if (share_is_cow(share)) {
		err = open_upper(share, opts->upper);
	} else if (opts->mode == SHARE_RW) {
		adopt_host_dir(share);
	}
	share->opts.lower = share->opts.upper = NULL;
	if (err) {
		share_destroy(share);
		return err;
	}
	*out = share;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void share_destroy(struct share *share)
{
	if (!share)
		return;
	assert(!share->nodes_nr);
	copier_destroy(share->copier);
	ids_destroy(&share->ids);
	close_fd(share->upper_fd);
	close_fd(share->lower_fd);
	close_fd(share->work_fd);
	close_fd(share->home_fd); /* and with it the lock */
	free(share);
}

enum share_mode share_mode(const struct share *share)
{
	return share->opts.mode;
}

struct share *share_of(const struct share_node *node)
{
	return node->share;
}

int share_root(struct share *share, struct share_node **out)
{
	return node_root(share, out);
}

int share_statfs(struct share_node *node, struct share_statfs *out)
{
	const struct quota *quota = &node->share->quota;
	/* What is written counts, not what is shared. */
	int upper_fd = node->share->upper_fd;
	int fd = upper_fd >= 0 ? upper_fd : node_fd(node);
	uint64_t left;
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	*out = (struct share_statfs){
		.type = (uint32_t)st.f_type,
		.bsize = (uint32_t)st.f_bsize,
		.namelen = SHARE_NAME_MAX,
		.blocks = st.f_blocks,
		.bfree = st.f_bfree,
		.bavail = st.f_bavail,
		.files = st.f_files,
		.ffree = st.f_ffree,
		.fsid = (uint64_t)(uint32_t)st.f_fsid.__val[0] << 32 |
			(uint32_t)st.f_fsid.__val[1],
	};
	if (!quota->limit || !st.f_bsize)
		return 0;
	left = quota->used < quota->limit ? quota->limit - quota->used : 0;
	left /= (uint64_t)st.f_bsize;
	out->blocks = quota->limit / (uint64_t)st.f_bsize;
	if (out->bfree > left)
		out->bfree = left;
	if (out->bavail > left)
		out->bavail = left;
	return 0;
}
