/* SPDX-License-Identifier: MIT */
/* test_share_diff.c - is what a VM changed told, made or forgotten? */
#include "tests/unit/share_room.h"

struct log {
	char text[1024];
	int stop_after; /* 0: never */
};

static int hear(void *arg, enum share_change change, const char *path)
{
	struct log *log = arg;
	size_t len = strlen(log->text);

	(void)snprintf(log->text + len, sizeof(log->text) - len, "%c%s ",
		       change == SHARE_ADDED	 ? '+'
		       : change == SHARE_CHANGED ? '*'
						 : '-',
		       path);
	return log->stop_after && --log->stop_after == 0 ? -ECANCELED : 0;
}

static const char *diff(struct room *room)
{
	static struct log log;

	log = (struct log){ 0 };
	CU_ASSERT_EQUAL(share_diff(room->share, hear, &log), 0);
	return log.text;
}

static void start(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "a", "aaa");
	tree_file(room->lower.text, "b", "bbb");
	tree_mkdir(room->lower.text, "dir");
	tree_file(room->lower.text, "dir/x", "x");
	tree_file(room->lower.text, "dir/y", "y");
	tree_mkdir(room->lower.text, "old");
	tree_file(room->lower.text, "old/1", "1");
	tree_file(room->lower.text, "old/2", "2");
	tree_age(room->lower.text, "a", 900000000);
	room_open(room, SHARE_COW);
}

static void change_things(struct room *room)
{
	CU_ASSERT_EQUAL(room_write_at(room, "a", "A", 0), 0);
	CU_ASSERT_EQUAL(room_unlink(room, "b", false), 0);
	CU_ASSERT_EQUAL(room_rename(room, "dir/x", "dir/z"), 0);
	CU_ASSERT_EQUAL(room_mkdir(room, "new"), 0);
	CU_ASSERT_EQUAL(room_create_file(room, "new/file", "new"), 0);
	CU_ASSERT_EQUAL(room_symlink(room, "new/link", "file"), 0);
	CU_ASSERT_EQUAL(room_mknod(room, "new/pipe", S_IFIFO | 0600), 0);
	CU_ASSERT_EQUAL(room_unlink(room, "old/1", false), 0);
	CU_ASSERT_EQUAL(room_unlink(room, "old/2", false), 0);
	CU_ASSERT_EQUAL(room_unlink(room, "old", true), 0);
	CU_ASSERT_EQUAL(room_mkdir(room, "old"), 0);
	CU_ASSERT_EQUAL(room_create_file(room, "old/2", "two"), 0);
	CU_ASSERT_EQUAL(room_create_file(room, "old/3", "3"), 0);
}

static const char all_changes[] =
	"*a -b -dir/x +dir/z +new +new/file +new/link +new/pipe -old/1 *old/2 "
	"+old/3 ";

static void diff_tells_each_change_once(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_STRING_EQUAL(diff(&room), "");
	change_things(&room);
	CU_ASSERT_STRING_EQUAL(diff(&room), all_changes);
	room_again(&room);
	CU_ASSERT_STRING_EQUAL(diff(&room), all_changes);
	room_end(&room);
}

static void copies_without_changes_are_none(void)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0600 };
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_open_err(&room, "a", O_RDWR), 0);
	CU_ASSERT_EQUAL(access(tree_path(room.upper.text, "tree/a").text, F_OK),
			0);
	CU_ASSERT_STRING_EQUAL(diff(&room), "");
	CU_ASSERT_EQUAL(room_setattr(&room, "dir/y", set), 0);
	CU_ASSERT_STRING_EQUAL(diff(&room), "*dir/y ");
	CU_ASSERT_EQUAL(room_create_file(&room, "dir/t", ""), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/t", false), 0);
	CU_ASSERT_STRING_EQUAL(diff(&room), "*dir/y ");
	room_end(&room);
}

static void listener_can_stop(void)
{
	struct log log = { .stop_after = 2 };
	struct room room;

	start(&room);
	change_things(&room);
	CU_ASSERT_EQUAL(share_diff(room.share, hear, &log), -ECANCELED);
	CU_ASSERT_STRING_EQUAL(log.text, "*a -b ");
	room_end(&room);
}

static void check_committed(struct room *room)
{
	CU_ASSERT_STRING_EQUAL(diff(room), "");
	room_close(room);
	room_open(room, SHARE_RO);
	CU_ASSERT_STRING_EQUAL(room_names(room, "."), "a dir new old ");
	CU_ASSERT_STRING_EQUAL(room_names(room, "dir"), "y z ");
	CU_ASSERT_STRING_EQUAL(room_names(room, "new"), "file link pipe ");
	CU_ASSERT_STRING_EQUAL(room_names(room, "old"), "2 3 ");
	CU_ASSERT_STRING_EQUAL(room_text(room, "a"), "Aaa");
	CU_ASSERT_STRING_EQUAL(room_text(room, "dir/z"), "x");
	CU_ASSERT_STRING_EQUAL(room_text(room, "old/2"), "two");
	CU_ASSERT_EQUAL(room_attr(room, "new/pipe").mode, S_IFIFO | 0600);
	CU_ASSERT_EQUAL(room_attr(room, "new").mode, S_IFDIR | 0755);
	CU_ASSERT_EQUAL(room_attr(room, "old").mode, S_IFDIR | 0755);
}

