/* SPDX-License-Identifier: MIT */
/* test_share_hostile.c - does a share hold when a guest builds what nobody
 * should, and when the host changes things under it? */
#include <sys/resource.h>

#include "tests/unit/share_room.h"

#define DEPTH 3000

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	TREE_CHECK(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

/* Deeper than PATH_MAX, the stack of a recursion or a descriptor table. */
static void build_deep(struct room *room)
{
	struct share_node *dir = share_node_get(room->root), *next;

	for (int i = 0; i < DEPTH; i++) {
		int err = share_mkdir(dir, "d", 1, 0700, room_owner, &next);

		CU_ASSERT_EQUAL_FATAL(err, 0);
		/* What holds a parent is its child. */
		if (i % 100 == 0) {
			struct share_node *held = next;

			CU_ASSERT_EQUAL(share_walk(held, "..", 2, &next), 0);
			CU_ASSERT_PTR_EQUAL(next, dir);
			share_node_put(next);
			next = held;
		}
		share_node_put(dir);
		dir = next;
	}
	share_node_put(dir);
}

static void deep_trees_are_counted_and_discarded(void)
{
	struct share_opts opts = { .mode = SHARE_COW, .quota = 1ull << 30 };
	struct rlimit before, more;
	struct share_statfs fs;
	struct room room;

	room_start(&room);
	TREE_CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	more = before;
	more.rlim_cur = DEPTH + 200 < before.rlim_max ? DEPTH + 200
						      : before.rlim_max;
	TREE_CHECK(setrlimit(RLIMIT_NOFILE, &more) == 0);
	if (more.rlim_cur < DEPTH + 200) {
		unit_skip("the limit of open files is too low to build it");
	} else {
		room_open_with(&room, opts);
		build_deep(&room);
		room_close(&room);
		/* All that follows needs a few descriptors only. */
		more.rlim_cur = 64;
		TREE_CHECK(setrlimit(RLIMIT_NOFILE, &more) == 0);
		room_open_with(&room, opts);
		CU_ASSERT_EQUAL(share_statfs(room.root, &fs), 0);
		CU_ASSERT_EQUAL(fs.blocks - fs.bfree,
				DEPTH * 4096ull / fs.bsize);
		share_node_put(room.root);
		room.root = NULL;
		CU_ASSERT_EQUAL(share_discard(room.share), 0);
		room_close(&room);
		CU_ASSERT_EQUAL(rmdir(tree_path(room.upper.text, "work").text),
				0);
		CU_ASSERT_EQUAL(rmdir(tree_path(room.upper.text, "tree").text),
				0);
	}
	TREE_CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	tree_remove(room.dir.text);
}

static void no_descriptors_left_is_emfile(void)
{
	struct rlimit before, less;
	struct share_node *node;
	struct room room;
	int nr;

	room_start(&room);
	tree_mkdir(room.lower.text, "dir");
	tree_file(room.lower.text, "dir/file", "x");
	room_open(&room, SHARE_COW);
	TREE_CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
	nr = descriptors(); /* with ".", ".." and its own */
	for (int left = 0; left < 12; left++) {
		less = before;
		less.rlim_cur = (rlim_t)nr - 3 + (rlim_t)left;
		TREE_CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
		(void)room_open_err(&room, "dir/file", O_WRONLY);
		(void)room_unlink(&room, "dir/file", false);
		(void)room_create_file(&room, "dir/file", "x");
		(void)room_mkdir(&room, "new");
		(void)room_rename(&room, "dir/file", "moved");
		(void)room_rename(&room, "moved", "dir/file");
		(void)room_unlink(&room, "new", true);
		TREE_CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
		CU_ASSERT_EQUAL(descriptors(), nr);
		/* Whatever was done or not: it can be gone on from. */
		(void)room_unlink(&room, "moved", false);
		(void)room_unlink(&room, "new", true);
		CU_ASSERT_EQUAL(room_create_file(&room, "dir/file", "x"), 0);
		CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "dir ");
		CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/file"), "x");
	}
	less = before;
	less.rlim_cur = (rlim_t)nr - 3;
	TREE_CHECK(setrlimit(RLIMIT_NOFILE, &less) == 0);
	CU_ASSERT_EQUAL(share_walk(room.root, "dir", 3, &node), -EMFILE);
	TREE_CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
	room_end(&room);
}

static void node_holds_two_descriptors_at_most(void)
{
	static const char *const names[] = { "dir", "file", "link", "dir/up" };
	struct room room;

	room_start(&room);
	tree_mkdir(room.lower.text, "dir");
	tree_file(room.lower.text, "file", "x");
	tree_symlink(room.lower.text, "link", "x");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/up", "x"), 0);
	for (int i = 0; i < 4; i++) {
		int before = descriptors();
		struct share_node *node = room_find(&room, names[i]);

		/* dir/up holds its parent. */
		CU_ASSERT_TRUE(descriptors() - before <= (i == 3 ? 3 : 2));
		share_node_put(node);
		CU_ASSERT_EQUAL(descriptors(), before);
	}
	room_end(&room);
}

