/* SPDX-License-Identifier: MIT */
/*
 * cmd_tune.c - `ivlab tune`: which distances and which patience do rings want
 * on this machine, and what is gained?
 *
 * Each candidate runs in interleaved pairs with the defaults, and counts by
 * the median of the pairs' ratios: what the machine does meanwhile hits both.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/clock.h"
#include "vmm/core/log.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/report.h"
#include "vmm/lab/result.h"
#include "vmm/lab/tuning.h"

#define PAIRS_NR   5 /* for each candidate */
#define FINAL_NR   9 /* for the winner */
#define RUN_NS	   80000000.0
#define WAKES	   3000
#define WORTH_IT   1.02 /* less gain than this is noise: keep the defaults */
#define RUN_MAX_NS (60 * CLOCK_NS_PER_S)

struct tune {
	bool json, dry_run;
	struct bench_host_opts opts;
	char error[RESULT_TEXT_LEN];
};

static void help(void)
{
	puts("usage: ivlab tune [options]\n"
	     "Find the prefetch distances and the spin time with which rings "
	     "do best here, and\nkeep them for ivlab run and ivlab server. "
	     "Takes about half a minute.\n\n"
	     "  --dry-run  only say what would be kept\n"
	     "  --forget   go back to the built-in defaults\n"
	     "  --json     the result as JSON\n"
	     "  --help     this text");
}

/* Nanoseconds a message with that tuning; 0: it failed. */
static double measure(struct tune *t, const struct region_tuning *tuning)
{
	struct bench_host host = { 0 };

	t->opts.tuning = *tuning;
	t->opts.deadline_ns = clock_now_ns() + RUN_MAX_NS;
	if (bench_host_run(&host, &t->opts, t->error, sizeof(t->error)))
		return 0;
	return (double)host.ns / (double)host.messages;
}

/* How many times faster than the defaults, or 0. */
static double gain(struct tune *t, const struct region_tuning *tuning,
		   uint32_t pairs_nr)
{
	const struct region_tuning defaults = REGION_TUNING_DEFAULT;
	double ratios[FINAL_NR];

	for (uint32_t i = 0; i < pairs_nr; i++) {
		double base = measure(t, &defaults);
		double ns = base > 0 ? measure(t, tuning) : 0;

		if (ns <= 0)
			return 0;
		ratios[i] = base / ns;
	}
	return bench_figure_of(ratios, pairs_nr).median;
}

static void progress(const char *what, uint32_t value, double ratio)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s %u: %.3f of the defaults' speed\n", what,
			value, ratio);
}

/* The best of the distances at *field, one after the other. 0 or -1. */
static int try_all(struct tune *t, const char *what, uint32_t *field,
		   struct region_tuning *tuning)
{
	static const uint32_t lens[] = { 128, 256, 512, 1024, 2048, 4096 };
	const uint32_t before = *field;
	uint32_t best = before;
	double best_ratio = 1;

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		double ratio;

		if (lens[i] == before)
			continue;
		*field = lens[i];
		ratio = gain(t, tuning, PAIRS_NR);
		if (ratio <= 0)
			return -1;
		progress(what, lens[i], ratio);
		if (ratio > best_ratio * WORTH_IT) {
			best_ratio = ratio;
			best = lens[i];
		}
	}
	*field = best;
	return 0;
}

/*
 * As long as a wake-up takes: then a wait costs at most twice what the best
 * choice, known afterwards, would have cost.
 */
static int spin_time(struct tune *t, struct region_tuning *tuning)
{
	const struct region_tuning defaults = REGION_TUNING_DEFAULT;
	double ns;

	t->opts.wakes = WAKES;
	ns = measure(t, &defaults);
	t->opts.wakes = 0;
	if (ns <= 0)
		return -1;
	tuning->spin_ns = (uint64_t)ns;
	if (tuning->spin_ns > REGION_SPIN_MAX_NS)
		tuning->spin_ns = REGION_SPIN_MAX_NS;
	return 0;
}

static int search(struct tune *t, struct region_tuning *tuning, double *ratio)
{
	const struct region_tuning defaults = REGION_TUNING_DEFAULT;
	double ns;

	*tuning = defaults;
	t->opts.messages = 1000000;
	ns = measure(t, &defaults);
	if (ns <= 0)
		return -1;
	t->opts.messages = (uint64_t)(RUN_NS / ns);
	if (try_all(t, "prefetch_read", &tuning->prefetch_read_len, tuning) ||
	    try_all(t, "prefetch_write", &tuning->prefetch_write_len, tuning))
		return -1;
	*ratio = gain(t, tuning, FINAL_NR);
	if (*ratio <= 0)
		return -1;
	if (*ratio < WORTH_IT) {
		*tuning = defaults;
		*ratio = 1;
	}
	return spin_time(t, tuning);
}

static void put(const struct tune *t, const struct region_tuning *tuning,
		double ratio, const char *path)
{
	const struct region_tuning d = REGION_TUNING_DEFAULT;

	if (t->json) {
		printf("{\"prefetch_read\": %u, \"prefetch_write\": %u, "
		       "\"spin_ns\": %llu, \"speed\": %.4f, \"kept\": %s}\n",
		       tuning->prefetch_read_len, tuning->prefetch_write_len,
		       (unsigned long long)tuning->spin_ns, ratio,
		       path ? "true" : "false");
		return;
	}
	puts("                  default    here");
	printf("prefetch_read  %7u B %5u B\n", d.prefetch_read_len,
	       tuning->prefetch_read_len);
	printf("prefetch_write %7u B %5u B\n", d.prefetch_write_len,
	       tuning->prefetch_write_len);
	printf("spin           %6llu us %4llu us\n",
	       (unsigned long long)d.spin_ns / 1000,
	       (unsigned long long)tuning->spin_ns / 1000);
	if (ratio > 1)
		printf("64-byte messages: %.3f times the defaults' speed "
		       "(median "
		       "of %d pairs)\n",
		       ratio, FINAL_NR);
	else
		puts("64-byte messages: no distance beats the defaults by 2 %");
	if (path)
		printf("kept in %s\n", path);
}

static int run(struct tune *t)
{
	struct region_tuning tuning;
	char path[PATH_MAX];
	double ratio;
	int err = 0;

	if (bench_cpus(t->opts.cpus, NULL, 0, t->error, sizeof(t->error)) ||
	    search(t, &tuning, &ratio)) {
		log_error("%s", t->error);
		if (t->json)
			report_json_error(stdout, t->error);
		return CMD_FAILED;
	}
	if (!t->dry_run)
		err = tuning_save(&tuning);
	if (err)
		log_error("cannot keep it: %s", strerror(-err));
	put(t, &tuning, ratio,
	    t->dry_run || err || tuning_path(path) ? NULL : path);
	return err ? CMD_FAILED : 0;
}

int cmd_tune(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "forget", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct tune t = { .json = false };
	int c, err;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			t.dry_run = true;
			break;
		case 'j':
			t.json = true;
			break;
		case 'f':
			err = tuning_forget();
			if (err)
				log_error("cannot remove the file: %s",
					  strerror(-err));
			return err ? CMD_FAILED : 0;
		case 'h':
			help();
			return 0;
		default:
			return cmd_bad_option("tune", c, argv, options);
		}
	}
	if (optind != argc)
		return cmd_usage("tune", "what is %s?", argv[optind]);
	return run(&t);
}
