/* SPDX-License-Identifier: MIT */
/* test_share_xattr.c - which extended attributes pass, and which are ours? */
#include "tests/unit/share_room.h"

static void start(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	tree_symlink(room->lower.text, "link", "file");
	TREE_CHECK(setxattr(tree_path(room->lower.text, "file").text,
			    "user.low", "1", 1, 0) == 0);
	room_open(room, SHARE_COW);
}

static void attributes_are_set_listed_and_removed(void)
{
	struct share_node *node;
	struct room room;
	char buf[64];

	start(&room);
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(share_setxattr(node, "user.a", "value", 5, 0), 0);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.a", "v", 1, XATTR_CREATE),
			-EEXIST);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.b", "v", 1, XATTR_REPLACE),
			-ENODATA);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.b", "v", 1, 64), -EINVAL);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.empty", "", 0, 0), 0);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.a", NULL, 0), 5);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.a", buf, 4), -ERANGE);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.a", buf, 64), 5);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.low", buf, 64), 1);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.empty", buf, 64), 0);
	CU_ASSERT_EQUAL(share_listxattr(node, NULL, 0), 9 + 7 + 11);
	CU_ASSERT_EQUAL(share_listxattr(node, buf, 10), -ERANGE);
	CU_ASSERT_EQUAL(share_listxattr(node, buf, 64), 27);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.a", NULL, 0, 0), 0);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.a", NULL, 0, 0), -ENODATA);
	CU_ASSERT_EQUAL(share_getxattr(node, "user.a", buf, 64), -ENODATA);
	share_node_put(node);
	room_end(&room);
}

static void removing_nothing_copies_nothing(void)
{
	struct share_node *node;
	struct room room;

	start(&room);
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(share_setxattr(node, "user.no", NULL, 0, 0), -ENODATA);
	CU_ASSERT_EQUAL(
		access(tree_path(room.upper.text, "tree/file").text, F_OK), -1);
	share_node_put(node);
	room_end(&room);
}

static void our_own_are_hidden_and_safe(void)
{
	struct share_setattr set = { .valid = SHARE_SET_UID, .uid = 5 };
	static const char *const ours[] = { "user.ivlab.stat",
					    "user.ivlab.other" };
	struct share_node *node;
	struct room room;
	char buf[64];

	start(&room);
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(share_setattr(node, &set), 0);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(share_getxattr(node, ours[i], buf, 64),
				-ENODATA);
		CU_ASSERT_EQUAL(share_setxattr(node, ours[i], "0", 1, 0),
				-EPERM);
		CU_ASSERT_EQUAL(share_setxattr(node, ours[i], NULL, 0, 0),
				-EPERM);
	}
	CU_ASSERT_EQUAL(share_listxattr(node, buf, 64), 9);
	CU_ASSERT_STRING_EQUAL(buf, "user.low");
	share_node_put(node);
	CU_ASSERT_EQUAL(room_attr(&room, "file").uid, 5);
	room_end(&room);
}

static void other_namespaces_are_refused(void)
{
	static const char *const names[] = {
		"trusted.overlay.opaque",
		"security.capability",
		"system.other",
		"noprefix",
		"users.x",
		"user",
	};
	struct share_node *node;
	struct room room;
	char name[300], buf[8];

	start(&room);
	node = room_find(&room, "file");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		CU_ASSERT_EQUAL(share_setxattr(node, names[i], "x", 1, 0),
				-EOPNOTSUPP);
		CU_ASSERT_EQUAL(share_getxattr(node, names[i], buf, 8),
				-EOPNOTSUPP);
	}
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[299] = '\0';
	CU_ASSERT_EQUAL(share_setxattr(node, name, "x", 1, 0), -ERANGE);
	CU_ASSERT_EQUAL(share_setxattr(node, "", "x", 1, 0), -ERANGE);
	CU_ASSERT_EQUAL(share_setxattr(node, "user.", "x", 1, 0), -EINVAL);
	CU_ASSERT_EQUAL(
		share_setxattr(node, "user.x", buf, SHARE_XATTR_MAX + 1, 0),
		-E2BIG);
	share_node_put(node);
	room_end(&room);
}

static void links_and_special_files_have_none(void)
{
	static const char *const names[] = { "link", "pipe" };
	struct room room;
	char buf[64];

	start(&room);
	CU_ASSERT_EQUAL(room_mknod(&room, "pipe", S_IFIFO | 0600), 0);
	for (int i = 0; i < 2; i++) {
		struct share_node *node = room_find(&room, names[i]);

		CU_ASSERT_EQUAL(share_setxattr(node, "user.a", "x", 1, 0),
				-EPERM);
		CU_ASSERT_EQUAL(share_getxattr(node, "user.a", buf, 64),
				-ENODATA);
		CU_ASSERT_EQUAL(share_listxattr(node, buf, 64), 0);
		share_node_put(node);
	}
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "attributes_are_set_listed_and_removed",
	  attributes_are_set_listed_and_removed },
	{ "removing_nothing_copies_nothing", removing_nothing_copies_nothing },
	{ "our_own_are_hidden_and_safe", our_own_are_hidden_and_safe },
	{ "other_namespaces_are_refused", other_namespaces_are_refused },
	{ "links_and_special_files_have_none",
	  links_and_special_files_have_none },
};

UNIT_MAIN("share_xattr", tests)
