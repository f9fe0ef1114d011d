/* SPDX-License-Identifier: MIT */
/*
 * labfile_lines.h - an INI file as a series of sections and keys, each with
 * its line number. Used by labfile.c only.
 *
 * Threads: one at a time (the INI library is configured by global variables).
 */
#ifndef VMM_LAB_LABFILE_LINES_H
#define VMM_LAB_LABFILE_LINES_H

#include <stdint.h>
#include <stdio.h>

#define LABFILE_LINE_LEN 4096 /* with newline and NUL; args fit */

/* Called in the order of the file, with what stands on its line. */
struct labfile_lines_events {
	void (*section)(void *arg, uint32_t line, const char *heading);
	void (*key)(void *arg, uint32_t line, const char *key,
		    const char *value);
	void (*wrong)(void *arg, uint32_t line, const char *what);
	void *arg;
};

/* 0 (also when something was wrong), -ENOMEM, -errno of reading. */
int labfile_lines(FILE *file, const struct labfile_lines_events *events);

#endif
