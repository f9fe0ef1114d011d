/* SPDX-License-Identifier: MIT */
/* fuzz_bcast.c - does each reader of bcast.h get each message, or hear how
 * many it missed, and can the writer or another reader do it harm? */
#include "shm/bcast.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN_TX = PROGRAM_OPS_NR,
	OP_CLOSE_TX,
	OP_KILL_TX,
	OP_WRITE, /* arg: how many */
	OP_FLUSH,
	OP_OPEN_RX, /* arg: which reader, and where it begins */
	OP_CLOSE_RX,
	OP_KILL_RX,
	OP_TAKE_BELL,
	OP_READ,
	OP_WAIT, /* value: timeout and spin */
	OP_RETIRE,
	OPS_END
};

#define TX	   0u
#define READERS_NR 3u /* peers 1..3 */
#define CREATOR	   6u
#define MSGS_MAX   20u
#define MSG_MAX	   120u
#define BELLS_NR   2u /* one less than readers */

struct reader {
	struct bcast_rx rx, opened;
	bool is_open;
	uint64_t written_at_sleep;
	uint32_t notifies_at_sleep;
};

static struct {
	struct bcast_tx tx, tx_opened;
	bool tx_is_open, tx_died;
	uint64_t start_idx, written_idx; /* the next to be written */
	struct reader readers[READERS_NR];
} room;

static const struct {
	uint32_t msg_len, slots_nr;
} shapes[] = { { 56, 16 }, { 8, 2 }, { 120, 8 }, { 24, 4 } };

static int create(const struct region *region, uint8_t which)
{
	uint32_t slots_nr = shapes[which & 3].slots_nr;
	struct region_info info;
	struct bcast_mem *mem;
	int err = bcast_create(region, PROGRAM_NAME, shapes[which & 3].msg_len,
			       slots_nr, BELLS_NR, CREATOR);

	if (!err)
		err = region_channel_find(region, PROGRAM_NAME,
					  REGION_KIND_BCAST, &info);
	if (err)
		return err;
	/* TRUST: the channel was checked. Counts that wrap soon. */
	mem = (void *)(region->base + info.off);
	room.start_idx = which & 0x80 ? 0 - (uint64_t)slots_nr : 0;
	mem->first_idx = room.start_idx;
	mem->tail_idx = room.start_idx;
	for (uint64_t i = 0; i < slots_nr; i++)
		bcast_slot_at(region->base + info.off + mem->data_off, slots_nr,
			      mem->slot_len, room.start_idx + i)
			->seq = BCAST_WHOLE(room.start_idx + i - slots_nr);
	return 0;
}

static void reset(void)
{
	uint64_t start_idx = room.start_idx;

	memset(&room, 0, sizeof(room));
	room.start_idx = start_idx;
	room.written_idx = start_idx;
}

static bool sleeps(uint32_t nr)
{
	return program.sleepers & 1u << nr;
}

static struct reader *ready(uint32_t nr)
{
	struct reader *reader = &room.readers[nr];

	return reader->is_open && !sleeps(nr) ? reader : NULL;
}

/* --- the writer ----------------------------------------------------------- */

static void open_tx(void)
{
	struct bcast_tx tx;
	int err = bcast_open_tx(&tx, &program.region, PROGRAM_NAME,
				&program.peers[TX].peer);

	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile ||
		   err == (room.tx_is_open ? -SHM_EEXIST : 0));
	if (err)
		return;
	FUZZ_CHECK(program.hostile || tx.taken_over == room.tx_died);
	FUZZ_CHECK(program.hostile || tx.tail_idx == room.written_idx);
	room.tx = room.tx_opened = tx;
	room.tx_is_open = true;
	room.tx_died = false;
}

static void leave_tx(bool dies)
{
	if (!room.tx_is_open)
		return;
	if (dies)
		program_kill(&program.peers[TX]);
	else
		bcast_close_tx(&room.tx);
	room.tx_is_open = false;
	room.tx_died = dies;
}

static void tx_error(int err)
{
	FUZZ_CHECK(err == 0 || err == -SHM_EIO ||
		   (program.hostile && err == -SHM_EOWNER));
}

static void write_some(uint32_t nr)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	uint64_t len;
	int err;

	if (!room.tx_is_open || room.tx.words_nr * 8ull > MSG_MAX)
		return;
	len = room.tx.words_nr * 8ull;
	for (uint32_t i = 0; i < nr; i++)
		program_fill(msgs + i * len, len, room.written_idx + i);
	err = bcast_write(&room.tx, msgs, nr);
	tx_error(err);
	if (err != -SHM_EOWNER)
		room.written_idx += nr;
}

