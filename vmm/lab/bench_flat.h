/* SPDX-License-Identifier: MIT */
/* bench_flat.h - the smallest machines, one per processor mode, to measure
 * what KVM itself costs (bench boot, bench exit). */
#ifndef VMM_LAB_BENCH_FLAT_H
#define VMM_LAB_BENCH_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "vmm/abi/flat.h"
#include "vmm/lab/bench.h"

#define BENCH_FLAT_MODES_NR   4
#define BENCH_FLAT_ROUNDS_MAX 999

struct bench_flat {
	const char *mode;
	int (*first_state)(struct flat *flat, struct first_state *state);
	/* What one round gives; at least one is nr. ns. */
	double first[BENCH_FLAT_ROUNDS_MAX];
	double second[BENCH_FLAT_ROUNDS_MAX];
	uint32_t nr;
	bool missing; /* this KVM has no such mode */
};

/* One round of one mode: fills first[nr] and second[nr]. 0 or -errno. */
typedef int bench_flat_fn(struct bench_flat *mode);

/* What the report calls the two figures, and divides them by. */
struct bench_flat_report {
	const char *name; /* "boot" */
	const char *first, *second;
	const char *unit; /* after the names, in JSON */
	double per;
	const char *note;
};

/* A machine of this mode with code at 0, which begins there. */
int bench_flat_create(struct flat **out, const struct bench_flat *mode,
		      const uint8_t *code, size_t len,
		      const struct flat_port *ports);
/* Rounds over all modes, interleaved, one more before them to warm up; then
 * the report. The exit status. */
int bench_flat_run(const struct bench_opts *opts, bench_flat_fn *round,
		   const struct bench_flat_report *report);

#endif
