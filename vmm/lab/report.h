/* SPDX-License-Identifier: MIT */
/* report.h - the result of a lab run for people, and for programs. */
#ifndef VMM_LAB_REPORT_H
#define VMM_LAB_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "vmm/lab/result.h"

/* A region is a KVM memory slot over a memfd: ordinary cached memory. */
#define REPORT_MEMORY_TYPE "write-back"

/* Aligned tables. Says nothing about result->error. 0 or -errno. */
int report_text(FILE *out, const struct lab_result *result);

/* One JSON object (docs/ivlab.1, JSON). 0, -ENOMEM or -errno. */
int report_json(FILE *out, const struct lab_result *result);
/* The object of a run that never began: ok false, and why. */
int report_json_error(FILE *out, const char *error);

/* Pieces for other JSON reports; NULL: out of memory. */
json_t *report_json_number(uint64_t number);
json_t *report_json_string(const char *text); /* any bytes */
/* Write and free root, NULL too (-ENOMEM). */
int report_json_write(FILE *out, json_t *root);

#endif
