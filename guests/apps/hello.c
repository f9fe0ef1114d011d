/* SPDX-License-Identifier: MIT */
/* hello.c - the smallest guest: say who you are, and end. */
#include "guests/runtime/runtime.h"

int app_main(int argc, char **argv)
{
	printf("hello from %s, %u vCPU, %llu MiB\n", argv[0], cpus_nr(),
	       (unsigned long long)(ram_len() >> 20));
	for (int i = 1; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	return 0;
}
