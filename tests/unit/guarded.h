/* SPDX-License-Identifier: MIT */
/*
 * guarded.h - zeroed memory between two pages that nobody may touch: one
 * byte too far, in either direction, ends the test program.
 */
#ifndef TESTS_UNIT_GUARDED_H
#define TESTS_UNIT_GUARDED_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define GUARD_LEN 4096u

/* len: a multiple of the page size. */
static inline void *guarded_map(uint64_t len)
{
	uint8_t *all = mmap(NULL, len + 2ull * GUARD_LEN, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (all == MAP_FAILED ||
	    mprotect(all + GUARD_LEN, len, PROT_READ | PROT_WRITE))
		abort();
	return all + GUARD_LEN;
}

static inline void guarded_unmap(void *mem, uint64_t len)
{
	munmap((uint8_t *)mem - GUARD_LEN, len + 2ull * GUARD_LEN);
}

#endif
