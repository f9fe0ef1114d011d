/* SPDX-License-Identifier: MIT */
/*
 * ring_program.h - runs an input as a program against one ring: steps of its
 * ends, and between and inside of them what a hostile peer stores.
 *
 * A fuzz_NAME.c brings the ring's own steps (struct ring_type); everything
 * that is the same for all rings is here. One thread; peers are fakes whose
 * clock moves only when looked at, so every wait is bounded. While an end
 * sleeps, the program's next steps run, as the others would.
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
#define PROGRAM_IDS_NR	 64u /* in the table of a small region */

/* Steps every target has; its own begin at PROGRAM_OPS_NR. */
enum program_op {
	PROGRAM_WRITE,	     /* off: anywhere, in steps of 8 bytes */
	PROGRAM_WRITE_RING,  /* off: in the ring's own first KiB */
	PROGRAM_WRITE_OWNER, /* PROGRAM_WRITE_RING, but an owner word of a
				dead (value 0) or living peer */
	PROGRAM_PEER,	     /* value 0..3 becomes the state of peer off */
	PROGRAM_BELL,	     /* arg 0: raised; 1..3: an end's notify or wait
				fails from now on, or works again */
	PROGRAM_CLOCK,	     /* value: ns that pass */
	PROGRAM_OPS_NR
};

struct ring_type {
	uint32_t kind; /* REGION_KIND_* */
	uint64_t region_len;
	/* Create channel PROGRAM_NAME; which: 0..255, the input's wish. */
	int (*create)(const struct region *region, uint8_t which);
	void (*reset)(void);		      /* no end is open */
	void (*run)(const struct step *step); /* op: 0..ops_nr-1 */
	uint32_t ops_nr;
	void (*check)(void); /* after each step */
};

static struct {
	const struct ring_type *type;
	struct steps steps;
	uint8_t *mem;
	struct region region;
	struct region_info ring;
	uint8_t which; /* the input's wish, for create() */
	struct fake_peer peers[PROGRAM_PEERS_NR];
	bool hostile;	   /* no promise but safety from here on */
	uint32_t sleepers; /* ends inside of a wait: a bit each */
	uint32_t next_id;  /* for a peer that was not here before */
} program;

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

/* What opening an end may say to a peer of honest ones, and of others. */
static inline bool program_open_ok(int err)
{
	return err == 0 || err == -SHM_EEXIST ||
	       (program.hostile &&
		PROGRAM_ONE_OF(err, SHM_EPEER, SHM_EVERSION, SHM_ENOENT,
			       SHM_EINVAL, SHM_EFULL, SHM_ENOTREADY));
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

static inline void program_owner_write(const struct step *step)
{
	_Atomic uint64_t *word;
	uint64_t off = program.ring.off + (step->off & 0x3f8);

	if (off > program.region.len - 8)
		return;
	/* TRUST: inside of the region, aligned to 8. */
	word = (void *)(program.mem + off);
	*word = OWNER_WORD(step->value, PROGRAM_IDS_NR - 1 - (step->arg & 1));
	region_peer_set(&program.region, PROGRAM_IDS_NR - 1, REGION_PEER_GONE);
}

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

static inline void program_run_common(const struct step *step)
{
	if (step->op <= PROGRAM_PEER)
		program.hostile = true;
	switch (step->op) {
	case PROGRAM_WRITE:
		scribble_step(step, step->off * 8ull);
		break;
	case PROGRAM_WRITE_RING:
		scribble_step(step, program.ring.off + step->off % 1024);
		break;
	case PROGRAM_WRITE_OWNER:
		program_owner_write(step);
		break;
	case PROGRAM_PEER:
		region_peer_set(&program.region, step->off % PROGRAM_IDS_NR,
				(enum region_peer_state)(step->value & 3));
		break;
	case PROGRAM_BELL:
		program_bell(step);
		break;
	case PROGRAM_CLOCK:
		for (uint32_t i = 0; i < PROGRAM_PEERS_NR; i++)
			program.peers[i].clock_ns += step->value;
		break;
	}
}

/* The ring was retired: the same again, empty. */
static inline void program_again(void)
{
	int err = program.type->create(&program.region, program.which);

	FUZZ_CHECK(program.hostile || !err);
	if (!err)
		err = region_channel_find(&program.region, PROGRAM_NAME,
					  program.type->kind, &program.ring);
	FUZZ_CHECK(program.hostile || !err);
	program.type->reset();
}

static inline bool program_next(void)
{
	struct step step;

	if (!steps_next(&program.steps, &step))
		return false;
	step.op = (uint8_t)(step.op % (PROGRAM_OPS_NR + program.type->ops_nr));
	if (step.op < PROGRAM_OPS_NR) {
		program_run_common(&step);
	} else {
		step.op = (uint8_t)(step.op - PROGRAM_OPS_NR);
		program.type->run(&step);
	}
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
	FUZZ_CHECK(!type->create(&program.region, which));
	FUZZ_CHECK(!region_channel_find(&program.region, PROGRAM_NAME,
					type->kind, &program.ring));
	for (uint32_t i = 0; i < PROGRAM_PEERS_NR; i++) {
		fake_peer_init(&program.peers[i], i, program.mem,
			       type->region_len);
		program.peers[i].asleep = program_asleep;
		region_peer_set(&program.region, i, REGION_PEER_ALIVE);
	}
	type->reset();
	scribble_begin(program.mem, type->region_len);
	fuzz_ambush = scribble_on_load;
}

/* A byte for create(), then steps. */
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

/* A seed that is such a program. */
struct program_seed {
	uint8_t which;
	struct steps_seed program;
};

static inline bool program_seed(struct fuzz_seed *seed,
				const struct program_seed *seeds,
				uint32_t seeds_nr, uint32_t nr)
{
	if (nr >= seeds_nr || !steps_seed(seed, &seeds[nr].program))
		return false;
	memmove(seed->bytes + 1, seed->bytes, seed->len++);
	seed->bytes[0] = seeds[nr].which;
	return true;
}

#endif
