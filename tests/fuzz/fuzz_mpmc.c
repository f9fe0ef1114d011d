/* SPDX-License-Identifier: MIT */
/* fuzz_mpmc.c - does each message of mpmc.h reach exactly one consumer, or is
 * it reported lost, whoever dies; and does garbage do no more than stop it? */
#include "shm/mpmc.h"

#include "tests/fuzz/ring_program.h"

enum op {
	OP_OPEN = PROGRAM_OPS_NR, /* arg: which end, for all of these */
	OP_CLOSE,
	OP_KILL,
	OP_CLAIM,  /* off: how many; reserve, or take */
	OP_FINISH, /* commit, or release */
	OP_COPY,   /* off: how many; push, or pop */
	OP_FLUSH,
	OP_WAIT, /* value: timeout and spin */
	OP_RETIRE,
	OPS_END
};

#define ENDS_NR	   3u /* of each role: ends 0..2 write, 3..5 read */
#define CREATOR	   6u
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

struct seat {
	union {
		struct mpmc_tx tx;
		struct mpmc_rx rx;
		struct mpmc_end end; /* what both are made of */
	};
	bool is_open;
};

static struct {
	struct seat seats[2 * ENDS_NR];
	uint64_t start_idx;
	uint8_t fates[NUMBERS_NR];
	uint64_t sent_end, taken_end; /* number behind the last claimed */
	bool somebody_died;	      /* then it may take longer */
} room;

static const struct {
	uint32_t slot_len, slots_nr;
} shapes[] = { { 56, 16 }, { 8, 4 }, { 120, 8 }, { 8, 64 } };

static int create(const struct region *region, uint8_t which)
{
	uint32_t slots_nr = shapes[which & 3].slots_nr;
	struct region_info info;
	struct mpmc_mem *mem;
	int err = mpmc_create(region, PROGRAM_NAME, shapes[which & 3].slot_len,
			      slots_nr, ENDS_NR, CREATOR);

	if (!err)
		err = region_channel_find(region, PROGRAM_NAME,
					  REGION_KIND_MPMC, &info);
	if (err)
		return err;
	/* TRUST: the channel was checked. Counts that wrap soon: the cells are
	 * free for numbers from there on. */
	mem = (void *)(region->base + info.off);
	room.start_idx = which & 0x80 ? 0 - (uint64_t)slots_nr : 0;
	mem->tail_idx = room.start_idx;
	mem->head_idx = room.start_idx;
	for (uint32_t i = 0; i < slots_nr; i++) {
		struct mpmc_cell *cell = (void *)(region->base + info.off +
						  mem->data_off +
						  (uint64_t)i * mem->cell_len);

		cell->seq = room.start_idx + i;
	}
	return 0;
}

static void reset(void)
{
	uint64_t start_idx = room.start_idx;

	memset(&room, 0, sizeof(room));
	room.start_idx = start_idx;
	room.sent_end = start_idx;
	room.taken_end = start_idx;
}

static bool is_tx(uint32_t nr)
{
	return nr < ENDS_NR;
}

/* An end that is open and not inside of a wait, or NULL. */
static struct seat *ready(uint32_t nr)
{
	struct seat *seat = &room.seats[nr];

	return seat->is_open && !(program.sleepers & 1u << nr) ? seat : NULL;
}

/* A message goes from one of its states to the next. */
static void fate_moves(uint64_t idx, enum fate from, enum fate to)
{
	uint8_t *fate;

	if (program.hostile)
		return;
	FUZZ_CHECK(idx - room.start_idx < NUMBERS_NR);
	fate = &room.fates[idx - room.start_idx];
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
	FUZZ_CHECK(err == -SHM_EIO ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER, SHM_EINVAL)));
}

/* --- opening, closing, dying ---------------------------------------------- */

static void open_end(uint32_t nr)
{
	struct seat *seat = &room.seats[nr];
	struct peer *peer = &program.peers[nr].peer;
	int err;

	if (seat->is_open)
		return;
	err = is_tx(nr) ? mpmc_open_tx(&seat->tx, &program.region, PROGRAM_NAME,
				       peer, 1)
			: mpmc_open_rx(&seat->rx, &program.region, PROGRAM_NAME,
				       peer, 1);
	/* As many seats as ends here; the dead ones' are free. */
	FUZZ_CHECK(program_open_ok(err) && (program.hostile || !err));
	if (err)
		return;
	seat->is_open = true;
	seat->end.lost = lost;
}

