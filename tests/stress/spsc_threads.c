/* SPDX-License-Identifier: MIT */
/*
 * spsc_threads.c - do two threads that hurry, sleep and wrap lose a message?
 *
 * Each case streams numbered messages through a small ring, so that it is
 * full or empty most of the time.
 */
#include "producer-consumer/workload.h"
#include "shm/spsc.h"
#include "tests/stress/pair_frame.h"

#define BATCH_MAX 16u

struct test {
	const char *name;
	uint64_t messages;
	uint32_t slots_nr, slot_len;
	uint64_t tx_spin_ns, rx_spin_ns;
	uint64_t start_idx;
	bool in_place; /* reserve and peek; else push and pop */
	bool streams;  /* producer.c and consumer.c instead of the threads here
			*/
};

static const struct test *test;

/* What stands in word i of message nr. */
static uint64_t word_of(uint64_t nr, uint32_t i)
{
	return nr * 0x9e3779b97f4a7c15ull + i;
}

static void fill(uint64_t *words, uint32_t words_nr, uint64_t nr, uint32_t n)
{
	for (; n; n--, nr++, words += words_nr)
		for (uint32_t i = 0; i < words_nr; i++)
			words[i] = word_of(nr, i);
}

static bool right(const uint64_t *words, uint32_t words_nr, uint64_t nr,
		  uint32_t n)
{
	for (; n; n--, nr++, words += words_nr)
		for (uint32_t i = 0; i < words_nr; i++)
			if (words[i] != word_of(nr, i))
				return false;
	return true;
}

/* Batches of all sizes, the same in each run. */
static uint32_t batch_of(uint64_t nr, uint64_t messages)
{
	uint64_t batch = 1 + nr * 2654435761u % BATCH_MAX;

	return (uint32_t)(batch < messages - nr ? batch : messages - nr);
}

static int send_some(struct spsc_tx *tx, uint64_t nr)
{
	uint32_t words_nr = test->slot_len / 8;
	uint32_t want = batch_of(nr, test->messages);
	void *slots;
	int err, got;

	if (!test->in_place) {
		uint64_t words[BATCH_MAX * WORKLOAD_WORDS_NR];

		fill(words, words_nr, nr, want);
		return spsc_push(tx, words, want);
	}
	got = spsc_reserve(tx, want, &slots);
	if (got <= 0)
		return got;
	fill(slots, words_nr, nr, (uint32_t)got);
	err = spsc_commit(tx, (uint32_t)got);
	return err ? err : got;
}

static const char *produce(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_tx tx;

	if (spsc_open_tx(&tx, &pair_region, test->name, peer, 0))
		return "the producer cannot open its end";
	tx.spin_ns = test->tx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		int got = send_some(&tx, nr);

		if (got > 0)
			nr += (uint64_t)got;
		else if (got < 0 || spsc_wait_space(&tx, PAIR_WAIT_NS))
			fault = "the producer is stuck";
	}
	spsc_close_tx(&tx);
	return fault;
}

/* How many came, 0: none, -1: a wrong one. */
static int receive_some(struct spsc_rx *rx, uint64_t nr)
{
	uint64_t words[BATCH_MAX * WORKLOAD_WORDS_NR];
	uint32_t words_nr = test->slot_len / 8;
	uint32_t want = batch_of(nr * 3 + 1, UINT64_MAX);
	const void *slots = words;
	int got = test->in_place ? spsc_peek(rx, want, &slots)
				 : spsc_pop(rx, words, want);

	if (got > 0 && !right(slots, words_nr, nr, (uint32_t)got))
		return -1;
	if (got > 0 && test->in_place)
		spsc_release(rx, (uint32_t)got);
	return got;
}

static const char *consume(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_rx rx;

	if (spsc_open_rx(&rx, &pair_region, test->name, peer, 0))
		return "the consumer cannot open its end";
	rx.spin_ns = test->rx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		int got = receive_some(&rx, nr);

		if (got > 0)
			nr += (uint64_t)got;
		else if (got < 0)
			fault = "a message is wrong";
		else if (spsc_wait_data(&rx, PAIR_WAIT_NS))
			fault = "the consumer is stuck";
	}
	spsc_close_rx(&rx);
	return fault;
}

static struct workload_opts stream_opts(void)
{
	return (struct workload_opts){ .messages = test->messages,
				       .slots_nr = test->slots_nr,
				       .batch = 3,
				       .channel = test->name };
}

static const char *stream_out(struct peer *peer)
{
	struct workload_opts opts = stream_opts();
	struct workload_result result;

	return producer_run(peer, &opts, &result) ? "producer_run() failed"
						  : NULL;
}

static const char *stream_in(struct peer *peer)
{
	struct workload_opts opts = stream_opts();
	struct workload_result result;

	if (consumer_run(peer, &opts, &result))
		return "consumer_run() failed";
	return result.mismatches || result.messages != opts.messages
		       ? "consumer_run() found mismatches"
		       : NULL;
}

/* Make the ring and let its counts begin at start_idx. */
static bool ring_make(void)
{
	struct region_info info;
	struct spsc_mem *ring;

	if (spsc_create(&pair_region, test->name, test->slot_len,
			test->slots_nr, 0) ||
	    region_channel_find(&pair_region, test->name, REGION_KIND_SPSC,
				&info))
		return false;
	ring = (void *)(pair_region.base + info.off);
	ring->tail_idx = test->start_idx;
	ring->head_idx = test->start_idx;
	ring->done_idx = test->start_idx;
	return true;
}

static int run(void)
{
	const struct pair_case c = { .name = test->name,
				     .region_len = 65536,
				     .make = test->streams ? NULL : ring_make,
				     .tx = test->streams ? stream_out : produce,
				     .rx = test->streams ? stream_in
							 : consume };

	return pair_run(&c);
}

#define WRAP_32 ((1ull << 32) - 1000)
#define WRAP_64 (0ull - 1000)
#define SPIN_NS WAIT_SPIN_DEFAULT_NS

/* Sleeping is a system call or two a message, so those runs are shorter. */
static const struct test tests[] = {
	{ "both_sleep_push_pop", 20000, 4, 8, 0, 0, WRAP_32, false, false },
	{ "both_sleep_in_place", 20000, 8, 64, 0, 0, WRAP_64, true, false },
	{ "both_sleep_smallest_ring", 10000, 2, 8, 0, 0, 0, true, false },
	{ "both_sleep_large_credit", 50000, 64, 64, 0, 0, 0, false, false },
	{ "producer_sleeps", 20000, 16, 64, 0, SPIN_NS, 0, true, false },
	{ "consumer_sleeps", 20000, 16, 64, SPIN_NS, 0, 0, false, false },
	{ "both_spin_then_sleep", 200000, 16, 64, SPIN_NS, SPIN_NS, WRAP_64,
	  true, false },
	{ "both_spin_push_pop", 200000, 32, 8, SPIN_NS, SPIN_NS, WRAP_32, false,
	  false },
	{ "workload_small_ring", 100000, 4, 64, 0, 0, 0, false, true },
	{ "workload_larger_ring", 200000, 128, 64, 0, 0, 0, false, true },
};

int main(void)
{
	int status = EXIT_SUCCESS;

	pair_begin();
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		test = &tests[i];
		if (run())
			status = EXIT_FAILURE;
	}
	return status;
}
