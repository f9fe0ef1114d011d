/* SPDX-License-Identifier: MIT */
/* fuzz_p9.c - is there a message that the codec takes and does not give back
 * byte for byte, or reads beyond? */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/p9_samples.h"
#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_dirent.h"

/* Of its own length, so that a sanitizer sees one byte too far. */
static uint8_t *exact(uint32_t len)
{
	uint8_t *bytes = calloc(1, len ? len : 1);

	FUZZ_CHECK(bytes);
	return bytes;
}

static uint8_t *exact_copy(const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = exact(len);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

static void set_size(uint8_t *bytes, uint32_t size)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(size >> (8 * i));
}

/* A result must be one that is documented, and type and tag be told. */
static void check_result(int err, const struct p9_msg *msg,
			 const uint8_t *bytes, uint32_t len)
{
	FUZZ_CHECK(err == 0 || err == -EBADMSG || err == -EOPNOTSUPP);
	if (len < P9_HEAD_LEN) {
		FUZZ_CHECK(err == -EBADMSG && !msg->type &&
			   msg->tag == P9_NOTAG);
		return;
	}
	FUZZ_CHECK(msg->type == bytes[4] &&
		   msg->tag == (bytes[5] | bytes[6] << 8));
	if (!p9_type_name(msg->type))
		FUZZ_CHECK(err != 0);
	else
		FUZZ_CHECK(err != -EOPNOTSUPP);
}

static const struct p9_data *data_of(const struct p9_msg *msg)
{
	switch (msg->type) {
	case P9_RREAD:
		return &msg->rread.data;
	case P9_RREADDIR:
		return &msg->rreaddir.data;
	case P9_TWRITE:
		return &msg->twrite.data;
	default:
		return NULL;
	}
}

static void check_encode(const struct p9_msg *msg, const uint8_t *bytes,
			 uint32_t len)
{
	uint8_t *again = exact(len), *shorter = exact(len - 1);
	struct p9_msg twin;

	FUZZ_CHECK(p9_encode(msg, again, len) == (int)len);
	FUZZ_CHECK(!memcmp(again, bytes, len));
	FUZZ_CHECK(p9_encode(msg, shorter, len - 1) == -EMSGSIZE);
	FUZZ_CHECK(p9_decode(again, len, &twin) == 0);
	FUZZ_CHECK(twin.type == msg->type && twin.tag == msg->tag);
	free(shorter);
	free(again);
}

static void check_head(const uint8_t *bytes, uint32_t head_len, uint32_t len,
		       uint32_t fixed_len)
{
	uint8_t *head = exact_copy(bytes, head_len);
	struct p9_msg msg;
	int err = p9_decode_head(head, head_len, len, &msg);

	FUZZ_CHECK(err == (head_len < fixed_len ? -EBADMSG : 0));
	if (!err) {
		uint8_t *again = exact(fixed_len);

		FUZZ_CHECK(!data_of(&msg)->bytes);
		FUZZ_CHECK(p9_encode_head(&msg, again, fixed_len) ==
			   (int)fixed_len);
		FUZZ_CHECK(!memcmp(again, bytes, fixed_len));
		free(again);
	}
	free(head);
}

/* The same message with its end elsewhere: only data may be missing. */
static void check_heads(const struct p9_msg *msg, const uint8_t *bytes,
			uint32_t len)
{
	const struct p9_data *data = data_of(msg);
	uint32_t fixed_len = data ? len - data->count : len;

	for (uint32_t head_len = 0; head_len < len && head_len < 32; head_len++)
		check_head(bytes, head_len, len, fixed_len);
	check_head(bytes, len - 1, len, fixed_len);
}

/* Entries up to the first that is none come back as they were. */
static void check_entries(const struct p9_data *data)
{
	struct p9_reader r = p9_reader_of(data->bytes, data->count);
	uint8_t *again = exact(data->count);
	struct p9_writer w = p9_writer_of(again, data->count);
	struct p9_dirent entry;
	uint32_t whole = 0;
	int got;

	while ((got = p9_get_dirent(&r, &entry)) == 1) {
		FUZZ_CHECK(!p9_put_dirent(&w, &entry));
		whole = r.pos;
		(void)p9_name_check(entry.name);
	}
	FUZZ_CHECK(got == -EBADMSG || (got == 0 && whole == data->count));
	FUZZ_CHECK(!w.err && w.pos == whole);
	FUZZ_CHECK(!memcmp(again, data->bytes, whole));
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = (uint32_t)size;
	uint8_t *bytes = exact_copy(data, len);
	struct p9_msg msg;
	int err = p9_decode(bytes, len, &msg);

	check_result(err, &msg, bytes, len);
	/* Few inputs have the right length, which is too easy to refuse. */
	if (len >= P9_HEAD_LEN) {
		set_size(bytes, len);
		err = p9_decode(bytes, len, &msg);
		check_result(err, &msg, bytes, len);
	}
	if (!err) {
		check_encode(&msg, bytes, len);
		check_heads(&msg, bytes, len);
		if (msg.type == P9_RREADDIR)
			check_entries(&msg.rreaddir.data);
	}
	free(bytes);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

static const struct {
	const char *name;
	size_t len;
	const char *bytes;
} spoilt[] = {
	{ "fsync_without_datasync", 11, "\13\0\0\0\62\1\0\2\0\0\0" },
	{ "walk_of_seventeen_steps", 51,
	  "\63\0\0\0\156\1\0\1\0\0\0\2\0\0\0\21\0"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" },
	{ "name_over_the_end", 19, "\23\0\0\0\106\1\0\1\0\0\0\2\0\0\0\3\0ab" },
	{ "write_of_less_than_it_says", 25,
	  "\31\0\0\0\166\1\0\1\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377ab" },
	{ "size_of_zero", 7, "\0\0\0\0\155\1\0" },
	{ "stat_of_another_dialect", 11, "\13\0\0\0\174\1\0\1\0\0\0" },
	{ "half_an_entry", 20,
	  "\24\0\0\0\51\1\0\11\0\0\0\200\1\0\0\0\2\0\0\0" },
	{ "six_bytes", 6, "\6\0\0\0\155\1" },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	if (nr < P9_SAMPLES_NR) {
		seed->name = p9_samples[nr].name;
		seed->len = p9_sample_bytes(&p9_samples[nr], seed->bytes);
		return true;
	}
	nr -= (uint32_t)P9_SAMPLES_NR;
	if (nr >= sizeof(spoilt) / sizeof(*spoilt))
		return false;
	seed->name = spoilt[nr].name;
	seed->len = spoilt[nr].len;
	memcpy(seed->bytes, spoilt[nr].bytes, seed->len);
	return true;
}
