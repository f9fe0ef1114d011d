/* SPDX-License-Identifier: MIT */
/* cmd_vm.c - `ivlab vm`: the words that describe one VM. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "vmm/core/log.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/cpus.h"
#include "vmm/lab/images.h"
#include "vmm/lab/share_words.h"
#include "vmm/lab/size.h"
#include "vmm/lab/vm_process.h"

#define MEMORY_DEFAULT (16ull << 20)
#define FD_MAX	       1048576u

static void help(void)
{
	puts("usage: ivlab vm --image IMAGE [options]\n"
	     "Run one virtual machine; its console is standard output.\n\n"
	     "  --image IMAGE    an ELF64 file, or the name of a guest that "
	     "came with ivlab\n"
	     "  --name NAME      what messages and the guest call it "
	     "(default: vm)\n"
	     "  --memory SIZE    RAM, 4M to 3G in steps of 2M (default: 16M)\n"
	     "  --cpus N         vCPUs, 1 to 8 (default: 1)\n"
	     "  --pin CPU,...    host CPU of each vCPU, one for each "
	     "(default: anywhere)\n"
	     "  --args WORDS     arguments for the guest\n"
	     "  --socket PATH    join the ivshmem server there (default: no "
	     "shared memory)\n"
	     "  --vectors N      MSI-X vectors of the ivshmem device, 1 to 64 "
	     "(default: 1)\n"
	     "  --plain          ivshmem-plain: no vectors, no doorbells\n"
	     "  --share NAME=DIR share DIR under that name; the options "
	     "below are of the share\n"
	     "                   before them (see also: ivlab files --help)\n"
	     "  --mode MODE      ro (default), rw, or cow: changes stay this "
	     "VM's own\n"
	     "  --private DIR    where --mode cow keeps them\n"
	     "  --fresh          forget those of before\n"
	     "  --quota SIZE     bytes they may take\n"
	     "  --policy POLICY  owners and set-id bits: record (default) or "
	     "squash\n"
	     "  --stats-fd FD    count into the launcher's page behind FD\n"
	     "  --help           this text\n\n"
	     "The exit status is the guest's (0 to 100), 101 after a fault, "
	     "102 when KVM\ncould not run it, 103 when it never started, 104 "
	     "when it was stopped.");
}

enum word {
	WORD_IMAGE = 1,
	WORD_NAME,
	WORD_MEMORY,
	WORD_CPUS,
	WORD_PIN,
	WORD_ARGS,
	WORD_SOCKET,
	WORD_VECTORS,
	WORD_PLAIN,
	WORD_STATS_FD,
	WORD_SHARE,
	WORD_MODE,
	WORD_PRIVATE,
	WORD_FRESH,
	WORD_QUOTA,
	WORD_POLICY,
	WORD_HELP,
};

static int parse_memory(struct vm_opts *vm, const char *text)
{
	if (size_parse(text, &vm->memory_len) ||
	    vm->memory_len < MAP_RAM_MIN_LEN ||
	    vm->memory_len > MAP_RAM_MAX_LEN || vm->memory_len % MAP_LARGE_LEN)
		return cmd_usage("vm",
				 "--memory %s: allowed: 4M to 3G in steps of "
				 "2M",
				 text);
	return 0;
}

static int parse_pins(struct vm_opts *vm, const char *text)
{
	uint32_t list[BARE_CPUS_MAX], nr;
	char reason[256];

	if (size_parse_list(text, list, BARE_CPUS_MAX, &nr))
		return cmd_usage("vm",
				 "--pin %s: allowed: up to %d host CPU "
				 "numbers with commas between",
				 text, BARE_CPUS_MAX);
	if (cpus_check(list, nr, reason, sizeof(reason)))
		return cmd_usage("vm", "--pin %s: %s", text, reason);
	for (uint32_t i = 0; i < BARE_CPUS_MAX; i++)
		vm->pins[i] = i < nr ? (int)list[i] : -1;
	return 0;
}

static int check_pins(const struct vm_opts *vm)
{
	uint32_t nr = 0;

	while (nr < BARE_CPUS_MAX && vm->pins[nr] >= 0)
		nr++;
	return nr && nr != vm->cpus_nr
		       ? cmd_usage("vm",
				   "--pin: %u host CPUs for %u vCPUs; allowed: "
				   "one for each",
				   nr, vm->cpus_nr)
		       : 0;
}

static int parse_number(const char *name, const char *text, uint64_t min,
			uint64_t max, uint32_t *out)
{
	uint64_t number;

	if (size_parse_number(text, min, max, &number))
		return cmd_usage("vm", "--%s %s: allowed: %u to %u", name, text,
				 (unsigned int)min, (unsigned int)max);
	*out = (uint32_t)number;
	return 0;
}

static int parse_share(struct vm_opts *vm, char *text)
{
	char *dir = strchr(text, '=');
	struct vm_share *share = &vm->shares[vm->shares_nr];

	if (!dir || !dir[1] || !share_words_is_name(text, (size_t)(dir - text)))
		return cmd_usage("vm",
				 "--share %s: allowed: NAME=DIR; NAME "
				 "is " SHARE_WORDS_NAMES,
				 text);
	if (vm->shares_nr == MACHINE_SHARES_MAX)
		return cmd_usage("vm", "--share %s: allowed: at most %d", text,
				 MACHINE_SHARES_MAX);
	*dir++ = '\0';
	for (uint32_t i = 0; i < vm->shares_nr; i++)
		if (strcmp(vm->shares[i].name, text) == 0)
			return cmd_usage("vm",
					 "--share %s: there is one of that "
					 "name",
					 text);
	*share = (struct vm_share){ .name = text, .opts = { .lower = dir } };
	vm->shares_nr++;
	return 0;
}

/* What belongs to the share before it. */
static int parse_share_word(struct vm_opts *vm, int c, char **argv)
{
	struct vm_share *share;

	if (!vm->shares_nr)
		return cmd_usage("vm", "%s belongs behind a --share",
				 argv[optind - (c == WORD_FRESH ? 1 : 2)]);
	share = &vm->shares[vm->shares_nr - 1];
	switch (c) {
	case WORD_MODE:
		if (share_words_mode(optarg, &share->opts.mode))
			return cmd_usage(
				"vm", "--mode %s: allowed: " SHARE_WORDS_MODES,
				optarg);
		return 0;
	case WORD_PRIVATE:
		share->opts.upper = optarg;
		return 0;
	case WORD_FRESH:
		share->fresh = true;
		return 0;
	case WORD_QUOTA:
		if (share_words_quota(optarg, &share->opts.quota))
			return cmd_usage("vm",
					 "--quota %s: "
					 "allowed: " SHARE_WORDS_QUOTAS,
					 optarg);
		return 0;
	default:
		if (share_words_policy(optarg, &share->opts.policy))
			return cmd_usage("vm",
					 "--policy %s: "
					 "allowed: " SHARE_WORDS_POLICIES,
					 optarg);
		return 0;
	}
}

