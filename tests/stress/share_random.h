/* SPDX-License-Identifier: MIT */
/*
 * share_random.h - random operations, each on a share and on a plain
 * directory that began as a copy of what the share shows. Any difference ends
 * the program with the seed, the number and the operation.
 */
#ifndef TESTS_STRESS_SHARE_RANDOM_H
#define TESTS_STRESS_SHARE_RANDOM_H

#include <inttypes.h>
#include <stdbool.h>

#include "tests/stress/share_oracle.h"
#include "tests/unit/share_tree.h"
#include "vmm/files/share.h"

#define WORLD_OPEN_MAX 12
#define WORLD_PATH_LEN 64

struct world_file {
	struct share_file *file;
	int fd; /* the oracle's */
	bool is_dir;
};

struct world {
	struct tree_path dir; /* holds lower, upper, oracle */
	struct share *share;
	struct share_node *root;
	int oracle_fd;
	bool alone; /* nothing is compared */
	uint64_t seed, random, op_nr;
	struct world_file open[WORLD_OPEN_MAX];
	char op[300]; /* the last one, for messages */
};

static const struct share_owner world_owner = { SHARE_HOST_ID, SHARE_HOST_ID };

static inline void world_fail(const struct world *world, const char *what,
			      int64_t share, int64_t oracle)
{
	printf("not ok share_random seed %" PRIu64 " operation %" PRIu64
	       ": %s: %s: share %" PRId64 ", local %" PRId64 " (in %s)\n",
	       world->seed, world->op_nr, world->op, what, share, oracle,
	       world->dir.text);
	(void)fflush(stdout);
	abort();
}

static inline void world_same(const struct world *world, const char *what,
			      int64_t share, int64_t oracle)
{
	if (share != oracle && !world->alone)
		world_fail(world, what, share, oracle);
}

static inline uint32_t world_random(struct world *world, uint32_t below)
{
	world->random ^= world->random << 13;
	world->random ^= world->random >> 7;
	world->random ^= world->random << 17;
	return (uint32_t)(world->random >> 20) % below;
}

/* --- what is there at first --------------------------------------------------
 */

static inline void world_fill_dir(const char *dir, int depth, uint32_t *nr)
{
	for (int c = 'a'; c <= 'h'; c++) {
		char name[] = { (char)c, '\0' }, text[64];

		switch ((*nr)++ * 7 % 5) {
		case 0:
		case 1:
			(void)snprintf(text, sizeof(text), "lower file %u",
				       *nr);
			tree_file(dir, name, text);
			break;
		case 2:
			if (depth == 3)
				break;
			tree_mkdir(dir, name);
			world_fill_dir(tree_path(dir, name).text, depth + 1,
				       nr);
			break;
		case 3:
			tree_symlink(dir, name, "../a");
			break;
		default:
			continue;
		}
		if (faccessat(AT_FDCWD, tree_path(dir, name).text, F_OK,
			      AT_SYMLINK_NOFOLLOW) == 0)
			tree_age(dir, name, 900000000 + *nr);
	}
}

static inline void world_fill(const char *dir)
{
	uint32_t nr = 0;

	TREE_CHECK(mkdir(dir, 0755) == 0);
	world_fill_dir(dir, 0, &nr);
}

static inline void world_open_share(struct world *world)
{
	struct tree_path lower = tree_path(world->dir.text, "lower");
	struct tree_path upper = tree_path(world->dir.text, "upper");
	struct share_opts opts = {
		.mode = SHARE_COW,
		.lower = lower.text,
		.upper = upper.text,
		.quota = 1ull << 30,
	};

	world_same(world, "share_create", share_create(&world->share, &opts),
		   0);
	world_same(world, "share_root", share_root(world->share, &world->root),
		   0);
}

static inline void world_close_share(struct world *world)
{
	for (int i = 0; i < WORLD_OPEN_MAX; i++) {
		share_file_close(world->open[i].file);
		if (world->open[i].file)
			close(world->open[i].fd);
		world->open[i] = (struct world_file){ 0 };
	}
	share_node_put(world->root);
	share_destroy(world->share);
	world->root = NULL;
	world->share = NULL;
}

static inline void world_create(struct world *world, uint64_t seed)
{
	*world = (struct world){ .seed = seed, .dir = tree_make() };
	world->random = seed * 0x9e3779b97f4a7c15ull + 1;
	world_fill(tree_path(world->dir.text, "lower").text);
	world_fill(tree_path(world->dir.text, "oracle").text);
	world->oracle_fd = open(tree_path(world->dir.text, "oracle").text,
				O_PATH | O_DIRECTORY | O_CLOEXEC);
	TREE_CHECK(world->oracle_fd >= 0);
	world_open_share(world);
}

