/* SPDX-License-Identifier: MIT */
/*
 * mount_io.c - are the bytes of a file on a mount those that were written,
 * whatever reads, writes, cuts and maps it in whatever order?
 *
 * usage: mount_io [-m] [-r] [-n OPERATIONS] [-s SEED] FILE PLAIN
 *        -m  also write through mappings: the mount can do that (cache=mmap)
 *        -r  nothing may change: each try must be EROFS
 *
 * FILE is on the mount, PLAIN holds the same bytes and is not. What FILE must
 * hold is kept in memory; after the last operation it is written to PLAIN,
 * for a comparison with what is on the other side of the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/system/mount_random.h"

#define FILE_MAX   (512u << 10)
#define LEN_MAX	   (64u << 10)
#define OPEN_NR	   4
#define CHECK_EACH 500 /* operations, between looks at all of it */

struct file {
	struct random random;
	const char *path;
	bool maps, read_only;
	uint64_t size;
	int fds[OPEN_NR], flags[OPEN_NR];
	uint8_t *want, *got; /* FILE_MAX bytes each */
};

static void must(const struct file *file, bool ok, const char *what)
{
	if (!ok)
		random_fail(&file->random, what, -errno, 0);
}

/* --- open files ----------------------------------------------------------- */

static void reopen(struct file *file, int i, int flags)
{
	if (file->fds[i] >= 0)
		must(file, close(file->fds[i]) == 0, "close");
	file->fds[i] = open(file->path, flags | O_CLOEXEC);
	must(file, file->fds[i] >= 0, "open");
	file->flags[i] = flags;
	if (flags & O_TRUNC)
		file->size = 0;
}

/* One that can be read, or written, or both; there is always one. */
static int pick(struct file *file, bool reads, bool writes)
{
	int i = (int)random_below(&file->random, OPEN_NR);

	for (int tries = 0; tries < OPEN_NR; tries++) {
		int mode = file->flags[i] & O_ACCMODE;

		if ((!reads || mode != O_WRONLY) &&
		    (!writes || mode != O_RDONLY))
			return i;
		i = (i + 1) % OPEN_NR;
	}
	reopen(file, i, writes ? O_RDWR : O_RDONLY);
	return i;
}

static void op_reopen(struct file *file)
{
	static const int flags_of[] = {
		O_RDONLY, O_RDONLY, O_RDWR,
		O_RDWR,	  O_WRONLY, O_RDWR | O_APPEND,
		O_RDWR,	  O_RDWR,   O_WRONLY | O_TRUNC
	};
	int i = (int)random_below(&file->random, OPEN_NR);
	int flags = flags_of[random_below(
		&file->random, sizeof(flags_of) / sizeof(*flags_of))];

	random_tell(&file->random, "reopen %d, flags %#x", i, (unsigned)flags);
	if (!file->read_only || (flags & O_ACCMODE) == O_RDONLY) {
		reopen(file, i, flags);
		return;
	}
	must(file, open(file->path, flags) < 0 && errno == EROFS,
	     "open for writing");
}

/* --- bytes ---------------------------------------------------------------- */

static void compare(struct file *file, uint64_t off, uint64_t len)
{
	for (uint64_t i = 0; i < len; i++) {
		if (file->got[i] == file->want[off + i])
			continue;
		fprintf(stderr, "at %" PRIu64 ", %" PRIu64 " bytes behind\n",
			off + i, i);
		random_fail(&file->random, "byte", file->got[i],
			    file->want[off + i]);
	}
}

static void read_at(struct file *file, int fd, uint64_t off, uint64_t len)
{
	uint64_t there = off < file->size ? file->size - off : 0;
	uint64_t done = 0;

	if (there > len)
		there = len;
	/* A mount may answer with less than was asked for, not with more. */
	while (done < len) {
		ssize_t n = pread(fd, file->got + done, len - done,
				  (off_t)(off + done));

		must(file, n >= 0, "read");
		if (!n)
			break;
		done += (uint64_t)n;
	}
	random_same(&file->random, "bytes read", (int64_t)done, (int64_t)there);
	compare(file, off, done);
}

