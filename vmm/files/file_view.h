/* SPDX-License-Identifier: MIT */
/*
 * file_view.h - the files that one VM of mini-hypervisor sees: those in its
 * private directory, and below them the shared ones (file_shared.h).
 *
 * The private directory is a plain one, a share in mode SHARE_RW, as the
 * classic monitor kept it: it may be older than ivlab, and may be read by
 * anybody. So it cannot be the upper layer of a SHARE_COW share, which has a
 * form of its own and must not lie in the directory it is laid over, while
 * here shared.txt and a VM's directory are neighbours. What a copy-up is, is
 * the overlay's all the same: the bytes go by copy_data(), into a file that
 * takes its name when it is whole.
 *
 * Threads: a view and its files belong to one thread at a time.
 * Trust:   paths are the guest's. Nothing but the private directory and the
 *          shared files is ever reached, whatever lies in the former: share.h.
 * Errors:  0 or -errno.
 */
#ifndef VMM_FILES_FILE_VIEW_H
#define VMM_FILES_FILE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/files/file_shared.h"

struct file_view;
struct file_view_file; /* an open file */

struct file_view_opts {
	const struct file_shared *shared; /* outlives the view */
	/* Made (0755), with its parent existing, by the first file that is
	 * opened for writing, and kept. */
	const char *private_dir;
	/* Asked now and then while a large file is copied: give up? NULL: no.
	 */
	bool (*stopping)(void *arg);
	/* What the user should read: a line without an end. NULL: none. */
	void (*say)(void *arg, const char *line);
	void *arg;
};

/* opts is copied, with private_dir. */
int file_view_create(struct file_view **out, const struct file_view_opts *opts);
/* After its files. NULL is fine. */
void file_view_destroy(struct file_view *view);

/*
 * Read-only, the VM's own file or, if there is none, the shared one. Or
 * write-only and appending, always the VM's own: made if missing; of a shared
 * file it begins as a copy, which is made once.
 * A file is what it was when it was opened: one that was shared then stays
 * that, also when a copy is made later.
 */
int file_view_open(struct file_view *view, const char *path, size_t len,
		   bool writes, struct file_view_file **out);
void file_view_close(struct file_view_file *file); /* NULL is fine */
/* Bytes from where the last read ended, 0 at the end, or -errno. */
int file_view_read(struct file_view_file *file, void *buf, size_t len);
/* All of them, at the end of the file. */
int file_view_write(struct file_view_file *file, const void *buf, size_t len);

/* Take away a private directory and all in it. One that is not there is fine.
 * Not a symbolic link: -ENOTDIR. -EXDEV: something is mounted in there; that
 * stays as it is. */
int file_view_discard(const char *private_dir);

#endif
