/* SPDX-License-Identifier: MIT */
/*
 * queue.h - what the harness knows about a queue: ours, a peer or a limit.
 *
 * An adapter file fills in one struct bench_queue and writes the four small
 * functions of loops.h; queues.c lists it. C and C++, freestanding.
 */
#ifndef PRODUCER_CONSUMER_BENCH_QUEUE_H
#define PRODUCER_CONSUMER_BENCH_QUEUE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked of a queue. */
struct bench_shape {
	uint32_t msg_len;  /* bytes, a multiple of 8 */
	uint32_t batch;	   /* messages a call may take */
	uint64_t ring_len; /* bytes of slots */
};

/* The kinds of workload, and in a mask those a queue takes part in. */
#define BENCH_STREAM 0x01u  /* one thread writes, one reads */
#define BENCH_RTT    0x02u  /* there and back, over two queues */
#define BENCH_RPC    0x04u  /* there and back, the reply in the request */
#define BENCH_BOUNCE 0x08u  /* one line back and forth: a limit of its own */
#define BENCH_COPY   0x10u  /* memcpy on one core: a limit of its own */
#define BENCH_MP     0x20u  /* many producers and consumers, as stream */
#define BENCH_PAIRS  0x40u  /* each thread writes a batch, then reads one */
#define BENCH_CROWD  0x80u  /* two writers, two readers, two CPUs */
#define BENCH_HARDEN 0x100u /* what the checks cost: ours against ours */

/* What a worker does. A PRODUCE and a PING write to the first queue. */
enum bench_role {
	BENCH_PRODUCE,
	BENCH_CONSUME,
	BENCH_PING,
	BENCH_PONG,
	BENCH_BOTH,
};

/* One worker's part of one sample. */
struct bench_run {
	struct bench_shape shape;
	enum bench_role role;
	void *tx, *rx; /* what open_tx() and open_rx() filled */
	uint64_t messages;
	uint64_t word;	    /* the first one written */
	void (*idle)(void); /* after a failed try; null: pause */
	uint64_t *stamps;   /* PING: messages + 1 readings of the clock */
	uint64_t sum;	    /* out: of all that was read */
	uint64_t ticks;	    /* out: how long it took, if run() knows better */
};

/* What open_tx() and open_rx() may fill. */
#define BENCH_HANDLE_LEN 32768

#define BENCH_OURS   0x1u
#define BENCH_LIMIT  0x2u /* not a queue: what the machine can do */
#define BENCH_SHARED 0x4u /* its ends may live in different processes */
#define BENCH_TRIAL  0x8u /* a variant: never the best of ours */

struct bench_queue {
	const char *name;
	uint32_t flags;
	uint32_t kinds;
	/* Bytes of memory it wants; 0: it does not do that shape. */
	uint64_t (*mem_len)(const struct bench_shape *shape);
	/* mem is zeroed, page aligned and shared by all ends. 0 or -1. */
	int (*create)(void *mem, const struct bench_shape *shape);
	/* Null: nothing to do. */
	void (*destroy)(void *mem, const struct bench_shape *shape);
	/* Each in the thread that will use the end. Null: no handle. */
	int (*open_tx)(void *tx, void *mem, const struct bench_shape *shape);
	int (*open_rx)(void *rx, void *mem, const struct bench_shape *shape);
	void (*run)(struct bench_run *run);
};

#ifdef __cplusplus
}
#endif
#endif
