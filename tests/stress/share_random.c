/* SPDX-License-Identifier: MIT */
/*
 * share_random.c - does a copy-on-write share answer as a local file system
 * does, whatever is done in whatever order?
 *
 * usage: share_random [OPERATIONS [SEED]]
 *
 * The same random operations go to a share and to a plain copy. Answers, open
 * files and, now and then and after a restart, the whole trees must be equal;
 * the lower layer must not have changed; and a commit must make the lower
 * layer what the plain copy is. The one known difference: a directory of the
 * lower layer cannot be renamed (EXDEV).
 */
#include "tests/stress/share_compare.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OPERATIONS 15000
#else
#define OPERATIONS 100000
#endif
#define COMPARE_EACH 5000
#define RESTART_EACH 20000
#define TIMEOUT_S    200

static int count(void *arg, enum share_change change, const char *path)
{
	(void)change;
	(void)path;
	++*(uint64_t *)arg;
	return 0;
}

static void check_quota(struct world *world)
{
	struct share_statfs before, after;

	/* What was counted along the way is what a scan finds. */
	for (int i = 0; i < WORLD_OPEN_MAX; i++) {
		share_file_close(world->open[i].file);
		if (world->open[i].file)
			close(world->open[i].fd);
		world->open[i] = (struct world_file){ 0 };
	}
	world_same(world, "statfs", share_statfs(world->root, &before), 0);
	world_close_share(world);
	world_open_share(world);
	world_same(world, "statfs", share_statfs(world->root, &after), 0);
	(void)snprintf(world->op, sizeof(world->op), "quota after restart");
	world_same(world, "blocks left", (int64_t)before.bfree,
		   (int64_t)after.bfree);
}

static void commit(struct world *world, uint64_t *changes)
{
	struct tree_path lower = tree_path(world->dir.text, "lower");
	uint64_t found = 0;

	(void)snprintf(world->op, sizeof(world->op), "commit");
	world_same(world, "diff", share_diff(world->share, count, changes), 0);
	world_close_share(world);
	tree_age(world->dir.text, "lower", 900000000);
	/* A share without nodes is what a commit wants. */
	world_open_share(world);
	share_node_put(world->root);
	world->root = NULL;
	world_same(world, "commit", share_commit(world->share, NULL, NULL), 0);
	world_same(world, "diff", share_diff(world->share, count, &found), 0);
	world_same(world, "differences left", (int64_t)found, 0);
	world_same(world, "root", share_root(world->share, &world->root), 0);
	TREE_CHECK(access(lower.text, F_OK) == 0);
}

static void run(uint64_t operations, uint64_t seed)
{
	struct world world;
	struct tree_path lower;
	uint64_t hash, changes = 0;

	world_create(&world, seed);
	lower = tree_path(world.dir.text, "lower");
	hash = tree_hash(lower.text);
	for (uint64_t i = 1; i <= operations; i++) {
		world_step(&world);
		if (i % COMPARE_EACH == 0 || i == operations)
			world_compare(&world);
		if (i % RESTART_EACH && i != operations)
			continue;
		check_quota(&world);
		world_compare(&world);
	}
	if (tree_hash(lower.text) != hash)
		world_fail(&world, "the lower layer has changed", 0, 0);
	commit(&world, &changes);
	world_destroy(&world);
	printf("ok share_random/seed_%" PRIu64 " # %" PRIu64
	       " operations, %" PRIu64 " changes committed\n",
	       seed, operations, changes);
}

int main(int argc, char **argv)
{
	uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 10)
				       : OPERATIONS;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	umask(0);
	alarm(TIMEOUT_S);
	if (argc > 2) {
		run(operations, strtoull(argv[2], NULL, 10));
		return EXIT_SUCCESS;
	}
	for (uint64_t seed = 1; seed <= 3; seed++)
		run(operations, seed);
	return EXIT_SUCCESS;
}
