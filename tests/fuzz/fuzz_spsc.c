/* SPDX-License-Identifier: MIT */
/* fuzz_spsc.c - can one end of spsc.h be made to break its promise, by what
 * the other one does or by what anybody stores? */
#include "shm/spsc.h"

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
	OP_WATCH,
	OP_RETIRE,
	OP_STAGE,
	OPS_END
};

#define TX	   0u /* indices of peers, bits of sleepers */
#define RX	   1u
#define RETIRER	   2u
#define MSGS_MAX   20u /* in one push or pop: more than fit any ring here */
#define SLOT_MAX   128u
#define CREDIT(nr) ((nr) >= 16 ? (nr) / 8 : 1)

static struct {
	struct spsc_tx tx, tx_opened; /* now, and as it was opened */
	struct spsc_rx rx, rx_opened;
	bool tx_is_open, rx_is_open;
	bool tx_died, rx_died; /* and nobody took over yet */
	uint32_t reserved_nr, peeked_nr;
	/* Messages since the ring was made; of those sent some may be staged.
	 */
	uint64_t sent_nr, seen_nr, taken_nr;
	uint64_t sent_at_sleep;
	uint32_t notifies_at_sleep;
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 128, 16 }, { 8, 2 }, { 64, 32 }, { 24, 4 } };

