/* SPDX-License-Identifier: MIT */
/* fuzz_mpsc.c - does a producer of mpsc.h that dies or lies harm more than its
 * own lane? */
#include "shm/mpsc.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN_TX = PROGRAM_OPS_NR, /* arg: which producer, as for all */
	OP_CLOSE_TX,
	OP_KILL_TX,
	OP_PUSH, /* off: how many */
	OP_FLUSH,
	OP_WAIT_SPACE, /* value: timeout and spin */
	OP_OPEN_RX,
	OP_CLOSE_RX,
	OP_KILL_RX,
	OP_PEEK, /* off: how many */
	OP_RELEASE,
	OP_POP,
	OP_WAIT_DATA,
	OP_RESET_LANE, /* off: which */
	OP_RETIRE,
	OPS_END
};

#define LANES_NR     3u
#define PRODUCERS_NR 4u /* peers 0..3: one more than lanes */
#define RX	     4u
#define CREATOR	     6u
#define MSGS_MAX     20u
#define MSG_MAX	     64u

/* Each lane's messages have numbers of their own. */
#define NUMBER(lane, nr) ((uint64_t)(lane) << 24 | (nr))

static struct {
	struct spsc_tx txs[PRODUCERS_NR];
	bool tx_is_open[PRODUCERS_NR];
	uint32_t lane_of[PRODUCERS_NR]; /* while nobody is hostile */
	struct mpsc_rx rx;
	bool rx_is_open, rx_died, somebody_died;
	uint32_t peeked_nr, peeked_lane;
	uint64_t sent_nr[LANES_NR], taken_nr[LANES_NR];
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 64, 8 }, { 8, 2 }, { 56, 16 }, { 24, 4 } };

static int create(const struct region *region, uint8_t which)
{
	return mpsc_create(region, PROGRAM_NAME, shapes[which & 3].slot_len,
			   shapes[which & 3].slots_nr, LANES_NR, CREATOR);
}

static void reset(void)
{
	memset(&room, 0, sizeof(room));
}

static struct spsc_tx *tx_ready(uint32_t nr)
{
	return room.tx_is_open[nr] && !(program.sleepers & 1u << nr)
		       ? &room.txs[nr]
		       : NULL;
}

static bool rx_ready(void)
{
	return room.rx_is_open && !(program.sleepers & 1u << RX);
}

/* --- producers ------------------------------------------------------------ */

static uint32_t producers_nr(void)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < PRODUCERS_NR; i++)
		nr += room.tx_is_open[i];
	return nr;
}

static void open_tx(uint32_t nr)
{
	const struct mpsc_mem *mem;
	struct spsc_tx tx;
	uint64_t off;
	int err;

	if (room.tx_is_open[nr])
		return;
	err = mpsc_open_tx(&tx, &program.region, PROGRAM_NAME,
			   &program.peers[nr].peer, 1);
	FUZZ_CHECK(program_open_ok(err) || err == -SHM_EFULL);
	FUZZ_CHECK(program.hostile ||
		   err == (producers_nr() == LANES_NR ? -SHM_EFULL : 0));
	if (err)
		return;
	room.txs[nr] = tx;
	room.tx_is_open[nr] = true;
	if (program.hostile)
		return;
	/* TRUST: nobody has stored what does not belong there. */
	mem = (void *)(program.mem + program.ring.off);
	off = (uint64_t)((uint8_t *)tx.mem - (const uint8_t *)mem);
	room.lane_of[nr] = (uint32_t)((off - mem->lanes_off) / mem->lane_len);
	FUZZ_CHECK(room.lane_of[nr] < LANES_NR);
}

static void leave_tx(uint32_t nr, bool dies)
{
	struct spsc_tx *tx = tx_ready(nr);

	if (!tx)
		return;
	if (dies)
		program_kill(&program.peers[nr]);
	else
		spsc_close_tx(tx);
	room.somebody_died |= dies;
	room.tx_is_open[nr] = false;
}

static void tx_error(int err)
{
	FUZZ_CHECK(err == -SHM_EIO ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
}

static void push(uint32_t nr, uint32_t want)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
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
		tx_error(got);
	room.sent_nr[lane] += tx->tail_idx - before;
}

