/* SPDX-License-Identifier: MIT */
/* options.h - what is wrong with a word that getopt_long() refused? */
#ifndef VMM_CORE_OPTIONS_H
#define VMM_CORE_OPTIONS_H

#include <getopt.h>
#include <stddef.h>

#define OPTIONS_FAULT_LEN 128

/*
 * After getopt_long() returned '?' or ':' (result), with opterr 0 and an
 * option string that begins with ':' or "-:": which word, why, and the option
 * that was probably meant. options: the table it had. Returns text, which has
 * OPTIONS_FAULT_LEN bytes; a longer fault is cut.
 */
const char *options_fault(char *text, int result, char **argv,
			  const struct option *options);

#endif
