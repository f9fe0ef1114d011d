/* SPDX-License-Identifier: MIT */
/* test_p9_codec_hostile.c - is a message with any one thing wrong refused,
 * without a look beyond its end? */
#include <errno.h>

#include "tests/unit/p9_room.h"
#include "vmm/files/p9_codec.h"

static void set_u32(uint8_t *bytes, uint32_t off, uint32_t value)
{
	p9_set_size(bytes + off, value);
}

static void set_u16(uint8_t *bytes, uint32_t off, uint16_t value)
{
	bytes[off] = (uint8_t)value;
	bytes[off + 1] = (uint8_t)(value >> 8);
}

static uint32_t u16_at(const uint8_t *bytes, uint32_t off)
{
	return bytes[off] | (uint32_t)bytes[off + 1] << 8;
}

/* Decode what fits exactly before the guard; type and tag must be told. */
static void expect(const struct p9_sample *sample, const uint8_t *bytes,
		   uint32_t len, int want)
{
	struct p9_msg msg;

	p9_expect(sample->name, p9_decode(p9_room_of(bytes, len), len, &msg),
		  want);
	p9_expect(sample->name, msg.type, sample->msg.type);
	p9_expect(sample->name, msg.tag, sample->msg.tag);
}

/* --- lengths -------------------------------------------------------------- */

static void message_cut_anywhere_is_refused(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);

		for (uint32_t cut = P9_HEAD_LEN; cut < len; cut++) {
			bool fsync = sample->msg.type == P9_TFSYNC && cut == 11;

			set_u32(bytes, 0, cut);
			expect(sample, bytes, cut, fsync ? 0 : -EBADMSG);
		}
	}
}

static void message_without_a_whole_head_has_no_tag(void)
{
	uint8_t bytes[P9_HEAD_LEN] = { 0, 0, 0, 0, P9_RFLUSH, 1, 0 };
	struct p9_msg msg;

	for (uint32_t len = 0; len < P9_HEAD_LEN; len++) {
		set_u32(bytes, 0, len);
		CU_ASSERT_EQUAL(p9_decode(p9_room_of(bytes, len), len, &msg),
				-EBADMSG);
		CU_ASSERT_EQUAL(msg.type, 0);
		CU_ASSERT_EQUAL(msg.tag, P9_NOTAG);
	}
}

static void size_that_is_not_the_length_is_refused(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);
		uint32_t sizes[] = { 0, 4, len - 1, len + 1, UINT32_MAX };

		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j++) {
			set_u32(bytes, 0, sizes[j]);
			expect(sample, bytes, len, -EBADMSG);
		}
	}
}

static void byte_behind_the_last_field_is_refused(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN + 1];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);

		bytes[len] = 0;
		set_u32(bytes, 0, len + 1);
		expect(sample, bytes, len + 1, -EBADMSG);
	}
}

static void fsync_with_half_a_datasync_is_refused(void)
{
	const struct p9_sample *sample = p9_sample_of(P9_TFSYNC);
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	(void)p9_sample_bytes(sample, bytes);
	for (uint32_t len = 12; len < 15; len++) {
		set_u32(bytes, 0, len);
		expect(sample, bytes, len, -EBADMSG);
	}
}

/* --- fields --------------------------------------------------------------- */

static uint32_t field_len(const uint8_t *bytes, uint32_t off, char letter)
{
	switch (letter) {
	case 'b':
		return 1;
	case 'w':
		return 2;
	case 'q':
		return 8;
	case 'Q':
		return P9_QID_LEN;
	case 's':
		return 2 + u16_at(bytes, off);
	default:
		return 4;
	}
}

static void string_over_the_end_is_refused(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];
	uint32_t seen = 0;

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);
		uint32_t off = P9_HEAD_LEN;

		for (const char *f = sample->format; *f; f++) {
			uint32_t next = off + field_len(bytes, off, *f);
			uint16_t was = (uint16_t)u16_at(bytes, off);

			if (*f == 's') {
				set_u16(bytes, off, UINT16_MAX);
				expect(sample, bytes, len, -EBADMSG);
				set_u16(bytes, off, (uint16_t)(len - off - 1));
				expect(sample, bytes, len, -EBADMSG);
				set_u16(bytes, off, was);
				seen++;
			}
			off = next;
		}
	}
	CU_ASSERT_EQUAL(seen, 22);
}

