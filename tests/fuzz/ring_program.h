/* SPDX-License-Identifier: MIT */
/*
 * ring_program.h - runs an input as a program against one ring: steps of its
 * ends, and between and inside of them what a hostile peer stores.
 *
 * A fuzz_NAME.c brings the ring (struct ring_type): its calls, the fields a
 * hostile peer goes for, and what must hold. Everything that is the same for
 * all rings is here. One thread; peers are fakes whose clock moves only when
 * looked at, so every wait is bounded. While an end sleeps, the program's next
 * steps run, as the others would.
 *
 * As long as nobody stored what an honest peer would not (hostile is false),
 * targets expect the ring to keep its whole promise. Afterwards: documented
 * results, own numbers in order, and no access outside the region, whose both
 * sides nobody may touch.
 */
#ifndef TESTS_FUZZ_RING_PROGRAM_H
#define TESTS_FUZZ_RING_PROGRAM_H

#include "shm/owner.h"
#include "shm/peer.h"
#include "shm/region.h"
#include "tests/fuzz/ambush.h"
#include "tests/fuzz/scribble.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"

#define PROGRAM_NAME	 "ring"
#define PROGRAM_PEERS_NR 8u  /* ids 0..7; 8.. are for those that come later */
#define PROGRAM_CREATOR	 7u  /* made the ring, and retires it */
#define PROGRAM_IDS_NR	 64u /* in the table of a small region */
#define PROGRAM_WRAPS	 0x80u
#define PROGRAM_SHAPES	 3u

/* Steps are numbers, modulo all there are: those of every target, then the
 * target's own. New ones go to the end. */
struct ring_call {
	const char *name;
	void (*run)(const struct step *step);
};
struct ring_field {
	const char *name;
	uint32_t off; /* from the ring's start */
};
#define RING_CALL_AS(n, f)              \
	{                               \
		.name = (n), .run = (f) \
	}
#define RING_CALL(f) RING_CALL_AS(#f, f)
#define RING_FIELD_AS(n, o)             \
	{                               \
		.name = (n), .off = (o) \
	}
#define RING_FIELD(type, f) RING_FIELD_AS(#f, offsetof(struct type, f))

struct ring_type {
	const char *target; /* file name, without .c */
	uint32_t kind;	    /* REGION_KIND_* */
	uint64_t region_len;
	/* Create channel PROGRAM_NAME; shape: 0..3. */
	int (*create)(const struct region *region, uint32_t shape);
	/* Let its counts begin just before they wrap; where. */
	uint64_t (*wrap)(void *mem, uint32_t shape);
	int (*retire)(const struct region *region, const char *name,
		      uint32_t peer_id);
	/* An end keeps it from being retired. NULL: any open one does. */
	bool (*in_use)(void);
	void *room; /* the target's own state, 0 when no end is open, */
	size_t room_len;
	void (*reset)(void); /* or what this makes of it; NULL: nothing */
	void (*check)(void); /* after each step */
	const struct ring_call *calls;
	uint32_t calls_nr;
	const struct ring_field *fields;
	uint32_t fields_nr;
};
#define RING_LIST(field, array) \
	.field = (array), .field##_nr = sizeof(array) / sizeof(*(array))

/* An end of the ring, by the number of its peer. */
struct program_end {
	bool is_open;
	bool died; /* and nobody took over yet */
	uint64_t sent_at_sleep;
	uint32_t notifies_at_sleep;
};

static struct {
	const struct ring_type *type;
	struct steps steps;
	uint8_t *mem;
	struct region region;
	struct region_info ring;
	uint8_t which;	    /* the input's wish: a shape, and PROGRAM_WRAPS */
	uint64_t start_idx; /* where the counts begin */
	struct fake_peer peers[PROGRAM_PEERS_NR];
	struct program_end ends[PROGRAM_PEERS_NR];
	bool hostile;	   /* no promise but safety from here on */
	uint32_t sleepers; /* ends inside of a wait: a bit each */
	uint32_t next_id;  /* for a peer that was not here before */
} program;

/* --- what targets check --------------------------------------------------- */

