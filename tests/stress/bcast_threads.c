/* SPDX-License-Identifier: MIT */
/*
 * bcast_threads.c - do readers of a writer that waits for nobody get whole
 * messages only, and the exact number of those they missed?
 *
 * Every reader must account for each message: delivered or missed. A message
 * carries its number and words made from it, so a torn one shows.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/bcast.h"
#include "tests/stress/local_pair.h"

#define TIMEOUT_S     120
#define REGION_LEN    (1ull << 20)
#define WAIT_NS	      20000000000ull
#define WORDS_MAX     512u
#define READERS_MAX   4u
#define PAUSE_EACH_NR 512u

struct test {
	const char *name;
	uint64_t messages;
	uint64_t spin_ns; /* of readers */
	uint32_t words_nr, slots_nr, readers_nr;
	bool skips; /* every second one goes on at the newest */
	bool bells;
};

struct reader {
	pthread_t thread;
	uint32_t nr;
	uint64_t begun, got, missed; /* begun: the first it could see */
	const char *fault;
};

static const struct test *test;
static struct region region;
static struct bcast_tx tx;

static void fill(uint64_t *words, uint64_t nr)
{
	words[0] = nr;
	for (uint32_t i = 1; i < test->words_nr; i++)
		words[i] = nr * 0x9e3779b97f4a7c15ull + i;
}

static bool right(const uint64_t *words, uint64_t nr)
{
	if (words[0] != nr)
		return false;
	for (uint32_t i = 1; i < test->words_nr; i++)
		if (words[i] != nr * 0x9e3779b97f4a7c15ull + i)
			return false;
	return true;
}

static void *read_all(void *arg)
{
	struct reader *r = arg;
	uint64_t words[WORDS_MAX], due;
	struct bcast_rx rx;

	if (bcast_open_rx(&rx, &region, test->name,
			  &local_peers[1 + r->nr].peer, BCAST_FROM_OLDEST) ||
	    (test->bells && bcast_take_bell(&rx, 0))) {
		r->fault = "a reader cannot open its end";
		return NULL;
	}
	r->begun = due = rx.next_idx;
	rx.spin_ns = test->spin_ns;
	rx.skip_to_newest = test->skips && r->nr % 2;
	while (due < test->messages && !r->fault) {
		uint64_t missed;
		int got = bcast_read(&rx, words, &missed);

		due += missed;
		r->missed += missed;
		if (got == 1 && !right(words, due++))
			r->fault = "a message is torn or not the one counted";
		r->got += got == 1;
		if (got < 0 ||
		    (!got && due < test->messages && bcast_wait(&rx, WAIT_NS)))
			r->fault = "a reader is stuck";
	}
	bcast_close_rx(&rx);
	return NULL;
}

/* Hurries, and pauses now and then, so that readers lap, wait and sleep. */
static const char *write_all(void)
{
	uint64_t words[WORDS_MAX];

	for (uint64_t nr = 0; nr < test->messages; nr++) {
		struct timespec pause = { .tv_nsec = 200000 };

		fill(words, nr);
		if (bcast_write(&tx, words, 1))
			return "the writer cannot write";
		if (nr % PAUSE_EACH_NR)
			continue;
		if (bcast_flush(&tx))
			return "the writer cannot ring";
		nanosleep(&pause, NULL);
	}
	return bcast_flush(&tx) ? "the writer cannot ring" : NULL;
}

static const char *run_all(void)
{
	struct reader readers[READERS_MAX] = { 0 };
	const char *fault;

	for (uint32_t i = 0; i < test->readers_nr; i++) {
		readers[i].nr = i;
		if (pthread_create(&readers[i].thread, NULL, read_all,
				   &readers[i]))
			exit(EXIT_FAILURE);
	}
	fault = write_all();
	for (uint32_t i = 0; i < test->readers_nr; i++) {
		struct reader *r = &readers[i];

		pthread_join(r->thread, NULL);
		printf("# reader %u: %ju read, %ju missed\n", i,
		       (uintmax_t)r->got, (uintmax_t)r->missed);
		if (!fault)
			fault = r->fault;
		if (!fault && r->begun + r->got + r->missed != test->messages)
			fault = "a reader's numbers do not add up";
	}
	return fault;
}

static const char *run(void)
{
	void *mem = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *fault = "cannot make the channel";

	if (mem == MAP_FAILED)
		return fault;
	if (!local_peers_open(mem, REGION_LEN) &&
	    !region_create(&region, mem, REGION_LEN) &&
	    !bcast_create(&region, test->name, test->words_nr * 8,
			  test->slots_nr, READERS_MAX, 0) &&
	    !bcast_open_tx(&tx, &region, test->name, &local_peers[0].peer)) {
		fault = run_all();
		bcast_close_tx(&tx);
	}
	local_peers_close();
	munmap(mem, REGION_LEN);
	return fault;
}

#define SPIN_NS WAIT_SPIN_DEFAULT_NS

static const struct test tests[] = {
	{ "one_line_two_readers_sleep", 30000, 0, 7, 64, 2, false, true },
	{ "smallest_ring_is_lapped", 30000, SPIN_NS, 15, 2, 3, true, true },
	{ "long_messages_four_readers", 10000, SPIN_NS, WORDS_MAX, 8, 4, true,
	  true },
	{ "readers_without_bells", 20000, 0, 31, 32, 2, false, false },
};

int main(void)
{
	int status = EXIT_SUCCESS;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(TIMEOUT_S); /* default action: the program dies */
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		const char *fault;

		test = &tests[i];
		fault = run();
		printf("%s %s%s%s\n", fault ? "not ok" : "ok", test->name,
		       fault ? " # " : "", fault ? fault : "");
		if (fault)
			status = EXIT_FAILURE;
	}
	return status;
}
