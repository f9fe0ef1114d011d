/* SPDX-License-Identifier: MIT */
/*
 * scribble.h - a hostile peer's stores into shared memory: now, or at one of
 * the loads to come (ambush.h).
 */
#ifndef TESTS_FUZZ_SCRIBBLE_H
#define TESTS_FUZZ_SCRIBBLE_H

#include <string.h>

#include "tests/fuzz/steps.h"

#define SCRIBBLE_AMBUSHES_NR 4

struct scribble {
	uint64_t off, value; /* of memory; as `how` takes it */
	uint8_t how;	     /* SCRIBBLE_* */
	uint32_t loads_nr;   /* before it happens; 0: it lies in no ambush */
};

/* Bits 0..1 of how: log2 of the width; bits 2..3: what the value means. A
 * small lie beside the truth is the one that is hard to see through. */
#define SCRIBBLE_WIDTH(how) (1u << ((how)&3))
#define SCRIBBLE_SET	    0u /* the value */
#define SCRIBBLE_ADD	    1u /* what is there, plus or minus the value */
#define SCRIBBLE_HIGH	    2u /* the value in the upper half */
#define SCRIBBLE_NOT	    3u /* the value's complement */
#define SCRIBBLE(width_log2, meaning) \
	((uint8_t)((width_log2) | (unsigned int)(meaning) << 2))

static struct {
	uint8_t *mem;
	uint64_t len;
	struct scribble ambushes[SCRIBBLE_AMBUSHES_NR];
	uint32_t next; /* of them, for the next one to lie in */
} scribbles;

static inline void scribble_now(const struct scribble *s)
{
	uint32_t width = SCRIBBLE_WIDTH(s->how);
	uint64_t off = s->off % scribbles.len & ~(uint64_t)(width - 1);
	uint64_t value = s->value, old = 0;

	memcpy(&old, scribbles.mem + off, width);
	switch (s->how >> 2 & 3) {
	case SCRIBBLE_SET:
		break;
	case SCRIBBLE_ADD:
		value = old + (uint64_t)(int64_t)(int32_t)value;
		break;
	case SCRIBBLE_HIGH:
		value <<= 32;
		break;
	case SCRIBBLE_NOT:
		value = ~value;
		break;
	}
	memcpy(scribbles.mem + off, &value, width);
}

static inline void scribble_on_load(void)
{
	for (uint32_t i = 0; i < SCRIBBLE_AMBUSHES_NR; i++) {
		struct scribble *s = &scribbles.ambushes[i];

		if (s->loads_nr && --s->loads_nr == 0)
			scribble_now(s);
	}
}

/* Nobody lies in ambush: memory stays as it is during the next call. */
static inline bool scribble_is_quiet(void)
{
	for (uint32_t i = 0; i < SCRIBBLE_AMBUSHES_NR; i++)
		if (scribbles.ambushes[i].loads_nr)
			return false;
	return true;
}

static inline void scribble_begin(uint8_t *mem, uint64_t len)
{
	scribbles.mem = mem;
	scribbles.len = len;
	memset(scribbles.ambushes, 0, sizeof(scribbles.ambushes));
}

/* A step's store at off: of its arg, bits 0..3 are how, 4..7 the load. */
static inline void scribble_step(const struct step *step, uint64_t off)
{
	struct scribble s = { .off = off,
			      .value = step->value,
			      .how = step->arg & 15,
			      .loads_nr = step->arg >> 4 };

	if (s.loads_nr)
		scribbles.ambushes[scribbles.next++ % SCRIBBLE_AMBUSHES_NR] = s;
	else
		scribble_now(&s);
}

#endif
