/* SPDX-License-Identifier: MIT */
/* cmd_bench.c - `ivlab bench NAME`: which measurement, with which options? */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "vmm/core/near.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/bench_flat.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/size.h"

static const struct bench {
	const char *name;
	const char *summary;
	int (*run)(const struct bench_opts *opts);
	/* Letters of parse() it takes, beside those of all. */
	const char *options;
	uint64_t rounds_max; /* of --rounds; 0: it has none */
} benches[] = {
	{ "ring", "messages between two guests, and between two host threads",
	  bench_ring, "pmc", 0 },
	{ "peers", "our rings beside everybody else's, in one run", bench_peers,
	  "qrsobc", BENCH_ROUNDS_MAX },
	{ "files", "our 9P server beside diod, behind Linux's client",
	  bench_files, "rdf", BENCH_ROUNDS_MAX },
	{ "boot", "from no VM to a guest's first exit, by processor mode",
	  bench_boot, "r", BENCH_FLAT_ROUNDS_MAX },
	{ "exit", "one port access, by processor mode", bench_exit, "r",
	  BENCH_FLAT_ROUNDS_MAX },
};
#define BENCHES_NR (sizeof(benches) / sizeof(*benches))

static void help(FILE *out)
{
	fputs("usage: ivlab bench NAME [options]\n"
	      "Measure beside a baseline, in interleaved pairs of runs.\n\n",
	      out);
	for (size_t i = 0; i < BENCHES_NR; i++)
		fprintf(out, "  %-14s %s\n", benches[i].name,
			benches[i].summary);
	fputs("\n  --json         the result as JSON\n"
	      "  --help         this text\n"
	      "ring and peers:\n"
	      "  --cpus A,B     the two host CPUs (default: the first two)\n"
	      "ring:\n"
	      "  --pairs N      pairs of runs (default 5)\n"
	      "  --messages N   messages of each run (default: as many as "
	      "take about a second)\n"
	      "peers:\n"
	      "  --quick        3 rounds, fewer ways; ends within 45 s\n"
	      "  --rounds N     rounds (default 7)\n"
	      "  --only TEXT    only workloads with TEXT in their name\n"
	      "  --csv FILE     the figures as a table, too\n"
	      "  --build NAME   another build of the program: aligned\n"
	      "files:\n"
	      "  --rounds N     pairs of each workload (default 5)\n"
	      "  --files N      that are created and removed (default 10000)\n"
	      "  --dir DIR      serve a new directory in this one (default: "
	      "$TMPDIR)\n"
	      "boot and exit:\n"
	      "  --rounds N     rounds (default 51)\n",
	      out);
}

static int parse_cpus(struct bench_opts *o, const char *text)
{
	if (size_parse_list(text, o->cpus, 2, &o->cpus_nr) || o->cpus_nr != 2 ||
	    o->cpus[0] == o->cpus[1])
		return cmd_usage("bench",
				 "--cpus %s; allowed: two different CPUs, as "
				 "in 0,1",
				 text);
	return 0;
}

static int parse_number(const char *option, const char *text, uint64_t max,
			uint64_t *number)
{
	if (size_parse_number(text, 1, max, number))
		return cmd_usage("bench", "%s %s; allowed: 1 to %llu", option,
				 text, (unsigned long long)max);
	return 0;
}

/* A word that names a build becomes part of a file's name. */
static int parse_build(struct bench_opts *o)
{
	if (strcmp(optarg, "aligned") != 0)
		return cmd_usage("bench", "--build %s; allowed: aligned",
				 optarg);
	o->build = optarg;
	return 0;
}

/* -1: go on; else the exit status. *used: the letters that were there;
 * *rounds: the text of --rounds, if it was there. */
static int parse(struct bench_opts *o, int argc, char **argv, char used[32],
		 const char **rounds)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pairs", required_argument, NULL, 'p' },
		{ "messages", required_argument, NULL, 'm' },
		{ "cpus", required_argument, NULL, 'c' },
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "csv", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "build", required_argument, NULL, 'b' },
		{ "files", required_argument, NULL, 'f' },
		{ "dir", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t pairs = o->pairs_nr, files = 0;
	size_t used_nr = 0;
	int status = 0;
	int c;

	opterr = 0;
	while (!status &&
	       (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (used_nr < 31 && c != ':')
			used[used_nr++] = (char)c;
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'p':
			status = parse_number("--pairs", optarg,
					      BENCH_PAIRS_MAX, &pairs);
			break;
		case 'm':
			status = parse_number("--messages", optarg,
					      1000000000000, &o->messages);
			break;
		case 'c':
			status = parse_cpus(o, optarg);
			break;
		case 'q':
			o->quick = true;
			break;
		case 'r':
			*rounds = optarg;
			break;
		case 's':
			o->csv = optarg;
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'b':
			status = parse_build(o);
			break;
		case 'f':
			status = parse_number("--files", optarg, 99999, &files);
			break;
		case 'd':
			o->dir = optarg;
			break;
		case 'h':
			help(stdout);
			return 0;
		default:
			return cmd_bad_option("bench", c, argv, options);
		}
	}
	o->pairs_nr = (uint32_t)pairs;
	o->files_nr = (uint32_t)files;
	return status ? status : -1;
}

static int unknown(const char *name)
{
	const char *names[BENCHES_NR];
	const char *near;

	for (size_t i = 0; i < BENCHES_NR; i++)
		names[i] = benches[i].name;
	near = near_name(name, names, BENCHES_NR);
	return cmd_usage("bench", "no benchmark %s%s%s", name,
			 near ? "; did you mean: ivlab bench " : "",
			 near ? near : "");
}

/* No option of another benchmark was given. */
static int check_options(const struct bench *bench, const char *used)
{
	for (; *used; used++) {
		if (strchr(bench->options, *used))
			continue;
		for (size_t i = 0; i < BENCHES_NR; i++)
			if (strchr(benches[i].options, *used))
				return cmd_usage("bench",
						 "an option given is for: "
						 "ivlab bench %s",
						 benches[i].name);
	}
	return 0;
}

static int run(const struct bench *bench, struct bench_opts *o,
	       const char *used, const char *rounds)
{
	uint64_t rounds_nr = 0;
	int status = check_options(bench, used);

	/* How many there may be hangs on the benchmark. */
	if (!status && rounds)
		status = parse_number("--rounds", rounds, bench->rounds_max,
				      &rounds_nr);
	o->rounds_nr = (uint32_t)rounds_nr;
	return status ? status : bench->run(o);
}

int cmd_bench(int argc, char **argv)
{
	struct bench_opts o = { .pairs_nr = 5 };
	char used[32] = "";
	const char *rounds = NULL;
	int status = parse(&o, argc, argv, used, &rounds);

	if (status >= 0)
		return status;
	if (optind == argc) {
		help(stdout);
		return 0;
	}
	if (argc - optind > 1)
		return cmd_usage("bench", "one benchmark at a time");
	for (size_t i = 0; i < BENCHES_NR; i++)
		if (strcmp(benches[i].name, argv[optind]) == 0)
			return run(&benches[i], &o, used, rounds);
	return unknown(argv[optind]);
}
