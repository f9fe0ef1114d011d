/* SPDX-License-Identifier: MIT */
/*
 * spsc_cell_threads.c - do one-line messages and calls between two threads
 * that hurry, sleep and wrap arrive once, whole and in order?
 */
#include "shm/spsc_call.h"
#include "tests/stress/pair_frame.h"

#define BATCH_MAX 9u
#define WRAP_32	  ((1ull << 32) - 1000)
#define WRAP_64	  (0ull - 1000)
#define SPIN_NS	  WAIT_SPIN_DEFAULT_NS

struct test {
	const char *name;
	uint64_t messages;
	uint64_t tx_spin_ns, rx_spin_ns;
	uint64_t start_idx;
	uint32_t cells_nr;
	bool calls;
};

static const struct test *test;

static void fill(uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		words[i] = nr * 0x9e3779b97f4a7c15ull + i;
}

static bool right(const uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		if (words[i] != nr * 0x9e3779b97f4a7c15ull + i)
			return false;
	return true;
}

static uint32_t batch_of(uint64_t nr, uint64_t left)
{
	uint64_t batch = 1 + nr * 2654435761u % BATCH_MAX;

	return (uint32_t)(batch < left ? batch : left);
}

static const char *produce(struct peer *peer)
{
	struct spsc_cell_tx tx;
	const char *fault = NULL;

	if (spsc_cell_open_tx(&tx, &pair_region, test->name, peer, 0))
		return "the producer cannot open its end";
	tx.spin_ns = test->tx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		struct spsc_cell *cells;
		int got = spsc_cell_reserve(
			&tx, batch_of(nr, test->messages - nr), &cells);

		for (int i = 0; i < got; i++)
			fill(cells[i].msg, nr++);
		if (got > 0 && spsc_cell_commit(&tx, (uint32_t)got))
			fault = "the producer cannot ring";
		if (got < 0 ||
		    (!got && spsc_cell_wait_space(&tx, PAIR_WAIT_NS)))
			fault = "the producer is stuck";
	}
	spsc_cell_close_tx(&tx);
	return fault;
}

static const char *consume(struct peer *peer)
{
	struct spsc_cell_rx rx;
	const char *fault = NULL;

	if (spsc_cell_open_rx(&rx, &pair_region, test->name, peer, 0))
		return "the consumer cannot open its end";
	rx.spin_ns = test->rx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		uint64_t words[BATCH_MAX * SPSC_CELL_WORDS_NR];
		int got = spsc_cell_pop(&rx, words, batch_of(nr, BATCH_MAX));

		const uint64_t *at = words;

		for (int i = 0; i < got; i++, at += SPSC_CELL_WORDS_NR)
			if (!right(at, nr++))
				fault = "a message is wrong";
		if (got < 0 || (!got && spsc_cell_wait_data(&rx, PAIR_WAIT_NS)))
			fault = "the consumer is stuck";
	}
	spsc_cell_close_rx(&rx);
	return fault;
}

static const char *call(struct peer *peer)
{
	struct spsc_call_client client;
	const char *fault = NULL;
	uint64_t sent = 0, taken = 0;

	if (spsc_call_open_client(&client, &pair_region, test->name, peer, 0))
		return "the client cannot open its end";
	client.spin_ns = test->tx_spin_ns;
	while (taken < test->messages && !fault) {
		uint64_t words[SPSC_CELL_WORDS_NR];
		uint32_t burst = batch_of(taken, test->messages - sent);
		int got = 0;

		while (burst-- && got >= 0) {
			fill(words, sent);
			got = spsc_call_send(&client, words);
			if (got != 1)
				break;
			sent++;
		}
		if (got < 0 || spsc_call_wait_reply(&client, PAIR_WAIT_NS) ||
		    spsc_call_take(&client, words) != 1)
			fault = "the client is stuck";
		else if (!right(words, ~taken++))
			fault = "a reply is wrong";
	}
	spsc_call_close_client(&client);
	return fault;
}

static const char *serve(struct peer *peer)
{
	struct spsc_call_server server;
	const char *fault = NULL;

	if (spsc_call_open_server(&server, &pair_region, test->name, peer, 0))
		return "the server cannot open its end";
	server.spin_ns = test->rx_spin_ns;
	for (uint64_t nr = 0; nr < test->messages && !fault;) {
		struct spsc_cell *cell;
		int got = spsc_call_peek(&server, &cell);

		if (got == 1) {
			if (!right(cell->msg, nr))
				fault = "a request is wrong";
			fill(cell->msg, ~nr++);
			got = spsc_call_reply(&server) ? -1 : 1;
		}
		if (got < 0 ||
		    (!got && spsc_call_wait_request(&server, PAIR_WAIT_NS)))
			fault = "the server is stuck";
	}
	spsc_call_close_server(&server);
	return fault;
}

/* Make the ring and let its counts begin at start_idx. */
static bool ring_make(void)
{
	uint32_t mode = test->calls ? SPSC_CELL_CALL : SPSC_CELL_STREAM, nr;
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;

	if (spsc_cell_create_mode(&pair_region, test->name, test->cells_nr,
				  mode, 0) ||
	    spsc_cell_find(&pair_region, test->name, mode, &m, &cells, &nr))
		return false;
	m->tail_idx = m->head_idx = test->start_idx;
	m->taken_idx = m->done_idx = test->start_idx;
	for (uint64_t i = test->start_idx; i != test->start_idx + nr; i++)
		cells[i & (nr - 1)].seq = test->calls ? SPSC_CALL_REPLY(i - nr)
						      : i + 1 - nr;
	return true;
}

static int run(void)
{
	const struct pair_case c = { .name = test->name,
				     .region_len = 65536,
				     .make = ring_make,
				     .tx = test->calls ? call : produce,
				     .rx = test->calls ? serve : consume };

	return pair_run(&c);
}

/* Sleeping is a system call or two a message, so those runs are shorter. */
static const struct test tests[] = {
	{ "both_sleep", 20000, 0, 0, WRAP_32, 8, false },
	{ "both_sleep_smallest_ring", 10000, 0, 0, WRAP_64, 2, false },
	{ "producer_sleeps", 20000, 0, SPIN_NS, 0, 16, false },
	{ "consumer_sleeps", 20000, SPIN_NS, 0, 0, 16, false },
	{ "both_spin_then_sleep", 200000, SPIN_NS, SPIN_NS, WRAP_64, 64,
	  false },
	{ "calls_both_sleep", 10000, 0, 0, WRAP_32, 4, true },
	{ "calls_server_sleeps", 10000, SPIN_NS, 0, 0, 16, true },
	{ "calls_both_spin_then_sleep", 50000, SPIN_NS, SPIN_NS, WRAP_64, 16,
	  true },
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
