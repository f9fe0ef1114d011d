/* SPDX-License-Identifier: MIT */
/*
 * bench_ring.c - is the ring between two guests as fast as between two
 * threads?
 *
 * Pairs of runs, one of each kind, right behind each other on the same two
 * CPUs: what else the host does changes slowly, so it hits both, and the
 * ratio within a pair stays honest. Every second pair begins with the host,
 * so that neither kind always runs on the warmer machine.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/clock.h"
#include "vmm/core/log.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/labfile.h"
#include "vmm/lab/launcher.h"
#include "vmm/lab/report.h"
#include "vmm/lab/tuning.h"

#define LIMIT_NS     (28 * CLOCK_NS_PER_S) /* promised: within 30 s, all told */
#define PAIR_NS	     (2 * CLOCK_NS_PER_S)
#define CALIBRATE_NR 1000000ull
#define MESSAGES_MIN 100000ull
#define MESSAGES_MAX 1000000000ull

struct pair {
	double guest_ns, host_ns; /* per message */
	double ratio;		  /* host_ns / guest_ns */
	double exits, doorbells;  /* per million messages */
};

struct bench_run {
	uint32_t cpus[2];
	uint64_t messages;
	uint64_t deadline_ns;
	struct lab_result *result; /* of the last lab */
	struct pair pairs[BENCH_PAIRS_MAX];
	uint32_t pairs_nr;
	char error[RESULT_TEXT_LEN];
	int status;   /* to end with, once error is set */
	bool time_up; /* that is the error */
};

__attribute__((format(printf, 2, 3))) static int fail(struct bench_run *b,
						      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(b->error, sizeof(b->error), fmt, args);
	va_end(args);
	b->status = CMD_FAILED;
	return -1;
}

static int choose_cpus(struct bench_run *b, const struct bench_opts *opts)
{
	char error[RESULT_TEXT_LEN - 32];

	return bench_cpus(b->cpus, opts->cpus, opts->cpus_nr, error,
			  sizeof(error))
		       ? fail(b, "%s", error)
		       : 0;
}

/* --- one run of each kind ------------------------------------------------ */

static int make_lab(struct bench_run *b, uint64_t messages, struct lab **lab)
{
	char text[512];
	char errors[RESULT_TEXT_LEN] = "";
	FILE *file, *errors_file;
	int err = -ENOMEM;

	snprintf(text, sizeof(text),
		 "[lab]\nregion = 64M\n"
		 "[vm producer]\nimage = producer\npin = %u\n"
		 "args = messages=%llu\n"
		 "[vm consumer]\nimage = consumer\npin = %u\n"
		 "args = messages=%llu\n",
		 b->cpus[0], (unsigned long long)messages, b->cpus[1],
		 (unsigned long long)messages);
	file = fmemopen(text, strlen(text), "r");
	errors_file = fmemopen(errors, sizeof(errors), "w");
	if (file && errors_file)
		err = labfile_read_stream(file, "built-in lab", NULL, lab,
					  errors_file);
	if (file)
		(void)fclose(file);
	if (errors_file)
		(void)fclose(errors_file);
	errors[strcspn(errors, "\n")] = '\0';
	return err ? fail(b, "%s", errors[0] ? errors : strerror(-err)) : 0;
}

static int run_guests(struct bench_run *b, uint64_t messages, struct pair *pair)
{
	struct launcher_opts opts = { .quiet = true, .mute = true };
	struct lab_result *r = b->result;
	uint64_t exits = 0;
	uint64_t doorbells = 0;
	struct lab *lab = NULL;
	int status;

	if (make_lab(b, messages, &lab))
		return -1;
	opts.start_ns = clock_now_ns();
	if (opts.start_ns >= b->deadline_ns) {
		labfile_destroy(lab);
		b->time_up = true;
		return fail(b, "no time left");
	}
	opts.timeout_ns = b->deadline_ns - opts.start_ns;
	status = launcher_run(lab, &opts, r);
	labfile_destroy(lab);
	if (status) {
		b->time_up = r->timed_out;
		fail(b, "guests: %s", r->error);
		b->status = status;
		return -1;
	}
	if (!r->messages || r->messages == RESULT_UNKNOWN || !r->ns ||
	    r->ns == RESULT_UNKNOWN)
		return fail(b, "guests: they reported no messages");
	for (uint32_t i = 0; i < r->vms_nr; i++) {
		if (r->vms[i].exits > exits)
			exits = r->vms[i].exits;
		doorbells += r->vms[i].doorbells;
	}
	pair->guest_ns = (double)r->ns / (double)r->messages;
	pair->exits = (double)exits * 1e6 / (double)r->messages;
	pair->doorbells = (double)doorbells * 1e6 / (double)r->messages;
	return 0;
}

