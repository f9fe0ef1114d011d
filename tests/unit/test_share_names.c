/* SPDX-License-Identifier: MIT */
/* test_share_names.c - what do names of two layers lead to after they were
 * made, linked and removed? */
#include "tests/unit/share_room.h"

static void start(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	tree_mkdir(room->lower.text, "dir");
	tree_file(room->lower.text, "dir/inner", "inner");
	tree_symlink(room->lower.text, "link", "dir/inner");
	room_open(room, SHARE_COW);
}

static void bad_names_are_refused(void)
{
	static const char *const bad[] = { "a/b", "/", "/abs", "a/" };
	char name[SHARE_NAME_MAX + 2];
	struct share_node *node;
	struct room room;

	start(&room);
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_EQUAL(
			share_walk(room.root, bad[i], strlen(bad[i]), &node),
			-EINVAL);
	CU_ASSERT_EQUAL(share_walk(room.root, "", 0, &node), -EINVAL);
	CU_ASSERT_EQUAL(share_walk(room.root, "a\0b", 3, &node), -EINVAL);
	CU_ASSERT_EQUAL(share_walk(room.root, name, SHARE_NAME_MAX + 1, &node),
			-ENAMETOOLONG);
	CU_ASSERT_EQUAL(share_walk(room.root, name, SHARE_NAME_MAX, &node),
			-ENOENT);
	CU_ASSERT_EQUAL(share_mkdir(room.root, name, SHARE_NAME_MAX, 0700,
				    room_owner, NULL),
			0);
	for (const char *dots = ".."; *dots; dots++) {
		size_t len = strlen(dots);

		CU_ASSERT_EQUAL(share_mkdir(room.root, dots, len, 0700,
					    room_owner, NULL),
				-EINVAL);
		CU_ASSERT_EQUAL(share_unlink(room.root, dots, len, true),
				-EINVAL);
		CU_ASSERT_EQUAL(
			share_rename(room.root, "dir", 3, room.root, dots, len),
			-EINVAL);
	}
	room_end(&room);
}

static void dots_stay_inside(void)
{
	struct share_node *dir, *up, *self;
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(share_walk(room.root, "..", 2, &up), 0);
	CU_ASSERT_PTR_EQUAL(up, room.root);
	share_node_put(up);
	dir = room_find(&room, "dir");
	CU_ASSERT_EQUAL(share_walk(dir, "..", 2, &up), 0);
	CU_ASSERT_PTR_EQUAL(up, room.root);
	CU_ASSERT_EQUAL(share_walk(dir, ".", 1, &self), 0);
	CU_ASSERT_PTR_EQUAL(self, dir);
	share_node_put(up);
	share_node_put(self);
	share_node_put(dir);
	room_end(&room);
}

static void walking_through_others_is_enotdir(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_there(&room, "file/x"), -ENOTDIR);
	CU_ASSERT_EQUAL(room_there(&room, "link/x"), -ENOTDIR);
	CU_ASSERT_EQUAL(room_there(&room, "file/.."), -ENOTDIR);
	room_end(&room);
}

static void deleted_names_stay_deleted(void)
{
	struct room room;
	uint64_t hash;

	start(&room);
	hash = tree_hash(room.lower.text);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), -ENOENT);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), -ENOTEMPTY);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", false), -EISDIR);
	CU_ASSERT_EQUAL(room_unlink(&room, "link", true), -ENOTDIR);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/inner", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(room_there(&room, "file"), -ENOENT);
		CU_ASSERT_EQUAL(room_there(&room, "dir"), -ENOENT);
		CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "link ");
		room_again(&room);
	}
	CU_ASSERT_EQUAL(tree_hash(room.lower.text), hash);
	room_end(&room);
}

static void directory_made_anew_is_empty(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/inner", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "dir"), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "");
		CU_ASSERT_EQUAL(room_there(&room, "dir/inner"), -ENOENT);
		CU_ASSERT_EQUAL(room_attr(&room, "dir").mode, S_IFDIR | 0755);
		room_again(&room);
	}
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/inner", "new"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/inner", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	CU_ASSERT_EQUAL(room_there(&room, "dir"), -ENOENT);
	room_end(&room);
}

static void everything_can_stand_over_a_deleted_name(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "file", "again"), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "again");
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_symlink(&room, "file", "there"), 0);
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_RDONLY), -ELOOP);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_mknod(&room, "file", S_IFIFO | 0600), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "file").mode, S_IFIFO | 0600);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "file"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", true), 0);
	CU_ASSERT_EQUAL(room_link(&room, "dir/inner", "file"), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "inner");
	room_end(&room);
}

