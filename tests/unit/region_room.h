/* SPDX-License-Identifier: MIT */
/* region_room.h - what the tests of shm/region.h share: one region. */
#ifndef TESTS_UNIT_REGION_ROOM_H
#define TESTS_UNIT_REGION_ROOM_H

#include <string.h>

#include "shm/region.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define TINY_LEN   4096ull
#define LARGE_LEN  (1ull << 20)
#define CREATOR_ID 7u

static void *mem;
static uint64_t mem_len;
static struct region region;

static inline void open_region(uint64_t len)
{
	mem_len = len;
	mem = guarded_map(len);
	CU_ASSERT_EQUAL_FATAL(region_format(mem, len), 0);
	CU_ASSERT_EQUAL_FATAL(region_attach(&region, mem, len), 0);
}

static inline void close_region(void)
{
	guarded_unmap(mem, mem_len);
	mem = NULL;
}

static inline int fill(void *arg, void *bytes, uint64_t len)
{
	memset(bytes, *(const int *)arg, len);
	return 0;
}

static inline int create(const char *name, uint64_t len, uint64_t *off)
{
	int byte = 0xc5;

	return region_channel_create(&region, name, REGION_KIND_SPSC, len,
				     CREATOR_ID, fill, &byte, off);
}

static inline int find(const char *name, struct region_info *info)
{
	return region_channel_find(&region, name, REGION_KIND_SPSC, info);
}

#endif
