/* SPDX-License-Identifier: MIT */
/* fault.c - do what no program should, to see who notices. */
#include "guests/runtime/runtime.h"

#include "guests/runtime/ports.h"
#include "shm/memory_map.h"

int app_main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "null";

	printf("about to fault: %s\n", what);
	if (!strcmp(what, "null")) {
		volatile uint64_t nowhere = 0;

		*(volatile int *)gpa_pointer(nowhere) = 1;
	} else if (!strcmp(what, "divide")) {
		__asm__ __volatile__("div %b0" ::"r"(0) : "ax", "dx");
	} else if (!strcmp(what, "opcode")) {
		__asm__ __volatile__("ud2");
	} else if (!strcmp(what, "port")) {
		port_out8(0x60, 0);
	} else if (!strcmp(what, "apic")) {
		*(volatile uint32_t *)gpa_pointer(MAP_LAPIC_GPA) = 0;
	} else if (!strcmp(what, "privileged")) {
		__asm__ __volatile__("cli");
	}
	printf("still alive\n");
	return 1;
}
