/* SPDX-License-Identifier: MIT */
/* report.h - the figures for people, for a spreadsheet, for programs. */
#ifndef PRODUCER_CONSUMER_BENCH_REPORT_H
#define PRODUCER_CONSUMER_BENCH_REPORT_H

#include <stdio.h>

#include "producer-consumer/bench/machine.h"
#include "producer-consumer/bench/rows.h"

struct report {
	const struct machine *machine;
	const struct plan *plan;
	const struct rows *rows; /* finished */
	uint32_t rounds_nr;	 /* whole ones */
	const char *vms_missing; /* why no lab was run; NULL: they were */
};

/* Samples dropped, and checksums that did not match, over all rows. */
struct report_sums {
	uint64_t samples_nr, switched_nr, probed_nr, moved_nr, wrong_nr;
};
void report_sum(const struct rows *rows, struct report_sums *sums);

/* 0 or -errno. */
int report_text(FILE *out, const struct report *report);
int report_csv(FILE *out, const struct report *report);
int report_json(FILE *out, const struct report *report);

#endif
