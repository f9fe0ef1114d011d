/* SPDX-License-Identifier: MIT */
/*
 * layer.h - every way from a name to a descriptor on the host goes through
 * here: one component at a time, from a directory's descriptor, never through
 * a symbolic link, never into anything but a file or directory.
 *
 * "Path descriptor": opened with O_PATH. It stands for the object itself,
 * whatever becomes of its names, and opening it has no effect on the object.
 * Errors: 0, a descriptor, or -errno.
 */
#ifndef VMM_FILES_LAYER_H
#define VMM_FILES_LAYER_H

#include <dirent.h>
#include <stdint.h>
#include <sys/types.h>

/* A path descriptor of what name is, a symbolic link included. */
int layer_find(int dir_fd, const char *name);
/* The same for a path of names, "" for the directory itself; each but the last
 * must be a directory. */
int layer_find_deep(int dir_fd, const char *path);

/*
 * Open what a path descriptor stands for, with O_* flags. -EACCES: not a
 * regular file or directory. Reading leaves the access time alone where the
 * host's user may ask for that.
 */
int layer_open(int path_fd, int flags);
/* A new regular file; -EEXIST. */
int layer_create(int dir_fd, const char *name, int flags, mode_t mode);
/* The names in a directory. */
int layer_list(int path_fd, DIR **out);

/* A name for the object behind a descriptor of our own, for system calls that
 * take nothing else. */
struct layer_path {
	char name[32];
};
struct layer_path layer_path(int fd);

/* Swap two names in one step. */
int layer_exchange(int a_fd, const char *a, int b_fd, const char *b);
/* Does name lead to dev, ino? 0, or -ESTALE. */
int layer_same(int dir_fd, const char *name, dev_t dev, ino_t ino);

#endif
