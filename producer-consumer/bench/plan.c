/* SPDX-License-Identifier: MIT */
/* plan.c - which workloads are measured, in which ways? */
#include "producer-consumer/bench/plan.h"

#include <stdio.h>
#include <string.h>

#define KIB 1024u
#define MIB 1048576u
#define T   (1u << PLAN_THREADS)
#define P   (1u << PLAN_PROCESSES)
#define V   (1u << PLAN_VMS)

/* The ways, and those of a quick run. */
static const struct line {
	uint32_t kind, msg_len, batch, ring_kib;
	uint32_t ways, quick_ways;
} lines[] = {
	{ BENCH_STREAM, 8, 1, 64, T | P, T },
	{ BENCH_STREAM, 8, 1, 512, T | P | V, T | V },
	{ BENCH_STREAM, 8, 8, 64, T | P, T },
	{ BENCH_STREAM, 8, 8, 512, T | P, T },
	{ BENCH_STREAM, 8, 32, 64, T | P, T },
	{ BENCH_STREAM, 8, 32, 512, T | P, T },
	{ BENCH_STREAM, 56, 1, 512, T | P, T },
	{ BENCH_STREAM, 64, 1, 64, T | P, T },
	{ BENCH_STREAM, 64, 1, 512, T | P | V, T | P | V },
	{ BENCH_STREAM, 64, 8, 64, T | P, T },
	{ BENCH_STREAM, 64, 8, 512, T | P, T },
	{ BENCH_STREAM, 64, 32, 64, T | P, T },
	{ BENCH_STREAM, 64, 32, 512, T | P, T },
	{ BENCH_STREAM, 256, 1, 64, T | P, T },
	{ BENCH_STREAM, 256, 1, 512, T | P, T },
	{ BENCH_STREAM, 256, 8, 512, T | P, T },
	{ BENCH_STREAM, 1024, 1, 64, T | P, T },
	{ BENCH_STREAM, 1024, 1, 512, T | P | V, T | V },
	{ BENCH_STREAM, 1024, 8, 512, T | P, T },
	{ BENCH_STREAM, 4 * KIB, 1, 1024, T | P, T },
	{ BENCH_STREAM, 4 * KIB, 8, 1024, T | P, T },
	{ BENCH_STREAM, 64 * KIB, 1, 1024, T | P | V, T | V },
	{ BENCH_RTT, 8, 1, 64, T | P, T },
	{ BENCH_RTT, 56, 1, 64, T | P, T | P },
	{ BENCH_RTT, 64, 1, 64, T | P, T },
	{ BENCH_RPC, 56, 1, 64, T | P, T },
	{ BENCH_BOUNCE, 8, 1, 64, T | P, T },
	{ BENCH_MP, 8, 1, 64, T | P, T },
	{ BENCH_MP, 8, 8, 64, T, T },
	{ BENCH_PAIRS, 8, 1, 64, T, T },
	{ BENCH_PAIRS, 8, 32, 64, T, T },
	{ BENCH_CROWD, 8, 1, 64, T, T },
	{ BENCH_HARDEN, 8, 1, 512, T, T },
	{ BENCH_HARDEN, 64, 1, 512, T, T },
	{ BENCH_HARDEN, 1024, 1, 512, T, T },
	{ BENCH_COPY, 64, 1, 512, T, T },
	{ BENCH_COPY, 4 * KIB, 1, 1024, T, T },
	{ BENCH_COPY, 64 * KIB, 1, 1024, T, T },
};

const char *plan_way_name(enum plan_way way)
{
	static const char *const names[] = {
		[PLAN_THREADS] = "threads",
		[PLAN_PROCESSES] = "processes",
		[PLAN_VMS] = "vms",
	};

	return names[way];
}

static const char *size_name(char text[24], uint64_t len)
{
	if (len >= MIB)
		snprintf(text, 24, "%lluMiB", (unsigned long long)(len / MIB));
	else if (len >= KIB)
		snprintf(text, 24, "%lluKiB", (unsigned long long)(len / KIB));
	else
		snprintf(text, 24, "%lluB", (unsigned long long)len);
	return text;
}

/* Workloads of other ways than threads say so. */
static void name_make(struct plan_workload *w)
{
	const char *comma = w->way == PLAN_THREADS ? "" : ", ";
	const char *way = w->way == PLAN_THREADS ? "" : plan_way_name(w->way);
	char msg[24], ring[24], batch[16];

	size_name(msg, w->shape.msg_len);
	size_name(ring, w->shape.ring_len);
	snprintf(batch, sizeof(batch), "x%u", w->shape.batch);
	switch (w->kind) {
	case BENCH_RTT:
		snprintf(w->name, PLAN_NAME_LEN, "rtt %s%s%s", msg, comma, way);
		break;
	case BENCH_RPC:
		snprintf(w->name, PLAN_NAME_LEN, "rpc %s%s%s", msg, comma, way);
		break;
	case BENCH_BOUNCE:
		snprintf(w->name, PLAN_NAME_LEN, "bounce%s%s", comma, way);
		break;
	case BENCH_COPY:
		snprintf(w->name, PLAN_NAME_LEN, "memcpy %s %s", msg, ring);
		break;
	case BENCH_MP:
		snprintf(w->name, PLAN_NAME_LEN, "mpmc %s 1P1C%s%s%s%s", msg,
			 w->shape.batch > 1 ? " " : "",
			 w->shape.batch > 1 ? batch : "", comma, way);
		break;
	case BENCH_PAIRS:
		snprintf(w->name, PLAN_NAME_LEN, "mpmc %s pairs %s", msg,
			 batch);
		break;
	case BENCH_CROWD:
		snprintf(w->name, PLAN_NAME_LEN, "mpmc %s 2P2C", msg);
		break;
	default:
		snprintf(w->name, PLAN_NAME_LEN, "%s%s %s %s%s%s",
			 w->kind == BENCH_HARDEN ? "checks " : "", msg, batch,
			 ring, comma, way);
	}
}

void plan_make(struct plan *plan, bool quick, const char *only)
{
	plan->nr = 0;
	for (enum plan_way way = PLAN_THREADS; way <= PLAN_VMS; way++) {
		for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
			const struct line *l = &lines[i];
			struct plan_workload *w = &plan->workloads[plan->nr];

			if (!((quick ? l->quick_ways : l->ways) & 1u << way))
				continue;
			*w = (struct plan_workload){
				.kind = l->kind,
				.shape = { l->msg_len, l->batch,
					   (uint64_t)l->ring_kib * KIB },
				.way = way,
			};
			name_make(w);
			if (!only || strstr(w->name, only))
				plan->nr++;
		}
	}
}
