/* SPDX-License-Identifier: MIT */
/* minihv.c - mini-hypervisor's console from C. */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/runtime/ports.h"

void minihv_put(char c)
{
	port_out8(MINIHV_CONSOLE, (uint8_t)c);
}
