/* SPDX-License-Identifier: MIT */
/*
 * test_ring_examples.c - the examples of docs/ring.md, compiled and run.
 *
 * What stands between "example: NAME" and "end of example" is shown there;
 * tests/system/guide.bats compares the two.
 */
#include <string.h>

#include "shm/bcast.h"
#include "shm/mpmc.h"
#include "shm/mpsc.h"
#include "shm/spsc_block.h"
#include "shm/spsc_call.h"
#include "shm/spsc_var.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN (1ull << 18)

/* example: spsc */
/* Numbers 0, 1, 2, ... go out, written in place, up to 16 with one commit. */
static int numbers_send(const struct region *region, struct peer *peer,
			uint64_t numbers_nr)
{
	struct spsc_tx tx;
	uint64_t nr = 0;
	/* Whoever comes first creates the ring. */
	int err = spsc_create(region, "numbers", 8, 1024, peer->id);

	if (!err || err == -SHM_EEXIST)
		err = spsc_open_tx(&tx, region, "numbers", peer, 0);
	if (err)
		return err;
	while (nr < numbers_nr && !err) {
		uint64_t left = numbers_nr - nr;
		void *slots;
		int got = spsc_reserve(&tx, left < 16 ? (uint32_t)left : 16,
				       &slots);

		for (int i = 0; i < got; i++)
			((uint64_t *)slots)[i] = nr++;
		if (got > 0)
			err = spsc_commit(&tx, (uint32_t)got);
		else
			err = got ? got
				  : spsc_wait_space(&tx, PEER_WAIT_FOREVER);
	}
	spsc_close_tx(&tx); /* publishes, rings, and lets the end go */
	return err;
}

static int numbers_add(const struct region *region, struct peer *peer,
		       uint64_t numbers_nr, uint64_t *sum)
{
	struct spsc_rx rx;
	int err = spsc_open_rx(&rx, region, "numbers", peer, 0);

	if (err)
		return err; /* -SHM_ENOENT: nobody has created it yet */
	while (numbers_nr && !err) {
		const void *slots;
		int got = spsc_peek(&rx, 16, &slots);

		for (int i = 0; i < got; i++)
			*sum += ((const uint64_t *)slots)[i];
		if (got > 0) {
			spsc_release(&rx, (uint32_t)got);
			numbers_nr -= (uint64_t)got;
		} else {
			/* -SHM_EGONE: the producer died, all is read. */
			err = got ? got
				  : spsc_wait_data(&rx, PEER_WAIT_FOREVER);
		}
	}
	spsc_close_rx(&rx);
	return err;
}
/* end of example */

/* example: spsc_block */
/* Samples of 64 bytes, by the thousand: gathered, moved, read by the block. */
static int samples_send(struct spsc_tx *tx, uint64_t samples_nr)
{
	static _Alignas(64) uint8_t block[SPSC_BLOCK_LEN];
	struct spsc_block_tx b;
	int err = spsc_block_open_tx(&b, tx, block, sizeof(block));

	for (uint64_t nr = 0; nr < samples_nr && !err;) {
		void *slots;
		int got = spsc_block_reserve(&b, 1, &slots);

		if (got > 0) {
			*(uint64_t *)slots = nr++;
			err = spsc_block_commit(&b, 1);
		} else {
			err = got ? got
				  : spsc_wait_space(tx, PEER_WAIT_FOREVER);
		}
	}
	/* The last ones fill no block. */
	return err ? err : spsc_block_wait(&b, PEER_WAIT_FOREVER);
}

static int samples_add(struct spsc_rx *rx, uint64_t samples_nr, uint64_t *sum)
{
	struct spsc_block_rx b;
	int err = 0;

	spsc_block_open_rx(&b, rx);
	while (samples_nr && !err) {
		const void *slots;
		int got = spsc_block_peek(&b, 1, &slots);

		if (got > 0) {
			*sum += *(const uint64_t *)slots;
			spsc_block_release(&b, 1);
			samples_nr--;
		} else {
			err = got ? got : spsc_wait_data(rx, PEER_WAIT_FOREVER);
		}
	}
	spsc_block_settle(&b);
	return err;
}
/* end of example */

