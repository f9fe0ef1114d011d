/* SPDX-License-Identifier: MIT */
/* rounds.c - in which order are samples taken, how long, and which count? */
#include "producer-consumer/bench/rounds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "producer-consumer/bench/crew.h"
#include "producer-consumer/bench/queues.h"

#define SAMPLE_NS      2000000.0
#define CROWD_NS       4000000.0 /* the scheduler needs time to be fair */
#define CROWD_MIN      65536u
#define CALIBRATE_NS   300000.0
#define CALIBRATE_GROW 8u
#define CALIBRATE_MIN  64u
#define CALIBRATE_MAX  16384u
#define TRIES_NR       3u /* a sample with a context switch is taken again */
#define TIME_OUTS_MAX  2u /* then a queue is left out: each takes seconds */
#define MESSAGES_MAX   (1ull << 26)
#define PAUSE_MIN_NS   200000.0

uint64_t rounds_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Real-time workers take all there is: the system needs its share. */
static void rest(double ns)
{
	if (ns < PAUSE_MIN_NS)
		ns = PAUSE_MIN_NS;
	usleep((useconds_t)(ns / 1000));
}

/* A number that every kind of workload can share out evenly. */
static uint64_t whole_messages(const struct plan_workload *w, double messages)
{
	uint64_t unit = 2ull * w->shape.batch;
	uint64_t nr = messages > (double)MESSAGES_MAX ? MESSAGES_MAX
						      : (uint64_t)messages;

	nr = (nr + unit - 1) / unit * unit;
	if (nr < unit)
		nr = unit;
	/* Until four workers run on two CPUs takes as long as thousands of
	 * messages, whatever those cost. */
	if (w->kind == BENCH_CROWD && nr < CROWD_MIN)
		nr = CROWD_MIN;
	if (crew_is_rtt(w->kind) && nr > CREW_RTTS_MAX)
		nr = CREW_RTTS_MAX;
	/* memcpy is checked by what one whole buffer holds at the end. */
	if (w->kind == BENCH_COPY &&
	    nr < 8 * w->shape.ring_len / w->shape.msg_len)
		nr = 8 * w->shape.ring_len / w->shape.msg_len;
	return nr;
}

/* How many messages take about SAMPLE_NS? guess: what another queue wanted. */
static int calibrate(struct crew_task *task, struct rows_row *row,
		     uint64_t guess)
{
	const struct plan_workload *w = row->workload;
	double goal = w->kind == BENCH_CROWD ? CROWD_NS : SAMPLE_NS;
	struct crew_sample sample;

	/* A quarter is measurable if the two are alike; the bounds are for
	 * those that are not, a pipe and a ring. */
	guess /= 4;
	if (guess < CALIBRATE_MIN)
		guess = CALIBRATE_MIN;
	if (guess > CALIBRATE_MAX)
		guess = CALIBRATE_MAX;
	task->messages = whole_messages(w, (double)guess);
	for (;;) {
		uint64_t before = task->messages;
		double factor;
		int err = crew_run(task, &sample);

		if (err)
			return err;
		factor = goal / sample.ns;
		if (sample.ns < CALIBRATE_NS && factor > CALIBRATE_GROW)
			factor = CALIBRATE_GROW;
		task->messages = whole_messages(w, (double)before * factor);
		if (sample.ns >= CALIBRATE_NS || task->messages <= before)
			break;
	}
	row->messages = task->messages;
	return 0;
}

static void keep(struct rows_row *row, const struct crew_sample *s)
{
	struct rows_value value = {
		.ns = s->p50 > 0 ? s->p50 : s->ns / (double)row->messages,
		.p99 = s->p99,
		.p999 = s->p999,
		.probe_ns = s->probe_ns,
	};

	row->samples_nr++;
	if (s->wrong) {
		row->wrong_nr++;
		return;
	}
	if (s->switches) {
		row->switched_nr++;
		row->disturbed = value;
	} else {
		row->values[row->nr++] = value;
	}
}

