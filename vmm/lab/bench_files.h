/* SPDX-License-Identifier: MIT */
/* bench_files.h - two 9P servers on one directory, each behind a mount of
 * Linux's client, to be measured beside each other (bench files). */
#ifndef VMM_LAB_BENCH_FILES_H
#define VMM_LAB_BENCH_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	FILES_OURS,
	FILES_DIOD,
	FILES_SIDES
};

#define FILES_SCRATCH_LEN 192
#define FILES_PATH_LEN	  256

struct files_side {
	const char *name;
	pid_t server; /* 0: none */
	char mount[FILES_PATH_LEN];
	uint32_t msize; /* as its mount says */
};

struct files_bed {
	char scratch[FILES_SCRATCH_LEN]; /* "": none; holds all that is made */
	char dir[FILES_PATH_LEN];	 /* what both serve */
	struct files_side sides[FILES_SIDES];
	const char *diod; /* the program */
	char error[FILES_PATH_LEN + 160];
};

/*
 * Start both servers and mount them, in a mount namespace of our own. below:
 * the directory that all is made in; what is served is on its file system.
 * -EPERM, -ENOENT, ...: bed->error says what is missing.
 */
int files_bed_start(struct files_bed *bed, const char *below);
/* Also of one that did not start whole. */
void files_bed_end(struct files_bed *bed);

/* Say what failed, with errno's text; returns -errno. */
int files_bed_fail(struct files_bed *bed, const char *what);

#endif
