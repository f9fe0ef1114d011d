/* SPDX-License-Identifier: MIT */
/*
 * crew.h - one sample: workers on their CPUs, the measured part, and whether
 * it may be believed.
 *
 * Each sample makes its queue and its workers anew, so that luck with the
 * placement of memory is drawn again every time. A worker pins itself, opens
 * its ends, warms up, bounces one line with the other (the probe), and then
 * does its part.
 */
#ifndef PRODUCER_CONSUMER_BENCH_CREW_H
#define PRODUCER_CONSUMER_BENCH_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "producer-consumer/bench/queue.h"

#define CREW_MAX      4u
#define CREW_RTTS_MAX 4096u /* round trips of one sample */

enum crew_way {
	CREW_THREADS,
	CREW_PROCESSES, /* over a memfd that each maps for itself */
};

struct crew_task {
	const struct bench_queue *queue;
	struct bench_shape shape;
	uint32_t kind; /* one of BENCH_STREAM... */
	enum crew_way way;
	uint32_t cpus[2];
	bool realtime;	   /* priority for the workers */
	double tick_ns;	   /* of the time stamp counter */
	uint64_t messages; /* in all; a multiple of 2 * batch */
};

struct crew_sample {
	double ns;	       /* whole sample */
	double p50, p99, p999; /* of round trips, ns; else 0 */
	double probe_ns;       /* one line there and back; 0: one worker */
	uint64_t switches;     /* involuntary, during the measured part */
	bool wrong;	       /* what was read is not what was written */
};

/* Do this kind's messages come as round trips? */
static inline bool crew_is_rtt(uint32_t kind)
{
	return kind & (BENCH_RTT | BENCH_RPC | BENCH_BOUNCE);
}

/*
 * 0; -ENOTSUP: the queue does not do that shape or way; -EIO: it could not be
 * made; -ETIMEDOUT: it did not end in time, and was ended; -errno of the
 * system.
 */
int crew_run(const struct crew_task *task, struct crew_sample *sample);

#endif