/* example: spsc_var */
/* Lines of text, each in one piece and as long as it is. */
static int lines_send(struct spsc_var_tx *tx, const char *line)
{
	uint32_t len = (uint32_t)strlen(line) + 1;
	int got = spsc_var_push(tx, line, len);

	while (got == 0) {
		int err = spsc_var_wait_space(tx, len, PEER_WAIT_FOREVER);

		got = err ? err : spsc_var_push(tx, line, len);
	}
	return got < 0 ? got : 0;
}

/* The line's length, or an error; -SHM_ETOOSMALL leaves it where it is. */
static int lines_receive(struct spsc_var_rx *rx, char *line, uint32_t room_len)
{
	int len = spsc_var_pop(rx, line, room_len);

	while (len == 0) {
		int err = spsc_var_wait_data(rx, PEER_WAIT_FOREVER);

		len = err ? err : spsc_var_pop(rx, line, room_len);
	}
	return len;
}
/* end of example */

/* example: spsc_cell */
/* 56 bytes, with the least delay that the machine has to offer. */
struct quote {
	uint64_t instrument;
	uint64_t bid, ask;
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct quote) == SPSC_CELL_MSG_LEN, "one cell");

/* 0; -SHM_EFULL: the consumer is a whole ring behind. */
static int quote_send(struct spsc_cell_tx *tx, const struct quote *quote)
{
	int got = spsc_cell_push(tx, quote, 1);

	return got < 0 ? got : got ? 0 : -SHM_EFULL;
}

static int quote_receive(struct spsc_cell_rx *rx, struct quote *quote)
{
	int got;

	/* Who wants it at once does not sleep. */
	rx->spin_ns = WAIT_SPIN_FOREVER;
	while ((got = spsc_cell_pop(rx, quote, 1)) == 0) {
		int err = spsc_cell_wait_data(rx, PEER_WAIT_FOREVER);

		if (err)
			return err;
	}
	return got < 0 ? got : 0;
}
/* end of example */

/* example: spsc_call */
/* What is the square of a number? Messages are 56 bytes, whatever is used. */
static int square_ask(struct spsc_call_client *client, uint64_t number,
		      uint64_t *square)
{
	uint64_t request[SPSC_CELL_WORDS_NR] = { number };
	uint64_t reply[SPSC_CELL_WORDS_NR];
	int err = spsc_call(client, request, reply, PEER_WAIT_FOREVER);

	if (!err)
		*square = reply[0];
	return err;
}

/* Answer one call, in place. */
static int square_answer(struct spsc_call_server *server)
{
	struct spsc_cell *cell;
	int got = spsc_call_wait_request(server, PEER_WAIT_FOREVER);

	if (got)
		return got;
	got = spsc_call_peek(server, &cell);
	if (got != 1)
		return got;
	cell->msg[0] *= cell->msg[0];
	return spsc_call_reply(server);
}
/* end of example */

/* example: mpmc */
/* Any number of peers put jobs in, any number take them, each job once. */
static int job_put(struct mpmc_tx *tx, uint64_t job)
{
	int got = mpmc_push(tx, &job, 1);

	while (got == 0) { /* full, or the next cell is still in work */
		int err = mpmc_wait_space(tx, PEER_WAIT_FOREVER);

		got = err ? err : mpmc_push(tx, &job, 1);
	}
	return got < 0 ? got : 0;
}

static int job_take(struct mpmc_rx *rx, uint64_t *job)
{
	int got = mpmc_pop(rx, job, 1);

	while (got == 0) {
		int err = mpmc_wait_data(rx, PEER_WAIT_FOREVER);

		got = err ? err : mpmc_pop(rx, job, 1);
	}
	return got < 0 ? got : 0;
}

