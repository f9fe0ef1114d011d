/* SPDX-License-Identifier: MIT */
/*
 * mount_names.c - do names, links and attributes on a mount behave as those
 * of a local file system do, whatever is done in whatever order?
 *
 * usage: mount_names [-c] [-x] [-r] [-p] [-e EACH] [-n OPERATIONS] [-s SEED]
 *                    DIR PLAIN
 *        -c  a copy-on-write share: directories that are in its lower layer
 *            cannot be renamed (EXDEV)
 *        -x  both sides have user xattrs
 *        -r  nothing may change: each change must be refused
 *        -p  plain files, directories and symbolic links alone: what a share
 *            has at first. It keeps no owners of special files that the host
 *            has, and parts hard links of the host's when it copies.
 *        -e  operations between two looks at the whole trees
 *
 * DIR is on the mount; PLAIN is a plain directory with the same tree. Each
 * operation goes to both: the answers, and now and then the trees, must be
 * the same.
 */
#include <sys/sysmacros.h>

#include "tests/system/mount_compare.h"

/* A path, and where it leads to on either side. */
struct place {
	char path[SIDES][32];
	struct oracle_name at[SIDES];
};

static void pick(struct world *world, struct place *place)
{
	uint32_t depth = random_below(&world->random, 3);
	char path[32];
	size_t len = 0;

	for (uint32_t i = 0; i <= depth; i++) {
		if (i)
			path[len++] = '/';
		path[len++] = (char)('a' + random_below(&world->random, 8));
	}
	path[len] = '\0';
	for (int side = 0; side < SIDES; side++) {
		memcpy(place->path[side], path, len + 1);
		place->at[side] = oracle_find(world->root_fd[side],
					      place->path[side]);
	}
}

static void drop(struct place *place)
{
	for (int side = 0; side < SIDES; side++)
		oracle_done(&place->at[side]);
}

/* The answers to a change. */
static void same(struct world *world, const int answers[SIDES])
{
	if (!world->read_only)
		random_same(&world->random, "answer", answers[MOUNT],
			    answers[PLAIN]);
	else if (answers[MOUNT] >= 0)
		random_fail(&world->random, "change", answers[MOUNT], -EROFS);
}

/* --- changes -------------------------------------------------------------- */

/* What a read-only side is asked for must not happen on the plain one. */
static bool on(const struct world *world, int side)
{
	return side == MOUNT || !world->read_only;
}

static void op_write(struct world *world)
{
	static const int flags_of[] = { O_WRONLY, O_WRONLY | O_APPEND,
					O_WRONLY | O_CREAT,
					O_WRONLY | O_CREAT | O_TRUNC,
					O_RDWR | O_CREAT | O_EXCL };
	int flags = flags_of[random_below(&world->random, 5)];
	mode_t mode = 0600 | random_below(&world->random, 0200);
	uint32_t len = random_below(&world->random, 3000);
	int answers[SIDES] = { 0 };
	char bytes[3000];
	struct place place = { 0 };

	memset(bytes, (int)('A' + len % 26), sizeof(bytes));
	pick(world, &place);
	random_tell(&world->random, "write %s %u, flags %#x, mode %o",
		    place.path[MOUNT], len, (unsigned int)flags, mode);
	for (int side = 0; side < SIDES && on(world, side); side++) {
		int fd = oracle_open(&place.at[side], flags, mode);

		answers[side] = fd < 0 ? fd : 0;
		if (fd >= 0 && write(fd, bytes, len) != (ssize_t)len)
			answers[side] = -EIO;
		if (fd >= 0)
			close(fd);
	}
	same(world, answers);
	drop(&place);
}

