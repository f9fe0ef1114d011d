/* SPDX-License-Identifier: MIT */
/*
 * mpmc_threads.c - do producers and consumers that hurry, sleep and die lose a
 * message, get one twice, or see them in an order no queue has?
 *
 * The ring numbers all messages, and each carries its number. The number's
 * fate is counted: delivered, or reported as lost; one of both, once. Work is
 * counted, not timed; a case that hangs ends by alarm().
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/mpmc.h"
#include "tests/stress/fifo_history.h"
#include "tests/stress/local_peer.h"

#define TIMEOUT_S   180
#define REGION_LEN  (256ull << 10)
#define NUMBERS_MAX 400000u
#define SIDES_MAX   8u
#define ENDS_NR	    4u
#define BATCH_MAX   8u
#define DEATHS_MAX  60u /* of each thread; peer ids are 1,024 */
#define WAIT_NS	    2000000ull

struct test {
	const char *name;
	uint32_t messages; /* of each producer */
	uint32_t producers_nr, consumers_nr;
	uint32_t slots_nr, slot_len;
	uint64_t spin_ns;
	uint64_t start_idx;
	uint32_t batch_max;
	uint32_t producer_dies,
		consumer_dies; /* one claim in so many; 0 none */
	bool recorded;
};

struct side {
	const struct test *test;
	struct local_peer local;
	struct region *region;
	uint64_t random;
	uint32_t vector;
	uint32_t deaths_nr;
	const char *fault; /* NULL: all went well */
};

/* What became of each number. */
static _Atomic uint8_t delivered[NUMBERS_MAX], lost[NUMBERS_MAX];
static struct fate fates[NUMBERS_MAX]; /* of recorded cases */
static uint64_t first_idx;
static _Atomic uint32_t producers_left, next_id;

static uint32_t random_below(struct side *side, uint32_t below)
{
	side->random ^= side->random << 13;
	side->random ^= side->random >> 7;
	side->random ^= side->random << 17;
	return (uint32_t)(side->random >> 32) % below;
}

static uint64_t now_ns(const struct side *side)
{
	return local_now_ns((struct peer *)&side->local.peer);
}

static void on_lost(void *arg, uint64_t idx, bool sent)
{
	struct side *side = arg;

	(void)sent;
	if (idx - first_idx >= NUMBERS_MAX)
		side->fault = "a number was lost that never was";
	else
		add_relaxed(&lost[idx - first_idx], 1);
}

static void prepare(struct side *side, struct mpmc_end *end)
{
	end->spin_ns = side->test->spin_ns;
	end->lost = on_lost;
	end->lost_arg = side;
}

/* The server says so, and a new peer takes its place. */
static void die(struct side *side)
{
	region_peer_set(side->region, side->local.peer.id, REGION_PEER_GONE);
	side->local.peer.id = add_relaxed(&next_id, 1);
	side->deaths_nr++;
}

static bool dies(struct side *side, uint32_t one_in)
{
	return one_in && side->deaths_nr < DEATHS_MAX &&
	       random_below(side, one_in) == 0;
}

static void msg_write(uint64_t *words, uint32_t len, uint64_t idx)
{
	for (uint32_t i = 0; i < len / 8; i++)
		words[i] = idx * 0x9e3779b97f4a7c15ull + i;
}

static bool msg_right(const uint64_t *words, uint32_t len, uint64_t idx)
{
	for (uint32_t i = 0; i < len / 8; i++)
		if (words[i] != idx * 0x9e3779b97f4a7c15ull + i)
			return false;
	return true;
}

static void record(struct call *call, uint64_t from_ns, uint64_t to_ns)
{
	*call = (struct call){ from_ns, to_ns, call->nr + 1 };
}

static int join_tx(struct side *side, struct mpmc_tx *tx)
{
	int err = mpmc_open_tx(tx, side->region, "ring", &side->local.peer,
			       side->vector);

	if (!err)
		prepare(side, &tx->end);
	return err;
}

static int join_rx(struct side *side, struct mpmc_rx *rx)
{
	int err = mpmc_open_rx(rx, side->region, "ring", &side->local.peer,
			       side->vector);

	if (!err)
		prepare(side, &rx->end);
	return err;
}

static int send_some(struct side *side, struct mpmc_tx *tx, uint32_t left)
{
	const struct test *t = side->test;
	uint32_t want = 1 + random_below(side, t->batch_max);
	uint64_t from_ns = now_ns(side), first;
	int got = mpmc_reserve(tx, want < left ? want : left);

	if (got <= 0)
		return got;
	first = tx->end.held_idx;
	if (dies(side, t->producer_dies)) {
		die(side);
		return join_tx(side, tx) ? -1 : got;
	}
	for (uint32_t i = 0; i < (uint32_t)got; i++)
		msg_write(mpmc_slot_tx(tx, i), t->slot_len, first + i);
	if (mpmc_commit(tx))
		return -1;
	for (uint32_t i = 0; t->recorded && i < (uint32_t)got; i++)
		record(&fates[first - first_idx + i].sent, from_ns,
		       now_ns(side));
	return got;
}