static void data_count_that_is_not_the_rest_is_refused(void)
{
	static const struct {
		uint8_t type;
		uint32_t off;
	} counts[] = { { P9_RREAD, 7 }, { P9_RREADDIR, 7 }, { P9_TWRITE, 19 } };
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct p9_sample *sample = p9_sample_of(counts[i].type);
		uint32_t len = p9_sample_bytes(sample, bytes);
		uint32_t count = len - counts[i].off - 4;
		uint32_t wrong[] = { 0, count - 1, count + 1, INT32_MAX,
				     UINT32_MAX };

		expect(sample, bytes, len, 0);
		for (size_t j = 0; j < sizeof(wrong) / sizeof(*wrong); j++) {
			set_u32(bytes, counts[i].off, wrong[j]);
			expect(sample, bytes, len, -EBADMSG);
		}
	}
}

static void walk_of_more_than_sixteen_steps_is_refused(void)
{
	uint8_t bytes[512] = { 0, 0, 0, 0, P9_TWALK };
	struct p9_msg msg;

	/* Each name is empty: two bytes, all there. */
	for (uint16_t nr = 16; nr <= 18; nr++) {
		uint32_t len = 17 + 2u * nr;

		set_u32(bytes, 0, len);
		set_u16(bytes, 15, nr);
		CU_ASSERT_EQUAL(p9_decode(p9_room_of(bytes, len), len, &msg),
				nr == 16 ? 0 : -EBADMSG);
	}
	bytes[4] = P9_RWALK;
	for (uint16_t nr = 16; nr <= 18; nr++) {
		uint32_t len = 9 + P9_QID_LEN * nr;

		set_u32(bytes, 0, len);
		set_u16(bytes, 7, nr);
		CU_ASSERT_EQUAL(p9_decode(p9_room_of(bytes, len), len, &msg),
				nr == 16 ? 0 : -EBADMSG);
	}
}

static void walk_of_other_steps_than_it_counts_is_refused(void)
{
	static const struct {
		uint8_t type;
		uint32_t off;
	} counts[] = { { P9_TWALK, 15 }, { P9_RWALK, 7 } };
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		const struct p9_sample *sample = p9_sample_of(counts[i].type);
		uint32_t len = p9_sample_bytes(sample, bytes);

		for (uint16_t nr = 0; nr <= P9_WALK_MAX; nr++) {
			set_u16(bytes, counts[i].off, nr);
			expect(sample, bytes, len, nr == 3 ? 0 : -EBADMSG);
		}
		set_u16(bytes, counts[i].off, UINT16_MAX);
		expect(sample, bytes, len, -EBADMSG);
	}
}

static void type_nobody_knows_keeps_its_tag(void)
{
	uint8_t bytes[] = { 9, 0, 0, 0, 0, 0x34, 0x12, 1, 2 };
	uint32_t unknown_nr = 0;

	for (int type = 0; type <= UINT8_MAX; type++) {
		struct p9_msg msg;

		if (p9_type_name((uint8_t)type))
			continue;
		bytes[4] = (uint8_t)type;
		CU_ASSERT_EQUAL(p9_decode(bytes, sizeof(bytes), &msg),
				-EOPNOTSUPP);
		CU_ASSERT_EQUAL(msg.type, type);
		CU_ASSERT_EQUAL(msg.tag, 0x1234);
		unknown_nr++;
	}
	CU_ASSERT_EQUAL(unknown_nr, 256 - P9_SAMPLES_NR);
}

/* --- data that are elsewhere ---------------------------------------------- */

static void expect_head(const uint8_t *bytes, uint32_t head_len, uint32_t len,
			int want)
{
	struct p9_msg msg;

	CU_ASSERT_EQUAL(p9_decode_head(p9_room_of(bytes, head_len), head_len,
				       len, &msg),
			want);
}

