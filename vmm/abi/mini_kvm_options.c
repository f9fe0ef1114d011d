/* SPDX-License-Identifier: MIT */
/* mini_kvm_options.c - mini-kvm's command line (docs/classic-guests.md). */
#include <string.h>

#include "vmm/abi/mini_kvm.h"

#define ADDRESS_MAX UINT32_MAX
#define DEBUG_MAX   3

#define RAM_MIN_MIB	64u
#define RAM_DEFAULT_MIB 256u
#define RAM_MAX_MIB	(BZIMAGE_RAM_MAX_LEN >> 20)
#define CMDLINE_DEFAULT "console=ttyS0"

const char mini_help[] =
	"  IMAGE             a file, or the name of a guest that came with "
	"ivlab; up to 4\n"
	"  -p, --protected   32 bit without paging (default: 16 bit real "
	"mode)\n"
	"  --paging          32 bit with two-level page tables\n"
	"  --long-mode       64 bit\n"
	"  --load OFFSET     where the image goes (default: 0x1000; with -p: "
	"0)\n"
	"  --entry ADDR      where it begins (default: at OFFSET; with "
	"--paging:\n"
	"                    0x80001000)\n"
	"  --page-size 4m|4k of the first page tables (default: 4m)\n"
	"  --paging-backend auto|kvm|memslot\n"
	"                    who does the paging (default: auto: KVM if it "
	"can)\n"
	"  --hc auto|legacy|1k\n"
	"                    the hypercalls' dialect (default: auto: 1k with "
	"paging and\n"
	"                    in long mode)\n"
	"  -v, --verbose     tell more\n"
	"  --debug N         1: as -v; 2: --dump-state and --dump-regs, too; "
	"3: --stats,\n"
	"                    too\n"
	"  --dump-regs       registers of each vCPU when it has ended\n"
	"  --dump-mem FILE   write RAM there at the end (several machines: "
	"FILE.0, ...)\n"
	"  --linux BZIMAGE   instead of images, a Linux kernel on a small PC; "
	"its options:\n"
	"  --cmdline TEXT    the kernel's command line "
	"(default: " CMDLINE_DEFAULT ")\n"
	"  --initrd FILE     its initial RAM disk\n"
	"  --linux-entry code32|boot64\n"
	"                    where it begins: 32 or 64 bit (default: code32)\n"
	"  --linux-rsi base|hdr\n"
	"                    what RSI points to: boot_params, or the header in "
	"it\n"
	"                    (default: base, as kernels want it)\n"
	"  --memory MIB      its RAM, 64 to 1024 (default: 256)\n";

enum {
	OPTION_PAGING = 1,
	OPTION_LONG,
	OPTION_LOAD,
	OPTION_ENTRY,
	OPTION_PAGE_SIZE,
	OPTION_BACKEND,
	OPTION_CALLS,
	OPTION_DEBUG,
	OPTION_DUMP_REGS,
	OPTION_DUMP_MEM,
	OPTION_LINUX,
	OPTION_CMDLINE,
	OPTION_INITRD,
	OPTION_LINUX_ENTRY,
	OPTION_LINUX_RSI,
	OPTION_MEMORY,
};

static const struct option words[] = {
	{ "protected", no_argument, NULL, 'p' },
	{ "paging", no_argument, NULL, OPTION_PAGING },
	{ "long-mode", no_argument, NULL, OPTION_LONG },
	{ "load", required_argument, NULL, OPTION_LOAD },
	{ "entry", required_argument, NULL, OPTION_ENTRY },
	{ "page-size", required_argument, NULL, OPTION_PAGE_SIZE },
	{ "paging-backend", required_argument, NULL, OPTION_BACKEND },
	{ "hc", required_argument, NULL, OPTION_CALLS },
	{ "verbose", no_argument, NULL, 'v' },
	{ "debug", required_argument, NULL, OPTION_DEBUG },
	{ "dump-regs", no_argument, NULL, OPTION_DUMP_REGS },
	{ "dump-mem", required_argument, NULL, OPTION_DUMP_MEM },
	{ "linux", required_argument, NULL, OPTION_LINUX },
	{ "cmdline", required_argument, NULL, OPTION_CMDLINE },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "linux-entry", required_argument, NULL, OPTION_LINUX_ENTRY },
	{ "linux-rsi", required_argument, NULL, OPTION_LINUX_RSI },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	ABI_COMMON_OPTIONS
};