static void *produce(void *arg)
{
	struct side *side = arg;
	struct mpmc_tx tx;

	if (join_tx(side, &tx))
		side->fault = "a producer cannot join";
	for (uint32_t nr = 0; nr < side->test->messages && !side->fault;) {
		int got = send_some(side, &tx, side->test->messages - nr);

		if (got > 0)
			nr += (uint32_t)got;
		else if (got < 0)
			side->fault = "a producer was refused";
		else
			(void)mpmc_wait_space(&tx, WAIT_NS);
	}
	mpmc_close_tx(&tx);
	add_relaxed(&producers_left, 0u - 1);
	return NULL;
}

static int receive_some(struct side *side, struct mpmc_rx *rx, uint64_t *last)
{
	const struct test *t = side->test;
	uint64_t from_ns = now_ns(side), first;
	int got = mpmc_take(rx, 1 + random_below(side, t->batch_max));

	if (got <= 0)
		return got;
	first = rx->end.held_idx;
	if (dies(side, t->consumer_dies)) {
		die(side);
		return join_rx(side, rx) ? -1 : got;
	}
	if ((int64_t)(first - *last) < 0)
		side->fault = "numbers went backwards";
	*last = first + (uint32_t)got;
	for (uint32_t i = 0; i < (uint32_t)got; i++) {
		if (first + i - first_idx >= NUMBERS_MAX ||
		    !msg_right(mpmc_slot_rx(rx, i), t->slot_len, first + i)) {
			side->fault = "a message is damaged";
			break;
		}
		add_relaxed(&delivered[first + i - first_idx], 1);
	}
	if (mpmc_release(rx))
		return -1;
	for (uint32_t i = 0; t->recorded && i < (uint32_t)got; i++)
		record(&fates[first - first_idx + i].received, from_ns,
		       now_ns(side));
	return got;
}

static void *consume(void *arg)
{
	struct side *side = arg;
	uint64_t last = first_idx;
	struct mpmc_rx rx;

	if (join_rx(side, &rx))
		side->fault = "a consumer cannot join";
	while (!side->fault) {
		int got = receive_some(side, &rx, &last);

		if (got < 0)
			side->fault = "a consumer was refused";
		if (got)
			continue;
		if (!load_relaxed(&producers_left) &&
		    load_acquire(&rx.end.mem->tail_idx) ==
			    load_acquire(&rx.end.mem->head_idx))
			break;
		(void)mpmc_wait_data(&rx, WAIT_NS);
	}
	mpmc_close_rx(&rx);
	return NULL;
}

/* Make the ring and let its numbers begin at start_idx. */
static struct mpmc_mem *ring_make(const struct test *t,
				  const struct region *region)
{
	struct region_info info;
	struct mpmc_mem *ring;

	if (mpmc_create(region, "ring", t->slot_len, t->slots_nr, ENDS_NR, 0) ||
	    region_channel_find(region, "ring", REGION_KIND_MPMC, &info))
		return NULL;
	ring = (void *)(region->base + info.off);
	ring->tail_idx = t->start_idx;
	ring->head_idx = t->start_idx;
	for (uint64_t i = 0; i < t->slots_nr; i++) {
		uint64_t slot = (t->start_idx + i) & (t->slots_nr - 1);
		struct mpmc_cell *cell = (void *)((uint8_t *)ring +
						  ring->data_off +
						  slot * ring->cell_len);

		cell->seq = t->start_idx + i;
	}
	return ring;
}

/* What dead consumers had and no producer came round to. */
static const char *settle_rest(struct side *side)
{
	for (uint32_t i = 0; i < ENDS_NR; i++) {
		struct mpmc_rx rx;

		if (join_rx(side, &rx))
			return "a seat was not given back";
		(void)mpmc_wait_data(&rx, 0);
	}
	return side->fault;
}

static const char *judge(const struct test *t, const struct mpmc_mem *ring)
{
	uint64_t nr = ring->tail_idx - first_idx;

	if (nr < (uint64_t)t->messages * t->producers_nr || nr > NUMBERS_MAX)
		return "not as many numbers as messages";
	for (uint64_t i = 0; i < nr; i++)
		if (!(delivered[i] | lost[i]))
			return "a message is lost in silence";
		else if (delivered[i] + lost[i] != 1)
			return "a message has two fates";
	if (t->recorded && !history_ok(fates, (uint32_t)nr))
		return "no queue could have done that";
	return NULL;
}

