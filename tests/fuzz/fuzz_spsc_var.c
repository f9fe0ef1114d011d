/* SPDX-License-Identifier: MIT */
/* fuzz_spsc_var.c - can one end of spsc_var.h be made to break its promise, by
 * what the other one does or by what anybody stores? */
#include "shm/spsc_var.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN_TX = PROGRAM_OPS_NR,
	OP_CLOSE_TX,
	OP_KILL_TX,
	OP_RESERVE, /* off: bytes */
	OP_COMMIT,  /* off: bytes less */
	OP_COMMIT_QUIET,
	OP_PUSH, /* off: bytes */
	OP_PUSH_N,
	OP_FLUSH,
	OP_WAIT_SPACE, /* value: timeout and spin */
	OP_OPEN_RX,
	OP_CLOSE_RX,
	OP_KILL_RX,
	OP_PEEK,
	OP_COPY_OUT,
	OP_RELEASE,
	OP_POP, /* off: room for it */
	OP_WAIT_DATA,
	OP_WATCH,
	OP_RETIRE,
	OPS_END
};

#define TX	   0u /* indices of peers, bits of sleepers */
#define RX	   1u
#define RETIRER	   2u
#define MSG_MAX	   (RING_LEN / 4) /* spsc_var_msg_max() and 8 more */
#define RING_LEN   4096u
#define CREDIT_LEN (RING_LEN / 8)
#define LENS_NR	   1024u /* more than ever are in the ring */

static struct {
	struct spsc_var_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_var_rx rx, rx_opened;
	bool tx_is_open, rx_is_open;
	bool tx_died, rx_died; /* and nobody took over yet */
	uint32_t reserved_len; /* 0: nothing */
	uint64_t sent_nr;      /* committed since the ring was made */
	uint64_t seen_nr;      /* of them published */
	uint64_t peeked_nr, taken_nr;
	uint32_t lens[LENS_NR]; /* of message nr, modulo */
	const void *peeked;	/* the last one */
	uint32_t peeked_len;
	uint64_t sent_at_sleep;
	uint32_t notifies_at_sleep;
} room;

