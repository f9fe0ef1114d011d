/* SPDX-License-Identifier: MIT */
/* pong.c - send every message back, then answer every call in its own cell. */
#include <stdbool.h>

#include "guests/apps/example.h"
#include "guests/apps/ping.h"

static void words_step(uint64_t *words)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		words[i] += PING_STEP;
}

static int pong_cells(struct spsc_cell_rx *rx, struct spsc_cell_tx *tx,
		      uint64_t rounds)
{
	while (rounds--) {
		uint64_t words[SPSC_CELL_WORDS_NR];
		int got, err = spsc_cell_wait_data(rx, EXAMPLE_WAIT_NS);

		if (err)
			return err;
		got = spsc_cell_pop(rx, words, 1);
		if (got != 1)
			return got < 0 ? got : -SHM_EEMPTY;
		words_step(words);
		got = spsc_cell_push(tx, words, 1);
		if (got != 1)
			return got < 0 ? got : -SHM_EFULL;
		/* ping may be falling asleep at this moment. */
		err = spsc_cell_flush(tx);
		if (err)
			return err;
	}
	return 0;
}

static int pong_calls(struct spsc_call_server *server, uint64_t rounds)
{
	while (rounds--) {
		struct spsc_cell *cell;
		int got, err = spsc_call_wait_request(server, EXAMPLE_WAIT_NS);

		if (err)
			return err;
		got = spsc_call_peek(server, &cell);
		if (got != 1)
			return got < 0 ? got : -SHM_EEMPTY;
		words_step(cell->msg);
		err = spsc_call_reply(server);
		if (err)
			return err;
	}
	return spsc_call_flush_replies(server);
}

/* ping makes the channels. */
static int pong_open(const struct region *region, struct peer *peer,
		     struct spsc_cell_rx *rx, struct spsc_cell_tx *tx,
		     struct spsc_call_server *server)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
	int err;

	do
		err = spsc_call_open_server(server, region, PING_CALLS, peer,
					    0);
	while (example_again(err, deadline_ns));
	if (!err)
		err = spsc_cell_open_rx(rx, region, PING_THERE, peer, 0);
	if (!err)
		err = spsc_cell_open_tx(tx, region, PING_BACK, peer, 0);
	return err;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct spsc_cell_rx rx;
	static struct spsc_cell_tx tx;
	static struct spsc_call_server server;
	struct region region;
	uint64_t rounds;
	int err;

	rounds = example_number(argc, argv, "rounds", PING_ROUNDS);
	if (!rounds) {
		puts("use rounds=N");
		return 2;
	}
	err = example_attach(&driver, &region);
	if (!err)
		err = pong_open(&region, &driver.peer, &rx, &tx, &server);
	if (!err)
		err = pong_cells(&rx, &tx, rounds);
	if (!err)
		err = pong_calls(&server, rounds);
	if (err)
		printf("pong: %s\n", shm_strerror(err));
	return err != 0;
}
