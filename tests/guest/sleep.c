/* SPDX-License-Identifier: MIT */
/* sleep.c - does a wait with a timeout end, about when it should? */
#include "guests/runtime/runtime.h"

int app_main(int argc, char **argv)
{
	uint64_t took_ns = 0;

	(void)argc;
	(void)argv;
	for (int i = 0; i < 5; i++) {
		uint64_t start_ns = now_ns();

		sleep_ns(20000000);
		took_ns = now_ns() - start_ns;
		/* Never early; how late depends on the machine. */
		if (took_ns < 20000000) {
			printf("slept %llu ns of 20,000,000\n",
			       (unsigned long long)took_ns);
			return 1;
		}
	}
	printf("slept five times, the last for %llu us\n",
	       (unsigned long long)(took_ns / 1000));
	return 0;
}
