/* SPDX-License-Identifier: MIT */
/* test_share_lower.c - a private layer is of one lower directory. */
#include <errno.h>
#include <sys/syscall.h>

#include "tests/unit/share_room.h"

/* In place of libc's: what a disk says when there is something to flush. */
static int fsync_errno;
static unsigned int fsyncs;

int fsync(int fd)
{
	fsyncs++;
	if (fsync_errno) {
		errno = fsync_errno;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* A layer with one change, of the directory "lower"; there is another one. */
static void room_with_change(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "f", "host");
	tree_mkdir(room->dir.text, "other");
	tree_file(tree_path(room->dir.text, "other").text, "f", "theirs");
	room_open(room, SHARE_COW);
	CU_ASSERT_EQUAL(room_write_at(room, "f", "mine", 0), 0);
	room_close(room);
}

static void name_other(struct room *room, const char *name)
{
	room->lower = tree_path(room->dir.text, name);
}

static int try_again(struct room *room, bool fresh)
{
	return room_try(
		room, (struct share_opts){ .mode = SHARE_COW, .fresh = fresh });
}

static void expect_mine(struct room *room)
{
	CU_ASSERT_EQUAL_FATAL(try_again(room, false), 0);
	CU_ASSERT_STRING_EQUAL(room_text(room, "f"), "mine");
	room_close(room);
}

static void another_directory_is_refused_with_the_cure(void)
{
	struct room room;
	uint64_t before;

	room_with_change(&room);
	before = tree_hash(room.upper.text);
	name_other(&room, "other");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "/lower, not to "));
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "/other: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "--fresh"));
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "upper/ivlab-lower"));
	CU_ASSERT_EQUAL(tree_hash(room.upper.text), before);
	name_other(&room, "lower");
	expect_mine(&room);
	tree_remove(room.dir.text);
}

static void a_directory_that_was_moved_is_known_by_its_inode(void)
{
	struct tree_path from, to;
	struct room room;

	room_with_change(&room);
	from = room.lower;
	to = tree_path(room.dir.text, "moved");
	CU_ASSERT_EQUAL(rename(from.text, to.text), 0);
	name_other(&room, "moved");
	expect_mine(&room);
	/* And by its new path, when that is all that is left. */
	CU_ASSERT_EQUAL(rename(to.text, from.text), 0);
	tree_mkdir(room.dir.text, "moved");
	tree_file(to.text, "f", "host");
	expect_mine(&room);
	tree_remove(room.dir.text);
}

static void a_directory_that_was_made_anew_is_known_by_its_path(void)
{
	struct room room;

	room_with_change(&room);
	/* Not removed: its inode number must not come back. */
	CU_ASSERT_EQUAL(
		rename(room.lower.text, tree_path(room.dir.text, "old").text),
		0);
	tree_mkdir(room.dir.text, "lower");
	expect_mine(&room);
	/* The old one is a stranger now. */
	name_other(&room, "old");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

static void a_link_to_it_is_the_directory_itself(void)
{
	struct room room;

	room_with_change(&room);
	tree_symlink(room.dir.text, "link", "lower");
	name_other(&room, "link");
	expect_mine(&room);
	tree_remove(room.dir.text);
}

static void fresh_takes_it_for_any_directory(void)
{
	struct room room;

	room_with_change(&room);
	name_other(&room, "other");
	CU_ASSERT_EQUAL_FATAL(try_again(&room, true), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "f"), "theirs");
	room_close(&room);
	CU_ASSERT_EQUAL_FATAL(try_again(&room, false), 0);
	room_close(&room);
	name_other(&room, "lower");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

static void a_layer_without_a_record_gets_one(void)
{
	struct tree_path record;
	struct room room;

	room_with_change(&room);
	record = tree_path(room.upper.text, "ivlab-lower");
	CU_ASSERT_EQUAL(unlink(record.text), 0);
	expect_mine(&room);
	CU_ASSERT_EQUAL(access(record.text, F_OK), 0);
	name_other(&room, "other");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

static void a_record_that_is_none_is_refused(void)
{
	static const char *const texts[] = {
		"\n",	 "1:2\n",  "1:2 relative\n", "x:y /path\n",
		"1:2 /", "1 2 /a", "1:2/path",
	};
	struct room room;

	room_with_change(&room);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		tree_file(room.upper.text, "ivlab-lower", texts[i]);
		CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
		CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "unreadable"));
	}
	tree_remove(room.dir.text);
}