static int run_host(struct bench_run *b, uint64_t messages, struct pair *pair)
{
	struct bench_host_opts opts = { .messages = messages,
					.cpus = { b->cpus[0], b->cpus[1] },
					.deadline_ns = b->deadline_ns };
	struct bench_host host = { 0 };
	char error[RESULT_TEXT_LEN - 32];
	int err;

	tuning_load(&opts.tuning); /* as the guests' region has it */
	err = bench_host_run(&host, &opts, error, sizeof(error));
	b->time_up = err == -ETIMEDOUT;
	if (err)
		return fail(b, "host threads: %s", error);
	if (host.mismatches)
		return fail(b, "host threads: %llu messages did not match",
			    (unsigned long long)host.mismatches);
	pair->host_ns = (double)host.ns / (double)host.messages;
	return 0;
}

static int run_pair(struct bench_run *b, uint64_t messages, bool host_first,
		    struct pair *pair)
{
	if (host_first && run_host(b, messages, pair))
		return -1;
	if (run_guests(b, messages, pair))
		return -1;
	if (!host_first && run_host(b, messages, pair))
		return -1;
	pair->ratio = pair->host_ns / pair->guest_ns;
	return 0;
}

static int calibrate(struct bench_run *b)
{
	struct pair pair = { 0 };

	/* Short, and not counted: it also warms everything up. */
	if (run_pair(b, CALIBRATE_NR, false, &pair))
		return -1;
	b->messages =
		(uint64_t)((double)PAIR_NS / (pair.guest_ns + pair.host_ns));
	if (b->messages < MESSAGES_MIN)
		b->messages = MESSAGES_MIN;
	if (b->messages > MESSAGES_MAX)
		b->messages = MESSAGES_MAX;
	return 0;
}

static int run_all(struct bench_run *b, const struct bench_opts *opts)
{
	uint64_t longest_ns = 0;

	b->messages = opts->messages;
	if (!b->messages && calibrate(b))
		return -1;
	for (uint32_t i = 0; i < opts->pairs_nr; i++) {
		uint64_t start_ns = clock_now_ns();
		int err = 0;

		b->time_up = i && start_ns + longest_ns > b->deadline_ns;
		if (!b->time_up)
			err = run_pair(b, b->messages, i % 2, &b->pairs[i]);
		if (b->time_up && !i)
			return fail(b,
				    "time was up before one pair of runs was "
				    "done: try fewer than --messages %llu, or "
				    "when the machine is less busy",
				    (unsigned long long)b->messages);
		if (b->time_up) {
			log_warn("time is up after %u of %u pairs", i,
				 opts->pairs_nr);
			break;
		}
		if (err)
			return -1;
		b->pairs_nr++;
		start_ns = clock_now_ns() - start_ns;
		if (start_ns > longest_ns)
			longest_ns = start_ns;
	}
	return 0;
}

/* --- what came out ------------------------------------------------------- */

struct summary {
	struct bench_figure guest, host, ratio, exits, doorbells;
};

/* What a quiet machine stays far below; a choice. */
#define SPREAD_MAX 0.2

static bool is_disturbed(const struct summary *s)
{
	return bench_figure_spread(&s->ratio) > SPREAD_MAX;
}

static void summarize(const struct bench_run *b, struct summary *s)
{
	double guest[BENCH_PAIRS_MAX], host[BENCH_PAIRS_MAX];
	double ratio[BENCH_PAIRS_MAX], exits[BENCH_PAIRS_MAX];
	double doorbells[BENCH_PAIRS_MAX];

	for (uint32_t i = 0; i < b->pairs_nr; i++) {
		guest[i] = b->pairs[i].guest_ns;
		host[i] = b->pairs[i].host_ns;
		ratio[i] = b->pairs[i].ratio;
		exits[i] = b->pairs[i].exits;
		doorbells[i] = b->pairs[i].doorbells;
	}
	s->guest = bench_figure_of(guest, b->pairs_nr);
	s->host = bench_figure_of(host, b->pairs_nr);
	s->ratio = bench_figure_of(ratio, b->pairs_nr);
	s->exits = bench_figure_of(exits, b->pairs_nr);
	s->doorbells = bench_figure_of(doorbells, b->pairs_nr);
}

