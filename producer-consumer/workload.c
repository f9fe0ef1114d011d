/* SPDX-License-Identifier: MIT */
/* workload.c - what producer and consumer agree on before they stream. */
#include "producer-consumer/workload.h"

#include <stddef.h>

#include "shm/err.h"

#define MESSAGES_DEFAULT 100000000ull
#define SLOTS_DEFAULT	 8192u /* 512 KiB of slots: docs/ring.md, sizes */
#define BATCH_DEFAULT	 16u

/* The value behind "key=" in word, or NULL. */
static const char *value_of(const char *word, const char *key)
{
	while (*key && *word == *key) {
		word++;
		key++;
	}
	return !*key && *word == '=' ? word + 1 : NULL;
}

static bool number_parse(const char *text, uint64_t min, uint64_t max,
			 uint64_t *out)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		uint32_t digit = (uint32_t)(*text - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return value >= min && value <= max;
}

static bool name_ok(const char *name)
{
	uint32_t len = 0;

	while (name[len] > ' ' && name[len] <= '~' && len < REGION_NAME_LEN)
		len++;
	return len > 0 && len < REGION_NAME_LEN && !name[len];
}

const char *workload_parse(struct workload_opts *opts, int argc,
			   char *const argv[])
{
	*opts = (struct workload_opts){ .messages = MESSAGES_DEFAULT,
					.until_left = true,
					.slots_nr = SLOTS_DEFAULT,
					.batch = BATCH_DEFAULT,
					.channel = "messages" };
	for (int i = 0; i < argc; i++) {
		const char *value;
		uint64_t number;
		bool ok = false;

		if ((value = value_of(argv[i], "messages"))) {
			ok = number_parse(value, 1, UINT64_MAX,
					  &opts->messages);
			opts->until_left = false;
		} else if ((value = value_of(argv[i], "slots"))) {
			ok = number_parse(value, 2, 1u << 24, &number) &&
			     (number & (number - 1)) == 0;
			opts->slots_nr = ok ? (uint32_t)number : 0;
		} else if ((value = value_of(argv[i], "batch"))) {
			ok = number_parse(value, 1, 4096, &number);
			opts->batch = ok ? (uint32_t)number : 0;
		} else if ((value = value_of(argv[i], "channel"))) {
			opts->channel = value;
			ok = name_ok(value);
		}
		if (!ok)
			return argv[i];
	}
	return NULL;
}

int workload_attach(struct region *region, struct peer *peer)
{
	uint64_t deadline = peer_now_ns(peer) + WORKLOAD_TIMEOUT_NS;

	for (;;) {
		int err = region_attach(region, peer->region, peer->region_len);

		if (err != -SHM_ENOTREADY)
			return err;
		/* Behind a foreign server nobody has formatted it. */
		err = region_format(peer->region, peer->region_len);
		if (err && err != -SHM_ENOTREADY)
			return err;
		if (peer_now_ns(peer) >= deadline)
			return -SHM_ETIMEDOUT;
		if (err)
			(void)peer_wait(peer, 0, WORKLOAD_RETRY_NS);
	}
}

const char *workload_strerror(int err, const struct workload_result *result)
{
	return result->why ? result->why : shm_strerror(err);
}

const char *workload_absent(enum workload_end end, uint64_t owner_word, int err)
{
	static const char *const never[] = {
		"no producer came within " WORKLOAD_TIMEOUT,
		"no consumer came within " WORKLOAD_TIMEOUT,
	};
	static const char *const left[] = {
		"the producer left before this one's messages= were sent, and "
		"no other came within " WORKLOAD_TIMEOUT,
		"the consumer left before this one's messages= were taken, and "
		"no other came within " WORKLOAD_TIMEOUT,
	};
	static const char *const died[] = {
		"the producer died, and no other came within " WORKLOAD_TIMEOUT,
		"the consumer died, and no other came within " WORKLOAD_TIMEOUT,
	};
	static const char *const silent[] = {
		"the producer sent nothing for " WORKLOAD_TIMEOUT,
		"the consumer took nothing for " WORKLOAD_TIMEOUT,
	};

	if (err == -SHM_EGONE)
		return died[end];
	if ((uint32_t)owner_word)
		return silent[end];
	return owner_word ? left[end] : never[end];
}

void workload_describe(const struct workload_result *result,
		       int (*print)(const char *fmt, ...))
{
	const struct workload_fault *f = &result->fault;
	unsigned long long due = f->message, found = f->found;

	if (f->bad_checksum)
		print("message %llu: its payload does not match its checksum\n",
		      due);
	else if (found > due)
		print("message %llu is lost: number %llu came instead\n", due,
		      found);
	else
		print("message %llu: number %llu came again\n", due, found);
}
