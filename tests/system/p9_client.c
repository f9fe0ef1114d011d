/* SPDX-License-Identifier: MIT */
/*
 * p9_client.c - a small 9P2000.L client for the system tests: the server's
 * side of the codec, used from the other side.
 *
 * usage: p9_client SOCKET COMMAND...     each a word with its arguments:
 *        cat PATH, ls PATH, put PATH TEXT, append PATH TEXT, mkdir PATH,
 *        rm PATH, rmdir PATH, mv PATH PATH, ln PATH PATH, ln-s TARGET PATH,
 *        readlink PATH, stat PATH, chmod OCTAL PATH, truncate SIZE PATH,
 *        xset PATH NAME TEXT, xget PATH NAME, lock PATH, sync PATH, df,
 *        big PATH MIB (write and read back), wait (for a line on stdin)
 *
 * PATH is relative to the share. The first that fails is told on stderr, as
 * "COMMAND: ERRNO text", and ends the program with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/link/deadline.h"
#include "shm/link/socket.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_dirent.h"

#define MSIZE	  (1u << 20)
#define ROOT	  0u
#define CHUNK_LEN (MSIZE - 24)

static int fd;
static uint8_t out[MSIZE], in[MSIZE];
static struct p9_msg reply;

_Noreturn static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %d %s\n", what, err, strerror(err));
	exit(EXIT_FAILURE);
}

static void move(ssize_t (*mover)(int, void *, size_t), uint8_t *bytes,
		 size_t len)
{
	while (len) {
		ssize_t n = mover(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("connection", n ? errno : ECONNRESET);
		bytes += n;
		len -= (size_t)n;
	}
}

static ssize_t write_some(int to, void *bytes, size_t len)
{
	return send(to, bytes, len, MSG_NOSIGNAL);
}

static int ask(struct p9_msg msg)
{
	uint32_t size;
	int len;

	msg.tag = msg.type == P9_TVERSION ? P9_NOTAG : 1;
	len = p9_encode(&msg, out, sizeof(out));
	if (len < 0)
		die(p9_type_name(msg.type), -len);
	move(write_some, out, (size_t)len);
	move(read, in, sizeof(size));
	memcpy(&size, in, sizeof(size));
	if (size < P9_HEAD_LEN || size > MSIZE)
		die("size of a reply", EPROTO);
	move(read, in + sizeof(size), size - sizeof(size));
	if (p9_decode(in, size, &reply) || reply.tag != msg.tag)
		die("reply", EPROTO);
	return reply.type == P9_RLERROR ? (int)reply.rlerror.ecode : 0;
}

#define ASK(...) ask((struct p9_msg){ __VA_ARGS__ })

/* The command being run, for must(). */
static const char *command;

static void must(int err)
{
	if (err)
		die(command, err);
}

static struct p9_str str(const char *text)
{
	return (struct p9_str){ (uint16_t)strlen(text), text };
}

/* --- paths ---------------------------------------------------------------- */

static void clunk(uint32_t fid)
{
	must(ASK(.type = P9_TCLUNK, .tclunk = { fid }));
}

/* fid at a directory and the last name, or at all of the path. */
static struct p9_str walk(uint32_t fid, const char *path, int whole)
{
	must(ASK(.type = P9_TWALK, .twalk = { .fid = ROOT, .newfid = fid }));
	for (;;) {
		size_t len = strcspn(path, "/");
		struct p9_str name = { (uint16_t)len, path };

		if (!path[len] && !whole)
			return name;
		if (len && strcmp(path, ".") != 0)
			must(ASK(.type = P9_TWALK,
				 .twalk = { fid, fid, { 1, { name } } }));
		if (!path[len])
			return name;
		path += len + 1;
	}
}

static void open_at(uint32_t fid, const char *path, uint32_t flags)
{
	(void)walk(fid, path, 1);
	must(ASK(.type = P9_TLOPEN, .tlopen = { fid, flags }));
}

static void create_at(uint32_t fid, const char *path)
{
	struct p9_str name = walk(fid, path, 0);

	must(ASK(.type = P9_TLCREATE,
		 .tlcreate = { fid, name, P9_OPEN_RDWR | P9_OPEN_TRUNC, 0644,
			       getgid() }));
}

static void write_all(uint32_t fid, uint64_t off, const char *bytes,
		      uint32_t len)
{
	while (len) {
		uint32_t part = len < CHUNK_LEN ? len : CHUNK_LEN;
		const struct p9_data data = { part, (const uint8_t *)bytes };

		must(ASK(.type = P9_TWRITE, .twrite = { fid, off, data }));
		part = reply.rwrite.count;
		if (!part || part > len)
			die(command, EIO);
		bytes += part;
		off += part;
		len -= part;
	}
}