static void a_record_that_a_power_cut_has_emptied_is_none(void)
{
	struct room room;

	room_with_change(&room);
	tree_file(room.upper.text, "ivlab-lower", "");
	expect_mine(&room);
	name_other(&room, "other");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

static void a_record_is_on_the_disk_before_it_has_its_name(void)
{
	struct tree_path record;
	struct room room;

	room_with_change(&room);
	record = tree_path(room.upper.text, "ivlab-lower");
	CU_ASSERT_EQUAL(unlink(record.text), 0);
	fsyncs = 0;
	fsync_errno = EIO;
	CU_ASSERT_EQUAL(try_again(&room, false), -EIO);
	fsync_errno = 0;
	CU_ASSERT_EQUAL(fsyncs, 1);
	CU_ASSERT_NOT_EQUAL(access(record.text, F_OK), 0);
	expect_mine(&room);
	CU_ASSERT_EQUAL(fsyncs, 2);
	/* Nothing new: nothing to write. */
	expect_mine(&room);
	CU_ASSERT_EQUAL(fsyncs, 2);
	tree_remove(room.dir.text);
}

static void a_full_disk_does_not_close_the_layer(void)
{
	struct tree_path from;
	struct room room;

	room_with_change(&room);
	from = room.lower;
	name_other(&room, "moved");
	CU_ASSERT_EQUAL(rename(from.text, room.lower.text), 0);
	fsync_errno = ENOSPC;
	expect_mine(&room);
	fsync_errno = 0;
	/* The last line; another one follows where there are no xattrs. */
	CU_ASSERT_TRUE(strstr(room.said, "no room") ||
		       strstr(room.said, "user xattrs"));
	CU_ASSERT_NOT_EQUAL(
		access(tree_path(room.upper.text, "ivlab-lower.new").text,
		       F_OK),
		0);
	/* It is noted when there is room, and not before. */
	tree_mkdir(room.dir.text, "lower");
	expect_mine(&room);
	name_other(&room, "lower");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

/* As a monitor leaves it that is killed when it has begun to start anew. */
static void a_layer_without_its_tree_is_that_of_any_directory(void)
{
	struct room room;

	room_with_change(&room);
	CU_ASSERT_EQUAL(rename(tree_path(room.upper.text, "tree").text,
			       tree_path(room.upper.text, "work/w0").text),
			0);
	name_other(&room, "other");
	CU_ASSERT_EQUAL_FATAL(try_again(&room, false), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "f"), "theirs");
	CU_ASSERT_NOT_EQUAL(
		access(tree_path(room.upper.text, "work/w0").text, F_OK), 0);
	room_close(&room);
	name_other(&room, "lower");
	CU_ASSERT_EQUAL(try_again(&room, false), -EXDEV);
	tree_remove(room.dir.text);
}

/* The old record must not vouch for changes to the new directory. */
static void fresh_forgets_the_old_directory_when_the_disk_is_full(void)
{
	struct room room;

	room_with_change(&room);
	name_other(&room, "other");
	fsync_errno = ENOSPC;
	CU_ASSERT_EQUAL_FATAL(try_again(&room, true), 0);
	fsync_errno = 0;
	room_close(&room);
	CU_ASSERT_NOT_EQUAL(
		access(tree_path(room.upper.text, "ivlab-lower").text, F_OK),
		0);
	CU_ASSERT_EQUAL_FATAL(try_again(&room, false), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "f"), "theirs");
	room_close(&room);
	tree_remove(room.dir.text);
}

static const struct unit_test tests[] = {
	{ "another_directory_is_refused_with_the_cure",
	  another_directory_is_refused_with_the_cure },
	{ "a_directory_that_was_moved_is_known_by_its_inode",
	  a_directory_that_was_moved_is_known_by_its_inode },
	{ "a_directory_that_was_made_anew_is_known_by_its_path",
	  a_directory_that_was_made_anew_is_known_by_its_path },
	{ "a_link_to_it_is_the_directory_itself",
	  a_link_to_it_is_the_directory_itself },
	{ "fresh_takes_it_for_any_directory",
	  fresh_takes_it_for_any_directory },
	{ "a_layer_without_a_record_gets_one",
	  a_layer_without_a_record_gets_one },
	{ "a_record_that_is_none_is_refused",
	  a_record_that_is_none_is_refused },
	{ "a_record_that_a_power_cut_has_emptied_is_none",
	  a_record_that_a_power_cut_has_emptied_is_none },
	{ "a_record_is_on_the_disk_before_it_has_its_name",
	  a_record_is_on_the_disk_before_it_has_its_name },
	{ "a_full_disk_does_not_close_the_layer",
	  a_full_disk_does_not_close_the_layer },
	{ "a_layer_without_its_tree_is_that_of_any_directory",
	  a_layer_without_its_tree_is_that_of_any_directory },
	{ "fresh_forgets_the_old_directory_when_the_disk_is_full",
	  fresh_forgets_the_old_directory_when_the_disk_is_full },
};

UNIT_MAIN("share_lower", tests)
