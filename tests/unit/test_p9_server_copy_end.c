/* SPDX-License-Identifier: MIT */
/* test_p9_server_copy_end.c - a copy of a large file that nobody wants any
 * more, that fails, or that is not what was wanted. */
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "tests/unit/p9_copy_room.h"

/* In place of libc's: a disk error when the test says so. */
static bool xattrs_fail;

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	if (xattrs_fail) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_getxattr, path, name, value, size);
}

static unsigned int fds_nr(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void a_flush_ends_it_at_once_and_without_a_trace(void)
{
	if (!copy_open((struct share_opts){ .quota = 64 << 20 }))
		return;
	open_begins(&asks[0], 7, 1);
	held_go(&s.io, 0);
	ask_begin(&s, &asks[1], msg_flush(7));
	CU_ASSERT_TRUE(asks[0].over && asks[1].over);
	CU_ASSERT_EQUAL(asks[0].reply_len, 0);
	CU_ASSERT_EQUAL(error_of(&asks[1]), 0);
	held_go(&s.io, 0); /* the piece that was under way is the last */
	CU_ASSERT_EQUAL(s.io.nr, 0);
	CU_ASSERT_EQUAL(work_nr(), 0);
	CU_ASSERT_NOT_EQUAL(
		access(tree_path(s.room.upper.text, "tree/big").text, F_OK), 0);
	/* Nothing is open, nothing is owed, and it can be asked for again. */
	open_begins(&asks[0], 7, 1);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	copy_close();
}

/* Without a turn, too: else a client could begin any number of them. */
static void what_is_flushed_before_its_turn_ends_at_once(void)
{
	if (!copy_open((struct share_opts){ .quota = 3 * BIG_LEN }))
		return;
	open_begins(&asks[0], 7, 1);
	for (unsigned int i = 0; i < 2 * COPIES_AHEAD_MAX; i++) {
		sparse_file(i);
		open_begins(&asks[1], 8, 2);
		CU_ASSERT_EQUAL(work_nr(), 2);
		ask_begin(&s, &asks[2], msg_flush(8));
		CU_ASSERT_TRUE(asks[1].over && asks[2].over);
		CU_ASSERT_EQUAL(work_nr(), 1);
		CU_ASSERT_EQUAL(ask_clunk(&s, 2), 0);
	}
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	copy_close();
}

static void too_many_copies_at_once_are_refused(void)
{
	static struct ask many[COPIES_AHEAD_MAX];

	if (!copy_open((struct share_opts){ 0 }))
		return;
	for (unsigned int i = 0; i < COPIES_AHEAD_MAX; i++) {
		sparse_file(i);
		open_begins(&many[i], (uint16_t)(10 + i), 2);
		CU_ASSERT_EQUAL(ask_clunk(&s, 2), 0);
	}
	CU_ASSERT_EQUAL(work_nr(), COPIES_AHEAD_MAX);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), EMFILE);
	EXPECT_OK(&s, .type = P9_TXATTRCREATE,
		  .txattrcreate = { 1, str("user.x"), 0, 0 });
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EMFILE);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "big"), 0);
	go_all();
	CU_ASSERT_EQUAL(work_nr(), 0);
	s.io.holds = false;
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	copy_close();
}

static void one_of_two_may_go_and_the_other_has_the_copy(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	as_other();
	open_begins(&asks[1], 7, 1);
	as_other();
	ask_begin(&s, &asks[2], msg_flush(7));
	CU_ASSERT_TRUE(asks[2].over);
	go_all();
	CU_ASSERT_EQUAL(asks[0].reply_len, 0);
	CU_ASSERT_EQUAL(error_of(&asks[1]), 0);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	copy_close();
}

/* The first asks for less of the file than the second, and goes. */
static void a_copy_that_is_too_short_is_made_again(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	ask_begin(&s, &asks[0],
		  tagged(7, (struct p9_msg){
				    .type = P9_TSETATTR,
				    .tsetattr = { .fid = 1,
						  .valid = P9_SETATTR_SIZE,
						  .size = COPY_AHEAD_MIN } }));
	as_other();
	open_begins(&asks[1], 7, 1);
	as_other();
	ask_begin(&s, &asks[2], msg_flush(7));
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[1]), 0);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static void a_file_that_the_host_changes_meanwhile_is_copied_anew(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	for (int i = 0; i < 3; i++)
		held_go(&s.io, 0);
	tree_file(s.room.lower.text, "big", "small now");
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	s.io.holds = false;
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "small now");
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static void a_disk_error_is_the_answer_and_changes_nothing(void)
{
	struct p9_io_op *op;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	held_go(&s.io, 0);
	op = held_take(&s.io, 0);
	op->done(op, -ENOSPC);
	CU_ASSERT_EQUAL(error_of(&asks[0]), ENOSPC);
	CU_ASSERT_EQUAL(s.io.nr, 0);
	CU_ASSERT_EQUAL(work_nr(), 0);
	CU_ASSERT_TRUE(is_big(s.room.lower.text, "big", 0));
	copy_close();
}

