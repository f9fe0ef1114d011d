/* SPDX-License-Identifier: MIT */
/* test_p9_server_copy.c - others are served while a large file is copied up,
 * and the copy is as any other. */
#include "tests/unit/p9_copy_room.h"

/* --- others are served ---------------------------------------------------- */

static void others_are_answered_while_a_large_file_is_copied(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	CU_ASSERT_EQUAL(s.io.nr, 1);
	do {
		/* The same client, and another one. */
		CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "d"), 0);
		CU_ASSERT_EQUAL(ask_clunk(&s, 2), 0);
		as_other();
		EXPECT_OK(&s, .type = P9_TGETATTR,
			  .tgetattr = { 1, P9_GETATTR_BASIC });
		CU_ASSERT_EQUAL(s.ask.reply.rgetattr.size, BIG_LEN);
		EXPECT_OK(&s, .type = P9_TMKDIR,
			  .tmkdir = { 0, str("new"), 0755, P9_NOUID });
		EXPECT_OK(
			&s, .type = P9_TUNLINKAT,
			.tunlinkat = { 0, str("new"), P9_UNLINKAT_REMOVEDIR });
		as_other();
		CU_ASSERT_FALSE(asks[0].over);
		held_go(&s.io, 0);
	} while (s.io.nr);
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "mine"), 0);
	CU_ASSERT_TRUE(is_big(s.room.lower.text, "big", 0));
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 4));
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static void what_changes_a_large_file_waits_for_its_copy(void)
{
	static const struct p9_msg changes[] = {
		{ .type = P9_TSETATTR,
		  .tsetattr = { .fid = 1,
				.valid = P9_SETATTR_MODE,
				.mode = 0600 } },
		{ .type = P9_TSETATTR,
		  .tsetattr = { .fid = 1,
				.valid = P9_SETATTR_SIZE,
				.size = BIG_LEN - 1 } },
		{ .type = P9_TLINK, .tlink = { 0, 1, { 4, "link" } } },
		{ .type = P9_TRENAME, .trename = { 1, 0, { 4, "else" } } },
		{ .type = P9_TRENAMEAT,
		  .trenameat = { 0, { 3, "big" }, 0, { 4, "else" } } },
		{ .type = P9_TLCREATE,
		  .tlcreate = { 2, { 3, "big" }, P9_OPEN_WRONLY, 0644, 0 } },
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		if (!copy_open((struct share_opts){ 0 }))
			return;
		CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, NULL), 0);
		ask_begin(&s, &asks[0], tagged(7, changes[i]));
		CU_ASSERT_FALSE(asks[0].over);
		go_all();
		CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
		CU_ASSERT_EQUAL(work_nr(), 0);
		CU_ASSERT_TRUE(is_big(s.room.lower.text, "big", 0));
		copy_close();
	}
}

static void the_end_of_an_xattr_waits_for_the_copy(void)
{
	int err;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	copy_xattr_begin();
	go_all();
	err = error_of(&asks[0]); /* not every file system has them */
	CU_ASSERT_TRUE(err == 0 || err == EOPNOTSUPP);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	copy_close();
}

static void what_keeps_little_of_a_large_file_is_done_at_once(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	EXPECT_OK(
		&s, .type = P9_TSETATTR,
		.tsetattr = { .fid = 1, .valid = P9_SETATTR_SIZE, .size = 10 });
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	as_other();
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR | P9_OPEN_TRUNC), 0);
	as_other();
	CU_ASSERT_EQUAL(s.io.nr, 0);
	copy_close();
}

static void two_who_want_a_file_wait_for_one_copy(void)
{
	unsigned int pieces = 0;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	as_other();
	open_begins(&asks[1], 7, 1);
	CU_ASSERT_EQUAL(work_nr(), 1);
	while (s.io.nr) {
		held_go(&s.io, 0);
		pieces++;
	}
	CU_ASSERT_EQUAL(pieces, 6); /* three, to read and to write */
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_EQUAL(error_of(&asks[1]), 0);
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "theirs"), 0);
	as_other();
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 6), "theirs");
	copy_close();
}

static void copies_of_two_files_take_turns(void)
{
	int fds[4];

	if (!copy_open((struct share_opts){ 0 }))
		return;
	big_file("more", BIG_LEN);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "more"), 0);
	open_begins(&asks[0], 7, 1);
	open_begins(&asks[1], 8, 2);
	/* Read and written, a piece of each. */
	for (int i = 0; i < 8; i += 2) {
		CU_ASSERT_EQUAL(s.io.nr, 1);
		fds[i / 2] = s.io.ops[0]->fd;
		held_go(&s.io, 0);
		held_go(&s.io, 0);
	}
	CU_ASSERT_NOT_EQUAL(fds[0], fds[1]);
	CU_ASSERT_EQUAL(fds[0], fds[2]);
	CU_ASSERT_EQUAL(fds[1], fds[3]);
	CU_ASSERT_FALSE(asks[0].over || asks[1].over);
	go_all();
	CU_ASSERT_TRUE(asks[0].over && asks[1].over);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/more", 0));
	copy_close();
}

