/* SPDX-License-Identifier: MIT */
/* fuzz_mpmc.c - does each message of mpmc.h reach exactly one consumer, or is
 * it reported lost, whoever dies; and does garbage do no more than stop it? */
#include "shm/mpmc.h"

#include "tests/fuzz/ring_text.h"

#define ENDS_NR	   3u /* of each role: ends 0..2 write, 3..5 read */
#define MSGS_MAX   20u
#define MSG_MAX	   120u
#define NUMBERS_NR 16384u /* more than one program gets to */

/* What became of a message. */
enum fate {
	NOTHING_YET,
	RESERVED,
	SENT,
	TAKEN,
	RELEASED,
	LOST
};

union seat {
	struct mpmc_tx tx;
	struct mpmc_rx rx;
	struct mpmc_end end; /* what both are made of */
};

static struct {
	union seat seats[2 * ENDS_NR];
	uint8_t fates[NUMBERS_NR];
	uint64_t sent_end, taken_end; /* number behind the last claimed */
	bool somebody_died;	      /* then it may take longer */
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 56, 16 }, { 8, 4 }, { 120, 8 }, { 8, 64 } };

static int create(const struct region *region, uint32_t shape)
{
	return mpmc_create(region, PROGRAM_NAME, shapes[shape].slot_len,
			   shapes[shape].slots_nr, ENDS_NR, PROGRAM_CREATOR);
}

/* The cells are free for numbers from there on. */
static uint64_t wrap(void *mem, uint32_t shape)
{
	uint64_t slots_nr = shapes[shape].slots_nr;
	uint64_t start_idx = UINT64_MAX - slots_nr + 1;
	struct mpmc_mem *m = mem;

	m->tail_idx = m->head_idx = start_idx;
	for (uint64_t i = 0; i < slots_nr; i++) {
		struct mpmc_cell *cell = (void *)((uint8_t *)mem + m->data_off +
						  i * m->cell_len);

		cell->seq = start_idx + i;
	}
	return start_idx;
}

static void reset(void)
{
	room.sent_end = program.start_idx;
	room.taken_end = program.start_idx;
}

/* The end a step is about. */
static uint32_t end_in(const struct step *step)
{
	return step->arg % (2 * ENDS_NR);
}

static uint32_t want_in(const struct step *step)
{
	return 1 + step->off % MSGS_MAX;
}

static bool is_tx(uint32_t nr)
{
	return nr < ENDS_NR;
}

/* An end that is open and not inside of a wait, or NULL. */
static union seat *ready(uint32_t nr)
{
	return program_ready(nr) ? &room.seats[nr] : NULL;
}

/* A message goes from one of its states to the next. */
static void fate_moves(uint64_t idx, enum fate from, enum fate to)
{
	uint8_t *fate;

	if (program.hostile)
		return;
	FUZZ_CHECK(idx - program.start_idx < NUMBERS_NR);
	fate = &room.fates[idx - program.start_idx];
	FUZZ_CHECK(*fate == from);
	*fate = (uint8_t)to;
}

static void lost(void *arg, uint64_t idx, bool sent)
{
	(void)arg;
	FUZZ_CHECK(program.hostile || room.somebody_died);
	fate_moves(idx, sent ? TAKEN : RESERVED, LOST);
}

static void end_error(int err)
{
	if (!program.hostile || err != -SHM_EINVAL)
		program_check_error(err);
}

/* --- opening, closing, dying ---------------------------------------------- */

static void open_end(const struct step *step)
{
	uint32_t nr = end_in(step);
	union seat *seat = &room.seats[nr];
	int err;

	if (program.ends[nr].is_open)
		return;
	err = is_tx(nr) ? mpmc_open_tx(&seat->tx, &program.region, PROGRAM_NAME,
				       program_peer(nr), 1)
			: mpmc_open_rx(&seat->rx, &program.region, PROGRAM_NAME,
				       program_peer(nr), 1);
	/* As many seats as ends here; the dead ones' are free. */
	if (program_opened(nr, err, NULL))
		seat->end.lost = lost;
}

/* What it held and has not finished. */
static void claim_ends(union seat *seat, enum fate from, enum fate to)
{
	for (uint32_t i = 0; i < seat->end.held_nr; i++)
		fate_moves(seat->end.held_idx + i, from, to);
}

static void close_end(const struct step *step)
{
	uint32_t nr = end_in(step);
	union seat *seat = ready(nr);

	if (!seat)
		return;
	if (seat->end.held_nr && is_tx(nr))
		room.somebody_died = true; /* what it reserved is lost now */
	if (is_tx(nr)) {
		mpmc_close_tx(&seat->tx);
	} else {
		claim_ends(seat, TAKEN, RELEASED);
		mpmc_close_rx(&seat->rx);
	}
	program_left(nr, false);
}

