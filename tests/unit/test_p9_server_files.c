/* SPDX-License-Identifier: MIT */
/* test_p9_server_files.c - open files, directories, locks and xattrs. */
#include <sys/xattr.h>

#include "tests/unit/p9_server_room.h"

static struct server_room s;

static struct p9_msg msg_readdir(uint32_t fid, uint64_t off, uint32_t count)
{
	return (struct p9_msg){ .type = P9_TREADDIR,
				.treaddir = { fid, off, count } };
}

static struct p9_msg msg_lock(uint32_t fid, uint8_t type, uint32_t flags)
{
	return (struct p9_msg){ .type = P9_TLOCK,
				.tlock = { fid, type, flags, 0, 10, 7,
					   str("me") } };
}

static struct p9_msg msg_xattrcreate(uint32_t fid, const char *name,
				     uint64_t size, uint32_t flags)
{
	return (struct p9_msg){ .type = P9_TXATTRCREATE,
				.txattrcreate = { fid, str(name), size,
						  flags } };
}

static struct p9_msg msg_xattrwalk(uint32_t fid, uint32_t newfid,
				   const char *name)
{
	return (struct p9_msg){ .type = P9_TXATTRWALK,
				.txattrwalk = { fid, newfid, str(name) } };
}

/* --- files ---------------------------------------------------------------- */

static void created_file_is_the_fid_and_can_be_written_and_read(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), 0);
	CU_ASSERT_EQUAL(ask_create(&s, 1, "new", P9_OPEN_RDWR | P9_OPEN_EXCL),
			0);
	CU_ASSERT_EQUAL(s.ask.reply.rlcreate.qid.type, P9_QID_FILE);
	CU_ASSERT_EQUAL(s.ask.reply.rlcreate.iounit, 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 3, "abc"), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rwrite.count, 3);
	CU_ASSERT_EQUAL(ask(&s, msg_read(1, 0, 100))->rread.data.count, 6);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 3, 2), "ab");
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 6, 2), "");
	EXPECT_OK(&s, .type = P9_TFSYNC, .tfsync = { 1, { true, 1 } });
	EXPECT_OK(&s, .type = P9_TFSYNC, .tfsync = { 1, { false, 0 } });
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, NULL), 0);
	CU_ASSERT_EQUAL(ask_create(&s, 2, "new", P9_OPEN_RDWR | P9_OPEN_EXCL),
			EEXIST);
	/* A fid that failed is what it was. */
	CU_ASSERT_EQUAL(ask_create(&s, 2, "new", P9_OPEN_RDONLY), 0);
	CU_ASSERT_EQUAL(p9_session_counters(s.session)->written_len, 3);
	server_close(&s);
}

static void open_flags_are_translated_and_unknown_ones_refused(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, 3), EINVAL);
	CU_ASSERT_EQUAL(ask_open(&s, 1, 0x200000), EINVAL);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_DIRECTORY), ENOTDIR);
	CU_ASSERT_EQUAL(ask_open(&s, 1,
				 P9_OPEN_RDWR | P9_OPEN_APPEND | P9_OPEN_CREAT |
					 P9_OPEN_LARGEFILE | P9_OPEN_CLOEXEC |
					 P9_OPEN_NOATIME | P9_OPEN_DIRECT |
					 P9_OPEN_SYNC),
			0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), EINVAL); /* again */
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "+"), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "hello+");
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_WRONLY | P9_OPEN_TRUNC), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "");
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 2, 0, 100), "?9"); /* EBADF */
	server_close(&s);
}

static void reads_and_writes_out_of_place_are_refused(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, 0, 1)), EBADF); /* not open */
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "x"), EBADF);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(9, 0, 1)), EBADF);
	EXPECT_ERR(&s, EBADF, .type = P9_TFSYNC, .tfsync = { .fid = 1 });
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, UINT64_MAX, 1)), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, INT64_MAX, 1)), EINVAL);
	CU_ASSERT_EQUAL(ask_write(&s, 1, INT64_MAX, "x"), EFBIG);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, 0, 65536 - 10)), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, 0, 65536 - 11)), 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, ""), 0); /* nothing is fine */
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(1, 0, 0)), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, NULL), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_read(2, 0, 1)), EISDIR);
	EXPECT_OK(&s, .type = P9_TFSYNC, .tfsync = { .fid = 2 });
	server_close(&s);
}

