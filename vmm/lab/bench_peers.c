/* SPDX-License-Identifier: MIT */
/*
 * bench_peers.c - how do our rings stand beside everybody else's?
 *
 * The measuring is a program of its own, which links other people's queues:
 * this process becomes it. What it needs from here is where ivlab is, to run
 * labs with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/log.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/images.h"
#include "vmm/lab/report.h"

#define ARGS_MAX 16

static int fail(const struct bench_opts *opts, const char *error)
{
	log_error("%s", error);
	if (opts->json)
		report_json_error(stdout, error);
	return CMD_FAILED;
}

/* Does not return when it works. 0 or -errno; *path is where it looked. */
static int become(const struct bench_opts *opts, const char *program,
		  char **path)
{
	char ivlab[4096], rounds[16], cpus[32];
	const char *argv[ARGS_MAX];
	int nr = 0;
	ssize_t len;
	int err;

	err = images_program(program, path);
	if (err)
		return err;
	len = readlink("/proc/self/exe", ivlab, sizeof(ivlab) - 1);
	argv[nr++] = program;
	if (len > 0) {
		ivlab[len] = '\0';
		argv[nr++] = "--ivlab";
		argv[nr++] = ivlab;
	}
	if (opts->json)
		argv[nr++] = "--json";
	if (opts->quick)
		argv[nr++] = "--quick";
	if (opts->csv) {
		argv[nr++] = "--csv";
		argv[nr++] = opts->csv;
	}
	if (opts->only) {
		argv[nr++] = "--only";
		argv[nr++] = opts->only;
	}
	if (opts->rounds_nr) {
		snprintf(rounds, sizeof(rounds), "%u", opts->rounds_nr);
		argv[nr++] = "--rounds";
		argv[nr++] = rounds;
	}
	if (opts->cpus_nr) {
		snprintf(cpus, sizeof(cpus), "%u,%u", opts->cpus[0],
			 opts->cpus[1]);
		argv[nr++] = "--cpus";
		argv[nr++] = cpus;
	}
	argv[nr] = NULL;
	/* execv() changes none of them; its type is older than const. */
	execv(*path, (char *const *)argv);
	return -errno;
}

int bench_peers(const struct bench_opts *opts)
{
	char program[64], error[512];
	char *path = NULL;
	int err, status;

	snprintf(program, sizeof(program), "bench_peers%s%s",
		 opts->build ? "_" : "", opts->build ? opts->build : "");
	err = become(opts, program, &path);
	if (err == -ENOENT)
		snprintf(error, sizeof(error),
			 "no program %s (build it: make%s)",
			 path ? path : program,
			 opts->build ? " bench BUILDS=2" : "");
	else
		snprintf(error, sizeof(error), "%s: %s", path ? path : program,
			 strerror(-err));
	status = fail(opts, error);
	free(path);
	return status;
}
