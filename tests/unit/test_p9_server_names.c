/* SPDX-License-Identifier: MIT */
/* test_p9_server_names.c - names and attributes, message by message. */
#include "tests/unit/p9_server_room.h"

static struct server_room s;

static const char *listing(const char *path)
{
	return room_names(&s.room, path);
}

static void mkdir_symlink_and_mknod_make_what_they_say(void)
{
	server_open(&s);
	EXPECT_OK(&s, .type = P9_TMKDIR,
		  .tmkdir = { 0, str("dir"), 0750, P9_NOUID });
	CU_ASSERT_EQUAL(s.ask.reply.rmkdir.qid.type, P9_QID_DIR);
	EXPECT_OK(&s, .type = P9_TSYMLINK,
		  .tsymlink = { 0, str("link"), str("../../x"), P9_NOUID });
	CU_ASSERT_EQUAL(s.ask.reply.rsymlink.qid.type, P9_QID_SYMLINK);
	EXPECT_OK(&s, .type = P9_TMKNOD,
		  .tmknod = { 0, str("file"), S_IFREG | 0640, 0, 0, P9_NOUID });
	CU_ASSERT_EQUAL(s.ask.reply.rmknod.qid.type, P9_QID_FILE);
	EXPECT_ERR(&s, EEXIST, .type = P9_TMKDIR,
		   .tmkdir = { 0, str("f"), 0750, P9_NOUID });
	EXPECT_ERR(&s, EINVAL, .type = P9_TMKNOD,
		   .tmknod = { 0, str("bad"), 0110000, 0, 0, P9_NOUID });
	EXPECT_ERR(&s, EINVAL, .type = P9_TSYMLINK,
		   .tsymlink = { 0, str("nul"), { 3, "a\0b" }, P9_NOUID });
	CU_ASSERT_STRING_EQUAL(listing("."), "d dir f file link ");
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "link"), 0);
	EXPECT_OK(&s, .type = P9_TREADLINK, .treadlink = { 1 });
	CU_ASSERT_EQUAL(s.ask.reply.rreadlink.target.len, 7);
	/* It is followed by the client, never here. */
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, "x"), ENOTDIR);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), ELOOP);
	EXPECT_ERR(&s, EINVAL, .type = P9_TREADLINK, .treadlink = { 0 });
	server_close(&s);
}

static void names_that_no_file_may_have_are_refused(void)
{
	static char longest[257];
	const struct p9_str bad[] = { { 0, "" },       { 1, "/" },
				      { 3, "a/b" },    { 1, "." },
				      { 2, ".." },     { 3, "a\0b" },
				      { 256, longest } };

	server_open(&s);
	memset(longest, 'a', 256);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int want = bad[i].len == 256 ? ENAMETOOLONG : EINVAL;

		EXPECT_ERR(&s, want, .type = P9_TMKDIR,
			   .tmkdir = { 0, bad[i], 0750, P9_NOUID });
		EXPECT_ERR(&s, want, .type = P9_TSYMLINK,
			   .tsymlink = { 0, bad[i], str("x"), P9_NOUID });
		EXPECT_ERR(&s, want, .type = P9_TMKNOD,
			   .tmknod = { 0, bad[i], S_IFREG, 0, 0, P9_NOUID });
		EXPECT_ERR(&s, want, .type = P9_TUNLINKAT,
			   .tunlinkat = { 0, bad[i], 0 });
		EXPECT_ERR(&s, want, .type = P9_TRENAMEAT,
			   .trenameat = { 0, bad[i], 0, str("x") });
		EXPECT_ERR(&s, want, .type = P9_TRENAMEAT,
			   .trenameat = { 0, str("f"), 0, bad[i] });
	}
	CU_ASSERT_STRING_EQUAL(listing("."), "d f ");
	server_close(&s);
}

