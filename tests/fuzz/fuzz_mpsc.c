/* SPDX-License-Identifier: MIT */
/* fuzz_mpsc.c - does a producer of mpsc.h that dies or lies harm more than its
 * own lane? */
#include "shm/mpsc.h"

#include "tests/fuzz/ring_text.h"

#define LANES_NR     3u
#define PRODUCERS_NR 4u /* peers 0..3: one more than lanes */
#define RX	     4u
#define MSGS_MAX     20u
#define MSG_MAX	     64u

/* Each lane's messages have numbers of their own. */
#define NUMBER(lane, nr) ((uint64_t)(lane) << 24 | (nr))

static struct {
	struct spsc_tx txs[PRODUCERS_NR];
	uint32_t lane_of[PRODUCERS_NR]; /* while nobody is hostile */
	struct mpsc_rx rx;
	bool somebody_died; /* of the producers */
	uint32_t peeked_nr, peeked_lane;
	uint64_t sent_nr[LANES_NR], taken_nr[LANES_NR];
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 64, 8 }, { 8, 2 }, { 56, 16 }, { 24, 4 } };

static int create(const struct region *region, uint32_t shape)
{
	return mpsc_create(region, PROGRAM_NAME, shapes[shape].slot_len,
			   shapes[shape].slots_nr, LANES_NR, PROGRAM_CREATOR);
}

static uint64_t wrap(void *mem, uint32_t shape)
{
	struct mpsc_mem *m = mem;

	(void)shape;
	for (uint32_t i = 0; i < LANES_NR; i++) {
		struct spsc_mem *lane = (void *)((uint8_t *)mem + m->lanes_off +
						 i * m->lane_len);

		lane->tail_idx = lane->head_idx = UINT64_MAX - 2;
		lane->done_idx = UINT64_MAX - 2;
	}
	return UINT64_MAX - 2;
}

/* The producer a step is about. */
static uint32_t producer_in(const struct step *step)
{
	return step->arg % PRODUCERS_NR;
}

static uint32_t want_in(const struct step *step)
{
	return 1 + step->off % MSGS_MAX;
}

static struct spsc_tx *tx_ready(uint32_t nr)
{
	return program_ready(nr) ? &room.txs[nr] : NULL;
}

/* --- producers ------------------------------------------------------------ */

static uint32_t producers_nr(void)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < PRODUCERS_NR; i++)
		nr += program.ends[i].is_open;
	return nr;
}

static void open_tx(const struct step *step)
{
	uint32_t nr = producer_in(step);
	const struct mpsc_mem *mem;
	struct spsc_tx tx;
	uint64_t off;
	int err;

	if (program.ends[nr].is_open)
		return;
	err = mpsc_open_tx(&tx, &program.region, PROGRAM_NAME, program_peer(nr),
			   1);
	if (err == -SHM_EFULL) {
		FUZZ_CHECK(program.hostile || producers_nr() == LANES_NR);
		return;
	}
	FUZZ_CHECK(program.hostile || producers_nr() < LANES_NR);
	if (!program_opened(nr, err, NULL))
		return;
	room.txs[nr] = tx;
	if (program.hostile)
		return;
	/* TRUST: nobody has stored what does not belong there. */
	mem = (void *)(program.mem + program.ring.off);
	off = (uint64_t)((uint8_t *)tx.mem - (const uint8_t *)mem);
	room.lane_of[nr] = (uint32_t)((off - mem->lanes_off) / mem->lane_len);
	FUZZ_CHECK(room.lane_of[nr] < LANES_NR);
}

static void close_tx(const struct step *step)
{
	uint32_t nr = producer_in(step);

	if (!program_ready(nr))
		return;
	spsc_close_tx(&room.txs[nr]);
	program_left(nr, false);
}

static void kill_tx(const struct step *step)
{
	uint32_t nr = producer_in(step);

	if (!program_ready(nr))
		return;
	program_left(nr, true);
	room.somebody_died = true;
}

