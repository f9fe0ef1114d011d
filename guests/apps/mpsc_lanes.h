/* SPDX-License-Identifier: MIT */
/* mpsc_lanes.h - what workers and the collector agree on. */
#ifndef GUESTS_APPS_MPSC_LANES_H
#define GUESTS_APPS_MPSC_LANES_H

#include <stdint.h>

#define LANES_CHANNEL  "results"
#define LANES_NR       8u
#define LANES_SLOTS_NR 512u
#define LANES_WORKERS  2u      /* as in mpsc.lab */
#define LANES_MESSAGES 100000u /* of each, when no word says otherwise */

struct result {
	uint64_t nr; /* of the worker's, from 0 */
	uint64_t value;
};

static inline uint64_t result_value(uint64_t nr)
{
	return nr * 0x9e3779b97f4a7c15ull + 1;
}

#endif