static void kill_end(const struct step *step)
{
	uint32_t nr = end_in(step);

	if (!program_ready(nr))
		return;
	program_left(nr, true);
	room.somebody_died = true;
}

/* --- messages ------------------------------------------------------------- */

static bool claims_open(void)
{
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++)
		if (program.ends[i].is_open && room.seats[i].end.held_nr)
			return true;
	return false;
}

/* Nothing to be had is an answer only if it is so, or somebody holds it up. */
static void refusal_check(uint32_t nr, bool held_up)
{
	uint64_t there = room.sent_end - room.taken_end;

	if (program.hostile || room.somebody_died || held_up)
		return;
	FUZZ_CHECK(there == (is_tx(nr) ? room.seats[nr].end.slots_nr : 0));
}

static void claim_tx(union seat *seat, uint32_t got)
{
	uint64_t len = seat->end.slot_len, idx = seat->end.held_idx;

	FUZZ_CHECK(program.hostile || idx == room.sent_end);
	room.sent_end = idx + got;
	for (uint32_t i = 0; i < got; i++) {
		void *slot = mpmc_slot_tx(&seat->tx, i);

		program_check_span(slot, len);
		program_fill(slot, len, idx + i);
		fate_moves(idx + i, NOTHING_YET, RESERVED);
	}
}

static void claim_rx(union seat *seat, uint32_t got)
{
	uint64_t len = seat->end.slot_len, idx = seat->end.held_idx;

	/* What the dead had is passed over, and may be more than a ring. */
	FUZZ_CHECK(program.hostile ||
		   (room.somebody_died ? (int64_t)(idx - room.taken_end) >= 0
				       : idx == room.taken_end));
	room.taken_end = idx + got;
	for (uint32_t i = 0; i < got; i++) {
		const void *slot = mpmc_slot_rx(&seat->rx, i);

		program_check_span(slot, len);
		program_expect(slot, len, idx + i);
		fate_moves(idx + i, SENT, TAKEN);
	}
}

static void claim(const struct step *step)
{
	uint32_t nr = end_in(step), want = want_in(step);
	union seat *seat = ready(nr);
	bool held_up = claims_open();
	int got;

	if (!seat)
		return;
	if (seat->end.held_nr) {
		got = is_tx(nr) ? mpmc_reserve(&seat->tx, want)
				: mpmc_take(&seat->rx, want);
		FUZZ_CHECK(got < 0);
		return;
	}
	got = is_tx(nr) ? mpmc_reserve(&seat->tx, want)
			: mpmc_take(&seat->rx, want);
	FUZZ_CHECK(got <= (int)want);
	if (got < 0)
		end_error(got);
	else if (!got)
		refusal_check(nr, held_up);
	else if (is_tx(nr))
		claim_tx(seat, (uint32_t)got);
	else
		claim_rx(seat, (uint32_t)got);
}

static void finish(const struct step *step)
{
	uint32_t nr = end_in(step);
	union seat *seat = ready(nr);
	int err;

	if (!seat || !seat->end.held_nr)
		return;
	claim_ends(seat, is_tx(nr) ? RESERVED : TAKEN,
		   is_tx(nr) ? SENT : RELEASED);
	err = is_tx(nr) ? mpmc_commit(&seat->tx) : mpmc_release(&seat->rx);
	if (err)
		end_error(err);
}

