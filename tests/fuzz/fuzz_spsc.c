/* SPDX-License-Identifier: MIT */
/* fuzz_spsc.c - can one end of spsc.h be made to break its promise, by what
 * the other one does or by what anybody stores? */
#include "shm/spsc.h"

#include "tests/fuzz/ring_text.h"

#define TX	   0u /* ends, and their peers */
#define RX	   1u
#define MSGS_MAX   20u /* in one push or pop: more than fit any ring here */
#define CREDIT(nr) ((nr) >= 16 ? (nr) / 8 : 1)

static struct {
	struct spsc_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_rx rx, rx_opened;
	uint32_t reserved_nr, peeked_nr;
	/* Messages since the ring was made; of those sent some may be staged.
	 */
	uint64_t sent_nr, seen_nr, taken_nr;
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 128, 16 }, { 8, 2 }, { 64, 32 }, { 24, 4 } };

static int create(const struct region *region, uint32_t shape)
{
	return spsc_create(region, PROGRAM_NAME, shapes[shape].slot_len,
			   shapes[shape].slots_nr, PROGRAM_CREATOR);
}

static uint64_t wrap(void *mem, uint32_t shape)
{
	struct spsc_mem *m = mem;

	(void)shape;
	m->tail_idx = m->head_idx = m->done_idx = UINT64_MAX - 2;
	return UINT64_MAX - 2;
}

/* How many an input asks for. */
static uint32_t some(const struct step *step)
{
	return 1 + step->arg % MSGS_MAX;
}

/* --- the producer --------------------------------------------------------- */

static void open_tx(const struct step *step)
{
	struct spsc_tx tx;

	(void)step;
	if (program_sleeps(TX) ||
	    !program_opened(TX,
			    spsc_open_tx(&tx, &program.region, PROGRAM_NAME,
					 program_peer(TX), 1),
			    &tx.taken_over))
		return;
	room.tx = room.tx_opened = tx;
	room.reserved_nr = 0;
}

static void close_tx(const struct step *step)
{
	(void)step;
	if (!program_ready(TX))
		return;
	spsc_close_tx(&room.tx);
	room.seen_nr = room.sent_nr;
	program_left(TX, false);
}

static void kill_tx(const struct step *step)
{
	(void)step;
	if (!program_ready(TX))
		return;
	room.sent_nr = room.seen_nr; /* what was not published never was */
	program_left(TX, true);
}

/* What was sent is published; only spsc_stage() waits for a run's end. */
static void tx_moved(bool staged)
{
	if (!staged || room.tx.run_left <= 0)
		room.seen_nr = room.sent_nr;
}

/* Full, as far as the consumer said: it gives back in steps. */
static bool may_be_full(void)
{
	return room.sent_nr - room.taken_nr + CREDIT(room.tx.slots_nr) >
	       room.tx.slots_nr;
}

static void reserve(const struct step *step)
{
	uint64_t len = room.tx.slot_len;
	uint32_t want = some(step);
	void *slots;
	int got;

	if (!program_ready(TX))
		return;
	got = spsc_reserve(&room.tx, want, &slots);
	FUZZ_CHECK(got <= (int)want && !slots == (got <= 0));
	room.reserved_nr = 0;
	if (got < 0)
		program_check_lie(got);
	if (got == 0)
		FUZZ_CHECK(program.hostile || may_be_full());
	if (got <= 0)
		return;
	program_check_span(slots, (uint64_t)got * len);
	for (int i = 0; i < got; i++)
		program_fill((uint8_t *)slots + (uint64_t)i * len, len,
			     room.sent_nr + (uint64_t)i);
	room.reserved_nr = (uint32_t)got;
}

/* Publish, or stage, some of what is reserved. */
static void pass_on(uint32_t nr, int (*how)(struct spsc_tx *, uint32_t))
{
	int err;

	if (!program_ready(TX) || !room.reserved_nr)
		return;
	nr = 1 + nr % room.reserved_nr;
	room.reserved_nr -= nr;
	room.sent_nr += nr;
	err = how(&room.tx, nr);
	tx_moved(how == spsc_stage);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
}

static void commit(const struct step *step)
{
	pass_on(step->arg, spsc_commit);
}

static void stage(const struct step *step)
{
	pass_on(step->arg, spsc_stage);
}

