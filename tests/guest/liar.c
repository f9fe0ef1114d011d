/* SPDX-License-Identifier: MIT */
/*
 * liar.c - a hostile peer: finds the ring that others use and writes
 * nonsense into every word of it that it can reach.
 */
#include "guests/driver/ivshmem_driver.h"
#include "producer-consumer/workload.h"
#include "shm/spsc.h"
#include "tests/guest/check.h"

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	struct workload_opts opts;
	struct region_info info;
	struct region region;
	struct spsc_mem *mem;

	if (workload_parse(&opts, argc - 1, argv + 1) ||
	    ivshmem_driver_open(&driver, 0) ||
	    workload_attach(&region, &driver.peer))
		return 1;
	while (region_channel_find(&region, opts.channel, REGION_KIND_SPSC,
				   &info))
		sleep_ns(100000);
	/* Without end: an honest end may write its own word again before the
	 * other one looks. */
	mem = (void *)(region.base + info.off);
	for (uint64_t lie = 1;; lie = lie << 1 | lie >> 63) {
		store_release(&mem->tail_idx,
			      load_acquire(&mem->tail_idx) + lie);
		store_release(&mem->head_idx,
			      load_acquire(&mem->head_idx) - lie);
		mem->slots_nr ^= (uint32_t)lie;
		mem->data_off ^= lie;
	}
}