static void push(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint32_t nr = producer_in(step), want = want_in(step);
	struct spsc_tx *tx = tx_ready(nr);
	uint32_t lane = room.lane_of[nr];
	uint64_t before, len;
	int got;

	if (!tx || tx->slot_len > MSG_MAX)
		return;
	len = tx->slot_len;
	before = tx->tail_idx;
	for (uint32_t i = 0; i < want; i++)
		program_fill(msgs + i * len, len,
			     NUMBER(lane, room.sent_nr[lane] + i));
	got = spsc_push(tx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	if (got < 0)
		program_check_error(got);
	room.sent_nr[lane] += tx->tail_idx - before;
}

static void flush(const struct step *step)
{
	struct spsc_tx *tx = tx_ready(producer_in(step));
	int err;

	if (!tx)
		return;
	err = spsc_flush(tx);
	if (err)
		program_check_error(err);
}

static void wait_space(const struct step *step)
{
	uint32_t nr = producer_in(step);
	struct spsc_tx *tx = tx_ready(nr);
	int err;

	if (!tx)
		return;
	tx->spin_ns = program_spin(step);
	program_sleep(nr, RX, 0);
	err = spsc_wait_space(tx, program_timeout(step));
	program_wake(nr, err, program.ends[RX].died);
}

/* --- the consumer --------------------------------------------------------- */

static uint64_t waiting_nr(void)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < LANES_NR; i++)
		nr += room.sent_nr[i] - room.taken_nr[i];
	return nr;
}

static void open_rx(const struct step *step)
{
	(void)step;
	if (program.ends[RX].is_open ||
	    !program_opened(RX,
			    mpsc_open_rx(&room.rx, &program.region,
					 PROGRAM_NAME, program_peer(RX), 1),
			    &room.rx.taken_over))
		return;
	FUZZ_CHECK(program.hostile || !room.rx.closed);
	room.peeked_nr = 0;
}

static void close_rx(const struct step *step)
{
	(void)step;
	if (!program_ready(RX))
		return;
	mpsc_close_rx(&room.rx);
	program_left(RX, false);
}

static void kill_rx(const struct step *step)
{
	(void)step;
	if (program_ready(RX))
		program_left(RX, true);
}

static void rx_error(int err)
{
	program_check_lie(err);
	/* Who lied is named, and served no more. */
	if (err == -SHM_EPEER)
		FUZZ_CHECK(room.rx.lane < room.rx.lanes_nr &&
			   !mpsc_lane_open(&room.rx, room.rx.lane));
}

static void peek(const struct step *step)
{
	const void *slots;
	uint64_t len = room.rx.slot_len;
	uint32_t want = want_in(step), lane;
	int got;

	if (!program_ready(RX))
		return;
	got = mpsc_peek(&room.rx, want, &slots);
	FUZZ_CHECK(got <= (int)want && !slots == (got <= 0));
	room.peeked_nr = 0;
	if (got < 0)
		rx_error(got);
	else
		FUZZ_CHECK(program.hostile || (got > 0) == (waiting_nr() > 0));
	if (got <= 0)
		return;
	lane = room.rx.lane;
	FUZZ_CHECK(lane < LANES_NR && mpsc_lane_open(&room.rx, lane));
	program_check_span(slots, (uint64_t)got * len);
	for (int i = 0; i < got; i++)
		program_expect((const uint8_t *)slots + (uint64_t)i * len, len,
			       NUMBER(lane, room.taken_nr[lane] + (uint64_t)i));
	room.peeked_nr = (uint32_t)got;
	room.peeked_lane = lane;
}

static void release(const struct step *step)
{
	uint32_t nr;

	if (!program_ready(RX) || !room.peeked_nr)
		return;
	nr = 1 + step->off % room.peeked_nr;
	room.peeked_nr -= nr;
	room.taken_nr[room.peeked_lane] += nr;
	mpsc_release(&room.rx, nr);
}

/* The message is the next of one of the lanes. */
static void take(const void *msg, uint64_t len)
{
	static uint8_t want[MSG_MAX];

	for (uint32_t i = 0; i < LANES_NR; i++) {
		if (room.taken_nr[i] == room.sent_nr[i])
			continue;
		program_fill(want, len, NUMBER(i, room.taken_nr[i]));
		if (memcmp(want, msg, len) == 0) {
			room.taken_nr[i]++;
			return;
		}
	}
	FUZZ_CHECK(program.hostile);
}

static void pop(const struct step *step)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint32_t want = want_in(step);
	uint64_t len = room.rx.slot_len, before = waiting_nr();
	int got;

	if (!program_ready(RX) || len > MSG_MAX)
		return;
	got = mpsc_pop(&room.rx, msgs, want);
	FUZZ_CHECK(got <= (int)want);
	room.peeked_nr = 0;
	if (got < 0) {
		rx_error(got);
		return;
	}
	FUZZ_CHECK(program.hostile ||
		   (uint64_t)got == (want < before ? want : before));
	for (int i = 0; i < got; i++)
		take(msgs + (uint64_t)i * len, len);
}

