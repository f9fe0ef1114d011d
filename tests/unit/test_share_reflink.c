/* SPDX-License-Identifier: MIT */
/*
 * test_share_reflink.c - the first write to a large file where the file
 * system can share extents: what does it cost beside that to a small one?
 *
 * On a btrfs and an xfs in an image, mounted where only this process sees it:
 * the kernel takes mount and loop device down with it, however it ends.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "tests/unit/p9_server_room.h"

#define SMALL_LEN   (1ull << 20)
#define LARGE_LEN   (1ull << 30)
#define IMAGE_LEN   (3ull << 30)
#define SLACK_LEN   (1ull << 20) /* what it may do of its own accord */
#define EXTENTS_MAX 4096u

static struct tree_path outside;

/* --- a file system of our own --------------------------------------------- */

static bool shell(const char *format, const char *a, const char *b)
{
	char line[1200];

	(void)snprintf(line, sizeof(line), format, a, b);
	return system(line) == 0;
}

static bool has_room(const char *dir)
{
	struct statvfs fs;

	return statvfs(dir, &fs) == 0 &&
	       fs.f_bavail * fs.f_frsize > IMAGE_LEN + (256ull << 20);
}

/* NULL: it is mounted, and TMPDIR is in it; else what is missing. */
static const char *mount_image(const char *mkfs)
{
	struct tree_path image = tree_path(outside.text, "image");
	struct tree_path at = tree_path(outside.text, "at");
	int fd;

	if (!has_room(outside.text))
		return "less than 3 GiB free where temporary files go";
	fd = open(image.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	TREE_CHECK(fd >= 0 && ftruncate(fd, IMAGE_LEN) == 0 && !close(fd));
	tree_mkdir(outside.text, "at");
	if (!shell("PATH=$PATH:/usr/sbin:/sbin; %s '%s' >/dev/null 2>&1", mkfs,
		   image.text))
		return "no mkfs for it (btrfs-progs, xfsprogs)";
	if (!shell("mount -o loop '%s' '%s' 2>/dev/null", image.text, at.text))
		return "this kernel has no loop devices or not the file system";
	TREE_CHECK(setenv("TMPDIR", at.text, 1) == 0);
	return NULL;
}

static bool enter(const char *mkfs)
{
	const char *missing = tree_own_mounts();

	outside = tree_make();
	if (!missing)
		missing = mount_image(mkfs);
	if (missing) {
		unit_skip(missing);
		tree_remove(outside.text);
	}
	return !missing;
}

static void leave(void)
{
	CU_ASSERT_EQUAL(umount(tree_path(outside.text, "at").text), 0);
	TREE_CHECK(unsetenv("TMPDIR") == 0);
	tree_remove(outside.text);
}

/* --- figures -------------------------------------------------------------- */

struct cost {
	uint64_t new_len;    /* bytes that are allocated now and were not */
	uint64_t shared_len; /* of the copy */
	unsigned int extents_nr;
	double us; /* for the reader: nothing hangs on it */
};

static uint64_t free_len(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs = { 0 };

	CU_ASSERT_EQUAL(syncfs(fd), 0);
	CU_ASSERT_EQUAL(fstatfs(fd, &fs), 0);
	close(fd);
	return fs.f_bfree * (uint64_t)fs.f_bsize;
}

static void look_at_extents(const char *path, struct cost *cost)
{
	struct fiemap *map = calloc(
		1, sizeof(*map) + EXTENTS_MAX * sizeof(*map->fm_extents));
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(map && fd >= 0);
	map->fm_length = FIEMAP_MAX_OFFSET;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = EXTENTS_MAX;
	CU_ASSERT_EQUAL(ioctl(fd, FS_IOC_FIEMAP, map), 0);
	cost->extents_nr = map->fm_mapped_extents;
	for (unsigned int i = 0; i < map->fm_mapped_extents; i++)
		if (map->fm_extents[i].fe_flags & FIEMAP_EXTENT_SHARED)
			cost->shared_len += map->fm_extents[i].fe_length;
	close(fd);
	free(map);
}

static void fill(const char *path, uint64_t len)
{
	static char block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	memset(block, 'x', sizeof(block));
	for (uint64_t off = 0; off < len; off += sizeof(block))
		TREE_CHECK(pwrite(fd, block, sizeof(block), (off_t)off) ==
			   (ssize_t)sizeof(block));
	TREE_CHECK(fsync(fd) == 0 && close(fd) == 0);
}

/* --- the first write, as a client asks for it ----------------------------- */

static struct server_room s;
static unsigned int asked_nr; /* whether a copy shall go on */

static bool copying(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)done;
	(void)total;
	asked_nr++;
	return false;
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct cost first_write(uint32_t fid, const char *name, uint64_t len)
{
	uint64_t before = free_len(s.room.dir.text), after;
	struct cost cost = { 0 };
	double start = now_us();

	CU_ASSERT_EQUAL(ask_walk(&s, 0, fid, name), 0);
	/* Not one operation at the files: each would be held for ever. */
	s.io.holds = true;
	CU_ASSERT_EQUAL(ask_open(&s, fid, P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(s.io.nr, 0);
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_write(&s, fid, len / 2, "!"), 0);
	cost.us = now_us() - start;
	CU_ASSERT_EQUAL(ask_clunk(&s, fid), 0);
	after = free_len(s.room.dir.text);
	cost.new_len = before > after ? before - after : 0;
	look_at_extents(
		tree_path(tree_path(s.room.upper.text, "tree").text, name).text,
		&cost);
	printf("# %s: %u extents, %llu KiB shared, %llu KiB new, %.0f us\n",
	       name, cost.extents_nr,
	       (unsigned long long)(cost.shared_len >> 10),
	       (unsigned long long)(cost.new_len >> 10), cost.us);
	return cost;
}

static void first_writes(const char *mkfs)
{
	struct cost lower = { 0 }, small, large;

	if (!enter(mkfs))
		return;
	server_open_with(
		&s,
		(struct share_opts){ .mode = SHARE_COW, .copying = copying },
		server_limits());
	fill(tree_path(s.room.lower.text, "small").text, SMALL_LEN);
	fill(tree_path(s.room.lower.text, "large").text, LARGE_LEN);
	look_at_extents(tree_path(s.room.lower.text, "large").text, &lower);
	asked_nr = 0;
	small = first_write(1, "small", SMALL_LEN);
	large = first_write(2, "large", LARGE_LEN);
	CU_ASSERT_EQUAL(asked_nr, 0);
	CU_ASSERT_TRUE(small.shared_len < SMALL_LEN);
	CU_ASSERT_TRUE(large.shared_len < LARGE_LEN);
	CU_ASSERT_TRUE(large.shared_len >= LARGE_LEN - SLACK_LEN);
	CU_ASSERT_TRUE(small.new_len <= SLACK_LEN);
	CU_ASSERT_TRUE(large.new_len <= SLACK_LEN);
	/* What was written stands for itself, and has split one in two. */
	CU_ASSERT_TRUE(large.extents_nr <= lower.extents_nr + 4);
	server_close(&s);
	leave();
}

static void first_write_to_a_gib_costs_as_to_a_mib_on_btrfs(void)
{
	first_writes("mkfs.btrfs -q -f");
}

static void first_write_to_a_gib_costs_as_to_a_mib_on_xfs(void)
{
	first_writes("mkfs.xfs -q -f -m reflink=1");
}

static const struct unit_test tests[] = {
	{ "first_write_to_a_gib_costs_as_to_a_mib_on_btrfs",
	  first_write_to_a_gib_costs_as_to_a_mib_on_btrfs },
	{ "first_write_to_a_gib_costs_as_to_a_mib_on_xfs",
	  first_write_to_a_gib_costs_as_to_a_mib_on_xfs },
};

UNIT_MAIN("share_reflink", tests)
