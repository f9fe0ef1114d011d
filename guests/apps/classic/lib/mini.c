/* SPDX-License-Identifier: MIT */
/* mini.c - mini-kvm's hypercalls from C. */
#include "guests/apps/classic/lib/mini.h"

#include "guests/runtime/ports.h"

static void hypercall(uint8_t nr, uint32_t arg)
{
	__asm__ __volatile__("outb %0, %1" ::"a"(nr), "d"((uint16_t)HC_PORT),
			     "b"(arg)
			     : "memory");
}

void mini_put(char c)
{
	hypercall(HC_PUT, (uint8_t)c);
}

char mini_get(void)
{
	uint8_t key;

	do {
		hypercall(HC_GET, 0);
		key = port_in8(HC_PORT);
	} while (key == HC_NOTHING);
	return (char)key;
}

void mini_exit(void)
{
	hypercall(HC_EXIT, 0);
	for (;;)
		__asm__ __volatile__("hlt");
}
