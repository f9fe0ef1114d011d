/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_cell.c - can one end of spsc_cell.h be made to break its promise,
 * by what the other one does or by what anybody stores? */
#include "shm/spsc_cell.h"

#include "tests/fuzz/ring_text.h"

#define TX	   0u /* ends, and their peers */
#define RX	   1u
#define MSGS_MAX   20u /* in one push or pop: more than fit any ring here */
#define MSG_LEN	   SPSC_CELL_MSG_LEN
#define CREDIT(nr) ((nr) >= 16 ? (nr) / 8 : 1)

static struct {
	struct spsc_cell_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_cell_rx rx, rx_opened;
	uint32_t reserved_nr, peeked_nr;
	uint64_t sent_nr, taken_nr; /* messages since the ring was made */
} room;

static const uint32_t cells_nrs[] = { 32, 2, 16, 4 };

static int create(const struct region *region, uint32_t shape)
{
	return spsc_cell_create(region, PROGRAM_NAME, cells_nrs[shape],
				PROGRAM_CREATOR);
}

/* All cells are as the lap before left them. */
static uint64_t wrap(void *mem, uint32_t shape)
{
	uint64_t start_idx = UINT64_MAX - 2, nr = cells_nrs[shape];
	struct spsc_cell_mem *m = mem;
	struct spsc_cell *cells = (void *)((uint8_t *)mem + m->data_off);

	m->tail_idx = m->head_idx = m->done_idx = start_idx;
	for (uint64_t idx = start_idx; idx != start_idx + nr; idx++)
		cells[idx % nr].seq = idx + 1 - nr;
	return start_idx;
}

static int retire(const struct region *region, const char *name, uint32_t id)
{
	return spsc_cell_retire(region, name, SPSC_CELL_STREAM, id);
}

/* How many an input asks for. */
static uint32_t some(const struct step *step)
{
	return 1 + step->arg % MSGS_MAX;
}

/* --- the producer --------------------------------------------------------- */

static void open_tx(const struct step *step)
{
	struct spsc_cell_tx tx;

	(void)step;
	if (program_sleeps(TX) ||
	    !program_opened(TX,
			    spsc_cell_open_tx(&tx, &program.region,
					      PROGRAM_NAME, program_peer(TX),
					      1),
			    &tx.taken_over))
		return;
	room.tx = room.tx_opened = tx;
	room.reserved_nr = 0;
}

static void leave_tx(bool dies)
{
	if (!program_ready(TX))
		return;
	if (!dies)
		spsc_cell_close_tx(&room.tx);
	program_left(TX, dies);
	room.reserved_nr = 0;
}

static void close_tx(const struct step *step)
{
	(void)step;
	leave_tx(false);
}

static void kill_tx(const struct step *step)
{
	(void)step;
	leave_tx(true);
}

/* Full, as far as the consumer said: it gives back in steps. */
static bool may_be_full(void)
{
	return room.sent_nr - room.taken_nr + CREDIT(room.tx.cells_nr) >
	       room.tx.cells_nr;
}

static void reserve(const struct step *step)
{
	uint32_t want = some(step);
	struct spsc_cell *cells;
	int got;

	if (!program_ready(TX))
		return;
	got = spsc_cell_reserve(&room.tx, want, &cells);
	FUZZ_CHECK(got <= (int)want && !cells == (got <= 0));
	room.reserved_nr = 0;
	if (got < 0)
		program_check_lie(got);
	if (got == 0)
		FUZZ_CHECK(program.hostile || may_be_full());
	if (got <= 0)
		return;
	program_check_span(cells, (uint64_t)got * sizeof(*cells));
	for (int i = 0; i < got; i++)
		program_fill(cells[i].msg, MSG_LEN, room.sent_nr + (uint64_t)i);
	room.reserved_nr = (uint32_t)got;
}

static void commit(const struct step *step)
{
	uint32_t nr;
	int err;

	if (!program_ready(TX) || !room.reserved_nr)
		return;
	nr = 1 + step->arg % room.reserved_nr;
	room.reserved_nr -= nr;
	room.sent_nr += nr;
	err = spsc_cell_commit(&room.tx, nr);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
}

static void push(const struct step *step)
{
	static uint64_t msgs[MSGS_MAX][SPSC_CELL_WORDS_NR];
	uint32_t nr = some(step);
	uint64_t before;
	int got;

	if (!program_ready(TX))
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
		program_check_error(got);
	if (got >= 0 && (uint32_t)got < nr)
		FUZZ_CHECK(program.hostile || may_be_full());
}

static void flush(const struct step *step)
{
	int err;

	(void)step;
	if (!program_ready(TX))
		return;
	err = spsc_cell_flush(&room.tx);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	program_check_rung(RX, TX, room.sent_nr);
}

static void wait_space(const struct step *step)
{
	int err;

	if (!program_ready(TX))
		return;
	room.tx.spin_ns = program_spin(step);
	room.reserved_nr = 0;
	program_sleep(TX, RX, room.taken_nr);
	err = spsc_cell_wait_space(&room.tx, program_timeout(step));
	program_wake(TX, err, program.ends[RX].died);
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || may_be_full());
}

