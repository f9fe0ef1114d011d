/* SPDX-License-Identifier: MIT */
/* cmd_boot.c - `ivlab boot ABI`: which classic ABI runs this image? */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "vmm/abi/abi.h"
#include "vmm/core/log.h"
#include "vmm/core/near.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/images.h"

#define ABIS_MAX 8

static void help(FILE *out)
{
	fputs("usage: ivlab boot ABI [options] IMAGE...\n"
	      "Run flat guest images of a classic KVM project. What guests "
	      "print goes to\n"
	      "standard output, the monitor's own words to standard "
	      "error.\n\n",
	      out);
	for (const struct abi *const *abi = abis; *abi; abi++)
		fprintf(out, "  %-21s %s\n", (*abi)->name, (*abi)->summary);
	fputs("\n  --help                this text\n"
	      "  ivlab boot ABI --help tells an ABI's options and guests.\n",
	      out);
}

static int unknown(const char *name)
{
	const char *names[ABIS_MAX];
	const char *near;
	size_t nr = 0;

	for (const struct abi *const *abi = abis; *abi && nr < ABIS_MAX; abi++)
		names[nr++] = (*abi)->name;
	near = near_name(name, names, nr);
	return cmd_usage("boot", "no ABI %s%s%s", name,
			 near ? "; did you mean: ivlab boot " : "",
			 near ? near : "");
}

int cmd_boot_as(const struct abi *abi, int argc, char **argv)
{
	const struct abi_call call = {
		.abi = abi,
		.argc = argc,
		.argv = argv,
		.guest_path = images_classic,
		.guest_names = images_classic_names,
		.guest_near = images_classic_near,
	};

	log_set_prefix(abi->name);
	opterr = 0;
	return abi->run(&call);
}

int cmd_boot(int argc, char **argv)
{
	const struct abi *abi;

	if (argc < 2) {
		help(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return 0;
	}
	if (argv[1][0] == '-')
		return cmd_usage("boot", "unknown option %s", argv[1]);
	abi = abi_find(argv[1]);
	return abi ? cmd_boot_as(abi, argc - 1, argv + 1) : unknown(argv[1]);
}
