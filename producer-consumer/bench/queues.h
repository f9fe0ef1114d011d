/* SPDX-License-Identifier: MIT */
/* queues.h - which queues are built in, and which are missing. */
#ifndef PRODUCER_CONSUMER_BENCH_QUEUES_H
#define PRODUCER_CONSUMER_BENCH_QUEUES_H

#include "producer-consumer/bench/queue.h"

struct queues_missing {
	const char *name;
	const char *package; /* of Debian 12; or what else would bring it */
};

/* Both end with a NULL: a queue pointer, or a name. */
extern const struct bench_queue *const queues_all[];
extern const struct queues_missing queues_missing[];

#endif
