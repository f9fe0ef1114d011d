/* SPDX-License-Identifier: MIT */
/*
 * simple_kvm_hypervisor.c - the ABI simple-kvm-hypervisor: one entry into a
 * real-mode guest, by default of one byte (docs/classic-guests.md). Its steps
 * are simple_hypervisor.h's.
 */
#include <stdlib.h>

#include "vmm/abi/abi.h"
#include "vmm/abi/abis.h"
#include "vmm/abi/simple_hypervisor.h"

enum {
	OPTION_MEMORY = 1,
	OPTION_LOAD,
};

struct words {
	struct session_opts common;
	uint64_t mb, load_gpa;
	const char *image; /* NULL: the one byte */
};

static const uint8_t halt[] = { 0xf4 };

static int load(const struct abi_call *call, const struct words *words,
		struct simple_hypervisor *simple)
{
	char *path;
	int err;

	if (!words->image)
		return simple_hypervisor_load(simple, halt, sizeof(halt),
					      words->load_gpa);
	err = abi_image_path(call, words->image, &path);
	if (!err)
		err = simple_hypervisor_load_file(simple, path,
						  words->load_gpa);
	free(path);
	return err;
}

static int steps(const struct abi_call *call, const struct words *words,
		 struct session *session)
{
	struct simple_hypervisor *simple = NULL;
	int err;

	err = simple_hypervisor_create(&simple, session);
	if (!err)
		err = simple_hypervisor_memory(simple, (uint32_t)words->mb);
	if (!err)
		err = simple_hypervisor_vcpu(simple);
	if (!err)
		err = load(call, words, simple);
	if (!err)
		err = simple_hypervisor_show(simple);
	if (!err)
		err = session_begin(session);
	if (!err)
		err = simple_hypervisor_run(simple);
	simple_hypervisor_destroy(simple);
	return err;
}

/* -1: go on; else the exit status. */
static int parse(const struct abi_call *call, struct words *words)
{
	static const struct option options[] = {
		{ "memory", required_argument, NULL, OPTION_MEMORY },
		{ "load", required_argument, NULL, OPTION_LOAD },
		ABI_COMMON_OPTIONS,
	};
	int c, status = -1;

	while (status < 0 && (c = getopt_long(call->argc, call->argv, ":",
					      options, NULL)) != -1) {
		switch (c) {
		case OPTION_MEMORY:
			if (abi_number(optarg, 1, SIMPLE_HYPERVISOR_MB_MAX,
				       &words->mb))
				status = abi_usage(call,
						   "--memory %s; allowed: 1 to "
						   "%u MiB",
						   optarg,
						   SIMPLE_HYPERVISOR_MB_MAX);
			break;
		case OPTION_LOAD:
			if (abi_number(optarg, 0, UINT32_MAX, &words->load_gpa))
				status = abi_usage(call,
						   "--load %s; allowed: an "
						   "address up to 0xffffffff",
						   optarg);
			break;
		default:
			status = abi_option(call, &words->common, c, options);
			break;
		}
	}
	if (status < 0 && call->argc - optind > 1)
		return abi_usage(call, "one image at a time");
	words->image = call->argv[optind];
	return status;
}

static int run(const struct abi_call *call)
{
	struct words words = {
		.mb = SIMPLE_HYPERVISOR_MB,
		.load_gpa = SIMPLE_HYPERVISOR_LOAD_GPA,
	};
	struct session *session = NULL;
	int status = parse(call, &words);

	if (status >= 0)
		return status;
	status = ABI_FAILED;
	if (!session_create(&session, call->abi->name, &words.common)) {
		status = steps(call, &words, session) ? ABI_FAILED : ABI_OK;
		status = session_finish(session, status);
	}
	session_destroy(session);
	return status;
}

static const char *const programs[] = { NULL };

const struct abi abi_simple_kvm_hypervisor = {
	.name = "simple-kvm-hypervisor",
	.programs = programs,
	.summary = "One entry into a real-mode guest, step by step",
	.synopsis = "[options] [IMAGE]",
	.help = "  IMAGE             a flat image (default: one HLT "
		"instruction)\n"
		"  --memory MB       RAM, 1 to 3072 MiB (default: 16)\n"
		"  --load ADDRESS    where the image goes (default: 0x1000); "
		"it "
		"begins at\n"
		"                    0x1000 in any case\n",
	.guest_prefix = "simplehv_",
	.run = run,
};
