/* SPDX-License-Identifier: MIT */
/*
 * copy_progress.h - what the user reads while a large file is copied, before a
 * VM's first change of it, on a file system without reflink.
 *
 * Threads: the share's.
 */
#ifndef VMM_LAB_COPY_PROGRESS_H
#define VMM_LAB_COPY_PROGRESS_H

#include <stdint.h>

/* Begins as { 0 }. */
struct copy_progress {
	uint64_t told_ns, done_len;
};

/* From share_opts.copying: a line about share name each second, from the
 * second one on. */
void copy_progress_tell(struct copy_progress *progress, const char *name,
			uint64_t done_len, uint64_t total_len);

#endif