/* What it held and has not finished. */
static void claim_ends(struct seat *seat, enum fate from, enum fate to)
{
	for (uint32_t i = 0; i < seat->end.held_nr; i++)
		fate_moves(seat->end.held_idx + i, from, to);
}

static void close_end(uint32_t nr)
{
	struct seat *seat = ready(nr);

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
	seat->is_open = false;
}

static void kill_end(uint32_t nr)
{
	struct seat *seat = ready(nr);

	if (!seat)
		return;
	program_kill(&program.peers[nr]);
	seat->is_open = false;
	room.somebody_died = true;
}

/* --- messages ------------------------------------------------------------- */

static bool claims_open(void)
{
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++)
		if (room.seats[i].is_open && room.seats[i].end.held_nr)
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

static void claim_tx(struct seat *seat, uint32_t got)
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

static void claim_rx(struct seat *seat, uint32_t got)
{
	uint64_t len = seat->end.slot_len, idx = seat->end.held_idx;

	FUZZ_CHECK(program.hostile ||
		   idx - room.taken_end < seat->end.slots_nr);
	room.taken_end = idx + got;
	for (uint32_t i = 0; i < got; i++) {
		const void *slot = mpmc_slot_rx(&seat->rx, i);

		program_check_span(slot, len);
		program_expect(slot, len, idx + i);
		fate_moves(idx + i, SENT, TAKEN);
	}
}

