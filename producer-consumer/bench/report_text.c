/* SPDX-License-Identifier: MIT */
/* report_text.c - how do people, and spreadsheets, read the figures? */
#include <errno.h>
#include <stdlib.h>

#include "producer-consumer/bench/queues.h"
#include "producer-consumer/bench/report.h"

void report_sum(const struct rows *rows, struct report_sums *sums)
{
	*sums = (struct report_sums){ 0 };
	for (uint32_t i = 0; i < rows->nr; i++) {
		sums->samples_nr += rows->rows[i].samples_nr;
		sums->switched_nr += rows->rows[i].switched_nr;
		sums->probed_nr += rows->rows[i].probed_nr;
		sums->moved_nr += rows->rows[i].moved_nr;
		sums->wrong_nr += rows->rows[i].wrong_nr;
	}
}

struct entry {
	const struct rows_row *row;
};

/* Best first; what has no figure last. */
static int by_ns(const void *a, const void *b)
{
	const struct rows_row *x = ((const struct entry *)a)->row;
	const struct rows_row *y = ((const struct entry *)b)->row;

	if (rows_has(x) != rows_has(y))
		return rows_has(x) ? -1 : 1;
	return (x->ns > y->ns) - (x->ns < y->ns);
}

static void put_row(FILE *out, const struct rows_row *row,
		    const struct rows_best *best)
{
	const char *mark = row->limit ? "=" : row->ours ? "*" : " ";

	fprintf(out, "%s %-32s", mark, row->queue);
	if (!rows_has(row)) {
		fprintf(out, " %s\n",
			row->wrong_nr ? "WRONG CHECKSUM" : "no sample");
		return;
	}
	fprintf(out, " %9.2f %9.2f %9.2f", row->ns, row->min, row->max);
	if (row->p99 > 0)
		fprintf(out, " %9.1f %9.1f", row->p99, row->p999);
	else
		fprintf(out, " %9s %9s", "", "");
	if (best->peer)
		fprintf(out, " %7.2f", best->peer->ns / row->ns);
	else
		fprintf(out, " %7s", "-");
	if (best->limit)
		fprintf(out, " %7.2f", best->limit->ns / row->ns);
	else
		fprintf(out, " %7s", "-");
	fprintf(out, "%s%s\n", row->only_disturbed ? "  disturbed" : "",
		row->wrong_nr ? "  WRONG CHECKSUM" : "");
}

static void put_table(FILE *out, const struct rows *rows, uint32_t first)
{
	const struct plan_workload *w = rows->rows[first].workload;
	struct entry sorted[ROWS_MAX] = { { NULL } };
	struct rows_best best;
	uint32_t nr = 0;

	rows_best(rows, w, &best);
	for (uint32_t i = first; i < rows->nr && rows->rows[i].workload == w;
	     i++)
		sorted[nr++].row = &rows->rows[i];
	qsort(sorted, nr, sizeof(*sorted), by_ns);
	fprintf(out, "\n%s\n  %-32s %9s %9s %9s %9s %9s %7s %7s\n", w->name, "",
		"ns", "min", "max", sorted[0].row->p99 > 0 ? "p99" : "",
		sorted[0].row->p99 > 0 ? "p99.9" : "", "x peer", "limit");
	for (uint32_t i = 0; i < nr; i++)
		put_row(out, sorted[i].row, &best);
}

static void put_machine(FILE *out, const struct report *r)
{
	const struct machine *m = r->machine;

	fprintf(out,
		"%s, %s\nCPUs %u and %u%s, %llu byte pages, memory "
		"%s, KVM: %s\n%s, %s (build %s)\n",
		m->cpu, m->kernel, m->cpus[0], m->cpus[1],
		m->siblings ? " (threads of ONE core)" : "",
		(unsigned long long)m->page_len, MACHINE_MEMORY_TYPE, m->kvm,
		machine_compiler, machine_flags, machine_build);
	fprintf(out,
		"medians of %u interleaved rounds, %s; ns per message, of a "
		"round trip its median\n* ours   = no queue: lines or bytes "
		"without messages, what a queue is held against\nx peer: best "
		"peer's ns by its own   limit: fastest ='s ns by its own "
		"(above 1: faster than them)\n",
		r->rounds_nr,
		m->realtime ? "real-time priority"
			    : "normal priority (real-time is not allowed, or "
			      "another run has it: expect noise)");
}

static void put_dropped(FILE *out, const struct report *r)
{
	struct report_sums sums;

	report_sum(r->rows, &sums);
	fprintf(out,
		"\n%llu samples, every checksum compared, %llu wrong; dropped: "
		"%llu for a context switch,\n%llu because one line bounced in "
		"less than %.0f ns, %llu because it was far from the usual "
		"%.0f ns\n",
		(unsigned long long)sums.samples_nr,
		(unsigned long long)sums.wrong_nr,
		(unsigned long long)sums.switched_nr,
		(unsigned long long)sums.probed_nr, r->rows->probe_min_ns,
		(unsigned long long)sums.moved_nr, r->rows->probe_ns);
	for (uint32_t i = 0; i < r->rows->nr; i++) {
		const struct rows_row *row = &r->rows->rows[i];

		if (row->timed_out_nr)
			fprintf(out, "dropped: %u of %s, %s: did not end\n",
				row->timed_out_nr, row->workload->name,
				row->queue);
	}
	for (uint32_t i = 0; queues_missing[i].name; i++)
		fprintf(out, "missing: %s (package %s)\n",
			queues_missing[i].name, queues_missing[i].package);
	if (r->vms_missing)
		fprintf(out, "missing: guest to guest (%s)\n", r->vms_missing);
}

int report_text(FILE *out, const struct report *r)
{
	put_machine(out, r);
	for (uint32_t i = 0; i < r->rows->nr; i++)
		if (rows_is_first(r->rows, i))
			put_table(out, r->rows, i);
	put_dropped(out, r);
	return fflush(out) ? -EIO : 0;
}

int report_csv(FILE *out, const struct report *r)
{
	fputs("workload,way,queue,ours,limit,ns,min,max,p99,p999,rounds,"
	      "dropped_switch,dropped_probe,dropped_moved,wrong,build\n",
	      out);
	for (uint32_t i = 0; i < r->rows->nr; i++) {
		const struct rows_row *row = &r->rows->rows[i];

		if (!rows_has(row))
			continue;
		fprintf(out,
			"\"%s\",%s,\"%s\",%d,%d,%.4f,%.4f,%.4f,%.1f,%.1f,%u,%u,"
			"%u,%u,%u,%s\n",
			row->workload->name, plan_way_name(row->workload->way),
			row->queue, row->ours, row->limit, row->ns, row->min,
			row->max, row->p99, row->p999, row->nr,
			row->switched_nr, row->probed_nr, row->moved_nr,
			row->wrong_nr, machine_build);
	}
	return fflush(out) ? -EIO : 0;
}