static void readers_read_on_and_read_the_copy_afterwards(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	s.io.holds = false;
	as_other();
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	as_other();
	s.io.holds = true;
	open_begins(&asks[0], 7, 1);
	as_other();
	ask_begin(&s, &asks[1], tagged(7, msg_read(1, 4096, 1)));
	CU_ASSERT_EQUAL(s.io.nr, 2);
	held_go(&s.io, 1);
	CU_ASSERT_EQUAL(error_of(&asks[1]), 0);
	CU_ASSERT_EQUAL(asks[1].reply.rread.data.bytes[0], byte_at(4096));
	as_other();
	go_all();
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "new"), 0);
	as_other();
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 3), "new");
	copy_close();
}

/* --- as any copy ---------------------------------------------------------- */

static void holes_stay_and_take_no_time(void)
{
	struct stat st = { 0 };
	int fd;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	fd = open(tree_path(s.room.lower.text, "sparse").text,
		  O_WRONLY | O_CREAT, 0644);
	CU_ASSERT_EQUAL(pwrite(fd, "end", 3, 1 << 30), 3);
	close(fd);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "sparse"), 0);
	open_begins(&asks[0], 7, 2);
	held_go(&s.io, 0);
	held_go(&s.io, 0);
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_EQUAL(
		stat(tree_path(s.room.upper.text, "tree/sparse").text, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, (1 << 30) + 3);
	CU_ASSERT_TRUE(st.st_blocks < 1024);
	copy_close();
}

static void what_the_quota_has_no_room_for_is_not_begun(void)
{
	if (!copy_open((struct share_opts){ .quota = BIG_LEN + (64 << 10) }))
		return;
	big_file("more", BIG_LEN);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "more"), 0);
	open_begins(&asks[0], 7, 1);
	/* A copy on its way counts. */
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDWR), EDQUOT);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDWR), EDQUOT);
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static void a_file_that_has_room_but_for_itself_is_not_begun(void)
{
	if (!copy_open((struct share_opts){ .quota = (BIG_LEN + 4095) / 4096 *
						     4096 }))
		return;
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), EDQUOT);
	CU_ASSERT_EQUAL(s.io.nr, 0);
	copy_close();
	if (!copy_open((struct share_opts){
		    .quota = (BIG_LEN + 4095) / 4096 * 4096 + 4096 }))
		return;
	open_begins(&asks[0], 7, 1);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	copy_close();
}

static void it_is_flushed_to_the_disk_when_that_is_asked_for(void)
{
	unsigned int fsyncs = 0;

	if (!copy_open((struct share_opts){ .sync = true }))
		return;
	open_begins(&asks[0], 7, 1);
	while (s.io.nr) {
		fsyncs += s.io.ops[0]->kind == P9_IO_FSYNC;
		held_go(&s.io, 0);
	}
	CU_ASSERT_EQUAL(fsyncs, 1);
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	copy_close();
}

/* What is deleted with all that is in it goes to the work directory, where
 * copies are made, and that is emptied. */
static void trees_that_are_deleted_meanwhile_leave_it_alone(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "d"), 0);
	EXPECT_OK(&s, .type = P9_TUNLINKAT, .tunlinkat = { 2, str("g"), 0 });
	/* Empty but for a whiteout. */
	EXPECT_OK(&s, .type = P9_TUNLINKAT,
		  .tunlinkat = { 0, str("d"), P9_UNLINKAT_REMOVEDIR });
	CU_ASSERT_EQUAL(work_nr(), 1);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	copy_close();
}

static void a_name_that_is_removed_meanwhile_is_no_obstacle(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	as_other();
	EXPECT_OK(&s, .type = P9_TUNLINKAT, .tunlinkat = { 0, str("big"), 0 });
	as_other();
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "mine"), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 4), "mine");
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "big"), ENOENT);
	CU_ASSERT_TRUE(is_big(s.room.lower.text, "big", 0));
	copy_close();
}

static const struct unit_test tests[] = {
	{ "others_are_answered_while_a_large_file_is_copied",
	  others_are_answered_while_a_large_file_is_copied },
	{ "what_changes_a_large_file_waits_for_its_copy",
	  what_changes_a_large_file_waits_for_its_copy },
	{ "the_end_of_an_xattr_waits_for_the_copy",
	  the_end_of_an_xattr_waits_for_the_copy },
	{ "what_keeps_little_of_a_large_file_is_done_at_once",
	  what_keeps_little_of_a_large_file_is_done_at_once },
	{ "two_who_want_a_file_wait_for_one_copy",
	  two_who_want_a_file_wait_for_one_copy },
	{ "copies_of_two_files_take_turns", copies_of_two_files_take_turns },
	{ "readers_read_on_and_read_the_copy_afterwards",
	  readers_read_on_and_read_the_copy_afterwards },
	{ "holes_stay_and_take_no_time", holes_stay_and_take_no_time },
	{ "what_the_quota_has_no_room_for_is_not_begun",
	  what_the_quota_has_no_room_for_is_not_begun },
	{ "a_file_that_has_room_but_for_itself_is_not_begun",
	  a_file_that_has_room_but_for_itself_is_not_begun },
	{ "it_is_flushed_to_the_disk_when_that_is_asked_for",
	  it_is_flushed_to_the_disk_when_that_is_asked_for },
	{ "trees_that_are_deleted_meanwhile_leave_it_alone",
	  trees_that_are_deleted_meanwhile_leave_it_alone },
	{ "a_name_that_is_removed_meanwhile_is_no_obstacle",
	  a_name_that_is_removed_meanwhile_is_no_obstacle },
};

UNIT_MAIN("p9_server_copy", tests)