static void rename_comes_in_two_messages(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	EXPECT_OK(&s, .type = P9_TRENAMEAT,
		  .trenameat = { 0, str("f"), 1, str("moved") });
	CU_ASSERT_STRING_EQUAL(listing("d"), "g moved ");
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, "moved"), 0);
	EXPECT_OK(&s, .type = P9_TRENAME, .trename = { 2, 0, str("back") });
	CU_ASSERT_STRING_EQUAL(listing("."), "back d ");
	EXPECT_ERR(&s, EBADF, .type = P9_TRENAME,
		   .trename = { 9, 0, str("x") });
	EXPECT_ERR(&s, EBADF, .type = P9_TRENAME,
		   .trename = { 2, 9, str("x") });
	EXPECT_ERR(&s, ENOENT, .type = P9_TRENAMEAT,
		   .trenameat = { 0, str("f"), 1, str("moved") });
	/* A directory of the lower layer: what overlayfs answers. */
	EXPECT_ERR(&s, EXDEV, .type = P9_TRENAMEAT,
		   .trenameat = { 0, str("d"), 0, str("e") });
	server_close(&s);
}

static void names_go_by_unlinkat_and_remove(void)
{
	server_open(&s);
	EXPECT_ERR(&s, EISDIR, .type = P9_TUNLINKAT,
		   .tunlinkat = { 0, str("d"), 0 });
	EXPECT_ERR(&s, ENOTEMPTY, .type = P9_TUNLINKAT,
		   .tunlinkat = { 0, str("d"), P9_UNLINKAT_REMOVEDIR });
	EXPECT_ERR(&s, EINVAL, .type = P9_TUNLINKAT,
		   .tunlinkat = { 0, str("f"), 1 });
	EXPECT_OK(&s, .type = P9_TUNLINKAT, .tunlinkat = { 0, str("f"), 0 });
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	/* It fails, and clunks all the same: remove(5). */
	EXPECT_ERR(&s, ENOTEMPTY, .type = P9_TREMOVE, .tremove = { 1 });
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, "g"), 0);
	EXPECT_OK(&s, .type = P9_TREMOVE, .tremove = { 2 });
	EXPECT_OK(&s, .type = P9_TREMOVE, .tremove = { 1 });
	EXPECT_ERR(&s, EBADF, .type = P9_TREMOVE, .tremove = { 1 });
	CU_ASSERT_STRING_EQUAL(listing("."), "");
	server_close(&s);
}

static void link_gives_a_second_name(void)
{
	struct p9_qid qid;

	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	qid = s.ask.reply.rwalk.qids.qid[0];
	EXPECT_OK(&s, .type = P9_TLINK, .tlink = { 0, 1, str("second") });
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "second"), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.qid[0].path, qid.path);
	EXPECT_ERR(&s, EEXIST, .type = P9_TLINK,
		   .tlink = { 0, 1, str("second") });
	EXPECT_ERR(&s, EBADF, .type = P9_TLINK, .tlink = { 0, 8, str("x") });
	server_close(&s);
}

static void unlinked_open_file_goes_on(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	EXPECT_OK(&s, .type = P9_TUNLINKAT, .tunlinkat = { 0, str("f"), 0 });
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "J"), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "Jello");
	EXPECT_OK(&s, .type = P9_TGETATTR, .tgetattr = { 1, UINT64_MAX });
	server_close(&s);
}