static void read_out(uint32_t fid)
{
	uint64_t off = 0;

	for (;;) {
		const struct p9_data *data = &reply.rread.data;

		must(ASK(.type = P9_TREAD, .tread = { fid, off, CHUNK_LEN }));
		if (!data->count)
			break;
		(void)fwrite(data->bytes, 1, data->count, stdout);
		off += data->count;
	}
}

/* --- commands ------------------------------------------------------------- */

static void do_cat(char **args)
{
	open_at(1, args[0], P9_OPEN_RDONLY);
	read_out(1);
	clunk(1);
}

static void do_put(char **args)
{
	create_at(1, args[0]);
	write_all(1, 0, args[1], (uint32_t)strlen(args[1]));
	clunk(1);
}

static void do_append(char **args)
{
	open_at(1, args[0], P9_OPEN_WRONLY | P9_OPEN_APPEND);
	write_all(1, 0, args[1], (uint32_t)strlen(args[1]));
	clunk(1);
}

static void do_ls(char **args)
{
	uint64_t off = 0;

	open_at(1, args[0], P9_OPEN_RDONLY | P9_OPEN_DIRECTORY);
	for (;;) {
		struct p9_dirent entry;
		struct p9_reader r;

		must(ASK(.type = P9_TREADDIR,
			 .treaddir = { 1, off, CHUNK_LEN }));
		if (!reply.rreaddir.data.count)
			break;
		r = p9_reader_of(reply.rreaddir.data.bytes,
				 reply.rreaddir.data.count);
		while (p9_get_dirent(&r, &entry) == 1) {
			off = entry.offset;
			if (entry.name.bytes[0] != '.')
				printf("%.*s\n", (int)entry.name.len,
				       entry.name.bytes);
		}
	}
	clunk(1);
}

static void do_mkdir(char **args)
{
	struct p9_str name = walk(1, args[0], 0);

	must(ASK(.type = P9_TMKDIR, .tmkdir = { 1, name, 0755, getgid() }));
	clunk(1);
}

static void do_rm(char **args)
{
	struct p9_str name = walk(1, args[0], 0);

	must(ASK(.type = P9_TUNLINKAT, .tunlinkat = { 1, name, 0 }));
	clunk(1);
}

static void do_rmdir(char **args)
{
	struct p9_str name = walk(1, args[0], 0);

	must(ASK(.type = P9_TUNLINKAT,
		 .tunlinkat = { 1, name, P9_UNLINKAT_REMOVEDIR }));
	clunk(1);
}

static void do_mv(char **args)
{
	struct p9_str from = walk(1, args[0], 0), to = walk(2, args[1], 0);

	must(ASK(.type = P9_TRENAMEAT, .trenameat = { 1, from, 2, to }));
	clunk(1);
	clunk(2);
}

static void do_ln(char **args)
{
	struct p9_str to;

	(void)walk(1, args[0], 1);
	to = walk(2, args[1], 0);
	must(ASK(.type = P9_TLINK, .tlink = { 2, 1, to }));
	clunk(1);
	clunk(2);
}

static void do_symlink(char **args)
{
	struct p9_str name = walk(1, args[1], 0);

	must(ASK(.type = P9_TSYMLINK,
		 .tsymlink = { 1, name, str(args[0]), getgid() }));
	clunk(1);
}

static void do_readlink(char **args)
{
	(void)walk(1, args[0], 1);
	must(ASK(.type = P9_TREADLINK, .treadlink = { 1 }));
	printf("%.*s\n", (int)reply.rreadlink.target.len,
	       reply.rreadlink.target.bytes);
	clunk(1);
}

static void do_stat(char **args)
{
	(void)walk(1, args[0], 1);
	must(ASK(.type = P9_TGETATTR, .tgetattr = { 1, P9_GETATTR_BASIC }));
	printf("%o %llu\n", reply.rgetattr.mode,
	       (unsigned long long)reply.rgetattr.size);
	clunk(1);
}

static void do_chmod(char **args)
{
	uint32_t mode = (uint32_t)strtoul(args[0], NULL, 8);

	(void)walk(1, args[1], 1);
	must(ASK(.type = P9_TSETATTR, .tsetattr = { .fid = 1,
						    .valid = P9_SETATTR_MODE,
						    .mode = mode }));
	clunk(1);
}

static void do_truncate(char **args)
{
	uint64_t size = strtoull(args[0], NULL, 10);

	(void)walk(1, args[1], 1);
	must(ASK(.type = P9_TSETATTR, .tsetattr = { .fid = 1,
						    .valid = P9_SETATTR_SIZE,
						    .size = size }));
	clunk(1);
}