static int create(const struct region *region, uint8_t which)
{
	uint64_t start_idx = which & 0x80 ? UINT64_MAX - 2ull * RING_LEN + 1
					  : 0;
	struct region_info info;
	struct spsc_var_mem *mem;
	int err = spsc_var_create(region, PROGRAM_NAME, RING_LEN, RETIRER);

	if (!err)
		err = region_channel_find(region, PROGRAM_NAME,
					  REGION_KIND_SPSC_VAR, &info);
	if (err)
		return err;
	/* TRUST: the channel was checked. Counts that wrap soon. */
	mem = (void *)(region->base + info.off);
	mem->tail_idx = start_idx;
	mem->head_idx = start_idx;
	mem->done_idx = start_idx;
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
	struct spsc_var_tx tx;
	int err;

	if (program.sleepers & 1u << TX)
		return;
	err = spsc_var_open_tx(&tx, &program.region, PROGRAM_NAME,
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
	room.reserved_len = 0;
}

static void open_rx(void)
{
	struct spsc_var_rx rx;
	int err;

	if (program.sleepers & 1u << RX)
		return;
	err = spsc_var_open_rx(&rx, &program.region, PROGRAM_NAME,
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
	room.peeked_nr = room.taken_nr;
	room.peeked = NULL;
}

static void leave_tx(bool dies)
{
	if (!tx_ready())
		return;
	if (dies)
		program_kill(&program.peers[TX]);
	else
		spsc_var_close_tx(&room.tx);
	/* What was not published never was. */
	if (dies)
		room.sent_nr = room.seen_nr;
	else
		room.seen_nr = room.sent_nr;
	room.tx_is_open = false;
	room.tx_died = dies;
	room.reserved_len = 0;
}

static void leave_rx(bool dies)
{
	if (!rx_ready())
		return;
	if (dies)
		program_kill(&program.peers[RX]);
	else
		spsc_var_close_rx(&room.rx);
	room.rx_is_open = false;
	room.rx_died = dies;
	room.peeked_nr = room.taken_nr;
}

static void retire(void)
{
	int err;

	if (program.sleepers)
		return;
	err = spsc_var_retire(&program.region, PROGRAM_NAME,
			      program.peers[RETIRER].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(
		program.hostile ||
		err == (room.tx_is_open || room.rx_is_open ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

/* --- the producer --------------------------------------------------------- */

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
		FUZZ_CHECK(err == -SHM_EIO ||
			   (program.hostile &&
			    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
}

static void reserve(uint32_t len)
{
	void *msg;
	int got;

	if (!tx_ready())
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
static void commit(uint32_t less, bool quiet)
{
	uint32_t len = room.reserved_len;
	int err;

	/* The wait for space may have found some: that is a reservation of
	 * which its user does not know. */
	if (!tx_ready() || (!len && room.tx.room_len))
		return;
	len = len ? 1 + less % len : less;
	err = quiet ? spsc_var_commit_quiet(&room.tx, len)
		    : spsc_var_commit(&room.tx, len);
	if (!room.reserved_len) {
		FUZZ_CHECK(err == -SHM_EINVAL);
		return;
	}
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	room.reserved_len = 0;
	*len_of(room.sent_nr++) = len;
	tx_moved();
}

static void push(uint32_t len)
{
	static uint8_t msg[MSG_MAX + 8];
	uint64_t before;
	int got;

	if (!tx_ready() || len > sizeof(msg))
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

static void push_n(uint32_t nr, uint32_t len)
{
	static uint8_t msgs[8][64];
	struct spsc_var_msg list[8] = { 0 };
	int got;

	if (!tx_ready())
		return;
	nr = 1 + nr % 8;
	len = 1 + len % 64;
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

static void flush(void)
{
	int err;

	if (!tx_ready())
		return;
	err = spsc_var_flush(&room.tx);
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
	tx_moved();
	/* A consumer that slept when something came was rung. */
	if (program.sleepers & 1u << RX && !program.hostile)
		FUZZ_CHECK(room.sent_nr == room.sent_at_sleep ||
			   program.peers[TX].notifies_nr !=
				   room.notifies_at_sleep);
}

static void wait_space(const struct step *step)
{
	uint32_t len = step->off % (MSG_MAX + 2);
	int err;

	if (!tx_ready())
		return;
	room.tx.spin_ns = program_spin(step);
	room.reserved_len = 0;
	room.seen_nr = room.sent_nr; /* it publishes first */
	program.sleepers |= 1u << TX;
	err = spsc_var_wait_space(&room.tx, len, program_timeout(step));
	program.sleepers &= ~(1u << TX);
	tx_moved();
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || may_be_full(len));
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.rx_died);
	else if (err && err != -SHM_ETIMEDOUT)
		tx_error(err, len);
}

/* --- the consumer --------------------------------------------------------- */

static void rx_error(int err)
{
	FUZZ_CHECK(program.hostile &&
		   PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER));
}

static void peek(void)
{
	const void *msg;
	int len;

	if (!rx_ready())
		return;
	len = spsc_var_peek(&room.rx, &msg);
	FUZZ_CHECK(!msg == (len <= 0));
	if (len < 0) {
		rx_error(len);
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

static void copy_out(uint32_t off)
{
	static uint8_t copy[MSG_MAX];
	uint32_t len = room.peeked_len;

	if (!rx_ready() || !room.peeked || len > sizeof(copy))
		return;
	off %= len;
	spsc_var_copy_out(&room.rx, copy, (const uint8_t *)room.peeked + off,
			  len - off);
	if (!off)
		program_expect(copy, len, room.peeked_nr - 1);
}

static void release(void)
{
	if (!rx_ready())
		return;
	spsc_var_release(&room.rx);
	room.taken_nr = room.peeked_nr;
	room.peeked = NULL;
}

static void pop(uint32_t cap)
{
	static uint8_t msg[MSG_MAX];
	int len;

	if (!rx_ready() || cap > sizeof(msg))
		return;
	memset(msg, 0, sizeof(msg));
	len = spsc_var_pop(&room.rx, msg, cap);
	FUZZ_CHECK(len <= (int)cap);
	if (len == -SHM_ETOOSMALL) {
		FUZZ_CHECK(program.hostile || *len_of(room.peeked_nr) > cap);
		return;
	}
	if (len < 0) {
		rx_error(len);
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

	if (!rx_ready())
		return;
	room.rx.spin_ns = program_spin(step);
	room.sent_at_sleep = room.sent_nr;
	room.notifies_at_sleep = program.peers[TX].notifies_nr;
	program.sleepers |= 1u << RX;
	err = spsc_var_wait_data(&room.rx, program_timeout(step));
	program.sleepers &= ~(1u << RX);
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.tx_died);
	else if (err && err != -SHM_ETIMEDOUT && err != -SHM_EIO)
		rx_error(err);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.seen_nr > room.peeked_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(uint32_t slot)
{
	struct spsc_var_view view;
	int err = spsc_var_watch(&program.region, slot, &view);

	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EVERSION)));
	if (!err)
		FUZZ_CHECK(view.tail_idx - view.head_idx <= view.ring_len);
}

static void run(const struct step *step)
{
	uint32_t len = step->off % (MSG_MAX + 2);

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
		reserve(len);
		break;
	case OP_COMMIT:
		commit(step->off, false);
		break;
	case OP_COMMIT_QUIET:
		commit(step->off, true);
		break;
	case OP_PUSH:
		push(len);
		break;
	case OP_PUSH_N:
		push_n(step->arg, step->off);
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
		peek();
		break;
	case OP_COPY_OUT:
		copy_out(step->off);
		break;
	case OP_RELEASE:
		release();
		break;
	case OP_POP:
		pop(len);
		break;
	case OP_WAIT_DATA:
		wait_data(step);
		break;
	case OP_WATCH:
		watch(step->arg & 7);
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

/* What an end knows for itself stays in order, whatever the memory says. */
static void check(void)
{
	const struct spsc_var_tx *tx = &room.tx;
	const struct spsc_var_rx *rx = &room.rx;

	if (room.tx_is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->ring_len);
		FUZZ_CHECK(tx->ring_len == room.tx_opened.ring_len &&
			   tx->msg_max == room.tx_opened.msg_max &&
			   tx->data == room.tx_opened.data);
		FUZZ_CHECK(tx->tail_idx % 8 == 0);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (room.rx_is_open) {
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->ring_len);
		FUZZ_CHECK(rx->peek_idx - rx->head_idx <= rx->ring_len);
		FUZZ_CHECK(rx->ring_len == room.rx_opened.ring_len &&
			   rx->msg_max == room.rx_opened.msg_max &&
			   rx->data == room.rx_opened.data);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_SPSC_VAR,
	.region_len = 16384,
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
#define DO(op, off)           \
	{                     \
		op, 0, off, 0 \
	}
#define WAIT(op)              \
	{                     \
		op, 0, 400, 3 \
	}
#define AT(f)	    offsetof(struct spsc_var_mem, f)
#define AT_LOAD(nr) ((nr) << 4)
#define ADD(log2)   SCRIBBLE(log2, SCRIBBLE_ADD)
#define LIE(f, by)                                    \
	{                                             \
		PROGRAM_WRITE_RING, ADD(3), AT(f), by \
	}
/* In steps of 8 bytes from the region's start: the first record. */
#define DATA(from)  ((CHANNEL_OFF + 1024 + (from)) / 8)
#define CHANNEL_OFF 1024

static const struct program_seed seeds[] = {
	{ 0x80,
	  { "push_and_pop_over_the_wrap",
	    14,
	    { OPEN, DO(OP_PUSH, 1000), DO(OP_POP, 1024), DO(OP_PUSH, 900),
	      DO(OP_POP, 1024), DO(OP_PUSH, 999), DO(OP_POP, 1024),
	      DO(OP_PUSH, 1000), DO(OP_PUSH, 500), DO(OP_POP, 1024),
	      DO(OP_POP, 1024), DO(OP_PUSH, 1000), DO(OP_POP, 1024) } } },
	{ 0,
	  { "quiet_batch",
	    11,
	    { OPEN, DO(OP_RESERVE, 40), DO(OP_COMMIT_QUIET, 39), DO(OP_PEEK, 0),
	      DO(OP_RESERVE, 7), DO(OP_COMMIT, 2), DO(OP_PEEK, 0),
	      DO(OP_COPY_OUT, 8), DO(OP_PEEK, 0), DO(OP_RELEASE, 0) } } },
	{ 0,
	  { "quiet_ones_die_with_their_producer",
	    9,
	    { OPEN, DO(OP_PUSH, 8), DO(OP_RESERVE, 40), DO(OP_COMMIT_QUIET, 39),
	      DO(OP_KILL_TX, 0), DO(OP_OPEN_TX, 0), DO(OP_POP, 1024),
	      DO(OP_POP, 1024) } } },
	{ 0,
	  { "lengths_at_the_limits",
	    9,
	    { OPEN, DO(OP_PUSH, 0), DO(OP_PUSH, 1), DO(OP_PUSH, 1016),
	      DO(OP_PUSH, 1017), DO(OP_PUSH, 1025), DO(OP_POP, 0),
	      DO(OP_POP, 1) } } },
	{ 0,
	  { "consumer_sleeps_and_is_rung",
	    7,
	    { OPEN, WAIT(OP_WAIT_DATA), DO(OP_RESERVE, 9),
	      DO(OP_COMMIT_QUIET, 0), DO(OP_FLUSH, 0), DO(OP_POP, 64) } } },
	{ 0,
	  { "producer_sleeps_until_there_is_room",
	    9,
	    { OPEN, DO(OP_PUSH, 1000), DO(OP_PUSH, 1000), DO(OP_PUSH, 1000),
	      DO(OP_PUSH, 1000), WAIT(OP_WAIT_SPACE), DO(OP_POP, 1024),
	      DO(OP_POP, 1024) } } },
	{ 0,
	  { "both_die_and_are_succeeded",
	    12,
	    { OPEN, DO(OP_PUSH_N, 20), DO(OP_PUSH, 100), DO(OP_PEEK, 0),
	      DO(OP_RELEASE, 0), DO(OP_PEEK, 0), DO(OP_KILL_RX, 0),
	      DO(OP_KILL_TX, 0), OPEN, DO(OP_POP, 1024) } } },
	{ 0,
	  { "retired_and_created_again",
	    8,
	    { OPEN, DO(OP_PUSH, 3), DO(OP_CLOSE_TX, 0), DO(OP_KILL_RX, 0),
	      DO(OP_RETIRE, 0), OPEN } } },
	{ 0,
	  { "header_longer_than_what_is_there",
	    6,
	    { OPEN,
	      DO(OP_PUSH, 64),
	      { PROGRAM_WRITE, ADD(2), DATA(0), 900 },
	      DO(OP_PEEK, 0),
	      DO(OP_POP, 1024) } } },
	{ 0,
	  { "header_changes_while_read",
	    7,
	    { OPEN,
	      DO(OP_PUSH, 64),
	      DO(OP_PUSH, 64),
	      { PROGRAM_WRITE, ADD(2) | AT_LOAD(3), DATA(0), 30 },
	      DO(OP_PEEK, 0),
	      DO(OP_POP, 1024) } } },
	{ 0,
	  { "pad_that_is_none",
	    6,
	    { OPEN,
	      DO(OP_PUSH, 64),
	      { PROGRAM_WRITE, SCRIBBLE(3, SCRIBBLE_HIGH), DATA(0),
		SPSC_VAR_PAD },
	      DO(OP_PEEK, 0),
	      DO(OP_POP, 1024) } } },
	{ 0,
	  { "indices_that_lie",
	    8,
	    { OPEN, DO(OP_PUSH, 64), LIE(tail_idx, 4), DO(OP_PEEK, 0),
	      LIE(head_idx, 8), DO(OP_RESERVE, 1000),
	      DO(OP_RESERVE, 1000) } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
