/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_protocol.c - requests that make no sense get -1, counts of 0 and long
 * ones are counts like others, and a result is read once.
 *
 * mini-hypervisor. stdout: a line "...: SUCCESS" for each rule.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/ports.h"
#include "guests/runtime/runtime.h"

static const char path[] = "protocol.txt";

#define LONG_LEN 200

static char sent[LONG_LEN], got[LONG_LEN + 54];

void put_char(char c)
{
	minihv_put(c);
}

static void long_counts(void)
{
	int writer = files_open(path, FILES_WRITE), reader;

	for (int i = 0; i < LONG_LEN; i++)
		sent[i] = (char)('a' + i % 26);
	minihv_verdict("write 200 bytes",
		       files_write(writer, sent, LONG_LEN) == LONG_LEN);
	minihv_verdict("write 0 bytes", files_write(writer, sent, 0) == 0);
	minihv_verdict("no reading of a file for writing",
		       files_read(writer, got, 1) == -1);
	files_close(writer);

	reader = files_open(path, FILES_READ);
	minihv_verdict("no writing of a file for reading",
		       files_write(reader, "x", 1) == -1);
	minihv_verdict("a read of 0 is refused",
		       files_read(reader, got, 0) == -1);
	minihv_verdict("read 200 bytes",
		       files_read(reader, got, LONG_LEN) == LONG_LEN &&
			       !memcmp(got, sent, LONG_LEN));
	/* A file kept from an earlier run is longer. */
	while (files_read(reader, got, LONG_LEN) > 0)
		;
	minihv_verdict("0 at the end", files_read(reader, got, 10) == 0);
	files_close(reader);
}

int main(void)
{
	minihv_verdict("nothing asked, 0 answered",
		       port_in8(MINIHV_FILES) == 0);
	minihv_verdict("no such requests", files_nonsense(0) == -1 &&
						   files_nonsense(5) == -1 &&
						   files_nonsense(255) == -1);
	minihv_verdict("a result is read once",
		       files_nonsense(9) == -1 && port_in8(MINIHV_FILES) == 0);
	minihv_verdict("no such flags", files_open(path, 2) == -1);
	long_counts();
	return 0;
}
