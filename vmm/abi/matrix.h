/* SPDX-License-Identifier: MIT */
/*
 * matrix.h - what the ABI matrix was asked for: matrix_options.c reads the
 * words, matrix.c does what they say.
 */
#ifndef VMM_ABI_MATRIX_H
#define VMM_ABI_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/abi/abi.h"

#define MATRIX_VMS_NR	2u
#define MATRIX_RAM_LEN	512000000u
#define MATRIX_LOAD_GPA 0x10000u /* where CS:0 is */

enum matrix_schedule {
	MATRIX_IO,    /* a turn ends with an I/O exit */
	MATRIX_TIMER, /* or with the quantum */
	MATRIX_FRAC,  /* the same, and one has more turns */
};

struct matrix_words {
	struct session_opts common;
	enum matrix_schedule schedule;
	uint64_t quantum_ns, pause_ns;
	uint64_t load_gpa;
	uint32_t frac[MATRIX_VMS_NR];
	bool spread;
	uint64_t slices_nr; /* 0: no end */
	const char *images[MATRIX_VMS_NR];
	bool has_quantum, has_frac, has_order; /* were given */
};

/* Read the command line. -1: words is filled in, go on; else the exit status.
 */
int matrix_options(const struct abi_call *call, struct matrix_words *words);

#endif
