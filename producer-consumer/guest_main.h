/* SPDX-License-Identifier: MIT */
/*
 * guest_main.h - the workload's surroundings in a bare guest: open the
 * device, run one side, report.
 */
#ifndef PRODUCER_CONSUMER_GUEST_MAIN_H
#define PRODUCER_CONSUMER_GUEST_MAIN_H

#include "guests/driver/ivshmem_driver.h"
#include "producer-consumer/workload.h"

typedef int workload_fn(struct peer *peer, const struct workload_opts *opts,
			struct workload_result *result);

/* The exit status: 0 only when every message was right. */
static inline int workload_guest_main(int argc, char **argv, workload_fn *run,
				      struct workload_result *result)
{
	static struct ivshmem_driver driver;
	struct workload_opts opts;
	const char *bad = workload_parse(&opts, argc - 1, argv + 1);
	int err;

	if (bad) {
		printf("argument %s: use messages=N slots=N (power of two) "
		       "batch=N channel=NAME\n",
		       bad);
		return 2;
	}
	err = ivshmem_driver_open(&driver, 0);
	if (err) {
		printf("ivshmem device: %s\n", shm_strerror(err));
		return 1;
	}
	err = run(&driver.peer, &opts, result);
	if (err) {
		printf("channel %s: %s\n", opts.channel,
		       workload_strerror(err, result));
		return 1;
	}
	return 0;
}

#endif
