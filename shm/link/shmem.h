/* SPDX-License-Identifier: MIT */
/*
 * shmem.h - the memory object behind a region: a memfd nobody can resize.
 *
 * Sealed against shrinking, growing and unsealing, so that a peer that maps it
 * can never be killed by SIGBUS through another peer's ftruncate().
 */
#ifndef SHM_LINK_SHMEM_H
#define SHM_LINK_SHMEM_H

#include <stdbool.h>
#include <stdint.h>

#define SHMEM_MIN_LEN  4096ull
#define SHMEM_HUGE_LEN 0x200000ull

struct shmem {
	int fd;		   /* -1: not held; close-on-exec */
	void *hva;	   /* NULL: not held; mapped read-write, shared */
	uint64_t len;	   /* bytes, power of two */
	uint64_t page_len; /* 4096 or 2 MiB: what really backs it */
};

/*
 * Create, seal and map. len: power of two >= SHMEM_MIN_LEN, else -EINVAL.
 * hugepages: back it with 2 MiB pages, reserved now. Not possible (none free,
 * len smaller than one): falls back to 4 KiB pages; page_len says so.
 * -ENOMEM, also when len is more than shmem_backing_len(); or -errno of
 * memfd_create, ftruncate, fcntl, mmap.
 */
int shmem_create(struct shmem *shmem, const char *name, uint64_t len,
		 bool hugepages);
/*
 * RAM and swap of this machine. Pages come when they are touched, so what is
 * larger could be made, and would have peers killed once it fills.
 */
uint64_t shmem_backing_len(void);
/*
 * Map the object behind fd (taken over on success). -EINVAL: its size is not
 * a power of two >= SHMEM_MIN_LEN.
 */
int shmem_map(struct shmem *shmem, int fd);
/* Unmap and close; safe on a struct whose fields say "not held". */
void shmem_destroy(struct shmem *shmem);

#endif
