/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_ram.c - all of RAM is there, whatever its size and its pages: writes
 * a number to each 64 KiB behind the first megabyte and reads them back. Page
 * tables are the monitor's secret, so it leaves the low megabyte alone.
 *
 * mini-hypervisor. stdout: "RAM: SUCCESS"
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/runtime.h"

#define FIRST_GPA 0x100000ul
#define STEP	  0x10000ul

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	uintptr_t end = (uintptr_t)__builtin_frame_address(0) & -STEP;
	int good = 1;

	for (uintptr_t at = FIRST_GPA; at < end; at += STEP)
		*(volatile uint64_t *)gpa_pointer(at) = ~at;
	for (uintptr_t at = FIRST_GPA; at < end; at += STEP)
		if (*(volatile uint64_t *)gpa_pointer(at) != ~at)
			good = 0;
	minihv_verdict("RAM", good);
	return 0;
}