static const char *run_sides(const struct test *t, struct side *sides,
			     struct mpmc_mem *ring)
{
	uint32_t sides_nr = t->producers_nr + t->consumers_nr;
	pthread_t threads[SIDES_MAX];
	const char *fault = NULL;

	memset(delivered, 0, sizeof(delivered));
	memset(lost, 0, sizeof(lost));
	memset(fates, 0, sizeof(fates));
	first_idx = t->start_idx;
	producers_left = t->producers_nr;
	next_id = SIDES_MAX + 1;
	for (uint32_t i = 0; i < sides_nr; i++)
		if (pthread_create(&threads[i], NULL,
				   i < t->producers_nr ? produce : consume,
				   &sides[i]))
			exit(EXIT_FAILURE); /* the others wait for it */
	for (uint32_t i = 0; i < sides_nr; i++) {
		pthread_join(threads[i], NULL);
		fault = fault ? fault : sides[i].fault;
	}
	fault = fault ? fault : settle_rest(&sides[sides_nr]);
	return fault ? fault : judge(t, ring);
}

static const char *run(const struct test *t)
{
	void *mem = mmap(NULL, REGION_LEN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct side sides[SIDES_MAX + 1] = { 0 };
	const char *fault = "cannot make the ring";
	struct mpmc_mem *ring = NULL;
	struct region region;
	int efds[SIDES_MAX + 1];
	uint64_t lost_nr = 0;

	for (uint32_t i = 0; i <= SIDES_MAX; i++) {
		efds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		sides[i] = (struct side){
			.test = t,
			.local = { .peer = { .ops = &local_ops,
					     .region = mem,
					     .region_len = REGION_LEN,
					     .id = i,
					     .vectors_nr = SIDES_MAX + 1 },
				   .efds = efds,
				   .efds_nr = SIDES_MAX + 1 },
			.region = &region,
			.vector = i,
			.random = 0x9e3779b97f4a7c15ull * (i + 1),
		};
	}
	if (mem != MAP_FAILED && !region_create(&region, mem, REGION_LEN))
		ring = ring_make(t, &region);
	if (ring)
		fault = run_sides(t, sides, ring);
	for (uint32_t i = 0; i < NUMBERS_MAX; i++)
		lost_nr += lost[i];
	printf("%s %s%s%s\n# %ju lost with their peers\n",
	       fault ? "not ok" : "ok", t->name, fault ? " # " : "",
	       fault ? fault : "", (uintmax_t)lost_nr);
	for (uint32_t i = 0; i <= SIDES_MAX; i++)
		close(efds[i]);
	if (mem != MAP_FAILED)
		munmap(mem, REGION_LEN);
	return fault;
}

#define WRAP_32 ((1ull << 32) - 1000)
#define WRAP_52 ((1ull << 52) - 1000)
#define WRAP_64 (0ull - 1000)
#define SPIN_NS WAIT_SPIN_DEFAULT_NS

static const struct test tests[] = {
	{ "two_and_two_spin", 40000, 2, 2, 64, 8, SPIN_NS, WRAP_64, 1, 0, 0,
	  false },
	{ "two_and_two_spin_batches", 80000, 2, 2, 64, 56, SPIN_NS, WRAP_32, 8,
	  0, 0, false },
	{ "two_and_two_sleep", 8000, 2, 2, 4, 8, 0, 0, 2, 0, 0, false },
	{ "three_and_one_smallest_ring", 8000, 3, 1, 4, 64, SPIN_NS, WRAP_52, 3,
	  0, 0, false },
	{ "one_and_three_sleep", 20000, 1, 3, 8, 16, 0, 0, 8, 0, 0, false },
	{ "producers_die", 20000, 2, 2, 16, 8, SPIN_NS, WRAP_64, 4, 300, 0,
	  false },
	{ "consumers_die", 20000, 2, 2, 16, 8, SPIN_NS, 0, 4, 0, 300, false },
	{ "all_die_and_sleep", 10000, 2, 2, 16, 64, 0, WRAP_52, 8, 100, 100,
	  false },
	{ "history_small_ring", 1500, 2, 2, 4, 8, SPIN_NS, 0, 1, 0, 0, true },
	{ "history_batches", 2000, 2, 2, 32, 8, SPIN_NS, WRAP_64, 4, 0, 0,
	  true },
	{ "history_three_and_one", 1000, 3, 1, 16, 56, SPIN_NS, 0, 2, 0, 0,
	  true },
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