static void take_sample(const struct rounds_opts *opts,
			const struct bench_queue *queue, struct rows_row *row,
			uint64_t guess)
{
	const struct plan_workload *w = row->workload;
	struct crew_task task = {
		.queue = queue,
		.shape = w->shape,
		.kind = w->kind,
		.way = w->way == PLAN_PROCESSES ? CREW_PROCESSES : CREW_THREADS,
		.cpus = { opts->cpus[0], opts->cpus[1] },
		.realtime = opts->realtime,
		.tick_ns = opts->tick_ns,
		.messages = row->messages,
	};
	int err = 0;

	if (row->err || row->nr == ROWS_VALUES_MAX)
		return;
	if (!row->messages)
		err = calibrate(&task, row, guess);
	for (uint32_t i = 0; i < TRIES_NR && !err; i++) {
		struct crew_sample sample;

		err = crew_run(&task, &sample);
		if (err)
			break;
		keep(row, &sample);
		rest(sample.ns);
		if (!sample.switches)
			break;
	}
	if (err)
		fprintf(stderr, "bench_peers: %s, %s: %s\n", w->name,
			queue->name,
			err == -ETIMEDOUT ? "a sample did not end, dropped"
					  : strerror(-err));
	if (err == -ETIMEDOUT && ++row->timed_out_nr < TIME_OUTS_MAX)
		err = 0;
	row->err = err;
}

void rounds_sample(const struct rounds_opts *opts,
		   const struct bench_queue *queue, struct rows_row *row)
{
	take_sample(opts, queue, row, 0);
}

/* The rows of all that can be done. */
static void make_rows(const struct plan *plan, struct rows *rows,
		      const struct bench_queue *queues[ROWS_MAX])
{
	for (uint32_t i = 0; i < plan->nr; i++) {
		const struct plan_workload *w = &plan->workloads[i];

		for (uint32_t k = 0; queues_all[k]; k++) {
			const struct bench_queue *q = queues_all[k];
			struct rows_row *row;

			if (w->way == PLAN_VMS || !(q->kinds & w->kind) ||
			    !q->mem_len(&w->shape) ||
			    (w->way == PLAN_PROCESSES &&
			     !(q->flags & BENCH_SHARED)))
				continue;
			row = rows_add(rows, w, q->name);
			if (!row)
				return;
			row->ours = q->flags & BENCH_OURS;
			row->limit = q->flags & BENCH_LIMIT;
			row->trial = q->flags & BENCH_TRIAL;
			queues[rows->nr - 1] = q;
		}
	}
}

/* More rounds are needed: too few values would be kept of some row. */
static bool go_on(const struct rounds_opts *opts, struct rows *rows,
		  uint32_t done_nr)
{
	if (done_nr < opts->rounds_nr)
		return true;
	return done_nr < ROUNDS_MAX && rows_usable(rows) < opts->rounds_nr;
}

void rounds_run(const struct plan *plan, const struct rounds_opts *opts,
		struct rows *rows, uint32_t *done_nr)
{
	static const struct bench_queue *queues[ROWS_MAX];
	uint32_t first = rows->nr;

	make_rows(plan, rows, queues);
	for (*done_nr = 0; go_on(opts, rows, *done_nr); ++*done_nr) {
		if (*done_nr < opts->rounds_nr)
			fprintf(stderr,
				"bench_peers: round %u of %u, %u samples\n",
				*done_nr + 1, opts->rounds_nr,
				rows->nr - first);
		else
			fprintf(stderr,
				"bench_peers: one more round, the %u., for the "
				"host moved the CPUs\n",
				*done_nr + 1);
		for (uint32_t i = first; i < rows->nr; i++) {
			if (*done_nr && rounds_now_ns() >= opts->deadline_ns)
				return;
			take_sample(opts, queues[i], &rows->rows[i],
				    rows_is_first(rows, i)
					    ? 0
					    : rows->rows[i - 1].messages);
		}
		if (rows->nr == first)
			break;
	}
}
