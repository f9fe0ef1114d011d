/* SPDX-License-Identifier: MIT */
/*
 * trace.h - a file with one line per exit:
 *
 *	GUEST REASON [out|in PORT LEN xCOUNT DATA | r|w ADDRESS LEN DATA] RIP
 *
 * Threads: trace_exit() from any; lines do not mix.
 */
#ifndef VMM_ABI_TRACE_H
#define VMM_ABI_TRACE_H

#include <linux/kvm.h>

struct trace;
struct flat_cpu;

/* -errno of the file, logged. */
int trace_create(struct trace **out, const char *path);
/* 0, or the -errno of the first line that could not be written (logged).
 * NULL is fine. */
int trace_destroy(struct trace *trace);
/* After it was handled, so that an IN shows its answer. */
void trace_exit(struct trace *trace, struct flat_cpu *cpu,
		const struct kvm_run *run);

#endif
