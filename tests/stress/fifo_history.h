/* SPDX-License-Identifier: MIT */
/*
 * fifo_history.h - can this history of a queue have happened one call at a
 * time?
 *
 * A history holds when each message was sent and received: when the call
 * began and when it returned. It is linearizable if a moment within each call
 * can be found such that a queue would do the same. Every message is sent and
 * received once and no call says "empty", and for such histories it suffices
 * that no two messages overtake each other visibly (Henzinger, Sezgin,
 * Vafeiadis: "Aspect-Oriented Linearizability Proofs", CONCUR 2013).
 * history_search() tries all orders instead, for a few messages: it judges
 * the judge (tests/unit/test_mpmc_history.c).
 */
#ifndef TESTS_STRESS_FIFO_HISTORY_H
#define TESTS_STRESS_FIFO_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

struct call {
	uint64_t from_ns, to_ns;
	uint32_t nr; /* such calls for this message: 1 is right */
};

struct fate {
	struct call sent, received;
};

static inline bool before(const struct call *a, const struct call *b)
{
	return a->to_ns < b->from_ns;
}

static inline bool history_ok(const struct fate *fates, uint32_t nr)
{
	for (uint32_t a = 0; a < nr; a++) {
		const struct fate *fa = &fates[a];

		if (fa->sent.nr != 1 || fa->received.nr != 1 ||
		    before(&fa->received, &fa->sent))
			return false;
		for (uint32_t b = 0; b < nr; b++)
			if (before(&fa->sent, &fates[b].sent) &&
			    before(&fates[b].received, &fa->received))
				return false;
	}
	return true;
}

#define SEARCH_MAX 5u

/* One step of the search: which calls are done, what is in the queue. */
struct search {
	const struct fate *fates;
	uint32_t nr, done; /* bit 2n: n was sent; 2n + 1: received */
	uint32_t queue[SEARCH_MAX], queue_nr;
};

static inline const struct call *call_of(const struct search *s, uint32_t bit)
{
	const struct fate *fate = &s->fates[bit / 2];

	return bit % 2 ? &fate->received : &fate->sent;
}

/* May this call be the next? None that is left returned before it began. */
static inline bool may_be_next(const struct search *s, uint32_t bit)
{
	if (s->done >> bit & 1)
		return false;
	for (uint32_t other = 0; other < 2 * s->nr; other++)
		if (!(s->done >> other & 1) &&
		    before(call_of(s, other), call_of(s, bit)))
			return false;
	return bit % 2 == 0 || (s->queue_nr && s->queue[0] == bit / 2);
}

/* NOLINTNEXTLINE(misc-no-recursion): at most 2 * SEARCH_MAX deep */
static inline bool history_search_from(const struct search *s)
{
	if (s->done == (1u << 2 * s->nr) - 1)
		return true;
	for (uint32_t bit = 0; bit < 2 * s->nr; bit++) {
		struct search next = *s;

		if (!may_be_next(s, bit))
			continue;
		next.done |= 1u << bit;
		if (bit % 2) {
			next.queue_nr--;
			for (uint32_t i = 0; i < next.queue_nr; i++)
				next.queue[i] = s->queue[i + 1];
		} else {
			next.queue[next.queue_nr++] = bit / 2;
		}
		if (history_search_from(&next))
			return true;
	}
	return false;
}

/* nr <= SEARCH_MAX messages, each sent and received once. */
static inline bool history_search(const struct fate *fates, uint32_t nr)
{
	struct search s = { .fates = fates, .nr = nr };

	return history_search_from(&s);
}

#endif
