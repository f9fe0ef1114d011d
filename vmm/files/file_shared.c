/* SPDX-License-Identifier: MIT */
/* file_shared.c - which of the host's files does a guest's path mean? */
#include "vmm/files/file_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/files/layer.h"

static bool is_name(const char *text, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(text, name, len);
}

static bool is_allowed(const char *text, size_t len)
{
	return len && !is_name(text, len, ".") && !is_name(text, len, "..") &&
	       !is_name(text, len, FILE_PATH_RESERVED);
}

int file_path_check(struct file_path *path, const char *bytes, size_t len)
{
	const char *at, *slash;

	if (len > FILE_PATH_MAX)
		return -ENAMETOOLONG;
	if (memchr(bytes, '\0', len))
		return -EINVAL;
	memcpy(path->text, bytes, len);
	path->text[len] = '\0';
	for (at = path->text; (slash = strchr(at, '/')); at = slash + 1)
		if (!is_allowed(at, (size_t)(slash - at)))
			return -EINVAL;
	return is_allowed(at, strlen(at)) ? 0 : -EINVAL;
}

/* A path descriptor of a regular file that can be read. */
static int open_file(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), read_fd, err;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else
		err = S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
	read_fd = err ? err : layer_open(fd, O_RDONLY);
	if (read_fd < 0) {
		close(fd);
		return read_fd;
	}
	close(read_fd);
	return fd;
}

int file_shared_add(struct file_shared *shared, const char *path)
{
	static const size_t prefix_len = sizeof(FILE_SHARED_PREFIX) - 1;
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path, *name = base;
	struct file_shared_file file;
	struct file_path checked;
	int err;

	/* One that a guest may not say is known by its base name alone. */
	if (!strncmp(path, FILE_SHARED_PREFIX, prefix_len) &&
	    !file_path_check(&checked, path + prefix_len,
			     strlen(path + prefix_len)))
		name = path + prefix_len;
	err = file_path_check(&checked, name, strlen(name));
	if (err)
		return name[0] ? err : -EISDIR;
	for (uint32_t i = 0; i < shared->nr; i++)
		if (!strcmp(shared->files[i].name, name))
			return -EEXIST;
	if (shared->nr == FILE_SHARED_MAX)
		return -ENOSPC;
	file.fd = open_file(path);
	if (file.fd < 0)
		return file.fd;
	file.name = strdup(name);
	if (!file.name) {
		close(file.fd);
		return -ENOMEM;
	}
	slash = strrchr(file.name, '/');
	file.base = slash ? slash + 1 : file.name;
	shared->files[shared->nr++] = file;
	return 0;
}

void file_shared_destroy(struct file_shared *shared)
{
	while (shared->nr) {
		struct file_shared_file *file = &shared->files[--shared->nr];

		close(file->fd);
		free(file->name);
	}
}

const struct file_shared_file *
file_shared_find(const struct file_shared *shared, const char *path)
{
	for (uint32_t i = 0; i < shared->nr; i++)
		if (!strcmp(shared->files[i].name, path))
			return &shared->files[i];
	for (uint32_t i = 0; i < shared->nr; i++)
		if (!strcmp(shared->files[i].base, path))
			return &shared->files[i];
	return NULL;
}
