/* SPDX-License-Identifier: MIT */
/* shmem.c - where a region's memory comes from and what guards its size. */
#include "shm/link/shmem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26) /* linux/memfd.h: log2 of the size << 26 */
#endif

static const struct shmem not_held = { .fd = -1 };

static bool len_ok(uint64_t len)
{
	return len >= SHMEM_MIN_LEN && (len & (len - 1)) == 0;
}

/* Map shmem->fd, whose size is shmem->len. */
static int map(struct shmem *shmem)
{
	void *hva = mmap(NULL, shmem->len, PROT_READ | PROT_WRITE, MAP_SHARED,
			 shmem->fd, 0);

	if (hva == MAP_FAILED)
		return -errno;
	shmem->hva = hva;
	return 0;
}

static int create(struct shmem *shmem, const char *name, uint64_t len,
		  bool hugepages)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int err;

	*shmem = not_held;
	shmem->len = len;
	shmem->page_len = hugepages ? SHMEM_HUGE_LEN : SHMEM_MIN_LEN;
	if (hugepages)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	shmem->fd = memfd_create(name, flags);
	if (shmem->fd < 0 || ftruncate(shmem->fd, (off_t)len) < 0) {
		err = -errno;
		goto fail;
	}
	/*
	 * Huge pages come from a small pool and a first touch that finds it
	 * empty is a SIGBUS, in whichever peer touched: take them all now.
	 */
	if (hugepages && fallocate(shmem->fd, 0, 0, (off_t)len) < 0) {
		err = -errno;
		goto fail;
	}
	if (fcntl(shmem->fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		err = -errno;
		goto fail;
	}
	err = map(shmem);
	if (err)
		goto fail;
	return 0;

fail:
	shmem_destroy(shmem);
	return err;
}

uint64_t shmem_backing_len(void)
{
	struct sysinfo info;

	/* It fails on a bad pointer only; mmap() has the last word then. */
	if (sysinfo(&info))
		return UINT64_MAX;
	return ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
}

int shmem_create(struct shmem *shmem, const char *name, uint64_t len,
		 bool hugepages)
{
	*shmem = not_held;
	if (!len_ok(len))
		return -EINVAL;
	if (len > shmem_backing_len())
		return -ENOMEM;
	if (hugepages && len >= SHMEM_HUGE_LEN &&
	    create(shmem, name, len, true) == 0)
		return 0;
	return create(shmem, name, len, false);
}

int shmem_map(struct shmem *shmem, int fd)
{
	struct statfs fs;
	struct stat st;
	int err;

	*shmem = not_held;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0 ||
	    !len_ok((uint64_t)st.st_size))
		return -EINVAL;
	shmem->fd = fd;
	shmem->len = (uint64_t)st.st_size;
	/* tmpfs may name a large block size too and still give small pages. */
	shmem->page_len = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize
						       : SHMEM_MIN_LEN;
	err = map(shmem);
	if (err)
		*shmem = not_held; /* fd stays the caller's */
	return err;
}

void shmem_destroy(struct shmem *shmem)
{
	if (shmem->hva)
		munmap(shmem->hva, shmem->len);
	if (shmem->fd >= 0)
		close(shmem->fd);
	*shmem = not_held;
}