static void read_only_share_refuses_changes(void)
{
	server_open_with(&s, (struct share_opts){ .mode = SHARE_RO },
			 server_limits());
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), EROFS);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "hello");
	CU_ASSERT_EQUAL(ask_create(&s, 0, "x", P9_OPEN_RDWR), EROFS);
	server_close(&s);
}

static void quota_is_given_back_after_the_write(void)
{
	server_open_with(
		&s, (struct share_opts){ .mode = SHARE_COW, .quota = 64 << 10 },
		server_limits());
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), 0);
	CU_ASSERT_EQUAL(ask_create(&s, 1, "new", P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 1 << 20, "x"), EDQUOT);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 30 << 10, "x"), 0);
	server_close(&s);
}

/* --- directories ---------------------------------------------------------- */

/* Read all with this count per message; the number of entries, or -errno. */
static int count_entries(uint32_t fid, uint32_t count)
{
	uint64_t off = 0;
	int nr = 0;

	for (;;) {
		const struct p9_msg *reply = ask(&s,
						 msg_readdir(fid, off, count));
		struct p9_dirent entry;
		struct p9_reader r;
		int got;

		if (reply->type == P9_RLERROR)
			return -(int)reply->rlerror.ecode;
		CU_ASSERT(reply->rreaddir.data.count <= count);
		if (!reply->rreaddir.data.count)
			return nr;
		r = p9_reader_of(reply->rreaddir.data.bytes,
				 reply->rreaddir.data.count);
		while ((got = p9_get_dirent(&r, &entry)) == 1) {
			off = entry.offset;
			nr++;
		}
		CU_ASSERT_EQUAL(got, 0); /* none is split */
	}
}

static void readdir_packs_whole_entries(void)
{
	char name[32];

	server_open(&s);
	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "d/name-%d", i);
		tree_file(s.room.lower.text, name, "");
	}
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_readdir(1, 0, 4096)), EBADF);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY | P9_OPEN_DIRECTORY), 0);
	CU_ASSERT_EQUAL(count_entries(1, 65536 - 11), 303);
	CU_ASSERT_EQUAL(count_entries(1, 4096), 303);
	CU_ASSERT_EQUAL(count_entries(1, 40), 303);
	CU_ASSERT_EQUAL(count_entries(1, 24), -EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_readdir(1, 12345, 4096)), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_readdir(1, 0, 65536)), EINVAL);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_readdir(2, 0, 4096)), ENOTDIR);
	server_close(&s);
}

/* --- locks ---------------------------------------------------------------- */

static void locks_of_two_fids_exclude_each_other(void)
{
	struct p9_msg get = { .type = P9_TGETLOCK,
			      .tgetlock = { 2, P9_LOCK_WRLCK, 0, 0, 7,
					    str("me") } };

	server_open(&s);
	for (uint32_t fid = 1; fid <= 2; fid++) {
		CU_ASSERT_EQUAL(ask_walk(&s, 0, fid, "f"), 0);
		CU_ASSERT_EQUAL(ask_err(&s, msg_lock(fid, P9_LOCK_WRLCK, 0)),
				EBADF);
		CU_ASSERT_EQUAL(ask_open(&s, fid, P9_OPEN_RDWR), 0);
	}
	CU_ASSERT_EQUAL(ask(&s, msg_lock(1, P9_LOCK_WRLCK, 1))->rlock.status,
			P9_LOCK_SUCCESS);
	CU_ASSERT_EQUAL(ask(&s, msg_lock(2, P9_LOCK_RDLCK, 1))->rlock.status,
			P9_LOCK_BLOCKED);
	CU_ASSERT_EQUAL(ask_err(&s, get), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rgetlock.type, P9_LOCK_WRLCK);
	CU_ASSERT_EQUAL(s.ask.reply.rgetlock.length, 10);
	CU_ASSERT_EQUAL(ask(&s, msg_lock(1, P9_LOCK_UNLCK, 0))->rlock.status,
			P9_LOCK_SUCCESS);
	CU_ASSERT_EQUAL(ask_err(&s, get), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rgetlock.type, P9_LOCK_UNLCK);
	CU_ASSERT_EQUAL(s.ask.reply.rgetlock.client_id.len, 2);
	CU_ASSERT_EQUAL(s.ask.reply.rgetlock.proc_id, 7);
	/* Clunking lets go. */
	CU_ASSERT_EQUAL(ask(&s, msg_lock(1, P9_LOCK_WRLCK, 0))->rlock.status,
			P9_LOCK_SUCCESS);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), 0);
	CU_ASSERT_EQUAL(ask(&s, msg_lock(2, P9_LOCK_WRLCK, 0))->rlock.status,
			P9_LOCK_SUCCESS);
	server_close(&s);
}

