/* SPDX-License-Identifier: MIT */
/* runtime_dir.c - where may a lab put its socket? */
#include "vmm/lab/runtime_dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOCKET_NAME "ivshmem.sock"

static int make_in(struct runtime_dir *dir, const char *parent)
{
	int len;

	len = snprintf(dir->path, sizeof(dir->path), "%s/ivlab-XXXXXX", parent);
	if (len < 0 ||
	    (size_t)len + sizeof("/" SOCKET_NAME) > sizeof(dir->path)) {
		dir->path[0] = '\0';
		return -ENAMETOOLONG;
	}
	if (!mkdtemp(dir->path)) {
		int err = -errno;

		dir->path[0] = '\0';
		return err;
	}
	return 0;
}

int runtime_dir_create(struct runtime_dir *dir)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	int err = -ENOENT;

	if (parent && parent[0] == '/')
		err = make_in(dir, parent);
	if (err)
		err = make_in(dir, "/tmp");
	if (err)
		return err;
	snprintf(dir->socket, sizeof(dir->socket), "%.94s/" SOCKET_NAME,
		 dir->path);
	return 0;
}

void runtime_dir_destroy(struct runtime_dir *dir)
{
	if (dir->path[0])
		rmdir(dir->path);
	dir->path[0] = '\0';
}
