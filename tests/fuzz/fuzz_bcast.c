/* SPDX-License-Identifier: MIT */
/* fuzz_bcast.c - does each reader of bcast.h get each message, or hear how
 * many it missed, and can the writer or another reader do it harm? */
#include "shm/bcast.h"

#include "tests/fuzz/ring_text.h"

#define TX	   0u
#define RX0	   1u /* and the readers behind it */
#define READERS_NR 3u
#define MSGS_MAX   20u
#define MSG_MAX	   120u
#define BELLS_NR   2u /* one less than readers */

struct reader {
	struct bcast_rx rx, opened;
};

static struct {
	struct bcast_tx tx, tx_opened;
	uint64_t written_idx; /* the next to be written */
	struct reader readers[READERS_NR];
} room;

static const struct {
	uint32_t msg_len, slots_nr;
} shapes[] = { { 56, 16 }, { 8, 2 }, { 120, 8 }, { 24, 4 } };

static int create(const struct region *region, uint32_t shape)
{
	return bcast_create(region, PROGRAM_NAME, shapes[shape].msg_len,
			    shapes[shape].slots_nr, BELLS_NR, PROGRAM_CREATOR);
}

/* The slots are as the lap before left them. */
static uint64_t wrap(void *mem, uint32_t shape)
{
	uint64_t slots_nr = shapes[shape].slots_nr;
	uint64_t start_idx = UINT64_MAX - slots_nr + 1;
	struct bcast_mem *m = mem;

	m->first_idx = start_idx;
	m->tail_idx = start_idx;
	for (uint64_t i = 0; i < slots_nr; i++)
		bcast_slot_at((uint8_t *)mem + m->data_off, slots_nr,
			      m->slot_len, start_idx + i)
			->seq = BCAST_WHOLE(start_idx + i - slots_nr);
	return start_idx;
}

static void reset(void)
{
	room.written_idx = program.start_idx;
}

/* The reader a step is about. */
static uint32_t reader_in(const struct step *step)
{
	return step->arg % READERS_NR;
}

/* It, if it is open and not asleep. */
static struct reader *ready(uint32_t nr)
{
	return program_ready(RX0 + nr) ? &room.readers[nr] : NULL;
}

static uint32_t bells_taken_nr(void)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < READERS_NR; i++)
		nr += program.ends[RX0 + i].is_open &&
		      room.readers[i].rx.has_bell;
	return nr;
}

/* A reader without a bell asks nobody, and nobody asks it. */
static bool in_use(void)
{
	return program.ends[TX].is_open || bells_taken_nr();
}

/* --- the writer ----------------------------------------------------------- */

static void open_tx(const struct step *step)
{
	struct bcast_tx tx;

	(void)step;
	if (!program_opened(TX,
			    bcast_open_tx(&tx, &program.region, PROGRAM_NAME,
					  program_peer(TX)),
			    &tx.taken_over))
		return;
	FUZZ_CHECK(program.hostile || tx.tail_idx == room.written_idx);
	room.tx = room.tx_opened = tx;
}

static void close_tx(const struct step *step)
{
	(void)step;
	if (!program_ready(TX))
		return;
	bcast_close_tx(&room.tx);
	program_left(TX, false);
}

static void kill_tx(const struct step *step)
{
	(void)step;
	if (program_ready(TX))
		program_left(TX, true);
}

static void tx_error(int err)
{
	FUZZ_CHECK(err == 0 || err == -SHM_EIO ||
		   (program.hostile && err == -SHM_EOWNER));
}

static void write_some(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint32_t nr = 1 + step->arg % MSGS_MAX;
	uint64_t len;
	int err;

	if (!program.ends[TX].is_open || room.tx.words_nr * 8ull > MSG_MAX)
		return;
	len = room.tx.words_nr * 8ull;
	for (uint32_t i = 0; i < nr; i++)
		program_fill(msgs + i * len, len, room.written_idx + i);
	err = bcast_write(&room.tx, msgs, nr);
	tx_error(err);
	if (err != -SHM_EOWNER)
		room.written_idx += nr;
}

static void flush(const struct step *step)
{
	(void)step;
	if (!program.ends[TX].is_open)
		return;
	tx_error(bcast_flush(&room.tx));
	for (uint32_t i = 0; i < READERS_NR; i++)
		program_check_rung(RX0 + i, TX, room.written_idx);
}

/* --- the readers ---------------------------------------------------------- */

static void open_rx(const struct step *step)
{
	enum bcast_from from = step->off & 1 ? BCAST_FROM_OLDEST
					     : BCAST_FROM_NEXT;
	uint32_t nr = reader_in(step);
	struct reader *reader = &room.readers[nr];
	uint64_t behind;

	if (program.ends[RX0 + nr].is_open ||
	    !program_opened(RX0 + nr,
			    bcast_open_rx(&reader->rx, &program.region,
					  PROGRAM_NAME, program_peer(RX0 + nr),
					  from),
			    NULL))
		return;
	reader->opened = reader->rx;
	behind = room.written_idx - reader->rx.next_idx;
	FUZZ_CHECK(program.hostile || from == BCAST_FROM_OLDEST || !behind);
	FUZZ_CHECK(program.hostile || behind <= reader->rx.slots_nr);
}

static void close_rx(const struct step *step)
{
	struct reader *reader = ready(reader_in(step));

	if (!reader)
		return;
	bcast_close_rx(&reader->rx);
	program_left(RX0 + reader_in(step), false);
}

static void kill_rx(const struct step *step)
{
	if (ready(reader_in(step)))
		program_left(RX0 + reader_in(step), true);
}