static int check_shares(const struct vm_opts *vm)
{
	for (uint32_t i = 0; i < vm->shares_nr; i++) {
		const struct vm_share *share = &vm->shares[i];
		bool is_cow = share->opts.mode == SHARE_COW;

		if (is_cow && !share->opts.upper)
			return cmd_usage("vm",
					 "--share %s: --mode cow needs "
					 "--private DIR",
					 share->name);
		if (!is_cow &&
		    (share->opts.upper || share->opts.quota || share->fresh))
			return cmd_usage("vm",
					 "--share %s: --private, --fresh and "
					 "--quota are for --mode cow",
					 share->name);
	}
	return 0;
}

static const struct option words[] = {
	{ "image", required_argument, NULL, WORD_IMAGE },
	{ "name", required_argument, NULL, WORD_NAME },
	{ "memory", required_argument, NULL, WORD_MEMORY },
	{ "cpus", required_argument, NULL, WORD_CPUS },
	{ "pin", required_argument, NULL, WORD_PIN },
	{ "args", required_argument, NULL, WORD_ARGS },
	{ "socket", required_argument, NULL, WORD_SOCKET },
	{ "vectors", required_argument, NULL, WORD_VECTORS },
	{ "plain", no_argument, NULL, WORD_PLAIN },
	{ "stats-fd", required_argument, NULL, WORD_STATS_FD },
	{ "share", required_argument, NULL, WORD_SHARE },
	{ "mode", required_argument, NULL, WORD_MODE },
	{ "private", required_argument, NULL, WORD_PRIVATE },
	{ "fresh", no_argument, NULL, WORD_FRESH },
	{ "quota", required_argument, NULL, WORD_QUOTA },
	{ "policy", required_argument, NULL, WORD_POLICY },
	{ "help", no_argument, NULL, WORD_HELP },
	{ NULL, 0, NULL, 0 },
};

