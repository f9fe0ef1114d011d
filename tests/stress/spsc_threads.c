/* SPDX-License-Identifier: MIT */
/*
 * spsc_threads.c - do two threads that hurry, sleep and wrap lose a message?
 *
 * Each case streams numbered messages through a small ring, so that it is
 * full or empty most of the time. Work is counted, not timed; a case that
 * loses a wake-up for good ends by alarm().
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

#include "producer-consumer/workload.h"
#include "shm/spsc.h"

#define TIMEOUT_S  120
#define REGION_LEN 65536ull
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
	uint32_t slots_nr, slot_len;
	uint64_t tx_spin_ns, rx_spin_ns;
	uint64_t start_idx;
	bool in_place; /* reserve and peek; else push and pop */
	bool streams;  /* producer.c and consumer.c instead of the threads here
			*/
};

struct side {
	const struct test *test;
	struct local_peer local;
	struct region region;
	const char *fault; /* NULL: all went well */
};

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

static int send_some(struct spsc_tx *tx, const struct test *t, uint64_t nr)
{
	uint32_t words_nr = t->slot_len / 8;
	uint32_t want = batch_of(nr, t->messages);
	void *slots;
	int err, got;

	if (!t->in_place) {
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

static void *produce(void *arg)
{
	struct side *side = arg;
	const struct test *t = side->test;
	struct spsc_tx tx;

	if (spsc_open_tx(&tx, &side->region, t->name, &side->local.peer, 0)) {
		side->fault = "the producer cannot open its end";
		return NULL;
	}
	tx.spin_ns = t->tx_spin_ns;
	for (uint64_t nr = 0; nr < t->messages && !side->fault;) {
		int got = send_some(&tx, t, nr);

		if (got > 0)
			nr += (uint64_t)got;
		else if (got < 0 || spsc_wait_space(&tx, WAIT_NS))
			side->fault = "the producer is stuck";
	}
	spsc_close_tx(&tx);
	return NULL;
}

/* How many came, 0: none, -1: a wrong one. */
static int receive_some(struct spsc_rx *rx, const struct test *t, uint64_t nr)
{
	uint64_t words[BATCH_MAX * WORKLOAD_WORDS_NR];
	uint32_t words_nr = t->slot_len / 8;
	uint32_t want = batch_of(nr * 3 + 1, UINT64_MAX);
	const void *slots = words;
	int got = t->in_place ? spsc_peek(rx, want, &slots)
			      : spsc_pop(rx, words, want);

	if (got > 0 && !right(slots, words_nr, nr, (uint32_t)got))
		return -1;
	if (got > 0 && t->in_place)
		spsc_release(rx, (uint32_t)got);
	return got;
}

static void *consume(void *arg)
{
	struct side *side = arg;
	const struct test *t = side->test;
	struct spsc_rx rx;

	if (spsc_open_rx(&rx, &side->region, t->name, &side->local.peer, 0)) {
		side->fault = "the consumer cannot open its end";
		return NULL;
	}
	rx.spin_ns = t->rx_spin_ns;
	for (uint64_t nr = 0; nr < t->messages && !side->fault;) {
		int got = receive_some(&rx, t, nr);

		if (got > 0)
			nr += (uint64_t)got;
		else if (got < 0)
			side->fault = "a message is wrong";
		else if (spsc_wait_data(&rx, WAIT_NS))
			side->fault = "the consumer is stuck";
	}
	spsc_close_rx(&rx);
	return NULL;
}

static struct workload_opts stream_opts(const struct test *t)
{
	return (struct workload_opts){ .messages = t->messages,
				       .slots_nr = t->slots_nr,
				       .batch = 3,
				       .channel = t->name };
}

static void *stream_out(void *arg)
{
	struct side *side = arg;
	struct workload_opts opts = stream_opts(side->test);
	struct workload_result result;

	if (producer_run(&side->local.peer, &opts, &result))
		side->fault = "producer_run() failed";
	return NULL;
}

static void *stream_in(void *arg)
{
	struct side *side = arg;
	struct workload_opts opts = stream_opts(side->test);
	struct workload_result result;

	if (consumer_run(&side->local.peer, &opts, &result))
		side->fault = "consumer_run() failed";
	else if (result.mismatches || result.messages != opts.messages)
		side->fault = "consumer_run() found mismatches";
	return NULL;
}

/* Make the ring and let its counts begin at start_idx. */
static bool ring_make(const struct test *t, const struct region *region)
{
	struct region_info info;
	struct spsc_mem *ring;

	if (spsc_create(region, t->name, t->slot_len, t->slots_nr, 0) ||
	    region_channel_find(region, t->name, REGION_KIND_SPSC, &info))
		return false;
	ring = (void *)(region->base + info.off);
	ring->tail_idx = t->start_idx;
	ring->head_idx = t->start_idx;
	ring->done_idx = t->start_idx;
	return true;
}

static const char *run_sides(const struct test *t, struct side *sides)
{
	pthread_t threads[2];

	if (pthread_create(&threads[0], NULL, t->streams ? stream_in : consume,
			   &sides[0]))
		return "cannot create a thread";
	if (pthread_create(&threads[1], NULL, t->streams ? stream_out : produce,
			   &sides[1]))
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
		/* Streams format the region themselves, in a race. */
		made = made && local->efd >= 0 &&
		       (t->streams ||
			(!region_format(mem, REGION_LEN) &&
			 !region_attach(&sides[i].region, mem, REGION_LEN)));
	}
	if (made && (t->streams || ring_make(t, &sides[0].region)))
		fault = run_sides(t, sides);
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

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(TIMEOUT_S); /* default action: the program dies */
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (run(&tests[i]))
			status = EXIT_FAILURE;
	return status;
}
