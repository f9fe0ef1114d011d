/* SPDX-License-Identifier: MIT */
/* boot_file.c - is it a file that can be loaded, and is all of it there? */
#include "vmm/boot/boot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/log.h"

int boot_file_open(const char *path, int *fd, uint64_t *len)
{
	struct stat st;

	/* Not blocking: a FIFO without a writer must not hang the start. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st)) {
		int err = -errno;

		log_error("%s: %s", path, strerror(-err));
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		log_error("%s: not a regular file", path);
		return -ENOEXEC;
	}
	if (st.st_size == 0) {
		log_error("%s: the file is empty", path);
		return -ENOEXEC;
	}
	*len = (uint64_t)st.st_size;
	return 0;
}

int boot_file_read(int fd, const char *path, void *buf, uint64_t len,
		   uint64_t off)
{
	uint8_t *at = buf;

	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)off);
		int err = errno;

		if (got < 0 && err == EINTR)
			continue;
		if (got < 0) {
			log_error("%s: %s", path, strerror(err));
			return -err;
		}
		if (got == 0) {
			log_error("%s: truncated: it ends before byte %llu",
				  path, (unsigned long long)(off + len));
			return -ENOEXEC;
		}
		at += got;
		off += (uint64_t)got;
		len -= (uint64_t)got;
	}
	return 0;
}
