/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_handles.c - 32 files can be open at a time; a new one gets the
 * smallest number that is free.
 *
 * mini-hypervisor. stdout: a line "...: SUCCESS" for each step.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"

static const char path[] = "handles.txt";

void put_char(char c)
{
	minihv_put(c);
}

int main(void)
{
	int in_order = 1, closed = 1;
	char byte;

	minihv_verdict("make a file", !files_append(path, "abc"));
	for (int i = 0; i < MINIHV_FILES_MAX; i++)
		if (files_open(path, FILES_READ) != i)
			in_order = 0;
	minihv_verdict("32 in order", in_order);
	minihv_verdict("a 33rd is refused", files_open(path, FILES_READ) == -1);
	minihv_verdict("each reads for itself",
		       files_read(0, &byte, 1) == 1 && byte == 'a' &&
			       files_read(31, &byte, 1) == 1 && byte == 'a' &&
			       files_read(0, &byte, 1) == 1 && byte == 'b');
	minihv_verdict("close two", !files_close(20) && !files_close(7));
	minihv_verdict("the smaller one first",
		       files_open(path, FILES_READ) == 7 &&
			       files_open(path, FILES_READ) == 20);
	minihv_verdict("a reopened file begins anew",
		       files_read(7, &byte, 1) == 1 && byte == 'a');
	for (int i = 0; i < MINIHV_FILES_MAX; i++)
		if (files_close(i))
			closed = 0;
	minihv_verdict("close all", closed);
	minihv_verdict("a closed one is refused",
		       files_close(0) == -1 && files_read(0, &byte, 1) == -1 &&
			       files_write(0, "x", 1) == -1);
	minihv_verdict("none such is refused",
		       files_close(MINIHV_FILES_MAX) == -1 &&
			       files_read(200, &byte, 1) == -1 &&
			       files_write(255, "x", 1) == -1);
	return 0;
}
