/* SPDX-License-Identifier: MIT */
/* rounds.h - interleaved rounds of samples on this host. */
#ifndef PRODUCER_CONSUMER_BENCH_ROUNDS_H
#define PRODUCER_CONSUMER_BENCH_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "producer-consumer/bench/plan.h"
#include "producer-consumer/bench/rows.h"

#define ROUNDS_MAX 31u

struct rounds_opts {
	uint32_t cpus[2];
	bool realtime;
	double tick_ns;
	uint32_t rounds_nr;   /* 1..ROUNDS_MAX */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC: no round begins after it */
};

uint64_t rounds_now_ns(void);

/*
 * Every queue in every workload of the plan (but for VMs'), once per round;
 * more rounds if the host moved the CPUs meanwhile and there is time.
 * *done_nr rounds were whole. What failed, or did not end in time, is said on
 * stderr and stands in its row.
 */
void rounds_run(const struct plan *plan, const struct rounds_opts *opts,
		struct rows *rows, uint32_t *done_nr);

/* One sample of one row of threads or processes, as rounds_run() takes it. */
void rounds_sample(const struct rounds_opts *opts,
		   const struct bench_queue *queue, struct rows_row *row);

#endif
