/* SPDX-License-Identifier: MIT */
/* test_p9_codec.c - is each message the same before and after the wire? */
#include <errno.h>
#include <limits.h>

#include "tests/unit/p9_room.h"
#include "vmm/files/p9_codec.h"

#define ROUNDS 2000

static void every_message_has_its_name_and_a_sample(void)
{
	for (int type = 0; type <= UINT8_MAX; type++) {
		const struct p9_sample *sample = p9_sample_of((uint8_t)type);
		const char *name = p9_type_name((uint8_t)type);

		CU_ASSERT_EQUAL(name != NULL, sample != NULL);
		if (name && sample)
			CU_ASSERT_STRING_EQUAL(name, sample->name);
	}
}

static void structure_becomes_the_bytes_of_the_protocol(void)
{
	uint8_t want[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, want);
		uint8_t *got = p9_room(len);

		memset(got, 0xa5, len);
		p9_expect(sample->name, p9_encode(&sample->msg, got, len),
			  (int)len);
		p9_expect(sample->name, memcmp(got, want, len), 0);
	}
}

/* With the test above: bytes that are equal came from equal structures. */
static void bytes_become_the_structure_that_becomes_them(void)
{
	uint8_t want[P9_SAMPLE_MAX_LEN], got[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, want);
		struct p9_msg msg;

		p9_expect(sample->name,
			  p9_decode(p9_room_of(want, len), len, &msg), 0);
		p9_expect(sample->name, msg.type, sample->msg.type);
		p9_expect(sample->name, msg.tag, sample->msg.tag);
		p9_expect(sample->name, p9_encode(&msg, got, sizeof(got)),
			  (int)len);
		p9_expect(sample->name, memcmp(got, want, len), 0);
	}
}

static void strings_and_data_are_views_of_the_message(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];
	struct p9_msg msg;
	uint32_t len;

	len = p9_sample_bytes(p9_sample_of(P9_TWALK), bytes);
	CU_ASSERT_EQUAL_FATAL(p9_decode(bytes, len, &msg), 0);
	CU_ASSERT_EQUAL(msg.twalk.names.nr, 3);
	CU_ASSERT_EQUAL(msg.twalk.names.name[0].len, 3);
	CU_ASSERT_PTR_EQUAL(msg.twalk.names.name[0].bytes, &bytes[19]);
	CU_ASSERT_EQUAL(memcmp(msg.twalk.names.name[0].bytes, "usr", 3), 0);
	CU_ASSERT_PTR_EQUAL(msg.twalk.names.name[2].bytes, &bytes[28]);

	len = p9_sample_bytes(p9_sample_of(P9_TWRITE), bytes);
	CU_ASSERT_EQUAL_FATAL(p9_decode(bytes, len, &msg), 0);
	CU_ASSERT_EQUAL(msg.twrite.data.count, len - P9_TWRITE_HEAD_LEN);
	CU_ASSERT_PTR_EQUAL(msg.twrite.data.bytes, &bytes[P9_TWRITE_HEAD_LEN]);
}

/* --- any content ---------------------------------------------------------- */

/* Bytes of a field: often all zero or all one. */
static uint8_t *put_any(uint8_t *at, uint32_t len)
{
	uint64_t how = p9_random() % 4;

	for (uint32_t i = 0; i < len; i++)
		*at++ = how < 2 ? (uint8_t)p9_random() : how == 2 ? 0 : 0xff;
	return at;
}

static uint8_t *put_counted(uint8_t *at, int width, uint32_t max)
{
	uint32_t len = (uint32_t)(p9_random() % 3 ? p9_random() % 20
						  : p9_random() % (max + 1));

	for (int i = 0; i < width; i++)
		*at++ = (uint8_t)(len >> (8 * i));
	return put_any(at, len);
}

static uint8_t *put_list(uint8_t *at, char letter)
{
	uint8_t nr = (uint8_t)(p9_random() % (P9_WALK_MAX + 1));

	*at++ = nr;
	*at++ = 0;
	for (; nr; nr--)
		at = letter == 'T' ? put_counted(at, 2, 100)
				   : put_any(at, P9_QID_LEN);
	return at;
}

static uint8_t *put_field(uint8_t *at, char letter)
{
	switch (letter) {
	case 'b':
		return put_any(at, 1);
	case 'w':
		return put_any(at, 2);
	case 'd':
		return put_any(at, 4);
	case 'q':
		return put_any(at, 8);
	case 'o':
		return p9_random() & 1 ? put_any(at, 4) : at;
	case 'Q':
		return put_any(at, P9_QID_LEN);
	case 's':
		return put_counted(at, 2, UINT16_MAX);
	case 'D':
		return put_counted(at, 4, 100000);
	default:
		return put_list(at, letter);
	}
}

