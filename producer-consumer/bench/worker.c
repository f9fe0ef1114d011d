/* SPDX-License-Identifier: MIT */
/* worker.c - what does one end of a sample do, from its first step on? */
#include "producer-consumer/bench/worker.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "producer-consumer/bench/work.h"
#include "shm/atomic.h"

#define REALTIME_PRIORITY 1
#define PROBES_NR	  256u
#define SPINS_NR	  4096u /* then let others run: normal priority */
#define WARM_PART	  4u	/* a quarter of the sample first, */
#define WARM_LAPS	  2u /* or so often round the ring, if that is more */
#define WARM_TIMES_MAX	  4u /* but not for ever: a pipe has no laps */

/* Words of different workers, and of warming up, do not resemble. */
#define SEED(index, warm) \
	(((uint64_t)(index) + 1) << 56 | (uint64_t)((warm) + 1) << 48 | 1)

int worker_shared_init(struct worker_shared *shared, uint32_t workers_nr)
{
	pthread_barrierattr_t attr;
	int err = pthread_barrierattr_init(&attr);

	if (!err)
		err = pthread_barrierattr_setpshared(&attr,
						     PTHREAD_PROCESS_SHARED);
	if (!err)
		err = pthread_barrier_init(&shared->gather, &attr, workers_nr);
	return -err;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t switches(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_THREAD, &usage))
		return 0;
	return (uint64_t)usage.ru_nivcsw;
}

static void settle(const struct worker *w)
{
	struct sched_param param = { .sched_priority = REALTIME_PRIORITY };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpus[0], &set);
	CPU_SET(w->cpus[1], &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	/* As SCHED_FIFO while nobody else has that priority. Two runs that spin
	 * on both CPUs would otherwise lock each other out for ever. */
	if (w->realtime)
		(void)sched_setscheduler(0, SCHED_RR, &param);
}

/* All workers are at this point, awake. */
static void meet(const struct worker *w, uint32_t phase)
{
	store_release(&w->shared->phases[w->index].reached, phase);
	for (uint32_t i = 0; i < w->workers_nr; i++) {
		uint32_t spins = 0;

		while (load_acquire(&w->shared->phases[i].reached) < phase) {
			work_relax();
			if (++spins % SPINS_NR == 0 || w->yield)
				sched_yield();
		}
	}
}

/* One line there and back, between the first two workers. */
static void probe(const struct worker *w)
{
	_Atomic uint64_t *line = &w->shared->probe;
	uint64_t start;

	if (w->index > 1 || w->workers_nr != 2)
		return;
	start = now_ns();
	for (uint64_t i = 1; i <= PROBES_NR; i++) {
		if (w->index == 0) {
			store_release(line, 2 * i - 1);
			while (load_acquire(line) != 2 * i)
				;
		} else {
			while (load_acquire(line) != 2 * i - 1)
				;
			store_release(line, 2 * i);
		}
	}
	if (w->index == 0)
		w->shared->probe_ns = (double)(now_ns() - start) / PROBES_NR;
}

static void idle_yield(void)
{
	sched_yield();
}

struct ends {
	_Alignas(128) uint8_t tx[BENCH_HANDLE_LEN];
	_Alignas(128) uint8_t rx[BENCH_HANDLE_LEN];
};

/* The ends this role has: PING writes to the first queue, reads the second. */
static int open_ends(const struct worker *w, void *const mem[2],
		     struct ends *ends)
{
	const struct bench_queue *q = w->queue;
	bool writes = w->role != BENCH_CONSUME;
	bool reads = w->role != BENCH_PRODUCE;
	void *to = w->role == BENCH_PONG ? mem[1] : mem[0];
	void *from = w->role == BENCH_PING ? mem[1] : mem[0];
	int err = 0;

	memset(ends, 0, sizeof(*ends));
	if (writes)
		err = q->open_tx(ends->tx, to, &w->shape);
	if (reads && !err)
		err = q->open_rx(ends->rx, from, &w->shape);
	return err;
}

static int map_memory(const struct worker *w, void *mem[2])
{
	bool two = w->role == BENCH_PING || w->role == BENCH_PONG;

	for (int i = 0; i < (two ? 2 : 1); i++) {
		const struct worker_memory *m = &w->memory[i];

		mem[i] = m->mem;
		if (!w->own_mapping)
			continue;
		/* Populated: page faults are not what is measured. */
		mem[i] = mmap(NULL, m->len, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_POPULATE, m->fd, 0);
		if (mem[i] == MAP_FAILED)
			return -errno;
	}
	return 0;
}

/* Do messages of them; adds to what was read and written. */
static void part(const struct worker *w, struct bench_run *run,
		 uint64_t messages, uint64_t seed, struct worker_result *result)
{
	uint64_t len = messages * w->shape.msg_len;

	run->messages = messages;
	run->word = seed;
	run->sum = 0;
	w->queue->run(run);
	/* memcpy repeats one ring full of words. */
	if (w->workers_nr == 1)
		len = w->shape.ring_len;
	result->read += run->sum;
	if (w->role != BENCH_CONSUME)
		result->written += work_expect(seed, len);
}

/*
 * A stream goes round its ring twice before it is measured. The first lap
 * meets lines that no cache has, and on software KVM a page fault per page
 * however well populated: it is several times slower than all that follow.
 */
static uint64_t warm_messages(const struct worker *w)
{
	bool stream = w->role == BENCH_PRODUCE || w->role == BENCH_CONSUME;
	uint64_t messages = w->messages / WARM_PART;
	uint64_t laps = WARM_LAPS * w->shape.ring_len / w->shape.msg_len;
	uint64_t batches;

	if (laps > w->messages * WARM_TIMES_MAX)
		laps = w->messages * WARM_TIMES_MAX;
	if (stream && !w->yield && messages < laps)
		messages = laps;
	batches = messages / w->shape.batch;
	return (batches ? batches : 1) * w->shape.batch;
}

static void measure(const struct worker *w, struct ends *ends)
{
	struct worker_result result = { 0 };
	struct bench_run run = {
		.shape = w->shape,
		.role = w->role,
		.tx = ends->tx,
		.rx = ends->rx,
		.idle = w->yield ? idle_yield : NULL,
		.stamps = w->shared->stamps,
	};
	uint64_t switches_before;

	meet(w, 1);
	part(w, &run, warm_messages(w), SEED(w->index, 1), &result);
	meet(w, 2);
	probe(w);
	switches_before = switches();
	meet(w, 3);
	result.start_ns = now_ns();
	part(w, &run, w->messages, SEED(w->index, 0), &result);
	result.end_ns = now_ns();
	result.ticks = run.ticks;
	/* Yielding is how a crowd shares its CPUs. */
	result.switches = w->yield ? 0 : switches() - switches_before;
	w->shared->results[w->index] = result;
}

void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct ends ends;
	void *mem[2] = { NULL, NULL };

	settle(w);
	if (map_memory(w, mem) || open_ends(w, mem, &ends))
		w->shared->failed = 1;
	(void)pthread_barrier_wait(&w->shared->gather);
	if (!w->shared->failed)
		measure(w, &ends);
	return NULL;
}
