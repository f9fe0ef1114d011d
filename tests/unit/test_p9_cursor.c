/* SPDX-License-Identifier: MIT */
/* test_p9_cursor.c - does a cursor stay between its ends, and stay bad? */
#include <errno.h>

#include "tests/unit/p9_room.h"
#include "vmm/files/p9_cursor.h"

static const uint8_t wire[] = {
	0x81,						/* u8 */
	0x02, 0x82,					/* u16 */
	0x03, 0x04, 0x05, 0x83,				/* u32 */
	0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x84, /* u64 */
	0x80, 0x01, 0x00, 0x00, 0x00,			/* qid */
	0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* qid.path */
	0x03, 0x00, 'a',  '/',	0x00,			/* string */
	0xde, 0xad,					/* bytes */
};
#define WIRE_LEN ((uint32_t)sizeof(wire))

static void put_wire(struct p9_writer *w)
{
	static const struct p9_qid qid = { 0x80, 1, 2 };

	p9_put_u8(w, 0x81);
	p9_put_u16(w, 0x8202);
	p9_put_u32(w, 0x83050403);
	p9_put_u64(w, 0x840c0b0a09080706ull);
	p9_put_qid(w, &qid);
	p9_put_str(w, (struct p9_str){ 3, "a/" });
	p9_put_bytes(w, "\xde\xad", 2);
}

static void values_are_little_endian_without_padding(void)
{
	struct p9_writer w = p9_writer_of(p9_room(WIRE_LEN), WIRE_LEN);

	put_wire(&w);
	CU_ASSERT_EQUAL(w.err, 0);
	CU_ASSERT_EQUAL(p9_writer_left(&w), 0);
	CU_ASSERT_EQUAL(memcmp(w.buf, wire, WIRE_LEN), 0);
}

static void values_come_back_as_they_were(void)
{
	struct p9_reader r = p9_reader_of(p9_room_of(wire, WIRE_LEN), WIRE_LEN);
	struct p9_qid qid;
	struct p9_str str;

	CU_ASSERT_EQUAL(p9_get_u8(&r), 0x81);
	CU_ASSERT_EQUAL(p9_get_u16(&r), 0x8202);
	CU_ASSERT_EQUAL(p9_get_u32(&r), 0x83050403);
	CU_ASSERT_EQUAL(p9_get_u64(&r), 0x840c0b0a09080706ull);
	qid = p9_get_qid(&r);
	CU_ASSERT(qid.type == 0x80 && qid.version == 1 && qid.path == 2);
	str = p9_get_str(&r);
	CU_ASSERT_EQUAL_FATAL(str.len, 3);
	CU_ASSERT_EQUAL(memcmp(str.bytes, "a/", 3), 0);
	CU_ASSERT_PTR_EQUAL(p9_get_bytes(&r, 2), r.buf + WIRE_LEN - 2);
	CU_ASSERT_EQUAL(r.err, 0);
	CU_ASSERT_EQUAL(p9_reader_left(&r), 0);
}

static void reader_at_its_end_gives_zeros_for_ever(void)
{
	for (uint32_t len = 0; len < 8; len++) {
		struct p9_reader r = p9_reader_of(p9_room_of(wire, len), len);

		CU_ASSERT_EQUAL(p9_get_u64(&r), 0);
		CU_ASSERT_EQUAL(r.err, -EBADMSG);
		/* There would be bytes for this one. */
		CU_ASSERT_EQUAL(p9_get_u8(&r), 0);
		CU_ASSERT_EQUAL(p9_get_u16(&r), 0);
		CU_ASSERT_EQUAL(p9_get_u32(&r), 0);
		CU_ASSERT_EQUAL(p9_get_qid(&r).path, 0);
		CU_ASSERT_EQUAL(p9_get_str(&r).len, 0);
		CU_ASSERT_PTR_NULL(p9_get_bytes(&r, 0));
		CU_ASSERT_EQUAL(r.pos, 0);
	}
}