/* Linux's client asks so, whatever its caller asked. */
static void getlock_of_no_type_tells_any_lock(void)
{
	struct p9_msg get = { .type = P9_TGETLOCK,
			      .tgetlock = { 2, P9_LOCK_UNLCK, 0, 0, 7,
					    str("me") } };
	static const uint8_t held[] = { P9_LOCK_UNLCK, P9_LOCK_RDLCK,
					P9_LOCK_WRLCK };

	server_open(&s);
	for (uint32_t fid = 1; fid <= 2; fid++) {
		CU_ASSERT_EQUAL(ask_walk(&s, 0, fid, "f"), 0);
		CU_ASSERT_EQUAL(ask_open(&s, fid, P9_OPEN_RDWR), 0);
	}
	for (size_t i = 0; i < sizeof(held); i++) {
		CU_ASSERT_EQUAL(ask(&s, msg_lock(1, held[i], 0))->rlock.status,
				P9_LOCK_SUCCESS);
		CU_ASSERT_EQUAL(ask_err(&s, get), 0);
		CU_ASSERT_EQUAL(s.ask.reply.rgetlock.type, held[i]);
	}
	server_close(&s);
}

static void bad_locks_are_refused(void)
{
	struct p9_msg get = { .type = P9_TGETLOCK,
			      .tgetlock = { 1, 3, 0, 0, 7, str("me") } };

	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_err(&s, msg_lock(1, 3, 0)), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_lock(1, P9_LOCK_WRLCK, 4)), EINVAL);
	CU_ASSERT_EQUAL(ask(&s, msg_lock(1, P9_LOCK_WRLCK, P9_LOCK_RECLAIM))
				->rlock.status,
			P9_LOCK_ERROR);
	CU_ASSERT_EQUAL(ask_err(&s, get), EINVAL);
	get.tgetlock.type = P9_LOCK_RDLCK;
	get.tgetlock.start = UINT64_MAX;
	CU_ASSERT_EQUAL(ask_err(&s, get), EINVAL);
	server_close(&s);
}

/* --- xattrs --------------------------------------------------------------- */

static int set_xattr(uint32_t fid, const char *name, const char *value,
		     uint32_t flags)
{
	int err = ask_walk(&s, 0, fid, "f");

	if (!err)
		err = ask_err(&s,
			      msg_xattrcreate(fid, name, strlen(value), flags));
	if (!err && *value)
		err = ask_write(&s, fid, 0, value);
	if (err) {
		(void)ask_clunk(&s, fid);
		return err;
	}
	return ask_clunk(&s, fid);
}

static bool have_xattrs(void)
{
	if (set_xattr(50, "user.x", "value", 0) == 0)
		return true;
	unit_skip("no user xattrs here");
	return false;
}

static void xattr_is_set_at_the_clunk_and_read_back(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	if (have_xattrs()) {
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 2, "user.x")), 0);
		CU_ASSERT_EQUAL(s.ask.reply.rxattrwalk.size, 5);
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 2, 0, 100), "value");
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 2, 3, 1), "u");
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 2, 5, 1), "");
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 2, UINT64_MAX, 1), "");
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 3, "")), 0);
		CU_ASSERT_EQUAL(s.ask.reply.rxattrwalk.size, 7);
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 3, 0, 100), "user.x");
		/* Such fids are good for nothing else. */
		CU_ASSERT_EQUAL(ask_walk(&s, 2, 4, NULL), EBADF);
		CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), EBADF);
		CU_ASSERT_EQUAL(ask_write(&s, 2, 0, "x"), EBADF);
		EXPECT_ERR(&s, EBADF, .type = P9_TREMOVE, .tremove = { 2 });
		CU_ASSERT_EQUAL(ask_clunk(&s, 2), EBADF); /* remove did */
		CU_ASSERT_EQUAL(set_xattr(5, "user.x", "", XATTR_REPLACE), 0);
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 6, "user.x")),
				ENODATA);
		CU_ASSERT_EQUAL(ask_clunk(&s, 6), EBADF);
		CU_ASSERT_EQUAL(set_xattr(5, "user.e", "", 0), 0);
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 6, "user.e")), 0);
		CU_ASSERT_EQUAL(s.ask.reply.rxattrwalk.size, 0);
		CU_ASSERT_EQUAL(set_xattr(5, "user.e", "y", XATTR_CREATE),
				EEXIST);
		CU_ASSERT_EQUAL(set_xattr(5, "user.n", "y", XATTR_REPLACE),
				ENODATA);
	}
	server_close(&s);
}

