/* SPDX-License-Identifier: MIT */
/* whiteout.c - how does an upper layer say that a lower name is deleted? */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vmm/files/share_private.h"

#define TARGET_LEN (sizeof(WHITEOUT_TARGET) - 1)

bool whiteout_is_target(const char *target, size_t len)
{
	return len == TARGET_LEN && !memcmp(target, WHITEOUT_TARGET, len);
}

bool whiteout_is(int dir_fd, const char *name)
{
	char target[TARGET_LEN + 1];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

	return len > 0 && whiteout_is_target(target, (size_t)len);
}

bool whiteout_is_fd(int path_fd)
{
	return whiteout_is(path_fd, "");
}

int whiteout_make(int dir_fd, const char *name)
{
	return symlinkat(WHITEOUT_TARGET, dir_fd, name) < 0 ? -errno : 0;
}

bool whiteout_needed(const struct share_node *dir, const char *name)
{
	struct stat st;

	/* In doubt one whiteout too many: it hides what cannot be seen. */
	return dir->lower_fd >= 0 && share_is_cow(dir->share) &&
	       (fstatat(dir->lower_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
		errno != ENOENT);
}
