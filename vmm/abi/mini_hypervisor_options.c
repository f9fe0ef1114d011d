/* SPDX-License-Identifier: MIT */
/* mini_hypervisor_options.c - mini-hypervisor's command line
 * (docs/classic-guests.md). */
#include <string.h>

#include "shm/memory_map.h"
#include "vmm/abi/mini_hypervisor.h"

const char minihv_help[] =
	"  -m, --memory 2|4|8\n"
	"                    RAM of each VM, in MB\n"
	"  -p, --page 4|2    pages of 4 KB or 2 MB\n"
	"  -g, --guest IMAGE...\n"
	"                    a VM for each, up to 32: a file, or the name of a "
	"guest that\n"
	"                    came with ivlab\n"
	"  -f, --file FILE...\n"
	"                    files that all VMs can read, up to 16\n"
	"  --private-dir DIR where the directories with the VMs' own files "
	"are: in DIR,\n"
	"                    IMAGE_vmN_files (default: ../Guest if there is "
	"one, else .)\n"
	"  --fresh           take away those directories first\n"
	"  --serial-in raw|number\n"
	"                    what IN from the console gives: bytes, or numbers "
	"written\n"
	"                    in decimal (default: raw)\n";

enum {
	OPTION_PRIVATE = 1000,
	OPTION_FRESH,
	OPTION_SERIAL,
};
/* What getopt_long() returns for a word that is no option. */
#define WORD 1

static const struct option words[] = {
	{ "memory", required_argument, NULL, 'm' },
	{ "page", required_argument, NULL, 'p' },
	{ "guest", required_argument, NULL, 'g' },
	{ "file", required_argument, NULL, 'f' },
	{ "private-dir", required_argument, NULL, OPTION_PRIVATE },
	{ "fresh", no_argument, NULL, OPTION_FRESH },
	{ "serial-in", required_argument, NULL, OPTION_SERIAL },
	ABI_COMMON_OPTIONS
};

/* All below: -1, or the exit status. */

static int memory(const struct abi_call *call, struct minihv_opts *opts)
{
	if (!abi_number(optarg, 2, 8, &opts->memory_mb) &&
	    (opts->memory_mb == 2 || opts->memory_mb == 4 ||
	     opts->memory_mb == 8))
		return -1;
	return abi_usage(call, "-m %s; allowed: 2, 4 or 8 MB", optarg);
}

static int page(const struct abi_call *call, struct minihv_opts *opts)
{
	uint64_t page;

	if (!abi_number(optarg, 2, 4, &page) && page != 3) {
		opts->page_len = page == 4 ? MAP_PAGE_LEN : MAP_LARGE_LEN;
		return -1;
	}
	return abi_usage(call, "-p %s; allowed: 4 (KB) or 2 (MB)", optarg);
}

static int serial(const struct abi_call *call, struct minihv_opts *opts)
{
	opts->numbers = !strcmp(optarg, "number");
	if (opts->numbers || !strcmp(optarg, "raw"))
		return -1;
	return abi_usage(call, "--serial-in %s; allowed: raw, number", optarg);
}

/* A word behind -g or -f, their own value included. */
static int word(const struct abi_call *call, struct minihv_opts *opts, int list,
		const char *text)
{
	switch (list) {
	case 'g':
		if (opts->images_nr == MINIHV_VMS_MAX)
			return abi_usage(call, "too many images; %d fit",
					 MINIHV_VMS_MAX);
		opts->images[opts->images_nr++] = text;
		return -1;
	case 'f':
		if (opts->files_nr == FILE_SHARED_MAX)
			return abi_usage(call, "too many files; %u fit",
					 FILE_SHARED_MAX);
		opts->files[opts->files_nr++] = text;
		return -1;
	default:
		return abi_usage(call,
				 "unexpected word %s; images stand behind -g, "
				 "files behind -f",
				 text);
	}
}

static int option(const struct abi_call *call, struct minihv_opts *opts, int c)
{
	switch (c) {
	case 'm':
		return memory(call, opts);
	case 'p':
		return page(call, opts);
	case 'g':
	case 'f':
		/* An option that follows is not its value. */
		if (optarg[0] == '-')
			return abi_usage(call, "-%c needs a file; not %s", c,
					 optarg);
		return word(call, opts, c, optarg);
	case OPTION_PRIVATE:
		opts->private_dir = optarg;
		return -1;
	case OPTION_FRESH:
		opts->fresh = true;
		return -1;
	case OPTION_SERIAL:
		return serial(call, opts);
	default:
		return abi_option(call, &opts->session, c, words);
	}
}

static int check(const struct abi_call *call, const struct minihv_opts *opts)
{
	if (!opts->memory_mb)
		return abi_usage(call, "-m is missing: 2, 4 or 8 MB of RAM");
	if (!opts->page_len)
		return abi_usage(call, "-p is missing: pages of 4 (KB) or 2 "
				       "(MB)");
	if (!opts->images_nr)
		return abi_usage(call, "-g is missing: the guests' images");
	return -1;
}

int minihv_options(const struct abi_call *call, struct minihv_opts *opts)
{
	int c, status = -1, list = 0;

	while (status < 0 &&
	       (c = getopt_long(call->argc, call->argv, "-:m:p:g:f:", words,
				NULL)) != -1) {
		if (c == WORD) {
			status = word(call, opts, list, optarg);
			continue;
		}
		list = c;
		status = option(call, opts, c);
	}
	/* Behind "--". */
	for (int i = optind; i < call->argc && status < 0; i++)
		status = word(call, opts, list, call->argv[i]);
	return status < 0 ? check(call, opts) : status;
}
