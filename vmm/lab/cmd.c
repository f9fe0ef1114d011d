/* SPDX-License-Identifier: MIT */
/* cmd.c - how does a subcommand refuse a command line? */
#include "vmm/lab/cmd.h"

#include <stdarg.h>
#include <stdio.h>

#include "vmm/core/options.h"

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

int cmd_bad_option(const char *cmd, int result, char **argv,
		   const struct option *options)
{
	char text[OPTIONS_FAULT_LEN];

	return cmd_usage(cmd, "%s", options_fault(text, result, argv, options));
}