static void file_replaced_on_the_host_is_another(void)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0600 };
	struct share_node *old, *now;
	struct room room;

	room_start(&room);
	tree_file(room.lower.text, "file", "old");
	room_open(&room, SHARE_COW);
	old = room_find(&room, "file");
	tree_file(room.lower.text, "other", "new");
	TREE_CHECK(rename(tree_path(room.lower.text, "other").text,
			  tree_path(room.lower.text, "file").text) == 0);
	CU_ASSERT_EQUAL(share_setattr(old, &set), -ESTALE);
	now = room_find(&room, "file");
	CU_ASSERT_PTR_NOT_EQUAL(old, now);
	CU_ASSERT_EQUAL(share_setattr(now, &set), 0);
	CU_ASSERT_EQUAL(share_setattr(old, &set), -ESTALE);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "new");
	share_node_put(old);
	share_node_put(now);
	room_end(&room);
}

static void name_taken_by_others_is_estale(void)
{
	struct share_node *node;
	struct room room;

	room_start(&room);
	tree_file(room.lower.text, "file", "old");
	tree_file(room.lower.text, "other", "new");
	room_open(&room, SHARE_RW);
	node = room_find(&room, "file");
	TREE_CHECK(rename(tree_path(room.lower.text, "other").text,
			  tree_path(room.lower.text, "file").text) == 0);
	CU_ASSERT_EQUAL(share_remove(node), -ESTALE);
	CU_ASSERT_EQUAL(share_rename_node(node, room.root, "x", 1), -ESTALE);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "new");
	share_node_put(node);
	room_end(&room);
}

static void lower_names_that_go_leave_harmless_whiteouts(void)
{
	struct room room;

	room_start(&room);
	tree_mkdir(room.lower.text, "dir");
	tree_file(room.lower.text, "dir/file", "x");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/file", false), 0);
	TREE_CHECK(unlink(tree_path(room.lower.text, "dir/file").text) == 0);
	TREE_CHECK(rmdir(tree_path(room.lower.text, "dir").text) == 0);
	room_again(&room);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "");
	CU_ASSERT_EQUAL(room_rename(&room, "dir", "moved"), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "new"), 0);
	CU_ASSERT_EQUAL(room_rename(&room, "new", "moved"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "moved", true), 0);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "");
	room_end(&room);
}

static void directory_and_file_swap_below(void)
{
	struct room room;

	room_start(&room);
	tree_mkdir(room.lower.text, "dir");
	tree_file(room.lower.text, "dir/file", "x");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/up", "u"), 0);
	TREE_CHECK(rename(tree_path(room.lower.text, "dir").text,
			  tree_path(room.lower.text, "was").text) == 0);
	tree_file(room.lower.text, "dir", "a file now");
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "up ");
	CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "dir was ");
	room_end(&room);
}

static void names_of_255_bytes_work_everywhere(void)
{
	char name[SHARE_NAME_MAX + 1], other[SHARE_NAME_MAX + 1];
	struct room room;

	memset(name, 'n', SHARE_NAME_MAX);
	memset(other, 'o', SHARE_NAME_MAX);
	name[SHARE_NAME_MAX] = other[SHARE_NAME_MAX] = '\0';
	room_start(&room);
	tree_file(room.lower.text, name, "x");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_rename(&room, name, other), 0);
	CU_ASSERT_EQUAL(room_there(&room, name), -ENOENT);
	CU_ASSERT_EQUAL(room_mkdir(&room, name), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, name, true), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, other, false), 0);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "");
	room_end(&room);
}

static void targets_have_a_limit(void)
{
	static char target[SHARE_TARGET_MAX + 2];
	struct share_node *node;
	struct room room;

	memset(target, 't', sizeof(target) - 1);
	room_start(&room);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(share_symlink(room.root, "l", 1, target,
				      SHARE_TARGET_MAX + 1, room_owner, NULL),
			-ENAMETOOLONG);
	CU_ASSERT_EQUAL(
		share_symlink(room.root, "l", 1, target, 0, room_owner, NULL),
		-ENOENT);
	CU_ASSERT_EQUAL(
		share_symlink(room.root, "l", 1, "a\0b", 3, room_owner, NULL),
		-EINVAL);
	CU_ASSERT_EQUAL(share_symlink(room.root, "l", 1, target,
				      SHARE_TARGET_MAX, room_owner, &node),
			0);
	CU_ASSERT_EQUAL(share_readlink(node, target, SHARE_TARGET_MAX),
			SHARE_TARGET_MAX);
	share_node_put(node);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "deep_trees_are_counted_and_discarded",
	  deep_trees_are_counted_and_discarded },
	{ "no_descriptors_left_is_emfile", no_descriptors_left_is_emfile },
	{ "node_holds_two_descriptors_at_most",
	  node_holds_two_descriptors_at_most },
	{ "file_replaced_on_the_host_is_another",
	  file_replaced_on_the_host_is_another },
	{ "name_taken_by_others_is_estale", name_taken_by_others_is_estale },
	{ "lower_names_that_go_leave_harmless_whiteouts",
	  lower_names_that_go_leave_harmless_whiteouts },
	{ "directory_and_file_swap_below", directory_and_file_swap_below },
	{ "names_of_255_bytes_work_everywhere",
	  names_of_255_bytes_work_everywhere },
	{ "targets_have_a_limit", targets_have_a_limit },
};

UNIT_MAIN("share_hostile", tests)
