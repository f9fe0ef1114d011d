/* SPDX-License-Identifier: MIT */
/*
 * files.c - every call of guests/driver/files.h on a share named "data", which
 * holds: hello ("hello from the host\n"), deep/er/file ("x"), big (BIG_LEN
 * bytes, each the low byte of its number / 256). With the argument "ro" all
 * changes have to fail.
 */
#include "guests/driver/files.h"
#include "guests/runtime/runtime.h"
#include "tests/guest/check.h"

#define BIG_LEN (3u << 20)

static struct files files;
static uint8_t buf[BIG_LEN + 1];

static void big_fill(void)
{
	for (uint32_t i = 0; i < BIG_LEN; i++)
		buf[i] = (uint8_t)(i >> 8);
}

static bool big_same(void)
{
	for (uint32_t i = 0; i < BIG_LEN; i++)
		if (buf[i] != (uint8_t)(i >> 8))
			return false;
	return true;
}

static int64_t read_all(const char *path, void *to, uint64_t len)
{
	int fd = files_open(&files, path, P9_OPEN_RDONLY, 0);
	int64_t n;

	if (fd < 0)
		return fd;
	n = files_read(&files, fd, to, len);
	check_equal((uint64_t)files_close(&files, fd), 0, "close");
	return n;
}

static int write_all(const char *path, const char *text)
{
	int fd = files_create(&files, path, 0644);
	int64_t n;

	if (fd < 0)
		return fd;
	n = files_write(&files, fd, text, strlen(text));
	(void)files_close(&files, fd);
	return n == (int64_t)strlen(text) ? 0 : -1;
}

static bool holds(const char *path, const char *text)
{
	char got[64];
	int64_t n = read_all(path, got, sizeof(got));

	return n == (int64_t)strlen(text) && !memcmp(got, text, (size_t)n);
}

static void reads(void)
{
	struct files_stat stat = { 0 };
	char byte;
	int fd;

	check(holds("hello", "hello from the host\n"), "a file reads");
	check(holds("/deep//er/./file", "x"), "a path with slashes reads");
	check(holds("deep/../../hello", "hello from the host\n"),
	      "nothing is above the root");
	check_equal((uint64_t)files_open(&files, "none", P9_OPEN_RDONLY, 0),
		    (uint64_t)-P9_ENOENT, "a missing file is ENOENT");
	check_equal((uint64_t)files_open(&files, "none/x", P9_OPEN_RDONLY, 0),
		    (uint64_t)-P9_ENOENT, "a missing directory is ENOENT");
	check(files_open(&files, "hello/x", P9_OPEN_RDONLY, 0) < 0,
	      "a file is no directory");
	check_equal((uint64_t)files_stat(&files, "big", &stat), 0, "stat");
	check_equal(stat.size, BIG_LEN, "stat tells the size");
	check_equal(stat.mode & 0170000, 0100000, "stat tells the type");
	fd = files_open(&files, "hello", P9_OPEN_RDONLY, 0);
	check(fd >= 0, "open");
	check_equal((uint64_t)files_pread(&files, fd, &byte, 1, 6), 1, "pread");
	check(byte == 'f', "pread reads where it is told");
	check_equal((uint64_t)files_pread(&files, fd, &byte, 1, 1000), 0,
		    "behind the end there is nothing");
	check_equal((uint64_t)files_close(&files, fd), 0, "close");
	check_equal((uint64_t)files_close(&files, fd), (uint64_t)-P9_EBADF,
		    "a closed file is EBADF");
	check_equal((uint64_t)files_read(&files, fd, &byte, 1),
		    (uint64_t)-P9_EBADF, "and cannot be read");
}

/* Pieces under way together, ending in any order. */
static void big_reads(void)
{
	static const uint32_t depths[] = { 1, 3, VIRTIO_9P_SLOTS };

	for (uint32_t i = 0; i < 3; i++) {
		uint64_t begin;

		memset(buf, 0xee, sizeof(buf));
		files.depth = depths[i];
		files.io_len = 64u << 10;
		begin = now_ns();
		check_equal((uint64_t)read_all("big", buf, sizeof(buf)),
			    BIG_LEN, "a big file reads whole");
		printf("# %u under way: %llu us\n", depths[i],
		       (unsigned long long)(now_ns() - begin) / 1000);
		check(big_same(), "and has the right bytes");
		check(buf[BIG_LEN] == 0xee, "and not one more");
	}
}

