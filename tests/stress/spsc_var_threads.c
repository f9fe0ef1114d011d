/* SPDX-License-Identifier: MIT */
/*
 * spsc_var_threads.c - do two threads that hurry, sleep and wrap lose or
 * damage a message of whatever length?
 *
 * Each case streams messages of pseudo-random lengths, each filled from its
 * number, through a small ring, so that it is full or empty most of the time.
 * Work is counted, not timed; a case that loses a wake-up for good ends by
 * alarm().
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shm/spsc_var.h"

#define TIMEOUT_S  120
#define REGION_LEN (1ull << 20)
#define WAIT_NS	   20000000000ull
#define BATCH_MAX  16u

/* A peer within this process: its bell is an eventfd. */
struct local_peer {
	struct peer peer;
	int efd;
	struct local_peer *other;
};

static int local_notify(struct peer *peer, uint32_t id, uint32_t vector)
{
	const struct local_peer *to = ((struct local_peer *)peer)->other;

	(void)vector;
	return id == to->peer.id && eventfd_write(to->efd, 1) ? -SHM_EIO : 0;
}

static int local_wait(struct peer *peer, uint32_t vector, uint64_t timeout_ns)
{
	const struct local_peer *local = (struct local_peer *)peer;
	struct pollfd fd = { .fd = local->efd, .events = POLLIN };
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / 1000000000),
		.tv_nsec = (long)(timeout_ns % 1000000000),
	};
	eventfd_t events;

	(void)vector;
	peer->sleeps_nr++;
	if (ppoll(&fd, 1, &timeout, NULL) < 0 && errno != EINTR)
		return -SHM_EIO;
	return eventfd_read(local->efd, &events) ? -SHM_ETIMEDOUT : 0;
}

