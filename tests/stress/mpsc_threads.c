/* SPDX-License-Identifier: MIT */
/*
 * mpsc_threads.c - does one consumer get each message of producers that come,
 * go and die, once and in order?
 *
 * A stream is one thread's messages. It leaves its lane, or dies, now and
 * then, and joins again: a session. Within a session the order must hold.
 * Work is counted, not timed; a case that hangs ends by alarm().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/mpsc.h"
#include "shm/wait.h"
#include "tests/stress/local_peer.h"

#define TIMEOUT_S    120
#define REGION_LEN   (256ull << 10)
#define STREAMS_MAX  4u
#define SESSIONS_MAX 100u /* peer ids are 1,024 */
#define MESSAGES_MAX 200000u
#define BATCH_MAX    8u
#define LANES_NR     4u
#define WAIT_NS	     2000000ull
#define RX_VECTOR    STREAMS_MAX

struct test {
	const char *name;
	uint64_t spin_ns;
	uint32_t messages, streams_nr, slots_nr;
	uint32_t leaves, dies; /* one batch in so many; 0: never */
	bool consumer_dies;
};

struct side {
	const struct test *test;
	struct local_peer local;
	struct region *region;
	uint32_t nr; /* its stream */
	uint32_t session;
	uint64_t random;
	const char *fault; /* NULL: all went well */
};

static uint8_t came[STREAMS_MAX][MESSAGES_MAX];
static _Atomic uint32_t next_id;

static uint32_t random_below(struct side *side, uint32_t below)
{
	side->random ^= side->random << 13;
	side->random ^= side->random >> 7;
	side->random ^= side->random << 17;
	return (uint32_t)(side->random >> 32) % below;
}

static uint64_t word_of(uint32_t stream, uint32_t session, uint32_t nr)
{
	return (uint64_t)stream << 48 | (uint64_t)session << 32 | nr;
}

static void die(struct side *side)
{
	region_peer_set(side->region, side->local.peer.id, REGION_PEER_GONE);
	side->local.peer.id = add_relaxed(&next_id, 1);
}

static int join(struct side *side, struct spsc_tx *tx)
{
	int err = mpsc_open_tx(tx, side->region, "lanes", &side->local.peer,
			       side->nr);

	tx->spin_ns = side->test->spin_ns;
	side->session++;
	return err;
}

/* Leave, die with messages reserved, or stay. */
static int come_and_go(struct side *side, struct spsc_tx *tx)
{
	const struct test *t = side->test;
	void *slots;

	if (side->session >= SESSIONS_MAX)
		return 0;
	if (t->leaves && random_below(side, t->leaves) == 0) {
		spsc_close_tx(tx);
		return join(side, tx);
	}
	if (t->dies && random_below(side, t->dies) == 0) {
		if (spsc_reserve(tx, 1, &slots) == 1)
			memset(slots, 0xee, 8);
		die(side);
		return join(side, tx);
	}
	return 0;
}

static void *produce(void *arg)
{
	struct side *side = arg;
	const struct test *t = side->test;
	struct spsc_tx tx;

	if (join(side, &tx))
		side->fault = "a producer cannot join";
	for (uint32_t nr = 0; nr < t->messages && !side->fault;) {
		uint32_t want = 1 + random_below(side, BATCH_MAX);
		uint64_t words[BATCH_MAX];
		int got;

		want = want < t->messages - nr ? want : t->messages - nr;
		for (uint32_t i = 0; i < want; i++)
			words[i] = word_of(side->nr, side->session, nr + i);
		got = spsc_push(&tx, words, want);
		if (got < 0)
			side->fault = "a producer was refused";
		else if (got == 0)
			(void)spsc_wait_space(&tx, WAIT_NS);
		else
			nr += (uint32_t)got;
		if (!side->fault && come_and_go(side, &tx))
			side->fault = "a producer cannot join again";
	}
	spsc_close_tx(&tx);
	return NULL;
}

/* Is this word one that is due? */
static const char *judge(const struct test *t, uint64_t word, uint64_t *last)
{
	uint32_t stream = (uint32_t)(word >> 48), nr = (uint32_t)word;
	uint32_t session = (uint32_t)(word >> 32) & 0xffff;

	if (stream >= t->streams_nr || session > SESSIONS_MAX ||
	    nr >= t->messages)
		return "a message is damaged";
	if (came[stream][nr]++)
		return "a message came twice";
	if (word < last[(size_t)stream * (SESSIONS_MAX + 1) + session])
		return "a session's order is broken";
	last[(size_t)stream * (SESSIONS_MAX + 1) + session] = word;
	return NULL;
}

