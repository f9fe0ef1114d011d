/* SPDX-License-Identifier: MIT */
/* test_share_cow.c - what happens to a lower file at its first change, and
 * what do those see who had it open? */
#include <sys/file.h>

#include "tests/unit/share_room.h"

#define BIG_LEN (24u << 20)

/* A room with lower/file ("lower") and lower/dir/inner ("inner"). */
static void start(struct room *room)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	tree_mkdir(room->lower.text, "dir");
	tree_file(room->lower.text, "dir/inner", "inner");
	tree_age(room->lower.text, "dir/inner", 900000000);
	tree_age(room->lower.text, "dir", 800000000);
	tree_age(room->lower.text, "file", 900000000);
}

static void write_goes_to_upper_only(void)
{
	struct room room;
	uint64_t hash;

	start(&room);
	hash = tree_hash(room.lower.text);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "UP", 0), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "UPwer");
	CU_ASSERT_EQUAL(room_write_at(&room, "dir/inner", "X", 4), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "inneX");
	CU_ASSERT_EQUAL(tree_hash(room.lower.text), hash);
	room_again(&room);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "UPwer");
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "inneX");
	room_end(&room);
}

static void reading_copies_nothing(void)
{
	struct room room;

	start(&room);
	room_open(&room, SHARE_COW);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "inner");
	(void)room_attr(&room, "dir");
	CU_ASSERT_STRING_EQUAL(room_names(&room, "dir"), "inner ");
	CU_ASSERT_EQUAL(
		access(tree_path(room.upper.text, "tree/dir").text, F_OK), -1);
	room_end(&room);
}

static void copy_up_keeps_attributes(void)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0640 };
	struct share_attr before, after, dir;
	struct room room;
	char value[8];
	struct share_node *node;

	start(&room);
	TREE_CHECK(setxattr(tree_path(room.lower.text, "dir/inner").text,
			    "user.color", "blue", 4, 0) == 0);
	room_open(&room, SHARE_COW);
	before = room_attr(&room, "dir/inner");
	CU_ASSERT_EQUAL(room_setattr(&room, "dir/inner", set), 0);
	after = room_attr(&room, "dir/inner");
	CU_ASSERT_EQUAL(after.mode, S_IFREG | 0640);
	CU_ASSERT_EQUAL(after.uid, before.uid);
	CU_ASSERT_EQUAL(after.size, 5);
	CU_ASSERT_EQUAL(after.mtime.tv_sec, 900000000);
	CU_ASSERT_EQUAL(after.mtime.tv_nsec, before.mtime.tv_nsec);
	CU_ASSERT_EQUAL(after.id.path, before.id.path);
	/* Nothing was made in the directory, in the guest's eyes. */
	dir = room_attr(&room, "dir");
	CU_ASSERT_EQUAL(dir.mtime.tv_sec, 800000000);
	CU_ASSERT_EQUAL(dir.mode, S_IFDIR | 0755);
	node = room_find(&room, "dir/inner");
	CU_ASSERT_EQUAL(share_getxattr(node, "user.color", value, 8), 4);
	share_node_put(node);
	room_end(&room);
}

static void reader_sees_the_copy(void)
{
	struct share_file *reader;
	struct room room;
	char text[16] = "";
	int fd;

	start(&room);
	room_open(&room, SHARE_COW);
	reader = room_file(&room, "file", O_RDONLY);
	fd = share_file_fd(reader);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "UP", 0), 0);
	CU_ASSERT_EQUAL(share_read(reader, text, sizeof(text), 0), 5);
	CU_ASSERT_STRING_EQUAL(text, "UPwer");
	CU_ASSERT_EQUAL(share_file_fd(reader), fd);
	CU_ASSERT_EQUAL(share_write(reader, "no", 2, 0), -EBADF);
	share_file_close(reader);
	room_end(&room);
}

