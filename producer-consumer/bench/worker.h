/* SPDX-License-Identifier: MIT */
/*
 * worker.h - one thread or process of a sample, and what it shares with the
 * others while nothing is measured.
 */
#ifndef PRODUCER_CONSUMER_BENCH_WORKER_H
#define PRODUCER_CONSUMER_BENCH_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "producer-consumer/bench/crew.h"
#include "producer-consumer/bench/queue.h"

struct worker_memory {
	int fd;	   /* -1: not held */
	void *mem; /* where the maker sees it; NULL: not held */
	uint64_t len;
};

/* What one worker tells, after the measured part. */
struct worker_result {
	uint64_t start_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t ticks;		   /* 0, or what run() measured itself */
	uint64_t read, written;	   /* sums of all words, warming up included */
	uint64_t switches;	   /* involuntary */
};

struct worker_shared {
	/* Spinning: everybody is here. */
	struct {
		_Alignas(128) _Atomic uint32_t reached;
	} phases[CREW_MAX];
	_Alignas(128) _Atomic uint64_t probe;
	_Alignas(128) pthread_barrier_t gather; /* sleeping: all have come */
	double probe_ns;
	uint32_t failed; /* somebody could not open its end */
	struct worker_result results[CREW_MAX];
	uint64_t stamps[CREW_RTTS_MAX + 1];
};

struct worker {
	struct worker_shared *shared;
	const struct bench_queue *queue;
	const struct worker_memory *memory; /* one, or two for round trips */
	struct bench_shape shape;
	enum bench_role role;
	uint32_t index, workers_nr;
	uint32_t cpus[2]; /* the same twice: pinned */
	bool realtime, yield;
	bool own_mapping;  /* a process: map the memory once more */
	uint64_t messages; /* its own */
};

int worker_shared_init(struct worker_shared *shared, uint32_t workers_nr);

/* A thread's function; arg is its struct worker. */
void *worker_main(void *arg);

#endif