/* A job whose producer or consumer died: told to whoever comes upon it. */
static void job_lost(void *lost_nr, uint64_t idx, bool sent)
{
	(void)idx;  /* its number in the ring */
	(void)sent; /* a consumer had it, and may have done it */
	++*(uint64_t *)lost_nr;
}

static int worker_open(struct mpmc_rx *rx, const struct region *region,
		       struct peer *peer, uint64_t *lost_nr)
{
	int err = mpmc_open_rx(rx, region, "jobs", peer, 0);

	if (!err) {
		rx->end.lost = job_lost;
		rx->end.lost_arg = lost_nr;
	}
	return err;
}
/* end of example */

/* example: mpsc */
/* Each reporter has a lane of its own, and does not meet the others. */
static int report(const struct region *region, struct peer *peer,
		  uint64_t value)
{
	struct spsc_tx tx;
	int got, err = mpsc_open_tx(&tx, region, "reports", peer, 0);

	if (err)
		return err; /* -SHM_EFULL: all lanes are taken */
	got = spsc_push(&tx, &value, 1);
	spsc_close_tx(&tx);
	return got < 0 ? got : got ? 0 : -SHM_EFULL;
}

/* 0, and who said it; a lane that lies is closed and does not stop others. */
static int report_collect(struct mpsc_rx *rx, uint64_t *value, uint32_t *lane)
{
	int got;

	while ((got = mpsc_pop(rx, value, 1)) <= 0) {
		int err = got ? got : mpsc_wait_data(rx, PEER_WAIT_FOREVER);

		if (err && err != -SHM_EPEER)
			return err;
	}
	*lane = rx->lane;
	return 0;
}
/* end of example */

/* example: bcast */
/* The newest state for everybody; nobody can hold the writer up. */
static int state_tell(struct bcast_tx *tx, const uint64_t state[7])
{
	int err = bcast_write(tx, state, 1);

	return err ? err : bcast_flush(tx); /* we pause now */
}

/* 0, the state, and how many before it this reader did not get to see. */
static int state_hear(struct bcast_rx *rx, uint64_t state[7], uint64_t *missed)
{
	int got;

	rx->skip_to_newest = true; /* after a miss; else with the oldest left */
	while ((got = bcast_read(rx, state, missed)) == 0) {
		int err = bcast_wait(rx, PEER_WAIT_FOREVER);

		if (err)
			return err;
	}
	return got < 0 ? got : 0;
}

/* A reader on a read-only mapping spins; this one may sleep. */
static int state_join(struct bcast_rx *rx, const struct region *region,
		      struct peer *peer)
{
	int err = bcast_open_rx(rx, region, "state", peer, BCAST_FROM_OLDEST);

	return err ? err : bcast_take_bell(rx, 0);
}
/* end of example */

static void *mem;
static struct region region;
static struct fake_peer ours, theirs;

static void room_open(void)
{
	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	fake_peer_init(&ours, 1, mem, REGION_LEN);
	fake_peer_init(&theirs, 2, mem, REGION_LEN);
	region_peer_set(&region, 1, REGION_PEER_ALIVE);
	region_peer_set(&region, 2, REGION_PEER_ALIVE);
}

static void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static void spsc_example_adds_numbers_up(void)
{
	uint64_t sum = 0;

	room_open();
	CU_ASSERT_EQUAL(numbers_add(&region, &theirs.peer, 1, &sum),
			-SHM_ENOENT);
	CU_ASSERT_EQUAL(numbers_send(&region, &ours.peer, 1000), 0);
	CU_ASSERT_EQUAL(numbers_add(&region, &theirs.peer, 1000, &sum), 0);
	CU_ASSERT_EQUAL(sum, 1000 * 999 / 2);
	room_close();
}

