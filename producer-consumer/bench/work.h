/* SPDX-License-Identifier: MIT */
/*
 * work.h - what every message of every queue carries, and how it is checked.
 *
 * The words of all messages of one producer are one arithmetic sequence
 * modulo 2^64, so the consumer's sum over every byte it read is known without
 * the producer adding up. The consumer returns the sum and the harness
 * compares it: a compiler cannot leave the reads out, and a queue that loses,
 * repeats or damages anything is found.
 *
 * C and C++, freestanding: guests compile it too.
 */
#ifndef PRODUCER_CONSUMER_BENCH_WORK_H
#define PRODUCER_CONSUMER_BENCH_WORK_H

#include <stdint.h>

#define WORK_STEP   0x9e3779b97f4a7c15ull
#define WORK_INLINE static inline __attribute__((always_inline))

/*
 * Two words at once, of any alignment: plain SSE2, which every guest has.
 * Not may_alias: payload is words of uint64_t, as a user's is, and a compiler
 * may keep a queue's private indices of other types in registers meanwhile.
 */
typedef uint64_t work_pair __attribute__((vector_size(16), aligned(8)));

/* Write len bytes (a multiple of 8) beginning with word; the next one. */
WORK_INLINE uint64_t work_fill(void *to, uint64_t len, uint64_t word)
{
	uint64_t *words = (uint64_t *)to;
	work_pair *pairs = (work_pair *)to;
	uint64_t pairs_nr = len / 16;
	work_pair pair = { word, word + WORK_STEP };
	const work_pair step = { 2 * WORK_STEP, 2 * WORK_STEP };

	if (len == 8) {
		words[0] = word;
		return word + WORK_STEP;
	}
	for (uint64_t i = 0; i < pairs_nr; i++) {
		pairs[i] = pair;
		pair += step;
	}
	if (len % 16)
		words[pairs_nr * 2] = pair[0];
	return word + len / 8 * WORK_STEP;
}

/* Add up every word of len bytes. */
WORK_INLINE uint64_t work_sum(const void *from, uint64_t len, uint64_t sum)
{
	const uint64_t *words = (const uint64_t *)from;
	const work_pair *pairs = (const work_pair *)from;
	uint64_t pairs_nr = len / 16;
	work_pair pair = { 0, 0 };

	if (len == 8)
		return sum + words[0];
	for (uint64_t i = 0; i < pairs_nr; i++)
		pair += pairs[i];
	if (len % 16)
		sum += words[pairs_nr * 2];
	return sum + pair[0] + pair[1];
}

/* What work_sum() gives for len bytes that work_fill() began with word. */
static inline uint64_t work_expect(uint64_t word, uint64_t len)
{
	uint64_t nr = len / 8;
	/* One of both is even: half of it keeps the product exact. */
	uint64_t pairs = nr % 2 ? nr * ((nr - 1) / 2) : nr / 2 * (nr - 1);

	return nr * word + pairs * WORK_STEP;
}

WORK_INLINE void work_relax(void)
{
	__builtin_ia32_pause();
}

/* After a failed try, the same for everybody: a pause, or what idle does. */
WORK_INLINE void work_idle(void (*idle)(void))
{
	if (idle)
		idle();
	else
		work_relax();
}

#endif