/* Which of the values it is; -1 and a message: none. */
static int one_of(const struct abi_call *call, const char *option,
		  const char *const *values)
{
	for (int i = 0; values[i]; i++)
		if (strcmp(optarg, values[i]) == 0)
			return i;
	abi_usage(call, "--%s %s; allowed: %s, %s%s%s", option, optarg,
		  values[0], values[1], values[2] ? ", " : "",
		  values[2] ? values[2] : "");
	return -1;
}

static int address(const struct abi_call *call, const char *option,
		   uint64_t *value, bool *has)
{
	*has = true;
	if (!abi_number(optarg, 0, ADDRESS_MAX, value))
		return -1;
	return abi_usage(call, "--%s %s; allowed: 0 to 0x%x", option, optarg,
			 ADDRESS_MAX);
}

static int debug(const struct abi_call *call, struct mini_opts *opts)
{
	uint64_t level;

	if (abi_number(optarg, 0, DEBUG_MAX, &level))
		return abi_usage(call, "--debug %s; allowed: 0 to %d", optarg,
				 DEBUG_MAX);
	opts->verbose |= level >= 1;
	opts->dump_regs |= level >= 2;
	opts->session.dump_state |= level >= 2;
	opts->session.stats |= level >= 3;
	return -1;
}

/* Modes exclude each other; the same one twice is fine. */
static int mode(const struct abi_call *call, struct mini_opts *opts,
		enum mini_mode mode)
{
	if (opts->mode != MINI_REAL && opts->mode != mode)
		return abi_usage(call, "%s and %s: one of them",
				 mini_mode_name(opts->mode),
				 mini_mode_name(mode));
	opts->mode = mode;
	return -1;
}

static int choice(const struct abi_call *call, struct mini_opts *opts, int c)
{
	static const char *const sizes[] = { "4m", "4k", NULL };
	static const char *const dialects[] = { "auto", "legacy", "1k", NULL };
	int which;

	switch (c) {
	case OPTION_PAGE_SIZE:
		which = one_of(call, "page-size", sizes);
		opts->small_pages = which == 1;
		break;
	default:
		which = one_of(call, "hc", dialects);
		opts->calls = (enum mini_calls)which;
		break;
	}
	return which < 0 ? ABI_FAILED : -1;
}

static int linux_entry(const struct abi_call *call, struct mini_opts *opts)
{
	static const char *const entries[] = { "code32", "boot64", NULL };
	int which;

	if (strcmp(optarg, "setup") == 0)
		return abi_usage(
			call, "--linux-entry setup: the kernel's 16-bit code "
			      "asks a BIOS for memory and display, and there "
			      "is none; code32 and boot64 begin behind it");
	which = one_of(call, "linux-entry", entries);
	opts->linux_entry = which == 1 ? BZIMAGE_BOOT64 : BZIMAGE_CODE32;
	return which < 0 ? ABI_FAILED : -1;
}

static int memory(const struct abi_call *call, struct mini_opts *opts)
{
	uint64_t mib;

	if (abi_number(optarg, RAM_MIN_MIB, RAM_MAX_MIB, &mib))
		return abi_usage(call, "--memory %s; allowed: %u to %llu (MiB)",
				 optarg, RAM_MIN_MIB, RAM_MAX_MIB);
	opts->linux_ram_len = mib << 20;
	return -1;
}