static inline void world_destroy(struct world *world)
{
	world_close_share(world);
	close(world->oracle_fd);
	tree_remove(world->dir.text);
}

/* --- names -------------------------------------------------------------------
 */

struct world_name {
	char path[WORLD_PATH_LEN];
	struct share_node *dir; /* or NULL: dir_err */
	int dir_err;
	const char *name;
	struct oracle_name oracle;
};

static inline struct share_node *world_walk_dir(struct world *world, char *path,
						const char **name, int *err)
{
	struct share_node *node = share_node_get(world->root), *next;
	char *slash;

	*name = path;
	*err = 0;
	while ((slash = strchr(*name, '/'))) {
		*err = share_walk(node, *name, (size_t)(slash - *name), &next);
		share_node_put(node);
		if (*err)
			return NULL;
		node = next;
		*name = slash + 1;
	}
	return node;
}

static inline struct world_name *world_pick(struct world *world,
					    struct world_name *at)
{
	uint32_t depth = world_random(world, 3);
	size_t len = 0;

	for (uint32_t i = 0; i <= depth; i++) {
		if (i)
			at->path[len++] = '/';
		at->path[len++] = (char)('a' + world_random(world, 8));
	}
	at->path[len] = '\0';
	at->dir = world_walk_dir(world, at->path, &at->name, &at->dir_err);
	at->oracle = oracle_find(world->oracle_fd, at->path);
	return at;
}

static inline void world_drop(struct world_name *at)
{
	share_node_put(at->dir);
	oracle_done(&at->oracle);
}

static inline int world_object(const struct world_name *at,
			       struct share_node **out)
{
	return at->dir ? share_walk(at->dir, at->name, strlen(at->name), out)
		       : at->dir_err;
}

/* --- operations --------------------------------------------------------------
 */

static inline void world_say(struct world *world, const char *op,
			     const struct world_name *a,
			     const struct world_name *b)
{
	(void)snprintf(world->op, sizeof(world->op), "%s %s %s", op,
		       a ? a->path : "", b ? b->path : "");
}

static inline void op_open(struct world *world)
{
	static const uint32_t flags_of[] = {
		O_RDONLY,
		O_RDONLY,
		O_RDWR,
		O_WRONLY,
		O_RDWR | O_TRUNC,
		O_WRONLY | O_APPEND,
		O_RDWR | O_CREAT,
		O_RDWR | O_CREAT,
		O_RDWR | O_CREAT | O_EXCL,
		O_WRONLY | O_CREAT | O_TRUNC,
		O_RDONLY | O_DIRECTORY,
	};
	uint32_t flags = flags_of[world_random(
		world, sizeof(flags_of) / sizeof(*flags_of))];
	uint32_t mode = 0600 | world_random(world, 0100);
	int slot = (int)world_random(world, WORLD_OPEN_MAX), fd, err;
	struct world_file *open = &world->open[slot];
	struct share_node *node = NULL;
	struct world_name at;

	if (open->file) {
		share_file_close(open->file);
		close(open->fd);
		*open = (struct world_file){ 0 };
	}
	world_say(world, "open", world_pick(world, &at), NULL);
	if (!at.dir)
		err = at.dir_err;
	else if (flags & O_CREAT)
		err = share_create_file(at.dir, at.name, strlen(at.name), flags,
					mode, world_owner, &node, &open->file);
	else
		err = world_object(&at, &node);
	if (!err && !(flags & O_CREAT))
		err = share_open(node, flags, &open->file);
	fd = oracle_open(&at.oracle, (int)flags, mode);
	world_same(world, "result", err, fd < 0 ? fd : 0);
	if (!err || !(flags & O_CREAT))
		share_node_put(node);
	open->fd = fd;
	if (fd >= 0) {
		struct stat st;

		TREE_CHECK(fstat(fd, &st) == 0);
		open->is_dir = S_ISDIR(st.st_mode);
	}
	world_drop(&at);
}

static inline struct world_file *world_pick_file(struct world *world)
{
	struct world_file *open =
		&world->open[world_random(world, WORLD_OPEN_MAX)];

	return open->file && !open->is_dir ? open : NULL;
}

