/* SPDX-License-Identifier: MIT */
/* memory.c - guest RAM: one anonymous mapping from guest-physical 0. */
#include "vmm/core/memory.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "shm/memory_map.h"

static int create(struct memory *memory, uint64_t len, uint64_t min_len,
		  uint64_t unit_len)
{
	void *hva;

	*memory = (struct memory){ .hva = NULL };
	if (len < min_len || len > MAP_RAM_MAX_LEN || len % unit_len)
		return -EINVAL;
	/* NORESERVE: a guest pays for what it touches, not for its limit. */
	hva = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (hva == MAP_FAILED)
		return -errno;
	memory->hva = hva;
	memory->len = len;
	return 0;
}

int memory_create(struct memory *memory, uint64_t len)
{
	return create(memory, len, MAP_RAM_MIN_LEN, MAP_LARGE_LEN);
}

int memory_create_flat(struct memory *memory, uint64_t len)
{
	return create(memory, len, MAP_PAGE_LEN, MAP_PAGE_LEN);
}

void memory_destroy(struct memory *memory)
{
	if (memory->hva)
		munmap(memory->hva, memory->len);
	*memory = (struct memory){ .hva = NULL };
}

void *memory_range(const struct memory *memory, uint64_t gpa, uint64_t len)
{
	/* Written so that neither side can overflow. */
	if (len > memory->len || gpa > memory->len - len)
		return NULL;
	return memory->hva + gpa;
}
