/* SPDX-License-Identifier: MIT */
/*
 * ping.c - how long does a message of one line take there and back, and how
 * long a call that is answered in place? pong.c is the other end.
 */
#include <stdbool.h>

#include "guests/apps/example.h"
#include "guests/apps/ping.h"

#define BUCKETS_NR 65536u /* of one nanosecond; the last takes the rest */

static uint32_t buckets[BUCKETS_NR];

/* Round trips no longer than this: so many in a thousand. */
static uint64_t percentile(uint64_t rounds, uint64_t per_mille)
{
	uint64_t seen = 0, want = (rounds * per_mille + 999) / 1000;
	uint32_t ns = 0;

	while (ns < BUCKETS_NR - 1 && (seen += buckets[ns]) < want)
		ns++;
	return ns;
}

static void count(uint64_t ns)
{
	buckets[ns < BUCKETS_NR ? ns : BUCKETS_NR - 1]++;
}

static void words_fill(uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		words[i] = nr + i;
}

/* pong adds PING_STEP to every word. */
static bool words_right(const uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		if (words[i] != nr + i + PING_STEP)
			return false;
	return true;
}

static int ping_cells(struct spsc_cell_tx *tx, struct spsc_cell_rx *rx,
		      uint64_t rounds, uint64_t *wrong)
{
	uint64_t start_ns = now_ns();

	for (uint64_t nr = 0; nr < rounds; nr++) {
		uint64_t words[SPSC_CELL_WORDS_NR], end_ns;
		int got, err;

		words_fill(words, nr);
		got = spsc_cell_push(tx, words, 1);
		if (got != 1)
			return got < 0 ? got : -SHM_EFULL;
		/* pong may be falling asleep at this moment. */
		err = spsc_cell_flush(tx);
		if (!err)
			err = spsc_cell_wait_data(rx, EXAMPLE_WAIT_NS);
		if (err)
			return err;
		got = spsc_cell_pop(rx, words, 1);
		if (got != 1)
			return got < 0 ? got : -SHM_EEMPTY;
		*wrong += !words_right(words, nr);
		end_ns = now_ns();
		count(end_ns - start_ns);
		start_ns = end_ns;
	}
	return 0;
}

static int ping_calls(struct spsc_call_client *client, uint64_t rounds,
		      uint64_t *wrong)
{
	uint64_t start_ns = now_ns();

	for (uint64_t nr = 0; nr < rounds; nr++) {
		uint64_t words[SPSC_CELL_WORDS_NR], end_ns;
		int err;

		words_fill(words, nr);
		err = spsc_call(client, words, words, EXAMPLE_WAIT_NS);
		if (err)
			return err;
		*wrong += !words_right(words, nr);
		end_ns = now_ns();
		count(end_ns - start_ns);
		start_ns = end_ns;
	}
	return 0;
}

static void say(const char *what, uint64_t rounds, const char *key50,
		const char *key99)
{
	uint64_t p50 = percentile(rounds, 500), p99 = percentile(rounds, 990);

	printf("%s: %llu round trips, p50 %llu ns, p99 %llu ns\n", what,
	       (unsigned long long)rounds, (unsigned long long)p50,
	       (unsigned long long)p99);
	vm_report(key50, p50);
	vm_report(key99, p99);
	memset(buckets, 0, sizeof(buckets));
}

static int ping_open(const struct region *region, struct peer *peer,
		     struct spsc_cell_tx *tx, struct spsc_cell_rx *rx,
		     struct spsc_call_client *client)
{
	int err = spsc_cell_create(region, PING_THERE, PING_CELLS_NR, peer->id);

	if (!err)
		err = spsc_cell_create(region, PING_BACK, PING_CELLS_NR,
				       peer->id);
	/* Last, so that pong finds the others when it finds this. */
	if (!err)
		err = spsc_call_create(region, PING_CALLS, PING_CELLS_NR,
				       peer->id);
	if (!err)
		err = spsc_cell_open_tx(tx, region, PING_THERE, peer, 0);
	if (!err)
		err = spsc_cell_open_rx(rx, region, PING_BACK, peer, 0);
	if (!err)
		err = spsc_call_open_client(client, region, PING_CALLS, peer,
					    0);
	return err;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct spsc_cell_tx tx;
	static struct spsc_cell_rx rx;
	static struct spsc_call_client client;
	uint64_t rounds, wrong = 0;
	struct region region;
	int err;

	rounds = example_number(argc, argv, "rounds", PING_ROUNDS);
	if (!rounds) {
		puts("use rounds=N");
		return 2;
	}
	err = example_attach(&driver, &region);
	if (!err)
		err = ping_open(&region, &driver.peer, &tx, &rx, &client);
	if (!err)
		err = ping_cells(&tx, &rx, rounds, &wrong);
	if (!err) {
		say("cells", rounds, "cell_p50_ns", "cell_p99_ns");
		err = ping_calls(&client, rounds, &wrong);
	}
	if (!err)
		say("calls", rounds, "call_p50_ns", "call_p99_ns");
	if (err)
		printf("ping: %s\n", shm_strerror(err));
	vm_report("wrong", wrong);
	return err || wrong;
}
