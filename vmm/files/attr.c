/* SPDX-License-Identifier: MIT */
/* attr.c - what does a guest see of a file but its bytes, and how does it
 * change that? */
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define SET_KNOWN                                                          \
	(SHARE_SET_MODE | SHARE_SET_UID | SHARE_SET_GID | SHARE_SET_SIZE | \
	 SHARE_SET_ATIME | SHARE_SET_MTIME | SHARE_SET_CTIME |             \
	 SHARE_SET_ATIME_TO | SHARE_SET_MTIME_TO)
#define SET_OWNER (SHARE_SET_MODE | SHARE_SET_UID | SHARE_SET_GID)
#define SET_TIMES (SHARE_SET_ATIME | SHARE_SET_MTIME)

int share_id(struct share_node *node, struct share_id *id)
{
	struct stat st;

	if (fstat(node_fd(node), &st) < 0)
		return -errno;
	*id = (struct share_id){
		.path = node->id,
		.version = node_version(st.st_mtim.tv_sec,
					(uint32_t)st.st_mtim.tv_nsec,
					(uint64_t)st.st_size),
		.type = node->type,
	};
	return 0;
}

static struct timespec time_of(const struct statx_timestamp *t)
{
	return (struct timespec){ .tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec };
}

static uint64_t nlink_of(const struct share_node *node, uint32_t nlink)
{
	if (node->gone && node->upper_fd < 0)
		return 0;
	/* 1 on a directory: nobody has counted what is in it. */
	if (node->upper_fd >= 0 && node->lower_fd >= 0)
		return 1;
	return nlink;
}

int share_getattr(struct share_node *node, struct share_attr *attr)
{
	int fd = node_fd(node), err;
	struct record record;
	struct statx stx;
	struct stat host;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
		  &stx) < 0)
		return -errno;
	host = (struct stat){
		.st_mode = stx.stx_mode,
		.st_uid = stx.stx_uid,
		.st_gid = stx.stx_gid,
		.st_rdev = makedev(stx.stx_rdev_major, stx.stx_rdev_minor),
	};
	err = record_read(fd, &host, node_is_private(node), &record);
	if (err)
		return err;
	*attr = (struct share_attr){
		.id = { node->id,
			node_version(stx.stx_mtime.tv_sec,
				     stx.stx_mtime.tv_nsec, stx.stx_size),
			node->type },
		.mode = record.mode,
		.uid = record.uid,
		.gid = record.gid,
		.nlink = nlink_of(node, stx.stx_nlink),
		.rdev = S_ISCHR(record.mode) || S_ISBLK(record.mode)
				? makedev(record.major, record.minor)
				: 0,
		.size = stx.stx_size,
		.blksize = stx.stx_blksize,
		.blocks = stx.stx_blocks,
		.atime = time_of(&stx.stx_atime),
		.mtime = time_of(&stx.stx_mtime),
		.ctime = time_of(&stx.stx_ctime),
	};
	if (stx.stx_mask & STATX_BTIME)
		attr->btime = time_of(&stx.stx_btime);
	return 0;
}

/* Cut or grow what counts `held` bytes for the quota. */
static int resize(struct share_node *node, int fd, uint64_t held, uint64_t size)
{
	struct quota *quota = &node->share->quota;
	struct claim none = { 0 }, *claim = node->claim ? node->claim : &none;
	uint64_t wanted = quota_bytes(size);
	int err;

	/* Writes under way may bring back what is cut: their end settles it. */
	if (held < claim->promised)
		held = claim->promised;
	err = wanted > held ? quota_take(quota, wanted - held) : 0;
	if (err)
		return err;
	if (ftruncate(fd, (off_t)size) < 0) {
		err = -errno;
		if (wanted > held)
			quota_give(quota, wanted - held);
		return err;
	}
	if (wanted > held && claim->writes)
		claim->promised = wanted;
	else if (wanted < held && !claim->writes)
		quota_give(quota, held - wanted);
	return 0;
}