static void any_content_survives_the_round_trip(void)
{
	static uint8_t want[1u << 18], got[1u << 18];

	for (int round = 0; round < ROUNDS; round++) {
		const struct p9_sample *sample =
			&p9_samples[(size_t)round % P9_SAMPLES_NR];
		uint8_t *at = want + 4;
		struct p9_msg msg;
		uint32_t len;

		*at++ = sample->msg.type;
		at = put_any(at, 2);
		for (const char *f = sample->format; *f; f++)
			at = put_field(at, *f);
		len = (uint32_t)(at - want);
		p9_set_size(want, len);
		p9_expect(sample->name, p9_decode(want, len, &msg), 0);
		p9_expect(sample->name, p9_encode(&msg, got, len), (int)len);
		p9_expect(sample->name, memcmp(got, want, len), 0);
	}
}

static void longest_walk_has_sixteen_steps(void)
{
	struct p9_msg walk = { .type = P9_TWALK,
			       .twalk = { .names = { .nr = P9_WALK_MAX } } };
	struct p9_msg reply = { .type = P9_RWALK,
				.rwalk = { .qids = { .nr = P9_WALK_MAX } } };
	uint8_t bytes[P9_ROOM_LEN];
	struct p9_msg msg;
	int len;

	len = p9_encode(&walk, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL_FATAL(len, 7 + 4 + 4 + 2 + 16 * 2);
	CU_ASSERT_EQUAL(p9_decode(bytes, (uint32_t)len, &msg), 0);
	CU_ASSERT_EQUAL(msg.twalk.names.nr, 16);
	len = p9_encode(&reply, bytes, sizeof(bytes));
	CU_ASSERT_EQUAL_FATAL(len, 7 + 2 + 16 * 13);
	CU_ASSERT_EQUAL(p9_decode(bytes, (uint32_t)len, &msg), 0);
	CU_ASSERT_EQUAL(msg.rwalk.qids.nr, 16);
}

static void fsync_of_older_clients_has_no_datasync(void)
{
	static const uint8_t want[] = { 11, 0, 0, 0, 50, 1, 0, 9, 0, 0, 0 };
	struct p9_msg msg;
	uint8_t got[64];

	CU_ASSERT_EQUAL(p9_decode(want, sizeof(want), &msg), 0);
	CU_ASSERT_EQUAL(msg.tfsync.fid, 9);
	CU_ASSERT_FALSE(msg.tfsync.datasync.given);
	CU_ASSERT_EQUAL(msg.tfsync.datasync.value, 0);
	CU_ASSERT_EQUAL(p9_encode(&msg, got, sizeof(got)), sizeof(want));
	CU_ASSERT_EQUAL(memcmp(got, want, sizeof(want)), 0);
}

/* --- encoding ------------------------------------------------------------- */

static void too_little_room_is_refused_at_every_length(void)
{
	uint8_t bytes[P9_SAMPLE_MAX_LEN];

	for (size_t i = 0; i < P9_SAMPLES_NR; i++) {
		const struct p9_sample *sample = &p9_samples[i];
		uint32_t len = p9_sample_bytes(sample, bytes);

		for (uint32_t cap = 0; cap < len; cap++)
			p9_expect(sample->name,
				  p9_encode(&sample->msg, p9_room(cap), cap),
				  -EMSGSIZE);
	}
}

static void structure_that_is_no_message_is_refused(void)
{
	struct p9_msg unknown = { .type = 6 };
	struct p9_msg walk = { .type = P9_TWALK,
			       .twalk = { .names = { .nr = 17 } } };
	struct p9_msg reply = { .type = P9_RWALK,
				.rwalk = { .qids = { .nr = 17 } } };
	struct p9_msg no_data = { .type = P9_RREAD,
				  .rread = { .data = { .count = 1 } } };
	uint8_t bytes[P9_ROOM_LEN];

	CU_ASSERT_EQUAL(p9_encode(&unknown, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(p9_encode(&walk, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(p9_encode(&reply, bytes, sizeof(bytes)), -EINVAL);
	CU_ASSERT_EQUAL(p9_encode(&no_data, bytes, sizeof(bytes)), -EINVAL);
	no_data.rread.data.count = 0;
	CU_ASSERT_EQUAL(p9_encode(&no_data, bytes, sizeof(bytes)), 11);
}

static void head_of_data_counts_what_follows(void)
{
	static const struct {
		uint8_t type;
		int head_len;
	} heads[] = { { P9_RREAD, P9_RREAD_HEAD_LEN },
		      { P9_RREADDIR, P9_RREAD_HEAD_LEN },
		      { P9_TWRITE, P9_TWRITE_HEAD_LEN } };

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		const struct p9_sample *sample = p9_sample_of(heads[i].type);
		uint32_t head_len = (uint32_t)heads[i].head_len;
		uint8_t want[P9_SAMPLE_MAX_LEN];
		uint32_t len = p9_sample_bytes(sample, want);
		uint8_t *got = p9_room(head_len);

		p9_expect(sample->name,
			  p9_encode_head(&sample->msg, got, head_len),
			  heads[i].head_len);
		p9_expect(sample->name, memcmp(got, want, head_len), 0);
		p9_expect(sample->name,
			  p9_encode_head(&sample->msg, got, head_len - 1),
			  -EMSGSIZE);
		CU_ASSERT(len > head_len);
	}
}

static void head_of_a_message_without_data_is_all_of_it(void)
{
	const struct p9_sample *sample = p9_sample_of(P9_RGETATTR);
	uint8_t want[P9_SAMPLE_MAX_LEN], got[P9_SAMPLE_MAX_LEN];
	uint32_t len = p9_sample_bytes(sample, want);

	CU_ASSERT_EQUAL(p9_encode_head(&sample->msg, got, len), (int)len);
	CU_ASSERT_EQUAL(memcmp(got, want, len), 0);
}

static void data_in_its_place_stays_there(void)
{
	struct p9_msg msg = { .type = P9_RREAD, .tag = 1 };
	uint8_t bytes[64], len = 20;

	memset(bytes, 0x5a, sizeof(bytes));
	msg.rread.data.count = len;
	msg.rread.data.bytes = bytes + P9_RREAD_HEAD_LEN;
	CU_ASSERT_EQUAL(p9_encode(&msg, bytes, sizeof(bytes)),
			(int)P9_RREAD_HEAD_LEN + len);
	CU_ASSERT_EQUAL(bytes[0], P9_RREAD_HEAD_LEN + len);
	for (uint32_t i = P9_RREAD_HEAD_LEN; i < sizeof(bytes); i++)
		CU_ASSERT_EQUAL(bytes[i], 0x5a);
}

static void more_data_than_a_length_can_say_is_refused(void)
{
	struct p9_msg msg = { .type = P9_RREAD };
	uint8_t bytes[64];

	msg.rread.data.count = INT_MAX - P9_RREAD_HEAD_LEN;
	CU_ASSERT_EQUAL(p9_encode_head(&msg, bytes, sizeof(bytes)), 11);
	msg.rread.data.count++;
	CU_ASSERT_EQUAL(p9_encode_head(&msg, bytes, sizeof(bytes)), -EMSGSIZE);
	msg.rread.data.count = UINT32_MAX;
	CU_ASSERT_EQUAL(p9_encode_head(&msg, bytes, sizeof(bytes)), -EMSGSIZE);
}

static const struct unit_test tests[] = {
	{ "every_message_has_its_name_and_a_sample",
	  every_message_has_its_name_and_a_sample },
	{ "structure_becomes_the_bytes_of_the_protocol",
	  structure_becomes_the_bytes_of_the_protocol },
	{ "bytes_become_the_structure_that_becomes_them",
	  bytes_become_the_structure_that_becomes_them },
	{ "strings_and_data_are_views_of_the_message",
	  strings_and_data_are_views_of_the_message },
	{ "any_content_survives_the_round_trip",
	  any_content_survives_the_round_trip },
	{ "longest_walk_has_sixteen_steps", longest_walk_has_sixteen_steps },
	{ "fsync_of_older_clients_has_no_datasync",
	  fsync_of_older_clients_has_no_datasync },
	{ "too_little_room_is_refused_at_every_length",
	  too_little_room_is_refused_at_every_length },
	{ "structure_that_is_no_message_is_refused",
	  structure_that_is_no_message_is_refused },
	{ "head_of_data_counts_what_follows",
	  head_of_data_counts_what_follows },
	{ "head_of_a_message_without_data_is_all_of_it",
	  head_of_a_message_without_data_is_all_of_it },
	{ "data_in_its_place_stays_there", data_in_its_place_stays_there },
	{ "more_data_than_a_length_can_say_is_refused",
	  more_data_than_a_length_can_say_is_refused },
};
UNIT_MAIN("p9_codec", tests)
