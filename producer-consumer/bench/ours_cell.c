/* SPDX-License-Identifier: MIT */
/*
 * ours_cell.c - how does the harness drive shm/spsc_cell.h, and calls that are
 * answered in place (shm/spsc_call.h)?
 */
#include "producer-consumer/bench/ours.h"
#include "producer-consumer/bench/peers.h"
#include "shm/spsc_call.h"
#include "shm/spsc_cell.h"

static const char name[] = "cell";

static uint32_t cells_nr(const struct bench_shape *s)
{
	return (uint32_t)(s->ring_len / sizeof(struct spsc_cell));
}

/* Streams of whole cells only; a cell of 8 bytes would be a wasted line. */
static uint64_t mem_len(const struct bench_shape *s)
{
	return s->msg_len <= SPSC_CELL_MSG_LEN && s->batch == 1 &&
			       (s->msg_len == SPSC_CELL_MSG_LEN ||
				s->ring_len <= 64u << 10)
		       ? ours_region_len(spsc_cell_len(cells_nr(s)))
		       : 0;
}

static int create(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return spsc_cell_create(&region, name, cells_nr(s), 0);
}

struct tx {
	struct spsc_cell_tx end;
	struct ours_room room;
};
struct rx {
	struct spsc_cell_rx end;
	struct ours_room room;
};
_Static_assert(sizeof(struct tx) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct rx) <= BENCH_HANDLE_LEN, "handle");

static int open_tx(void *handle, void *mem, const struct bench_shape *s)
{
	struct tx *tx = handle;
	int err = ours_enter(&tx->room, 1, mem, mem_len(s));

	return err ? err
		   : spsc_cell_open_tx(&tx->end, &tx->room.region, name,
				       &tx->room.peer, 0);
}

static int open_rx(void *handle, void *mem, const struct bench_shape *s)
{
	struct rx *rx = handle;
	int err = ours_enter(&rx->room, 2, mem, mem_len(s));

	return err ? err
		   : spsc_cell_open_rx(&rx->end, &rx->room.region, name,
				       &rx->room.peer, 0);
}

/* A broken ring gives nothing more, and the harness's time runs out. */
WORK_INLINE uint32_t reserve(void *tx, uint32_t want, void **slots)
{
	struct spsc_cell *cells;
	int got = spsc_cell_reserve(tx, want, &cells);

	*slots = cells;
	return cells ? (uint32_t)got : 0;
}

WORK_INLINE void commit(void *tx, uint32_t nr)
{
	(void)spsc_cell_commit(tx, nr);
}

WORK_INLINE uint32_t peek(void *rx, uint32_t want, const void **slots)
{
	const struct spsc_cell *cells;
	int got = spsc_cell_peek(rx, want, &cells);

	*slots = cells;
	return cells ? (uint32_t)got : 0;
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	spsc_cell_release(rx, nr);
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct spsc_cell_tx, struct spsc_cell_rx, LOOPS_BY_SIZE)

const struct bench_queue bench_spsc_cell = {
	.name = "spsc_cell",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_tx,
	.open_rx = open_rx,
	.run = run,
};

/* --- calls: the first of the two memories, the second lies idle ---------- */

struct caller {
	struct spsc_call_client end;
	struct ours_room room;
};
struct answerer {
	struct spsc_call_server end;
	struct ours_room room;
};
_Static_assert(sizeof(struct caller) <= BENCH_HANDLE_LEN, "handle");
_Static_assert(sizeof(struct answerer) <= BENCH_HANDLE_LEN, "handle");

static int create_call(void *mem, const struct bench_shape *s)
{
	struct region region;

	if (region_create(&region, mem, mem_len(s)))
		return -1;
	return spsc_call_create(&region, name, cells_nr(s), 0);
}

/* PING asks where it writes to; PONG answers where it reads from. */
static int open_caller(void *handle, void *mem, const struct bench_shape *s)
{
	struct caller *caller = handle;
	int err = ours_enter(&caller->room, 1, mem, mem_len(s));

	return err ? err
		   : spsc_call_open_client(&caller->end, &caller->room.region,
					   name, &caller->room.peer, 0);
}

static int open_answerer(void *handle, void *mem, const struct bench_shape *s)
{
	struct answerer *answerer = handle;
	int err = ours_enter(&answerer->room, 2, mem, mem_len(s));

	return err ? err
		   : spsc_call_open_server(&answerer->end,
					   &answerer->room.region, name,
					   &answerer->room.peer, 0);
}

static void ask(struct bench_run *r)
{
	struct spsc_call_client client = ((struct caller *)r->tx)->end;
	uint64_t word = r->word, sum = 0;

	r->stamps[0] = loops_stamp();
	for (uint64_t i = 0; i < r->messages; i++) {
		const struct spsc_cell *reply;
		struct spsc_cell *request;

		while (spsc_call_reserve(&client, &request) <= 0)
			;
		word = work_fill(request->msg, SPSC_CELL_MSG_LEN, word);
		(void)spsc_call_commit(&client);
		while (spsc_call_peek_reply(&client, &reply) <= 0)
			;
		sum = work_sum(reply->msg, SPSC_CELL_MSG_LEN, sum);
		spsc_call_release(&client);
		r->stamps[i + 1] = loops_stamp();
	}
	r->sum = sum;
	((struct caller *)r->tx)->end = client;
}

static void answer(struct bench_run *r)
{
	struct spsc_call_server server = ((struct answerer *)r->rx)->end;
	uint64_t word = r->word, sum = 0;

	for (uint64_t i = 0; i < r->messages; i++) {
		struct spsc_cell *cell;

		while (spsc_call_peek(&server, &cell) <= 0)
			;
		sum = work_sum(cell->msg, SPSC_CELL_MSG_LEN, sum);
		word = work_fill(cell->msg, SPSC_CELL_MSG_LEN, word);
		(void)spsc_call_reply(&server);
	}
	r->sum = sum;
	((struct answerer *)r->rx)->end = server;
}

static void run_call(struct bench_run *r)
{
	if (r->role == BENCH_PING)
		ask(r);
	else
		answer(r);
}

const struct bench_queue bench_spsc_call = {
	.name = "spsc_call",
	.flags = BENCH_OURS | BENCH_SHARED,
	.kinds = BENCH_RPC,
	.mem_len = mem_len,
	.create = create_call,
	.open_tx = open_caller,
	.open_rx = open_answerer,
	.run = run_call,
};
