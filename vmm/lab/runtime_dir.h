/* SPDX-License-Identifier: MIT */
/* runtime_dir.h - a private directory for the sockets of one lab. */
#ifndef VMM_LAB_RUNTIME_DIR_H
#define VMM_LAB_RUNTIME_DIR_H

#define RUNTIME_PATH_LEN 108 /* sockaddr_un.sun_path */

struct runtime_dir {
	char path[RUNTIME_PATH_LEN];   /* "": not held */
	char socket[RUNTIME_PATH_LEN]; /* a path in it, nothing there yet */
};

/*
 * Make ivlab-XXXXXX, for us alone, in $XDG_RUNTIME_DIR or, if that will not
 * do, in /tmp. -errno of mkdtemp.
 */
int runtime_dir_create(struct runtime_dir *dir);
/* The socket must be gone. Safe when not held. */
void runtime_dir_destroy(struct runtime_dir *dir);

#endif
