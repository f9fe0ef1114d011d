/* SPDX-License-Identifier: MIT */
/*
 * limit_bounce.c - how fast does a cache line go there and back?
 *
 * Two lines, one for each direction, are what any pair of queues needs, and two
 * rows of lines in turn what one needs that has more than a slot; one line of
 * many that both sides write is what a reply in the request's place
 * needs; one single line is the floor of everything, and the harness's probe.
 */
#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"
#include "shm/atomic.h"

#define LINES_NR 1024u

struct line {
	_Atomic uint64_t turn;
	uint64_t payload[7];
};
_Static_assert(sizeof(struct line) == 64, "one line");

struct end {
	struct line *lines;
	uint64_t lap; /* grows from run to run, the same at both ends */
};

static uint64_t mem_len(const struct bench_shape *s)
{
	(void)s;
	return LINES_NR * sizeof(struct line);
}

static int create(void *mem, const struct bench_shape *s)
{
	(void)mem;
	(void)s;
	return 0;
}

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	(void)s;
	((struct end *)handle)->lines = mem;
	return 0;
}

/* A line per direction, of its own pair of lines; or lines_nr (a power of two)
 * in turn. */
WORK_INLINE void run_pairs(struct bench_run *r, uint64_t lines_nr)
{
	bool ping = r->role == BENCH_PING;
	struct line *out = ((struct end *)r->tx)->lines;
	struct line *in = ((struct end *)r->rx)->lines;
	struct end *first = ping ? r->tx : r->rx;
	uint64_t base = first->lap, back = LINES_NR / 2;

	first->lap += r->messages;
	if (ping)
		r->stamps[0] = loops_stamp();
	for (uint64_t i = 1; i <= r->messages; i++) {
		uint64_t slot = (base + i) & (lines_nr - 1);
		struct line *to = out + (ping ? slot : slot + back);
		struct line *from = in + (ping ? slot + back : slot);

		if (ping)
			store_release(&to->turn, base + i);
		while (load_acquire(&from->turn) != base + i)
			;
		if (ping)
			r->stamps[i] = loops_stamp();
		else
			store_release(&to->turn, base + i);
	}
}

static void run_two(struct bench_run *r)
{
	run_pairs(r, 1);
}

static void run_two_rotating(struct bench_run *r)
{
	run_pairs(r, LINES_NR / 2);
}

/* Request and reply in the same line, lines_nr (a power of two) in turn. */
WORK_INLINE void run_lines(struct bench_run *r, uint64_t lines_nr)
{
	bool ping = r->role == BENCH_PING;
	/* Both look at the first of the two memories. */
	struct end *end = ping ? r->tx : r->rx;
	struct line *lines = end->lines;
	uint64_t first = end->lap;

	end->lap += 2 * (r->messages / lines_nr + 1);
	if (ping)
		r->stamps[0] = loops_stamp();
	for (uint64_t i = 0; i < r->messages; i++) {
		_Atomic uint64_t *turn = &lines[i & (lines_nr - 1)].turn;
		/* Odd for a request, even for a reply, never seen before. */
		uint64_t lap = first + 2 * (i / lines_nr);

		if (ping) {
			store_release(turn, lap + 1);
			while (load_acquire(turn) != lap + 2)
				;
			r->stamps[i + 1] = loops_stamp();
		} else {
			while (load_acquire(turn) != lap + 1)
				;
			store_release(turn, lap + 2);
		}
	}
}

static void run_rotating(struct bench_run *r)
{
	run_lines(r, LINES_NR);
}

static void run_one(struct bench_run *r)
{
	run_lines(r, 1);
}

#define LIMIT(title, its_kinds, its_run)                                    \
	{                                                                   \
		.name = (title), .flags = BENCH_LIMIT | BENCH_SHARED,       \
		.kinds = (its_kinds), .mem_len = mem_len, .create = create, \
		.open_tx = open_end, .open_rx = open_end, .run = (its_run), \
	}
const struct bench_queue bench_two_lines = LIMIT("two lines", BENCH_RTT,
						 run_two);
const struct bench_queue bench_two_rotating =
	LIMIT("two lines, rotating", BENCH_RTT, run_two_rotating);
const struct bench_queue bench_rotating_line = LIMIT("rotating line", BENCH_RPC,
						     run_rotating);
const struct bench_queue bench_one_line = LIMIT("one line", BENCH_BOUNCE,
						run_one);
