/* SPDX-License-Identifier: MIT */
/*
 * fuzz_p9_server.c - is there a sequence of requests that the 9P server does
 * not answer, or answers otherwise than a file system would?
 *
 * The first byte chooses: a program of steps against the model (p9_steps.h),
 * or messages one behind the other, each with its length in front, of which
 * only what holds for all messages is looked at (p9_client.h).
 */
#include <string.h>

#include "tests/fuzz/p9_client.h"
#include "tests/fuzz/p9_steps.h"
#include "tests/unit/p9_samples.h"

/* --- any messages --------------------------------------------------------- */

/* A byte with what to do with those held back, a length in two, bytes. */
static void run_messages(const uint8_t *data, size_t len)
{
	attach();
	while (len > 3) {
		uint32_t part = data[1] | (uint32_t)data[2] << 8;
		struct ask *one = ask_free();

		server.holds = data[0] & 1;
		if (data[0] & 2 && server.held_nr)
			p9_io_sync.submit(
				&io, held_take(data[0] / 4u % server.held_nr));
		data += 3;
		len -= 3;
		if (part > len)
			part = (uint32_t)len;
		if (part > MSIZE)
			part = MSIZE;
		memcpy(one->in, data, part);
		data += part;
		len -= part;
		if (part < P9_HEAD_LEN)
			continue;
		/* Few inputs have the right one. */
		memcpy(one->in, &part, sizeof(part));
		begin(one, part);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!len)
		return 0;
	server_start();
	if (data[0] & 1)
		run_messages(data + 1, len - 1);
	else
		run_steps(data + 1, len - 1);
	server_end();
	return 0;
}

/* --- seeds ---------------------------------------------------------------- */

static void add_message(struct fuzz_seed *seed, uint8_t held, struct p9_msg msg)
{
	uint8_t *to = seed->bytes + seed->len;
	int len = p9_encode(&msg, to + 3,
			    (uint32_t)(FUZZ_SEED_MAX_LEN - seed->len - 3));

	FUZZ_CHECK(len > 0);
	to[0] = held;
	to[1] = (uint8_t)len;
	to[2] = (uint8_t)(len >> 8);
	seed->len += 3 + (size_t)len;
}

#define MSG(held, ...) add_message(seed, held, (struct p9_msg){ __VA_ARGS__ })

static void seed_open_file(struct fuzz_seed *seed)
{
	seed->bytes[0] = 1;
	seed->len = 1;
	MSG(0, .type = P9_TWALK, .tag = 1,
	    .twalk = { 0, 1, { 1, { { 1, "a" } } } });
	MSG(0, .type = P9_TLOPEN, .tag = 1, .tlopen = { 1, P9_OPEN_RDWR });
}

static void seed_flush(struct fuzz_seed *seed)
{
	seed_open_file(seed);
	for (uint16_t tag = 2; tag < 9; tag++)
		MSG(1, .type = P9_TREAD, .tag = tag, .tread = { 1, tag, 3 });
	for (uint16_t tag = 2; tag < 9; tag += 2)
		MSG(3, .type = P9_TFLUSH, .tag = 20 + tag, .tflush = { tag });
	MSG(1, .type = P9_TFLUSH, .tag = 40, .tflush = { 22 });
	MSG(1, .type = P9_TCLUNK, .tag = 41, .tclunk = { 1 });
	MSG(1, .type = P9_TVERSION, .tag = P9_NOTAG,
	    .tversion = { MSIZE, { 8, P9_VERSION_L } });
}

/* Two want to change a file, one of them no more. */
static void seed_copy(struct fuzz_seed *seed)
{
	seed->bytes[0] = 1;
	seed->len = 1;
	for (uint16_t fid = 1; fid < 3; fid++)
		MSG(0, .type = P9_TWALK, .tag = 1,
		    .twalk = { 0, fid, { 1, { { 1, "a" } } } });
	MSG(1, .type = P9_TLOPEN, .tag = 2, .tlopen = { 1, P9_OPEN_RDWR });
	MSG(1, .type = P9_TSETATTR, .tag = 3,
	    .tsetattr = { .fid = 2, .valid = P9_SETATTR_SIZE, .size = 3 });
	MSG(1, .type = P9_TRENAMEAT, .tag = 4,
	    .trenameat = { 0, { 1, "a" }, 0, { 1, "d" } });
	MSG(1, .type = P9_TFLUSH, .tag = 5, .tflush = { 2 });
	MSG(3, .type = P9_TGETATTR, .tag = 2,
	    .tgetattr = { 1, P9_GETATTR_BASIC });
	MSG(3, .type = P9_TCLUNK, .tag = 2, .tclunk = { 1 });
}

static void seed_xattr(struct fuzz_seed *seed)
{
	seed_open_file(seed);
	MSG(0, .type = P9_TXATTRWALK, .tag = 1,
	    .txattrwalk = { 1, 2, { 0, "" } });
	MSG(0, .type = P9_TREAD, .tag = 1, .tread = { 2, 0, 100 });
	MSG(0, .type = P9_TWALK, .tag = 1, .twalk = { 0, 3, { 0 } });
	MSG(0, .type = P9_TXATTRCREATE, .tag = 1,
	    .txattrcreate = { 3, { 6, "user.x" }, 2, 0 });
	MSG(0, .type = P9_TWRITE, .tag = 1,
	    .twrite = { 3, 0, { 2, (const uint8_t *)"hi" } });
	MSG(0, .type = P9_TCLUNK, .tag = 1, .tclunk = { 3 });
	MSG(0, .type = P9_TLOCK, .tag = 1,
	    .tlock = { 1, 1, 0, 0, 0, 1, { 1, "c" } });
}

static void seed_samples(struct fuzz_seed *seed)
{
	seed->bytes[0] = 1;
	seed->len = 1;
	for (size_t i = 0; i < P9_SAMPLES_NR; i++)
		if (!(p9_samples[i].msg.type & 1))
			add_message(seed, 0, p9_samples[i].msg);
}

/* Each step with several fids and names. */
static void seed_steps(struct fuzz_seed *seed)
{
	seed->bytes[0] = 0;
	seed->len = 1;
	for (uint32_t i = 0; i < 200; i++) {
		const struct step step = { .op = (uint8_t)(i * 5 + i / 14),
					   .arg = (uint8_t)(i * 11 % 64),
					   .off = (uint16_t)(i % 7),
					   .value = i * 2654435761u };

		memcpy(seed->bytes + seed->len, &step, sizeof(step));
		seed->len += sizeof(step);
	}
}

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	static const struct {
		const char *name;
		void (*fill)(struct fuzz_seed *seed);
	} seeds[] = {
		{ "flushes_of_reads_that_are_held", seed_flush },
		{ "xattrs_and_a_lock", seed_xattr },
		{ "two_wait_for_a_copy_and_one_goes", seed_copy },
		{ "one_message_of_each_kind", seed_samples },
		{ "steps_of_each_kind", seed_steps },
	};

	if (nr >= sizeof(seeds) / sizeof(*seeds))
		return false;
	seed->name = seeds[nr].name;
	seeds[nr].fill(seed);
	return true;
}