/* Push numbers nobody can know before: all words of it are the same. */
static void copy(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint32_t nr = end_in(step), want = want_in(step);
	union seat *seat = ready(nr);
	bool held_up = claims_open();
	uint64_t len, first;
	int got;

	if (!seat || seat->end.held_nr || seat->end.slot_len > MSG_MAX)
		return;
	len = seat->end.slot_len;
	first = is_tx(nr) ? room.sent_end : room.taken_end;
	for (uint32_t i = 0; i < want && is_tx(nr); i++)
		program_fill(msgs + i * len, len, first + i);
	got = is_tx(nr) ? mpmc_push(&seat->tx, msgs, want)
			: mpmc_pop(&seat->rx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	if (got < 0) {
		end_error(got);
		program.hostile = true; /* how many went through is not said */
		return;
	}
	if (!got)
		refusal_check(nr, held_up);
	/* Lost ones between two batches make the numbers jump. */
	if (room.somebody_died && !is_tx(nr))
		program.hostile = true;
	for (uint32_t i = 0; i < (uint32_t)got; i++) {
		fate_moves(first + i, is_tx(nr) ? NOTHING_YET : SENT,
			   is_tx(nr) ? SENT : RELEASED);
		if (!is_tx(nr))
			program_expect(msgs + i * len, len, first + i);
	}
	if (is_tx(nr))
		room.sent_end = first + (uint32_t)got;
	else
		room.taken_end = first + (uint32_t)got;
}

static void flush(const struct step *step)
{
	uint32_t nr = end_in(step);
	union seat *seat = ready(nr);
	int err;

	if (!seat)
		return;
	err = is_tx(nr) ? mpmc_flush_tx(&seat->tx) : mpmc_flush_rx(&seat->rx);
	if (err)
		end_error(err);
}

static void wait_end(const struct step *step)
{
	uint32_t nr = end_in(step);
	union seat *seat = ready(nr);
	bool held;
	int err;

	if (!seat)
		return;
	held = seat->end.held_nr;
	seat->end.spin_ns = program_spin(step);
	program_sleep(nr, nr, 0);
	err = is_tx(nr) ? mpmc_wait_space(&seat->tx, program_timeout(step))
			: mpmc_wait_data(&seat->rx, program_timeout(step));
	program_wake(nr, held && err == -SHM_EINVAL ? 0 : err,
		     room.somebody_died);
	if (held)
		FUZZ_CHECK(err < 0);
}

static void watch(const struct step *step)
{
	struct mpmc_view view;
	int err = mpmc_watch(&program.region, step->off & 7, &view);
	uint32_t open_nr[2] = { 0, 0 };

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(view.tail_idx - view.head_idx <= view.slots_nr);
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++)
		open_nr[is_tx(i)] += program.ends[i].is_open;
	FUZZ_CHECK(program.hostile || (view.producers_nr == open_nr[true] &&
				       view.consumers_nr == open_nr[false]));
	/* Consumers also claim the numbers of what was lost. */
	FUZZ_CHECK(program.hostile ||
		   (view.tail_idx == room.sent_end &&
		    (room.somebody_died || view.head_idx == room.taken_end)));
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++) {
		const struct mpmc_end *end = &room.seats[i].end;

		if (!program.ends[i].is_open)
			continue;
		FUZZ_CHECK(end->held_nr <= end->slots_nr);
		FUZZ_CHECK(!(end->slots_nr & (end->slots_nr - 1)));
		program_check_span(end->cells, end->slots_nr * end->cell_len);
		FUZZ_CHECK(program.hostile || !end->broken);
	}
}

/* Their numbers: arg, which end; off, how many, less 1; value, of waits,
 * timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL_AS("open", open_end),
	RING_CALL_AS("close", close_end),
	RING_CALL_AS("kill", kill_end),
	RING_CALL(claim),
	RING_CALL(finish),
	RING_CALL(copy),
	RING_CALL(flush),
	RING_CALL_AS("wait", wait_end),
	RING_CALL_AS("retire", program_retire),
	RING_CALL(watch),
};

#define FIELD(f) RING_FIELD(mpmc_mem, f)
#define SEAT_OFF(nr, f)                               \
	((uint32_t)(sizeof(struct mpmc_mem) +         \
		    (nr) * sizeof(struct mpmc_seat) + \
		    offsetof(struct mpmc_seat, f)))
/* Of the smallest cells; with larger ones it is in cell 0, too. */
#define CELL_OFF(nr) (SEAT_OFF(2ul * ENDS_NR, owner) + (nr)*16ul)
static const struct ring_field fields[] = {
	FIELD(tail_idx),
	FIELD(head_idx),
	FIELD(tx_asleep),
	FIELD(rx_asleep),
	RING_FIELD_AS("seat0.owner", SEAT_OFF(0, owner)),
	RING_FIELD_AS("seat0.intent", SEAT_OFF(0, intent)),
	RING_FIELD_AS("seat0.bell.armed", SEAT_OFF(0, bell.armed)),
	RING_FIELD_AS("seat0.bell.doorbell", SEAT_OFF(0, bell.doorbell)),
	RING_FIELD_AS("seat3.owner", SEAT_OFF(3, owner)),
	RING_FIELD_AS("seat3.intent", SEAT_OFF(3, intent)),
	RING_FIELD_AS("seat3.bell.armed", SEAT_OFF(3, bell.armed)),
	RING_FIELD_AS("seat3.bell.doorbell", SEAT_OFF(3, bell.doorbell)),
	RING_FIELD_AS("cell0.seq", CELL_OFF(0)),
	RING_FIELD_AS("cell1.seq", CELL_OFF(1)),
	FIELD(magic),
	FIELD(version),
	FIELD(slot_len),
	FIELD(slots_nr),
	FIELD(ends_nr),
	FIELD(cell_len),
	FIELD(data_off),
};

static const struct ring_type type = {
	.target = "fuzz_mpmc",
	.kind = REGION_KIND_MPMC,
	.region_len = 8192,
	.create = create,
	.wrap = wrap,
	.retire = mpmc_retire,
	.room = &room,
	.room_len = sizeof(room),
	.reset = reset,
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