static void op_make(struct world *world)
{
	static const char *const kinds[] = { "mkdir", "mkdir", "symlink",
					     "mkfifo", "mknod" };
	uint32_t kind = random_below(&world->random, world->plain ? 3 : 5);
	mode_t mode = 0700 | random_below(&world->random, 0100);
	dev_t device = makedev(7, random_below(&world->random, 256));
	int answers[SIDES] = { 0 };
	struct place place = { 0 };

	if (kind < 2 && random_below(&world->random, 4) == 0)
		mode |= S_ISVTX;
	pick(world, &place);
	random_tell(&world->random, "%s %s, mode %o", kinds[kind],
		    place.path[MOUNT], mode);
	for (int side = 0; side < SIDES && on(world, side); side++) {
		const struct oracle_name *at = &place.at[side];

		if (at->dir_fd < 0)
			answers[side] = at->dir_fd;
		else if (kind < 2)
			answers[side] =
				ORACLE(mkdirat(at->dir_fd, at->name, mode));
		else if (kind == 2)
			answers[side] = ORACLE(
				symlinkat("to/nothing", at->dir_fd, at->name));
		else
			answers[side] = ORACLE(
				mknodat(at->dir_fd, at->name,
					mode | (kind == 3 ? S_IFIFO : S_IFBLK),
					kind == 3 ? 0 : device));
	}
	same(world, answers);
	drop(&place);
}

static void op_remove(struct world *world)
{
	int flags = random_below(&world->random, 3) ? 0 : AT_REMOVEDIR;
	int answers[SIDES] = { 0 };
	struct place place = { 0 };

	pick(world, &place);
	random_tell(&world->random, "%s %s", flags ? "rmdir" : "unlink",
		    place.path[MOUNT]);
	for (int side = 0; side < SIDES && on(world, side); side++) {
		const struct oracle_name *at = &place.at[side];

		answers[side] =
			at->dir_fd < 0
				? at->dir_fd
				: ORACLE(unlinkat(at->dir_fd, at->name, flags));
	}
	same(world, answers);
	drop(&place);
}

static int rename_on(const struct oracle_name *from,
		     const struct oracle_name *to)
{
	if (from->dir_fd < 0)
		return from->dir_fd;
	if (to->dir_fd < 0)
		return to->dir_fd;
	return ORACLE(renameat(from->dir_fd, from->name, to->dir_fd, to->name));
}

/* -EROFS, the answer to a rename that changes nothing; else 0. */
static int same_object(const struct world *world, const struct place *from,
		       const struct place *to)
{
	struct stat a, b;

	random_same(&world->random, "stat", oracle_stat(&from->at[MOUNT], &a),
		    0);
	random_same(&world->random, "stat", oracle_stat(&to->at[MOUNT], &b), 0);
	return a.st_ino == b.st_ino ? -EROFS : 0;
}

static void op_two_names(struct world *world)
{
	bool is_link = random_below(&world->random, 3) == 0 && !world->plain;
	int answers[SIDES] = { 0 };
	struct place from = { 0 }, to = { 0 };
	struct stat st;

	pick(world, &from);
	pick(world, &to);
	random_tell(&world->random, "%s %s %s", is_link ? "link" : "rename",
		    from.path[MOUNT], to.path[MOUNT]);
	for (int side = 0; side < SIDES && on(world, side); side++) {
		answers[side] =
			is_link ? oracle_link(&from.at[side], &to.at[side])
				: rename_on(&from.at[side], &to.at[side]);
		/* Two names of one file: the kernel asks nobody. */
		if (world->read_only && !answers[side])
			answers[side] = same_object(world, &from, &to);
		if (side != MOUNT || !world->copies || is_link ||
		    answers[MOUNT] != -EXDEV)
			continue;
		random_same(&world->random, "EXDEV of what is there",
			    oracle_stat(&from.at[MOUNT], &st), 0);
		random_same(&world->random, "EXDEV of a directory",
			    S_ISDIR(st.st_mode), 1);
		answers[PLAIN] = -EXDEV;
		break;
	}
	same(world, answers);
	drop(&from);
	drop(&to);
}

static int set_on(const struct oracle_name *at, uint32_t what, uint32_t value)
{
	/* Whole seconds: Linux's client cuts off the rest of what is set. */
	const struct timespec times[2] = {
		{ .tv_sec = 1000000 + value },
		{ .tv_sec = 2000000 + value },
	};

	if (at->dir_fd < 0)
		return at->dir_fd;
	switch (what) {
	case 0:
		return oracle_chmod(at, 0700 | value % 0100);
	case 1:
		return oracle_truncate(at, (off_t)(value % 9000));
	case 2:
		return oracle_times(at, times);
	default:
		return ORACLE(fchownat(at->dir_fd, at->name, value % 1000,
				       value % 77, AT_SYMLINK_NOFOLLOW));
	}
}