static void wait_data(const struct step *step)
{
	int err;

	if (!program_ready(RX))
		return;
	room.rx.spin_ns = program_spin(step);
	room.peeked_nr = 0;
	program_sleep(RX, 0, 0);
	err = mpsc_wait_data(&room.rx, program_timeout(step));
	program_wake(RX, err, room.somebody_died);
	if (PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER))
		rx_error(err);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile || !err == (waiting_nr() > 0));
}

static void reset_lane(const struct step *step)
{
	uint32_t lane = step->off % (LANES_NR + 1);
	int err;

	if (!program_ready(RX))
		return;
	err = mpsc_reset_lane(&room.rx, lane);
	if (!program.hostile)
		FUZZ_CHECK(err == -SHM_EINVAL);
	else
		FUZZ_CHECK(err == 0 ||
			   PROGRAM_ONE_OF(err, SHM_EEXIST, SHM_EINVAL,
					  SHM_EPEER, SHM_EOWNER, SHM_EVERSION));
	if (!err)
		FUZZ_CHECK(mpsc_lane_open(&room.rx, lane));
	room.peeked_nr = 0;
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct mpsc_view view;
	int err = mpsc_watch(&program.region, step->off & 7, &view);

	program_check_watch(err);
	if (err)
		return;
	FUZZ_CHECK(view.lanes_nr <= MPSC_LANES_MAX &&
		   !(view.lanes_nr < 64 && view.closed >> view.lanes_nr));
	for (uint32_t i = 0; i < view.lanes_nr; i++)
		FUZZ_CHECK(view.lanes[i].tail_idx - view.lanes[i].head_idx <=
			   view.slots_nr);
	FUZZ_CHECK(program.hostile ||
		   (!view.closed && view.producers_nr == producers_nr()));
	for (uint32_t i = 0; i < LANES_NR && !program.hostile; i++)
		FUZZ_CHECK(view.lanes[i].tail_idx ==
			   program.start_idx + room.sent_nr[i]);
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	for (uint32_t i = 0; i < PRODUCERS_NR; i++) {
		const struct spsc_tx *tx = &room.txs[i];

		if (!program.ends[i].is_open)
			continue;
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->slots_nr);
		program_check_span(tx->data, tx->slots_nr * tx->slot_len);
	}
	for (uint32_t i = 0; program.ends[RX].is_open && i < room.rx.lanes_nr;
	     i++) {
		const struct spsc_rx *rx = &room.rx.lanes[i];

		if (!mpsc_lane_open(&room.rx, i))
			continue;
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->slots_nr);
		program_check_span(rx->data, rx->slots_nr * rx->slot_len);
	}
}

/* Their numbers: arg, which producer; off, how many, less 1, or which lane;
 * value, of waits, timeout and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_tx),
	RING_CALL(close_tx),
	RING_CALL(kill_tx),
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
	RING_CALL(reset_lane),
	RING_CALL_AS("retire", program_retire),
	RING_CALL(watch),
};

#define FIELD(f) RING_FIELD(mpsc_mem, f)
#define LANE0(f)                   \
	RING_FIELD_AS("lane0." #f, \
		      sizeof(struct mpsc_mem) + offsetof(struct spsc_mem, f))
static const struct ring_field fields[] = {
	FIELD(consumer),
	FIELD(closed),
	FIELD(data_bell.armed),
	FIELD(data_bell.doorbell),
	FIELD(magic),
	FIELD(version),
	FIELD(slot_len),
	FIELD(slots_nr),
	FIELD(lanes_nr),
	FIELD(lanes_off),
	FIELD(lane_len),
	LANE0(tail_idx),
	LANE0(producer),
	LANE0(head_idx),
	LANE0(consumer),
	LANE0(done_idx),
	LANE0(space_bell.armed),
	LANE0(space_bell.doorbell),
	LANE0(slot_len),
	LANE0(slots_nr),
	LANE0(magic),
};

static const struct ring_type type = {
	.target = "fuzz_mpsc",
	.kind = REGION_KIND_MPSC,
	.region_len = 16384,
	.create = create,
	.wrap = wrap,
	.retire = mpsc_retire,
	.room = &room,
	.room_len = sizeof(room),
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