static void flush(uint32_t nr)
{
	struct spsc_tx *tx = tx_ready(nr);
	int err;

	if (!tx)
		return;
	err = spsc_flush(tx);
	if (err)
		tx_error(err);
}

static void wait_space(uint32_t nr, const struct step *step)
{
	struct spsc_tx *tx = tx_ready(nr);
	int err;

	if (!tx)
		return;
	tx->spin_ns = program_spin(step);
	program.sleepers |= 1u << nr;
	err = spsc_wait_space(tx, program_timeout(step));
	program.sleepers &= ~(1u << nr);
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.rx_died);
	else if (err && err != -SHM_ETIMEDOUT)
		tx_error(err);
}

/* --- the consumer --------------------------------------------------------- */

static uint64_t waiting_nr(void)
{
	uint64_t nr = 0;

	for (uint32_t i = 0; i < LANES_NR; i++)
		nr += room.sent_nr[i] - room.taken_nr[i];
	return nr;
}

static void open_rx(void)
{
	int err;

	if (room.rx_is_open)
		return;
	err = mpsc_open_rx(&room.rx, &program.region, PROGRAM_NAME,
			   &program.peers[RX].peer, 1);
	FUZZ_CHECK(program_open_ok(err) && (program.hostile || !err));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || room.rx.taken_over == room.rx_died);
	FUZZ_CHECK(program.hostile || !room.rx.closed);
	room.rx_is_open = true;
	room.rx_died = false;
	room.peeked_nr = 0;
}

static void leave_rx(bool dies)
{
	if (!rx_ready())
		return;
	if (dies)
		program_kill(&program.peers[RX]);
	else
		mpsc_close_rx(&room.rx);
	room.rx_is_open = false;
	room.rx_died = dies;
}

static void rx_error(int err)
{
	FUZZ_CHECK(program.hostile &&
		   PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER));
	/* Who lied is named, and served no more. */
	if (err == -SHM_EPEER)
		FUZZ_CHECK(room.rx.lane < room.rx.lanes_nr &&
			   !mpsc_lane_open(&room.rx, room.rx.lane));
}

static void peek(uint32_t want)
{
	const void *slots;
	uint64_t len = room.rx.slot_len;
	uint32_t lane;
	int got;

	if (!rx_ready())
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

static void release(uint32_t nr)
{
	if (!rx_ready() || !room.peeked_nr)
		return;
	nr = 1 + nr % room.peeked_nr;
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

static void pop(uint32_t want)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint64_t len = room.rx.slot_len, before = waiting_nr();
	int got;

	if (!rx_ready() || len > MSG_MAX)
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

	if (!rx_ready())
		return;
	room.rx.spin_ns = program_spin(step);
	room.peeked_nr = 0;
	program.sleepers |= 1u << RX;
	err = mpsc_wait_data(&room.rx, program_timeout(step));
	program.sleepers &= ~(1u << RX);
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.somebody_died);
	else if (err && err != -SHM_ETIMEDOUT && err != -SHM_EIO)
		rx_error(err);
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile || !err == (waiting_nr() > 0));
}

