/* SPDX-License-Identifier: MIT */
/* progress.c - what do all rings of a region together say? */
#include "vmm/lab/progress.h"

#include <errno.h>
#include <stdio.h>

#include "shm/spsc.h"

int progress_line(struct progress *progress, const struct region *region,
		  uint64_t now_ns, char *line, size_t line_len)
{
	uint64_t last_ns = progress->ns;
	uint64_t messages = 0;
	uint64_t waiting = 0;
	uint64_t slots = 0;
	double rate = 0;

	for (uint32_t slot = 0; slot < region->channels_nr; slot++) {
		struct spsc_view view;

		if (spsc_watch(region, slot, &view))
			continue;
		messages += view.head_idx;
		waiting += view.tail_idx - view.head_idx;
		slots += view.slots_nr;
	}
	if (!slots)
		return -ENOENT;
	/* A peer that rewrites its index must not make us count backwards. */
	if (now_ns > last_ns && messages > progress->messages)
		rate = (double)(messages - progress->messages) * 1e3 /
		       (double)(now_ns - last_ns);
	progress->messages = messages;
	progress->ns = now_ns;
	if (!last_ns)
		return -ENOENT; /* no rate from one look */
	snprintf(line, line_len,
		 "%.1f million messages, %.1f M/s, ring %.0f %% full",
		 (double)messages / 1e6, rate,
		 100.0 * (double)waiting / (double)slots);
	return 0;
}