static void flush(void)
{
	if (!room.tx_is_open)
		return;
	tx_error(bcast_flush(&room.tx));
	/* Whoever slept when something came was rung. */
	for (uint32_t i = 0; i < READERS_NR && !program.hostile; i++)
		FUZZ_CHECK(!sleeps(i) ||
			   room.readers[i].written_at_sleep ==
				   room.written_idx ||
			   program.peers[TX].notifies_nr !=
				   room.readers[i].notifies_at_sleep);
}

/* --- the readers ---------------------------------------------------------- */

static void open_rx(uint32_t nr, enum bcast_from from)
{
	struct reader *reader = &room.readers[nr];
	uint64_t behind;
	int err;

	if (reader->is_open)
		return;
	err = bcast_open_rx(&reader->rx, &program.region, PROGRAM_NAME,
			    &program.peers[1 + nr].peer, from);
	FUZZ_CHECK(program_open_ok(err) && (program.hostile || !err));
	if (err)
		return;
	reader->opened = reader->rx;
	reader->is_open = true;
	behind = room.written_idx - reader->rx.next_idx;
	FUZZ_CHECK(program.hostile || from == BCAST_FROM_OLDEST || !behind);
	FUZZ_CHECK(program.hostile || behind <= reader->rx.slots_nr);
}

static void leave_rx(uint32_t nr, bool dies)
{
	struct reader *reader = ready(nr);

	if (!reader)
		return;
	if (dies)
		program_kill(&program.peers[1 + nr]);
	else
		bcast_close_rx(&reader->rx);
	reader->is_open = false;
}

static void take_bell(uint32_t nr)
{
	struct reader *reader = ready(nr);
	uint32_t bells_nr = 0;
	int err;

	if (!reader || reader->rx.has_bell)
		return;
	for (uint32_t i = 0; i < READERS_NR; i++)
		bells_nr += room.readers[i].is_open &&
			    room.readers[i].rx.has_bell;
	err = bcast_take_bell(&reader->rx, 1);
	FUZZ_CHECK(err == 0 || err == -SHM_EFULL ||
		   (program.hostile && err == -SHM_EPEER));
	FUZZ_CHECK(program.hostile || !err == (bells_nr < BELLS_NR));
	FUZZ_CHECK(reader->rx.has_bell == !err);
}

static void read_one(uint32_t nr)
{
	static uint8_t msg[MSG_MAX];
	struct reader *reader = ready(nr);
	uint64_t behind, missed = 0, next_idx;
	int got;

	if (!reader || reader->rx.words_nr * 8ull > sizeof(msg))
		return;
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

static void wait_rx(uint32_t nr, const struct step *step)
{
	struct reader *reader = ready(nr);
	struct step shorter = *step;
	int err;

	if (!reader)
		return;
	if (!reader->rx.has_bell)
		shorter.value &= ~1u; /* it spins all the time */
	reader->rx.spin_ns = program_spin(step);
	reader->written_at_sleep = room.written_idx;
	reader->notifies_at_sleep = program.peers[TX].notifies_nr;
	program.sleepers |= 1u << nr;
	err = bcast_wait(&reader->rx, program_timeout(&shorter));
	program.sleepers &= ~(1u << nr);
	FUZZ_CHECK(err == 0 || err == -SHM_ETIMEDOUT || err == -SHM_EIO ||
		   (err == -SHM_EGONE && (program.hostile || room.tx_died)) ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER)));
	if (err != -SHM_EIO)
		FUZZ_CHECK(program.hostile ||
			   !err == (room.written_idx != reader->rx.next_idx));
}

