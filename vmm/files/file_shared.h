/* SPDX-License-Identifier: MIT */
/*
 * file_shared.h - the host's files that all VMs of mini-hypervisor may read,
 * and under which names (docs/classic-guests.md).
 *
 * A file is what its path led to when it was added: a path descriptor, so
 * nothing else of its directory can be reached from it, and it is never opened
 * for writing. Symbolic links in the path are followed once: it is the user's.
 *
 * A guest's path means a file, if
 *   - "../Guest/" and that path is how the user wrote it: the classic rule; or
 *   - it is the file's base name: ours, for files that are elsewhere.
 *
 * Threads: one adds; then any look up and open, at the same time.
 */
#ifndef VMM_FILES_FILE_SHARED_H
#define VMM_FILES_FILE_SHARED_H

#include <stddef.h>
#include <stdint.h>

#define FILE_SHARED_MAX	   16u
#define FILE_SHARED_PREFIX "../Guest/"

/* Bytes of a guest's path: more do not fit into the port's one byte, and 255
 * is not a length there. */
#define FILE_PATH_MAX 254u

struct file_path {
	char text[FILE_PATH_MAX + 1];
};
/*
 * A guest's path, checked: one or more names with a '/' between them, none of
 * them empty, ".", ".." or FILE_PATH_RESERVED, no NUL. -EINVAL, -ENAMETOOLONG.
 */
#define FILE_PATH_RESERVED ".ivlab-copy"
int file_path_check(struct file_path *path, const char *bytes, size_t len);

struct file_shared_file {
	int fd;	    /* path descriptor of a regular file */
	char *name; /* its path in a VM: below ../Guest/, or the base name */
	const char *base;
};

struct file_shared {
	struct file_shared_file files[FILE_SHARED_MAX];
	uint32_t nr;
};

/*
 * shared begins as zeros. -EEXIST: guests could not tell it from one that is
 * there; -ENOSPC: too many; -EISDIR; -ENOTSUP: neither file nor directory;
 * -EINVAL, -ENAMETOOLONG: no name for a guest; or why it cannot be read.
 */
int file_shared_add(struct file_shared *shared, const char *path);
void file_shared_destroy(struct file_shared *shared);
/* What a checked path means; NULL: none of them. */
const struct file_shared_file *
file_shared_find(const struct file_shared *shared, const char *path);

#endif
