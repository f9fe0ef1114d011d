/* SPDX-License-Identifier: MIT */
/*
 * lab_region.h - the shared memory of a lab or a server: how large it may be,
 * and making it.
 *
 * Threads: any, one call at a time.
 */
#ifndef VMM_LAB_LAB_REGION_H
#define VMM_LAB_LAB_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/link/shmem.h"
#include "shm/region.h"

/* The upper end is the largest power of two that every bare guest can map. */
#define LAB_REGION_ALLOWED "a power of two from 4K to 128G"

/* NULL, or why text is not such a size. */
const char *lab_region_parse(const char *text, uint64_t *len);

/*
 * Make, seal, map and format it, with what `ivlab tune` found. No huge pages
 * where some were wished for is a warning. 0, or -errno: why says why not.
 * shmem is the caller's to destroy either way.
 */
int lab_region_create(struct shmem *shmem, struct region *region, uint64_t len,
		      bool hugepages, char *why, size_t why_len);

#endif
