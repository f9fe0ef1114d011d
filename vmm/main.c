/* SPDX-License-Identifier: MIT */
/* main.c - which subcommand was asked for? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/abi/abi.h"
#include "vmm/core/clock.h"
#include "vmm/core/near.h"
#include "vmm/lab/cmd.h"

static const struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "run", "start the virtual machines of a lab file, report", cmd_run },
	{ "vm", "one virtual machine; what run starts for each", cmd_vm },
	{ "boot", "flat images of classic KVM projects", cmd_boot },
	{ "server", "serve shared memory to peers of any kind", cmd_server },
	{ "files", "serve a directory by 9P, copy-on-write", cmd_files },
	{ "bench", "measure, beside a baseline", cmd_bench },
	{ "doctor", "can this machine run labs, and if not, why", cmd_doctor },
	{ "tune", "find out how rings do best on this machine", cmd_tune },
};
#define COMMANDS_NR (sizeof(commands) / sizeof(*commands))

static void help(FILE *out)
{
	fputs("usage: ivlab COMMAND [options]\n"
	      "An inter-VM shared-memory lab for Linux KVM.\n\n",
	      out);
	for (size_t i = 0; i < COMMANDS_NR; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name,
			commands[i].summary);
	fputs("\n  ivlab help COMMAND (or COMMAND --help) tells its options;\n"
	      "  ivlab --version the version; man ivlab the rest.\n",
	      out);
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS_NR; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int unknown(const char *name)
{
	const char *names[COMMANDS_NR + 1];
	const char *near;

	for (size_t i = 0; i < COMMANDS_NR; i++)
		names[i] = commands[i].name;
	names[COMMANDS_NR] = "help";
	near = near_name(name, names, COMMANDS_NR + 1);
	fprintf(stderr, "ivlab: no command %s", name);
	if (near)
		fprintf(stderr, "; did you mean: ivlab %s", near);
	/* The commonest slip: forgetting "run". */
	else if (access(name, R_OK) == 0)
		fprintf(stderr, "; did you mean: ivlab run %s", name);
	fputs("\ntry: ivlab --help\n", stderr);
	return CMD_USAGE;
}

static int help_for(int argc, char **argv)
{
	const struct command *command;
	char option[] = "--help";
	char *words[] = { argv[0], option, NULL };

	if (argc < 2) {
		help(stdout);
		return EXIT_SUCCESS;
	}
	command = find(argv[1]);
	if (!command)
		return unknown(argv[1]);
	words[0] = argv[1];
	return command->run(2, words);
}

/* Files opened later must not end up as our stdin, stdout or stderr. */
static int standard_fds_exist(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fd <= STDERR_FILENO && fcntl(fd, F_SETFD, 0))
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	const struct command *command;
	const struct abi *abi;

	cmd_start_ns = clock_now_ns();
	if (standard_fds_exist())
		return EXIT_FAILURE;
	/* A link named as a classic project's program behaves as that. */
	abi = argc > 0 ? abi_find(base_name(argv[0])) : NULL;
	if (abi)
		return cmd_boot_as(abi, argc, argv);
	if (argc < 2) {
		help(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("ivlab " IVLAB_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(argv[1], "help") == 0)
		return help_for(argc - 1, argv + 1);
	command = find(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : unknown(argv[1]);
}
