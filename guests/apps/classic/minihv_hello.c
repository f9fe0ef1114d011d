/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_hello.c - text on port 0xe9 from 64-bit C. The stack begins at the
 * end of RAM, which tells the size the monitor was asked for.
 *
 * mini-hypervisor. stdout: "Hello from long mode, N MB of RAM", N as -m says.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	/* Some bytes of it are in use. */
	uintptr_t ram_len = (uintptr_t)__builtin_frame_address(0) + 0x1000;

	print("Hello from long mode, %d MB of RAM\n", (int)(ram_len >> 20));
	return 0;
}