static void commit_makes_the_changes(void)
{
	struct log log = { 0 };
	struct room room;

	start(&room);
	change_things(&room);
	CU_ASSERT_EQUAL(share_commit(room.share, hear, &log), -EBUSY);
	share_node_put(room.root);
	room.root = NULL;
	CU_ASSERT_EQUAL(share_commit(room.share, hear, &log), 0);
	CU_ASSERT_STRING_EQUAL(log.text, all_changes);
	check_committed(&room);
	room_end(&room);
}

static void stopped_commit_goes_on(void)
{
	struct room room;
	int err, tries = 0;

	start(&room);
	change_things(&room);
	do {
		struct log log = { .stop_after = 1 };

		share_node_put(room.root);
		room.root = NULL;
		err = share_commit(room.share, hear, &log);
		CU_ASSERT_TRUE(err == 0 || err == -ECANCELED);
		room_again(&room);
	} while (err && ++tries < 30);
	CU_ASSERT_EQUAL(tries, 11);
	check_committed(&room);
	room_end(&room);
}

static void commit_replaces_types(void)
{
	struct room room;

	start(&room);
	CU_ASSERT_EQUAL(room_unlink(&room, "a", false), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "a"), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "a/in", "in"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/x", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir/y", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "dir", "file"), 0);
	CU_ASSERT_STRING_EQUAL(diff(&room), "*a +a/in *dir ");
	share_node_put(room.root);
	room.root = NULL;
	CU_ASSERT_EQUAL(share_commit(room.share, NULL, NULL), 0);
	room_again(&room);
	CU_ASSERT_STRING_EQUAL(diff(&room), "");
	CU_ASSERT_STRING_EQUAL(room_text(&room, "a/in"), "in");
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir"), "file");
	room_end(&room);
}

static void commit_follows_no_link_of_the_lower_layer(void)
{
	struct room room;

	start(&room);
	tree_mkdir(room.dir.text, "outside");
	tree_file(room.dir.text, "outside/y", "canary");
	CU_ASSERT_EQUAL(room_write_at(&room, "dir/y", "Y", 0), 0);
	share_node_put(room.root);
	room.root = NULL;
	TREE_CHECK(rename(tree_path(room.lower.text, "dir").text,
			  tree_path(room.lower.text, "was").text) == 0);
	tree_symlink(room.lower.text, "dir", "../outside");
	CU_ASSERT_EQUAL(share_commit(room.share, NULL, NULL), 0);
	room_close(&room);
	room.lower = tree_path(room.dir.text, "outside");
	room_open(&room, SHARE_RO);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "y"), "canary");
	room_end(&room);
}

static void discard_forgets_all(void)
{
	struct room room;
	uint64_t hash;

	start(&room);
	hash = tree_hash(room.lower.text);
	change_things(&room);
	CU_ASSERT_EQUAL(share_discard(room.share), -EBUSY);
	share_node_put(room.root);
	room.root = NULL;
	CU_ASSERT_EQUAL(share_discard(room.share), 0);
	room_again(&room);
	CU_ASSERT_STRING_EQUAL(diff(&room), "");
	CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "a b dir old ");
	CU_ASSERT_EQUAL(tree_hash(room.lower.text), hash);
	room_end(&room);
}

static void only_private_layers_have_changes(void)
{
	struct room room;

	start(&room);
	room_close(&room);
	room_open(&room, SHARE_RO);
	CU_ASSERT_EQUAL(share_diff(room.share, hear, NULL), -EINVAL);
	CU_ASSERT_EQUAL(share_commit(room.share, NULL, NULL), -EINVAL);
	CU_ASSERT_EQUAL(share_discard(room.share), -EINVAL);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "diff_tells_each_change_once", diff_tells_each_change_once },
	{ "copies_without_changes_are_none", copies_without_changes_are_none },
	{ "listener_can_stop", listener_can_stop },
	{ "commit_makes_the_changes", commit_makes_the_changes },
	{ "stopped_commit_goes_on", stopped_commit_goes_on },
	{ "commit_replaces_types", commit_replaces_types },
	{ "commit_follows_no_link_of_the_lower_layer",
	  commit_follows_no_link_of_the_lower_layer },
	{ "discard_forgets_all", discard_forgets_all },
	{ "only_private_layers_have_changes",
	  only_private_layers_have_changes },
};

UNIT_MAIN("share_diff", tests)