static void unlinked_lower_file_lives_on(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE, .size = 2 };
	struct share_file *reader;
	struct share_node *node;
	struct share_attr attr;
	struct room room;
	char text[16] = "";

	start(&room);
	room_open(&room, SHARE_COW);
	node = room_find(&room, "file");
	reader = room_file(&room, "file", O_RDONLY);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_there(&room, "file"), -ENOENT);
	CU_ASSERT_EQUAL(share_read(reader, text, sizeof(text), 0), 5);
	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	CU_ASSERT_EQUAL(attr.nlink, 0);
	/* A change of it makes a copy that has no name. */
	CU_ASSERT_EQUAL(share_setattr(node, &set), 0);
	CU_ASSERT_EQUAL(share_read(reader, text, sizeof(text), 0), 2);
	CU_ASSERT_EQUAL(share_getattr(node, &attr), 0);
	CU_ASSERT_EQUAL(attr.size, 2);
	CU_ASSERT_EQUAL(attr.nlink, 0);
	CU_ASSERT_EQUAL(room_there(&room, "file"), -ENOENT);
	share_file_close(reader);
	share_node_put(node);
	room_again(&room);
	CU_ASSERT_EQUAL(room_there(&room, "file"), -ENOENT);
	room_end(&room);
}

static void unlinked_upper_file_can_be_truncated(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE, .size = 3 };
	struct share_file *file;
	struct share_node *node;
	struct room room;
	char text[16] = "";

	start(&room);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", "abcdef"), 0);
	file = room_file(&room, "new", O_RDWR);
	node = room_find(&room, "new");
	CU_ASSERT_EQUAL(room_unlink(&room, "new", false), 0);
	CU_ASSERT_EQUAL(share_setattr(node, &set), 0);
	CU_ASSERT_EQUAL(share_read(file, text, sizeof(text), 0), 3);
	CU_ASSERT_EQUAL(share_write(file, "Z", 1, 3), 1);
	share_file_close(file);
	share_node_put(node);
	room_end(&room);
}

static void append_and_truncate_of_lower_files(void)
{
	struct share_file *file;
	struct room room;

	start(&room);
	room_open(&room, SHARE_COW);
	file = room_file(&room, "file", O_WRONLY | O_APPEND);
	CU_ASSERT_TRUE(share_file_append(file));
	CU_ASSERT_EQUAL(share_write(file, "+", 1, 0), 1);
	share_file_close(file);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "lower+");
	file = room_file(&room, "dir/inner", O_WRONLY | O_TRUNC);
	CU_ASSERT_EQUAL(share_write(file, "!", 1, 0), 1);
	share_file_close(file);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "!");
	room_end(&room);
}

/* Whether the host copies, clones or is asked to stop. */
struct asked {
	uint32_t times;
	uint64_t last, total;
	bool stop;
};

static bool ask(void *arg, uint64_t done, uint64_t total)
{
	struct asked *asked = arg;

	CU_ASSERT_TRUE(done >= asked->last && done <= total);
	asked->times++;
	asked->last = done;
	asked->total = total;
	return asked->stop;
}