static void reset_lane(uint32_t lane)
{
	int err;

	if (!rx_ready())
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

static void retire(void)
{
	int err;

	if (program.sleepers)
		return;
	err = mpsc_retire(&program.region, PROGRAM_NAME,
			  program.peers[CREATOR].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(
		program.hostile ||
		err == (room.rx_is_open || producers_nr() ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

static void run_rx(const struct step *step)
{
	uint32_t want = 1 + step->off % MSGS_MAX;

	switch (step->op + PROGRAM_OPS_NR) {
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
		peek(want);
		break;
	case OP_RELEASE:
		release(step->off);
		break;
	case OP_POP:
		pop(want);
		break;
	case OP_WAIT_DATA:
		wait_data(step);
		break;
	case OP_RESET_LANE:
		reset_lane(step->off % (LANES_NR + 1));
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

static void run(const struct step *step)
{
	uint32_t nr = step->arg % PRODUCERS_NR;

	switch (step->op + PROGRAM_OPS_NR) {
	case OP_OPEN_TX:
		open_tx(nr);
		break;
	case OP_CLOSE_TX:
		leave_tx(nr, false);
		break;
	case OP_KILL_TX:
		leave_tx(nr, true);
		break;
	case OP_PUSH:
		push(nr, 1 + step->off % MSGS_MAX);
		break;
	case OP_FLUSH:
		flush(nr);
		break;
	case OP_WAIT_SPACE:
		wait_space(nr, step);
		break;
	default:
		run_rx(step);
	}
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	for (uint32_t i = 0; i < PRODUCERS_NR; i++) {
		const struct spsc_tx *tx = &room.txs[i];

		if (!room.tx_is_open[i])
			continue;
		FUZZ_CHECK(tx->broken ||
			   tx->tail_idx - tx->head_seen <= tx->slots_nr);
		program_check_span(tx->data, tx->slots_nr * tx->slot_len);
	}
	for (uint32_t i = 0; room.rx_is_open && i < room.rx.lanes_nr; i++) {
		const struct spsc_rx *rx = &room.rx.lanes[i];

		if (!mpsc_lane_open(&room.rx, i))
			continue;
		FUZZ_CHECK(rx->broken ||
			   rx->tail_seen - rx->head_idx <= rx->slots_nr);
		program_check_span(rx->data, rx->slots_nr * rx->slot_len);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_MPSC,
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

#define DO(op, nr)           \
	{                    \
		op, nr, 0, 0 \
	}
#define SOME(op, nr, n)          \
	{                        \
		op, nr, (n)-1, 0 \
	}
#define WAIT(op, nr)         \
	{                    \
		op, nr, 0, 3 \
	}
#define OPEN DO(OP_OPEN_TX, 0), DO(OP_OPEN_TX, 1), DO(OP_OPEN_RX, 0)
/* In steps of 8 bytes from the region's start: tail_idx of lane 0. */
#define LANE_TAIL ((1024 + 384 + 128) / 8)

static const struct program_seed seeds[] = {
	{ 0,
	  { "lanes_in_turn",
	    9,
	    { OPEN, SOME(OP_PUSH, 0, 3), SOME(OP_PUSH, 1, 3),
	      SOME(OP_PEEK, 0, 2), SOME(OP_RELEASE, 0, 2), SOME(OP_PEEK, 0, 2),
	      SOME(OP_POP, 0, 9) } } },
	{ 1,
	  { "lanes_run_out_and_come_back",
	    8,
	    { OPEN, DO(OP_OPEN_TX, 2), DO(OP_OPEN_TX, 3), DO(OP_KILL_TX, 1),
	      DO(OP_OPEN_TX, 3), SOME(OP_PUSH, 3, 2) } } },
	{ 0,
	  { "consumer_sleeps_whatever_the_lane",
	    6,
	    { OPEN, WAIT(OP_WAIT_DATA, 0), SOME(OP_PUSH, 1, 1),
	      DO(OP_FLUSH, 1) } } },
	{ 0,
	  { "all_die_and_are_succeeded",
	    11,
	    { OPEN, SOME(OP_PUSH, 0, 5), SOME(OP_PUSH, 1, 2),
	      SOME(OP_PEEK, 0, 4), SOME(OP_RELEASE, 0, 2), DO(OP_KILL_RX, 0),
	      DO(OP_KILL_TX, 0), DO(OP_OPEN_RX, 0), SOME(OP_POP, 0, 20) } } },
	{ 0,
	  { "liar_loses_its_lane_only",
	    10,
	    { OPEN,
	      SOME(OP_PUSH, 0, 2),
	      SOME(OP_PUSH, 1, 2),
	      { PROGRAM_WRITE, SCRIBBLE(3, SCRIBBLE_ADD), LANE_TAIL, 900 },
	      SOME(OP_PEEK, 0, 9),
	      SOME(OP_PEEK, 0, 9),
	      DO(OP_KILL_TX, 0),
	      SOME(OP_RESET_LANE, 0, 1) } } },
	{ 0,
	  { "retired_and_created_again",
	    8,
	    { OPEN, SOME(OP_PUSH, 0, 2), DO(OP_CLOSE_TX, 0), DO(OP_KILL_TX, 1),
	      DO(OP_CLOSE_RX, 0), DO(OP_RETIRE, 0) } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
