/* SPDX-License-Identifier: MIT */
/* test_p9_server.c - sessions, fids and walks. */
#include "tests/unit/p9_server_room.h"

static struct server_room s;

static void version_agrees_on_the_smaller_msize(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_version(&s, 8192), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rversion.msize, 8192);
	CU_ASSERT_EQUAL(p9_session_msize(s.session), 8192);
	CU_ASSERT_EQUAL(ask_version(&s, 1u << 30), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rversion.msize, 65536);
	CU_ASSERT_EQUAL(s.ask.reply.rversion.version.len, 8);
	CU_ASSERT_EQUAL(ask_version(&s, P9_MSIZE_MIN - 1), EINVAL);
	server_close(&s);
}

static void unknown_version_is_told_and_ends_the_session(void)
{
	server_open(&s);
	EXPECT_OK(&s, .type = P9_TVERSION, .tag = P9_NOTAG,
		  .tversion = { 8192, str("9P2000.u") });
	CU_ASSERT_EQUAL(s.ask.reply.rversion.version.len, 7);
	CU_ASSERT_EQUAL(ask_attach(&s, 0), EPROTO);
	server_close(&s);
}

static void nothing_before_version(void)
{
	struct p9_limits limits = server_limits();

	server_open(&s);
	p9_session_stop(s.session);
	p9_session_destroy(s.session);
	server_session(&s, limits);
	CU_ASSERT_EQUAL(ask_attach(&s, 0), EPROTO);
	CU_ASSERT_EQUAL(p9_session_msize(s.session), P9_MSIZE_MIN);
	CU_ASSERT_EQUAL(ask_version(&s, 8192), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), EBADF); /* or attach */
	server_close(&s);
}

static void version_frees_all_fids(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_version(&s, 8192), 0);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_attach(&s, 0), 0);
	server_close(&s);
}

static void attach_finds_shares_by_name(void)
{
	struct p9_msg msg = { .type = P9_TATTACH,
			      .tattach = { 7, P9_NOFID, str("u"), str("/share"),
					   0 } };

	server_open(&s);
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rattach.qid.type, P9_QID_DIR);
	CU_ASSERT_EQUAL(ask_err(&s, msg), EINVAL); /* the fid is taken */
	msg.tattach.fid = 8;
	msg.tattach.aname = str("share");
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	msg.tattach.fid = 9;
	msg.tattach.aname = str("other");
	CU_ASSERT_EQUAL(ask_err(&s, msg), ENOENT);
	msg.tattach.aname = str("");
	msg.tattach.afid = 3;
	CU_ASSERT_EQUAL(ask_err(&s, msg), EINVAL);
	msg.tattach.afid = P9_NOFID;
	msg.tattach.fid = P9_NOFID;
	CU_ASSERT_EQUAL(ask_err(&s, msg), EINVAL);
	EXPECT_ERR(&s, EOPNOTSUPP, .type = P9_TAUTH,
		   .tauth = { 3, str("u"), str(""), 0 });
	server_close(&s);
}

static void walk_goes_down_and_never_above_the_root(void)
{
	struct p9_msg msg = { .type = P9_TWALK,
			      .twalk = {
				      0, 1, { 2, { str("d"), str("g") } } } };
	struct p9_qid root;

	server_open(&s);
	CU_ASSERT_EQUAL(ask_attach(&s, 9), 0);
	root = s.ask.reply.rattach.qid;
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.nr, 2);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.qid[0].type, P9_QID_DIR);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.qid[1].type, P9_QID_FILE);
	msg.twalk.newfid = 2;
	msg.twalk.names = (struct p9_names){
		4, { str(".."), str("d"), str(".."), str("..") }
	};
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.qid[3].path, root.path);
	server_close(&s);
}

static void walk_that_fails_on_the_way_answers_what_it_reached(void)
{
	struct p9_msg msg = {
		.type = P9_TWALK,
		.twalk = { 0, 1, { 3, { str("d"), str("no"), str("g") } } }
	};

	server_open(&s);
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	CU_ASSERT_EQUAL(s.ask.reply.rwalk.qids.nr, 1);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF); /* it was not made */
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "no"), ENOENT);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	/* In place, the fid stays where it was. */
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 5, NULL), 0);
	msg.twalk.fid = msg.twalk.newfid = 5;
	CU_ASSERT_EQUAL(ask_err(&s, msg), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 5, 6, "f"), 0);
	server_close(&s);
}

static void walk_in_place_moves_the_fid(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 1, "d"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, "g"), 0);
	server_close(&s);
}

static void walk_refuses_bad_fids_and_names(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_walk(&s, 33, 1, NULL), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), EINVAL); /* newfid taken */
	CU_ASSERT_EQUAL(ask_walk(&s, 0, P9_NOFID, NULL), EINVAL);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, "x"), ENOTDIR);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, ""), EINVAL);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "d/g"), EINVAL);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 1, NULL), EINVAL); /* open */
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, ".."), EINVAL);
	CU_ASSERT_EQUAL(ask_walk(&s, 1, 2, NULL), 0); /* a clone is not */
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), 0);
	server_close(&s);
}

