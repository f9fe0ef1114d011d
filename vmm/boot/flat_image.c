/* SPDX-License-Identifier: MIT */
/* flat_image.c - does the image fit, and is it all there? */
#include "vmm/boot/flat_image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/core/log.h"

/* A pipe could keep us waiting for ever, and has no length to check. */
static int open_regular(const char *path, int *fd)
{
	struct stat st;

	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return -errno;
	if (fstat(*fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -ENOTSUP;
}

/* Up to len bytes; fewer only at the end. */
static int read_all(int fd, uint8_t *to, uint64_t len, uint64_t *done_len)
{
	*done_len = 0;
	while (*done_len < len) {
		ssize_t n = read(fd, to + *done_len, len - *done_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		*done_len += (uint64_t)n;
	}
	return 0;
}

int flat_image_load(const struct memory *memory, const char *path, uint64_t gpa,
		    uint64_t max_len, uint64_t *len)
{
	uint8_t *hva = memory_range(memory, gpa, max_len);
	uint64_t more_len = 0;
	uint8_t more;
	int err, fd;

	*len = 0;
	if (!hva) {
		log_error("image %s: no RAM at 0x%llx for it", path,
			  (unsigned long long)gpa);
		return -EINVAL;
	}
	err = open_regular(path, &fd);
	if (!err)
		err = read_all(fd, hva, max_len, len);
	if (!err)
		err = read_all(fd, &more, 1, &more_len);
	if (fd >= 0)
		close(fd);
	if (err == -ENOTSUP) {
		log_error("image %s: not a regular file", path);
	} else if (err) {
		log_error("image %s: %s", path, strerror(-err));
	} else if (more_len) {
		log_error("image %s: too large; %llu bytes fit at 0x%llx", path,
			  (unsigned long long)max_len, (unsigned long long)gpa);
		err = -EFBIG;
	} else if (!*len) {
		log_error("image %s: empty", path);
		err = -ENODATA;
	}
	return err;
}
