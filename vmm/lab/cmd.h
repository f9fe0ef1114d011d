/* SPDX-License-Identifier: MIT */
/*
 * cmd.h - the subcommands of ivlab, and what they have in common.
 *
 * Each gets its own argv (argv[0] is the subcommand's name), prints results
 * on stdout and everything else on stderr, and returns the exit status:
 * 0; CMD_FAILED when running it failed; CMD_USAGE when it was asked for
 * something it cannot understand.
 */
#ifndef VMM_LAB_CMD_H
#define VMM_LAB_CMD_H

#include <stdint.h>

#define CMD_FAILED 1
#define CMD_USAGE  2

int cmd_run(int argc, char **argv);
int cmd_vm(int argc, char **argv);
int cmd_boot(int argc, char **argv);
int cmd_server(int argc, char **argv);
int cmd_files(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_tune(int argc, char **argv);

/* For the binary called by an ABI's name. */
struct abi;
int cmd_boot_as(const struct abi *abi, int argc, char **argv);

/* CLOCK_MONOTONIC in ns, taken first thing in main(). */
extern uint64_t cmd_start_ns;

/*
 * "ivlab CMD: <text>" and how to get help, on stderr. Returns CMD_USAGE, so
 * that a command can end with it.
 */
__attribute__((format(printf, 2, 3))) int cmd_usage(const char *cmd,
						    const char *fmt, ...);
/* After getopt_long() refused a word (options.h), the same way. */
struct option;
int cmd_bad_option(const char *cmd, int result, char **argv,
		   const struct option *options);

#endif
