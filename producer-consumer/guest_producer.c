/* SPDX-License-Identifier: MIT */
/* guest_producer.c - the producer as a bare guest. */
#include "producer-consumer/guest_main.h"

int app_main(int argc, char **argv)
{
	struct workload_result result;
	int status = workload_guest_main(argc, argv, producer_run, &result);

	if (!status)
		vm_report("sent", result.messages);
	return status;
}