static void getattr_and_setattr_agree(void)
{
	struct p9_msg set = {
		.type = P9_TSETATTR,
		.tsetattr = { .fid = 1,
			      .valid = P9_SETATTR_MODE | P9_SETATTR_SIZE |
				       P9_SETATTR_ATIME | P9_SETATTR_ATIME_SET |
				       P9_SETATTR_MTIME | P9_SETATTR_MTIME_SET,
			      .mode = 0600,
			      .size = 2,
			      .atime = { 1000, 5 },
			      .mtime = { (uint64_t)-1, 6 } }
	};
	const struct p9_msg *got = &s.ask.reply;

	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_err(&s, set), 0);
	EXPECT_OK(&s, .type = P9_TGETATTR, .tgetattr = { 1, UINT64_MAX });
	CU_ASSERT_EQUAL(got->rgetattr.valid & P9_GETATTR_BASIC,
			P9_GETATTR_BASIC);
	CU_ASSERT_EQUAL(got->rgetattr.mode, S_IFREG | 0600);
	CU_ASSERT_EQUAL(got->rgetattr.size, 2);
	CU_ASSERT_EQUAL(got->rgetattr.atime.sec, 1000);
	CU_ASSERT_EQUAL(got->rgetattr.atime.nsec, 5);
	CU_ASSERT_EQUAL(got->rgetattr.mtime.sec, (uint64_t)-1);
	EXPECT_OK(&s, .type = P9_TGETATTR, .tgetattr = { 1, P9_GETATTR_SIZE });
	CU_ASSERT_EQUAL(got->rgetattr.valid, P9_GETATTR_SIZE);

	set.tsetattr.mtime.nsec = 1000000000;
	CU_ASSERT_EQUAL(ask_err(&s, set), EINVAL);
	set.tsetattr.mtime.nsec = 0;
	set.tsetattr.atime.nsec = UINT64_MAX;
	CU_ASSERT_EQUAL(ask_err(&s, set), EINVAL);
	set.tsetattr.valid = 0x200;
	CU_ASSERT_EQUAL(ask_err(&s, set), EINVAL);
	/* Times nobody asks for may be anything. */
	set.tsetattr.valid = P9_SETATTR_MTIME;
	CU_ASSERT_EQUAL(ask_err(&s, set), 0);
	set.tsetattr.fid = 9;
	CU_ASSERT_EQUAL(ask_err(&s, set), EBADF);
	EXPECT_ERR(&s, EBADF, .type = P9_TGETATTR, .tgetattr = { 9, 1 });
	server_close(&s);
}

static void owner_is_who_attached(void)
{
	server_open(&s);
	EXPECT_OK(&s, .type = P9_TATTACH,
		  .tattach = { 5, P9_NOFID, str("u"), str(""), 1234 });
	EXPECT_OK(&s, .type = P9_TMKDIR,
		  .tmkdir = { 5, str("mine"), 0700, 77 });
	CU_ASSERT_EQUAL(ask_walk(&s, 5, 6, "mine"), 0);
	EXPECT_OK(&s, .type = P9_TGETATTR, .tgetattr = { 6, UINT64_MAX });
	if (s.ask.reply.rgetattr.uid == 1234) {
		CU_ASSERT_EQUAL(s.ask.reply.rgetattr.gid, 77);
	} else {
		unit_skip("no user xattrs here, so owners are not kept");
	}
	server_close(&s);
}

static void statfs_answers_for_the_share(void)
{
	server_open(&s);
	EXPECT_OK(&s, .type = P9_TSTATFS, .tstatfs = { 0 });
	CU_ASSERT_EQUAL(s.ask.reply.rstatfs.namelen, 255);
	CU_ASSERT(s.ask.reply.rstatfs.bsize > 0);
	EXPECT_ERR(&s, EBADF, .type = P9_TSTATFS, .tstatfs = { 9 });
	server_close(&s);
}

static const struct unit_test tests[] = {
	{ "mkdir_symlink_and_mknod_make_what_they_say",
	  mkdir_symlink_and_mknod_make_what_they_say },
	{ "names_that_no_file_may_have_are_refused",
	  names_that_no_file_may_have_are_refused },
	{ "rename_comes_in_two_messages", rename_comes_in_two_messages },
	{ "names_go_by_unlinkat_and_remove", names_go_by_unlinkat_and_remove },
	{ "link_gives_a_second_name", link_gives_a_second_name },
	{ "unlinked_open_file_goes_on", unlinked_open_file_goes_on },
	{ "getattr_and_setattr_agree", getattr_and_setattr_agree },
	{ "owner_is_who_attached", owner_is_who_attached },
	{ "statfs_answers_for_the_share", statfs_answers_for_the_share },
};

UNIT_MAIN("p9_server_names", tests)
