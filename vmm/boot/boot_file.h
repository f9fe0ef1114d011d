/* SPDX-License-Identifier: MIT */
/*
 * boot_file.h - the files that loaders take apart: opened once, read by
 * offset.
 *
 * Trust: the file may be anything, and change while it is read. Errors name
 *        it (logged): -errno of open and read; -ENOEXEC: no regular file,
 *        empty, or it ends too early.
 */
#ifndef VMM_BOOT_BOOT_FILE_H
#define VMM_BOOT_BOOT_FILE_H

#include <stdint.h>

/* *fd is the caller's to close, also on failure unless it is -1. *len is the
 * length it has now. */
int boot_file_open(const char *path, int *fd, uint64_t *len);
/* Exactly len bytes at off, the sum at most INT64_MAX. */
int boot_file_read(int fd, const char *path, void *buf, uint64_t len,
		   uint64_t off);

#endif
