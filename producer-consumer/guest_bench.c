/* SPDX-License-Identifier: MIT */
/*
 * guest_bench.c - one end of the benchmark's stream as a bare guest: the
 * loops of bench/loops.h, compiled for guests.
 *
 * args: produce|consume SAMPLES LENGTH:BATCH:RING:MESSAGES...
 */
#include "guests/driver/ivshmem_driver.h"
#include "producer-consumer/bench/peers.h"
#include "producer-consumer/bench/work.h"
#include "producer-consumer/workload.h"
#include "shm/spsc.h"

#define SAMPLES_MAX 8u
#define SHAPES_MAX  6u
#define KEY_LEN	    24
#define SEED	    0x0100000000000001ull
#define TIMEOUT_NS  (10 * NS_PER_S)

struct bench {
	struct ivshmem_driver driver;
	struct region region;
	bool produces;
	uint32_t samples_nr, shapes_nr;
	struct bench_shape shapes[SHAPES_MAX];
	uint64_t messages[SHAPES_MAX];
	/* Both of each: the loops copy them whether they are used or not. */
	struct spsc_tx tx, back_tx;
	struct spsc_rx rx, back_rx;
};

/* A number up to `end`; text moves behind it. 0 is none. */
static uint64_t number(const char **text, char end)
{
	uint64_t value = 0;

	for (; **text >= '0' && **text <= '9'; ++*text)
		value = value * 10 + (uint64_t)(**text - '0');
	if (**text != end)
		return 0;
	*text += end != '\0';
	return value;
}

static int parse(struct bench *b, int argc, char **argv)
{
	const char *text;

	if (argc < 4 || argc - 3 > (int)SHAPES_MAX)
		return -1;
	b->produces = strcmp(argv[1], "produce") == 0;
	text = argv[2];
	b->samples_nr = (uint32_t)number(&text, '\0');
	if (!b->samples_nr || b->samples_nr > SAMPLES_MAX)
		return -1;
	for (int i = 3; i < argc; i++) {
		struct bench_shape *s = &b->shapes[b->shapes_nr];

		text = argv[i];
		s->msg_len = (uint32_t)number(&text, ':');
		s->batch = (uint32_t)number(&text, ':');
		s->ring_len = number(&text, ':');
		b->messages[b->shapes_nr] = number(&text, '\0');
		if (!s->msg_len || !s->batch || !s->ring_len ||
		    !b->messages[b->shapes_nr++])
			return -1;
	}
	return 0;
}

/* The producer makes them; the consumer waits until they are there. */
static int open_data(struct bench *b, uint32_t i)
{
	const struct bench_shape *s = &b->shapes[i];
	struct peer *peer = &b->driver.peer;
	uint64_t deadline = now_ns() + TIMEOUT_NS;
	char name[REGION_NAME_LEN];
	int err;

	snprintf(name, sizeof(name), "data%u", i);
	if (b->produces) {
		err = spsc_create(&b->region, name, s->msg_len,
				  (uint32_t)(s->ring_len / s->msg_len),
				  peer->id);
		return err ? err
			   : spsc_open_tx(&b->tx, &b->region, name, peer, 0);
	}
	do {
		err = spsc_open_rx(&b->rx, &b->region, name, peer, 0);
	} while (err == -SHM_ENOENT && now_ns() < deadline);
	return err;
}

/* One word back says: I am ready for the next sample. Never sleeps. */
static int open_back(struct bench *b)
{
	struct peer *peer = &b->driver.peer;
	uint64_t deadline = now_ns() + TIMEOUT_NS;
	int err;

	if (b->produces) {
		err = spsc_create(&b->region, "back", 8, 16, peer->id);
		if (!err)
			err = spsc_open_rx(&b->back_rx, &b->region, "back",
					   peer, 0);
		b->back_rx.spin_ns = WAIT_SPIN_FOREVER;
		return err;
	}
	do {
		err = spsc_open_tx(&b->back_tx, &b->region, "back", peer, 0);
	} while (err == -SHM_ENOENT && now_ns() < deadline);
	return err;
}

static int get_ready(struct bench *b)
{
	uint64_t word = 1;
	int err;

	if (!b->produces)
		return spsc_push(&b->back_tx, &word, 1) == 1 ? 0 : -SHM_EIO;
	err = spsc_wait_data(&b->back_rx, TIMEOUT_NS);
	if (!err && spsc_pop(&b->back_rx, &word, 1) != 1)
		err = -SHM_EIO;
	return err;
}

/* The first sample warms up and is not reported. */
static int run_shape(struct bench *b, uint32_t i)
{
	uint64_t took_ns[SAMPLES_MAX + 1] = { 0 };
	uint64_t messages = b->messages[i];
	struct bench_run run = { .shape = b->shapes[i],
				 .role = b->produces ? BENCH_PRODUCE
						     : BENCH_CONSUME,
				 .tx = &b->tx,
				 .rx = &b->rx,
				 .messages = messages,
				 .word = SEED };
	int err = open_data(b, i);

	for (uint32_t k = 0; !err && k <= b->samples_nr; k++) {
		uint64_t start_ns;

		err = get_ready(b);
		if (err)
			break;
		start_ns = now_ns();
		bench_spsc.run(&run);
		took_ns[k] = now_ns() - start_ns;
		if (!b->produces &&
		    run.sum !=
			    work_expect(SEED, messages * run.shape.msg_len)) {
			printf("shape %u: the checksum is wrong\n", i);
			err = -SHM_EIO;
		}
	}
	if (err)
		return err;
	if (b->produces) {
		spsc_close_tx(&b->tx);
		return 0;
	}
	spsc_close_rx(&b->rx);
	for (uint32_t k = 0; k < b->samples_nr; k++) {
		char key[KEY_LEN];

		snprintf(key, sizeof(key), "ns.%u.%u", i, k);
		vm_report(key, took_ns[k + 1]);
	}
	return 0;
}

int app_main(int argc, char **argv)
{
	static struct bench bench;
	struct bench *b = &bench;
	int err;

	if (parse(b, argc, argv)) {
		puts("args: produce|consume SAMPLES "
		     "LENGTH:BATCH:RING:MESSAGES...");
		return 2;
	}
	err = ivshmem_driver_open(&b->driver, 0);
	if (!err)
		err = workload_attach(&b->region, &b->driver.peer);
	if (!err)
		err = open_back(b);
	for (uint32_t i = 0; i < b->shapes_nr && !err; i++)
		err = run_shape(b, i);
	if (err)
		printf("benchmark: %s\n", shm_strerror(err));
	return err ? 1 : 0;
}
