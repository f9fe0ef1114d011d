/* SPDX-License-Identifier: MIT */
/* bench.h - the benchmarks behind `ivlab bench NAME`. */
#ifndef VMM_LAB_BENCH_H
#define VMM_LAB_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/region.h"

#define BENCH_PAIRS_MAX	 99
#define BENCH_ROUNDS_MAX 31

struct bench_opts {
	bool json;
	uint32_t cpus[2];
	uint32_t cpus_nr; /* 0: the first two we may use */
	/* ring */
	uint32_t pairs_nr; /* 1..BENCH_PAIRS_MAX */
	uint64_t messages; /* per run; 0: find out what takes about a second */
	/* peers */
	bool quick;
	uint32_t rounds_nr; /* 0: its default; also of the others */
	const char *csv;    /* write the figures there, too; or NULL */
	const char *only;   /* workloads with that in their name; or NULL */
	const char *build;  /* of the program; NULL: the usual one */
	/* files */
	const char *dir;   /* what is served is made in it; NULL: $TMPDIR */
	uint32_t files_nr; /* 0: its default */
};

/* Two guests on a ring beside two host threads on one. The exit status. */
int bench_ring(const struct bench_opts *opts);

/* Our rings beside everybody else's: becomes that program. */
int bench_peers(const struct bench_opts *opts);

/* Our 9P server beside diod, behind Linux's client. The exit status. */
int bench_files(const struct bench_opts *opts);

/* From no VM to a guest's first exit, and one port access, by processor mode.
 * The exit status. */
int bench_boot(const struct bench_opts *opts);
int bench_exit(const struct bench_opts *opts);

/*
 * Two CPUs: those wished for (wished_nr 2), or the first two we may use
 * (wished_nr 0). -ENODEV: error says why not.
 */
int bench_cpus(uint32_t cpus[2], const uint32_t *wished, uint32_t wished_nr,
	       char *error, size_t error_len);

/* --- bench_host.c: the baseline program, host_pair. */
struct bench_host {
	uint64_t messages, ns, mismatches;
};
/*
 * Run it once, at most until the deadline. On failure error says why: -ENOENT,
 * -ETIMEDOUT, -EPROTO (it failed, or talked nonsense), ...
 */
struct bench_host_opts {
	uint64_t messages;
	uint64_t wakes; /* 0: stream messages; else count wake-ups instead */
	uint32_t cpus[2];
	struct region_tuning tuning; /* 0 in a field: the ring's default */
	uint64_t deadline_ns;	     /* CLOCK_MONOTONIC */
};
int bench_host_run(struct bench_host *host, const struct bench_host_opts *opts,
		   char *error, size_t error_len);

/* --- bench_figures.c: what many runs mean. */
struct bench_figure {
	double median, min, max;
};
/* Of nr >= 1 values, which get sorted. */
struct bench_figure bench_figure_of(double *values, size_t nr);
/* How far apart the values lie, as a part of the median. */
double bench_figure_spread(const struct bench_figure *figure);

#endif
