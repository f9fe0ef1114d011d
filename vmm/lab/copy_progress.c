/* SPDX-License-Identifier: MIT */
/* copy_progress.c - how far is a copy that takes long? */
#include "vmm/lab/copy_progress.h"

#include "vmm/core/clock.h"
#include "vmm/core/log.h"
#include "vmm/lab/size.h"

void copy_progress_tell(struct copy_progress *progress, const char *name,
			uint64_t done_len, uint64_t total_len)
{
	char done[SIZE_TEXT_LEN], total[SIZE_TEXT_LEN];
	uint64_t now_ns = clock_now_ns();

	if (!progress->done_len || done_len <= progress->done_len)
		progress->told_ns = now_ns; /* another file */
	progress->done_len = done_len;
	if (now_ns - progress->told_ns < CLOCK_NS_PER_S)
		return;
	progress->told_ns = now_ns;
	log_info("share %s: copying a file before its first change: %s of %s",
		 name, size_format(done_len, done),
		 size_format(total_len, total));
}
