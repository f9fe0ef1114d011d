/* SPDX-License-Identifier: MIT */
/*
 * spsc_var_threads.c - do two threads that hurry, sleep and wrap lose or
 * damage a message of whatever length?
 *
 * Each case streams messages of pseudo-random lengths, each filled from its
 * number, through a small ring, so that it is full or empty most of the time.
 */
#include "shm/spsc_var.h"
#include "tests/stress/pair_frame.h"

#define BATCH_MAX 16u

struct test {
	const char *name;
	uint64_t messages;
	uint64_t ring_len;
	uint64_t len_max; /* lengths are 1..len_max */
	uint64_t tx_spin_ns, rx_spin_ns;
	uint64_t start_idx;
	bool in_place; /* reserve and peek; else push and pop */
	bool batches;  /* published and released together */
};

static const struct test *test;

static uint64_t mix(uint64_t nr)
{
	nr = (nr + 1) * 0x9e3779b97f4a7c15ull;
	nr = (nr ^ nr >> 31) * 0xbf58476d1ce4e5b9ull;
	return nr ^ nr >> 29;
}

/* Short ones more often than long ones. */
static uint32_t len_of(uint64_t nr)
{
	uint64_t random = mix(nr);
	uint64_t limit = test->len_max >> random % 8;

	return 1 + (uint32_t)((random >> 8) % (limit ? limit : 1));
}

static uint32_t batch_of(uint64_t nr)
{
	return test->batches ? 1 + (uint32_t)(mix(~nr) % BATCH_MAX) : 1;
}

static void fill(uint8_t *bytes, uint32_t len, uint64_t nr)
{
	uint64_t word = mix(nr);

	for (uint32_t i = 0; i < len; i++, word += 0x0123456789abcdefull)
		bytes[i] = (uint8_t)(word >> 56);
}

static bool right(const uint8_t *bytes, uint32_t len, uint64_t nr)
{
	uint64_t word = mix(nr);

	for (uint32_t i = 0; i < len; i++, word += 0x0123456789abcdefull)
		if (bytes[i] != (uint8_t)(word >> 56))
			return false;
	return true;
}

/* 1 it is in, 0 full, or an error. */
static int send_one(struct spsc_var_tx *tx, uint64_t nr, bool quiet)
{
	uint32_t len = len_of(nr);
	void *room;
	int err, got;

	if (!test->in_place) {
		uint8_t bytes[4096];

		fill(bytes, len, nr);
		return spsc_var_push(tx, bytes, len);
	}
	/* Now and then more than is needed. */
	got = spsc_var_reserve(tx, nr % 3 ? len : (uint32_t)test->len_max,
			       &room);
	if (got <= 0)
		return got;
	fill(room, len, nr);
	err = quiet ? spsc_var_commit_quiet(tx, len) : spsc_var_commit(tx, len);
	return err ? err : 1;
}

static const char *produce(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_var_tx tx;
	uint32_t left = 0;

	if (spsc_var_open_tx(&tx, &pair_region, test->name, peer, 0))
		return "the producer cannot open its end";
	tx.spin_ns = test->tx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		int got;

		if (!left)
			left = batch_of(nr);
		got = send_one(&tx, nr, left > 1);
		if (got > 0) {
			nr++;
			left--;
		} else if (got < 0 ||
			   spsc_var_wait_space(&tx, (uint32_t)test->len_max,
					       PAIR_WAIT_NS)) {
			fault = "the producer is stuck";
		}
	}
	spsc_var_close_tx(&tx);
	return fault;
}

/* 1 message nr came, 0: none, -1: a wrong one. */
static int receive_one(struct spsc_var_rx *rx, uint64_t nr)
{
	uint8_t bytes[4096];
	const void *msg = bytes;
	int len = test->in_place ? spsc_var_peek(rx, &msg)
				 : spsc_var_pop(rx, bytes, sizeof(bytes));

	if (len <= 0)
		return len;
	return (uint32_t)len == len_of(nr) && right(msg, (uint32_t)len, nr)
		       ? 1
		       : -1;
}

static const char *consume(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_var_rx rx;
	uint32_t left = 0;

	if (spsc_var_open_rx(&rx, &pair_region, test->name, peer, 0))
		return "the consumer cannot open its end";
	rx.spin_ns = test->rx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		int got;

		if (!left)
			left = batch_of(nr * 3);
		got = receive_one(&rx, nr);
		if (got > 0) {
			nr++;
			left--;
		}
		if (got <= 0 || !left)
			spsc_var_release(&rx);
		if (got < 0)
			fault = "a message is wrong";
		else if (got == 0 && spsc_var_wait_data(&rx, PAIR_WAIT_NS))
			fault = "the consumer is stuck";
	}
	spsc_var_release(&rx);
	spsc_var_close_rx(&rx);
	return fault;
}

/* Make the ring and let its indices begin at start_idx. */
static bool ring_make(void)
{
	struct region_info info;
	struct spsc_var_mem *ring;

	if (spsc_var_create(&pair_region, test->name, test->ring_len, 0) ||
	    region_channel_find(&pair_region, test->name, REGION_KIND_SPSC_VAR,
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
				     .region_len = 1u << 20,
				     .make = ring_make,
				     .tx = produce,
				     .rx = consume };

	return pair_run(&c);
}

#define WRAP_32 ((1ull << 32) - 1000)
#define WRAP_64 (0ull - 4000)
#define SPIN_NS WAIT_SPIN_DEFAULT_NS
#define SMALL	4096ull
#define LARGE	(64ull << 10)

/* Sleeping is a system call or two a message, so those runs are shorter. */
static const struct test tests[] = {
	{ "both_sleep_copying", 20000, SMALL, 1024, 0, 0, WRAP_32, false,
	  false },
	{ "both_sleep_in_place", 20000, SMALL, 1024, 0, 0, WRAP_64, true,
	  false },
	{ "both_sleep_in_batches", 30000, SMALL, 200, 0, 0, WRAP_64, true,
	  true },
	{ "producer_sleeps", 20000, SMALL, 700, 0, SPIN_NS, 0, true, true },
	{ "consumer_sleeps", 20000, SMALL, 700, SPIN_NS, 0, 0, false, false },
	{ "both_spin_long_messages", 20000, LARGE, 4096, SPIN_NS, SPIN_NS,
	  WRAP_64, false, false },
	{ "both_spin_short_messages", 200000, SMALL, 24, SPIN_NS, SPIN_NS,
	  WRAP_64, false, false },
	{ "both_spin_in_batches", 200000, SMALL, 100, SPIN_NS, SPIN_NS, WRAP_32,
	  true, true },
	{ "larger_ring_in_batches", 100000, LARGE, 2000, SPIN_NS, SPIN_NS, 0,
	  true, true },
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
