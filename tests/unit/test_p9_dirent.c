/* SPDX-License-Identifier: MIT */
/* test_p9_dirent.c - are entries of directories whole, and names names? */
#include <errno.h>

#include "tests/unit/p9_room.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_dirent.h"

static const struct p9_dirent entries[] = {
	{ { P9_QID_DIR, 1, 0x1122334455667788ull }, 1, 4, { 1, "." } },
	{ { P9_QID_FILE, 2, UINT64_MAX }, UINT64_MAX, 8, { 5, "notes" } },
	{ { P9_QID_SYMLINK, 3, 9 }, 3, 10, { 2, "ln" } },
};
#define ENTRIES_NR (sizeof(entries) / sizeof(*entries))
/* Where each ends. */
static const uint32_t ends[] = { 25, 54, 80 };

static bool is_same(const struct p9_dirent *a, const struct p9_dirent *b)
{
	return a->qid.type == b->qid.type && a->qid.version == b->qid.version &&
	       a->qid.path == b->qid.path && a->offset == b->offset &&
	       a->type == b->type && a->name.len == b->name.len &&
	       memcmp(a->name.bytes, b->name.bytes, a->name.len) == 0;
}

/* How many go into cap bytes; the writer tells how long they are. */
static uint32_t put_all(struct p9_writer *w, uint8_t *bytes, uint32_t cap)
{
	uint32_t nr = 0;

	*w = p9_writer_of(bytes, cap);
	while (nr < ENTRIES_NR && p9_put_dirent(w, &entries[nr]) == 0)
		nr++;
	if (nr < ENTRIES_NR)
		CU_ASSERT_EQUAL(p9_put_dirent(w, &entries[nr]), -ENOSPC);
	CU_ASSERT_EQUAL(w->err, 0);
	return nr;
}

static void entries_survive_the_round_trip(void)
{
	uint8_t *bytes = p9_room(ends[2]);
	struct p9_dirent entry;
	struct p9_reader r;
	struct p9_writer w;

	CU_ASSERT_EQUAL_FATAL(put_all(&w, bytes, ends[2]), ENTRIES_NR);
	CU_ASSERT_EQUAL(w.pos, ends[2]);
	r = p9_reader_of(bytes, w.pos);
	for (uint32_t i = 0; i < ENTRIES_NR; i++) {
		CU_ASSERT_EQUAL_FATAL(p9_get_dirent(&r, &entry), 1);
		CU_ASSERT(is_same(&entry, &entries[i]));
	}
	CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), 0);
	CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), 0);
}

static void entries_are_those_of_a_real_reply(void)
{
	const struct p9_data *data =
		&p9_sample_of(P9_RREADDIR)->msg.rreaddir.data;
	struct p9_reader r = p9_reader_of(data->bytes, data->count);
	struct p9_dirent entry;

	CU_ASSERT_EQUAL_FATAL(p9_get_dirent(&r, &entry), 1);
	CU_ASSERT(entry.qid.type == P9_QID_DIR && entry.qid.path == 0xc0ffee);
	CU_ASSERT(entry.offset == 1 && entry.type == 4);
	CU_ASSERT(entry.name.len == 1 && *entry.name.bytes == '.');
	CU_ASSERT_EQUAL_FATAL(p9_get_dirent(&r, &entry), 1);
	CU_ASSERT(entry.offset == 2 && entry.type == 8);
	CU_ASSERT(entry.name.len == 5 &&
		  memcmp(entry.name.bytes, "notes", 5) == 0);
	CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), 0);
}

static void entry_that_does_not_fit_whole_is_not_begun(void)
{
	for (uint32_t cap = 0; cap <= ends[2]; cap++) {
		uint8_t *bytes = p9_room(cap);
		uint32_t fit = 0, got;
		struct p9_writer w;

		while (fit < ENTRIES_NR && ends[fit] <= cap)
			fit++;
		memset(bytes, 0x5a, cap);
		got = put_all(&w, bytes, cap);
		CU_ASSERT_EQUAL(got, fit);
		CU_ASSERT_EQUAL(w.pos, fit ? ends[fit - 1] : 0);
		for (uint32_t i = w.pos; i < cap; i++)
			CU_ASSERT_EQUAL(bytes[i], 0x5a);
	}
}

static void entry_cut_anywhere_is_refused(void)
{
	uint8_t bytes[128];
	struct p9_writer w;

	(void)put_all(&w, bytes, sizeof(bytes));
	for (uint32_t len = ends[0] + 1; len < ends[1]; len++) {
		struct p9_reader r = p9_reader_of(p9_room_of(bytes, len), len);
		struct p9_dirent entry;

		CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), 1);
		CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), -EBADMSG);
		CU_ASSERT_EQUAL(p9_get_dirent(&r, &entry), -EBADMSG);
	}
}

static void only_what_can_be_a_name_is_one(void)
{
	static char longest[P9_NAME_MAX + 1];
	static const struct {
		struct p9_str name;
		int want;
	} names[] = {
		{ { 1, "a" }, 0 },	    { { 1, "." }, 0 },
		{ { 2, ".." }, 0 },	    { { 3, "\xff \n" }, 0 },
		{ { 0, NULL }, -EINVAL },   { { 0, "a" }, -EINVAL },
		{ { 1, "/" }, -EINVAL },    { { 2, "a/" }, -EINVAL },
		{ { 2, "/a" }, -EINVAL },   { { 1, "" }, -EINVAL },
		{ { 3, "a\0b" }, -EINVAL }, { { 2, "a" }, -EINVAL },
		{ { 255, longest }, 0 },    { { 256, longest }, -ENAMETOOLONG },
	};

	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CU_ASSERT_EQUAL(p9_name_check(names[i].name), names[i].want);
}

static const struct unit_test tests[] = {
	{ "entries_survive_the_round_trip", entries_survive_the_round_trip },
	{ "entries_are_those_of_a_real_reply",
	  entries_are_those_of_a_real_reply },
	{ "entry_that_does_not_fit_whole_is_not_begun",
	  entry_that_does_not_fit_whole_is_not_begun },
	{ "entry_cut_anywhere_is_refused", entry_cut_anywhere_is_refused },
	{ "only_what_can_be_a_name_is_one", only_what_can_be_a_name_is_one },
};
UNIT_MAIN("p9_dirent", tests)
