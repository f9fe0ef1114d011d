/* SPDX-License-Identifier: MIT */
/*
 * memory.h - guest RAM and the one function that turns guest addresses into
 * host pointers.
 *
 * Threads: the mapping is fixed after memory_create(); look-ups from any.
 * Trust:   a guest-physical range is checked here, once, against overflow and
 *          against RAM; nobody else adds a gpa to a host pointer. What is
 *          read from there can change under our feet: copy, then check.
 */
#ifndef VMM_CORE_MEMORY_H
#define VMM_CORE_MEMORY_H

#include <stdint.h>

struct memory {
	uint8_t *hva; /* NULL: not held */
	uint64_t len; /* bytes from guest-physical 0 */
};

/* len: multiple of 2 MiB in MAP_RAM_MIN_LEN..MAP_RAM_MAX_LEN, zeroed. */
int memory_create(struct memory *memory, uint64_t len);
/* The same with any multiple of 4096 from 4096 on: machines without the
 * layout of shm/memory_map.h. */
int memory_create_flat(struct memory *memory, uint64_t len);
void memory_destroy(struct memory *memory);

/*
 * Host pointer to guest-physical [gpa, gpa+len), or NULL when any byte of it
 * is outside RAM. len 0 is inside when gpa <= RAM length.
 */
void *memory_range(const struct memory *memory, uint64_t gpa, uint64_t len);

#endif
