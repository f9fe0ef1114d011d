/* SPDX-License-Identifier: MIT */
/* test_share_locks.c - do record locks hold between open files, and follow a
 * file into the upper layer? */
#include "tests/unit/share_room.h"

static void start(struct room *room, enum share_mode mode)
{
	room_start(room);
	tree_file(room->lower.text, "file", "lower");
	room_open(room, mode);
}

static void locks_conflict_between_open_files(void)
{
	struct share_file *a, *b;
	struct room room;
	uint64_t from = 0, len = 0;
	int type = F_WRLCK;

	start(&room, SHARE_COW);
	a = room_file(&room, "file", O_RDWR);
	b = room_file(&room, "file", O_RDWR);
	CU_ASSERT_EQUAL(share_lock(a, F_WRLCK, 10, 10), 0);
	CU_ASSERT_EQUAL(share_lock(b, F_RDLCK, 15, 1), -EAGAIN);
	CU_ASSERT_EQUAL(share_lock(b, F_WRLCK, 20, 0), 0);
	CU_ASSERT_EQUAL(share_lock(a, F_RDLCK, 0, 0), -EAGAIN);
	CU_ASSERT_EQUAL(share_getlock(b, &type, &from, &len), 0);
	CU_ASSERT_EQUAL(type, F_WRLCK);
	CU_ASSERT_EQUAL(from, 10);
	CU_ASSERT_EQUAL(len, 10);
	CU_ASSERT_EQUAL(share_lock(a, F_UNLCK, 0, 0), 0);
	type = F_WRLCK;
	from = 0;
	len = 20;
	CU_ASSERT_EQUAL(share_getlock(b, &type, &from, &len), 0);
	CU_ASSERT_EQUAL(type, F_UNLCK);
	share_file_close(a);
	share_file_close(b);
	room_end(&room);
}

static void bad_ranges_and_types_are_refused(void)
{
	struct share_file *file, *dir;
	struct room room;
	uint64_t from = UINT64_MAX, len = 1;
	int type = F_RDLCK;

	start(&room, SHARE_COW);
	file = room_file(&room, "file", O_RDONLY);
	dir = room_file(&room, ".", O_RDONLY);
	CU_ASSERT_EQUAL(share_lock(file, 99, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(share_lock(file, F_RDLCK, UINT64_MAX, 1), -EINVAL);
	CU_ASSERT_EQUAL(share_lock(file, F_RDLCK, 1, INT64_MAX), -EINVAL);
	CU_ASSERT_EQUAL(share_getlock(file, &type, &from, &len), -EINVAL);
	CU_ASSERT_EQUAL(share_lock(file, F_WRLCK, 0, 0), -EBADF);
	CU_ASSERT_EQUAL(share_lock(dir, F_RDLCK, 0, 0), -EBADF);
	share_file_close(file);
	share_file_close(dir);
	room_end(&room);
}

static void read_locks_follow_a_copy_up(void)
{
	struct share_file *reader, *writer;
	struct room room;

	start(&room, SHARE_COW);
	reader = room_file(&room, "file", O_RDONLY);
	CU_ASSERT_EQUAL(share_lock(reader, F_RDLCK, 0, 100), 0);
	CU_ASSERT_EQUAL(share_lock(reader, F_UNLCK, 50, 10), 0);
	writer = room_file(&room, "file", O_RDWR);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 0, 1), -EAGAIN);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 99, 1), -EAGAIN);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 50, 10), 0);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 100, 0), 0);
	CU_ASSERT_EQUAL(share_lock(reader, F_UNLCK, 0, 0), 0);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 0, 0), 0);
	share_file_close(reader);
	share_file_close(writer);
	room_end(&room);
}

static void many_locks_on_a_lower_file_are_no_problem(void)
{
	struct share_file *reader, *writer;
	struct room room;

	start(&room, SHARE_COW);
	reader = room_file(&room, "file", O_RDONLY);
	for (int i = 0; i < 20000; i++) {
		uint64_t at = (uint64_t)i % 7;

		CU_ASSERT_EQUAL(share_lock(reader, F_RDLCK, at, 1), 0);
		CU_ASSERT_EQUAL(share_lock(reader, F_UNLCK, at, 1), 0);
	}
	/* What is held is bounded, and then said. */
	for (uint64_t i = 0; i < 4096; i++)
		CU_ASSERT_EQUAL(share_lock(reader, F_RDLCK, 2 * i, 1), 0);
	CU_ASSERT_EQUAL(share_lock(reader, F_RDLCK, 100000, 1), -ENOLCK);
	writer = room_file(&room, "file", O_WRONLY);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 8190, 1), -EAGAIN);
	CU_ASSERT_EQUAL(share_lock(writer, F_WRLCK, 8191, 1), 0);
	share_file_close(reader);
	share_file_close(writer);
	room_end(&room);
}

static void locks_are_seen_by_other_shares_in_rw(void)
{
	struct share_file *a, *b;
	struct room room, other;

	start(&room, SHARE_RW);
	other = room;
	room_open(&other, SHARE_RW);
	a = room_file(&room, "file", O_RDWR);
	b = room_file(&other, "file", O_RDWR);
	CU_ASSERT_EQUAL(share_lock(a, F_WRLCK, 0, 0), 0);
	CU_ASSERT_EQUAL(share_lock(b, F_RDLCK, 0, 1), -EAGAIN);
	share_file_close(a);
	CU_ASSERT_EQUAL(share_lock(b, F_RDLCK, 0, 1), 0);
	share_file_close(b);
	room_close(&other);
	room_end(&room);
}

static const struct unit_test tests[] = {
	{ "locks_conflict_between_open_files",
	  locks_conflict_between_open_files },
	{ "bad_ranges_and_types_are_refused",
	  bad_ranges_and_types_are_refused },
	{ "read_locks_follow_a_copy_up", read_locks_follow_a_copy_up },
	{ "many_locks_on_a_lower_file_are_no_problem",
	  many_locks_on_a_lower_file_are_no_problem },
	{ "locks_are_seen_by_other_shares_in_rw",
	  locks_are_seen_by_other_shares_in_rw },
};

UNIT_MAIN("share_locks", tests)
