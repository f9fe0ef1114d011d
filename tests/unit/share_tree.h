/* SPDX-License-Identifier: MIT */
/*
 * share_tree.h - directories for the tests of shares: made, filled, hashed
 * and removed with plain system calls. What fails here ends the program.
 */
#ifndef TESTS_UNIT_SHARE_TREE_H
#define TESTS_UNIT_SHARE_TREE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TREE_CHECK(what)                                                       \
	do {                                                                   \
		if (!(what)) {                                                 \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, \
				#what, strerror(errno));                       \
			abort();                                               \
		}                                                              \
	} while (0)

struct tree_path {
	char text[512];
};

static inline struct tree_path tree_path(const char *dir, const char *name)
{
	struct tree_path path;
	int len = snprintf(path.text, sizeof(path.text), "%s/%s", dir, name);

	TREE_CHECK(len > 0 && (size_t)len < sizeof(path.text));
	return path;
}

/* A new directory of its own; the caller removes it. */
static inline struct tree_path tree_make(void)
{
	const char *tmp = getenv("TMPDIR");
	struct tree_path path;

	(void)snprintf(path.text, sizeof(path.text), "%.200s/ivlab-XXXXXX",
		       tmp ? tmp : "/tmp");
	TREE_CHECK(mkdtemp(path.text));
	return path;
}

static inline int tree_remove_one(const char *path, const struct stat *st,
				  int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int tree_open_up(const char *path, const struct stat *st,
			       int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return type == FTW_D || type == FTW_DNR ? chmod(path, 0700) : 0;
}

static inline void tree_remove(const char *path)
{
	if (access(path, F_OK) < 0)
		return;
	TREE_CHECK(nftw(path, tree_open_up, 16, FTW_PHYS) == 0);
	TREE_CHECK(nftw(path, tree_remove_one, 16, FTW_PHYS | FTW_DEPTH) == 0);
}

static inline void tree_mkdir(const char *dir, const char *name)
{
	TREE_CHECK(mkdir(tree_path(dir, name).text, 0755) == 0);
}

static inline void tree_file(const char *dir, const char *name,
			     const char *text)
{
	int fd = open(tree_path(dir, name).text,
		      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t len = strlen(text);

	TREE_CHECK(fd >= 0);
	TREE_CHECK(write(fd, text, len) == (ssize_t)len);
	TREE_CHECK(close(fd) == 0);
}

static inline void tree_symlink(const char *dir, const char *name,
				const char *target)
{
	TREE_CHECK(symlink(target, tree_path(dir, name).text) == 0);
}

/* An old time, so that any change shows. */
static inline void tree_age(const char *dir, const char *name, time_t sec)
{
	struct timespec times[2] = { { .tv_sec = sec, .tv_nsec = 123456789 },
				     { .tv_sec = sec, .tv_nsec = 987654321 } };

	TREE_CHECK(utimensat(AT_FDCWD, tree_path(dir, name).text, times,
			     AT_SYMLINK_NOFOLLOW) == 0);
}

/* --- one number for all that is below a directory ---------------------------
 */

static inline uint64_t tree_mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

static inline uint64_t tree_hash_xattrs(const char *path, uint64_t hash)
{
	char names[4096], value[4096];
	ssize_t len = llistxattr(path, names, sizeof(names));

	for (const char *name = names; len > 0 && name < names + len;
	     name += strlen(name) + 1) {
		ssize_t got = lgetxattr(path, name, value, sizeof(value));

		hash = tree_mix(hash, name, strlen(name));
		hash = tree_mix(hash, value, got > 0 ? (size_t)got : 0);
	}
	return hash;
}

static inline uint64_t tree_hash_content(const char *path, uint32_t mode,
					 uint64_t hash)
{
	char buf[65536];
	ssize_t len;
	int fd;

	if (S_ISLNK(mode)) {
		len = readlink(path, buf, sizeof(buf));
		return tree_mix(hash, buf, len > 0 ? (size_t)len : 0);
	}
	if (!S_ISREG(mode))
		return hash;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	TREE_CHECK(fd >= 0);
	while ((len = read(fd, buf, sizeof(buf))) > 0)
		hash = tree_mix(hash, buf, (size_t)len);
	close(fd);
	return hash;
}

/* Names, types, modes, owners, links, sizes, times of change, attributes and
 * contents; not access times. */
static inline uint64_t tree_hash(const char *path)
{
	struct dirent **entries = NULL;
	uint64_t hash = 0xcbf29ce484222325ull;
	struct stat st;
	int nr;

	TREE_CHECK(lstat(path, &st) == 0);
	hash = tree_mix(hash, &st.st_mode, sizeof(st.st_mode));
	hash = tree_mix(hash, &st.st_ino, sizeof(st.st_ino));
	hash = tree_mix(hash, &st.st_nlink, sizeof(st.st_nlink));
	hash = tree_mix(hash, &st.st_uid, sizeof(st.st_uid));
	hash = tree_mix(hash, &st.st_size, sizeof(st.st_size));
	hash = tree_mix(hash, &st.st_mtim, sizeof(st.st_mtim));
	hash = tree_mix(hash, &st.st_ctim, sizeof(st.st_ctim));
	hash = tree_hash_xattrs(path, hash);
	hash = tree_hash_content(path, st.st_mode, hash);
	if (!S_ISDIR(st.st_mode))
		return hash;
	nr = scandir(path, &entries, NULL, alphasort);
	TREE_CHECK(nr >= 0);
	for (int i = 0; i < nr; i++) {
		const char *name = entries[i]->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			uint64_t below = tree_hash(tree_path(path, name).text);

			hash = tree_mix(hash, name, strlen(name));
			hash = tree_mix(hash, &below, sizeof(below));
		}
		free(entries[i]);
	}
	free(entries);
	return hash;
}

/* What is mounted from now on goes with this process. NULL, or what is missing
 * for it. */
static inline const char *tree_own_mounts(void)
{
	if (geteuid() != 0)
		return "only root may mount";
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return "no mounts of one's own here";
	return NULL;
}

#endif
