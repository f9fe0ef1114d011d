/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_var.c - can one end of spsc_var.h be made to break its promise, by
 * what the other one does or by what anybody stores? */
#include "shm/spsc_var.h"

#include "tests/fuzz/ring_text.h"

#define TX	   0u /* ends, and their peers */
#define RX	   1u
#define MSG_MAX	   (RING_LEN / 4) /* spsc_var_msg_max() and 8 more */
#define RING_LEN   4096u
#define CREDIT_LEN (RING_LEN / 8)
#define LENS_NR	   1024u /* more than ever are in the ring */

static struct {
	struct spsc_var_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_var_rx rx, rx_opened;
	uint32_t reserved_len; /* 0: nothing */
	uint64_t sent_nr;      /* committed since the ring was made */
	uint64_t seen_nr;      /* of them published */
	uint64_t peeked_nr, taken_nr;
	uint32_t lens[LENS_NR]; /* of message nr, modulo */
	const void *peeked;	/* the last one */
	uint32_t peeked_len;
} room;

static int create(const struct region *region, uint32_t shape)
{
	(void)shape;
	return spsc_var_create(region, PROGRAM_NAME, RING_LEN, PROGRAM_CREATOR);
}

static uint64_t wrap(void *mem, uint32_t shape)
{
	uint64_t start_idx = UINT64_MAX - 2ull * RING_LEN + 1;
	struct spsc_var_mem *m = mem;

	(void)shape;
	m->tail_idx = m->head_idx = m->done_idx = start_idx;
	return start_idx;
}

/* The length an input asks for; 2 more than there may be. */
static uint32_t len_in(const struct step *step)
{
	return step->off % (MSG_MAX + 2);
}

/* --- the producer --------------------------------------------------------- */

static void open_tx(const struct step *step)
{
	struct spsc_var_tx tx;

	(void)step;
	if (program_sleeps(TX) ||
	    !program_opened(TX,
			    spsc_var_open_tx(&tx, &program.region, PROGRAM_NAME,
					     program_peer(TX), 1),
			    &tx.taken_over))
		return;
	room.tx = room.tx_opened = tx;
	room.reserved_len = 0;
}

