/* SPDX-License-Identifier: MIT */
/*
 * record.c - who owns a file, and what is it, in the guest's eyes?
 *
 * The host's file belongs to who runs the monitor, is a plain file or
 * directory, has no set-id bits, and its owner may always read and write it,
 * or the monitor itself could not. What the guest asked for beyond that is
 * text in an extended attribute: "mode uid gid major:minor", mode in octal.
 *
 * A regular file that has a record also has the sticky bit, which means
 * nothing on Linux: so that most files need no look at their attributes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "vmm/files/share_private.h"

#define RECORD_LEN_MAX 80

/* The permission bits of the host's file for a mode of the guest's. */
static uint32_t host_bits(uint32_t mode)
{
	return (mode & 0777) | (S_ISDIR(mode) ? 0700 : 0600);
}

bool record_is_special(uint32_t mode)
{
	return S_ISFIFO(mode) || S_ISSOCK(mode) || S_ISCHR(mode) ||
	       S_ISBLK(mode);
}

bool record_is_likely(const struct stat *host)
{
	return S_ISREG(host->st_mode) && !host->st_size &&
	       (host->st_mode & S_ISVTX);
}

static bool number(const char **at, int base, char end, uint32_t *out)
{
	char *stop;
	unsigned long n;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	n = strtoul(*at, &stop, base);
	if (errno || n > UINT32_MAX || *stop != end)
		return false;
	*out = (uint32_t)n;
	*at = stop + (end != '\0');
	return true;
}

static bool parse(const char *text, struct record *record)
{
	return number(&text, 8, ' ', &record->mode) &&
	       number(&text, 10, ' ', &record->uid) &&
	       number(&text, 10, ' ', &record->gid) &&
	       number(&text, 10, ':', &record->major) &&
	       number(&text, 10, '\0', &record->minor);
}

int record_read(int path_fd, const struct stat *host, bool private,
		struct record *record)
{
	struct layer_path path = layer_path(path_fd);
	uint32_t mode = host->st_mode, type = mode & S_IFMT;
	char text[RECORD_LEN_MAX + 1];
	struct record read;
	ssize_t len;

	/* There the sticky bit is ours. */
	if (private && !S_ISLNK(mode))
		mode &= ~(uint32_t)S_ISVTX;
	*record = (struct record){
		.mode = mode,
		.uid = host->st_uid,
		.gid = host->st_gid,
		.major = major(host->st_rdev),
		.minor = minor(host->st_rdev),
	};
	if (type != S_IFDIR && (type != S_IFREG || !(host->st_mode & S_ISVTX)))
		return 0;
	len = getxattr(path.name, RECORD_XATTR, text, RECORD_LEN_MAX);
	/* EACCES: the host's user may look at it, but not read it. */
	if (len < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ||
				       errno == ERANGE || errno == EACCES
			       ? 0
			       : -errno;
	text[len] = '\0';
	if (!parse(text, &read))
		return 0;
	if ((read.mode & S_IFMT) != type &&
	    (type != S_IFREG || !record_is_special(read.mode)))
		return 0;
	read.mode &= S_IFMT | 07777;
	/* Somebody on the host has changed the mode since. */
	if (host_bits(read.mode) != (mode & 0777) &&
	    !record_is_special(read.mode))
		read.mode = (read.mode & ~0777u) | (mode & 0777);
	*record = read;
	return 0;
}

/* A FIFO, socket or device of the host's has no user xattrs for a record. */
static int put_special(const struct layer_path *path, const struct stat *host,
		       const struct record *record)
{
	if (record->uid != host->st_uid || record->gid != host->st_gid ||
	    record->mode & (S_ISUID | S_ISGID))
		return -EPERM;
	return chmod(path->name, record->mode & 01777) < 0 ? -errno : 0;
}

static int put(int path_fd, const struct stat *host,
	       const struct record *record, bool opaque, bool keep)
{
	struct layer_path path = layer_path(path_fd);
	uint32_t mode = host_bits(record->mode);

	if (S_ISLNK(host->st_mode))
		return 0;
	if (record_is_special(host->st_mode))
		return put_special(&path, host, record);
	if (record_is_special(record->mode))
		mode = 0600;
	if (record->uid == host->st_uid && record->gid == host->st_gid &&
	    mode == (record->mode & 07777) && !record_is_special(record->mode))
		keep = false;
	/* Attributes need the right to write, also its owner. */
	if (keep && (host->st_mode & 0600) != 0600 &&
	    chmod(path.name, (host->st_mode & 07777) | 0600) < 0)
		return -errno;
	if (keep) {
		char text[RECORD_LEN_MAX];
		int len = snprintf(text, sizeof(text), "%07o %u %u %u:%u",
				   record->mode, record->uid, record->gid,
				   record->major, record->minor);

		if (setxattr(path.name, RECORD_XATTR, text, (size_t)len, 0) < 0)
			return -errno;
		if (S_ISREG(host->st_mode))
			mode |= S_ISVTX;
	} else if (S_ISDIR(host->st_mode) || (host->st_mode & S_ISVTX)) {
		if (removexattr(path.name, RECORD_XATTR) < 0 &&
		    errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	}
	if (opaque)
		mode |= S_ISVTX;
	if (mode != (host->st_mode & 07777) && chmod(path.name, mode) < 0)
		return -errno;
	return 0;
}

int record_put(int path_fd, const struct record *record, bool opaque, bool keep)
{
	struct stat host;

	if (fstat(path_fd, &host) < 0)
		return -errno;
	return put(path_fd, &host, record, opaque, keep);
}

/* Policy: what of the record is kept at all. -EPERM: a device, squashed. */
static int allow(const struct share *share, const struct stat *host,
		 struct record *record)
{
	bool squash = share->opts.policy == SHARE_SQUASH;

	if (record_is_special(record->mode) &&
	    (!share->records ||
	     (squash && (S_ISCHR(record->mode) || S_ISBLK(record->mode)))))
		return -EPERM;
	if (squash || record->uid == SHARE_HOST_ID)
		record->uid = host->st_uid;
	if (squash || record->gid == SHARE_HOST_ID)
		record->gid = host->st_gid;
	if (squash)
		record->mode &= ~(uint32_t)(S_ISUID | S_ISGID);
	return 0;
}

int record_write(struct share *share, int path_fd, const struct record *record,
		 bool opaque)
{
	struct record allowed = *record;
	struct stat host;
	int err;

	if (fstat(path_fd, &host) < 0)
		return -errno;
	err = allow(share, &host, &allowed);
	if (err)
		return err;
	opaque |= share_is_cow(share) && whiteout_opaque(host.st_mode);
	return put(path_fd, &host, &allowed, opaque, share->records);
}