static int set_size(struct share_node *node, uint64_t size)
{
	struct stat st;
	int fd, err;

	err = copy_up(node, size);
	if (err)
		return err;
	fd = layer_open(node->upper_fd, O_WRONLY);
	if (fd < 0)
		return fd;
	err = fstat(fd, &st) < 0
		      ? -errno
		      : resize(node, fd, quota_bytes((uint64_t)st.st_size),
			       size);
	close(fd);
	return err;
}

static int set_owner(struct share_node *node, const struct share_setattr *set)
{
	struct record record;
	struct stat host;
	int err;

	if (fstat(node->upper_fd, &host) < 0)
		return -errno;
	err = record_read(node->upper_fd, &host, node_is_private(node),
			  &record);
	if (err)
		return err;
	if (set->valid & SHARE_SET_MODE)
		record.mode = (record.mode & S_IFMT) | (set->mode & 07777);
	if (set->valid & SHARE_SET_UID)
		record.uid = set->uid;
	if (set->valid & SHARE_SET_GID)
		record.gid = set->gid;
	return record_write(node->share, node->upper_fd, &record, false);
}

/* The change time alone: a mode that is set to what it is. */
static int touch(struct share_node *node)
{
	struct layer_path path = layer_path(node->upper_fd);
	struct stat host;

	if (node->type == S_IFLNK)
		return 0;
	if (fstat(node->upper_fd, &host) < 0)
		return -errno;
	return chmod(path.name, host.st_mode & 07777) < 0 ? -errno : 0;
}

static struct timespec time_for(const struct share_setattr *set,
				uint32_t set_it, uint32_t to,
				const struct timespec *given)
{
	if (!(set->valid & set_it))
		return (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (!(set->valid & to))
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	return *given;
}

static int set_times(struct share_node *node, const struct share_setattr *set)
{
	struct layer_path path = layer_path(node->upper_fd);
	struct timespec times[2] = {
		time_for(set, SHARE_SET_ATIME, SHARE_SET_ATIME_TO, &set->atime),
		time_for(set, SHARE_SET_MTIME, SHARE_SET_MTIME_TO, &set->mtime),
	};

	return utimensat(AT_FDCWD, path.name, times, 0) < 0 ? -errno : 0;
}

static int check(const struct share_node *node, const struct share_setattr *set)
{
	if (set->valid & ~(uint32_t)SET_KNOWN)
		return -EINVAL;
	if (node->share->opts.mode == SHARE_RO)
		return -EROFS;
	/* UTIME_NOW and UTIME_OMIT are beyond a second. */
	if ((set->valid & SHARE_SET_ATIME_TO &&
	     (uint64_t)set->atime.tv_nsec > 999999999) ||
	    (set->valid & SHARE_SET_MTIME_TO &&
	     (uint64_t)set->mtime.tv_nsec > 999999999))
		return -EINVAL;
	if (set->valid & SHARE_SET_MODE && node->type == S_IFLNK)
		return -EOPNOTSUPP;
	if (!(set->valid & SHARE_SET_SIZE))
		return 0;
	if (node->type == S_IFDIR)
		return -EISDIR;
	if (node->type != S_IFREG)
		return -EINVAL;
	return set->size > INT64_MAX ? -EFBIG : 0;
}

int share_setattr(struct share_node *node, const struct share_setattr *set)
{
	uint32_t valid = set->valid;
	int err = check(node, set);

	if (err || !valid)
		return err;
	if (valid & SHARE_SET_SIZE)
		err = set_size(node, set->size);
	else
		err = copy_up(node, COPY_ALL);
	if (!err && valid & SET_OWNER && node->type != S_IFLNK)
		err = set_owner(node, set);
	if (!err && valid & SHARE_SET_CTIME)
		err = touch(node);
	if (!err && valid & SET_TIMES)
		err = set_times(node, set);
	return err;
}

int share_readlink(struct share_node *node, char *buf, size_t cap)
{
	char target[SHARE_TARGET_MAX + 1];
	ssize_t len;

	if (node->type != S_IFLNK)
		return -EINVAL;
	len = readlinkat(node_fd(node), "", target, sizeof(target));
	if (len < 0)
		return -errno;
	if ((size_t)len > cap || (size_t)len == sizeof(target))
		return -ERANGE;
	memcpy(buf, target, (size_t)len);
	return (int)len;
}