static void spsc_block_example_adds_samples_up(void)
{
	struct spsc_tx tx;
	struct spsc_rx rx;
	uint64_t sum = 0;

	room_open();
	CU_ASSERT_EQUAL_FATAL(
		spsc_create(&region, "samples", 64, 2048, ours.peer.id), 0);
	CU_ASSERT_EQUAL(spsc_open_tx(&tx, &region, "samples", &ours.peer, 0),
			0);
	CU_ASSERT_EQUAL(spsc_open_rx(&rx, &region, "samples", &theirs.peer, 0),
			0);
	CU_ASSERT_EQUAL(samples_send(&tx, 1900), 0);
	CU_ASSERT_EQUAL(samples_add(&rx, 1900, &sum), 0);
	CU_ASSERT_EQUAL(sum, 1900 * 1899 / 2);
	room_close();
}

static void spsc_example_ends_when_the_producer_is_dead(void)
{
	struct spsc_tx tx;
	uint64_t sum = 0, number = 5;

	room_open();
	CU_ASSERT_EQUAL(numbers_send(&region, &ours.peer, 0), 0);
	CU_ASSERT_EQUAL(spsc_open_tx(&tx, &region, "numbers", &ours.peer, 0),
			0);
	CU_ASSERT_EQUAL(spsc_push(&tx, &number, 1), 1);
	region_peer_set(&region, 1, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(numbers_add(&region, &theirs.peer, 2, &sum),
			-SHM_EGONE);
	CU_ASSERT_EQUAL(sum, 5);
	room_close();
}

static void spsc_var_example_passes_lines(void)
{
	struct spsc_var_tx tx;
	struct spsc_var_rx rx;
	char line[64];

	room_open();
	CU_ASSERT_EQUAL_FATAL(spsc_var_create(&region, "lines", 65536, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_var_open_tx(&tx, &region, "lines", &ours.peer, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_var_open_rx(&rx, &region, "lines", &theirs.peer, 0), 0);
	CU_ASSERT_EQUAL(lines_send(&tx, "a line"), 0);
	CU_ASSERT_EQUAL(lines_send(&tx, ""), 0);
	CU_ASSERT_EQUAL(lines_receive(&rx, line, 3), -SHM_ETOOSMALL);
	CU_ASSERT_EQUAL(lines_receive(&rx, line, sizeof(line)), 7);
	CU_ASSERT_STRING_EQUAL(line, "a line");
	CU_ASSERT_EQUAL(lines_receive(&rx, line, sizeof(line)), 1);
	room_close();
}

static void spsc_cell_example_passes_quotes(void)
{
	struct quote quote = { .instrument = 7, .bid = 1, .ask = 2 }, got;
	struct spsc_cell_tx tx;
	struct spsc_cell_rx rx;

	room_open();
	CU_ASSERT_EQUAL_FATAL(spsc_cell_create(&region, "quotes", 2, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_tx(&tx, &region, "quotes", &ours.peer, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_rx(&rx, &region, "quotes", &theirs.peer, 0), 0);
	CU_ASSERT_EQUAL(quote_send(&tx, &quote), 0);
	CU_ASSERT_EQUAL(quote_send(&tx, &quote), 0);
	CU_ASSERT_EQUAL(quote_send(&tx, &quote), -SHM_EFULL);
	CU_ASSERT_EQUAL(quote_receive(&rx, &got), 0);
	CU_ASSERT_EQUAL(memcmp(&quote, &got, sizeof(quote)), 0);
	room_close();
}

static struct spsc_call_server server;

static void serve(struct fake_peer *fake)
{
	(void)fake;
	CU_ASSERT_EQUAL(square_answer(&server), 0);
}

static void spsc_call_example_squares(void)
{
	struct spsc_call_client client;
	uint64_t square = 0;

	room_open();
	CU_ASSERT_EQUAL_FATAL(spsc_call_create(&region, "square", 16, 0), 0);
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_client(&client, &region, "square",
						    &ours.peer, 0),
			      0);
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_server(&server, &region, "square",
						    &theirs.peer, 0),
			      0);
	ours.asleep = serve;
	for (uint64_t i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL(square_ask(&client, i, &square), 0);
		CU_ASSERT_EQUAL(square, i * i);
	}
	room_close();
}

static void mpmc_example_does_each_job_once_and_counts_the_lost(void)
{
	uint64_t job = 0, lost_nr = 0;
	struct mpmc_tx tx, dying;
	struct fake_peer third;
	struct mpmc_rx rx;

	room_open();
	fake_peer_init(&third, 3, mem, REGION_LEN);
	region_peer_set(&region, 3, REGION_PEER_ALIVE);
	CU_ASSERT_EQUAL_FATAL(mpmc_create(&region, "jobs", 8, 16, 4, 0), 0);
	CU_ASSERT_EQUAL_FATAL(mpmc_open_tx(&tx, &region, "jobs", &ours.peer, 0),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		mpmc_open_tx(&dying, &region, "jobs", &third.peer, 0), 0);
	CU_ASSERT_EQUAL_FATAL(worker_open(&rx, &region, &theirs.peer, &lost_nr),
			      0);
	CU_ASSERT_EQUAL(job_put(&tx, 11), 0);
	CU_ASSERT_EQUAL(mpmc_reserve(&dying, 1), 1);
	region_peer_set(&region, 3, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(job_put(&tx, 12), 0);
	CU_ASSERT_EQUAL(job_take(&rx, &job), 0);
	CU_ASSERT_EQUAL(job, 11);
	CU_ASSERT_EQUAL(job_take(&rx, &job), 0);
	CU_ASSERT_EQUAL(job, 12);
	CU_ASSERT_EQUAL(lost_nr, 1);
	room_close();
}

static void mpsc_example_collects_from_lanes(void)
{
	static struct mpsc_rx rx;
	struct spsc_tx other;
	uint64_t value = 0;
	uint32_t lane = 9;

	room_open();
	CU_ASSERT_EQUAL_FATAL(mpsc_create(&region, "reports", 8, 16, 2, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		mpsc_open_tx(&other, &region, "reports", &ours.peer, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		mpsc_open_rx(&rx, &region, "reports", &theirs.peer, 0), 0);
	CU_ASSERT_EQUAL(report(&region, &ours.peer, 42), 0);
	/* Lane 0 lies. */
	other.mem->tail_idx = 1000;
	CU_ASSERT_EQUAL(report_collect(&rx, &value, &lane), 0);
	CU_ASSERT(value == 42 && lane == 1);
	room_close();
}

static void bcast_example_tells_the_newest_and_what_was_missed(void)
{
	uint64_t state[7] = { 0 }, missed = 0;
	struct bcast_tx tx;
	struct bcast_rx rx;

	room_open();
	CU_ASSERT_EQUAL_FATAL(bcast_create(&region, "state", 56, 4, 2, 0), 0);
	CU_ASSERT_EQUAL_FATAL(bcast_open_tx(&tx, &region, "state", &ours.peer),
			      0);
	CU_ASSERT_EQUAL_FATAL(state_join(&rx, &region, &theirs.peer), 0);
	for (state[0] = 0; state[0] < 10; state[0]++)
		CU_ASSERT_EQUAL(state_tell(&tx, state), 0);
	CU_ASSERT_EQUAL(state_hear(&rx, state, &missed), 0);
	CU_ASSERT(state[0] == 9 && missed == 9);
	bcast_close_rx(&rx);
	bcast_close_tx(&tx);
	room_close();
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(spsc_example_adds_numbers_up),
	TEST(spsc_block_example_adds_samples_up),
	TEST(spsc_example_ends_when_the_producer_is_dead),
	TEST(spsc_var_example_passes_lines),
	TEST(spsc_cell_example_passes_quotes),
	TEST(spsc_call_example_squares),
	TEST(mpmc_example_does_each_job_once_and_counts_the_lost),
	TEST(mpsc_example_collects_from_lanes),
	TEST(bcast_example_tells_the_newest_and_what_was_missed),
};
UNIT_MAIN("ring_examples", tests)
