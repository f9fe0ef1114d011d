/* SPDX-License-Identifier: MIT */
/*
 * limit_stream.c - how fast can one core hand cache lines to another?
 *
 * Not a queue: bytes without messages, an index published once per eighth of
 * the ring, so that nothing but moving lines costs anything. Four variants;
 * the best of them in a workload is that workload's limit.
 */
#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"
#include "shm/atomic.h"
#include "shm/copy.h"

#define STEP_LEN	 512u /* one turn of the loop */
#define LINE_LEN	 64u
#define WRITE_AHEAD_LEN	 512u
#define READ_AHEAD_LEN	 1024u
#define CHUNKS_OF_A_RING 8u
#define BLOCK_LEN	 16384u /* half a first-level cache */

struct mem {
	_Atomic uint64_t tail; /* bytes */
	uint8_t reserved0[120];
	_Atomic uint64_t head;
	uint8_t reserved1[3960];
	uint8_t data[];
};
_Static_assert(offsetof(struct mem, data) == 4096, "layout");

struct end {
	struct mem *mem;
	uint64_t mine, seen, published; /* bytes */
	uint64_t ring_len, chunk_len, block_len;
};

static uint64_t mem_len(const struct bench_shape *s)
{
	return sizeof(struct mem) + s->ring_len;
}

/* memcpy has two buffers of the ring's length. */
static uint64_t copy_mem_len(const struct bench_shape *s)
{
	return 2 * s->ring_len;
}

static int create(void *mem, const struct bench_shape *s)
{
	(void)mem;
	(void)s;
	return 0;
}

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	struct end *end = handle;

	end->mem = mem;
	end->ring_len = s->ring_len;
	end->chunk_len = s->ring_len / CHUNKS_OF_A_RING;
	end->block_len = end->chunk_len < BLOCK_LEN ? end->chunk_len
						    : BLOCK_LEN;
	return 0;
}

/* Up to the end of a step, so that a step never wraps. In 8-byte words. */
WORK_INLINE uint32_t words_of_step(const struct end *end, uint32_t want)
{
	uint32_t left = (STEP_LEN - (end->mine & (STEP_LEN - 1))) / 8;

	return want < left ? want : left;
}

WORK_INLINE uint8_t *at(const struct end *end, uint64_t pos)
{
	return end->mem->data + (pos & (end->ring_len - 1));
}

WORK_INLINE uint32_t write_step(struct end *end, uint32_t want, void **slots,
				bool prefetch)
{
	if (end->mine - end->seen > end->ring_len - STEP_LEN) {
		end->seen = load_acquire(&end->mem->head);
		if (end->mine - end->seen > end->ring_len - STEP_LEN)
			return 0;
	}
	for (uint32_t i = 0; prefetch && i < STEP_LEN; i += LINE_LEN)
		prefetch_write(at(end, end->mine + WRITE_AHEAD_LEN + i));
	*slots = at(end, end->mine);
	return words_of_step(end, want);
}

WORK_INLINE uint32_t reserve_plain(void *tx, uint32_t want, void **slots)
{
	return write_step(tx, want, slots, false);
}

WORK_INLINE uint32_t reserve_ahead(void *tx, uint32_t want, void **slots)
{
	return write_step(tx, want, slots, true);
}

WORK_INLINE void commit(void *tx, uint32_t nr)
{
	struct end *end = tx;

	end->mine += 8ull * nr;
	if (end->mine - end->published >= end->chunk_len) {
		end->published = end->mine;
		store_release(&end->mem->tail, end->mine);
	}
}

WORK_INLINE void flush(void *tx)
{
	struct end *end = tx;

	end->published = end->mine;
	store_release(&end->mem->tail, end->mine);
}

WORK_INLINE uint32_t read_step(struct end *end, uint32_t want,
			       const void **slots, bool prefetch)
{
	uint64_t there = end->seen - end->mine;
	uint32_t nr;

	if (!there) {
		end->seen = load_acquire(&end->mem->tail);
		there = end->seen - end->mine;
		if (!there)
			return 0;
	}
	for (uint64_t i = READ_AHEAD_LEN;
	     prefetch && i < READ_AHEAD_LEN + STEP_LEN && i < there;
	     i += LINE_LEN)
		prefetch_read(at(end, end->mine + i));
	*slots = at(end, end->mine);
	nr = words_of_step(end, want);
	return nr < there / 8 ? nr : (uint32_t)(there / 8);
}

WORK_INLINE uint32_t peek_plain(void *rx, uint32_t want, const void **slots)
{
	return read_step(rx, want, slots, false);
}