static void *consume(void *arg)
{
	static uint64_t last[STREAMS_MAX * (SESSIONS_MAX + 1)];
	static struct mpsc_rx rx;
	struct side *side = arg;
	const struct test *t = side->test;
	uint64_t due = (uint64_t)t->messages * t->streams_nr;

	memset(last, 0, sizeof(last));
	if (mpsc_open_rx(&rx, side->region, "lanes", &side->local.peer,
			 RX_VECTOR))
		side->fault = "the consumer cannot join";
	rx.spin_ns = t->spin_ns;
	while (due && !side->fault) {
		const void *slots;
		int got = mpsc_peek(&rx, 1 + random_below(side, BATCH_MAX),
				    &slots);

		if (got == 0)
			(void)mpsc_wait_data(&rx, WAIT_NS);
		if (got < 0)
			side->fault = "the consumer was refused";
		for (int i = 0; i < got && !side->fault; i++)
			side->fault = judge(t, ((const uint64_t *)slots)[i],
					    last);
		if (got <= 0)
			continue;
		mpsc_release(&rx, (uint32_t)got);
		due -= (uint32_t)got;
		if (t->consumer_dies && side->session < SESSIONS_MAX &&
		    random_below(side, 50) == 0) {
			side->session++;
			die(side);
			if (mpsc_open_rx(&rx, side->region, "lanes",
					 &side->local.peer, RX_VECTOR))
				side->fault = "the consumer cannot take over";
			rx.spin_ns = t->spin_ns;
		}
	}
	mpsc_close_rx(&rx);
	return NULL;
}

static const char *run_sides(const struct test *t, struct side *sides)
{
	pthread_t threads[STREAMS_MAX + 1];
	const char *fault = NULL;

	memset(came, 0, sizeof(came));
	next_id = STREAMS_MAX + 1;
	for (uint32_t i = 0; i <= t->streams_nr; i++)
		if (pthread_create(&threads[i], NULL,
				   i < t->streams_nr ? produce : consume,
				   &sides[i]))
			exit(EXIT_FAILURE); /* the others wait for it */
	for (uint32_t i = 0; i <= t->streams_nr; i++) {
		pthread_join(threads[i], NULL);
		fault = fault ? fault : sides[i].fault;
	}
	for (uint32_t i = 0; i < t->streams_nr && !fault; i++)
		for (uint32_t nr = 0; nr < t->messages; nr++)
			if (!came[i][nr])
				fault = "a message is lost";
	return fault;
}

static const char *run(const struct test *t)
{
	void *mem = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct side sides[STREAMS_MAX + 1] = { 0 };
	const char *fault = "cannot make the lanes";
	uint64_t doorbells_nr = 0, sessions_nr = 0;
	struct region region;
	int efds[STREAMS_MAX + 1];

	for (uint32_t i = 0; i <= STREAMS_MAX; i++) {
		efds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		sides[i] = (struct side){
			.test = t,
			.local = { .peer = { .ops = &local_ops,
					     .region = mem,
					     .region_len = REGION_LEN,
					     .id = i,
					     .vectors_nr = STREAMS_MAX + 1 },
				   .efds = efds,
				   .efds_nr = STREAMS_MAX + 1 },
			.region = &region,
			.nr = i,
			.random = 0x9e3779b97f4a7c15ull * (i + 1),
		};
	}
	if (mem != MAP_FAILED && !region_create(&region, mem, REGION_LEN) &&
	    !mpsc_create(&region, "lanes", 8, t->slots_nr, LANES_NR, 0))
		fault = run_sides(t, sides);
	for (uint32_t i = 0; i <= STREAMS_MAX; i++) {
		doorbells_nr += sides[i].local.peer.doorbells_nr;
		sessions_nr += sides[i].session;
		close(efds[i]);
	}
	printf("%s %s%s%s\n# %ju doorbells, %ju sessions\n",
	       fault ? "not ok" : "ok", t->name, fault ? " # " : "",
	       fault ? fault : "", (uintmax_t)doorbells_nr,
	       (uintmax_t)sessions_nr);
	if (mem != MAP_FAILED)
		munmap(mem, REGION_LEN);
	return fault;
}

#define SPIN_NS WAIT_SPIN_DEFAULT_NS

static const struct test tests[] = {
	{ "three_spin", SPIN_NS, 50000, 3, 64, 0, 0, false },
	{ "three_sleep_in_small_lanes", 0, 4000, 3, 4, 0, 0, false },
	{ "four_come_and_go", SPIN_NS, 20000, 4, 16, 50, 0, false },
	{ "three_die", SPIN_NS, 20000, 3, 16, 0, 50, false },
	{ "three_die_and_sleep", 0, 4000, 3, 8, 30, 30, false },
	{ "consumer_dies", SPIN_NS, 20000, 2, 16, 0, 0, true },
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