static void op_set(struct world *world)
{
	static const char *const kinds[] = { "chmod", "truncate", "utimens",
					     "chown" };
	/* Without xattrs a private layer keeps no owners. */
	uint32_t what = random_below(&world->random, world->xattrs ? 4 : 3);
	uint32_t value = random_below(&world->random, 900000);
	struct place place = { 0 };
	struct stat st;

	pick(world, &place);
	random_tell(&world->random, "%s %s, %u", kinds[what], place.path[MOUNT],
		    value);
	/* Of links no owner is kept. */
	if (what < 3 || oracle_stat(&place.at[MOUNT], &st) ||
	    !S_ISLNK(st.st_mode)) {
		int answers[SIDES] = { 0 };

		for (int side = 0; side < SIDES && on(world, side); side++)
			answers[side] = set_on(&place.at[side], what, value);
		same(world, answers);
	}
	drop(&place);
}

static void op_xattr(struct world *world)
{
	static const char *const names[] = { "user.one", "user.two" };
	const char *name = names[random_below(&world->random, 2)];
	uint32_t what = random_below(&world->random, 3);
	char value[32], seen[SIDES][64] = { "", "" };
	int answers[SIDES] = { 0 };
	struct place place = { 0 };

	pick(world, &place);
	(void)snprintf(value, sizeof(value), "value %u",
		       random_below(&world->random, 10000));
	random_tell(&world->random, "%s %s of %s",
		    what == 0	? "set"
		    : what == 1 ? "remove"
				: "get",
		    name, place.path[MOUNT]);
	for (int side = 0; side < SIDES && (what == 2 || on(world, side));
	     side++)
		answers[side] = what == 2
					? oracle_getxattr(&place.at[side], name,
							  seen[side],
							  sizeof(seen[side]))
					: oracle_setxattr(&place.at[side], name,
							  what ? NULL : value);
	if (what == 2)
		random_same(&world->random, "answer", answers[MOUNT],
			    answers[PLAIN]);
	else
		same(world, answers);
	random_same(&world->random, "value",
		    memcmp(seen[MOUNT], seen[PLAIN], sizeof(seen[MOUNT])), 0);
	drop(&place);
}

/* -------------------------------------------------------------------------- */

static void step(struct world *world)
{
	static void (*const ops[])(struct world *) = {
		op_write,  op_write,  op_write,	    op_make,	  op_make,
		op_remove, op_remove, op_two_names, op_two_names, op_two_names,
		op_set,	   op_set,    op_xattr,
	};
	/* xattrs are the last. */
	uint32_t nr = sizeof(ops) / sizeof(*ops) - !world->xattrs;

	ops[random_below(&world->random, nr)](world);
	if (world->random.op_nr % world->compare_each == 0 ||
	    world->random.op_nr == world->random.ops_nr)
		compare_trees(world, world->root_fd, 0);
}

int main(int argc, char **argv)
{
	struct world world = {
		.random = { .program = "mount_names", .ops_nr = 2000 },
		.compare_each = 500,
	};
	struct random *random = &world.random;
	uint64_t seed = 1;
	int c;

	umask(0);
	while ((c = getopt(argc, argv, "cxrpe:n:s:")) != -1) {
		if (c == 'c')
			world.copies = true;
		else if (c == 'x')
			world.xattrs = true;
		else if (c == 'r')
			world.read_only = true;
		else if (c == 'p')
			world.plain = true;
		else if (c == 'e')
			world.compare_each = random_number(random, optarg);
		else if (c == 'n')
			random->ops_nr = random_number(random, optarg);
		else if (c == 's')
			seed = random_number(random, optarg);
		else
			return 2;
	}
	if (argc - optind != SIDES)
		return 2;
	random_seed(random, seed);
	for (int side = 0; side < SIDES; side++) {
		world.root_fd[side] = open(argv[optind + side],
					   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (world.root_fd[side] < 0) {
			perror(argv[optind + side]);
			return 1;
		}
	}
	for (random->op_nr = 1; random->op_nr <= random->ops_nr;
	     random->op_nr++)
		step(&world);
	printf("mount_names: seed %" PRIu64 ", %" PRIu64 " operations\n", seed,
	       random->ops_nr);
	return 0;
}
