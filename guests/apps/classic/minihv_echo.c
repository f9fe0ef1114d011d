/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_echo.c - input on port 0xe9: what comes in goes out. A newline, or
 * the 0xff that stands for the end of stdin, is the last.
 *
 * mini-hypervisor. stdout: the first line of stdin; with --serial-in number,
 * the characters whose codes stdin lists.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/runtime/ports.h"

#define END_OF_INPUT 0xff

int main(void)
{
	uint8_t byte;

	do {
		byte = port_in8(MINIHV_CONSOLE);
		if (byte != END_OF_INPUT)
			minihv_put((char)byte);
	} while (byte != '\n' && byte != END_OF_INPUT);
	return 0;
}