static void lists(void)
{
	static struct files_entry entry;
	int fd = files_open(&files, "/", P9_OPEN_RDONLY | P9_OPEN_DIRECTORY, 0);
	uint32_t seen = 0, ret;

	check(fd >= 0, "the root opens");
	while ((ret = (uint32_t)files_readdir(&files, fd, &entry)) == 1) {
		seen += strcmp(entry.name, "hello") == 0 ? 1 : 0;
		seen += strcmp(entry.name, "deep") == 0 &&
					entry.type == P9_QID_DIR
				? 0x100
				: 0;
		seen += strcmp(entry.name, "big") == 0 ? 0x10000 : 0;
	}
	check_equal(ret, 0, "readdir ends");
	check_equal(seen, 0x10101, "readdir tells each name once");
	(void)files_close(&files, fd);
}

static void changes(void)
{
	struct files_stat stat;
	int fd;

	check(!write_all("new", "made here"), "a file is made");
	check(holds("new", "made here"), "and holds what was written");
	check(!files_mkdir(&files, "dir", 0755), "mkdir");
	check_equal((uint64_t)files_mkdir(&files, "dir", 0755),
		    (uint64_t)-P9_EEXIST, "mkdir of what is there");
	check(!files_rename(&files, "new", "dir/moved"), "rename");
	check(holds("dir/moved", "made here"), "the file is where it went");
	check_equal((uint64_t)files_stat(&files, "new", &stat),
		    (uint64_t)-P9_ENOENT, "and no longer where it was");
	check_equal((uint64_t)files_rmdir(&files, "dir"),
		    (uint64_t)-P9_ENOTEMPTY, "rmdir of a full directory");
	check(!files_unlink(&files, "dir/moved"), "unlink");
	check(!files_rmdir(&files, "dir"), "rmdir");

	fd = files_open(&files, "hello", P9_OPEN_RDWR, 0);
	check(fd >= 0, "the host's file opens for writing");
	check_equal((uint64_t)files_pwrite(&files, fd, "HELLO", 5, 0), 5,
		    "pwrite");
	(void)files_close(&files, fd);
	check(holds("hello", "HELLO from the host\n"), "it is changed for us");

	big_fill();
	fd = files_create(&files, "copy", 0600);
	check_equal((uint64_t)files_write(&files, fd, buf, BIG_LEN), BIG_LEN,
		    "a big file is written");
	(void)files_close(&files, fd);
	memset(buf, 0, sizeof(buf));
	check_equal((uint64_t)read_all("copy", buf, sizeof(buf)), BIG_LEN,
		    "and read back");
	check(big_same(), "byte for byte");
	check(!files_unlink(&files, "copy"), "and removed");
	check(!files_unlink(&files, "deep/er/file"),
	      "a host's file is removed");
	check_equal((uint64_t)files_stat(&files, "deep/er/file", &stat),
		    (uint64_t)-P9_ENOENT, "and gone");
}

static void refusals(void)
{
	const uint64_t erofs = (uint64_t)-P9_EROFS;

	check_equal((uint64_t)files_open(&files, "hello", P9_OPEN_RDWR, 0),
		    erofs, "open for writing is EROFS");
	check_equal((uint64_t)files_create(&files, "new", 0644), erofs,
		    "create is EROFS");
	check_equal((uint64_t)files_mkdir(&files, "dir", 0755), erofs,
		    "mkdir is EROFS");
	check_equal((uint64_t)files_unlink(&files, "hello"), erofs,
		    "unlink is EROFS");
	check_equal((uint64_t)files_rename(&files, "hello", "x"), erofs,
		    "rename is EROFS");
}

int app_main(int argc, char **argv)
{
	const struct bare_counters *counters = &files.client.virtio.counters;

	check_equal((uint64_t)files_mount(&files, "none"), (uint64_t)-P9_ENOENT,
		    "a share there is not is ENOENT");
	if (files_mount(&files, "data")) {
		check(false, "the share is found");
		return 1;
	}
	vm_counters(&files.client.virtio.counters);
	reads();
	big_reads();
	lists();
	if (argc > 1 && strcmp(argv[1], "ro") == 0)
		refusals();
	else
		changes();
	printf("# %llu doorbells, %llu interrupts\n",
	       (unsigned long long)counters->doorbells,
	       (unsigned long long)counters->interrupts);
	/* A second life: nothing of the first is left. */
	virtio_9p_close(&files.client.virtio);
	check(!files_mount(&files, "data"), "it is found again after a reset");
	check(holds("deep/er/file", "x") || argc == 1, "and reads");
	return (int)checks_failed;
}