/* One option; 0 or the exit status of a refusal. */
static int parse_word(struct vm_opts *vm, int c, char **argv)
{
	uint32_t fd = 0;
	int err;

	switch (c) {
	case WORD_IMAGE:
		vm->image = optarg;
		return 0;
	case WORD_NAME:
		vm->name = optarg;
		return 0;
	case WORD_MEMORY:
		return parse_memory(vm, optarg);
	case WORD_CPUS:
		return parse_number("cpus", optarg, 1, BARE_CPUS_MAX,
				    &vm->cpus_nr);
	case WORD_PIN:
		return parse_pins(vm, optarg);
	case WORD_ARGS:
		vm->args = optarg;
		return 0;
	case WORD_SOCKET:
		vm->socket = optarg;
		return 0;
	case WORD_VECTORS:
		return parse_number("vectors", optarg, 1, IVSHMEM_VECTORS_MAX,
				    &vm->vectors_nr);
	case WORD_PLAIN:
		vm->vectors_nr = 0;
		return 0;
	case WORD_SHARE:
		return parse_share(vm, optarg);
	case WORD_MODE:
	case WORD_PRIVATE:
	case WORD_FRESH:
	case WORD_QUOTA:
	case WORD_POLICY:
		return parse_share_word(vm, c, argv);
	case WORD_STATS_FD:
		err = parse_number("stats-fd", optarg, 0, FD_MAX, &fd);
		vm->stats_fd = err ? -1 : (int)fd;
		return err;
	default:
		return cmd_bad_option("vm", c, argv, words);
	}
}

int cmd_vm(int argc, char **argv)
{
	struct vm_opts vm = { .name = "vm",
			      .args = "",
			      .memory_len = MEMORY_DEFAULT,
			      .cpus_nr = 1,
			      .vectors_nr = 1,
			      .stats_fd = -1 };
	char prefix[64];
	char *path;
	int c, err;

	for (int i = 0; i < BARE_CPUS_MAX; i++)
		vm.pins[i] = -1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", words, NULL)) != -1) {
		if (c == WORD_HELP) {
			help();
			return 0;
		}
		err = parse_word(&vm, c, argv);
		if (err)
			return err;
	}
	if (optind < argc)
		return cmd_usage("vm", "unexpected word %s", argv[optind]);
	if (!vm.image)
		return cmd_usage("vm", "--image is missing");
	err = check_pins(&vm);
	if (!err)
		err = check_shares(&vm);
	if (err)
		return err;
	snprintf(prefix, sizeof(prefix), "vm %s", vm.name);
	log_set_prefix(prefix);
	err = images_guest(vm.image, NULL, &path);
	if (err) {
		char reason[512];

		images_guest_why(vm.image, path, err, reason, sizeof(reason));
		log_error("image %s: %s", vm.image, reason);
		free(path);
		return VM_STATUS_MONITOR;
	}
	vm.image = path;
	err = vm_process_run(&vm);
	free(path);
	return err;
}
