/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_cell.c - can one end of spsc_cell.h be made to break its promise,
 * by what the other one does or by what anybody stores? */
#include "shm/spsc_cell.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN_TX = PROGRAM_OPS_NR,
	OP_CLOSE_TX,
	OP_KILL_TX,
	OP_RESERVE, /* arg: how many */
	OP_COMMIT,
	OP_PUSH,
	OP_FLUSH,
	OP_WAIT_SPACE, /* value: timeout and spin */
	OP_OPEN_RX,
	OP_CLOSE_RX,
	OP_KILL_RX,
	OP_PEEK,
	OP_RELEASE,
	OP_POP,
	OP_WAIT_DATA,
	OP_RETIRE,
	OPS_END
};

#define TX	   0u /* indices of peers, bits of sleepers */
#define RX	   1u
#define RETIRER	   2u
#define MSGS_MAX   20u /* in one push or pop: more than fit any ring here */
#define MSG_LEN	   SPSC_CELL_MSG_LEN
#define CREDIT(nr) ((nr) >= 16 ? (nr) / 8 : 1)

static struct {
	struct spsc_cell_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_cell_rx rx, rx_opened;
	bool tx_is_open, rx_is_open;
	bool tx_died, rx_died; /* and nobody took over yet */
	uint32_t reserved_nr, peeked_nr;
	uint64_t sent_nr, taken_nr; /* messages since the ring was made */
	uint64_t sent_at_sleep;
	uint32_t notifies_at_sleep;
} room;

static const uint32_t cells_nrs[] = { 32, 2, 16, 4 };

static int create(const struct region *region, uint8_t which)
{
	uint64_t start_idx = which & 0x80 ? UINT64_MAX - 2 : 0;
	uint32_t cells_nr = cells_nrs[which & 3];
	struct region_info info;
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	int err = spsc_cell_create(region, PROGRAM_NAME, cells_nr, RETIRER);

	if (!err)
		err = region_channel_find(region, PROGRAM_NAME,
					  REGION_KIND_SPSC_CELL, &info);
	if (err)
		return err;
	/* TRUST: the channel was checked. Counts that wrap soon: all cells are
	 * as the lap before left them. */
	mem = (void *)(region->base + info.off);
	cells = (void *)(region->base + info.off + mem->data_off);
	mem->tail_idx = start_idx;
	mem->head_idx = start_idx;
	mem->done_idx = start_idx;
	for (uint32_t i = 0; i < cells_nr; i++)
		cells[(start_idx + i) % cells_nr].seq = start_idx + i + 1 -
							cells_nr;
	return 0;
}

static void reset(void)
{
	memset(&room, 0, sizeof(room));
}

static bool tx_ready(void)
{
	return room.tx_is_open && !(program.sleepers & 1u << TX);
}

static bool rx_ready(void)
{
	return room.rx_is_open && !(program.sleepers & 1u << RX);
}

/* --- opening, closing, dying --------------------------------------------- */

static void open_tx(void)
{
	struct spsc_cell_tx tx;
	int err;

	if (program.sleepers & 1u << TX)
		return;
	err = spsc_cell_open_tx(&tx, &program.region, PROGRAM_NAME,
				&program.peers[TX].peer, 1);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.tx_is_open ? -SHM_EEXIST : 0));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || tx.taken_over == room.tx_died);
	room.tx = room.tx_opened = tx;
	room.tx_is_open = true;
	room.tx_died = false;
	room.reserved_nr = 0;
}

static void open_rx(void)
{
	struct spsc_cell_rx rx;
	int err;

	if (program.sleepers & 1u << RX)
		return;
	err = spsc_cell_open_rx(&rx, &program.region, PROGRAM_NAME,
				&program.peers[RX].peer, 2);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.rx_is_open ? -SHM_EEXIST : 0));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || rx.taken_over == room.rx_died);
	room.rx = room.rx_opened = rx;
	room.rx_is_open = true;
	room.rx_died = false;
	room.peeked_nr = 0;
}

static void leave_tx(bool dies)
{
	if (!tx_ready())
		return;
	if (dies)
		program_kill(&program.peers[TX]);
	else
		spsc_cell_close_tx(&room.tx);
	room.tx_is_open = false;
	room.tx_died = dies;
	room.reserved_nr = 0;
}