static inline void op_read(struct world *world)
{
	struct world_file *open = world_pick_file(world);
	char ours[4096], theirs[4096];
	uint64_t off = world_random(world, 9000);
	int64_t n;
	ssize_t m;

	if (!open)
		return;
	world_say(world, "read an open file", NULL, NULL);
	n = share_read(open->file, ours, sizeof(ours), off);
	m = pread(open->fd, theirs, sizeof(theirs), (off_t)off);
	world_same(world, "result", n, m < 0 ? -errno : m);
	if (n > 0)
		world_same(world, "bytes", memcmp(ours, theirs, (size_t)n), 0);
}

static inline void op_write(struct world *world)
{
	struct world_file *open = world_pick_file(world);
	uint64_t off = world_random(world, 9000);
	size_t len = 1 + world_random(world, 3000);
	char buf[4096];
	int64_t n;
	ssize_t m;

	if (!open)
		return;
	world_say(world, "write to an open file", NULL, NULL);
	memset(buf, (int)('A' + world_random(world, 26)), sizeof(buf));
	n = share_write(open->file, buf, len, off);
	m = pwrite(open->fd, buf, len, (off_t)off);
	world_same(world, "result", n, m < 0 ? -errno : m);
}

static inline void op_mkdir(struct world *world)
{
	mode_t mode = 0700 | world_random(world, 0100);
	struct world_name at;
	int err, want;

	world_say(world, "mkdir", world_pick(world, &at), NULL);
	if (world_random(world, 4) == 0)
		mode |= S_ISVTX;
	err = at.dir ? share_mkdir(at.dir, at.name, strlen(at.name), mode,
				   world_owner, NULL)
		     : at.dir_err;
	want = at.oracle.dir_fd < 0
		       ? at.oracle.dir_fd
		       : ORACLE(mkdirat(at.oracle.dir_fd, at.name, mode));
	world_same(world, "result", err, want);
	world_drop(&at);
}

static inline void op_mkfifo(struct world *world)
{
	mode_t mode = S_IFIFO | 0600 | world_random(world, 0100);
	struct world_name at;
	int err, want;

	world_say(world, "mkfifo", world_pick(world, &at), NULL);
	err = at.dir ? share_mknod(at.dir, at.name, strlen(at.name), mode, 0, 0,
				   world_owner, NULL)
		     : at.dir_err;
	want = at.oracle.dir_fd < 0
		       ? at.oracle.dir_fd
		       : ORACLE(mknodat(at.oracle.dir_fd, at.name, mode, 0));
	world_same(world, "result", err, want);
	world_drop(&at);
}

static inline void op_unlink(struct world *world)
{
	bool is_dir = world_random(world, 3) == 0;
	struct share_node *node;
	struct world_name at;
	int err, want;

	world_say(world, is_dir ? "rmdir" : "unlink", world_pick(world, &at),
		  NULL);
	if (!at.dir) {
		err = at.dir_err;
	} else if (world_random(world, 4) == 0 && !world_object(&at, &node)) {
		struct share_attr attr;

		world_same(world, "getattr", share_getattr(node, &attr), 0);
		is_dir = S_ISDIR(attr.mode);
		err = share_remove(node);
		share_node_put(node);
	} else {
		err = share_unlink(at.dir, at.name, strlen(at.name), is_dir);
	}
	want = at.oracle.dir_fd < 0
		       ? at.oracle.dir_fd
		       : ORACLE(unlinkat(at.oracle.dir_fd, at.name,
					 is_dir ? AT_REMOVEDIR : 0));
	world_same(world, "result", err, want);
	world_drop(&at);
}

static inline int oracle_rename(const struct world_name *from,
				const struct world_name *to)
{
	if (from->oracle.dir_fd < 0)
		return from->oracle.dir_fd;
	if (to->oracle.dir_fd < 0)
		return to->oracle.dir_fd;
	return ORACLE(renameat(from->oracle.dir_fd, from->name,
			       to->oracle.dir_fd, to->name));
}

static inline void op_rename(struct world *world)
{
	struct world_name from, to;
	struct stat st;
	int err;

	world_pick(world, &from);
	world_say(world, "rename", &from, world_pick(world, &to));
	err = from.dir_err ? from.dir_err : to.dir_err;
	if (!err)
		err = share_rename(from.dir, from.name, strlen(from.name),
				   to.dir, to.name, strlen(to.name));
	/* What a share says of directories that the lower layer has. */
	if (err == -EXDEV) {
		world_same(world, "EXDEV of what is there",
			   oracle_stat(&from.oracle, &st), 0);
		world_same(world, "EXDEV of a directory", S_ISDIR(st.st_mode),
			   1);
	} else {
		world_same(world, "result", err, oracle_rename(&from, &to));
	}
	world_drop(&from);
	world_drop(&to);
}

