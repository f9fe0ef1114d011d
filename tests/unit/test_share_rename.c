/* SPDX-License-Identifier: MIT */
/* test_share_rename.c - does a rename across layers look like one on a local
 * file system, but for lower directories? */
#include "tests/unit/share_room.h"

static void start(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "a", "lower a");
	tree_file(room->lower.text, "b", "lower b");
	tree_mkdir(room->lower.text, "dir");
	tree_file(room->lower.text, "dir/inner", "inner");
	tree_mkdir(room->lower.text, "empty");
	room_open(room, SHARE_COW);
	CU_ASSERT_EQUAL(room_create_file(room, "up", "upper"), 0);
	CU_ASSERT_EQUAL(room_mkdir(room, "updir"), 0);
	CU_ASSERT_EQUAL(room_create_file(room, "updir/x", "x"), 0);
}

static void lower_file_leaves_its_name(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "dir/moved"), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(room_there(&room, "a"), -ENOENT);
		CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/moved"),
				       "lower a");
		room_again(&room);
	}
	CU_ASSERT_EQUAL(room_rename(&room, "dir/moved", "a"), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "a"), "lower a");
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "inner ");
	room_end(&room);
}

static void files_replace_files(void)
{
	static const char *const pairs[][2] = {
		{ "up", "b" },
		{ "b", "a" },
		{ "a", "dir/inner" },
	};
	struct room room;

	start(&room);
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(room_rename(&room, pairs[i][0], pairs[i][1]),
				0);
		CU_ASSERT_EQUAL(room_there(&room, pairs[i][0]), -ENOENT);
		room_again(&room);
		CU_ASSERT_EQUAL(room_there(&room, pairs[i][0]), -ENOENT);
		CU_ASSERT_STRING_EQUAL(room_text(&room, pairs[i][1]), "upper");
		CU_ASSERT_EQUAL(room_attr(&room, pairs[i][1]).nlink, 1);
	}
	room_end(&room);
}

static void replaced_file_lives_on_for_its_reader(void)
{
	struct share_file *reader;
	struct room room;
	char text[16] = "";

	start(&room);
	reader = room_file(&room, "b", O_RDONLY);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "b"), 0);
	CU_ASSERT_EQUAL(share_read(reader, text, sizeof(text), 0), 7);
	CU_ASSERT_STRING_EQUAL(text, "lower b");
	share_file_close(reader);
	room_end(&room);
}

static void types_must_fit(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "dir"), -EISDIR);
	CU_ASSERT_EQUAL(room_rename(&room, "updir", "a"), -ENOTDIR);
	CU_ASSERT_EQUAL(room_rename(&room, "updir", "dir"), -ENOTEMPTY);
	CU_ASSERT_EQUAL(room_rename(&room, "updir", "updir/sub"), -EINVAL);
	CU_ASSERT_EQUAL(room_rename(&room, "updir/x", "updir"), -ENOTEMPTY);
	CU_ASSERT_EQUAL(room_rename(&room, "nothing", "a"), -ENOENT);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "nodir/a"), -ENOENT);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "a"), 0);
	CU_ASSERT_EQUAL(room_link(&room, "a", "a2"), 0);
	CU_ASSERT_EQUAL(room_rename(&room, "a", "a2"), 0);
	CU_ASSERT_EQUAL(room_there(&room, "a"), 0);
	room_end(&room);
}

static void lower_directories_are_exdev(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_rename(&room, "dir", "d2"), -EXDEV);
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/new", ""), 0);
	CU_ASSERT_EQUAL(room_rename(&room, "dir", "d2"), -EXDEV);
	CU_ASSERT_EQUAL(room_rename(&room, "empty", "e2"), -EXDEV);
	CU_ASSERT_EQUAL(room_there(&room, "dir/new"), 0);
	room_end(&room);
}

static void upper_directory_moves_over_deleted_and_empty_ones(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_rename(&room, "updir", "empty"), 0);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "empty"), "x ");
	CU_ASSERT_EQUAL(room_there(&room, "updir"), -ENOENT);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/inner", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	/* What the lower layer has below the name stays hidden. */
	CU_ASSERT_EQUAL(room_rename(&room, "empty", "dir"), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "x ");
		CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/x"), "x");
		CU_ASSERT_EQUAL(room_there(&room, "empty"), -ENOENT);
		room_again(&room);
	}
	CU_ASSERT_EQUAL(room_rename(&room, "dir", "away"), 0);
	CU_ASSERT_EQUAL(room_there(&room, "dir"), -ENOENT);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "away"), "x ");
	room_end(&room);
}

static void node_follows_its_file(void)
{
	struct share_node *node, *again;
	struct share_attr attr;
	struct room room;

	start(&room);
	node = room_find(&room, "a");
	CU_ASSERT_EQUAL(room_rename(&room, "a", "updir/a"), 0);
	again = room_find(&room, "updir/a");
	CU_ASSERT_PTR_EQUAL(again, node);
	share_node_put(again);
	CU_ASSERT_EQUAL(share_rename_node(node, room.root, "c", 1), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "c"), "lower a");
	CU_ASSERT_EQUAL(share_remove(node), 0);
	CU_ASSERT_EQUAL(room_there(&room, "c"), -ENOENT);
	CU_ASSERT_EQUAL(share_remove(node), -ENOENT);
	CU_ASSERT_EQUAL(share_rename_node(node, room.root, "d", 1), -ENOENT);
	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	CU_ASSERT_EQUAL(attr.nlink, 0);
	share_node_put(node);
	CU_ASSERT_EQUAL(share_rename_node(room.root, room.root, "r", 1),
			-EBUSY);
	room_end(&room);
}

static void children_of_a_moved_directory_stay_usable(void)
{
	struct share_node *dir, *file;
	struct room room;

	start(&room);
	file = room_find(&room, "updir/x");
	dir = room_find(&room, "updir");
	CU_ASSERT_EQUAL(share_rename_node(dir, room.root, "other", 5), 0);
	CU_ASSERT_EQUAL(share_rename_node(file, dir, "y", 1), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "other/y"), "x");
	share_node_put(dir);
	share_node_put(file);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "lower_file_leaves_its_name", lower_file_leaves_its_name },
	{ "files_replace_files", files_replace_files },
	{ "replaced_file_lives_on_for_its_reader",
	  replaced_file_lives_on_for_its_reader },
	{ "types_must_fit", types_must_fit },
	{ "lower_directories_are_exdev", lower_directories_are_exdev },
	{ "upper_directory_moves_over_deleted_and_empty_ones",
	  upper_directory_moves_over_deleted_and_empty_ones },
	{ "node_follows_its_file", node_follows_its_file },
	{ "children_of_a_moved_directory_stay_usable",
	  children_of_a_moved_directory_stay_usable },
};

UNIT_MAIN("share_rename", tests)