static void make_big(const struct room *room, bool sparse)
{
	static char block[1u << 20];
	int fd = open(tree_path(room->lower.text, "big").text,
		      O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	TREE_CHECK(fd >= 0);
	memset(block, 'b', sizeof(block));
	for (off_t off = 0; off < BIG_LEN; off += (off_t)sizeof(block))
		if (!sparse || off == 8 << 20)
			TREE_CHECK(pwrite(fd, block, sizeof(block), off) ==
				   (ssize_t)sizeof(block));
	TREE_CHECK(ftruncate(fd, BIG_LEN) == 0);
	close(fd);
}

/* room_try() gives say's arg to copying too; these tests have no say. */
static void open_asking(struct room *room, struct asked *asked)
{
	struct share_opts opts = {
		.mode = SHARE_COW,
		.lower = room->lower.text,
		.upper = room->upper.text,
		.copying = ask,
		.arg = asked,
	};

	CU_ASSERT_EQUAL_FATAL(share_create(&room->share, &opts), 0);
	CU_ASSERT_EQUAL_FATAL(share_root(room->share, &room->root), 0);
}

static void large_copy_reports_and_can_be_stopped(void)
{
	struct asked asked = { .stop = true };
	struct room room;
	int err;

	room_start(&room);
	make_big(&room, false);
	open_asking(&room, &asked);
	err = room_open_err(&room, "big", O_WRONLY);
	if (!err) {
		CU_ASSERT_EQUAL(asked.times, 0);
		unit_skip("the file system clones: nothing to stop");
		room_end(&room);
		return;
	}
	CU_ASSERT_EQUAL(err, -EINTR);
	CU_ASSERT_EQUAL(asked.times, 1);
	CU_ASSERT_EQUAL(asked.total, BIG_LEN);
	CU_ASSERT_EQUAL(
		access(tree_path(room.upper.text, "tree/big").text, F_OK), -1);
	asked = (struct asked){ 0 };
	CU_ASSERT_EQUAL(room_write_at(&room, "big", "B", 0), 0);
	CU_ASSERT_TRUE(asked.times >= 3);
	CU_ASSERT_EQUAL(asked.last, BIG_LEN);
	CU_ASSERT_EQUAL(room_attr(&room, "big").size, BIG_LEN);
	room_end(&room);
}

static void holes_stay_holes(void)
{
	struct share_attr before, after;
	struct room room;
	char byte = 0;
	struct share_file *file;

	room_start(&room);
	make_big(&room, true);
	room_open(&room, SHARE_COW);
	before = room_attr(&room, "big");
	CU_ASSERT_EQUAL(room_write_at(&room, "big", "x", 0), 0);
	after = room_attr(&room, "big");
	CU_ASSERT_EQUAL(after.size, BIG_LEN);
	/* A block for the byte, and what the file system needs for extents. */
	CU_ASSERT_TRUE(after.blocks <= before.blocks + 64);
	file = room_file(&room, "big", O_RDONLY);
	CU_ASSERT_EQUAL(share_read(file, &byte, 1, 9 << 20), 1);
	CU_ASSERT_EQUAL(byte, 0);
	CU_ASSERT_EQUAL(share_read(file, &byte, 1, (9 << 20) - 1), 1);
	CU_ASSERT_EQUAL(byte, 'b');
	share_file_close(file);
	room_end(&room);
}

static void shrinking_copies_only_what_stays(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE, .size = 4 };
	struct asked asked = { 0 };
	struct room room;

	room_start(&room);
	make_big(&room, false);
	open_asking(&room, &asked);
	CU_ASSERT_EQUAL(room_setattr(&room, "big", set), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "big"), "bbbb");
	CU_ASSERT_TRUE(asked.total <= 4);
	room_end(&room);
}

static void layers_on_two_file_systems(void)
{
	struct stat here, shm;
	struct room room;

	start(&room);
	TREE_CHECK(stat(room.lower.text, &here) == 0);
	if (stat("/dev/shm", &shm) < 0 || shm.st_dev == here.st_dev ||
	    access("/dev/shm", W_OK) < 0) {
		unit_skip("no second file system: /dev/shm");
		room_end(&room);
		return;
	}
	(void)snprintf(room.upper.text, sizeof(room.upper.text),
		       "/dev/shm/ivlab-test-%d", getpid());
	make_big(&room, true);
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(room_write_at(&room, "big", "x", 0), 0);
	CU_ASSERT_TRUE(room_attr(&room, "big").blocks < BIG_LEN / 512 / 4);
	CU_ASSERT_EQUAL(room_write_at(&room, "dir/inner", "x", 0), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "xnner");
	room_close(&room);
	tree_remove(room.upper.text);
	room_end(&room);
}

static void read_only_share_refuses_changes(void)
{
	struct share_setattr set = { .valid = SHARE_SET_MODE, .mode = 0600 };
	struct room room;

	start(&room);
	room_open(&room, SHARE_RO);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "dir/inner"), "inner");
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_WRONLY), -EROFS);
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_RDONLY | O_TRUNC),
			-EROFS);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", ""), -EROFS);
	CU_ASSERT_EQUAL(room_mkdir(&room, "new"), -EROFS);
	CU_ASSERT_EQUAL(room_symlink(&room, "new", "x"), -EROFS);
	CU_ASSERT_EQUAL(room_mknod(&room, "new", S_IFIFO | 0600), -EROFS);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), -EROFS);
	CU_ASSERT_EQUAL(room_unlink(&room, "dir", true), -EROFS);
	CU_ASSERT_EQUAL(room_rename(&room, "file", "f"), -EROFS);
	CU_ASSERT_EQUAL(room_link(&room, "file", "f"), -EROFS);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EROFS);
	room_end(&room);
}

static void read_write_share_changes_the_host(void)
{
	struct room room;
	struct stat st;

	start(&room);
	room_open(&room, SHARE_RW);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "RW", 0), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "new"), 0);
	CU_ASSERT_EQUAL(room_rename(&room, "dir", "new/dir"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "new/dir/inner", false), 0);
	CU_ASSERT_EQUAL(stat(tree_path(room.lower.text, "new/dir").text, &st),
			0);
	CU_ASSERT_EQUAL(stat(tree_path(room.lower.text, "file").text, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode, S_IFREG | 0644);
	CU_ASSERT_STRING_EQUAL(room_names(&room, "."), "file new ");
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "RWwer");
	room_end(&room);
}