static void head_of_a_write_is_enough(void)
{
	const struct p9_sample *sample = p9_sample_of(P9_TWRITE);
	uint8_t bytes[P9_SAMPLE_MAX_LEN];
	uint32_t len = p9_sample_bytes(sample, bytes);
	struct p9_msg msg;

	CU_ASSERT_EQUAL_FATAL(
		p9_decode_head(p9_room_of(bytes, 23), 23, len, &msg), 0);
	CU_ASSERT_EQUAL(msg.tag, sample->msg.tag);
	CU_ASSERT_EQUAL(msg.twrite.fid, sample->msg.twrite.fid);
	CU_ASSERT_EQUAL(msg.twrite.offset, sample->msg.twrite.offset);
	CU_ASSERT_EQUAL(msg.twrite.data.count, len - 23);
	CU_ASSERT_PTR_NULL(msg.twrite.data.bytes);
	/* Some of the data may be with it. */
	for (uint32_t head_len = 0; head_len < len; head_len++)
		expect_head(bytes, head_len, len, head_len < 23 ? -EBADMSG : 0);
	CU_ASSERT_EQUAL(p9_decode_head(bytes, len, len, &msg), 0);
	CU_ASSERT_PTR_EQUAL(msg.twrite.data.bytes, bytes + 23);
}

static void head_of_a_write_of_another_length_is_refused(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];
	uint32_t len = p9_sample_bytes(p9_sample_of(P9_TWRITE), bytes);

	expect_head(bytes, 23, len - 1, -EBADMSG);
	expect_head(bytes, 23, len + 1, -EBADMSG);
	expect_head(bytes, 23, 23, -EBADMSG);
	/* More in the buffer than there is of the message. */
	memset(bytes + len, 0, sizeof(bytes) - len);
	expect_head(bytes, len + 1, len, -EBADMSG);
	for (uint32_t count = 0; count < 30; count++) {
		set_u32(bytes, 19, count);
		expect_head(bytes, 23, len, count == len - 23 ? 0 : -EBADMSG);
		expect_head(bytes, 25, len, count == len - 23 ? 0 : -EBADMSG);
	}
	set_u32(bytes, 19, UINT32_MAX);
	expect_head(bytes, 23, len, -EBADMSG);
	/* The largest there can be: nothing wraps. */
	set_u32(bytes, 0, UINT32_MAX);
	set_u32(bytes, 19, UINT32_MAX - 23);
	expect_head(bytes, 23, UINT32_MAX, 0);
	set_u32(bytes, 19, UINT32_MAX - 22);
	expect_head(bytes, 23, UINT32_MAX, -EBADMSG);
}

static void head_of_what_has_no_data_is_not_enough(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);

		if (strchr(sample->format, 'D'))
			continue;
		for (uint32_t head_len = 0; head_len < len; head_len++)
			expect_head(bytes, head_len, len, -EBADMSG);
		/* All of its fields, but not all of its bytes. */
		set_u32(bytes, 0, len + 5);
		expect_head(bytes, len, len + 5, -EBADMSG);
	}
}

static const struct unit_test tests[] = {
	{ "message_cut_anywhere_is_refused", message_cut_anywhere_is_refused },
	{ "message_without_a_whole_head_has_no_tag",
	  message_without_a_whole_head_has_no_tag },
	{ "size_that_is_not_the_length_is_refused",
	  size_that_is_not_the_length_is_refused },
	{ "byte_behind_the_last_field_is_refused",
	  byte_behind_the_last_field_is_refused },
	{ "fsync_with_half_a_datasync_is_refused",
	  fsync_with_half_a_datasync_is_refused },
	{ "string_over_the_end_is_refused", string_over_the_end_is_refused },
	{ "data_count_that_is_not_the_rest_is_refused",
	  data_count_that_is_not_the_rest_is_refused },
	{ "walk_of_more_than_sixteen_steps_is_refused",
	  walk_of_more_than_sixteen_steps_is_refused },
	{ "walk_of_other_steps_than_it_counts_is_refused",
	  walk_of_other_steps_than_it_counts_is_refused },
	{ "type_nobody_knows_keeps_its_tag", type_nobody_knows_keeps_its_tag },
	{ "head_of_a_write_is_enough", head_of_a_write_is_enough },
	{ "head_of_a_write_of_another_length_is_refused",
	  head_of_a_write_of_another_length_is_refused },
	{ "head_of_what_has_no_data_is_not_enough",
	  head_of_what_has_no_data_is_not_enough },
};
UNIT_MAIN("p9_codec_hostile", tests)