/* --- the consumer --------------------------------------------------------- */

static void open_rx(const struct step *step)
{
	struct spsc_cell_rx rx;

	(void)step;
	if (program_sleeps(RX) ||
	    !program_opened(RX,
			    spsc_cell_open_rx(&rx, &program.region,
					      PROGRAM_NAME, program_peer(RX),
					      2),
			    &rx.taken_over))
		return;
	room.rx = room.rx_opened = rx;
	room.peeked_nr = 0;
}

static void leave_rx(bool dies)
{
	if (!program_ready(RX))
		return;
	if (!dies)
		spsc_cell_close_rx(&room.rx);
	program_left(RX, dies);
	room.peeked_nr = 0;
}

static void close_rx(const struct step *step)
{
	(void)step;
	leave_rx(false);
}

static void kill_rx(const struct step *step)
{
	(void)step;
	leave_rx(true);
}

static void peek(const struct step *step)
{
	uint32_t want = some(step);
	uint64_t there = room.sent_nr - room.taken_nr;
	const struct spsc_cell *cells;
	int got;

	if (!program_ready(RX))
		return;
	got = spsc_cell_peek(&room.rx, want, &cells);
	FUZZ_CHECK(got <= (int)want && !cells == (got <= 0));
	room.peeked_nr = 0;
	if (got < 0)
		program_check_lie(got);
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

static void release(const struct step *step)
{
	uint32_t nr;

	if (!program_ready(RX) || !room.peeked_nr)
		return;
	nr = 1 + step->arg % room.peeked_nr;
	room.peeked_nr -= nr;
	room.taken_nr += nr;
	spsc_cell_release(&room.rx, nr);
}

static void pop(const struct step *step)
{
	uint32_t want = some(step);
	static uint64_t msgs[MSGS_MAX][SPSC_CELL_WORDS_NR];
	uint64_t there = room.sent_nr - room.taken_nr;
	int got;

	if (!program_ready(RX))
		return;
	got = spsc_cell_pop(&room.rx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	room.peeked_nr = 0;
	if (got < 0) {
		program_check_lie(got);
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

	if (!program_ready(RX))
		return;
	room.rx.spin_ns = program_spin(step);
	room.peeked_nr = 0;
	program_sleep(RX, TX, room.sent_nr);
	err = spsc_cell_wait_data(&room.rx, program_timeout(step));
	program_wake(RX, err, program.ends[TX].died);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.sent_nr > room.taken_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct spsc_cell_view view;
	int err = spsc_cell_watch(&program.region, step->arg & 7, &view);
	uint64_t late;

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(view.tail_idx - view.head_idx <= view.cells_nr);
	late = program.start_idx + room.sent_nr - view.tail_idx;
	FUZZ_CHECK(program.hostile || late < SPSC_CELL_HINT_STEP);
}

/* What an end knows for itself stays in order, whatever the memory says. */
static void check(void)
{
	const struct spsc_cell_tx *tx = &room.tx;
	const struct spsc_cell_rx *rx = &room.rx;

	if (program.ends[TX].is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->cells_nr);
		FUZZ_CHECK(tx->cells_nr == room.tx_opened.cells_nr &&
			   tx->cells == room.tx_opened.cells);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (program.ends[RX].is_open) {
		FUZZ_CHECK(rx->cells_nr == room.rx_opened.cells_nr &&
			   rx->cells == room.rx_opened.cells);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

/* Their numbers: arg, how many, less 1; value, of waits, timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_tx),   RING_CALL(close_tx),
	RING_CALL(kill_tx),   RING_CALL(reserve),
	RING_CALL(commit),    RING_CALL(push),
	RING_CALL(flush),     RING_CALL(wait_space),
	RING_CALL(open_rx),   RING_CALL(close_rx),
	RING_CALL(kill_rx),   RING_CALL(peek),
	RING_CALL(release),   RING_CALL(pop),
	RING_CALL(wait_data), RING_CALL_AS("retire", program_retire),
	RING_CALL(watch),
};

#define FIELD(f) RING_FIELD(spsc_cell_mem, f)
#define SEQ_OFF	 (1024u + offsetof(struct spsc_cell, seq))
static const struct ring_field fields[] = {
	FIELD(tail_idx),
	FIELD(producer),
	FIELD(head_idx),
	FIELD(consumer),
	FIELD(done_idx),
	FIELD(data_bell.armed),
	FIELD(data_bell.doorbell),
	FIELD(space_bell.armed),
	FIELD(space_bell.doorbell),
	FIELD(magic),
	FIELD(version),
	FIELD(mode),
	FIELD(cells_nr),
	FIELD(data_off),
	RING_FIELD_AS("cell0.seq", SEQ_OFF),
	RING_FIELD_AS("cell1.seq", SEQ_OFF + sizeof(struct spsc_cell)),
};

static const struct ring_type type = {
	.target = "fuzz_spsc_cell",
	.kind = REGION_KIND_SPSC_CELL,
	.region_len = 4096,
	.create = create,
	.wrap = wrap,
	.retire = retire,
	.room = &room,
	.room_len = sizeof(room),
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
