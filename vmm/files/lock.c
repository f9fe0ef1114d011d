/* SPDX-License-Identifier: MIT */
/*
 * lock.c - record locks, and how they follow a file into the upper layer.
 *
 * The kernel keeps the locks, on the open file description. A copy-up gives a
 * reader another description of another file, so readers of the lower layer
 * remember what they asked for, and it is asked for again on the copy, where
 * nobody can have a lock yet.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/files/share_private.h"

#define LOCKS_MAX 4096u

static bool range_ok(uint64_t start, uint64_t len)
{
	return start <= INT64_MAX && len <= INT64_MAX - start;
}

static uint64_t end_of(const struct file_lock *lock)
{
	return lock->len ? lock->start + lock->len : UINT64_MAX;
}

/* Drop what the newest covers; an unlock with nothing before it too. */
static void forget_covered(struct share_file *file)
{
	const struct file_lock newest = file->locks[file->locks_nr - 1];
	uint32_t kept = 0;

	for (uint32_t i = 0; i + 1 < file->locks_nr; i++) {
		const struct file_lock *lock = &file->locks[i];

		if (lock->start >= newest.start &&
		    end_of(lock) <= end_of(&newest))
			continue;
		file->locks[kept++] = *lock;
	}
	if (kept || newest.type != F_UNLCK)
		file->locks[kept++] = newest;
	file->locks_nr = kept;
}

static int remember(struct share_file *file, short type, uint64_t start,
		    uint64_t len)
{
	struct file_lock *locks;

	if (file->locks_nr == LOCKS_MAX)
		return -ENOLCK;
	locks = realloc(file->locks,
			(file->locks_nr + 1) * sizeof(*file->locks));
	if (!locks)
		return -ENOMEM;
	file->locks = locks;
	locks[file->locks_nr++] =
		(struct file_lock){ .type = type, .start = start, .len = len };
	forget_covered(file);
	return 0;
}

static int set_lock(int fd, short type, uint64_t start, uint64_t len)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)start,
		.l_len = (off_t)len,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

void lock_carry(const struct share_file *file)
{
	for (uint32_t i = 0; i < file->locks_nr; i++) {
		const struct file_lock *lock = &file->locks[i];

		(void)set_lock(file->next_fd, lock->type, lock->start,
			       lock->len);
	}
}

int share_lock(struct share_file *file, int type, uint64_t start, uint64_t len)
{
	int err;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (!range_ok(start, len))
		return -EINVAL;
	if (file->fd < 0)
		return -EBADF;
	err = set_lock(file->fd, (short)type, start, len);
	if (err == -EACCES)
		err = -EAGAIN;
	if (err || !file->link)
		return err;
	err = remember(file, (short)type, start, len);
	if (err && type != F_UNLCK)
		(void)set_lock(file->fd, F_UNLCK, start, len);
	return err;
}

int share_getlock(struct share_file *file, int *type, uint64_t *start,
		  uint64_t *len)
{
	struct flock lock = {
		.l_type = (short)*type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)*start,
		.l_len = (off_t)*len,
	};

	if (*type != F_RDLCK && *type != F_WRLCK)
		return -EINVAL;
	if (!range_ok(*start, *len))
		return -EINVAL;
	if (file->fd < 0)
		return -EBADF;
	if (fcntl(file->fd, F_OFD_GETLK, &lock) < 0)
		return -errno;
	*type = lock.l_type;
	if (lock.l_type != F_UNLCK) {
		*start = (uint64_t)lock.l_start;
		*len = (uint64_t)lock.l_len;
	}
	return 0;
}
