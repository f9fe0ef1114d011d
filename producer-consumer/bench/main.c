/* SPDX-License-Identifier: MIT */
/*
 * main.c - bench_peers: our rings beside everybody else's, in one run.
 *
 * `ivlab bench peers` becomes this program.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "producer-consumer/bench/machine.h"
#include "producer-consumer/bench/plan.h"
#include "producer-consumer/bench/report.h"
#include "producer-consumer/bench/rounds.h"
#include "producer-consumer/bench/rows.h"
#include "producer-consumer/bench/vms.h"

#define USAGE	       2
#define ROUNDS_DEFAULT 7u
#define ROUNDS_QUICK   3u
/* After so long no further round begins; a quick run has 45 s in all. */
#define HOST_NS	      180000000000ull
#define HOST_QUICK_NS 30000000000ull
/* And the guests' share behind it. */
#define GUEST_NS       60000000000ull
#define GUEST_QUICK_NS 8000000000ull

struct opts {
	bool quick, json;
	const char *csv, *only, *ivlab;
	uint32_t rounds_nr;
	uint32_t cpus[2], cpus_nr;
};

static int usage(void)
{
	fputs("usage: bench_peers [--quick] [--json] [--csv FILE] [--rounds N] "
	      "[--cpus A,B]\n"
	      "                   [--only TEXT] [--ivlab PATH]\n",
	      stderr);
	return USAGE;
}

static int parse_number(const char *text, char end, uint32_t max,
			uint32_t *number, const char **rest)
{
	char *stop;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &stop, 10);
	if (errno || stop == text || *text == '-' || *stop != end ||
	    value > max)
		return -1;
	*number = (uint32_t)value;
	*rest = stop + (end != '\0');
	return 0;
}

static int parse(struct opts *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "json", no_argument, NULL, 'j' },
		{ "csv", required_argument, NULL, 'c' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "cpus", required_argument, NULL, 'p' },
		{ "only", required_argument, NULL, 'o' },
		{ "ivlab", required_argument, NULL, 'i' },
		{ NULL, 0, NULL, 0 },
	};
	const char *rest;
	int err = 0;
	int c;

	while (!err && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q')
			o->quick = true;
		else if (c == 'j')
			o->json = true;
		else if (c == 'c')
			o->csv = optarg;
		else if (c == 'o')
			o->only = optarg;
		else if (c == 'i')
			o->ivlab = optarg;
		else if (c == 'r')
			err = parse_number(optarg, '\0', ROUNDS_MAX,
					   &o->rounds_nr, &rest) ||
			      !o->rounds_nr;
		else if (c == 'p')
			err = parse_number(optarg, ',', 65535, &o->cpus[0],
					   &rest) ||
			      parse_number(rest, '\0', 65535, &o->cpus[1],
					   &rest) ||
			      o->cpus[0] == o->cpus[1];
		else
			err = -1;
		if (c == 'p')
			o->cpus_nr = 2;
	}
	if (!o->rounds_nr)
		o->rounds_nr = o->quick ? ROUNDS_QUICK : ROUNDS_DEFAULT;
	return err || optind != argc ? -1 : 0;
}

static int put_csv(const char *path, const struct report *report)
{
	FILE *file = fopen(path, "w");
	int err;

	if (!file)
		return -errno;
	err = report_csv(file, report);
	if (fclose(file) && !err)
		err = -EIO;
	return err;
}

static int put(const struct opts *o, const struct report *report)
{
	int err = o->json ? report_json(stdout, report)
			  : report_text(stdout, report);

	if (err)
		fprintf(stderr, "bench_peers: cannot write the result: %s\n",
			strerror(-err));
	if (o->csv) {
		int csv_err = put_csv(o->csv, report);

		if (csv_err)
			fprintf(stderr, "bench_peers: %s: %s\n", o->csv,
				strerror(-csv_err));
		err = err ? err : csv_err;
	}
	return err;
}

static int look(struct machine *machine, const struct opts *o)
{
	int err = machine_look(machine, o->cpus, o->cpus_nr);

	if (err == -ENXIO)
		fprintf(stderr,
			"bench_peers: there is no CPU %u or no CPU %u "
			"for us on this host\n",
			o->cpus[0], o->cpus[1]);
	else if (err == -ENODEV)
		fputs("bench_peers: two CPUs are needed, one for each end, but "
		      "this process may use one only\n",
		      stderr);
	else if (err)
		fprintf(stderr, "bench_peers: %s\n", strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	static struct plan plan;
	static struct rows rows;
	static struct machine machine;
	struct opts o = { 0 };
	struct report report = { &machine, &plan, &rows, 0, NULL };
	struct report_sums sums;
	struct rounds_opts rounds = { .deadline_ns = rounds_now_ns() };

	if (parse(&o, argc, argv))
		return usage();
	if (look(&machine, &o))
		return EXIT_FAILURE;
	plan_make(&plan, o.quick, o.only);
	if (!plan.nr) {
		fprintf(stderr,
			"bench_peers: no workload has \"%s\" in its name; "
			"names are like 64B x1 512KiB, rtt 56B, mpmc 8B 1P1C\n",
			o.only);
		return EXIT_FAILURE;
	}
	rounds = (struct rounds_opts){
		.cpus = { machine.cpus[0], machine.cpus[1] },
		.realtime = machine.realtime,
		.tick_ns = machine.tick_ns,
		.rounds_nr = o.rounds_nr,
		.deadline_ns = rounds.deadline_ns +
			       (o.quick ? HOST_QUICK_NS : HOST_NS),
	};
	rounds_run(&plan, &rounds, &rows, &report.rounds_nr);
	rounds.deadline_ns += o.quick ? GUEST_QUICK_NS : GUEST_NS;
	report.vms_missing = vms_run(&plan, &rounds, o.ivlab, &machine, &rows);
	rows_finish(&rows);
	if (put(&o, &report))
		return EXIT_FAILURE;
	report_sum(&rows, &sums);
	if (sums.wrong_nr)
		fprintf(stderr, "bench_peers: %llu checksums were wrong\n",
			(unsigned long long)sums.wrong_nr);
	return sums.wrong_nr ? EXIT_FAILURE : EXIT_SUCCESS;
}
