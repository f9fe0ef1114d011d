/* SPDX-License-Identifier: MIT */
/* cmd_run.c - `ivlab run LAB`: from a lab file to a report. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/core/log.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/labfile.h"
#include "vmm/lab/launcher.h"
#include "vmm/lab/report.h"
#include "vmm/lab/size.h"

#define TIMEOUT_MAX_S 31536000 /* a year */

struct options {
	bool json;
	const char *lab_path;
	struct launcher_opts launch;
};

static void help(void)
{
	puts("usage: ivlab run [options] LAB\n"
	     "Start the virtual machines of the lab file LAB, show what they "
	     "say, report\nwhat they did.\n\n"
	     "  --json             the report as JSON\n"
	     "  --fresh            forget what VMs changed in shared "
	     "directories before\n"
	     "  --quiet            no progress line\n"
	     "  --timeout SECONDS  end the lab when it takes longer\n"
	     "  --socket PATH      serve the shared memory there, so that "
	     "other peers can join\n"
	     "  --help             this text");
}

/* -1: go on; else the exit status. */
static int parse(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "fresh", no_argument, NULL, 'f' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "timeout", required_argument, NULL, 't' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t seconds;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			o->json = true;
			break;
		case 'f':
			o->launch.fresh = true;
			break;
		case 'q':
			o->launch.quiet = true;
			break;
		case 't':
			if (size_parse_number(optarg, 0, TIMEOUT_MAX_S,
					      &seconds))
				return cmd_usage("run",
						 "--timeout %s: not a number "
						 "of seconds; allowed: 0 "
						 "(none) to %d",
						 optarg, TIMEOUT_MAX_S);
			o->launch.timeout_ns = seconds * 1000000000ull;
			break;
		case 's':
			o->launch.socket_path = optarg;
			break;
		case 'h':
			help();
			return 0;
		default:
			return cmd_bad_option("run", c, argv, options);
		}
	}
	if (argc - optind != 1)
		return cmd_usage("run", argc > optind ? "one lab file at a time"
						      : "which lab file?");
	o->lab_path = argv[optind];
	return -1;
}

/* The lab, or NULL after saying why not. */
static struct lab *read_lab(const struct options *o)
{
	struct lab *lab = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *errors = open_memstream(&text, &len);

	if (!errors) {
		log_error("out of memory");
		return NULL;
	}
	if (labfile_read(o->lab_path, &lab, errors))
		lab = NULL;
	(void)fclose(errors);
	if (!lab && text) {
		fputs(text, stderr);
		if (len && text[len - 1] == '\n')
			text[len - 1] = '\0';
		if (o->json)
			report_json_error(stdout, text);
	}
	free(text);
	return lab;
}

static int run(const struct options *o, const struct lab *lab)
{
	struct lab_result *result = malloc(sizeof(*result));
	int status, err;

	if (!result) {
		log_error("out of memory");
		return CMD_FAILED;
	}
	status = launcher_run(lab, &o->launch, result);
	if (o->json)
		err = report_json(stdout, result);
	else
		err = result->vms_nr ? report_text(stdout, result) : 0;
	if (status)
		log_error("%s", result->error);
	if (err) {
		log_error("cannot write the report: %s", strerror(-err));
		status = status ? status : CMD_FAILED;
	}
	free(result);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct options o = { .launch.start_ns = cmd_start_ns };
	struct lab *lab;
	int status = parse(&o, argc, argv);

	if (status >= 0)
		return status;
	lab = read_lab(&o);
	if (!lab)
		return CMD_USAGE;
	status = run(&o, lab);
	labfile_destroy(lab);
	return status;
}