static void take_bell(const struct step *step)
{
	struct reader *reader = ready(reader_in(step));
	uint32_t taken_nr = bells_taken_nr();
	int err;

	if (!reader || reader->rx.has_bell)
		return;
	err = bcast_take_bell(&reader->rx, 1);
	FUZZ_CHECK(err == 0 || err == -SHM_EFULL ||
		   (program.hostile && err == -SHM_EPEER));
	FUZZ_CHECK(program.hostile || !err == (taken_nr < BELLS_NR));
	FUZZ_CHECK(reader->rx.has_bell == !err);
}

static void read_one(const struct step *step)
{
	static uint8_t msg[MSG_MAX];
	struct reader *reader = ready(reader_in(step));
	uint64_t behind, missed = 0, next_idx;
	int got;

	if (!reader || reader->rx.words_nr * 8ull > sizeof(msg))
		return;
	reader->rx.skip_to_newest = step->off & 1;
	next_idx = reader->rx.next_idx;
	behind = room.written_idx - next_idx;
	got = bcast_read(&reader->rx, msg, &missed);
	FUZZ_CHECK(got == 0 || got == 1 ||
		   (program.hostile && got == -SHM_EPEER));
	FUZZ_CHECK(got == 1 || !missed);
	if (program.hostile)
		return;
	FUZZ_CHECK(got == (behind > 0));
	if (!got)
		return;
	/* Nobody writes meanwhile: only what is not there any more. */
	FUZZ_CHECK(missed < behind);
	FUZZ_CHECK(!missed == (behind <= reader->rx.slots_nr));
	FUZZ_CHECK(reader->rx.next_idx == next_idx + missed + 1);
	program_expect(msg, reader->rx.words_nr * 8ull, next_idx + missed);
}

static void wait_rx(const struct step *step)
{
	uint32_t nr = reader_in(step);
	struct reader *reader = ready(nr);
	struct step shorter = *step;
	int err;

	if (!reader)
		return;
	if (!reader->rx.has_bell)
		shorter.value &= ~1u; /* it spins all the time */
	reader->rx.spin_ns = program_spin(step);
	program_sleep(RX0 + nr, TX, room.written_idx);
	err = bcast_wait(&reader->rx, program_timeout(&shorter));
	program_wake(RX0 + nr, err, program.ends[TX].died);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.written_idx != reader->rx.next_idx));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct bcast_view view;
	int err = bcast_watch(&program.region, step->off & 7, &view);

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(!((view.tail_idx - view.first_idx) >> 63) &&
		   view.sleepers_nr <= view.bells_nr);
	FUZZ_CHECK(program.hostile ||
		   (view.tail_idx == room.written_idx &&
		    view.first_idx == program.start_idx &&
		    view.writer_lives == program.ends[TX].is_open &&
		    view.sleepers_nr == bells_taken_nr()));
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	if (program.ends[TX].is_open)
		FUZZ_CHECK(room.tx.slots_nr == room.tx_opened.slots_nr &&
			   room.tx.slot_len == room.tx_opened.slot_len &&
			   room.tx.data == room.tx_opened.data);
	for (uint32_t i = 0; i < READERS_NR; i++) {
		const struct reader *r = &room.readers[i];

		if (!program.ends[RX0 + i].is_open)
			continue;
		FUZZ_CHECK(r->rx.slots_nr == r->opened.slots_nr &&
			   r->rx.slot_len == r->opened.slot_len &&
			   r->rx.words_nr == r->opened.words_nr &&
			   r->rx.data == r->opened.data);
		program_check_span(r->rx.data, r->rx.slots_nr * r->rx.slot_len);
		FUZZ_CHECK(program.hostile || !r->rx.broken);
	}
}

/* Their numbers: arg, which reader, or how many less 1; off, where it begins or
 * goes on; value, of waits, timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_tx),
	RING_CALL(close_tx),
	RING_CALL(kill_tx),
	RING_CALL(write_some),
	RING_CALL(flush),
	RING_CALL(open_rx),
	RING_CALL(close_rx),
	RING_CALL(kill_rx),
	RING_CALL(take_bell),
	RING_CALL_AS("read", read_one),
	RING_CALL_AS("wait", wait_rx),
	RING_CALL_AS("retire", program_retire),
	RING_CALL(watch),
};

#define FIELD(f) RING_FIELD(bcast_mem, f)
#define BELL0(f)                   \
	RING_FIELD_AS("bell0." #f, \
		      sizeof(struct bcast_mem) + offsetof(struct bell, f))
/* Of slots of one line. */
#define SLOT_OFF(nr) \
	(sizeof(struct bcast_mem) + BELLS_NR * sizeof(struct bell) + (nr)*64ul)
static const struct ring_field fields[] = {
	FIELD(tail_idx),
	FIELD(writer),
	FIELD(alarms_nr),
	FIELD(sleepers[0]),
	FIELD(sleepers[1]),
	FIELD(first_idx),
	BELL0(armed),
	BELL0(doorbell),
	RING_FIELD_AS("slot0.seq", SLOT_OFF(0)),
	RING_FIELD_AS("slot1.seq", SLOT_OFF(1)),
	RING_FIELD_AS("slot2.seq", SLOT_OFF(2)),
	FIELD(magic),
	FIELD(version),
	FIELD(msg_len),
	FIELD(slots_nr),
	FIELD(bells_nr),
	FIELD(slot_len),
	FIELD(bells_off),
	FIELD(data_off),
};

static const struct ring_type type = {
	.target = "fuzz_bcast",
	.kind = REGION_KIND_BCAST,
	.region_len = 4096,
	.create = create,
	.wrap = wrap,
	.retire = bcast_retire,
	.room = &room,
	.room_len = sizeof(room),
	.in_use = in_use,
	.reset = reset,
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