static void close_tx(const struct step *step)
{
	(void)step;
	if (!program_ready(TX))
		return;
	spsc_var_close_tx(&room.tx);
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

static uint32_t *len_of(uint64_t nr)
{
	return &room.lens[nr % LENS_NR];
}

/* Everything it has committed is visible, if it is published now. */
static void tx_moved(void)
{
	if (room.tx.tail_published == room.tx.tail_idx)
		room.seen_nr = room.sent_nr;
}

/* Too full, as far as the consumer said, for a record and a pad. */
static bool may_be_full(uint32_t len)
{
	uint64_t used = CREDIT_LEN + 2 * SPSC_VAR_RECORD_LEN(len);

	for (uint64_t nr = room.taken_nr; nr < room.sent_nr; nr++)
		used += SPSC_VAR_RECORD_LEN(*len_of(nr));
	return used + MSG_MAX > RING_LEN;
}

static void tx_error(int err, uint32_t len)
{
	if (err == -SHM_EINVAL)
		FUZZ_CHECK(!len || len > room.tx.msg_max);
	else
		program_check_error(err);
}

static void reserve(const struct step *step)
{
	uint32_t len = len_in(step);
	void *msg;
	int got;

	if (!program_ready(TX))
		return;
	got = spsc_var_reserve(&room.tx, len, &msg);
	FUZZ_CHECK(got <= 1 && !msg == (got <= 0));
	room.reserved_len = 0;
	tx_moved();
	if (got < 0)
		tx_error(got, len);
	if (got == 0)
		FUZZ_CHECK(program.hostile || may_be_full(len));
	if (got <= 0)
		return;
	program_check_span(msg, len);
	memset(msg, 0xee, len);
	program_fill(msg, len, room.sent_nr);
	room.reserved_len = len;
}

/* What was reserved, or less of it. */
static void pass_on(uint32_t less, int (*how)(struct spsc_var_tx *, uint32_t))
{
	uint32_t len = room.reserved_len;
	int err;

	/* The wait for space may have found some: that is a reservation of
	 * which its user does not know. */
	if (!program_ready(TX) || (!len && room.tx.room_len))
		return;
	len = len ? 1 + less % len : less;
	err = how(&room.tx, len);
	if (!room.reserved_len) {
		FUZZ_CHECK(err == -SHM_EINVAL);
		return;
	}
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	room.reserved_len = 0;
	*len_of(room.sent_nr++) = len;
	tx_moved();
}

static void commit(const struct step *step)
{
	pass_on(step->off, spsc_var_commit);
}

static void commit_quiet(const struct step *step)
{
	pass_on(step->off, spsc_var_commit_quiet);
}

static void push(const struct step *step)
{
	static uint8_t msg[MSG_MAX + 8];
	uint32_t len = len_in(step);
	uint64_t before;
	int got;

	if (!program_ready(TX) || len > sizeof(msg))
		return;
	memset(msg, 0xee, sizeof(msg));
	program_fill(msg, len, room.sent_nr);
	*len_of(room.sent_nr) = len;
	before = room.tx.tail_idx;
	got = spsc_var_push(&room.tx, msg, len);
	room.reserved_len = 0;
	FUZZ_CHECK(got <= 1);
	if (got < 0)
		tx_error(got, len);
	/* When the bell failed, it may be in. */
	if (got == 1 || (got == -SHM_EIO && room.tx.tail_idx != before))
		room.sent_nr++;
	if (got == 0)
		FUZZ_CHECK(program.hostile || may_be_full(len));
	tx_moved();
}

static void push_n(const struct step *step)
{
	uint32_t nr = 1 + step->arg % 8, len = 1 + step->off % 64;
	static uint8_t msgs[8][64];
	struct spsc_var_msg list[8] = { 0 };
	int got;

	if (!program_ready(TX))
		return;
	for (uint32_t i = 0; i < nr; i++) {
		program_fill(msgs[i], len, room.sent_nr + i);
		*len_of(room.sent_nr + i) = len;
		list[i] = (struct spsc_var_msg){ msgs[i], len };
	}
	got = spsc_var_push_n(&room.tx, list, nr);
	room.reserved_len = 0;
	FUZZ_CHECK(got <= (int)nr);
	if (got < 0)
		tx_error(got, len);
	/* How many are in when a bell failed is not said. */
	if (got == -SHM_EIO)
		program.hostile = true;
	if (got > 0)
		room.sent_nr += (uint64_t)got;
	tx_moved();
}

static void flush(const struct step *step)
{
	int err;

	(void)step;
	if (!program_ready(TX))
		return;
	err = spsc_var_flush(&room.tx);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	tx_moved();
	program_check_rung(RX, TX, room.sent_nr);
}

static void wait_space(const struct step *step)
{
	uint32_t len = len_in(step);
	int err;

	if (!program_ready(TX))
		return;
	room.tx.spin_ns = program_spin(step);
	room.reserved_len = 0;
	room.seen_nr = room.sent_nr; /* it publishes first */
	program_sleep(TX, RX, room.taken_nr);
	err = spsc_var_wait_space(&room.tx, len, program_timeout(step));
	program_wake(TX, err == -SHM_EINVAL ? 0 : err, program.ends[RX].died);
	tx_moved();
	if (err == -SHM_EINVAL)
		tx_error(err, len);
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || may_be_full(len));
}

/* --- the consumer --------------------------------------------------------- */

static void open_rx(const struct step *step)
{
	struct spsc_var_rx rx;

	(void)step;
	if (program_sleeps(RX) ||
	    !program_opened(RX,
			    spsc_var_open_rx(&rx, &program.region, PROGRAM_NAME,
					     program_peer(RX), 2),
			    &rx.taken_over))
		return;
	room.rx = room.rx_opened = rx;
	room.peeked_nr = room.taken_nr;
	room.peeked = NULL;
}

static void leave_rx(bool dies)
{
	if (!program_ready(RX))
		return;
	if (!dies)
		spsc_var_close_rx(&room.rx);
	program_left(RX, dies);
	room.peeked_nr = room.taken_nr;
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
	const void *msg;
	int len;

	(void)step;
	if (!program_ready(RX))
		return;
	len = spsc_var_peek(&room.rx, &msg);
	FUZZ_CHECK(!msg == (len <= 0));
	if (len < 0) {
		program_check_lie(len);
		return;
	}
	FUZZ_CHECK(program.hostile ||
		   (len > 0) == (room.peeked_nr < room.seen_nr));
	if (!len)
		return;
	FUZZ_CHECK((uint32_t)len <= room.rx.msg_max);
	FUZZ_CHECK(program.hostile || (uint32_t)len == *len_of(room.peeked_nr));
	program_check_span(msg, (uint64_t)len);
	program_expect(msg, (uint64_t)len, room.peeked_nr);
	room.peeked_nr++;
	room.peeked = msg;
	room.peeked_len = (uint32_t)len;
}

