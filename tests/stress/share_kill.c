/* SPDX-License-Identifier: MIT */
/*
 * share_kill.c - is a private layer whole after its monitor was killed at any
 * moment, and the lower layer untouched?
 *
 * A child does random operations and is killed in the middle of one. What is
 * found afterwards must open, can be walked and read to the end, has no
 * leftovers, and every copy of a large lower file has all of its bytes.
 */
#include <signal.h>
#include <sys/wait.h>

#include "tests/stress/share_random.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KILLS 40
#else
#define KILLS 200
#endif
#define DISCARD_EACH 10
#define BIG_NR	     4u
#define BIG_LEN	     (192u << 10)
#define TIMEOUT_S    200

static void big_name(char name[8], uint32_t nr)
{
	(void)snprintf(name, 8, "big%u", nr);
}

static char big_byte(uint32_t nr, uint32_t off)
{
	return (char)(off * 31 + (off >> 12) + nr);
}

static void make_big(const char *lower)
{
	static char bytes[BIG_LEN];
	char name[8];

	for (uint32_t nr = 0; nr < BIG_NR; nr++) {
		int fd;

		for (uint32_t i = 0; i < BIG_LEN; i++)
			bytes[i] = big_byte(nr, i);
		big_name(name, nr);
		fd = open(tree_path(lower, name).text,
			  O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		TREE_CHECK(write(fd, bytes, BIG_LEN) == BIG_LEN);
		close(fd);
	}
}

/* Copies without changing a byte. */
static void touch_big(struct world *world)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE };
	struct share_node *node;
	char name[8];

	big_name(name, world_random(world, BIG_NR));
	set.mode = 0600 | world_random(world, 0100);
	if (share_walk(world->root, name, strlen(name), &node))
		return;
	(void)share_setattr(node, &set);
	share_node_put(node);
}

__attribute__((noreturn)) static void child(struct world *world, uint64_t seed,
					    int progress_fd)
{
	world->random = seed * 0x9e3779b97f4a7c15ull + 1;
	world_open_share(world);
	for (;;) {
		if (world_random(world, 8) == 0)
			touch_big(world);
		world_step(world);
		if (write(progress_fd, "", 1) != 1)
			_exit(1);
	}
}

static void check_big(struct world *world, struct share_node *node, uint32_t nr)
{
	static char bytes[BIG_LEN + 1];
	struct share_file *file;
	bool same = true;

	world_same(world, "open", share_open(node, O_RDONLY, &file), 0);
	world_same(world, "bytes of a large file",
		   share_read(file, bytes, sizeof(bytes), 0), BIG_LEN);
	for (uint32_t i = 0; i < BIG_LEN; i++)
		same = same && bytes[i] == big_byte(nr, i);
	world_same(world, "content of a large file", same, 1);
	share_file_close(file);
}

static void check_object(struct world *world, struct share_node *node,
			 const struct share_dirent *entry)
{
	struct share_attr attr;
	struct share_file *file;
	char buf[4096];

	world_same(world, "getattr", share_getattr(node, &attr), 0);
	world_same(world, "type", IFTODT(attr.mode), entry->type);
	if (S_ISLNK(attr.mode)) {
		int len = share_readlink(node, buf, sizeof(buf));

		world_same(world, "readlink", len > 0, 1);
		world_same(world, "a whiteout is shown",
			   memcmp(buf, "(ivlab", 6) == 0, 0);
	}
	if (S_ISREG(attr.mode)) {
		world_same(world, "open", share_open(node, O_RDONLY, &file), 0);
		world_same(world, "read",
			   share_read(file, buf, sizeof(buf), 0) >= 0, 1);
		share_file_close(file);
	}
	if (!strncmp(entry->name, "big", 3))
		check_big(world, node, (uint32_t)(entry->name[3] - '0'));
}

static void check_dir(struct world *world, struct share_node *dir)
{
	struct share_dirent entry;
	struct share_file *file;
	uint64_t off = 0;
	int got;

	world_same(world, "open", share_open(dir, O_RDONLY, &file), 0);
	while ((got = share_readdir(file, off, &entry)) == 1) {
		struct share_node *node;

		off = entry.next_off;
		if (!strcmp(entry.name, ".") || !strcmp(entry.name, ".."))
			continue;
		(void)snprintf(world->op, sizeof(world->op), "check %s",
			       entry.name);
		world_same(world, "walk",
			   share_walk(dir, entry.name, entry.name_len, &node),
			   0);
		check_object(world, node, &entry);
		if (entry.type == DT_DIR)
			check_dir(world, node);
		share_node_put(node);
	}
	world_same(world, "end of readdir", got, 0);
	share_file_close(file);
}

static int ignore(void *arg, enum share_change change, const char *path)
{
	(void)arg;
	(void)change;
	(void)path;
	return 0;
}

static void check_work_is_empty(struct world *world)
{
	DIR *dir = opendir(tree_path(world->dir.text, "upper/work").text);
	uint64_t nr = 0;

	TREE_CHECK(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	world_same(world, "leftovers", (int64_t)nr, 2);
}

/* Kill a child after some operations, somewhere in the next ones. */
static void kill_one(struct world *world, uint64_t round)
{
	uint32_t ops = 1 + world_random(world, 60);
	int progress[2], status;
	char byte;
	pid_t pid;

	TREE_CHECK(pipe2(progress, O_CLOEXEC) == 0);
	pid = fork();
	TREE_CHECK(pid >= 0);
	if (!pid) {
		close(progress[0]);
		child(world, round + 1, progress[1]);
	}
	close(progress[1]);
	while (ops--)
		if (read(progress[0], &byte, 1) != 1)
			break;
	usleep(world_random(world, 400));
	TREE_CHECK(kill(pid, SIGKILL) == 0);
	TREE_CHECK(waitpid(pid, &status, 0) == pid);
	world_same(world, "the child was killed, and did not end",
		   WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, 1);
	close(progress[0]);
}

int main(void)
{
	struct world world = { .seed = 1, .random = 42, .alone = true };
	struct tree_path lower;
	uint64_t hash;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	umask(0);
	alarm(TIMEOUT_S);
	world.dir = tree_make();
	lower = tree_path(world.dir.text, "lower");
	world_fill(lower.text);
	make_big(lower.text);
	tree_mkdir(world.dir.text, "nothing");
	world.oracle_fd = open(tree_path(world.dir.text, "nothing").text,
			       O_PATH | O_CLOEXEC);
	hash = tree_hash(lower.text);
	for (uint64_t i = 0; i < KILLS; i++) {
		world.alone = true;
		kill_one(&world, i);
		world.alone = false;
		world.op_nr = i;
		world_same(&world, "the lower layer is as it was",
			   tree_hash(lower.text) == hash, 1);
		world_open_share(&world);
		check_work_is_empty(&world);
		check_dir(&world, world.root);
		world_same(&world, "diff",
			   share_diff(world.share, ignore, NULL), 0);
		if (i % DISCARD_EACH == 0) {
			share_node_put(world.root);
			world.root = NULL;
			world_same(&world, "discard",
				   share_discard(world.share), 0);
		}
		world_close_share(&world);
	}
	close(world.oracle_fd);
	tree_remove(world.dir.text);
	printf("ok share_kill/%d_kills_leave_whole_layers\n", KILLS);
	return EXIT_SUCCESS;
}
