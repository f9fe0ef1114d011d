/* SPDX-License-Identifier: MIT */
/* rows.c - which number stands for a queue in a workload? */
#include "producer-consumer/bench/rows.h"

#include <stddef.h>
#include <stdlib.h>

/* A machine whose cores are this near to each other has no siblings: its
 * normal probe is its own measure. */
#define PROBE_PART 0.6

struct rows_row *rows_add(struct rows *rows,
			  const struct plan_workload *workload,
			  const char *queue)
{
	struct rows_row *row;

	if (rows->nr == ROWS_MAX)
		return NULL;
	row = &rows->rows[rows->nr++];
	*row = (struct rows_row){ .workload = workload, .queue = queue };
	return row;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t nr)
{
	if (!nr)
		return 0;
	qsort(values, nr, sizeof(*values), compare);
	return (values[(nr - 1) / 2] + values[nr / 2]) / 2;
}

/*
 * The usual probe: the one with most others near it. Not the median: a host
 * that puts the CPUs now here, now there makes two heaps, and between them
 * lies what was never measured.
 */
static double fullest(double *probes, size_t nr)
{
	size_t first = 0, last = 0, most = 0;
	double usual = 0;

	qsort(probes, nr, sizeof(*probes), compare);
	for (size_t i = 0; i < nr; i++) {
		while (probes[first] < probes[i] / ROWS_PROBE_FACTOR)
			first++;
		while (last < nr &&
		       probes[last] <= probes[i] * ROWS_PROBE_FACTOR)
			last++;
		if (last - first > most) {
			most = last - first;
			usual = probes[i];
		}
	}
	return usual;
}

static void find_probe(struct rows *rows)
{
	static double probes[ROWS_MAX * ROWS_VALUES_MAX];
	size_t nr = 0;

	for (uint32_t i = 0; i < rows->nr; i++)
		for (uint32_t k = 0; k < rows->rows[i].nr; k++)
			if (rows->rows[i].values[k].probe_ns > 0)
				probes[nr++] = rows->rows[i].values[k].probe_ns;
	rows->probe_ns = fullest(probes, nr);
	rows->probe_min_ns = rows->probe_ns * PROBE_PART;
	if (rows->probe_min_ns > ROWS_PROBE_MIN_NS)
		rows->probe_min_ns = ROWS_PROBE_MIN_NS;
}

enum verdict {
	USABLE,
	SIBLINGS,
	MOVED
};

static enum verdict judge(const struct rows *rows, double probe_ns)
{
	if (probe_ns <= 0)
		return USABLE;
	if (probe_ns < rows->probe_min_ns)
		return SIBLINGS;
	if (probe_ns > rows->probe_ns * ROWS_PROBE_FACTOR ||
	    probe_ns < rows->probe_ns / ROWS_PROBE_FACTOR)
		return MOVED;
	return USABLE;
}

uint32_t rows_usable(struct rows *rows)
{
	uint32_t least = UINT32_MAX;

	find_probe(rows);
	for (uint32_t i = 0; i < rows->nr; i++) {
		const struct rows_row *row = &rows->rows[i];
		uint32_t nr = 0;

		for (uint32_t k = 0; k < row->nr; k++)
			nr += judge(rows, row->values[k].probe_ns) == USABLE;
		if (row->nr && nr < least)
			least = nr;
	}
	return least;
}

static void drop_probed(const struct rows *rows, struct rows_row *row)
{
	uint32_t kept = 0;

	for (uint32_t k = 0; k < row->nr; k++) {
		enum verdict verdict = judge(rows, row->values[k].probe_ns);

		if (verdict == USABLE) {
			row->values[kept++] = row->values[k];
			continue;
		}
		row->disturbed = row->values[k];
		if (verdict == SIBLINGS)
			row->probed_nr++;
		else
			row->moved_nr++;
	}
	row->nr = kept;
}

static void finish(struct rows_row *row)
{
	double ns[ROWS_VALUES_MAX], p99[ROWS_VALUES_MAX];
	double p999[ROWS_VALUES_MAX];

	/* Better a figure that says what it is than none. */
	if (!row->nr && row->disturbed.ns > 0) {
		row->values[row->nr++] = row->disturbed;
		row->only_disturbed = true;
	}
	for (uint32_t k = 0; k < row->nr; k++) {
		ns[k] = row->values[k].ns;
		p99[k] = row->values[k].p99;
		p999[k] = row->values[k].p999;
	}
	row->ns = median(ns, row->nr);
	row->p99 = median(p99, row->nr);
	row->p999 = median(p999, row->nr);
	if (row->nr) {
		row->min = ns[0];
		row->max = ns[row->nr - 1];
	}
}

void rows_finish(struct rows *rows)
{
	find_probe(rows);
	for (uint32_t i = 0; i < rows->nr; i++) {
		drop_probed(rows, &rows->rows[i]);
		finish(&rows->rows[i]);
	}
}

bool rows_is_first(const struct rows *rows, uint32_t i)
{
	return i == 0 || rows->rows[i - 1].workload != rows->rows[i].workload;
}

static void take_faster(const struct rows_row **best,
			const struct rows_row *row)
{
	if (!*best || row->ns < (*best)->ns)
		*best = row;
}

void rows_best(const struct rows *rows, const struct plan_workload *workload,
	       struct rows_best *best)
{
	*best = (struct rows_best){ NULL, NULL, NULL };
	for (uint32_t i = 0; i < rows->nr; i++) {
		const struct rows_row *row = &rows->rows[i];

		if (row->workload != workload || !rows_has(row))
			continue;
		if (row->limit)
			take_faster(&best->limit, row);
		else if (!row->ours)
			take_faster(&best->peer, row);
		else if (!row->trial)
			take_faster(&best->ours, row);
	}
}