static void push(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * SPSC_SLOT_LEN_MAX / 4096];
	uint64_t before, len = room.tx.slot_len;
	uint32_t nr = some(step);
	int got;

	if (!program_ready(TX) || nr * len > sizeof(msgs))
		return;
	before = room.tx.tail_idx;
	for (uint32_t i = 0; i < nr; i++)
		program_fill(msgs + i * len, len, room.sent_nr + i);
	got = spsc_push(&room.tx, msgs, nr);
	room.reserved_nr = 0;
	/* When the bell fails, some may be in. */
	room.sent_nr += room.tx.tail_idx - before;
	tx_moved(false);
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
	err = spsc_flush(&room.tx);
	tx_moved(false);
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
	room.seen_nr = room.sent_nr; /* it publishes first */
	program_sleep(TX, RX, room.taken_nr);
	err = spsc_wait_space(&room.tx, program_timeout(step));
	program_wake(TX, err, program.ends[RX].died);
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || may_be_full());
}

/* --- the consumer --------------------------------------------------------- */

static void open_rx(const struct step *step)
{
	struct spsc_rx rx;

	(void)step;
	if (program_sleeps(RX) ||
	    !program_opened(RX,
			    spsc_open_rx(&rx, &program.region, PROGRAM_NAME,
					 program_peer(RX), 2),
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
		spsc_close_rx(&room.rx);
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
	uint64_t len = room.rx.slot_len, there = room.seen_nr - room.taken_nr;
	uint32_t want = some(step);
	const void *slots;
	int got;

	if (!program_ready(RX))
		return;
	got = spsc_peek(&room.rx, want, &slots);
	FUZZ_CHECK(got <= (int)want && !slots == (got <= 0));
	room.peeked_nr = 0;
	if (got < 0)
		program_check_lie(got);
	else
		FUZZ_CHECK(program.hostile || (got > 0) == (there > 0));
	if (got <= 0)
		return;
	program_check_span(slots, (uint64_t)got * len);
	for (int i = 0; i < got; i++)
		program_expect((const uint8_t *)slots + (uint64_t)i * len, len,
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
	spsc_release(&room.rx, nr);
}

static void pop(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * SPSC_SLOT_LEN_MAX / 4096];
	uint64_t len = room.rx.slot_len, there = room.seen_nr - room.taken_nr;
	uint32_t want = some(step);
	int got;

	if (!program_ready(RX) || want * len > sizeof(msgs))
		return;
	got = spsc_pop(&room.rx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	room.peeked_nr = 0;
	if (got < 0) {
		program_check_lie(got);
		return;
	}
	FUZZ_CHECK(program.hostile ||
		   (uint64_t)got == (want < there ? want : there));
	for (int i = 0; i < got; i++)
		program_expect(msgs + (uint64_t)i * len, len,
			       room.taken_nr + (uint64_t)i);
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
	err = spsc_wait_data(&room.rx, program_timeout(step));
	program_wake(RX, err, program.ends[TX].died);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.seen_nr > room.taken_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct spsc_view view;
	int err = spsc_watch(&program.region, step->arg & 7, &view);

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(view.tail_idx - view.head_idx <= view.slots_nr);
	FUZZ_CHECK(program.hostile ||
		   view.tail_idx == program.start_idx + room.seen_nr);
}

/* What an end knows for itself stays in order, whatever the memory says. */
static void check(void)
{
	const struct spsc_tx *tx = &room.tx;
	const struct spsc_rx *rx = &room.rx;

	if (program.ends[TX].is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->slots_nr);
		FUZZ_CHECK(tx->slots_nr == room.tx_opened.slots_nr &&
			   tx->slot_len == room.tx_opened.slot_len &&
			   tx->data == room.tx_opened.data);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (program.ends[RX].is_open) {
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->slots_nr);
		FUZZ_CHECK(rx->slots_nr == room.rx_opened.slots_nr &&
			   rx->slot_len == room.rx_opened.slot_len &&
			   rx->data == room.rx_opened.data);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

/* Their numbers: arg, how many, less 1; value, of waits, timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_tx),
	RING_CALL(close_tx),
	RING_CALL(kill_tx),
	RING_CALL(reserve),
	RING_CALL(commit),
	RING_CALL(push),
	RING_CALL(flush),
	RING_CALL(wait_space),
	RING_CALL(open_rx),
	RING_CALL(close_rx),
	RING_CALL(kill_rx),
	RING_CALL(peek),
	RING_CALL(release),
	RING_CALL(pop),
	RING_CALL(wait_data),
	RING_CALL(watch),
	RING_CALL_AS("retire", program_retire),
	RING_CALL(stage),
};

#define FIELD(f) RING_FIELD(spsc_mem, f)
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
	FIELD(slot_len),
	FIELD(slots_nr),
	FIELD(data_off),
};

static const struct ring_type type = {
	.target = "fuzz_spsc",
	.kind = REGION_KIND_SPSC,
	.region_len = 4096,
	.create = create,
	.wrap = wrap,
	.retire = spsc_retire,
	.room = &room,
	.room_len = sizeof(room),
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