/* A span the ring gave us lies in memory that channels may use. */
static inline void program_check_span(const void *at, uint64_t len)
{
	uint64_t off = (uint64_t)((const uint8_t *)at - program.mem);

	FUZZ_CHECK(off >= program.region.data_off &&
		   off <= program.region.len && len <= program.region.len &&
		   off <= program.region.len - len);
	/* The ring's own numbers stand in its first 640 bytes. */
	FUZZ_CHECK(program.hostile ||
		   (off >= program.ring.off + 640 &&
		    off + len <= program.ring.off + program.ring.len));
}

/* 32-bit words that say which message it is. len: a multiple of 4. */
static inline void program_fill(void *at, uint64_t len, uint64_t nr)
{
	uint32_t *words = at;

	for (uint64_t i = 0; i < len / 4; i++)
		words[i] = (uint32_t)(nr * 0x9e3779b1u + i);
}

/* Touches all of it; it is message nr if everybody was honest. */
static inline void program_expect(const void *at, uint64_t len, uint64_t nr)
{
	const uint32_t *words = at;
	uint64_t wrong_nr = 0;

	for (uint64_t i = 0; i < len / 4; i++)
		wrong_nr += words[i] != (uint32_t)(nr * 0x9e3779b1u + i);
	FUZZ_CHECK(program.hostile || !wrong_nr);
}

/* One of a list of errors that ends with 0. */
static inline bool program_is_one_of(int err, const int *errs)
{
	for (; *errs; errs++)
		if (err == -*errs)
			return true;
	return false;
}
#define PROGRAM_ONE_OF(err, ...) \
	program_is_one_of((err), (const int[]){ __VA_ARGS__, 0 })

/* The error of a call that rings nobody: only a liar can cause one. */
static inline void program_check_lie(int err)
{
	FUZZ_CHECK(program.hostile &&
		   PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EOWNER));
}

/* The error of a call that may ring: the bell can fail, too. */
static inline void program_check_error(int err)
{
	if (err != -SHM_EIO)
		program_check_lie(err);
}

/* What opening an end may say to a peer of honest ones, and of others. */
static inline bool program_open_ok(int err)
{
	return err == 0 || err == -SHM_EEXIST ||
	       (program.hostile &&
		PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EVERSION, SHM_ENOENT,
			       SHM_EINVAL, SHM_EFULL, SHM_ENOTREADY));
}

/* What an onlooker may be told. */
static inline void program_check_watch(int err)
{
	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT ||
		   (program.hostile &&
		    PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EVERSION)));
}

/* --- ends ----------------------------------------------------------------- */

static inline struct peer *program_peer(uint32_t nr)
{
	return &program.peers[nr].peer;
}

static inline bool program_sleeps(uint32_t nr)
{
	return program.sleepers & 1u << nr;
}

/* Open, and not inside of a wait. */
static inline bool program_ready(uint32_t nr)
{
	return program.ends[nr].is_open && !program_sleeps(nr);
}

/* End nr was opened, or not: was that right? *taken_over: it says that its
 * last owner died (NULL: it does not say). True: it is open now. */
static inline bool program_opened(uint32_t nr, int err, const bool *taken_over)
{
	struct program_end *end = &program.ends[nr];

	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile || err == (end->is_open ? -SHM_EEXIST : 0));
	if (err)
		return false;
	FUZZ_CHECK(program.hostile || !taken_over || *taken_over == end->died);
	end->is_open = true;
	end->died = false;
	return true;
}

/* A peer dies: the server says so; the peer that takes its fake has a new id,
 * or none is left. */
static inline void program_kill(struct fake_peer *fake)
{
	region_peer_set(&program.region, fake->peer.id, REGION_PEER_GONE);
	if (program.next_id == PROGRAM_IDS_NR)
		program.hostile = true; /* from now on dead ids come back */
	fake->peer.id = program.next_id++ % PROGRAM_IDS_NR;
	region_peer_set(&program.region, fake->peer.id, REGION_PEER_ALIVE);
}

/* End nr was closed, or its peer dies. */
static inline void program_left(uint32_t nr, bool dies)
{
	if (dies)
		program_kill(&program.peers[nr]);
	program.ends[nr].is_open = false;
	program.ends[nr].died = dies;
}

