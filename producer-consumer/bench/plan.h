/* SPDX-License-Identifier: MIT */
/* plan.h - the workloads, and what each is called. */
#ifndef PRODUCER_CONSUMER_BENCH_PLAN_H
#define PRODUCER_CONSUMER_BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "producer-consumer/bench/queue.h"

#define PLAN_NAME_LEN	   96
#define PLAN_WORKLOADS_MAX 96

enum plan_way {
	PLAN_THREADS,
	PLAN_PROCESSES,
	PLAN_VMS,
};

struct plan_workload {
	char name[PLAN_NAME_LEN];
	uint32_t kind; /* one of BENCH_STREAM... */
	struct bench_shape shape;
	enum plan_way way;
};

struct plan {
	struct plan_workload workloads[PLAN_WORKLOADS_MAX];
	uint32_t nr;
};

const char *plan_way_name(enum plan_way way);

/* All workloads whose name contains only (NULL: all). quick: fewer ways. */
void plan_make(struct plan *plan, bool quick, const char *only);

#endif