static void upper_belongs_to_one_share(void)
{
	struct room room, second;

	start(&room);
	room_open(&room, SHARE_COW);
	second = room;
	CU_ASSERT_EQUAL(
		room_try(&second, (struct share_opts){ .mode = SHARE_COW }),
		-EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(second.said, "another share"));
	room_end(&room);
}

static void strange_upper_is_refused(void)
{
	struct share_opts cow = { .mode = SHARE_COW };
	struct room room;

	start(&room);
	tree_mkdir(room.dir.text, "upper");
	tree_file(room.upper.text, "letter", "private");
	CU_ASSERT_EQUAL(room_try(&room, cow), -ENOTEMPTY);
	CU_ASSERT_EQUAL(unlink(tree_path(room.upper.text, "letter").text), 0);
	tree_file(room.upper.text, "ivlab-upper", "version 99\n");
	CU_ASSERT_EQUAL(room_try(&room, cow), -EINVAL);
	/* Killed while the marker was written. */
	tree_file(room.upper.text, "ivlab-upper", "");
	CU_ASSERT_EQUAL_FATAL(room_try(&room, cow), 0);
	CU_ASSERT_STRING_EQUAL(room_text(&room, "file"), "lower");
	room_end(&room);
}

static void layers_inside_each_other_are_refused(void)
{
	struct share_opts cow = { .mode = SHARE_COW };
	struct room room;

	start(&room);
	room.upper = tree_path(room.lower.text, "dir/upper");
	CU_ASSERT_EQUAL(room_try(&room, cow), -EINVAL);
	room.upper = room.dir;
	CU_ASSERT_EQUAL(room_try(&room, cow), -EINVAL);
	room.upper = room.lower;
	CU_ASSERT_EQUAL(room_try(&room, cow), -EINVAL);
	room.lower = tree_path(room.dir.text, "nowhere");
	CU_ASSERT_EQUAL(room_try(&room, cow), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(room.said, "nowhere"));
	room.share = NULL;
	room_end(&room);
}

static void leftovers_are_removed_at_start(void)
{
	struct room room;

	start(&room);
	room_open(&room, SHARE_COW);
	room_close(&room);
	tree_file(room.upper.text, "work/w7", "half a copy");
	tree_mkdir(room.upper.text, "work/w8");
	tree_mkdir(room.upper.text, "work/w8/deep");
	tree_file(room.upper.text, "work/w8/deep/er", "x");
	tree_symlink(room.upper.text, "work/w9", "(ivlab: deleted)");
	room_open(&room, SHARE_COW);
	CU_ASSERT_EQUAL(rmdir(tree_path(room.upper.text, "work").text), 0);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "write_goes_to_upper_only", write_goes_to_upper_only },
	{ "reading_copies_nothing", reading_copies_nothing },
	{ "copy_up_keeps_attributes", copy_up_keeps_attributes },
	{ "reader_sees_the_copy", reader_sees_the_copy },
	{ "unlinked_lower_file_lives_on", unlinked_lower_file_lives_on },
	{ "unlinked_upper_file_can_be_truncated",
	  unlinked_upper_file_can_be_truncated },
	{ "append_and_truncate_of_lower_files",
	  append_and_truncate_of_lower_files },
	{ "large_copy_reports_and_can_be_stopped",
	  large_copy_reports_and_can_be_stopped },
	{ "holes_stay_holes", holes_stay_holes },
	{ "shrinking_copies_only_what_stays",
	  shrinking_copies_only_what_stays },
	{ "layers_on_two_file_systems", layers_on_two_file_systems },
	{ "read_only_share_refuses_changes", read_only_share_refuses_changes },
	{ "read_write_share_changes_the_host",
	  read_write_share_changes_the_host },
	{ "upper_belongs_to_one_share", upper_belongs_to_one_share },
	{ "strange_upper_is_refused", strange_upper_is_refused },
	{ "layers_inside_each_other_are_refused",
	  layers_inside_each_other_are_refused },
	{ "leftovers_are_removed_at_start", leftovers_are_removed_at_start },
};

UNIT_MAIN("share_cow", tests)