/* --- waits ---------------------------------------------------------------- */

static inline uint64_t program_timeout(const struct step *step)
{
	static const uint64_t timeouts[] = { 0, 1000, 200000, 25000000 };

	return timeouts[step->value & 3];
}

/* Spin budget of a wait: never, a little, long. */
static inline uint64_t program_spin(const struct step *step)
{
	static const uint64_t spins[] = { 0, 0, 3000, 50000 };

	return spins[step->value >> 2 & 3];
}

/* Before end nr waits for what `ringer` sends, who has sent so much. */
static inline void program_sleep(uint32_t nr, uint32_t ringer, uint64_t sent_nr)
{
	struct program_end *end = &program.ends[nr];

	end->sent_at_sleep = sent_nr;
	end->notifies_at_sleep = program.peers[ringer].notifies_nr;
	program.sleepers |= 1u << nr;
}

/* After its wait said err. somebody_died: of those it waited for. */
static inline void program_wake(uint32_t nr, int err, bool somebody_died)
{
	program.sleepers &= ~(1u << nr);
	if (err == -SHM_EGONE)
		FUZZ_CHECK(program.hostile || somebody_died);
	else if (err && err != -SHM_ETIMEDOUT)
		program_check_error(err);
}

/* `ringer` has flushed: if nr sleeps since less was sent, it was rung. */
static inline void program_check_rung(uint32_t nr, uint32_t ringer,
				      uint64_t sent_nr)
{
	const struct program_end *end = &program.ends[nr];

	FUZZ_CHECK(program.hostile || !program_sleeps(nr) ||
		   sent_nr == end->sent_at_sleep ||
		   program.peers[ringer].notifies_nr != end->notifies_at_sleep);
}

/* --- steps of every target ------------------------------------------------ */

/* off: anywhere, in steps of 8 bytes. */
static inline void program_write(const struct step *step)
{
	program.hostile = true;
	scribble_step(step, step->off * 8ull);
}

/* off: in the ring's own first KiB. */
static inline void program_write_ring(const struct step *step)
{
	program.hostile = true;
	scribble_step(step, program.ring.off + step->off % 1024);
}

/* off: the number of a field. */
static inline void program_write_field(const struct step *step)
{
	uint32_t nr = step->off % program.type->fields_nr;

	program.hostile = true;
	scribble_step(step, program.ring.off + program.type->fields[nr].off);
}

/* off: in the ring's own first KiB; an owner word there becomes that of a dead
 * (value 0) or living peer. */
static inline void program_write_owner(const struct step *step)
{
	_Atomic uint64_t *word;
	uint64_t off = program.ring.off + (step->off & 0x3f8);

	program.hostile = true;
	if (off > program.region.len - 8)
		return;
	/* TRUST: inside of the region, aligned to 8. */
	word = (void *)(program.mem + off);
	*word = OWNER_WORD(step->value, PROGRAM_IDS_NR - 1 - (step->arg & 1));
	region_peer_set(&program.region, PROGRAM_IDS_NR - 1, REGION_PEER_GONE);
}

/* value 0..3 becomes the state of peer off. */
static inline void program_set_peer(const struct step *step)
{
	program.hostile = true;
	region_peer_set(&program.region, step->off % PROGRAM_IDS_NR,
			(enum region_peer_state)(step->value & 3));
}

/* Of peer off; arg 0: raised; 1, 2: its notify or wait fails from now on; 3:
 * they work again. */
static inline void program_bell(const struct step *step)
{
	struct fake_peer *fake = &program.peers[step->off % PROGRAM_PEERS_NR];

	switch (step->arg & 3) {
	case 0:
		fake->raised = true;
		break;
	case 1:
		fake->notify_err = -SHM_EIO;
		break;
	case 2:
		fake->wait_err = -SHM_EIO;
		break;
	case 3:
		fake->notify_err = 0;
		fake->wait_err = 0;
		break;
	}
}

/* value: ns that pass. */
static inline void program_clock(const struct step *step)
{
	for (uint32_t i = 0; i < PROGRAM_PEERS_NR; i++)
		program.peers[i].clock_ns += step->value;
}

