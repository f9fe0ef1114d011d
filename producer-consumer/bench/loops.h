/* SPDX-License-Identifier: MIT */
/*
 * loops.h - the measured loops, the same source for every queue.
 *
 * An adapter names its four steps, each WORK_INLINE, in a const struct
 * bench_ops and says LOOPS_RUN(): everything is inlined into the adapter, so
 * no queue pays for the harness's generality. A queue that only copies hands
 * out a scratch buffer in reserve() and pushes it in commit(), waiting there
 * with work_idle().
 *
 * C and C++, freestanding.
 */
#ifndef PRODUCER_CONSUMER_BENCH_LOOPS_H
#define PRODUCER_CONSUMER_BENCH_LOOPS_H

#include "producer-consumer/bench/queue.h"
#include "producer-consumer/bench/work.h"

struct bench_ops {
	/* Room for 1..want messages behind each other; 0: none now. */
	uint32_t (*reserve)(void *tx, uint32_t want, void **slots);
	void (*commit)(void *tx, uint32_t nr);
	/* 1..want messages behind each other; 0: none now. */
	uint32_t (*peek)(void *rx, uint32_t want, const void **slots);
	void (*release)(void *rx, uint32_t nr);
	/* After the last commit: publish what is held back. May be null. */
	void (*flush)(void *tx);
};

/* Contiguous time stamps: all earlier loads and stores of ours are done. */
WORK_INLINE uint64_t loops_stamp(void)
{
	uint32_t cpu;

	return __builtin_ia32_rdtscp(&cpu);
}

WORK_INLINE uint64_t loops_write(const struct bench_ops *ops, void *tx,
				 const struct bench_run *run, uint64_t nr,
				 uint32_t msg_len, uint32_t batch,
				 uint64_t word)
{
	while (nr) {
		void *slots;
		uint32_t got;

		got = ops->reserve(tx, nr < batch ? (uint32_t)nr : batch,
				   &slots);
		if (!got) {
			work_idle(run->idle);
			continue;
		}
		if (batch == 1)
			got = 1; /* as a constant, for the fill */
		word = work_fill(slots, (uint64_t)got * msg_len, word);
		ops->commit(tx, got);
		nr -= got;
	}
	return word;
}

WORK_INLINE uint64_t loops_read(const struct bench_ops *ops, void *rx,
				const struct bench_run *run, uint64_t nr,
				uint32_t msg_len, uint32_t batch, uint64_t sum)
{
	while (nr) {
		const void *slots;
		uint32_t got;

		got = ops->peek(rx, nr < batch ? (uint32_t)nr : batch, &slots);
		if (!got) {
			work_idle(run->idle);
			continue;
		}
		if (batch == 1)
			got = 1;
		sum = work_sum(slots, (uint64_t)got * msg_len, sum);
		ops->release(rx, got);
		nr -= got;
	}
	return sum;
}

/* One message each way. No pause: latency is what is asked for. */
WORK_INLINE uint64_t loops_send(const struct bench_ops *ops, void *tx,
				uint32_t msg_len, uint64_t word)
{
	void *slots;

	while (!ops->reserve(tx, 1, &slots))
		;
	word = work_fill(slots, msg_len, word);
	ops->commit(tx, 1);
	return word;
}

WORK_INLINE uint64_t loops_receive(const struct bench_ops *ops, void *rx,
				   uint32_t msg_len, uint64_t sum)
{
	const void *slots;

	while (!ops->peek(rx, 1, &slots))
		;
	sum = work_sum(slots, msg_len, sum);
	ops->release(rx, 1);
	return sum;
}

WORK_INLINE void loops_ping(const struct bench_ops *ops, void *tx, void *rx,
			    struct bench_run *run, uint32_t msg_len,
			    uint32_t batch)
{
	uint64_t word = run->word;
	uint64_t sum = 0;

	(void)batch;
	run->stamps[0] = loops_stamp();
	for (uint64_t i = 0; i < run->messages; i++) {
		word = loops_send(ops, tx, msg_len, word);
		sum = loops_receive(ops, rx, msg_len, sum);
		run->stamps[i + 1] = loops_stamp();
	}
	run->sum = sum;
}

WORK_INLINE void loops_pong(const struct bench_ops *ops, void *tx, void *rx,
			    struct bench_run *run, uint32_t msg_len,
			    uint32_t batch)
{
	uint64_t word = run->word;
	uint64_t sum = 0;

	(void)batch;
	for (uint64_t i = 0; i < run->messages; i++) {
		sum = loops_receive(ops, rx, msg_len, sum);
		word = loops_send(ops, tx, msg_len, word);
	}
	run->sum = sum;
}

/* Write a batch, read a batch. messages is a multiple of batch. */
WORK_INLINE void loops_both(const struct bench_ops *ops, void *tx, void *rx,
			    struct bench_run *run, uint32_t msg_len,
			    uint32_t batch)
{
	uint64_t word = run->word;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < run->messages; i += batch) {
		word = loops_write(ops, tx, run, batch, msg_len, batch, word);
		sum = loops_read(ops, rx, run, batch, msg_len, batch, sum);
	}
	run->sum = sum;
}