static void bytes_without_end_are_not_given(void)
{
	struct p9_reader r = p9_reader_of(p9_room_of(wire, 4), 4);

	(void)p9_get_u8(&r);
	/* The sum of position and length would wrap. */
	CU_ASSERT_PTR_NULL(p9_get_bytes(&r, UINT32_MAX));
	CU_ASSERT_EQUAL(r.err, -EBADMSG);
	CU_ASSERT_EQUAL(r.pos, 1);
}

static void string_longer_than_the_rest_is_not_given(void)
{
	static const uint8_t bytes[] = { 3, 0, 'a', 'b' };
	struct p9_reader r = p9_reader_of(p9_room_of(bytes, 4), 4);
	struct p9_str str = p9_get_str(&r);

	CU_ASSERT_EQUAL(str.len, 0);
	CU_ASSERT_PTR_NULL(str.bytes);
	CU_ASSERT_EQUAL(r.err, -EBADMSG);
}

static void writer_at_its_end_writes_nothing_more(void)
{
	for (uint32_t cap = 0; cap < WIRE_LEN; cap++) {
		struct p9_writer w = p9_writer_of(p9_room(cap), cap);
		uint32_t pos;

		put_wire(&w);
		CU_ASSERT_EQUAL(w.err, -EMSGSIZE);
		CU_ASSERT(w.pos <= cap);
		CU_ASSERT_EQUAL(memcmp(w.buf, wire, w.pos), 0);
		pos = w.pos;
		p9_put_u8(&w, 1);
		CU_ASSERT_EQUAL(w.pos, pos);
	}
}

static void bytes_without_end_are_not_written(void)
{
	struct p9_writer w = p9_writer_of(p9_room(4), 4);

	p9_put_u8(&w, 1);
	p9_put_bytes(&w, wire, UINT32_MAX);
	CU_ASSERT_EQUAL(w.err, -EMSGSIZE);
	CU_ASSERT_EQUAL(w.pos, 1);
}

static void first_error_stays(void)
{
	struct p9_reader r = p9_reader_of(p9_room(0), 0);
	struct p9_writer w = p9_writer_of(p9_room(0), 0);

	p9_reader_fail(&r, -EINVAL);
	(void)p9_get_u8(&r);
	CU_ASSERT_EQUAL(r.err, -EINVAL);
	p9_put_u8(&w, 1);
	p9_writer_fail(&w, -EINVAL);
	CU_ASSERT_EQUAL(w.err, -EMSGSIZE);
}

static void empty_string_needs_no_bytes(void)
{
	uint8_t *bytes = p9_room(2);
	struct p9_writer w = p9_writer_of(bytes, 2);
	struct p9_reader r;

	p9_put_str(&w, (struct p9_str){ 0, NULL });
	CU_ASSERT_EQUAL(w.err, 0);
	CU_ASSERT_EQUAL(w.pos, 2);
	r = p9_reader_of(bytes, 2);
	CU_ASSERT_EQUAL(p9_get_str(&r).len, 0);
	CU_ASSERT_EQUAL(r.err, 0);
}

static const struct unit_test tests[] = {
	{ "values_are_little_endian_without_padding",
	  values_are_little_endian_without_padding },
	{ "values_come_back_as_they_were", values_come_back_as_they_were },
	{ "reader_at_its_end_gives_zeros_for_ever",
	  reader_at_its_end_gives_zeros_for_ever },
	{ "bytes_without_end_are_not_given", bytes_without_end_are_not_given },
	{ "string_longer_than_the_rest_is_not_given",
	  string_longer_than_the_rest_is_not_given },
	{ "writer_at_its_end_writes_nothing_more",
	  writer_at_its_end_writes_nothing_more },
	{ "bytes_without_end_are_not_written",
	  bytes_without_end_are_not_written },
	{ "first_error_stays", first_error_stays },
	{ "empty_string_needs_no_bytes", empty_string_needs_no_bytes },
};
UNIT_MAIN("p9_cursor", tests)
