/* SPDX-License-Identifier: MIT */
/*
 * files.h - the files of a share, for applications in a bare guest.
 *
 * What open(2) and its family are, as far as a share goes. Paths begin at the
 * root of the share, with or without a '/'. Nothing is cached: each call asks
 * the server, which is how a VM sees what others change in a `rw` share.
 *
 * Threads: vCPU 0.
 * Errors:  negative Linux errno values (p9_client.h).
 */
#ifndef GUESTS_DRIVER_FILES_H
#define GUESTS_DRIVER_FILES_H

#include <stdint.h>

#include "guests/driver/p9_client.h"

#define FILES_OPEN_MAX 32u
#define FILES_PATH_MAX 1024u
#define FILES_NAME_LEN (P9_NAME_MAX + 1u)
#define FILES_DIR_LEN  8192u
#define FILES_FID(fd)  (1u + (uint32_t)(fd)) /* 0 is the root's */

struct files_file {
	bool used;
	uint64_t pos; /* of read and write; of a directory, its cookie */
};

struct files {
	struct p9_client client;
	/* Reads and writes longer than io_len are cut into pieces, of which
	 * up to depth are under way at once. To be changed at will, to
	 * 1..client.msize - 24 and 1..VIRTIO_9P_SLOTS. */
	uint32_t io_len, depth;
	struct files_file files[FILES_OPEN_MAX];
	/* Entries read ahead of directory dir_fd (-1: none). */
	int dir_fd;
	uint32_t dir_at, dir_len;
	uint8_t dir[FILES_DIR_LEN];
};

/*
 * Reach the share by its name. -P9_ENOENT: this VM has none of that name.
 * About 50 KiB: let it be static. It stays where it is.
 */
int files_mount(struct files *files, const char *share);

/*
 * flags: P9_OPEN_*, with P9_OPEN_CREAT the mode of a new file. Returns the
 * descriptor, 0..FILES_OPEN_MAX - 1; -P9_EMFILE: all are in use.
 */
int files_open(struct files *files, const char *path, uint32_t flags,
	       uint32_t mode);
/* Open for writing, made or emptied. */
int files_create(struct files *files, const char *path, uint32_t mode);
int files_close(struct files *files, int fd);

/* Bytes moved, fewer at the end of the file or before an error. */
int64_t files_read(struct files *files, int fd, void *buf, uint64_t len);
int64_t files_write(struct files *files, int fd, const void *buf, uint64_t len);
int64_t files_pread(struct files *files, int fd, void *buf, uint64_t len,
		    uint64_t off);
int64_t files_pwrite(struct files *files, int fd, const void *buf, uint64_t len,
		     uint64_t off);

struct files_entry {
	uint8_t type; /* P9_QID_* */
	char name[FILES_NAME_LEN];
};
/* The next entry of an open directory, "." and ".." among them; 1, or 0: no
 * more. */
int files_readdir(struct files *files, int fd, struct files_entry *entry);

struct files_stat {
	uint32_t mode, uid, gid; /* type and permission bits as in Linux */
	uint64_t id, nlink, size, mtime_sec;
};
/* A symbolic link itself, never what it points to. */
int files_stat(struct files *files, const char *path, struct files_stat *stat);

int files_unlink(struct files *files, const char *path);
int files_rmdir(struct files *files, const char *path);
int files_rename(struct files *files, const char *from, const char *to);
int files_mkdir(struct files *files, const char *path, uint32_t mode);

#endif
