/* SPDX-License-Identifier: MIT */
/* guest_consumer.c - the consumer as a bare guest. */
#include "producer-consumer/guest_main.h"

int app_main(int argc, char **argv)
{
	struct workload_result result;
	int status = workload_guest_main(argc, argv, consumer_run, &result);

	if (status)
		return status;
	vm_report("messages", result.messages);
	vm_report("bytes", result.bytes);
	vm_report("ns", result.ns);
	vm_report("mismatches", result.mismatches);
	if (!result.mismatches)
		return 0;
	workload_describe(&result, printf);
	return 1;
}
