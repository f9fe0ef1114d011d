/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_private.c - a VM's own file: made by the first open for writing,
 * each later one appends, reading begins at the front. In a directory kept
 * from an earlier run the file is longer at first; nothing else differs.
 *
 * mini-hypervisor. stdout: a line "...: SUCCESS" for each step.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/runtime.h"

static const char path[] = "notes.txt";
static const char first[] = "the first line\n";
static const char second[] = "and a second\n";

static char before[16384], after[16384];

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	int old_len = files_load(path, before, sizeof(before));
	int len;

	if (old_len < 0)
		old_len = 0;
	minihv_verdict("no such file",
		       files_open("never_made.txt", FILES_READ) == -1);
	minihv_verdict("write", !files_append(path, first));
	minihv_verdict("append", !files_append(path, second));
	len = files_load(path, after, sizeof(after));
	minihv_verdict(
		"read back",
		len == old_len + (int)(sizeof(first) + sizeof(second)) - 2 &&
			!memcmp(after, before, (size_t)old_len) &&
			!memcmp(after + old_len, first, sizeof(first) - 1) &&
			!strcmp(after + old_len + sizeof(first) - 1, second));
	return 0;
}
