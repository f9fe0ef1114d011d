/* SPDX-License-Identifier: MIT */
/* cmd.c - how does a subcommand refuse a command line? */
#include "vmm/lab/cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint64_t cmd_start_ns;

int cmd_usage(const char *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "ivlab %s: ", cmd);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\ntry: ivlab %s --help\n", cmd);
	return CMD_USAGE;
}

int cmd_bad_option(const char *cmd, int result, char **argv)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		return cmd_usage(cmd, "option %s needs a value", word);
	/* Inside a cluster of short options optind has not moved yet. */
	if (strncmp(word, "--", 2) != 0)
		return cmd_usage(cmd, "unknown option -%c", optopt);
	/* Known, so it was the value that getopt_long() did not want. */
	if (optopt)
		return cmd_usage(cmd, "option %s takes no value", word);
	return cmd_usage(cmd, "unknown option %s", word);
}