static void names_that_exist_are_eexist(void)
{
	static const char *const names[] = { "file", "dir", "link" };
	struct room room;

	start(&room);
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(room_mkdir(&room, names[i]), -EEXIST);
		CU_ASSERT_EQUAL(room_symlink(&room, names[i], "x"), -EEXIST);
		CU_ASSERT_EQUAL(room_mknod(&room, names[i], S_IFIFO | 0600),
				-EEXIST);
		CU_ASSERT_EQUAL(room_link(&room, "file", names[i]), -EEXIST);
	}
	CU_ASSERT_EQUAL(room_create_file(&room, "dir", ""), -EISDIR);
	CU_ASSERT_EQUAL(room_create_file(&room, "link", ""), -ELOOP);
	room_end(&room);
}

static void create_opens_what_is_there_unless_exclusive(void)
{
	struct share_file *file;
	struct share_node *node;
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(share_create_file(room.root, "file", 4, O_RDWR | O_EXCL,
					  0600, room_owner, &node, &file),
			-EEXIST);
	CU_ASSERT_EQUAL_FATAL(share_create_file(room.root, "file", 4, O_RDWR,
						0600, room_owner, &node, &file),
			      0);
	CU_ASSERT_EQUAL(share_write(file, "X", 1, 0), 1);
	share_file_close(file);
	share_node_put(node);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "Xower");
	CU_ASSERT_EQUAL(room_attr(&room, "file").mode, S_IFREG | 0644);
	/* A mode without rights does not keep the opener from writing. */
	CU_ASSERT_EQUAL_FATAL(share_create_file(room.root, "new", 3, O_RDWR,
						0400, room_owner, &node, &file),
			      0);
	CU_ASSERT_EQUAL(share_write(file, "X", 1, 0), 1);
	share_file_close(file);
	share_node_put(node);
	CU_ASSERT_EQUAL(room_attr(&room, "new").mode, S_IFREG | 0400);
	room_end(&room);
}

static void links_share_their_content(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_link(&room, "file", "dir/second"), 0);
	CU_ASSERT_EQUAL(room_attr(&room, "file").nlink, 2);
	CU_ASSERT_EQUAL(room_attr(&room, "file").id.path,
			room_attr(&room, "dir/second").id.path);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "SHARE", 0), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/second"), "SHARE");
	CU_ASSERT_EQUAL(room_link(&room, "dir", "d2"), -EPERM);
	CU_ASSERT_EQUAL(room_link(&room, "link", "link2"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/second"), "SHARE");
	CU_ASSERT_EQUAL(room_attr(&room, "dir/second").nlink, 1);
	room_end(&room);
}

static void links_by_symbolic_link_are_of_the_link(void)
{
	struct share_node *node;
	struct room room;
	char target[64];

	start(&room);
	CU_ASSERT_EQUAL(room_link(&room, "link", "second"), 0);
	node = room_find(&room, "second");
	CU_ASSERT_EQUAL(share_readlink(node, target, sizeof(target)), 9);
	CU_ASSERT_EQUAL(memcmp(target, "dir/inner", 9), 0);
	CU_ASSERT_EQUAL(share_readlink(node, target, 8), -ERANGE);
	share_node_put(node);
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(share_readlink(node, target, sizeof(target)), -EINVAL);
	share_node_put(node);
	room_end(&room);
}

static void nothing_is_made_in_removed_directories(void)
{
	struct share_node *dir, *child;
	struct share_file *file;
	struct share_dirent entry;
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/inner", false), 0);
	dir = room_find(&room, "dir");
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	CU_ASSERT_EQUAL(share_mkdir(dir, "x", 1, 0700, room_owner, NULL),
			-ENOENT);
	CU_ASSERT_EQUAL(share_walk(dir, "inner", 5, &child), -ENOENT);
	CU_ASSERT_EQUAL(share_remove(dir), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(share_open(dir, O_RDONLY, &file), 0);
	CU_ASSERT_EQUAL(share_readdir(file, 0, &entry), 1);
	share_file_close(file);
	share_node_put(dir);
	CU_ASSERT_EQUAL(share_remove(room.root), -EBUSY);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "bad_names_are_refused", bad_names_are_refused },
	{ "dots_stay_inside", dots_stay_inside },
	{ "walking_through_others_is_enotdir",
	  walking_through_others_is_enotdir },
	{ "deleted_names_stay_deleted", deleted_names_stay_deleted },
	{ "directory_made_anew_is_empty", directory_made_anew_is_empty },
	{ "everything_can_stand_over_a_deleted_name",
	  everything_can_stand_over_a_deleted_name },
	{ "names_that_exist_are_eexist", names_that_exist_are_eexist },
	{ "create_opens_what_is_there_unless_exclusive",
	  create_opens_what_is_there_unless_exclusive },
	{ "links_share_their_content", links_share_their_content },
	{ "links_by_symbolic_link_are_of_the_link",
	  links_by_symbolic_link_are_of_the_link },
	{ "nothing_is_made_in_removed_directories",
	  nothing_is_made_in_removed_directories },
};

UNIT_MAIN("share_names", tests)
