/* SPDX-License-Identifier: MIT */
/* share_compare.h - is the whole tree of a share the same as a plain one? */
#ifndef TESTS_STRESS_SHARE_COMPARE_H
#define TESTS_STRESS_SHARE_COMPARE_H

#include "tests/stress/share_random.h"

static inline void world_compare_content(struct world *world,
					 struct share_node *node, int fd,
					 uint64_t size)
{
	char ours[8192], theirs[8192];
	struct share_file *file = NULL;
	uint64_t off = 0;

	world_same(world, "open", share_open(node, O_RDONLY, &file), 0);
	while (off < size) {
		int64_t n = share_read(file, ours, sizeof(ours), off);

		world_same(world, "read", n,
			   pread(fd, theirs, sizeof(theirs), (off_t)off));
		world_same(world, "bytes",
			   n <= 0 || memcmp(ours, theirs, (size_t)n) != 0, 0);
		off += (uint64_t)n;
	}
	share_file_close(file);
}

static inline void world_compare_object(struct world *world,
					struct share_node *node,
					const struct oracle_name *at)
{
	char ours[256] = "", theirs[256] = "";
	struct share_attr attr = { 0 };
	struct stat st = { 0 };
	int fd;

	world_same(world, "getattr", share_getattr(node, &attr), 0);
	world_same(world, "stat", oracle_stat(at, &st), 0);
	world_same(world, "mode", attr.mode, st.st_mode);
	if (st.st_mtim.tv_sec < 1000000000) {
		world_same(world, "mtime", attr.mtime.tv_sec,
			   st.st_mtim.tv_sec);
		world_same(world, "mtime", attr.mtime.tv_nsec,
			   st.st_mtim.tv_nsec);
	}
	for (const char *name = "user.one"; name;
	     name = strcmp(name, "user.two") != 0 ? "user.two" : NULL) {
		world_same(world, name,
			   share_getxattr(node, name, ours, sizeof(ours)),
			   oracle_getxattr(at, name, theirs, sizeof(theirs)));
		world_same(world, name, strcmp(ours, theirs), 0);
	}
	if (S_ISDIR(st.st_mode))
		return;
	world_same(world, "nlink", (int64_t)attr.nlink, (int64_t)st.st_nlink);
	world_same(world, "size", (int64_t)attr.size, st.st_size);
	if (S_ISLNK(st.st_mode)) {
		world_same(world, "readlink",
			   share_readlink(node, ours, sizeof(ours)),
			   readlinkat(at->dir_fd, at->name, theirs,
				      sizeof(theirs)));
		world_same(world, "target", memcmp(ours, theirs, 256), 0);
	}
	if (!S_ISREG(st.st_mode))
		return;
	fd = openat(at->dir_fd, at->name, O_RDONLY | O_CLOEXEC);
	TREE_CHECK(fd >= 0);
	world_compare_content(world, node, fd, attr.size);
	close(fd);
}

static inline void world_compare_dir(struct world *world,
				     struct share_node *dir, int dir_fd);

static inline void world_compare_entry(struct world *world,
				       struct share_node *dir, int dir_fd,
				       const struct share_dirent *entry)
{
	struct oracle_name at = { dir_fd, entry->name };
	struct share_node *node = NULL;
	struct stat st = { 0 };
	struct share_id id;

	(void)snprintf(world->op, sizeof(world->op), "compare %s", entry->name);
	world_same(world, "walk",
		   share_walk(dir, entry->name, entry->name_len, &node), 0);
	world_same(world, "is there", oracle_stat(&at, &st), 0);
	world_same(world, "type in readdir", entry->type, IFTODT(st.st_mode));
	world_same(world, "id", share_id(node, &id), 0);
	world_same(world, "id in readdir", (int64_t)entry->id.path,
		   (int64_t)id.path);
	world_compare_object(world, node, &at);
	if (S_ISDIR(st.st_mode)) {
		int fd = oracle_object(&at);

		TREE_CHECK(fd >= 0);
		world_compare_dir(world, node, fd);
		close(fd);
	}
	share_node_put(node);
}

static inline void world_compare_dir(struct world *world,
				     struct share_node *dir, int dir_fd)
{
	struct share_dirent entry;
	struct share_file *file = NULL;
	uint64_t off = 0, entries = 0, wanted = 0;
	DIR *list;
	int got;

	world_same(world, "open", share_open(dir, O_RDONLY, &file), 0);
	while ((got = share_readdir(file, off, &entry)) == 1) {
		off = entry.next_off;
		entries++;
		if (strcmp(entry.name, ".") != 0 &&
		    strcmp(entry.name, "..") != 0)
			world_compare_entry(world, dir, dir_fd, &entry);
	}
	world_same(world, "end of readdir", got, 0);
	share_file_close(file);
	list = fdopendir(openat(dir_fd, ".", O_RDONLY | O_CLOEXEC));
	TREE_CHECK(list);
	while (readdir(list))
		wanted++;
	closedir(list);
	world_same(world, "entries", (int64_t)entries, (int64_t)wanted);
}

static inline void world_compare(struct world *world)
{
	world_compare_dir(world, world->root, world->oracle_fd);
}

#endif