static const struct ring_call program_calls[] = {
	RING_CALL_AS("write", program_write),
	RING_CALL_AS("write_ring", program_write_ring),
	RING_CALL_AS("write_owner", program_write_owner),
	RING_CALL_AS("peer", program_set_peer),
	RING_CALL_AS("bell", program_bell),
	RING_CALL_AS("clock", program_clock),
	RING_CALL_AS("write_field", program_write_field),
};
#define PROGRAM_CALLS_NR (sizeof(program_calls) / sizeof(*program_calls))

/* Step number op, of all there are. */
static inline const struct ring_call *program_call(const struct ring_type *type,
						   uint32_t op)
{
	op %= (uint32_t)PROGRAM_CALLS_NR + type->calls_nr;
	return op < PROGRAM_CALLS_NR ? &program_calls[op]
				     : &type->calls[op - PROGRAM_CALLS_NR];
}

/* --- the run -------------------------------------------------------------- */

/* A ring, and no end of it is open. */
static inline int program_make(void)
{
	const struct ring_type *ring = program.type;
	uint32_t shape = program.which & PROGRAM_SHAPES;
	int err = ring->create(&program.region, shape);

	if (!err)
		err = region_channel_find(&program.region, PROGRAM_NAME,
					  ring->kind, &program.ring);
	program.start_idx = 0;
	/* Only as long as what stands there can be believed. */
	if (!err && !program.hostile && program.which & PROGRAM_WRAPS)
		program.start_idx = ring->wrap(program.mem + program.ring.off,
					       shape);
	memset(program.ends, 0, sizeof(program.ends));
	memset(ring->room, 0, ring->room_len);
	if (ring->reset)
		ring->reset();
	return err;
}

/* A step of every target: take the ring away, and make the same again. */
static inline void program_retire(const struct step *step)
{
	bool held = false;
	int err;

	(void)step;
	if (program.sleepers)
		return;
	for (uint32_t i = 0; i < PROGRAM_PEERS_NR; i++)
		held |= program.ends[i].is_open;
	if (program.type->in_use)
		held = program.type->in_use();
	err = program.type->retire(&program.region, PROGRAM_NAME,
				   program_peer(PROGRAM_CREATOR)->id);
	FUZZ_CHECK(program_open_ok(err));
	FUZZ_CHECK(program.hostile || err == (held ? -SHM_EEXIST : 0));
	if (err)
		return;
	err = program_make();
	FUZZ_CHECK(program.hostile || !err);
}

static inline bool program_next(void)
{
	struct step step;

	if (!steps_next(&program.steps, &step))
		return false;
	program_call(program.type, step.op)->run(&step);
	program.type->check();
	return true;
}

/* An end sleeps: up to three steps of the others. */
static inline void program_asleep(struct fake_peer *fake)
{
	(void)fake;
	for (int i = 0; i < 3 && program_next(); i++)
		;
}

static inline void program_begin(const struct ring_type *type, uint8_t which)
{
	if (!program.mem)
		program.mem = guarded_map(type->region_len);
	program.type = type;
	program.which = which;
	program.hostile = false;
	program.sleepers = 0;
	program.next_id = PROGRAM_PEERS_NR;
	fuzz_ambush = NULL;
	memset(program.mem, 0, type->region_len);
	FUZZ_CHECK(
		!region_create(&program.region, program.mem, type->region_len));
	FUZZ_CHECK(!program_make());
	for (uint32_t i = 0; i < PROGRAM_PEERS_NR; i++) {
		fake_peer_init(&program.peers[i], i, program.mem,
			       type->region_len);
		program.peers[i].asleep = program_asleep;
		region_peer_set(&program.region, i, REGION_PEER_ALIVE);
	}
	scribble_begin(program.mem, type->region_len);
	fuzz_ambush = scribble_on_load;
}

/* A byte for the shape, then steps. */
static inline void program_run(const struct ring_type *type,
			       const uint8_t *data, size_t len)
{
	if (!len)
		return;
	program_begin(type, data[0]);
	program.steps = steps_of(data + 1, len - 1);
	while (program_next())
		;
}

#endif