static void xattr_of_another_length_than_announced_is_not_set(void)
{
	server_open(&s);
	if (have_xattrs()) {
		CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "user.y", 4, 0)),
				0);
		CU_ASSERT_EQUAL(ask_write(&s, 1, 1, "x"), EINVAL); /* a hole */
		CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "12345"), ENOSPC);
		CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "12"), 0);
		CU_ASSERT_EQUAL(ask_write(&s, 1, 2, "345"), ENOSPC);
		CU_ASSERT_EQUAL(ask_write(&s, 1, 2, "3"), 0);
		CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 1), "?9");
		CU_ASSERT_EQUAL(ask_clunk(&s, 1), EINVAL);
		CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF); /* gone anyway */
		CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
		CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 2, "user.y")),
				ENODATA);
	}
	server_close(&s);
}

static void bad_xattr_requests_are_refused(void)
{
	static char name[300];
	struct p9_limits limits = server_limits();
	struct p9_msg nul = msg_xattrwalk(1, 2, "user.x");

	limits.xattr_len = 3;
	server_open_with(&s, (struct share_opts){ .mode = SHARE_COW }, limits);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	memset(name, 'a', sizeof(name) - 1);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 2, name)), ERANGE);
	nul.txattrwalk.name = (struct p9_str){ 6, "user\0x" };
	CU_ASSERT_EQUAL(ask_err(&s, nul), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(1, 0, "user.x")), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrwalk(9, 2, "user.x")), EBADF);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "", 3, 0)), EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "user.x", 3, 3)),
			EINVAL);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "user.x", 65537, 0)),
			E2BIG);
	CU_ASSERT_EQUAL(
		ask_err(&s, msg_xattrcreate(1, "user.x", UINT64_MAX, 0)),
		E2BIG);
	/* Memory is for bytes that came, and limited. */
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "user.x", 65536, 0)), 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "123"), 0);
	CU_ASSERT_EQUAL(ask_write(&s, 1, 3, "4"), ENOMEM);
	CU_ASSERT_EQUAL(ask_err(&s, msg_xattrcreate(1, "user.x", 3, 0)), EBADF);
	server_close(&s);
}

static const struct unit_test tests[] = {
	{ "created_file_is_the_fid_and_can_be_written_and_read",
	  created_file_is_the_fid_and_can_be_written_and_read },
	{ "open_flags_are_translated_and_unknown_ones_refused",
	  open_flags_are_translated_and_unknown_ones_refused },
	{ "reads_and_writes_out_of_place_are_refused",
	  reads_and_writes_out_of_place_are_refused },
	{ "read_only_share_refuses_changes", read_only_share_refuses_changes },
	{ "quota_is_given_back_after_the_write",
	  quota_is_given_back_after_the_write },
	{ "readdir_packs_whole_entries", readdir_packs_whole_entries },
	{ "locks_of_two_fids_exclude_each_other",
	  locks_of_two_fids_exclude_each_other },
	{ "getlock_of_no_type_tells_any_lock",
	  getlock_of_no_type_tells_any_lock },
	{ "bad_locks_are_refused", bad_locks_are_refused },
	{ "xattr_is_set_at_the_clunk_and_read_back",
	  xattr_is_set_at_the_clunk_and_read_back },
	{ "xattr_of_another_length_than_announced_is_not_set",
	  xattr_of_another_length_than_announced_is_not_set },
	{ "bad_xattr_requests_are_refused", bad_xattr_requests_are_refused },
};

UNIT_MAIN("p9_server_files", tests)
