/* SPDX-License-Identifier: MIT */
/* example.h - what the example guests do before they show something: read
 * their one number, open the device, attach to the region. */
#ifndef GUESTS_APPS_EXAMPLE_H
#define GUESTS_APPS_EXAMPLE_H

#include <stdbool.h>

#include "guests/driver/ivshmem_driver.h"
#include "guests/runtime/runtime.h"
#include "shm/region.h"

#define EXAMPLE_WAIT_NS	 (30 * NS_PER_S) /* a peer silent so long is dead */
#define EXAMPLE_RETRY_NS 1000000ull

/* N of the only word "key=N"; fallback without a word; 0: neither. */
static inline uint64_t example_number(int argc, char **argv, const char *key,
				      uint64_t fallback)
{
	size_t key_len = strlen(key);
	uint64_t value = 0;

	if (argc < 2)
		return fallback;
	if (argc > 2 || strlen(argv[1]) <= key_len + 1 ||
	    memcmp(argv[1], key, key_len) != 0 || argv[1][key_len] != '=')
		return 0;
	for (const char *at = argv[1] + key_len + 1; *at; at++) {
		uint32_t digit = (uint32_t)(*at - '0');

		if (digit > 9 || value > UINT32_MAX)
			return 0;
		value = value * 10 + digit;
	}
	return value;
}

/* Whoever comes first formats the region. */
static inline int example_attach(struct ivshmem_driver *driver,
				 struct region *region)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
	int err = ivshmem_driver_open(driver, 0);

	if (err)
		return err;
	while ((err = region_create(region, driver->peer.region,
				    driver->peer.region_len)) ==
		       -SHM_ENOTREADY &&
	       now_ns() < deadline_ns)
		sleep_ns(EXAMPLE_RETRY_NS);
	return err;
}

/* Is it worth another try? Whoever makes the channel is not that far yet. */
static inline bool example_again(int err, uint64_t deadline_ns)
{
	if ((err != -SHM_ENOENT && err != -SHM_ENOTREADY) ||
	    now_ns() >= deadline_ns)
		return false;
	sleep_ns(EXAMPLE_RETRY_NS);
	return true;
}

#endif