static inline void op_link(struct world *world)
{
	struct world_name from, to;
	struct share_node *node;
	int err, want;

	world_pick(world, &from);
	world_say(world, "link", &from, world_pick(world, &to));
	err = world_object(&from, &node);
	want = oracle_link(&from.oracle, &to.oracle);
	if (!err) {
		err = to.dir ? share_link(to.dir, to.name, strlen(to.name),
					  node)
			     : to.dir_err;
		share_node_put(node);
	}
	world_same(world, "result", err, want);
	world_drop(&from);
	world_drop(&to);
}

static inline void op_symlink(struct world *world)
{
	struct world_name at;
	char target[32];
	int err, want;

	world_say(world, "symlink", world_pick(world, &at), NULL);
	(void)snprintf(target, sizeof(target), "to/%u",
		       world_random(world, 1000));
	err = at.dir ? share_symlink(at.dir, at.name, strlen(at.name), target,
				     strlen(target), world_owner, NULL)
		     : at.dir_err;
	want = at.oracle.dir_fd < 0
		       ? at.oracle.dir_fd
		       : ORACLE(symlinkat(target, at.oracle.dir_fd, at.name));
	world_same(world, "result", err, want);
	world_drop(&at);
}

static inline void op_setattr(struct world *world)
{
	struct share_setattr set = { 0 };
	struct timespec times[2];
	struct share_node *node;
	struct world_name at;
	int err, want = 0;

	world_say(world, "setattr", world_pick(world, &at), NULL);
	switch (world_random(world, 3)) {
	case 0:
		set.valid = SHARE_SET_MODE;
		set.mode = 0700 | world_random(world, 0100);
		want = oracle_chmod(&at.oracle, set.mode);
		break;
	case 1:
		set.valid = SHARE_SET_SIZE;
		set.size = world_random(world, 9000);
		want = oracle_truncate(&at.oracle, (off_t)set.size);
		break;
	default:
		set.valid = SHARE_SET_ATIME | SHARE_SET_ATIME_TO |
			    SHARE_SET_MTIME | SHARE_SET_MTIME_TO;
		set.atime.tv_sec = 1000000 + world_random(world, 100000);
		set.mtime.tv_sec = 2000000 + world_random(world, 100000);
		set.mtime.tv_nsec = world_random(world, 1000000000);
		times[0] = set.atime;
		times[1] = set.mtime;
		want = oracle_times(&at.oracle, times);
		break;
	}
	err = world_object(&at, &node);
	if (!err) {
		err = share_setattr(node, &set);
		share_node_put(node);
	}
	world_same(world, "result", err, want);
	world_drop(&at);
}

static inline void op_xattr(struct world *world)
{
	static const char *const names[] = { "user.one", "user.two" };
	const char *name = names[world_random(world, 2)];
	uint32_t what = world_random(world, 3);
	char value[32], ours[64] = "", theirs[64] = "";
	struct share_node *node;
	struct world_name at;
	int err, want;

	world_say(world, "xattr", world_pick(world, &at), NULL);
	(void)snprintf(value, sizeof(value), "v%u", world_random(world, 10000));
	want = what == 0   ? oracle_setxattr(&at.oracle, name, value)
	       : what == 1 ? oracle_setxattr(&at.oracle, name, NULL)
			   : oracle_getxattr(&at.oracle, name, theirs,
					     sizeof(theirs));
	err = world_object(&at, &node);
	if (!err) {
		err = what == 0	  ? share_setxattr(node, name, value,
						   strlen(value), 0)
		      : what == 1 ? share_setxattr(node, name, NULL, 0, 0)
				  : (int)share_getxattr(node, name, ours,
							sizeof(ours));
		share_node_put(node);
	}
	world_same(world, "result", err, want);
	world_same(world, "value", memcmp(ours, theirs, sizeof(ours)), 0);
	world_drop(&at);
}

static inline void world_step(struct world *world)
{
	static void (*const ops[])(struct world *) = {
		op_open,    op_open,	op_open,   op_open,   op_read,
		op_read,    op_write,	op_write,  op_write,  op_mkdir,
		op_unlink,  op_unlink,	op_rename, op_rename, op_link,
		op_symlink, op_setattr, op_xattr,  op_mkfifo,
	};

	world->op_nr++;
	ops[world_random(world, sizeof(ops) / sizeof(*ops))](world);
}

#endif