/* Of --linux and what goes with it: -1, or the exit status. */
static int linux_option(const struct abi_call *call, struct mini_opts *opts,
			int c)
{
	static const char *const rsis[] = { "base", "hdr", NULL };
	int which;

	switch (c) {
	case OPTION_LINUX:
		opts->linux_kernel = optarg;
		return mode(call, opts, MINI_LINUX);
	case OPTION_CMDLINE:
		opts->linux_cmdline = optarg;
		return -1;
	case OPTION_INITRD:
		opts->linux_initrd = optarg;
		return -1;
	case OPTION_LINUX_ENTRY:
		return linux_entry(call, opts);
	case OPTION_MEMORY:
		return memory(call, opts);
	default:
		which = one_of(call, "linux-rsi", rsis);
		opts->linux_rsi_hdr = which == 1;
		return which < 0 ? ABI_FAILED : -1;
	}
}

/* -1, or the exit status. */
static int option(const struct abi_call *call, struct mini_opts *opts, int c)
{
	switch (c) {
	case 'p':
		return mode(call, opts, MINI_PROTECTED);
	case OPTION_PAGING:
		return mode(call, opts, MINI_PAGING);
	case OPTION_LONG:
		return mode(call, opts, MINI_LONG);
	case OPTION_LOAD:
		return address(call, "load", &opts->load, &opts->has_load);
	case OPTION_ENTRY:
		return address(call, "entry", &opts->entry, &opts->has_entry);
	case OPTION_PAGE_SIZE:
	case OPTION_CALLS:
		return choice(call, opts, c);
	case OPTION_BACKEND:
		return paging_option(call, optarg, &opts->backend);
	case 'v':
		opts->verbose = true;
		return -1;
	case OPTION_DEBUG:
		return debug(call, opts);
	case OPTION_DUMP_REGS:
		opts->dump_regs = true;
		return -1;
	case OPTION_DUMP_MEM:
		opts->dump_mem = optarg;
		return -1;
	case OPTION_LINUX:
	case OPTION_CMDLINE:
	case OPTION_INITRD:
	case OPTION_LINUX_ENTRY:
	case OPTION_LINUX_RSI:
	case OPTION_MEMORY:
		opts->has_linux_option = true;
		return linux_option(call, opts, c);
	default:
		return abi_option(call, &opts->session, c, words);
	}
}

/* What goes with --linux, and what does not. -1, or the exit status. */
static int linux_images(const struct abi_call *call, struct mini_opts *opts)
{
	if (opts->has_load || opts->has_entry)
		return abi_usage(call, "--load and --entry are not for "
				       "--linux: a kernel's header says both");
	if (optind != call->argc)
		return abi_usage(call, "--linux and the image %s: one of them",
				 call->argv[optind]);
	if (!opts->linux_cmdline)
		opts->linux_cmdline = CMDLINE_DEFAULT;
	if (!opts->linux_ram_len)
		opts->linux_ram_len = (uint64_t)RAM_DEFAULT_MIB << 20;
	opts->images = &opts->linux_kernel;
	opts->images_nr = 1;
	return -1;
}

static int images(const struct abi_call *call, struct mini_opts *opts)
{
	if (opts->has_linux_option)
		return abi_usage(call, "--cmdline, --initrd, --linux-entry, "
				       "--linux-rsi and --memory are for "
				       "--linux");
	if (opts->mode == MINI_REAL && (opts->has_load || opts->has_entry))
		return abi_usage(call, "--load and --entry are for --paging, "
				       "--long-mode and -p; in real mode an "
				       "image begins where its slot does");
	if (optind == call->argc)
		return abi_usage(call,
				 "an image is missing; usage: ivlab boot "
				 "%s %s",
				 call->abi->name, call->abi->synopsis);
	opts->images = call->argv + optind;
	opts->images_nr = (uint32_t)(call->argc - optind);
	if (opts->images_nr > MINI_GUESTS_MAX)
		return abi_usage(call, "%u images; at most %d fit",
				 opts->images_nr, MINI_GUESTS_MAX);
	return -1;
}

int mini_options(const struct abi_call *call, struct mini_opts *opts)
{
	int c;

	while ((c = getopt_long(call->argc, call->argv, ":pv", words, NULL)) !=
	       -1) {
		int status = option(call, opts, c);

		if (status >= 0)
			return status;
	}
	return opts->mode == MINI_LINUX ? linux_images(call, opts)
					: images(call, opts);
}