/* Write all, and publish what is held back. */
WORK_INLINE void loops_produce(const struct bench_ops *ops, void *tx,
			       struct bench_run *run, uint32_t msg_len,
			       uint32_t batch)
{
	(void)loops_write(ops, tx, run, run->messages, msg_len, batch,
			  run->word);
	if (ops->flush)
		ops->flush(tx);
}

WORK_INLINE void loops_consume(const struct bench_ops *ops, void *rx,
			       struct bench_run *run, uint32_t msg_len,
			       uint32_t batch)
{
	run->sum = loops_read(ops, rx, run, run->messages, msg_len, batch, 0);
}

/* The common sizes as constants, so that their loops unroll. */
#define LOOPS_BY_SIZE(run, loop, ...)                           \
	do {                                                    \
		uint32_t msg_len = (run)->shape.msg_len;        \
		uint32_t batch = (run)->shape.batch;            \
                                                                \
		if (msg_len == 8 && batch == 1)                 \
			loop(__VA_ARGS__, run, 8, 1);           \
		else if (msg_len == 8)                          \
			loop(__VA_ARGS__, run, 8, batch);       \
		else if (msg_len == 64 && batch == 1)           \
			loop(__VA_ARGS__, run, 64, 1);          \
		else if (msg_len == 56)                         \
			loop(__VA_ARGS__, run, 56, 1);          \
		else                                            \
			loop(__VA_ARGS__, run, msg_len, batch); \
	} while (0)

/* One word at a time, whatever the batch. */
#define LOOPS_ONE_WORD(run, loop, ...) loop(__VA_ARGS__, run, 8, 1)

/* For queues of 8-byte messages only. */
#define LOOPS_WORDS(run, loop, ...)                                    \
	do {                                                           \
		if ((run)->shape.batch == 1)                           \
			loop(__VA_ARGS__, run, 8, 1);                  \
		else                                                   \
			loop(__VA_ARGS__, run, 8, (run)->shape.batch); \
	} while (0)

/*
 * Defines name(run) for a queue with these ops, whose ends are what the
 * handles begin with; sizes is one of the above. Each role is a
 * function of its own in which everything is inlined and the end is a local
 * variable, as in a user's loop: so it may live in registers.
 */
#define LOOPS_APART static __attribute__((noinline, flatten))
#define LOOPS_RUN(name, ops, tx_end, rx_end, sizes)          \
	LOOPS_APART void name##_produce(struct bench_run *r) \
	{                                                    \
		tx_end tx = *(tx_end *)r->tx;                \
                                                             \
		sizes(r, loops_produce, &(ops), &tx);        \
		*(tx_end *)r->tx = tx;                       \
	}                                                    \
	LOOPS_APART void name##_consume(struct bench_run *r) \
	{                                                    \
		rx_end rx = *(rx_end *)r->rx;                \
                                                             \
		sizes(r, loops_consume, &(ops), &rx);        \
		*(rx_end *)r->rx = rx;                       \
	}                                                    \
	LOOPS_APART void name##_ping(struct bench_run *r)    \
	{                                                    \
		tx_end tx = *(tx_end *)r->tx;                \
		rx_end rx = *(rx_end *)r->rx;                \
                                                             \
		sizes(r, loops_ping, &(ops), &tx, &rx);      \
		*(tx_end *)r->tx = tx;                       \
		*(rx_end *)r->rx = rx;                       \
	}                                                    \
	LOOPS_APART void name##_pong(struct bench_run *r)    \
	{                                                    \
		tx_end tx = *(tx_end *)r->tx;                \
		rx_end rx = *(rx_end *)r->rx;                \
                                                             \
		sizes(r, loops_pong, &(ops), &tx, &rx);      \
		*(tx_end *)r->tx = tx;                       \
		*(rx_end *)r->rx = rx;                       \
	}                                                    \
	LOOPS_APART void name##_both(struct bench_run *r)    \
	{                                                    \
		tx_end tx = *(tx_end *)r->tx;                \
		rx_end rx = *(rx_end *)r->rx;                \
                                                             \
		sizes(r, loops_both, &(ops), &tx, &rx);      \
		*(tx_end *)r->tx = tx;                       \
		*(rx_end *)r->rx = rx;                       \
	}                                                    \
	static void name(struct bench_run *r)                \
	{                                                    \
		switch (r->role) {                           \
		case BENCH_PRODUCE:                          \
			name##_produce(r);                   \
			break;                               \
		case BENCH_CONSUME:                          \
			name##_consume(r);                   \
			break;                               \
		case BENCH_PING:                             \
			name##_ping(r);                      \
			break;                               \
		case BENCH_PONG:                             \
			name##_pong(r);                      \
			break;                               \
		case BENCH_BOTH:                             \
			name##_both(r);                      \
			break;                               \
		}                                            \
	}

#endif
