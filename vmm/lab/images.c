/* SPDX-License-Identifier: MIT */
/* images.c - which file does an image's name stand for? */
#include "vmm/lab/images.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, -ENOENT, or -EACCES when path is no regular file we may use so. */
static int usable(const char *path, int mode)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -EACCES : -ENOENT;
	if (!S_ISREG(st.st_mode) || access(path, mode))
		return -EACCES;
	return 0;
}

/* The directory of the running binary, without the last slash. */
static int own_dir(char dir[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (len < 0)
		return -errno;
	dir[len] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

/* subdir ends with a slash or is empty. */
static int own_file(const char *subdir, const char *name, const char *ending,
		    int mode, char **path)
{
	static const char *const places[] = { "", "../lib/ivlab/" };
	char dir[PATH_MAX];
	int err = own_dir(dir);

	*path = NULL;
	if (err)
		return err;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		free(*path);
		if (asprintf(path, "%s/%s%s%s%s", dir, places[i], subdir, name,
			     ending) < 0) {
			*path = NULL;
			return -ENOMEM;
		}
		err = usable(*path, mode);
		if (!err)
			return 0;
	}
	return err;
}

int images_guest(const char *name, const char *dir, char **path)
{
	if (!strchr(name, '/'))
		return own_file("guests/", name, ".elf", R_OK, path);
	if (name[0] == '/' || !dir)
		*path = strdup(name);
	else if (asprintf(path, "%s/%s", dir, name) < 0)
		*path = NULL;
	if (!*path)
		return -ENOMEM;
	return usable(*path, R_OK);
}

int images_program(const char *name, char **path)
{
	return own_file("", name, "", X_OK, path);
}
