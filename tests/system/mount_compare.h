/* SPDX-License-Identifier: MIT */
/* mount_compare.h - is a tree on a mount the same as a plain one? */
#ifndef TESTS_SYSTEM_MOUNT_COMPARE_H
#define TESTS_SYSTEM_MOUNT_COMPARE_H

#include <dirent.h>

#include "tests/stress/share_oracle.h"
#include "tests/system/mount_random.h"

#define DEPTH_MAX 8

enum {
	MOUNT,
	PLAIN,
	SIDES
};

struct world {
	struct random random;
	bool copies, xattrs, read_only, plain;
	uint64_t compare_each;
	int root_fd[SIDES];
};

static inline void compare_bytes(struct world *world, const int dir_fd[SIDES],
				 const char *name)
{
	char bytes[SIDES][16384];
	ssize_t n[SIDES];

	for (int side = 0; side < SIDES; side++) {
		int fd = openat(dir_fd[side], name, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			random_fail(&world->random, name, -errno, 0);
		n[side] = read(fd, bytes[side], sizeof(bytes[side]));
		close(fd);
	}
	random_same(&world->random, "bytes read", n[MOUNT], n[PLAIN]);
	random_same(&world->random, "bytes",
		    n[MOUNT] > 0 ? memcmp(bytes[MOUNT], bytes[PLAIN],
					  (size_t)n[MOUNT])
				 : 0,
		    0);
}

static inline void compare_link(struct world *world, const int dir_fd[SIDES],
				const char *name)
{
	char targets[SIDES][64] = { "", "" };
	ssize_t n[SIDES];

	for (int side = 0; side < SIDES; side++)
		n[side] = readlinkat(dir_fd[side], name, targets[side],
				     sizeof(targets[side]));
	random_same(&world->random, "readlink", n[MOUNT], n[PLAIN]);
	random_same(&world->random, "target",
		    strncmp(targets[MOUNT], targets[PLAIN], 64), 0);
}

static inline void compare_attributes(struct world *world,
				      const struct stat st[SIDES])
{
	const struct stat *a = &st[MOUNT], *b = &st[PLAIN];
	struct random *random = &world->random;

	random_same(random, "mode", a->st_mode, b->st_mode);
	/* Those of a moment ago are each side's own. */
	if (b->st_mtim.tv_sec < 1000000000) {
		random_same(random, "mtime", a->st_mtim.tv_sec,
			    b->st_mtim.tv_sec);
		random_same(random, "mtime", a->st_mtim.tv_nsec,
			    b->st_mtim.tv_nsec);
	}
	if (world->xattrs && !S_ISLNK(b->st_mode)) {
		random_same(random, "uid", a->st_uid, b->st_uid);
		random_same(random, "gid", a->st_gid, b->st_gid);
	}
	if (S_ISDIR(b->st_mode))
		return;
	random_same(random, "nlink", (int64_t)a->st_nlink,
		    (int64_t)b->st_nlink);
	random_same(random, "size", a->st_size, b->st_size);
	random_same(random, "rdev", (int64_t)a->st_rdev, (int64_t)b->st_rdev);
}

/* Names on one side; each must be on the other. */
static inline uint64_t count(struct world *world, int dir_fd)
{
	DIR *dir = fdopendir(openat(dir_fd, ".", O_RDONLY | O_CLOEXEC));
	uint64_t nr = 0;

	if (!dir)
		random_fail(&world->random, "opendir", -errno, 0);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static inline void compare_trees(struct world *world, const int dir_fd[SIDES],
				 int depth);

static inline void compare_entry(struct world *world, const int dir_fd[SIDES],
				 const struct dirent *entry, int depth)
{
	struct oracle_name at[SIDES];
	struct stat st[SIDES];
	int fd[SIDES];

	random_tell(&world->random, "compare %s", entry->d_name);
	for (int side = 0; side < SIDES; side++) {
		at[side] = (struct oracle_name){ dir_fd[side], entry->d_name };
		random_same(&world->random, "stat",
			    oracle_stat(&at[side], &st[side]), 0);
	}
	compare_attributes(world, st);
	random_same(&world->random, "type in readdir", entry->d_type,
		    IFTODT(st[PLAIN].st_mode));
	if (S_ISREG(st[PLAIN].st_mode))
		compare_bytes(world, dir_fd, entry->d_name);
	else if (S_ISLNK(st[PLAIN].st_mode))
		compare_link(world, dir_fd, entry->d_name);
	if (!S_ISDIR(st[PLAIN].st_mode) || depth == DEPTH_MAX)
		return;
	for (int side = 0; side < SIDES; side++) {
		fd[side] = oracle_object(&at[side]);
		random_same(&world->random, "open", fd[side] >= 0, 1);
	}
	compare_trees(world, fd, depth + 1);
	for (int side = 0; side < SIDES; side++)
		close(fd[side]);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static inline void compare_trees(struct world *world, const int dir_fd[SIDES],
				 int depth)
{
	DIR *dir = fdopendir(openat(dir_fd[MOUNT], ".", O_RDONLY | O_CLOEXEC));
	struct dirent *entry;
	uint64_t nr = 0;

	if (!dir)
		random_fail(&world->random, "opendir", -errno, 0);
	while ((entry = readdir(dir))) {
		nr++;
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			compare_entry(world, dir_fd, entry, depth);
	}
	closedir(dir);
	random_same(&world->random, "entries", (int64_t)nr,
		    (int64_t)count(world, dir_fd[PLAIN]));
}

#endif
