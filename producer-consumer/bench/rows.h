/* SPDX-License-Identifier: MIT */
/*
 * rows.h - the figures: one row per workload and queue, a value per round.
 */
#ifndef PRODUCER_CONSUMER_BENCH_ROWS_H
#define PRODUCER_CONSUMER_BENCH_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "producer-consumer/bench/plan.h"
#include "producer-consumer/bench/queue.h"

#define ROWS_VALUES_MAX 40u
#define ROWS_MAX	1024u

/* Below this a line bounces inside one core: its two SMT siblings. */
#define ROWS_PROBE_MIN_NS 80.0
/*
 * A host that moves virtual CPUs about changes how far they are from each
 * other. Samples whose probe is so many times above or below the usual one
 * were taken on another machine, so to say.
 */
#define ROWS_PROBE_FACTOR 1.5

struct rows_value {
	double ns, p99, p999; /* of a message; of a round trip ns is p50 */
	double probe_ns;      /* 0: none */
};

struct rows_row {
	const struct plan_workload *workload;
	const char *queue;
	bool ours, limit;
	bool trial; /* ours, but a variant that is for comparison only */
	uint64_t messages;
	struct rows_value values[ROWS_VALUES_MAX]; /* kept */
	uint32_t nr;
	struct rows_value disturbed; /* the last that was dropped */
	uint32_t switched_nr;	     /* dropped: a context switch */
	uint32_t probed_nr;	     /* dropped: the probe was too fast */
	uint32_t
		moved_nr; /* dropped: the CPUs were not where they mostly are */
	uint32_t timed_out_nr; /* dropped: did not end in time */
	uint32_t samples_nr;   /* whose checksum was compared */
	uint32_t wrong_nr;     /* whose checksum was wrong */
	int err;	       /* why there is nothing */
	/* From rows_finish() on. */
	double ns, min, max, p99, p999;
	bool only_disturbed; /* no sample was clean: ns is of a dropped one */
};

struct rows {
	struct rows_row rows[ROWS_MAX];
	uint32_t nr;
	double probe_ns;     /* median of all */
	double probe_min_ns; /* samples with less ran on SMT siblings */
};

/* What stands for a workload when it is summed up. NULL: there is none. */
struct rows_best {
	const struct rows_row *ours, *peer, *limit;
};

/* The next row; NULL: the table is full. */
struct rows_row *rows_add(struct rows *rows,
			  const struct plan_workload *workload,
			  const char *queue);
/*
 * The fewest values that a row would keep by its probes, of rows that have
 * any.
 */
uint32_t rows_usable(struct rows *rows);
/* Drop by probe, then medians. */
void rows_finish(struct rows *rows);
/* Row i is the first of its workload: rows of it are behind each other. */
bool rows_is_first(const struct rows *rows, uint32_t i);
void rows_best(const struct rows *rows, const struct plan_workload *workload,
	       struct rows_best *best);
/* Is there a figure? */
static inline bool rows_has(const struct rows_row *row)
{
	return row->ns > 0;
}

#endif