static void a_fid_is_clunked_also_when_its_copy_fails(void)
{
	struct p9_io_op *op;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	copy_xattr_begin();
	held_go(&s.io, 0);
	op = held_take(&s.io, 0);
	op->done(op, -ENOSPC);
	CU_ASSERT_EQUAL(error_of(&asks[0]), ENOSPC);
	CU_ASSERT_EQUAL(work_nr(), 0);
	/* Its number is free. */
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	copy_close();
}

static void a_copy_that_cannot_be_used_is_closed(void)
{
	unsigned int before;

	if (!copy_open((struct share_opts){ .quota = 64 << 20 }))
		return;
	/* A sticky file may have a record, which is read at the end. */
	CU_ASSERT_EQUAL(chmod(tree_path(s.room.lower.text, "big").text, 01644),
			0);
	before = fds_nr();
	open_begins(&asks[0], 7, 1);
	xattrs_fail = true;
	go_all();
	xattrs_fail = false;
	CU_ASSERT_EQUAL(error_of(&asks[0]), EIO);
	CU_ASSERT_EQUAL(fds_nr(), before);
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static void pieces_that_end_early_are_finished(void)
{
	struct p9_io_op *op;

	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	held_go(&s.io, 0);
	op = held_take(&s.io, 0);
	CU_ASSERT_EQUAL(
		pwrite(op->fd, op->iov[0].iov_base, 1000, (off_t)op->off),
		1000);
	op->done(op, 1000);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), 0);
	CU_ASSERT_TRUE(is_big(s.room.upper.text, "tree/big", 0));
	copy_close();
}

static void a_client_that_leaves_or_begins_anew_ends_it(void)
{
	if (!copy_open((struct share_opts){ 0 }))
		return;
	open_begins(&asks[0], 7, 1);
	CU_ASSERT_EQUAL(ask_version(&s, 65536), 0);
	CU_ASSERT_TRUE(asks[0].over);
	as_other();
	open_begins(&asks[1], 7, 1);
	p9_session_stop(s.session);
	CU_ASSERT_TRUE(asks[1].over);
	as_other();
	go_all();
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static bool never(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	return done && total == 9 * (uint64_t)COPY_PIECE_LEN;
}

static void the_user_may_give_it_up(void)
{
	if (!copy_open((struct share_opts){ .copying = never }))
		return;
	big_file("huge", 9 * (size_t)COPY_PIECE_LEN);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "huge"), 0);
	open_begins(&asks[0], 7, 2);
	go_all();
	CU_ASSERT_EQUAL(error_of(&asks[0]), EINTR);
	CU_ASSERT_EQUAL(work_nr(), 0);
	copy_close();
}

static const struct unit_test tests[] = {
	{ "a_flush_ends_it_at_once_and_without_a_trace",
	  a_flush_ends_it_at_once_and_without_a_trace },
	{ "what_is_flushed_before_its_turn_ends_at_once",
	  what_is_flushed_before_its_turn_ends_at_once },
	{ "too_many_copies_at_once_are_refused",
	  too_many_copies_at_once_are_refused },
	{ "one_of_two_may_go_and_the_other_has_the_copy",
	  one_of_two_may_go_and_the_other_has_the_copy },
	{ "a_copy_that_is_too_short_is_made_again",
	  a_copy_that_is_too_short_is_made_again },
	{ "a_file_that_the_host_changes_meanwhile_is_copied_anew",
	  a_file_that_the_host_changes_meanwhile_is_copied_anew },
	{ "a_disk_error_is_the_answer_and_changes_nothing",
	  a_disk_error_is_the_answer_and_changes_nothing },
	{ "a_fid_is_clunked_also_when_its_copy_fails",
	  a_fid_is_clunked_also_when_its_copy_fails },
	{ "a_copy_that_cannot_be_used_is_closed",
	  a_copy_that_cannot_be_used_is_closed },
	{ "pieces_that_end_early_are_finished",
	  pieces_that_end_early_are_finished },
	{ "a_client_that_leaves_or_begins_anew_ends_it",
	  a_client_that_leaves_or_begins_anew_ends_it },
	{ "the_user_may_give_it_up", the_user_may_give_it_up },
};

UNIT_MAIN("p9_server_copy_end", tests)