WORK_INLINE uint32_t peek_ahead(void *rx, uint32_t want, const void **slots)
{
	return read_step(rx, want, slots, true);
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	struct end *end = rx;

	end->mine += 8ull * nr;
	if (end->mine - end->published >= end->chunk_len) {
		end->published = end->mine;
		store_release(&end->mem->head, end->mine);
	}
}

/* --- written in private memory, over by string moves (copy.h) ------------- */

/* A process has one producer. */
static _Alignas(64) uint8_t block[BLOCK_LEN];

WORK_INLINE uint32_t reserve_string(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;
	uint64_t off = end->mine & (end->block_len - 1);

	if (!off && end->mine - end->seen > end->ring_len - end->block_len) {
		end->seen = load_acquire(&end->mem->head);
		if (end->mine - end->seen > end->ring_len - end->block_len)
			return 0;
	}
	*slots = block + off;
	return words_of_step(end, want);
}

WORK_INLINE void flush_string(void *tx)
{
	struct end *end = tx;
	uint64_t off = (end->mine - 1) & (end->block_len - 1);

	copy_string(at(end, end->mine - 1 - off), block, off + 1);
	store_release(&end->mem->tail, end->mine);
}

WORK_INLINE void commit_string(void *tx, uint32_t nr)
{
	struct end *end = tx;

	end->mine += 8ull * nr;
	if (!(end->mine & (end->block_len - 1)))
		flush_string(tx);
}

static const struct bench_ops string_ops = { reserve_string, commit_string,
					     peek_plain, release,
					     flush_string };
static const struct bench_ops plain_ops = { reserve_plain, commit, peek_plain,
					    release, flush };
static const struct bench_ops write_ops = { reserve_ahead, commit, peek_plain,
					    release, flush };
static const struct bench_ops both_ops = { reserve_ahead, commit, peek_ahead,
					   release, flush };

LOOPS_RUN(plain, plain_ops, struct end, struct end, LOOPS_WORDS)
LOOPS_RUN(ahead, write_ops, struct end, struct end, LOOPS_WORDS)
LOOPS_RUN(both, both_ops, struct end, struct end, LOOPS_WORDS)
LOOPS_RUN(string, string_ops, struct end, struct end, LOOPS_WORDS)

/* Whatever the messages are: the same bytes in steps. */
static void run_as_bytes(struct bench_run *r, void (*run)(struct bench_run *r))
{
	struct bench_run bytes = *r;

	bytes.messages = r->messages * (r->shape.msg_len / 8);
	bytes.shape.batch = STEP_LEN / 8;
	run(&bytes);
	r->sum = bytes.sum;
}

static void run_plain(struct bench_run *r)
{
	run_as_bytes(r, plain);
}

static void run_write(struct bench_run *r)
{
	run_as_bytes(r, ahead);
}

static void run_both(struct bench_run *r)
{
	run_as_bytes(r, both);
}

static void run_string(struct bench_run *r)
{
	run_as_bytes(r, string);
}

/* One core, from one buffer to the other, msg_len at a time. */
static void run_memcpy(struct bench_run *r)
{
	uint64_t len = r->shape.ring_len;
	uint8_t *from = (uint8_t *)((struct end *)r->tx)->mem;
	uint8_t *to = from + len;
	uint64_t start;

	(void)work_fill(from, len, r->word);
	start = loops_stamp();
	for (uint64_t i = 0, off = 0; i < r->messages; i++) {
		__builtin_memcpy(to + off, from + off, r->shape.msg_len);
		/* Each copy is done: nobody may see that to is not read. */
		__asm__ __volatile__("" ::"r"(to) : "memory");
		off = (off + r->shape.msg_len) & (len - 1);
	}
	r->ticks = loops_stamp() - start;
	r->sum = work_sum(to, len, 0);
}

#define LIMIT(title, its_kind, its_len, its_run)                             \
	{                                                                    \
		.name = (title), .flags = BENCH_LIMIT | BENCH_SHARED,        \
		.kinds = (its_kind), .mem_len = (its_len), .create = create, \
		.open_tx = open_end, .open_rx = open_end, .run = (its_run),  \
	}
const struct bench_queue bench_raw_plain = LIMIT("raw lines", BENCH_STREAM,
						 mem_len, run_plain);
const struct bench_queue bench_raw_write =
	LIMIT("raw lines, prefetchw", BENCH_STREAM, mem_len, run_write);
const struct bench_queue bench_raw_both = LIMIT(
	"raw lines, prefetchw + prefetch", BENCH_STREAM, mem_len, run_both);
const struct bench_queue bench_raw_string =
	LIMIT("raw lines, string moves", BENCH_STREAM, mem_len, run_string);
const struct bench_queue bench_memcpy = LIMIT("memcpy, one core", BENCH_COPY,
					      copy_mem_len, run_memcpy);
