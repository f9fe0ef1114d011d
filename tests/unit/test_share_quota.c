/* SPDX-License-Identifier: MIT */
/* test_share_quota.c - does a private layer stay within what it may hold, and
 * is what was freed free? */
#include <sys/resource.h>

#include "tests/unit/share_room.h"

#define KIB 1024ull

static void start(struct room *room, uint64_t quota)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	room_open_with(
		room, (struct share_opts){ .mode = SHARE_COW, .quota = quota });
}

static uint64_t left(struct room *room)
{
	struct share_statfs fs;

	CU_ASSERT_EQUAL(share_statfs(room->root, &fs), 0);
	return fs.bfree * fs.bsize;
}

static void writes_stop_at_the_limit(void)
{
	static char bytes[64 * KIB];
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(left(&room), 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", "x"), 0);
	CU_ASSERT_EQUAL(left(&room), 120 * KIB);
	file = room_file(&room, "new", O_WRONLY);
	CU_ASSERT_EQUAL(share_write(file, bytes, sizeof(bytes), 0), 65536);
	CU_ASSERT_EQUAL(share_write(file, bytes, sizeof(bytes), 65536),
			-EDQUOT);
	CU_ASSERT_EQUAL(share_write(file, bytes, 60 * KIB, 65536), 61440);
	CU_ASSERT_EQUAL(left(&room), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "dir"), -EDQUOT);
	CU_ASSERT_EQUAL(room_create_file(&room, "other", ""), -EDQUOT);
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_WRONLY), -EDQUOT);
	/* In place it goes on. */
	CU_ASSERT_EQUAL(share_write(file, bytes, 1, 0), 1);
	share_file_close(file);
	CU_ASSERT_EQUAL(room_unlink(&room, "new", false), 0);
	CU_ASSERT_EQUAL(left(&room), 128 * KIB);
	room_end(&room);
}

static void sparse_sizes_count(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE,
				     .size = 1ull << 40 };
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), -EDQUOT);
	set.size = 64 * KIB;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(left(&room), 60 * KIB);
	set.size = 0;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(left(&room), 124 * KIB);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "x", 1ull << 40), -EDQUOT);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "x", UINT64_MAX), -EFBIG);
	CU_ASSERT_EQUAL(room_write_at(&room, "file", "x", INT64_MAX), -EFBIG);
	room_end(&room);
}

static void open_unlinked_files_count_until_closed(void)
{
	static char bytes[64 * KIB];
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", ""), 0);
	file = room_file(&room, "new", O_WRONLY);
	CU_ASSERT_EQUAL(room_unlink(&room, "new", false), 0);
	CU_ASSERT_EQUAL(share_write(file, bytes, sizeof(bytes), 0), 65536);
	CU_ASSERT_EQUAL(left(&room), 60 * KIB);
	CU_ASSERT_EQUAL(share_write(file, bytes, sizeof(bytes), 65536),
			-EDQUOT);
	share_file_close(file);
	CU_ASSERT_EQUAL(left(&room), 128 * KIB);
	room_end(&room);
}

static void truncating_open_frees(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE,
				     .size = 100 * KIB };
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(left(&room), 24 * KIB);
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_WRONLY | O_TRUNC), 0);
	CU_ASSERT_EQUAL(left(&room), 124 * KIB);
	room_end(&room);
}

static void a_truncating_open_that_fails_frees_nothing(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE,
				     .size = 100 * KIB };
	struct rlimit before, none;
	struct share_node *node;
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	node = room_find(&room, "file");
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &none), 0);
	CU_ASSERT_EQUAL(share_open(node, O_WRONLY | O_TRUNC, &file), -EMFILE);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_NOFILE, &before), 0);
	share_node_put(node);
	CU_ASSERT_EQUAL(left(&room), 24 * KIB);
	room_end(&room);
}

static void promised_bytes_that_never_came_are_free(void)
{
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", ""), 0);
	file = room_file(&room, "new", O_WRONLY);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(share_file_reserve(file, 64 * KIB, 1), 0);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 128 * KIB), -EDQUOT);
	CU_ASSERT_EQUAL(left(&room), 56 * KIB);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(&room), 56 * KIB);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(&room), 124 * KIB);
	share_file_close(file);
	room_end(&room);
}

/* A write of 64 KiB at the beginning is under way at a file that has as many;
 * then it lands. */
static void write_lands(struct room *room, struct share_file *file,
			uint64_t meanwhile)
{
	static char bytes[64 * KIB];

	CU_ASSERT_EQUAL(left(room), meanwhile);
	CU_ASSERT_EQUAL(pwrite(share_file_fd(file), bytes, sizeof(bytes), 0),
			65536);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(room), 60 * KIB);
}

static void writes_under_way_land_counted_in_a_file_that_is_cut(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE,
				     .size = 64 * KIB };
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	file = room_file(&room, "file", O_WRONLY);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	set.size = 0;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	write_lands(&room, file, 60 * KIB);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(room_open_err(&room, "file", O_WRONLY | O_TRUNC), 0);
	write_lands(&room, file, 60 * KIB);
	/* Cut and grown: what is promised is not taken twice. */
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	set.size = 100 * KIB;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	CU_ASSERT_EQUAL(left(&room), 24 * KIB);
	set.size = 0;
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	write_lands(&room, file, 24 * KIB);
	/* A write that never comes leaves what is there. */
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(room_setattr(&room, "file", set), 0);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(&room), 124 * KIB);
	share_file_close(file);
	room_end(&room);
}

