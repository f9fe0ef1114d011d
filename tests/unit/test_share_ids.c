/* SPDX-License-Identifier: MIT */
/* test_share_ids.c - has a file one number for life, which no other has? */
#include "tests/unit/share_room.h"

static uint64_t id_of(struct room *room, const char *path)
{
	return room_attr(room, path).id.path;
}

static void id_survives_copy_up_and_rename(void)
{
	struct share_node *node;
	struct share_id held;
	struct room room;
	uint64_t file, dir;

	room_start(&room);
	tree_file(room.lower.text, "file", "x");
	tree_mkdir(room.lower.text, "dir");
	room_open(&room, SHARE_COW);
	file = id_of(&room, "file");
	dir = id_of(&room, "dir");
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "y", 0), 0);
	CU_ASSERT_EQUAL(id_of(&room, "file"), file);
	CU_ASSERT_EQUAL(room_rename(&room, "file", "dir/file"), 0);
	CU_ASSERT_EQUAL(id_of(&room, "dir/file"), file);
	CU_ASSERT_EQUAL(id_of(&room, "dir"), dir);
	CU_ASSERT_EQUAL(room_link(&room, "dir/file", "again"), 0);
	CU_ASSERT_EQUAL(id_of(&room, "again"), file);
	CU_ASSERT_EQUAL(share_id(node, &held), 0);
	CU_ASSERT_EQUAL(held.path, file);
	share_node_put(node);
	room_end(&room);
}

static void parted_hard_links_have_two_ids(void)
{
	struct share_node *held;
	struct share_id id;
	struct room room;
	uint64_t before;

	room_start(&room);
	tree_file(room.lower.text, "a", "x");
	TREE_CHECK(link(tree_path(room.lower.text, "a").text,
			tree_path(room.lower.text, "b").text) == 0);
	room_open(&room, SHARE_COW);
	before = id_of(&room, "a");
	CU_ASSERT_EQUAL(id_of(&room, "b"), before);
	held = room_find(&room, "b");
	CU_ASSERT_EQUAL(room_write_at(&room, "a", "y", 0), 0);
	CU_ASSERT_EQUAL(id_of(&room, "a"), before);
	CU_ASSERT_NOT_EQUAL(id_of(&room, "b"), before);
	CU_ASSERT_EQUAL(share_id(held, &id), 0);
	CU_ASSERT_EQUAL(id.path, id_of(&room, "b"));
	CU_ASSERT_STRING_EQUAL(room_text(&room, "b"), "x");
	share_node_put(held);
	room_end(&room);
}

static void ids_differ(void)
{
	char name[16];
	uint64_t ids[64];
	struct room room;

	room_start(&room);
	for (int i = 0; i < 32; i++) {
		(void)snprintf(name, sizeof(name), "low%d", i);
		tree_file(room.lower.text, name, "");
	}
	room_open(&room, SHARE_COW);
	for (int i = 0; i < 64; i++) {
		(void)snprintf(name, sizeof(name), i < 32 ? "low%d" : "up%d",
			       i % 32);
		if (i >= 32)
			CU_ASSERT_EQUAL(room_create_file(&room, name, ""), 0);
		if (i % 2)
			CU_ASSERT_EQUAL(room_write_at(&room, name, "x", 0), 0);
		ids[i] = id_of(&room, name);
		for (int j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(ids[j], ids[i]);
	}
	room_end(&room);
}

static void removed_file_that_is_open_keeps_its_id(void)
{
	struct share_file *file;
	struct share_node *node;
	struct share_id id;
	struct room room;
	uint64_t before;
	char name[16];

	room_start(&room);
	tree_file(room.lower.text, "file", "x");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "y", 0), 0);
	before = id_of(&room, "file");
	node = room_find(&room, "file");
	file = room_file(&room, "file", O_RDONLY);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	for (int i = 0; i < 8; i++) {
		(void)snprintf(name, sizeof(name), "new%d", i);
		CU_ASSERT_EQUAL(room_create_file(&room, name, ""), 0);
		CU_ASSERT_NOT_EQUAL(id_of(&room, name), before);
	}
	CU_ASSERT_EQUAL(share_id(node, &id), 0);
	CU_ASSERT_EQUAL(id.path, before);
	share_file_close(file);
	share_node_put(node);
	room_end(&room);
}

static void version_changes_with_content(void)
{
	struct room room;
	uint32_t before;

	room_start(&room);
	tree_file(room.lower.text, "file", "x");
	room_open(&room, SHARE_COW);
	before = room_attr(&room, "file").id.version;
	CU_ASSERT_EQUAL(room_attr(&room, "file").id.version, before);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "longer", 0), 0);
	CU_ASSERT_NOT_EQUAL(room_attr(&room, "file").id.version, before);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "id_survives_copy_up_and_rename", id_survives_copy_up_and_rename },
	{ "parted_hard_links_have_two_ids", parted_hard_links_have_two_ids },
	{ "ids_differ", ids_differ },
	{ "removed_file_that_is_open_keeps_its_id",
	  removed_file_that_is_open_keeps_its_id },
	{ "version_changes_with_content", version_changes_with_content },
};

UNIT_MAIN("share_ids", tests)