/* A reader without a bell asks nobody, and nobody asks it. */
static void retire(void)
{
	bool in_use = room.tx_is_open;
	int err;

	if (program.sleepers)
		return;
	for (uint32_t i = 0; i < READERS_NR; i++)
		in_use |= room.readers[i].is_open &&
			  room.readers[i].rx.has_bell;
	err = bcast_retire(&program.region, PROGRAM_NAME,
			   program.peers[CREATOR].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile || err == (in_use ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

static void run(const struct step *step)
{
	uint32_t nr = step->arg % READERS_NR;

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
	case OP_WRITE:
		write_some(1 + step->arg % MSGS_MAX);
		break;
	case OP_FLUSH:
		flush();
		break;
	case OP_OPEN_RX:
		open_rx(nr,
			step->off & 1 ? BCAST_FROM_OLDEST : BCAST_FROM_NEXT);
		break;
	case OP_CLOSE_RX:
		leave_rx(nr, false);
		break;
	case OP_KILL_RX:
		leave_rx(nr, true);
		break;
	case OP_TAKE_BELL:
		take_bell(nr);
		break;
	case OP_READ:
		room.readers[nr].rx.skip_to_newest = step->off & 1;
		read_one(nr);
		break;
	case OP_WAIT:
		wait_rx(nr, step);
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	if (room.tx_is_open)
		FUZZ_CHECK(room.tx.slots_nr == room.tx_opened.slots_nr &&
			   room.tx.slot_len == room.tx_opened.slot_len &&
			   room.tx.data == room.tx_opened.data);
	for (uint32_t i = 0; i < READERS_NR; i++) {
		const struct reader *r = &room.readers[i];

		if (!r->is_open)
			continue;
		FUZZ_CHECK(r->rx.slots_nr == r->opened.slots_nr &&
			   r->rx.slot_len == r->opened.slot_len &&
			   r->rx.words_nr == r->opened.words_nr &&
			   r->rx.data == r->opened.data);
		program_check_span(r->rx.data, r->rx.slots_nr * r->rx.slot_len);
		FUZZ_CHECK(program.hostile || !r->rx.broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_BCAST,
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

#define DO(op, arg)           \
	{                     \
		op, arg, 0, 0 \
	}
#define OPEN DO(OP_OPEN_TX, 0), DO(OP_OPEN_RX, 0), DO(OP_OPEN_RX, 1)
#define WAIT(nr)                  \
	{                         \
		OP_WAIT, nr, 0, 3 \
	}
#define READ_NEWEST(nr)           \
	{                         \
		OP_READ, nr, 1, 0 \
	}
#define AT_LOAD(nr) ((nr) << 4)
#define LIE(f, by)                                             \
	{                                                      \
		PROGRAM_WRITE_RING, SCRIBBLE(3, SCRIBBLE_ADD), \
			offsetof(struct bcast_mem, f), by      \
	}

static const struct program_seed seeds[] = {
	{ 0x80,
	  { "slow_reader_hears_what_it_missed",
	    9,
	    { OPEN, DO(OP_WRITE, 3), DO(OP_READ, 0), DO(OP_WRITE, 19),
	      DO(OP_READ, 0), READ_NEWEST(1), DO(OP_READ, 0) } } },
	{ 1,
	  { "readers_that_begin_later",
	    7,
	    { DO(OP_OPEN_TX, 0),
	      DO(OP_WRITE, 4),
	      { OP_OPEN_RX, 0, 1, 0 },
	      DO(OP_OPEN_RX, 1),
	      DO(OP_READ, 0),
	      DO(OP_READ, 1),
	      DO(OP_READ, 0) } } },
	{ 0,
	  { "sleeping_reader_is_rung",
	    8,
	    { OPEN, DO(OP_TAKE_BELL, 0), WAIT(0), DO(OP_WRITE, 0),
	      DO(OP_FLUSH, 0), DO(OP_READ, 0) } } },
	{ 0,
	  { "bells_run_out_and_come_back",
	    9,
	    { OPEN, DO(OP_OPEN_RX, 2), DO(OP_TAKE_BELL, 0), DO(OP_TAKE_BELL, 1),
	      DO(OP_TAKE_BELL, 2), DO(OP_KILL_RX, 1), DO(OP_TAKE_BELL, 2) } } },
	{ 0,
	  { "writer_dies_and_is_succeeded",
	    10,
	    { OPEN, DO(OP_WRITE, 2), DO(OP_KILL_TX, 0), DO(OP_READ, 0), WAIT(1),
	      DO(OP_OPEN_TX, 0), DO(OP_WRITE, 0), DO(OP_READ, 1),
	      DO(OP_CLOSE_TX, 0) } } },
	{ 0,
	  { "tail_that_lies_to_a_slow_reader",
	    8,
	    { OPEN, DO(OP_WRITE, 19), LIE(tail_idx, (uint32_t)-9),
	      DO(OP_READ, 0), LIE(tail_idx, 0x7fffffff), DO(OP_READ, 1) } } },
	{ 0,
	  { "seq_changes_while_read",
	    6,
	    { OPEN,
	      DO(OP_WRITE, 3),
	      { PROGRAM_WRITE, SCRIBBLE(3, SCRIBBLE_ADD) | AT_LOAD(4),
		(1024 + 896 + 2 * 128) / 8, 32 },
	      DO(OP_READ, 0) } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
