/* SPDX-License-Identifier: MIT */
/*
 * abi.h - the classic guest ABIs, `ivlab boot ABI`: what each must offer, and
 * how all read their command lines (docs/classic-guests.md).
 *
 * Each ABI is one file below vmm/abi/, listed by hand in abis.c.
 */
#ifndef VMM_ABI_ABI_H
#define VMM_ABI_ABI_H

#include <getopt.h>
#include <stdint.h>

#include "vmm/abi/session.h"

/* The ancestors know one status for all that goes wrong. */
#define ABI_OK	   0
#define ABI_FAILED 1

struct abi;

struct abi_call {
	const struct abi *abi;
	int argc;
	char **argv; /* argv[0] is the ABI's name */
	/*
	 * The file of a classic guest that came with ivlab, by its name. *path
	 * is the caller's, also on failure (the place looked at last, or
	 * NULL).
	 */
	int (*guest_path)(const char *name, char **path);
	/* Those of names that begin with prefix, "a, b, c"; and the one that
	 * name may have meant, with or without the prefix, or "". Cut. */
	void (*guest_names)(const char *prefix, char *text, size_t text_len);
	void (*guest_near)(const char *prefix, const char *name, char *text,
			   size_t text_len);
};

struct abi {
	const char *name;
	const char *const *programs; /* ancestors' program names; ends NULL */
	const char *summary;	     /* one line */
	const char *synopsis;	     /* "[options] IMAGE..." */
	const char *help;	     /* its own options, a line each */
	const char *guest_prefix;    /* of its guests that came with ivlab */
	/* The exit status. */
	int (*run)(const struct abi_call *call);
};

extern const struct abi *const abis[]; /* ends with NULL */
/* By its name or an ancestor's program's; NULL: none. */
const struct abi *abi_find(const char *name);

/*
 * What every ABI understands beside its own options. A getopt_long() table
 * ends with ABI_COMMON_OPTIONS; codes below 0x100 are the ABI's. The option
 * string begins with ':', or with "-:" where words in between count.
 */
enum abi_option {
	ABI_OPTION_STATS = 0x100,
	ABI_OPTION_JSON,
	ABI_OPTION_DUMP_STATE,
	ABI_OPTION_TRACE,
	ABI_OPTION_TAG,
	ABI_OPTION_TIMEOUT,
	ABI_OPTION_HELP,
};
#define ABI_COMMON_OPTIONS                                                  \
	{ "stats", optional_argument, NULL, ABI_OPTION_STATS },             \
		{ "json", no_argument, NULL, ABI_OPTION_JSON },             \
		{ "dump-state", no_argument, NULL, ABI_OPTION_DUMP_STATE }, \
		{ "trace", required_argument, NULL, ABI_OPTION_TRACE },     \
		{ "tag", no_argument, NULL, ABI_OPTION_TAG },               \
		{ "timeout", required_argument, NULL, ABI_OPTION_TIMEOUT }, \
		{ "help", no_argument, NULL, ABI_OPTION_HELP },             \
	{                                                                   \
		NULL, 0, NULL, 0                                            \
	}

/*
 * Whatever getopt_long() (opterr 0) returned that is not the ABI's own: a
 * common option, ':' or '?'; options: the table it had. -1: taken, go on; else
 * the exit status: help was asked for, or something is wrong, which was said.
 */
struct option;
int abi_option(const struct abi_call *call, struct session_opts *opts, int c,
	       const struct option *options);

/* "ivlab boot NAME: <text>" and how to get help, on stderr. ABI_FAILED. */
__attribute__((format(printf, 2, 3))) int abi_usage(const struct abi_call *call,
						    const char *fmt, ...);

/* A whole number, decimal, 0x... or 0... (octal). -EINVAL; -ERANGE: outside
 * min..max. */
int abi_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/*
 * The file an IMAGE on the command line means: that file; or, if there is none
 * and the word has no slash, the guest of that name that came with ivlab.
 * *path is the caller's. -ENOMEM; -ENOENT, logged: neither is there.
 */
int abi_image_path(const struct abi_call *call, const char *image, char **path);

/*
 * What to call guest nr of several: its image's file name without directory
 * and ending, and ".NR" if there is more than one guest. Cut to len.
 */
void abi_guest_name(char *name, size_t len, const char *path, uint32_t nr,
		    uint32_t guests_nr);

#endif
