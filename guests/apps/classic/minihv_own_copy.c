/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_own_copy.c - writing to a shared file makes a copy of one's own: once,
 * at the first open for writing. Whoever wrote reads the copy from then on,
 * earlier writes stay, and the host's file keeps its bytes.
 *
 * mini-hypervisor, -f .../shared.txt, a fresh private directory. stdout: a
 * line "...: SUCCESS" for each step. Start it several times over: no VM sees
 * another's lines.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/runtime.h"

static const char path[] = "shared.txt";
static const char first[] = "written by a guest\n";
static const char second[] = "and once more\n";

static char original[1024], copy[2048];

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	int len = files_load(path, original, sizeof(original));
	int reader = files_open(path, FILES_READ);
	char byte;

	minihv_verdict("read the original", len >= 0 && reader >= 0);
	if (len < 0)
		return 0;
	minihv_verdict("write", !files_append(path, first));
	/* Opened before the copy was made: still the original. */
	minihv_verdict("an open file stays",
		       files_read(reader, &byte, 1) == (len > 0) &&
			       (!len || byte == original[0]));
	minihv_verdict("close", !files_close(reader));
	minihv_verdict("read my copy",
		       files_load(path, copy, sizeof(copy)) ==
				       len + (int)sizeof(first) - 1 &&
			       !memcmp(copy, original, (size_t)len) &&
			       !strcmp(copy + len, first));
	minihv_verdict("write again", !files_append(path, second));
	minihv_verdict(
		"read both lines",
		files_load(path, copy, sizeof(copy)) ==
				len + (int)(sizeof(first) + sizeof(second)) -
					2 &&
			!strcmp(copy + len + sizeof(first) - 1, second));
	return 0;
}