static void claim(uint32_t nr, uint32_t want)
{
	struct seat *seat = ready(nr);
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

static void finish(uint32_t nr)
{
	struct seat *seat = ready(nr);
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
static void copy(uint32_t nr, uint32_t want)
{
	static uint8_t msgs[MSGS_MAX * MSG_MAX];
	struct seat *seat = ready(nr);
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

static void flush(uint32_t nr)
{
	struct seat *seat = ready(nr);
	int err;

	if (!seat)
		return;
	err = is_tx(nr) ? mpmc_flush_tx(&seat->tx) : mpmc_flush_rx(&seat->rx);
	if (err)
		end_error(err);
}

static void wait_end(uint32_t nr, const struct step *step)
{
	struct seat *seat = ready(nr);
	bool held;
	int err;

	if (!seat)
		return;
	held = seat->end.held_nr;
	seat->end.spin_ns = program_spin(step);
	program.sleepers |= 1u << nr;
	err = is_tx(nr) ? mpmc_wait_space(&seat->tx, program_timeout(step))
			: mpmc_wait_data(&seat->rx, program_timeout(step));
	program.sleepers &= ~(1u << nr);
	if (held)
		FUZZ_CHECK(err < 0);
	else if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || room.somebody_died);
	else if (err && err != -SHM_ETIMEDOUT)
		end_error(err);
}

static void retire(void)
{
	bool in_use = false;
	int err;

	if (program.sleepers)
		return;
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++)
		in_use |= room.seats[i].is_open;
	err = mpmc_retire(&program.region, PROGRAM_NAME,
			  program.peers[CREATOR].peer.id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile || err == (in_use ? -SHM_EEXIST : 0));
	if (!err)
		program_again();
}

static void run(const struct step *step)
{
	uint32_t nr = step->arg % (2 * ENDS_NR);
	uint32_t want = 1 + step->off % MSGS_MAX;

	switch (step->op + PROGRAM_OPS_NR) {
	case OP_OPEN:
		open_end(nr);
		break;
	case OP_CLOSE:
		close_end(nr);
		break;
	case OP_KILL:
		kill_end(nr);
		break;
	case OP_CLAIM:
		claim(nr, want);
		break;
	case OP_FINISH:
		finish(nr);
		break;
	case OP_COPY:
		copy(nr, want);
		break;
	case OP_FLUSH:
		flush(nr);
		break;
	case OP_WAIT:
		wait_end(nr, step);
		break;
	case OP_RETIRE:
		retire();
		break;
	}
}

/* What an end knows for itself stays as it was checked. */
static void check(void)
{
	for (uint32_t i = 0; i < 2 * ENDS_NR; i++) {
		const struct mpmc_end *end = &room.seats[i].end;

		if (!room.seats[i].is_open)
			continue;
		FUZZ_CHECK(end->held_nr <= end->slots_nr);
		FUZZ_CHECK(!(end->slots_nr & (end->slots_nr - 1)));
		program_check_span(end->cells, end->slots_nr * end->cell_len);
		FUZZ_CHECK(program.hostile || !end->broken);
	}
}

static const struct ring_type type = {
	.kind = REGION_KIND_MPMC,
	.region_len = 8192,
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

#define DO(op, end)           \
	{                     \
		op, end, 0, 0 \
	}
#define SOME(op, end, n)          \
	{                         \
		op, end, (n)-1, 0 \
	}
#define WAIT(end)                  \
	{                          \
		OP_WAIT, end, 0, 3 \
	}
#define OPEN_ALL DO(OP_OPEN, 0), DO(OP_OPEN, 1), DO(OP_OPEN, 3), DO(OP_OPEN, 4)
#define LIE(f, by)                                             \
	{                                                      \
		PROGRAM_WRITE_RING, SCRIBBLE(3, SCRIBBLE_ADD), \
			offsetof(struct mpmc_mem, f), by       \
	}

static const struct program_seed seeds[] = {
	{ 0x80,
	  { "copied_over_the_wrap",
	    9,
	    { OPEN_ALL, SOME(OP_COPY, 0, 10), SOME(OP_COPY, 1, 6),
	      SOME(OP_COPY, 3, 12), SOME(OP_COPY, 0, 12),
	      SOME(OP_COPY, 4, 16) } } },
	{ 1,
	  { "claims_finished_in_the_other_order",
	    12,
	    { OPEN_ALL, SOME(OP_CLAIM, 0, 2), SOME(OP_CLAIM, 1, 2),
	      DO(OP_FINISH, 1), SOME(OP_CLAIM, 3, 2), DO(OP_FINISH, 0),
	      SOME(OP_CLAIM, 3, 2), SOME(OP_CLAIM, 4, 2),
	      DO(OP_FINISH, 4) } } },
	{ 0,
	  { "producer_dies_with_a_claim",
	    14,
	    { OPEN_ALL, SOME(OP_CLAIM, 0, 3), SOME(OP_COPY, 1, 3),
	      DO(OP_KILL, 0), SOME(OP_CLAIM, 3, 6), SOME(OP_CLAIM, 3, 6),
	      DO(OP_FINISH, 3), DO(OP_OPEN, 0), SOME(OP_CLAIM, 3, 6),
	      DO(OP_FINISH, 3), WAIT(3) } } },
	{ 0,
	  { "consumer_dies_with_a_claim",
	    12,
	    { OPEN_ALL, SOME(OP_COPY, 0, 16), SOME(OP_CLAIM, 3, 5),
	      DO(OP_KILL, 3), WAIT(0), DO(OP_OPEN, 3), SOME(OP_CLAIM, 3, 20),
	      DO(OP_FINISH, 3), SOME(OP_CLAIM, 0, 16) } } },
	{ 0,
	  { "consumer_sleeps_and_is_rung",
	    8,
	    { OPEN_ALL, WAIT(3), SOME(OP_COPY, 0, 1), DO(OP_FLUSH, 0),
	      SOME(OP_COPY, 3, 1) } } },
	{ 1,
	  { "everybody_closes_with_a_claim",
	    12,
	    { OPEN_ALL, SOME(OP_COPY, 0, 3), SOME(OP_CLAIM, 3, 2),
	      SOME(OP_CLAIM, 0, 1), DO(OP_CLOSE, 0), DO(OP_CLOSE, 3),
	      DO(OP_OPEN, 3), SOME(OP_CLAIM, 3, 4), DO(OP_FINISH, 3) } } },
	{ 0,
	  { "tickets_that_lie",
	    10,
	    { OPEN_ALL, SOME(OP_COPY, 0, 3), LIE(head_idx, 5),
	      SOME(OP_CLAIM, 3, 4), LIE(tail_idx, 0x7fffffff),
	      SOME(OP_COPY, 0, 9), WAIT(4) } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	return program_seed(seed, seeds, sizeof(seeds) / sizeof(*seeds), nr);
}