static void clunked_fid_is_gone_and_its_number_free(void)
{
	server_open(&s);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), 0);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), EBADF);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "d"), 0);
	server_close(&s);
}

static void many_fids_are_all_found(void)
{
	server_open(&s);
	for (uint32_t i = 1; i <= 1000; i++)
		CU_ASSERT_EQUAL(ask_walk(&s, 0, i * 64, "f"), 0);
	for (uint32_t i = 1; i <= 1000; i++)
		CU_ASSERT_EQUAL(ask_clunk(&s, i * 64), 0);
	server_close(&s);
}

static void fids_beyond_the_limit_are_enfile(void)
{
	struct p9_limits limits = server_limits();

	limits.fids = 3;
	server_open_with(&s, (struct share_opts){ .mode = SHARE_RO }, limits);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, NULL), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, NULL), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 3, NULL), ENFILE);
	CU_ASSERT_EQUAL(ask_attach(&s, 3), ENFILE);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 3, NULL), 0);
	server_close(&s);
}

static void open_files_beyond_the_limit_are_emfile(void)
{
	struct p9_limits limits = server_limits();

	limits.files = 1;
	server_open_with(&s, (struct share_opts){ .mode = SHARE_COW }, limits);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "f"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, "f"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 3, NULL), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), EMFILE);
	CU_ASSERT_EQUAL(ask_create(&s, 3, "new", P9_OPEN_RDWR), EMFILE);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 4, "new"), ENOENT);
	CU_ASSERT_EQUAL(ask_clunk(&s, 1), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 2, P9_OPEN_RDONLY), 0);
	server_close(&s);
}

static void limits_and_exports_that_cannot_be_are_refused(void)
{
	struct p9_session_opts opts = { .io = &p9_io_sync,
					.limits = P9_LIMITS_DEFAULT };
	struct p9_export export = { "x", NULL };
	struct p9_session *session = NULL;

	CU_ASSERT_EQUAL(p9_session_create(&session, &opts), -EINVAL);
	opts.exports = &export;
	opts.exports_nr = 1;
	opts.limits.msize = P9_MSIZE_MIN - 1;
	CU_ASSERT_EQUAL(p9_session_create(&session, &opts), -EINVAL);
	opts.limits.msize = P9_MSIZE_MAX + 1;
	CU_ASSERT_EQUAL(p9_session_create(&session, &opts), -EINVAL);
	opts.limits.msize = P9_MSIZE_MIN;
	opts.limits.fids = 0;
	CU_ASSERT_EQUAL(p9_session_create(&session, &opts), -EINVAL);
	p9_session_destroy(NULL);
}

static void two_sessions_see_one_share_and_have_their_own_fids(void)
{
	static struct server_room other;

	server_open(&s);
	other = s;
	server_session(&other, server_limits());
	CU_ASSERT_EQUAL(ask_version(&other, 8192), 0);
	CU_ASSERT_EQUAL(ask_walk(&other, 0, 1, NULL), EBADF);
	CU_ASSERT_EQUAL(ask_attach(&other, 0), 0);
	CU_ASSERT_EQUAL(ask_create(&other, 0, "new", P9_OPEN_RDWR), 0);
	CU_ASSERT_EQUAL(ask_write(&other, 0, 0, "there"), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "new"), 0);
	CU_ASSERT_EQUAL(ask_open(&s, 1, P9_OPEN_RDONLY), 0);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "there");
	p9_session_stop(other.session);
	p9_session_destroy(other.session);
	CU_ASSERT_STRING_EQUAL(ask_read(&s, 1, 0, 100), "there");
	server_close(&s);
}

static const struct unit_test tests[] = {
	{ "version_agrees_on_the_smaller_msize",
	  version_agrees_on_the_smaller_msize },
	{ "unknown_version_is_told_and_ends_the_session",
	  unknown_version_is_told_and_ends_the_session },
	{ "nothing_before_version", nothing_before_version },
	{ "version_frees_all_fids", version_frees_all_fids },
	{ "attach_finds_shares_by_name", attach_finds_shares_by_name },
	{ "walk_goes_down_and_never_above_the_root",
	  walk_goes_down_and_never_above_the_root },
	{ "walk_that_fails_on_the_way_answers_what_it_reached",
	  walk_that_fails_on_the_way_answers_what_it_reached },
	{ "walk_in_place_moves_the_fid", walk_in_place_moves_the_fid },
	{ "walk_refuses_bad_fids_and_names", walk_refuses_bad_fids_and_names },
	{ "clunked_fid_is_gone_and_its_number_free",
	  clunked_fid_is_gone_and_its_number_free },
	{ "many_fids_are_all_found", many_fids_are_all_found },
	{ "fids_beyond_the_limit_are_enfile",
	  fids_beyond_the_limit_are_enfile },
	{ "open_files_beyond_the_limit_are_emfile",
	  open_files_beyond_the_limit_are_emfile },
	{ "limits_and_exports_that_cannot_be_are_refused",
	  limits_and_exports_that_cannot_be_are_refused },
	{ "two_sessions_see_one_share_and_have_their_own_fids",
	  two_sessions_see_one_share_and_have_their_own_fids },
};

UNIT_MAIN("p9_server", tests)
