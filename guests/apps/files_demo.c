/* SPDX-License-Identifier: MIT */
/*
 * files_demo.c - changes one thing in the share named "papers", and shows what
 * it sees there.
 *
 * usage: edit FILE | delete FILE | rename FROM TO
 *
 * Started again it finds its change done, and only looks.
 */
#include "guests/driver/files.h"
#include "guests/runtime/runtime.h"

#define SHARE	  "papers"
#define SHOWN_LEN 256

static struct files files;

static int complain(const char *what, const char *name, int err)
{
	printf("%s %s: error %d\n", what, name, -err);
	return 1;
}

/* A file's text on one line. */
static int show_file(const char *name)
{
	char text[SHOWN_LEN];
	int64_t len;
	int fd = files_open(&files, name, P9_OPEN_RDONLY, 0);

	if (fd < 0)
		return complain("open", name, fd);
	len = files_read(&files, fd, text, sizeof(text) - 1);
	(void)files_close(&files, fd);
	if (len < 0)
		return complain("read", name, (int)len);
	for (int64_t i = 0; i < len; i++)
		if (text[i] == '\n')
			text[i] = i + 1 < len ? '/' : '\0';
	text[len] = '\0';
	printf("  %-14s %s\n", name, text);
	return 0;
}

static int show_all(const char *when)
{
	static struct files_entry entry;
	int ret, fd = files_open(&files, "/", P9_OPEN_DIRECTORY, 0);

	if (fd < 0)
		return complain("open", "/", fd);
	printf("%s:\n", when);
	while ((ret = files_readdir(&files, fd, &entry)) == 1)
		if (entry.type == P9_QID_FILE && show_file(entry.name))
			break;
	(void)files_close(&files, fd);
	return ret ? 1 : 0;
}

/* The first line in capitals. 0, or an error; *done: it was already. */
static int edit(const char *name, bool *done)
{
	char text[SHOWN_LEN];
	int64_t len, at;
	int fd = files_open(&files, name, P9_OPEN_RDWR, 0);

	if (fd < 0)
		return fd;
	*done = true;
	len = files_pread(&files, fd, text, sizeof(text), 0);
	for (at = 0; at < len && text[at] != '\n'; at++)
		if (text[at] >= 'a' && text[at] <= 'z') {
			text[at] -= 'a' - 'A';
			*done = false;
		}
	if (!*done)
		len = files_pwrite(&files, fd, text, (uint64_t)at, 0);
	(void)files_close(&files, fd);
	return len < 0 ? (int)len : 0;
}

static int change(int argc, char **argv, bool *done)
{
	int err = -P9_EINVAL;

	if (argc == 3 && strcmp(argv[1], "edit") == 0)
		return edit(argv[2], done);
	if (argc == 3 && strcmp(argv[1], "delete") == 0)
		err = files_unlink(&files, argv[2]);
	else if (argc == 4 && strcmp(argv[1], "rename") == 0)
		err = files_rename(&files, argv[2], argv[3]);
	*done = err == -P9_ENOENT;
	return *done ? 0 : err;
}

int app_main(int argc, char **argv)
{
	bool done = false;
	int err = files_mount(&files, SHARE);

	if (err) {
		printf("no share named %s: error %d; a lab file gives a VM one "
		       "by [share %s] and shares = %s\n",
		       SHARE, -err, SHARE, SHARE);
		return 1;
	}
	vm_counters(&files.client.virtio.counters);
	if (show_all("it sees"))
		return 1;
	err = change(argc, argv, &done);
	if (err)
		return complain("change", argc > 1 ? argv[1] : "what?", err);
	if (done)
		return 0;
	return show_all("and after its change");
}