static void leave_rx(bool dies)
{
	if (!rx_ready())
		return;
	if (dies)
		program_kill(&program.peers[RX]);
	else
		spsc_cell_close_rx(&room.rx);
	room.rx_is_open = false;
	room.rx_died = dies;
	room.peeked_nr = 0;
}

static void retire(void)
{
	int err;

	if (program.sleepers)
		return;
	err = spsc_cell_retire(&program.region, PROGRAM_NAME, SPSC_CELL_STREAM,
			       program.peers[RETIRER].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(
		program.hostile ||
		err == (room.tx_is_open || room.rx_is_open ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

/* --- the producer --------------------------------------------------------- */

/* Full, as far as the consumer said: it gives back in steps. */
static bool may_be_full(void)
{
	return room.sent_nr - room.taken_nr + CREDIT(room.tx.cells_nr) >
	       room.tx.cells_nr;
}

static void reserve(uint32_t want)
{
	struct spsc_cell *cells;
	int got;

	if (!tx_ready())
		return;
	got = spsc_cell_reserve(&room.tx, want, &cells);
	FUZZ_CHECK(got <= (int)want && !cells == (got <= 0));
	room.reserved_nr = 0;
	if (got < 0)
		FUZZ_CHECK(program.hostile &&
			   PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER));
	if (got == 0)
		FUZZ_CHECK(program.hostile || may_be_full());
	if (got <= 0)
		return;
	program_check_span(cells, (uint64_t)got * sizeof(*cells));
	for (int i = 0; i < got; i++)
		program_fill(cells[i].msg, MSG_LEN, room.sent_nr + (uint64_t)i);
	room.reserved_nr = (uint32_t)got;
}

static void commit(uint32_t nr)
{
	int err;

	if (!tx_ready() || !room.reserved_nr)
		return;
	nr = 1 + nr % room.reserved_nr;
	room.reserved_nr -= nr;
	room.sent_nr += nr;
	err = spsc_cell_commit(&room.tx, nr);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
}

static void push(uint32_t nr)
{
	static uint64_t msgs[MSGS_MAX][SPSC_CELL_WORDS_NR];
	uint64_t before;
	int got;

	if (!tx_ready())
		return;
	before = room.tx.tail_idx;
	for (uint32_t i = 0; i < nr; i++)
		program_fill(msgs[i], MSG_LEN, room.sent_nr + i);
	got = spsc_cell_push(&room.tx, msgs, nr);
	room.reserved_nr = 0;
	/* When the bell fails, some may be in. */
	room.sent_nr += room.tx.tail_idx - before;
	FUZZ_CHECK(room.tx.tail_idx - before <= nr);
	if (got >= 0)
		FUZZ_CHECK(room.tx.tail_idx - before == (uint64_t)got);
	else
		FUZZ_CHECK(got == -SHM_EIO ||
			   (program.hostile &&
			    PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER)));
	if (got >= 0 && (uint32_t)got < nr)
		FUZZ_CHECK(program.hostile || may_be_full());
}

static void flush(void)
{
	int err;

	if (!tx_ready())
		return;
	err = spsc_cell_flush(&room.tx);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	/* A consumer that slept when something came was rung. */
	if (program.sleepers & 1u << RX && !program.hostile)
		FUZZ_CHECK(room.sent_nr == room.sent_at_sleep ||
			   program.peers[TX].notifies_nr !=
				   room.notifies_at_sleep);
}

static void wait_space(const struct step *step)
{
	int err;

	if (!tx_ready())
		return;
	room.tx.spin_ns = program_spin(step);
	room.reserved_nr = 0;
	program.sleepers |= 1u << TX;
	err = spsc_cell_wait_space(&room.tx, program_timeout(step));
	program.sleepers &= ~(1u << TX);
	FUZZ_CHECK(err == 0 || err == -SHM_ETIMEDOUT || err == -SHM_EIO ||
		   (err == -SHM_EGONE && (program.hostile || room.rx_died)) ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || may_be_full());
}

/* --- the consumer --------------------------------------------------------- */

static void peek(uint32_t want)
{
	uint64_t there = room.sent_nr - room.taken_nr;
	const struct spsc_cell *cells;
	int got;

	if (!rx_ready())
		return;
	got = spsc_cell_peek(&room.rx, want, &cells);
	FUZZ_CHECK(got <= (int)want && !cells == (got <= 0));
	room.peeked_nr = 0;
	if (got < 0)
		FUZZ_CHECK(program.hostile &&
			   PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER));
	else
		FUZZ_CHECK(program.hostile || (got > 0) == (there > 0));
	if (got <= 0)
		return;
	program_check_span(cells, (uint64_t)got * sizeof(*cells));
	for (int i = 0; i < got; i++)
		program_expect(cells[i].msg, MSG_LEN,
			       room.taken_nr + (uint64_t)i);
	room.peeked_nr = (uint32_t)got;
}

static void release(uint32_t nr)
{
	if (!rx_ready() || !room.peeked_nr)
		return;
	nr = 1 + nr % room.peeked_nr;
	room.peeked_nr -= nr;
	room.taken_nr += nr;
	spsc_cell_release(&room.rx, nr);
}

static void pop(uint32_t want)
{
	static uint64_t msgs[MSGS_MAX][SPSC_CELL_WORDS_NR];
	uint64_t there = room.sent_nr - room.taken_nr;
	int got;

	if (!rx_ready())
		return;
	got = spsc_cell_pop(&room.rx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	room.peeked_nr = 0;
	if (got < 0) {
		FUZZ_CHECK(program.hostile &&
			   PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER));
		return;
	}
	FUZZ_CHECK(program.hostile ||
		   (uint64_t)got == (want < there ? want : there));
	for (int i = 0; i < got; i++)
		program_expect(msgs[i], MSG_LEN, room.taken_nr + (uint64_t)i);
	room.taken_nr += (uint64_t)got;
}

static void wait_data(const struct step *step)
{
	int err;

	if (!rx_ready())
		return;
	room.rx.spin_ns = program_spin(step);
	room.peeked_nr = 0;
	room.sent_at_sleep = room.sent_nr;
	room.notifies_at_sleep = program.peers[TX].notifies_nr;
	program.sleepers |= 1u << RX;
	err = spsc_cell_wait_data(&room.rx, program_timeout(step));
	program.sleepers &= ~(1u << RX);
	FUZZ_CHECK(err == 0 || err == -SHM_ETIMEDOUT || err == -SHM_EIO ||
		   (err == -SHM_EGONE && (program.hostile || room.tx_died)) ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.sent_nr > room.taken_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void run(const struct step *step)
{
	uint32_t nr = 1 + step->arg % MSGS_MAX;

	switch (step->op + PROGRAM_OPS_NR) {
	case OP_OPEN_TX:
		open_tx();
		break;
	case OP_CLOSE_TX:
		leave_tx(false);
		break;
	case OP_KILL_TX:
		leave_tx(true);
		break;
	case OP_RESERVE:
		reserve(nr);
		break;
	case OP_COMMIT:
		commit(step->arg);
		break;
	case OP_PUSH:
		push(nr);
		break;
	case OP_FLUSH:
		flush();
		break;
	case OP_WAIT_SPACE:
		wait_space(step);
		break;
	case OP_OPEN_RX:
		open_rx();
		break;
	case OP_CLOSE_RX:
		leave_rx(false);
		break;
	case OP_KILL_RX:
		leave_rx(true);
		break;
	case OP_PEEK:
		peek(nr);
		break;
	case OP_RELEASE:
		release(step->arg);
		break;
	case OP_POP:
		pop(nr);
		break;
	case OP_WAIT_DATA:
		wait_data(step);
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

/* What an end knows for itself stays in order, whatever the memory says. */
static void check(void)
{
	const struct spsc_cell_tx *tx = &room.tx;
	const struct spsc_cell_rx *rx = &room.rx;

	if (room.tx_is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->cells_nr);
		FUZZ_CHECK(tx->cells_nr == room.tx_opened.cells_nr &&
			   tx->cells == room.tx_opened.cells);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (room.rx_is_open) {
		FUZZ_CHECK(rx->cells_nr == room.rx_opened.cells_nr &&
			   rx->cells == room.rx_opened.cells);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_SPSC_CELL,
	.region_len = 4096,
	.create = create,
	.reset = reset,
	.run = run,
	.ops_nr = OPS_END - PROGRAM_OPS_NR,
	.check = check,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	program_run(&type, data, len);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define OPEN                        \
	{ OP_OPEN_TX, 0, 0, 0 },    \
	{                           \
		OP_OPEN_RX, 0, 0, 0 \
	}
#define DO(op, arg)           \
	{                     \
		op, arg, 0, 0 \
	}
#define WAIT(op)            \
	{                   \
		op, 0, 0, 3 \
	}
#define LIE(f, by)                                                       \
	{                                                                \
		PROGRAM_WRITE_RING, SCRIBBLE(3, SCRIBBLE_ADD), AT(f), by \
	}
#define AT(f)	    offsetof(struct spsc_cell_mem, f)
#define AT_LOAD(nr) ((nr) << 4)

static const struct program_seed seeds[] = {
	{ 0x80,
	  { "push_and_pop_over_the_wrap",
	    8,
	    { OPEN, DO(OP_PUSH, 15), DO(OP_POP, 7), DO(OP_PUSH, 7),
	      DO(OP_POP, 15), DO(OP_CLOSE_TX, 0), DO(OP_CLOSE_RX, 0) } } },
	{ 1,
	  { "reserve_commit_peek_release",
	    8,
	    { OPEN, DO(OP_RESERVE, 1), DO(OP_COMMIT, 0), DO(OP_COMMIT, 0),
	      DO(OP_PEEK, 1), DO(OP_RELEASE, 0), DO(OP_RELEASE, 0) } } },
	{ 2,
	  { "consumer_sleeps_and_is_rung",
	    6,
	    { OPEN, WAIT(OP_WAIT_DATA), DO(OP_PUSH, 0), DO(OP_FLUSH, 0),
	      DO(OP_POP, 0) } } },
	{ 1,
	  { "producer_sleeps_until_there_is_room",
	    7,
	    { OPEN, DO(OP_PUSH, 3), WAIT(OP_WAIT_SPACE), DO(OP_POP, 0),
	      DO(OP_PUSH, 0), WAIT(OP_WAIT_SPACE) } } },
	{ 3,
	  { "both_die_and_are_succeeded",
	    11,
	    { OPEN, DO(OP_PUSH, 3), DO(OP_PEEK, 2), DO(OP_RELEASE, 0),
	      DO(OP_KILL_RX, 0), DO(OP_KILL_TX, 0), WAIT(OP_WAIT_DATA), OPEN,
	      DO(OP_POP, 9) } } },
	{ 3,
	  { "consumer_waits_for_a_dead_producer",
	    6,
	    { OPEN, DO(OP_PUSH, 0), DO(OP_KILL_TX, 0), DO(OP_POP, 0),
	      WAIT(OP_WAIT_DATA) } } },
	{ 0,
	  { "retired_and_created_again",
	    8,
	    { OPEN, DO(OP_PUSH, 3), DO(OP_CLOSE_TX, 0), DO(OP_KILL_RX, 0),
	      DO(OP_RETIRE, 0), OPEN } } },
	{ 0,
	  { "consumer_lies_about_head",
	    7,
	    { OPEN, DO(OP_PUSH, 15), LIE(head_idx, 17), DO(OP_RESERVE, 1),
	      LIE(head_idx, (uint32_t)-17), DO(OP_PUSH, 1) } } },
	{ 0,
	  { "hint_jumps_during_a_pop",
	    7,
	    { OPEN,
	      DO(OP_PUSH, 3),
	      { PROGRAM_WRITE_RING, SCRIBBLE(3, SCRIBBLE_ADD) | AT_LOAD(2),
		AT(tail_idx), 20 },
	      DO(OP_POP, 9),
	      DO(OP_PEEK, 1),
	      WAIT(OP_WAIT_DATA) } } },
	{ 0,
	  { "geometry_changes_while_opened",
	    5,
	    { { PROGRAM_WRITE_RING, SCRIBBLE(2, SCRIBBLE_ADD) | AT_LOAD(9),
		AT(cells_nr), 16 },
	      OPEN,
	      DO(OP_PUSH, 15),
	      DO(OP_PUSH, 15) } } },
	{ 0,
	  { "doorbells_fail",
	    8,
	    { OPEN,
	      { PROGRAM_BELL, 1, TX, 0 },
	      { PROGRAM_BELL, 2, RX, 0 },
	      WAIT(OP_WAIT_DATA),
	      DO(OP_PUSH, 3),
	      DO(OP_FLUSH, 0),
	      { PROGRAM_BELL, 3, TX, 0 } } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