static uint64_t local_now_ns(struct peer *peer)
{
	struct timespec now;

	(void)peer;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const struct peer_ops local_ops = {
	.notify = local_notify,
	.wait = local_wait,
	.now_ns = local_now_ns,
};

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

struct side {
	const struct test *test;
	struct local_peer local;
	struct region region;
	const char *fault; /* NULL: all went well */
};

static uint64_t mix(uint64_t nr)
{
	nr = (nr + 1) * 0x9e3779b97f4a7c15ull;
	nr = (nr ^ nr >> 31) * 0xbf58476d1ce4e5b9ull;
	return nr ^ nr >> 29;
}

/* Short ones more often than long ones. */
static uint32_t len_of(const struct test *t, uint64_t nr)
{
	uint64_t random = mix(nr);
	uint64_t limit = t->len_max >> random % 8;

	return 1 + (uint32_t)((random >> 8) % (limit ? limit : 1));
}

static uint32_t batch_of(const struct test *t, uint64_t nr)
{
	return t->batches ? 1 + (uint32_t)(mix(~nr) % BATCH_MAX) : 1;
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
static int send_one(struct spsc_var_tx *tx, const struct test *t, uint64_t nr,
		    bool quiet)
{
	uint32_t len = len_of(t, nr);
	void *room;
	int err, got;

	if (!t->in_place) {
		uint8_t bytes[4096];

		fill(bytes, len, nr);
		return spsc_var_push(tx, bytes, len);
	}
	/* Now and then more than is needed. */
	got = spsc_var_reserve(tx, nr % 3 ? len : (uint32_t)t->len_max, &room);
	if (got <= 0)
		return got;
	fill(room, len, nr);
	err = quiet ? spsc_var_commit_quiet(tx, len) : spsc_var_commit(tx, len);
	return err ? err : 1;
}

static void *produce(void *arg)
{
	struct side *side = arg;
	const struct test *t = side->test;
	struct spsc_var_tx tx;
	uint32_t left = 0;

	if (spsc_var_open_tx(&tx, &side->region, t->name, &side->local.peer,
			     0)) {
		side->fault = "the producer cannot open its end";
		return NULL;
	}
	tx.spin_ns = t->tx_spin_ns;
	for (uint64_t nr = 0; nr < t->messages && !side->fault;) {
		int got;

		if (!left)
			left = batch_of(t, nr);
		got = send_one(&tx, t, nr, left > 1);
		if (got > 0) {
			nr++;
			left--;
		} else if (got < 0 ||
			   spsc_var_wait_space(&tx, (uint32_t)t->len_max,
					       WAIT_NS)) {
			side->fault = "the producer is stuck";
		}
	}
	spsc_var_close_tx(&tx);
	return NULL;
}

/* 1 message nr came, 0: none, -1: a wrong one. */
static int receive_one(struct spsc_var_rx *rx, const struct test *t,
		       uint64_t nr)
{
	uint8_t bytes[4096];
	const void *msg = bytes;
	int len = t->in_place ? spsc_var_peek(rx, &msg)
			      : spsc_var_pop(rx, bytes, sizeof(bytes));

	if (len <= 0)
		return len;
	return (uint32_t)len == len_of(t, nr) && right(msg, (uint32_t)len, nr)
		       ? 1
		       : -1;
}

static void *consume(void *arg)
{
	struct side *side = arg;
	const struct test *t = side->test;
	struct spsc_var_rx rx;
	uint32_t left = 0;

	if (spsc_var_open_rx(&rx, &side->region, t->name, &side->local.peer,
			     0)) {
		side->fault = "the consumer cannot open its end";
		return NULL;
	}
	rx.spin_ns = t->rx_spin_ns;
	for (uint64_t nr = 0; nr < t->messages && !side->fault;) {
		int got;

		if (!left)
			left = batch_of(t, nr * 3);
		got = receive_one(&rx, t, nr);
		if (got > 0) {
			nr++;
			left--;
		}
		if (got <= 0 || !left)
			spsc_var_release(&rx);
		if (got < 0)
			side->fault = "a message is wrong";
		else if (got == 0 && spsc_var_wait_data(&rx, WAIT_NS))
			side->fault = "the consumer is stuck";
	}
	spsc_var_release(&rx);
	spsc_var_close_rx(&rx);
	return NULL;
}

/* Make the ring and let its indices begin at start_idx. */
static bool ring_make(const struct test *t, const struct region *region)
{
	struct region_info info;
	struct spsc_var_mem *ring;

	if (spsc_var_create(region, t->name, t->ring_len, 0) ||
	    region_channel_find(region, t->name, REGION_KIND_SPSC_VAR, &info))
		return false;
	ring = (void *)(region->base + info.off);
	ring->tail_idx = t->start_idx;
	ring->head_idx = t->start_idx;
	ring->done_idx = t->start_idx;
	return true;
}

static const char *run_sides(struct side *sides)
{
	pthread_t threads[2];

	if (pthread_create(&threads[0], NULL, consume, &sides[0]))
		return "cannot create a thread";
	if (pthread_create(&threads[1], NULL, produce, &sides[1]))
		exit(EXIT_FAILURE); /* the other one waits for it */
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return sides[0].fault ? sides[0].fault : sides[1].fault;
}

static const char *run(const struct test *t)
{
	void *mem = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct side sides[2] = { { .test = t }, { .test = t } };
	const char *fault = "cannot make the ring";
	bool made = mem != MAP_FAILED;

	for (uint32_t i = 0; i < 2; i++) {
		struct local_peer *local = &sides[i].local;

		local->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		local->other = &sides[1 - i].local;
		local->peer = (struct peer){ .ops = &local_ops,
					     .region = mem,
					     .region_len = REGION_LEN,
					     .id = i,
					     .vectors_nr = 1 };
		made = made && local->efd >= 0 &&
		       !region_create(&sides[i].region, mem, REGION_LEN);
	}
	if (made && ring_make(t, &sides[0].region))
		fault = run_sides(sides);
	printf("%s %s%s%s\n# %ju doorbells, %ju sleeps\n",
	       fault ? "not ok" : "ok", t->name, fault ? " # " : "",
	       fault ? fault : "",
	       (uintmax_t)(sides[0].local.peer.doorbells_nr +
			   sides[1].local.peer.doorbells_nr),
	       (uintmax_t)(sides[0].local.peer.sleeps_nr +
			   sides[1].local.peer.sleeps_nr));
	for (int i = 0; i < 2; i++)
		close(sides[i].local.efd);
	if (mem != MAP_FAILED)
		munmap(mem, REGION_LEN);
	return fault;
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

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(TIMEOUT_S); /* default action: the program dies */
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (run(&tests[i]))
			status = EXIT_FAILURE;
	return status;
}
