/* SPDX-License-Identifier: MIT */
/* private_dir.c - is it a private directory, or may it become one? */
#include "vmm/lab/private_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/files/share.h"

/* The real path of what there is on the way to path; NULL: none to be seen. */
static char *find_existing(const char *path)
{
	char *cut = strdup(path);
	char *real = NULL;

	while (cut && !(real = realpath(cut, NULL)) && errno == ENOENT) {
		char *slash = strrchr(cut, '/');

		if (!slash) {
			real = realpath(".", NULL);
			break;
		}
		if (slash == cut && !slash[1])
			break;
		slash[slash == cut] = '\0';
	}
	free(cut);
	return real;
}

/* Is it the directory, or below it? path is a real one, and is cut. */
static bool is_in(char *path, const struct stat *dir)
{
	for (;;) {
		char *slash = strrchr(path, '/');
		struct stat st;

		if (!stat(path, &st) && st.st_dev == dir->st_dev &&
		    st.st_ino == dir->st_ino)
			return true;
		if (!slash || !path[1])
			return false;
		slash[slash == path] = '\0';
	}
}

bool private_dir_is_apart(const char *shared, const char *private_dir)
{
	char *above = find_existing(private_dir);
	char *shared_path = realpath(shared, NULL);
	struct stat st;
	bool apart = true;

	if (above && !stat(shared, &st))
		apart = !is_in(above, &st);
	/* Nothing is in one that is not there. */
	if (shared_path && !stat(private_dir, &st))
		apart = apart && !is_in(shared_path, &st);
	free(shared_path);
	free(above);
	return apart;
}

const char *private_dir_absent(const char *path)
{
	struct stat st;
	int fd, err = 0;

	if (share_is_upper(path))
		return NULL;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	/* May one look into it? */
	if (fstatat(fd, "tree", &st, AT_SYMLINK_NOFOLLOW))
		err = errno;
	close(fd);
	return err && err != ENOENT ? strerror(err)
				    : "no private layer is there";
}

const char *private_dir_shared_absent(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return strerror(errno);
	return S_ISDIR(st.st_mode) ? NULL : strerror(ENOTDIR);
}