static void op_read(struct file *file)
{
	int i = pick(file, true, false);
	uint64_t off = random_below(&file->random, (uint32_t)file->size + 4096);
	uint64_t len = 1 + random_below(&file->random, LEN_MAX);

	random_tell(&file->random, "read %d, %" PRIu64 " at %" PRIu64, i, len,
		    off);
	read_at(file, file->fds[i], off, len);
}

/* New bytes of the operation's own, in `got`, and as far as they go. */
static void make_bytes(struct file *file, uint64_t len)
{
	uint32_t first = random_below(&file->random, 256);

	for (uint64_t i = 0; i < len; i++)
		file->got[i] = (uint8_t)(first + i * 7 + (i >> 8));
}

/* What was behind the end reads as zeros when the end moves on. */
static void grow_to(struct file *file, uint64_t size)
{
	if (size <= file->size)
		return;
	memset(file->want + file->size, 0, size - file->size);
	file->size = size;
}

static void op_write(struct file *file)
{
	int i = pick(file, false, true);
	uint64_t len = 1 + random_below(&file->random, LEN_MAX), done = 0;
	uint64_t off = random_below(&file->random, FILE_MAX - LEN_MAX);

	if (file->flags[i] & O_APPEND)
		off = file->size;
	if (off + len > FILE_MAX)
		return;
	random_tell(&file->random, "write %d, %" PRIu64 " at %" PRIu64 "%s", i,
		    len, off, file->flags[i] & O_APPEND ? ", the end" : "");
	make_bytes(file, len);
	while (done < len) {
		ssize_t n = pwrite(file->fds[i], file->got + done, len - done,
				   (off_t)(off + done));

		must(file, n > 0, "write");
		done += (uint64_t)n;
	}
	grow_to(file, off + len);
	memcpy(file->want + off, file->got, len);
}

static void op_truncate(struct file *file)
{
	uint64_t size = random_below(&file->random, FILE_MAX / 2);
	bool by_name = file->read_only || random_below(&file->random, 2);
	int i = by_name ? 0 : pick(file, false, true), ret;

	random_tell(&file->random, "truncate to %" PRIu64 " by %s", size,
		    by_name ? "name" : "descriptor");
	ret = by_name ? truncate(file->path, (off_t)size)
		      : ftruncate(file->fds[i], (off_t)size);
	if (file->read_only) {
		must(file, ret < 0 && errno == EROFS, "truncate");
		return;
	}
	must(file, ret == 0, "truncate");
	grow_to(file, size);
	file->size = size;
}

static void op_sync(struct file *file)
{
	int i = (int)random_below(&file->random, OPEN_NR);
	bool data = random_below(&file->random, 2);

	random_tell(&file->random, "%s %d", data ? "fdatasync" : "fsync", i);
	must(file, (data ? fdatasync(file->fds[i]) : fsync(file->fds[i])) == 0,
	     "sync");
}

static void op_stat(struct file *file)
{
	int i = (int)random_below(&file->random, OPEN_NR);
	struct stat st;

	random_tell(&file->random, "stat %d", i);
	must(file, (i ? fstat(file->fds[i], &st) : stat(file->path, &st)) == 0,
	     "stat");
	random_same(&file->random, "size", st.st_size, (int64_t)file->size);
}

/* --- mappings ------------------------------------------------------------- */

/* Some whole pages of it, the last one perhaps not; 0: it is empty. */
static uint64_t pages(struct file *file, uint64_t *off)
{
	uint64_t len;

	if (!file->size)
		return 0;
	*off = random_below(&file->random, (uint32_t)file->size) & ~4095ull;
	len = 1 + random_below(&file->random, LEN_MAX);
	return *off + len > file->size ? file->size - *off : len;
}

