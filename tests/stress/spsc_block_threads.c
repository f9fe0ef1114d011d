/* SPDX-License-Identifier: MIT */
/*
 * spsc_block_threads.c - do two threads that pass blocks on, sleep and flush
 * in between lose a message?
 */
#include "shm/spsc_block.h"
#include "tests/stress/pair_frame.h"

#define SLOT_WORDS 8u
#define SLOT_LEN   64ull
#define MESSAGES   200000u
#define FLUSH_NR   97u /* so often the producer says that it pauses */

struct test {
	const char *name;
	uint64_t block_nr;
	uint64_t spin_ns; /* of both ends */
	uint32_t slots_nr;
	bool tx_blocks, rx_blocks;
};

static const struct test *test;
static _Alignas(SPSC_LINE_LEN) uint8_t block[64 * SLOT_LEN];

static uint64_t word_of(uint64_t nr, uint32_t i)
{
	return nr * 0x9e3779b97f4a7c15ull + i;
}

/* 1: message nr is out, or in the block; 0: no room; or an error. */
static int send_one(struct spsc_block_tx *b, uint64_t nr)
{
	void *slots;
	int got = test->tx_blocks ? spsc_block_reserve(b, 1, &slots)
				  : spsc_reserve(b->tx, 1, &slots);
	int err;

	if (got <= 0)
		return got;
	for (uint32_t i = 0; i < SLOT_WORDS; i++)
		((uint64_t *)slots)[i] = word_of(nr, i);
	err = test->tx_blocks ? spsc_block_commit(b, 1) : spsc_commit(b->tx, 1);
	return err ? err : 1;
}

static const char *produce(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_block_tx b;
	struct spsc_tx tx;

	if (spsc_open_tx(&tx, &pair_region, test->name, peer, 0) ||
	    spsc_block_open_tx(&b, &tx, block, test->block_nr * SLOT_LEN))
		return "the producer cannot open its end";
	tx.spin_ns = test->spin_ns;
	for (uint64_t nr = 0; nr < MESSAGES && !fault;) {
		int got = send_one(&b, nr);

		if (got < 0 || (got == 0 && spsc_wait_space(&tx, PAIR_WAIT_NS)))
			fault = "the producer is stuck";
		nr += got > 0;
		if (nr % FLUSH_NR == 0 && spsc_block_wait(&b, PAIR_WAIT_NS))
			fault = "the producer cannot flush";
	}
	if (!fault && spsc_block_wait(&b, PAIR_WAIT_NS))
		fault = "the last block does not move";
	spsc_close_tx(&tx);
	return fault;
}

static const char *consume(struct peer *peer)
{
	const char *fault = NULL;
	struct spsc_block_rx b;
	struct spsc_rx rx;

	if (spsc_open_rx(&rx, &pair_region, test->name, peer, 0))
		return "the consumer cannot open its end";
	spsc_block_open_rx(&b, &rx);
	rx.spin_ns = test->spin_ns;
	for (uint64_t nr = 0; nr < MESSAGES && !fault;) {
		const void *slots;
		int got = test->rx_blocks ? spsc_block_peek(&b, 1, &slots)
					  : spsc_peek(&rx, 1, &slots);

		if (got == 0 && !spsc_wait_data(&rx, PAIR_WAIT_NS))
			continue;
		if (got <= 0)
			return "the consumer is stuck";
		for (uint32_t i = 0; i < SLOT_WORDS; i++)
			if (((const uint64_t *)slots)[i] != word_of(nr, i))
				fault = "a message is wrong";
		if (test->rx_blocks)
			spsc_block_release(&b, 1);
		else
			spsc_release(&rx, 1);
		nr++;
	}
	spsc_block_settle(&b);
	spsc_close_rx(&rx);
	return fault;
}

static bool ring_make(void)
{
	return !spsc_create(&pair_region, test->name, SLOT_LEN, test->slots_nr,
			    0);
}

#define SPIN_NS WAIT_SPIN_DEFAULT_NS

static const struct test tests[] = {
	{ "both_in_blocks_and_asleep", 8, 0, 64, true, true },
	{ "both_in_blocks_and_spinning", 32, SPIN_NS, 256, true, true },
	{ "block_of_one", 1, SPIN_NS, 4, true, true },
	{ "producer_in_blocks", 16, SPIN_NS, 128, true, false },
	{ "consumer_in_blocks", 16, SPIN_NS, 128, false, true },
};

int main(void)
{
	int status = EXIT_SUCCESS;

	pair_begin();
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		struct pair_case c = { .region_len = 65536,
				       .make = ring_make,
				       .tx = produce,
				       .rx = consume };

		test = &tests[i];
		c.name = test->name;
		if (pair_run(&c))
			status = EXIT_FAILURE;
	}
	return status;
}
