/* SPDX-License-Identifier: MIT */
/* progress.c - what do all rings of a region together say? */
#include "vmm/lab/progress.h"

#include <errno.h>
#include <stdio.h>

#include "shm/spsc.h"

void progress_look(const struct region *region, struct progress_sum *sum)
{
	*sum = (struct progress_sum){ 0 };
	for (uint32_t slot = 0; slot < region->channels_nr; slot++) {
		struct spsc_view view;

		if (spsc_watch(region, slot, &view))
			continue;
		sum->messages += view.head_idx;
		sum->bytes += view.head_idx * view.slot_len;
		sum->waiting += view.tail_idx - view.head_idx;
		sum->slots += view.slots_nr;
	}
}

int progress_line(struct progress *progress, const struct region *region,
		  uint64_t now_ns, char *line, size_t line_len)
{
	uint64_t last_ns = progress->ns;
	struct progress_sum sum;
	double rate = 0;

	progress_look(region, &sum);
	if (!sum.slots)
		return -ENOENT;
	/* A peer that rewrites its index must not make us count backwards. */
	if (now_ns > last_ns && sum.messages > progress->messages)
		rate = (double)(sum.messages - progress->messages) * 1e3 /
		       (double)(now_ns - last_ns);
	progress->messages = sum.messages;
	progress->ns = now_ns;
	if (!last_ns)
		return -ENOENT; /* no rate from one look */
	snprintf(line, line_len,
		 "%.1f million messages, %.1f M/s, ring %.0f %% full",
		 (double)sum.messages / 1e6, rate,
		 100.0 * (double)sum.waiting / (double)sum.slots);
	return 0;
}
