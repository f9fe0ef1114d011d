/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_shared.c - a file that the command line shares with all VMs is read
 * as it is on the host.
 *
 * mini-hypervisor, -f .../shared.txt. stdout: "open: SUCCESS" and the file, or
 * "open: FAILED" when nobody shares it.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	int handle = files_open("shared.txt", FILES_READ);
	char text[100];
	int len;

	minihv_verdict("open", handle >= 0);
	if (handle < 0)
		return 0;
	while ((len = files_read(handle, text, sizeof(text))) > 0)
		for (int i = 0; i < len; i++)
			minihv_put(text[i]);
	minihv_verdict("read", len == 0);
	minihv_verdict("close", !files_close(handle));
	return 0;
}