static void copy_out(const struct step *step)
{
	static uint8_t copy[MSG_MAX];
	uint32_t len = room.peeked_len, off;

	if (!program_ready(RX) || !room.peeked || len > sizeof(copy))
		return;
	off = step->off % len;
	spsc_var_copy_out(&room.rx, copy, (const uint8_t *)room.peeked + off,
			  len - off);
	if (!off)
		program_expect(copy, len, room.peeked_nr - 1);
}

static void release(const struct step *step)
{
	(void)step;
	if (!program_ready(RX))
		return;
	spsc_var_release(&room.rx);
	room.taken_nr = room.peeked_nr;
	room.peeked = NULL;
}

static void pop(const struct step *step)
{
	static uint8_t msg[MSG_MAX];
	uint32_t cap = len_in(step);
	int len;

	if (!program_ready(RX) || cap > sizeof(msg))
		return;
	memset(msg, 0, sizeof(msg));
	len = spsc_var_pop(&room.rx, msg, cap);
	FUZZ_CHECK(len <= (int)cap);
	if (len == -SHM_ETOOSMALL) {
		FUZZ_CHECK(program.hostile || *len_of(room.peeked_nr) > cap);
		return;
	}
	if (len < 0) {
		program_check_lie(len);
		return;
	}
	FUZZ_CHECK(program.hostile ||
		   (len > 0) == (room.peeked_nr < room.seen_nr));
	if (!len)
		return;
	FUZZ_CHECK(program.hostile || (uint32_t)len == *len_of(room.peeked_nr));
	program_expect(msg, (uint64_t)len, room.peeked_nr);
	room.taken_nr = ++room.peeked_nr;
	room.peeked = NULL;
}

static void wait_data(const struct step *step)
{
	int err;

	if (!program_ready(RX))
		return;
	room.rx.spin_ns = program_spin(step);
	program_sleep(RX, TX, room.sent_nr);
	err = spsc_var_wait_data(&room.rx, program_timeout(step));
	program_wake(RX, err, program.ends[TX].died);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.seen_nr > room.peeked_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(const struct step *step)
{
	struct spsc_var_view view;
	int err = spsc_var_watch(&program.region, step->arg & 7, &view);

	program_check_watch(err);
	if (!err)
		FUZZ_CHECK(view.tail_idx - view.head_idx <= view.ring_len);
}

/* What an end knows for itself stays in order, whatever the memory says. */
static void check(void)
{
	const struct spsc_var_tx *tx = &room.tx;
	const struct spsc_var_rx *rx = &room.rx;

	if (program.ends[TX].is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->ring_len);
		FUZZ_CHECK(tx->ring_len == room.tx_opened.ring_len &&
			   tx->msg_max == room.tx_opened.msg_max &&
			   tx->data == room.tx_opened.data);
		FUZZ_CHECK(tx->tail_idx % 8 == 0);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (program.ends[RX].is_open) {
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->ring_len);
		FUZZ_CHECK(rx->peek_idx - rx->head_idx <= rx->ring_len);
		FUZZ_CHECK(rx->ring_len == room.rx_opened.ring_len &&
			   rx->msg_max == room.rx_opened.msg_max &&
			   rx->data == room.rx_opened.data);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

/* Their numbers: off, bytes; arg, how many, less 1; value, of waits, timeout
 * and spin. */
static const struct ring_call calls[] = {
	RING_CALL(open_tx),  RING_CALL(close_tx),
	RING_CALL(kill_tx),  RING_CALL(reserve),
	RING_CALL(commit),   RING_CALL(commit_quiet),
	RING_CALL(push),     RING_CALL(push_n),
	RING_CALL(flush),    RING_CALL(wait_space),
	RING_CALL(open_rx),  RING_CALL(close_rx),
	RING_CALL(kill_rx),  RING_CALL(peek),
	RING_CALL(copy_out), RING_CALL(release),
	RING_CALL(pop),	     RING_CALL(wait_data),
	RING_CALL(watch),    RING_CALL_AS("retire", program_retire),
};

#define FIELD(f) RING_FIELD(spsc_var_mem, f)
#define DATA_OFF 1024u /* of so small a ring */
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
	FIELD(ring_len),
	FIELD(data_off),

	RING_FIELD_AS("record0", DATA_OFF),
};

static const struct ring_type type = {
	.target = "fuzz_spsc_var",
	.kind = REGION_KIND_SPSC_VAR,
	.region_len = 16384,
	.create = create,
	.wrap = wrap,
	.retire = spsc_var_retire,
	.room = &room,
	.room_len = sizeof(room),
	.check = check,
	RING_LIST(calls, calls),
	RING_LIST(fields, fields),
};
RING_TARGET(type)