static void do_xset(char **args)
{
	uint32_t len = (uint32_t)strlen(args[2]);

	(void)walk(1, args[0], 1);
	must(ASK(.type = P9_TXATTRCREATE,
		 .txattrcreate = { 1, str(args[1]), len, 0 }));
	write_all(1, 0, args[2], len);
	clunk(1);
}

static void do_xget(char **args)
{
	(void)walk(1, args[0], 1);
	must(ASK(.type = P9_TXATTRWALK, .txattrwalk = { 1, 2, str(args[1]) }));
	read_out(2);
	clunk(2);
	clunk(1);
}

static void do_lock(char **args)
{
	open_at(9, args[0], P9_OPEN_RDWR); /* and stays */
	must(ASK(.type = P9_TLOCK,
		 .tlock = { 9, P9_LOCK_WRLCK, 0, 0, 0, 1, str("c") }));
	puts(reply.rlock.status == P9_LOCK_SUCCESS ? "locked" : "blocked");
}

static void do_sync(char **args)
{
	open_at(1, args[0], P9_OPEN_RDWR);
	must(ASK(.type = P9_TFSYNC, .tfsync = { .fid = 1 }));
	clunk(1);
}

static void do_df(char **args)
{
	(void)args;
	must(ASK(.type = P9_TSTATFS, .tstatfs = { ROOT }));
	printf("%u\n", reply.rstatfs.namelen);
}

static void do_big(char **args)
{
	static char bytes[1 << 20];
	uint32_t mib = (uint32_t)strtoul(args[1], NULL, 10);

	create_at(1, args[0]);
	for (uint32_t i = 0; i < mib; i++) {
		memset(bytes, (int)i + 1, sizeof(bytes));
		write_all(1, (uint64_t)i << 20, bytes, sizeof(bytes));
	}
	for (uint64_t off = 0; off < (uint64_t)mib << 20;
	     off += reply.rread.data.count) {
		must(ASK(.type = P9_TREAD, .tread = { 1, off, CHUNK_LEN }));
		if (!reply.rread.data.count ||
		    reply.rread.data.bytes[0] != (uint8_t)((off >> 20) + 1))
			die("what was read is not what was written", EIO);
	}
	clunk(1);
}

static void do_wait(char **args)
{
	(void)args;
	puts("waiting");
	(void)fflush(stdout);
	(void)getchar();
}

static const struct {
	const char *name;
	int args_nr;
	void (*run)(char **args);
} commands[] = {
	{ "cat", 1, do_cat },
	{ "ls", 1, do_ls },
	{ "put", 2, do_put },
	{ "append", 2, do_append },
	{ "mkdir", 1, do_mkdir },
	{ "rm", 1, do_rm },
	{ "rmdir", 1, do_rmdir },
	{ "mv", 2, do_mv },
	{ "ln", 2, do_ln },
	{ "ln-s", 2, do_symlink },
	{ "readlink", 1, do_readlink },
	{ "stat", 1, do_stat },
	{ "chmod", 2, do_chmod },
	{ "truncate", 2, do_truncate },
	{ "xset", 3, do_xset },
	{ "xget", 2, do_xget },
	{ "lock", 1, do_lock },
	{ "sync", 1, do_sync },
	{ "df", 0, do_df },
	{ "big", 2, do_big },
	{ "wait", 0, do_wait },
};

static int run(char **args, int args_nr)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(args[0], commands[i].name) != 0)
			continue;
		if (commands[i].args_nr >= args_nr)
			break;
		command = args[0];
		commands[i].run(args + 1);
		return 1 + commands[i].args_nr;
	}
	fprintf(stderr, "p9_client: %s?\n", args[0]);
	exit(2);
}

int main(int argc, char **argv)
{
	int flags, err;

	if (argc < 3) {
		fputs("usage: p9_client SOCKET COMMAND...\n", stderr);
		return 2;
	}
	err = socket_connect(&fd, argv[1], deadline_after_ns(10000000000ull));
	if (err)
		die(argv[1], -err);
	flags = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	command = "attach";
	must(ASK(.type = P9_TVERSION,
		 .tversion = { MSIZE, str(P9_VERSION_L) }));
	must(ASK(.type = P9_TATTACH, .tattach = { ROOT, P9_NOFID, str("user"),
						  str(""), getuid() }));
	for (int i = 2; i < argc;)
		i += run(argv + i, argc - i);
	return fflush(stdout) ? EXIT_FAILURE : 0;
}
