/* SPDX-License-Identifier: MIT */
/* lab_region.c - can this machine share so much memory, and if not, why? */
#include "vmm/lab/lab_region.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shm/err.h"
#include "shm/memory_map.h"
#include "vmm/core/log.h"
#include "vmm/lab/size.h"
#include "vmm/lab/tuning.h"

#define MAX_LEN (128ull << 30)
_Static_assert(MAX_LEN <= MAP_PCI64_BARE_MAX_LEN, "a region fits guests");

const char *lab_region_parse(const char *text, uint64_t *len)
{
	uint64_t bytes;
	int err = size_parse(text, &bytes);

	if (err)
		return err == -ERANGE ? "too large" : "not a size";
	if (bytes & (bytes - 1))
		return "not a power of two";
	if (bytes < SHMEM_MIN_LEN)
		return "too small";
	if (bytes > MAX_LEN)
		return "too large";
	*len = bytes;
	return NULL;
}

static void say_why(uint64_t len, int err, char *why, size_t why_len)
{
	char size[SIZE_TEXT_LEN], other[SIZE_TEXT_LEN + 64];
	const char *reason = strerror(-err);

	if (err == -ENOMEM && len > shmem_backing_len()) {
		snprintf(other, sizeof(other),
			 "RAM and swap of this machine are %s",
			 size_format(shmem_backing_len(), size));
		reason = other;
	}
	snprintf(why, why_len, "cannot make a region of %s: %s",
		 size_format(len, size), reason);
}

int lab_region_create(struct shmem *shmem, struct region *region, uint64_t len,
		      bool hugepages, char *why, size_t why_len)
{
	struct region_tuning tuning;
	int err = shmem_create(shmem, "ivlab", len, hugepages);

	if (err) {
		say_why(len, err, why, why_len);
		return err;
	}
	if (hugepages && shmem->page_len < SHMEM_HUGE_LEN)
		log_warn("hugepages: not enough free ones of 2 MiB, the region "
			 "gets pages of 4 KiB (\"ivlab doctor\")");
	err = region_create(region, shmem->hva, shmem->len);
	if (err) {
		snprintf(why, why_len, "cannot format the region: %s",
			 shm_strerror(err));
		return -EIO;
	}
	tuning_load(&tuning);
	region_set_tuning(region, &tuning);
	return 0;
}
