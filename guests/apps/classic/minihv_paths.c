/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_paths.c - a guest's paths stay inside its directory, and a refused
 * one leaves the port ready for the next request.
 *
 * mini-hypervisor. stdout: a line "...: SUCCESS" for each refusal.
 */
#include "guests/apps/classic/lib/minihv.h"

#include "guests/apps/classic/lib/print.h"
#include "guests/runtime/runtime.h"

static const char good_path[] = "inside.txt";

void put_char(char c)
{
	minihv_put(c);
}

static void refused(const char *name, const char *path, uint8_t len)
{
	int good = files_open_len(path, len, FILES_READ) == -1 &&
		   files_open_len(path, len, FILES_WRITE) == -1;
	int handle = files_open(good_path, FILES_READ);

	minihv_verdict(name, good && handle == 0 && !files_close(handle));
}

static void refused_text(const char *path)
{
	refused(path, path, (uint8_t)strlen(path));
}

int main(void)
{
	static char long_path[FILES_PATH_REFUSED];

	minihv_verdict("inside", !files_append(good_path, "inside\n"));
	refused_text("..");
	refused_text("../outside.txt");
	refused_text("here/../../outside.txt");
	refused_text("/etc/passwd");
	refused_text("/");
	refused_text(".");
	refused("a byte 0 within", "in\0side.txt", 11);
	refused("length 0", "", 0);
	/* Letters: in an older monitor these bytes are no requests either. */
	memset(long_path, 'x', sizeof(long_path));
	refused("length 255", long_path, FILES_PATH_REFUSED);
	return 0;
}