static void op_map_read(struct file *file)
{
	int i = pick(file, true, false);
	uint64_t off = 0, len = pages(file, &off);
	void *map;

	random_tell(&file->random, "map %d to read %" PRIu64 " at %" PRIu64, i,
		    len, off);
	if (!len)
		return;
	/* A mount without cache has no shared ones of what can be written. */
	map = mmap(NULL, len, PROT_READ, file->maps ? MAP_SHARED : MAP_PRIVATE,
		   file->fds[i], (off_t)off);
	must(file, map != MAP_FAILED, "mmap");
	memcpy(file->got, map, len);
	must(file, munmap(map, len) == 0, "munmap");
	compare(file, off, len);
}

static void op_map_write(struct file *file)
{
	int i = pick(file, true, true);
	uint64_t off = 0, len = pages(file, &off), skip;
	uint8_t *map;

	random_tell(&file->random, "map %d to write %" PRIu64 " at %" PRIu64, i,
		    len, off);
	if (!len)
		return;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, file->fds[i],
		   (off_t)off);
	must(file, map != MAP_FAILED, "mmap");
	memcpy(file->got, map, len);
	compare(file, off, len);
	skip = random_below(&file->random, (uint32_t)len);
	make_bytes(file, len - skip);
	memcpy(map + skip, file->got, len - skip);
	memcpy(file->want + off + skip, file->got, len - skip);
	/* Reads and writes go past the mapped pages: see mmap in mount(8)'s
	 * 9p options. */
	must(file, msync(map, len, MS_SYNC) == 0, "msync");
	must(file, munmap(map, len) == 0, "munmap");
}

/* --- all of it ------------------------------------------------------------ */

typedef void op_fn(struct file *file);

static void step(struct file *file)
{
	static op_fn *const ops[] = {
		op_read,     op_read,  op_read,	  op_write,
		op_write,    op_write, op_reopen, op_truncate,
		op_map_read, op_sync,  op_stat,	  op_map_write,
	};
	op_fn *op =
		ops[random_below(&file->random, sizeof(ops) / sizeof(*ops))];

	if (op == op_write && file->read_only)
		op = op_map_read;
	if (op == op_map_write && (!file->maps || file->read_only))
		op = op_read;
	op(file);
	if (file->random.op_nr % CHECK_EACH == 0) {
		int i = pick(file, true, false);

		random_tell(&file->random, "read all of it by %d", i);
		read_at(file, file->fds[i], 0, FILE_MAX);
	}
}

static void load(struct file *file, const char *plain)
{
	int fd = open(plain, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, file->want, FILE_MAX);

	must(file, n >= 0, plain);
	file->size = (uint64_t)n;
	close(fd);
}

static void store(struct file *file, const char *plain)
{
	int fd = open(plain, O_WRONLY | O_TRUNC | O_CLOEXEC);

	must(file,
	     fd >= 0 &&
		     write(fd, file->want, file->size) == (ssize_t)file->size,
	     plain);
	close(fd);
}

int main(int argc, char **argv)
{
	static uint8_t want[FILE_MAX], got[FILE_MAX];
	struct file file = {
		.want = want,
		.got = got,
		.random = { .program = "mount_io", .ops_nr = 1000 },
	};
	struct random *random = &file.random;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "mrn:s:")) != -1) {
		if (c == 'm')
			file.maps = true;
		else if (c == 'r')
			file.read_only = true;
		else if (c == 'n')
			random->ops_nr = random_number(random, optarg);
		else if (c == 's')
			seed = random_number(random, optarg);
		else
			return 2;
	}
	if (argc - optind != 2)
		return 2;
	file.path = argv[optind];
	random_seed(random, seed);
	load(&file, argv[optind + 1]);
	for (int i = 0; i < OPEN_NR; i++) {
		file.fds[i] = -1;
		reopen(&file, i, file.read_only || i % 2 ? O_RDONLY : O_RDWR);
	}
	for (random->op_nr = 1; random->op_nr <= random->ops_nr;
	     random->op_nr++)
		step(&file);
	for (int i = 0; i < OPEN_NR; i++)
		must(&file, close(file.fds[i]) == 0, "close");
	if (!file.read_only)
		store(&file, argv[optind + 1]);
	printf("mount_io: seed %" PRIu64 ", %" PRIu64 " operations\n", seed,
	       random->ops_nr);
	return 0;
}