static int create(const struct region *region, uint8_t which)
{
	uint64_t start_idx = which & 0x80 ? UINT64_MAX - 2 : 0;
	struct region_info info;
	struct spsc_mem *mem;
	int err = spsc_create(region, PROGRAM_NAME, shapes[which & 3].slot_len,
			      shapes[which & 3].slots_nr, RETIRER);

	if (!err)
		err = region_channel_find(region, PROGRAM_NAME,
					  REGION_KIND_SPSC, &info);
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
	struct spsc_tx tx;
	int err;

	if (program.sleepers & 1u << TX)
		return;
	err = spsc_open_tx(&tx, &program.region, PROGRAM_NAME,
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
	struct spsc_rx rx;
	int err;

	if (program.sleepers & 1u << RX)
		return;
	err = spsc_open_rx(&rx, &program.region, PROGRAM_NAME,
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
	/* What was not published never was. */
	if (dies) {
		program_kill(&program.peers[TX]);
		room.sent_nr = room.seen_nr;
	} else {
		spsc_close_tx(&room.tx);
		room.seen_nr = room.sent_nr;
	}
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
		spsc_close_rx(&room.rx);
	room.rx_is_open = false;
	room.rx_died = dies;
	room.peeked_nr = 0;
}

static void retire(void)
{
	int err;

	if (program.sleepers)
		return;
	err = spsc_retire(&program.region, PROGRAM_NAME,
			  program.peers[RETIRER].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(
		program.hostile ||
		err == (room.tx_is_open || room.rx_is_open ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

/* --- the producer --------------------------------------------------------- */

static void tx_moved(void)
{
	if (!room.tx.staged_nr)
		room.seen_nr = room.sent_nr;
}

/* Full, as far as the consumer said: it gives back in steps. */
static bool may_be_full(void)
{
	return room.sent_nr - room.taken_nr + CREDIT(room.tx.slots_nr) >
	       room.tx.slots_nr;
}

static void reserve(uint32_t want)
{
	uint64_t len = room.tx.slot_len;
	void *slots;
	int got;

	if (!tx_ready())
		return;
	got = spsc_reserve(&room.tx, want, &slots);
	FUZZ_CHECK(got <= (int)want && !slots == (got <= 0));
	room.reserved_nr = 0;
	if (got < 0)
		FUZZ_CHECK(program.hostile &&
			   PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER));
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

static void commit(uint32_t nr, bool stage)
{
	int err;

	if (!tx_ready() || !room.reserved_nr)
		return;
	nr = 1 + nr % room.reserved_nr;
	room.reserved_nr -= nr;
	room.sent_nr += nr;
	err = stage ? spsc_stage(&room.tx, nr) : spsc_commit(&room.tx, nr);
	tx_moved();
	FUZZ_CHECK(err == 0 || err == -SHM_EIO);
}

static void push(uint32_t nr)
{
	static uint8_t msgs[MSGS_MAX * SPSC_SLOT_LEN_MAX / 4096];
	uint64_t before, len = room.tx.slot_len;
	int got;

	if (!tx_ready() || nr * len > sizeof(msgs))
		return;
	before = room.tx.tail_idx;
	for (uint32_t i = 0; i < nr; i++)
		program_fill(msgs + i * len, len, room.sent_nr + i);
	got = spsc_push(&room.tx, msgs, nr);
	room.reserved_nr = 0;
	/* When the bell fails, some may be in. */
	room.sent_nr += room.tx.tail_idx - before;
	tx_moved();
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
	err = spsc_flush(&room.tx);
	tx_moved();
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
	room.seen_nr = room.sent_nr; /* it publishes first */
	program.sleepers |= 1u << TX;
	err = spsc_wait_space(&room.tx, program_timeout(step));
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
	uint64_t len = room.rx.slot_len, there = room.seen_nr - room.taken_nr;
	const void *slots;
	int got;

	if (!rx_ready())
		return;
	got = spsc_peek(&room.rx, want, &slots);
	FUZZ_CHECK(got <= (int)want && !slots == (got <= 0));
	room.peeked_nr = 0;
	if (got < 0)
		FUZZ_CHECK(program.hostile &&
			   PROGRAM_ONE_OF(got, SHM_EPEER, SHM_EOWNER));
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

static void release(uint32_t nr)
{
	if (!rx_ready() || !room.peeked_nr)
		return;
	nr = 1 + nr % room.peeked_nr;
	room.peeked_nr -= nr;
	room.taken_nr += nr;
	spsc_release(&room.rx, nr);
}

static void pop(uint32_t want)
{
	static uint8_t msgs[MSGS_MAX * SPSC_SLOT_LEN_MAX / 4096];
	uint64_t len = room.rx.slot_len, there = room.seen_nr - room.taken_nr;
	int got;

	if (!rx_ready() || want * len > sizeof(msgs))
		return;
	got = spsc_pop(&room.rx, msgs, want);
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
		program_expect(msgs + (uint64_t)i * len, len,
			       room.taken_nr + (uint64_t)i);
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
	err = spsc_wait_data(&room.rx, program_timeout(step));
	program.sleepers &= ~(1u << RX);
	FUZZ_CHECK(err == 0 || err == -SHM_ETIMEDOUT || err == -SHM_EIO ||
		   (err == -SHM_EGONE && (program.hostile || room.tx_died)) ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   (err == 0) == (room.seen_nr > room.taken_nr));
}

/* --- all of it ------------------------------------------------------------ */

static void watch(uint32_t slot)
{
	struct spsc_view view;
	int err = spsc_watch(&program.region, slot, &view);

	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EVERSION)));
	if (!err)
		FUZZ_CHECK(view.tail_idx - view.head_idx <= view.slots_nr);
}

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
		commit(step->arg, false);
		break;
	case OP_STAGE:
		commit(step->arg, true);
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
	const struct spsc_tx *tx = &room.tx;
	const struct spsc_rx *rx = &room.rx;

	if (room.tx_is_open) {
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->slots_nr);
		FUZZ_CHECK(tx->slots_nr == room.tx_opened.slots_nr &&
			   tx->slot_len == room.tx_opened.slot_len &&
			   tx->data == room.tx_opened.data);
		FUZZ_CHECK(program.hostile || !tx->broken);
	}
	if (room.rx_is_open) {
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->slots_nr);
		FUZZ_CHECK(rx->slots_nr == room.rx_opened.slots_nr &&
			   rx->slot_len == room.rx_opened.slot_len &&
			   rx->data == room.rx_opened.data);
		FUZZ_CHECK(program.hostile || !rx->broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_SPSC,
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
#define AT(f)	    offsetof(struct spsc_mem, f)
#define AT_LOAD(nr) ((nr) << 4)

static const struct program_seed seeds[] = {
	{ 0x80,
	  { "push_and_pop_over_the_wrap",
	    8,
	    { OPEN, DO(OP_PUSH, 15), DO(OP_POP, 7), DO(OP_PUSH, 7),
	      DO(OP_POP, 15), DO(OP_CLOSE_TX, 0), DO(OP_CLOSE_RX, 0) } } },
	{ 1,
	  { "reserve_commit_peek_release",
	    9,
	    { OPEN, DO(OP_RESERVE, 1), DO(OP_COMMIT, 0), DO(OP_COMMIT, 0),
	      DO(OP_PEEK, 1), DO(OP_RELEASE, 0), DO(OP_RELEASE, 0),
	      DO(OP_WATCH, 3) } } },
	{ 2,
	  { "staged_ones_die_with_their_producer",
	    10,
	    { OPEN, DO(OP_RESERVE, 5), DO(OP_STAGE, 2), DO(OP_STAGE, 2),
	      DO(OP_POP, 9), DO(OP_STAGE, 0), DO(OP_KILL_TX, 0),
	      DO(OP_OPEN_TX, 0), DO(OP_POP, 9) } } },
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
	  { "refused_retirement_keeps_the_dead_dead",
	    8,
	    { OPEN, DO(OP_PUSH, 0), DO(OP_KILL_TX, 0), DO(OP_RETIRE, 0),
	      DO(OP_POP, 0), WAIT(OP_WAIT_DATA), DO(OP_OPEN_TX, 0) } } },
	{ 0,
	  { "doorbell_fails_at_takeover",
	    6,
	    { OPEN,
	      { PROGRAM_BELL, 1, TX, 0 },
	      { OP_WAIT_DATA, 0, 0, 3 },
	      DO(OP_KILL_TX, 0),
	      DO(OP_OPEN_TX, 0) } } },
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
	  { "producer_lies_about_tail_during_a_pop",
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
		AT(slots_nr), 16 },
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