static void appends_under_way_together_count_each(void)
{
	static char bytes[64 * KIB];
	struct share_file *file, *plain;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "new", ""), 0);
	file = room_file(&room, "new", O_WRONLY | O_APPEND);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 60 * KIB), 0);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 68 * KIB), -EDQUOT);
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(left(&room), 0);
	CU_ASSERT_EQUAL(write(share_file_fd(file), bytes, 60 * KIB), 61440);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(write(share_file_fd(file), bytes, 1), 1);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(&room), 60 * KIB);
	/* The second puts the end where the first does not expect it. */
	CU_ASSERT_EQUAL(share_file_reserve(file, 0, 8 * KIB), 0);
	plain = room_file(&room, "new", O_WRONLY);
	CU_ASSERT_EQUAL(share_file_reserve(plain, 72 * KIB, 1), 0);
	CU_ASSERT_EQUAL(pwrite(share_file_fd(plain), bytes, 1, 72 * KIB), 1);
	share_file_wrote(plain);
	CU_ASSERT_EQUAL(write(share_file_fd(file), bytes, 8 * KIB), 8192);
	share_file_wrote(file);
	CU_ASSERT_EQUAL(left(&room), 40 * KIB);
	share_file_close(plain);
	share_file_close(file);
	room_end(&room);
}

/* Open as the node of its first name, which is removed first. */
static void removed_files_of_two_names_count_until_closed(void)
{
	static char bytes[64 * KIB];
	struct share_file *file;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "a", ""), 0);
	CU_ASSERT_EQUAL(room_link(&room, "a", "b"), 0);
	file = room_file(&room, "a", O_WRONLY);
	CU_ASSERT_EQUAL(share_write(file, bytes, sizeof(bytes), 0), 65536);
	CU_ASSERT_EQUAL(room_unlink(&room, "a", false), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "b", false), 0);
	CU_ASSERT_EQUAL(left(&room), 60 * KIB);
	share_file_close(file);
	CU_ASSERT_EQUAL(left(&room), 128 * KIB);
	/* The last one is replaced, and was only in the lower layer. */
	CU_ASSERT_EQUAL(room_link(&room, "file", "a"), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "b", ""), 0);
	file = room_file(&room, "file", O_WRONLY);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	CU_ASSERT_EQUAL(room_rename(&room, "b", "a"), 0);
	CU_ASSERT_EQUAL(left(&room), 116 * KIB);
	share_file_close(file);
	CU_ASSERT_EQUAL(left(&room), 124 * KIB);
	room_end(&room);
}

static void writes_by_two_names_count_once(void)
{
	struct share_setattr set = { .valid = SHARE_SET_SIZE };
	struct share_file *a, *b;
	struct room room;

	start(&room, 128 * KIB);
	CU_ASSERT_EQUAL(room_create_file(&room, "a", ""), 0);
	CU_ASSERT_EQUAL(room_link(&room, "a", "b"), 0);
	a = room_file(&room, "a", O_WRONLY);
	b = room_file(&room, "b", O_WRONLY);
	CU_ASSERT_EQUAL(share_file_reserve(a, 0, 64 * KIB), 0);
	CU_ASSERT_EQUAL(share_file_reserve(b, 0, 68 * KIB), 0);
	CU_ASSERT_EQUAL(left(&room), 56 * KIB);
	CU_ASSERT_EQUAL(room_setattr(&room, "b", set), 0);
	share_file_wrote(b);
	write_lands(&room, a, 56 * KIB);
	share_file_close(a);
	share_file_close(b);
	room_end(&room);
}

static void restart_counts_the_same(void)
{
	struct share_opts opts = { .mode = SHARE_COW, .quota = 512 * KIB };
	struct room room;
	uint64_t before;

	start(&room, 512 * KIB);
	CU_ASSERT_EQUAL(room_mkdir(&room, "a"), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "a/b"), 0);
	CU_ASSERT_EQUAL(room_create_file(&room, "a/b/c", "123"), 0);
	CU_ASSERT_EQUAL(room_link(&room, "a/b/c", "a/d"), 0);
	CU_ASSERT_EQUAL(room_symlink(&room, "a/s", "x"), 0);
	CU_ASSERT_EQUAL(room_unlink(&room, "file", false), 0);
	before = left(&room);
	CU_ASSERT_EQUAL(before, 512 * KIB - 20 * KIB);
	room_close(&room);
	room_open_with(&room, opts);
	CU_ASSERT_EQUAL(left(&room), before);
	/* A smaller limit than what is there: nothing more, but removal. */
	room_close(&room);
	opts.quota = 8 * KIB;
	room_open_with(&room, opts);
	CU_ASSERT_EQUAL(left(&room), 0);
	CU_ASSERT_EQUAL(room_mkdir(&room, "e"), -EDQUOT);
	CU_ASSERT_EQUAL(room_unlink(&room, "a/s", false), 0);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "writes_stop_at_the_limit", writes_stop_at_the_limit },
	{ "sparse_sizes_count", sparse_sizes_count },
	{ "open_unlinked_files_count_until_closed",
	  open_unlinked_files_count_until_closed },
	{ "truncating_open_frees", truncating_open_frees },
	{ "a_truncating_open_that_fails_frees_nothing",
	  a_truncating_open_that_fails_frees_nothing },
	{ "promised_bytes_that_never_came_are_free",
	  promised_bytes_that_never_came_are_free },
	{ "writes_under_way_land_counted_in_a_file_that_is_cut",
	  writes_under_way_land_counted_in_a_file_that_is_cut },
	{ "appends_under_way_together_count_each",
	  appends_under_way_together_count_each },
	{ "removed_files_of_two_names_count_until_closed",
	  removed_files_of_two_names_count_until_closed },
	{ "writes_by_two_names_count_once", writes_by_two_names_count_once },
	{ "restart_counts_the_same", restart_counts_the_same },
};

UNIT_MAIN("share_quota", tests)