static int put_text(const struct bench_run *b, const struct summary *s)
{
	printf("%-16s %10s %10s %8s %8s\n", "", "ns/message", "million/s",
	       "min ns", "max ns");
	printf("%-16s %10.2f %10.2f %8.2f %8.2f\n", "guest to guest",
	       s->guest.median, 1e3 / s->guest.median, s->guest.min,
	       s->guest.max);
	printf("%-16s %10.2f %10.2f %8.2f %8.2f\n", "host threads",
	       s->host.median, 1e3 / s->host.median, s->host.min, s->host.max);
	printf("ratio %.3f (%.3f to %.3f), above 1 the guests are faster\n",
	       s->ratio.median, s->ratio.min, s->ratio.max);
	printf("%.2f exits of a VM and %.2f doorbells per million messages\n",
	       s->exits.median, s->doorbells.median);
	printf("medians of %u pairs of %llu messages each, CPUs %u and %u, "
	       "%s, " REPORT_MEMORY_TYPE ", %llu byte pages\n",
	       b->pairs_nr, (unsigned long long)b->messages, b->cpus[0],
	       b->cpus[1], b->result->kvm,
	       (unsigned long long)b->result->page_len);
	return fflush(stdout) ? -EIO : 0;
}

static json_t *pairs_json(const struct bench_run *b)
{
	json_t *pairs = json_array();

	for (uint32_t i = 0; i < b->pairs_nr; i++) {
		const struct pair *p = &b->pairs[i];

		if (json_array_append_new(
			    pairs,
			    json_pack("{s:f, s:f, s:f, s:f, s:f}", "guest_ns",
				      p->guest_ns, "host_ns", p->host_ns,
				      "ratio", p->ratio, "exits_per_million",
				      p->exits, "doorbells_per_million",
				      p->doorbells))) {
			json_decref(pairs);
			return NULL;
		}
	}
	return pairs;
}

static int put_json(const struct bench_run *b, const struct summary *s)
{
	return report_json_write(
		stdout,
		json_pack(
			"{s:b, s:b, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f, "
			"s:f}, "
			"s:{s:f, s:f, s:f}, s:o, s:s, s:[i, i], s:o, s:s, "
			"s:o}",
			"ok", 1, "disturbed", is_disturbed(s), "ratio",
			s->ratio.median, "ratio_min", s->ratio.min, "ratio_max",
			s->ratio.max, "guest_to_guest", "ns_per_message",
			s->guest.median, "min", s->guest.min, "max",
			s->guest.max, "exits_per_million", s->exits.median,
			"doorbells_per_million", s->doorbells.median,
			"host_threads", "ns_per_message", s->host.median, "min",
			s->host.min, "max", s->host.max, "messages",
			report_json_number(b->messages), "kvm", b->result->kvm,
			"cpus", (int)b->cpus[0], (int)b->cpus[1], "page_bytes",
			report_json_number(b->result->page_len), "memory_type",
			REPORT_MEMORY_TYPE, "pairs", pairs_json(b)));
}

int bench_ring(const struct bench_opts *opts)
{
	struct bench_run *b = calloc(1, sizeof(*b));
	struct lab_result *result = calloc(1, sizeof(*result));
	int status = CMD_FAILED;
	struct summary s;
	int err;

	if (!b || !result) {
		log_error("out of memory");
		goto out;
	}
	b->result = result;
	b->deadline_ns = clock_now_ns() + LIMIT_NS;
	if (choose_cpus(b, opts) || run_all(b, opts)) {
		log_error("%s", b->error);
		if (opts->json)
			report_json_error(stdout, b->error);
		status = b->status;
		goto out;
	}
	summarize(b, &s);
	if (is_disturbed(&s))
		log_warn("the ratios of the pairs lie %.0f %% apart: the "
			 "machine was busy with something else, do not trust "
			 "these figures",
			 bench_figure_spread(&s.ratio) * 100);
	err = opts->json ? put_json(b, &s) : put_text(b, &s);
	if (err)
		log_error("cannot write the result: %s", strerror(-err));
	status = err ? CMD_FAILED : 0;
out:
	free(result);
	free(b);
	return status;
}
