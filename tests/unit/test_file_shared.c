/* SPDX-License-Identifier: MIT */
/* test_file_shared.c - which paths may a guest say, and which of the host's
 * files do they mean? */
#include "tests/unit/file_room.h"

#define ORIGINAL "the original\n"

/* --- paths ---------------------------------------------------------------- */

static void paths_are_names_with_slashes_between(void)
{
	static const char *const good[] = { "a",   "a/b", "a/b/c.txt", "...",
					    "..a", "a..", ".a",	       " " };
	static const char *const bad[] = { "",
					   ".",
					   "..",
					   "/",
					   "/a",
					   "a/",
					   "a//b",
					   "a/./b",
					   "./a",
					   "a/.",
					   "../a",
					   "a/..",
					   "//",
					   "a/../b",
					   "/etc/passwd",
					   "..//a",
					   FILE_PATH_RESERVED,
					   "a/.ivlab-copy" };
	struct file_path path;
	char longest[FILE_PATH_MAX + 1];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		CU_ASSERT_EQUAL(
			file_path_check(&path, good[i], strlen(good[i])), 0);
		CU_ASSERT_STRING_EQUAL(path.text, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(file_path_check(&path, bad[i], strlen(bad[i])),
				-EINVAL);
	CU_ASSERT_EQUAL(file_path_check(&path, "a\0b", 3), -EINVAL);
	CU_ASSERT_EQUAL(file_path_check(&path, "a\0", 2), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	CU_ASSERT_EQUAL(file_path_check(&path, longest, FILE_PATH_MAX), 0);
	CU_ASSERT_EQUAL(file_path_check(&path, longest, FILE_PATH_MAX + 1),
			-ENAMETOOLONG);
}

/* --- shared files --------------------------------------------------------- */

static void shared_files_are_found_by_both_rules(void)
{
	struct file_room room;
	struct file_shared shared = { .nr = 0 };
	char old[4096];

	file_room_start(&room, "");
	TREE_CHECK(getcwd(old, sizeof(old)));
	tree_mkdir(room.dir.text, "here");
	tree_mkdir(room.dir.text, "Guest");
	tree_mkdir(room.dir.text, "Guest/sub");
	tree_file(room.dir.text, "Guest/one", "1");
	tree_file(room.dir.text, "Guest/sub/two", "2");
	tree_file(room.dir.text, "three", "3");
	TREE_CHECK(chdir(tree_path(room.dir.text, "here").text) == 0);
	CU_ASSERT_EQUAL(file_shared_add(&shared, "../Guest/sub/two"), 0);
	CU_ASSERT_EQUAL(file_shared_add(&shared, "../Guest/one"), 0);
	CU_ASSERT_EQUAL(file_shared_add(&shared, "../Guest/../three"), 0);
	CU_ASSERT_PTR_EQUAL(file_shared_find(&shared, "sub/two"),
			    &shared.files[0]);
	CU_ASSERT_PTR_EQUAL(file_shared_find(&shared, "two"), &shared.files[0]);
	CU_ASSERT_PTR_EQUAL(file_shared_find(&shared, "one"), &shared.files[1]);
	CU_ASSERT_PTR_EQUAL(file_shared_find(&shared, "three"),
			    &shared.files[2]);
	CU_ASSERT_PTR_NULL(file_shared_find(&shared, "../three"));
	CU_ASSERT_PTR_NULL(file_shared_find(&shared, "sub/one"));
	CU_ASSERT_PTR_NULL(file_shared_find(&shared, "sub"));
	file_shared_destroy(&shared);
	TREE_CHECK(chdir(old) == 0);
	file_room_end(&room);
}

static int add(struct file_room *room, const char *name)
{
	return file_shared_add(&room->shared,
			       tree_path(room->dir.text, name).text);
}

static void what_cannot_be_shared_is_refused(void)
{
	struct file_room room;
	char name[16];

	file_room_start(&room, "");
	tree_mkdir(room.dir.text, "dir");
	tree_file(room.dir.text, "dir/shared.txt", "");
	tree_file(room.dir.text, FILE_PATH_RESERVED, "");
	TREE_CHECK(mkfifo(tree_path(room.dir.text, "fifo").text, 0600) == 0);
	CU_ASSERT_EQUAL(add(&room, "shared.txt"), -EEXIST);
	CU_ASSERT_EQUAL(add(&room, "dir/shared.txt"), -EEXIST);
	CU_ASSERT_EQUAL(add(&room, "none"), -ENOENT);
	CU_ASSERT_EQUAL(add(&room, "dir"), -EISDIR);
	CU_ASSERT_EQUAL(add(&room, "dir/"), -EISDIR);
	CU_ASSERT_EQUAL(add(&room, "dir/."), -EINVAL);
	CU_ASSERT_EQUAL(add(&room, "fifo"), -ENOTSUP);
	CU_ASSERT_EQUAL(add(&room, FILE_PATH_RESERVED), -EINVAL);
	CU_ASSERT_EQUAL(file_shared_add(&room.shared, ""), -EISDIR);
	CU_ASSERT_EQUAL(room.shared.nr, 1);
	for (uint32_t i = 1; i < FILE_SHARED_MAX; i++) {
		(void)snprintf(name, sizeof(name), "file%u", i);
		tree_file(room.dir.text, name, "");
		CU_ASSERT_EQUAL(add(&room, name), 0);
	}
	tree_file(room.dir.text, "more", "");
	CU_ASSERT_EQUAL(add(&room, "more"), -ENOSPC);
	file_room_end(&room);
}

static void a_link_of_the_users_is_followed_once(void)
{
	struct file_room room;

	file_room_start(&room, ORIGINAL);
	tree_symlink(room.dir.text, "link.txt", "shared.txt");
	CU_ASSERT_EQUAL(add(&room, "link.txt"), 0);
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "link.txt"),
			       ORIGINAL);
	/* It leads elsewhere now; the file is what was found at first. */
	TREE_CHECK(unlink(tree_path(room.dir.text, "link.txt").text) == 0);
	tree_symlink(room.dir.text, "link.txt", "neighbour.txt");
	CU_ASSERT_STRING_EQUAL(file_room_text(room.views[0], "link.txt"),
			       ORIGINAL);
	file_room_end(&room);
}

static const struct unit_test tests[] = {
	{ "paths_are_names_with_slashes_between",
	  paths_are_names_with_slashes_between },
	{ "shared_files_are_found_by_both_rules",
	  shared_files_are_found_by_both_rules },
	{ "what_cannot_be_shared_is_refused",
	  what_cannot_be_shared_is_refused },
	{ "a_link_of_the_users_is_followed_once",
	  a_link_of_the_users_is_followed_once },
};

UNIT_MAIN("file_shared", tests)
