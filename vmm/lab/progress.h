/* SPDX-License-Identifier: MIT */
/*
 * progress.h - how far is a running lab, by looking at its rings?
 *
 * Passive: the guests do nothing for it and cannot tell. Trust: everything
 * read may be a lie; the worst it does is a wrong line on the screen.
 */
#ifndef VMM_LAB_PROGRESS_H
#define VMM_LAB_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "shm/region.h"

/* All rings of a region together, at one look. */
struct progress_sum {
	uint64_t messages, bytes; /* that were taken from them */
	uint64_t waiting, slots;  /* messages in them, and room; 0: no ring */
};
void progress_look(const struct region *region, struct progress_sum *sum);

struct progress {
	uint64_t messages; /* at the last look */
	uint64_t ns;	   /* of the last look; 0: none yet */
};

/*
 * The line for now_ns (any clock that only grows): messages so far, rate
 * since the last look, how full the rings are. 0; -ENOENT: nothing to say,
 * there is no ring yet or this was the first look at one.
 */
int progress_line(struct progress *progress, const struct region *region,
		  uint64_t now_ns, char *line, size_t line_len);

#endif
