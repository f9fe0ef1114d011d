/* SPDX-License-Identifier: MIT */
/* mpmc_stall.c - nothing can be claimed: who holds us up, and who wakes us? */
#include "shm/mpmc.h"

/* A claim by a living peer takes less than this many looks; a dead one's is
 * searched for after them, and before each sleep. */
#define LOOKS_PER_SEARCH 64u

/* A third of a microsecond; measured, docs/ring.md. */
#ifndef PACE_PAUSES
#define PACE_PAUSES 32u
#endif
#define PACE_PATIENCE_MAX 255u

#define INTENT_NR_MASK	((1u << MPMC_INTENT_NR_BITS) - 1)
#define INTENT_IDX_MASK (UINT64_MAX >> MPMC_INTENT_NR_BITS)

static struct mpmc_seat *seats_tx(const struct mpmc_end *end)
{
	return end->mem->seats;
}

static struct mpmc_seat *seats_rx(const struct mpmc_end *end)
{
	/* TRUST: ends_nr is our copy, checked against the channel's length. */
	return end->mem->seats + end->ends_nr;
}

static int garbage(struct mpmc_end *end)
{
	end->broken = true;
	return -SHM_EPEER;
}

/*
 * Does a living end on these seats have the claim of number idx in hand? The
 * caller has seen, with acquire, that idx is claimed. Whoever claimed it wrote
 * its intent before, so we see that or what came after: nothing, when the cell
 * was passed on, and then the caller's compare-and-swap on the cell fails. A
 * living end whose own try failed may cover idx for a moment too; that delays.
 * Dead ends' intents mean nothing: they may be tries that failed.
 */
static bool covered(const struct mpmc_end *end, const struct mpmc_seat *seats,
		    uint64_t idx)
{
	for (uint32_t i = 0; i < end->ends_nr; i++) {
		uint32_t holder = (uint32_t)load_acquire(&seats[i].owner);
		uint64_t intent;

		if (!holder ||
		    region_peer(end->region, holder - 1) == REGION_PEER_GONE)
			continue;
		/* [MPMC-INTENT] pairs with mpmc_claim(), mpmc_finish(). */
		intent = load_acquire(&seats[i].intent);
		if (((idx - (intent >> MPMC_INTENT_NR_BITS)) &
		     INTENT_IDX_MASK) < (intent & INTENT_NR_MASK))
			return true;
	}
	return false;
}

static void lost(struct mpmc_end *end, uint64_t idx, bool sent)
{
	end->lost_nr++;
	if (end->lost)
		end->lost(end->lost_arg, idx, sent);
}

/* Number idx is claimed to be written: if by nobody living, it is lost. Its
 * consumer reports it. 1: it was, 0: not. */
static int settle_tx(struct mpmc_end *end, uint64_t idx)
{
	uint64_t seq = idx;

	return !covered(end, seats_tx(end), idx) &&
	       cas_strong(&mpmc_cell(end, idx)->seq, &seq, idx + 2);
}

/* Number idx is claimed to be read: if by nobody living, give its cell back,
 * and report it, since nobody knows what became of it. 1: done, 0: not. */
static int settle_rx(struct mpmc_end *end, uint64_t idx)
{
	struct mpmc_cell *cell = mpmc_cell(end, idx);
	uint64_t seq = load_acquire(&cell->seq);
	bool sent = seq == idx + 1;

	if ((!sent && seq != idx + 2) || covered(end, seats_rx(end), idx) ||
	    !cas_strong(&cell->seq, &seq, idx + end->slots_nr))
		return 0;
	end->news_nr++;
	lost(end, idx, sent);
	return 1;
}

/* What the last holder of our seat had claimed when it died. */
static void settle_inherited(struct mpmc_end *end)
{
	uint64_t now = load_acquire(end->ticket_idx); /* [MPMC-TICKET] */
	uint32_t nr = end->inherited & INTENT_NR_MASK;
	uint64_t back = (now - (end->inherited >> MPMC_INTENT_NR_BITS)) &
			INTENT_IDX_MASK;

	end->inherited = 0;
	/* Claimed, and not so long ago that the cells are others' by now? */
	if (back > end->slots_nr)
		return;
	for (uint64_t idx = now - back; nr && idx != now; idx++, nr--)
		(void)(end->ready ? settle_rx(end, idx) : settle_tx(end, idx));
}

int mpmc_admit(struct mpmc_end *end)
{
	if (end->broken)
		return -SHM_EPEER;
	if (!owner_holds(&end->owner))
		return -SHM_EOWNER;
	if (end->held_nr)
		return -SHM_EINVAL;
	if (end->inherited)
		settle_inherited(end);
	return 1;
}

/*
 * Consumers' next number is idx, and its message is not there. 1: it may be
 * now; 0: not; -SHM_EPEER.
 */
static int search_rx(struct mpmc_end *end, uint64_t idx)
{
	/* [MPMC-TICKET] the ticket of the others, then the cell, then ours:
	 * what we find is judged only if ours stood still all the while. */
	uint64_t ahead = load_acquire(&end->mem->tail_idx) - idx;
	uint64_t seq = load_acquire(&mpmc_cell(end, idx)->seq) - idx;

	if (load_acquire(&end->mem->head_idx) != idx)
		return 1;
	if (seq == 1 || seq == 2)
		return 1;
	if (ahead == 0 &&
	    (seq == 0 || seq == 1 - end->slots_nr || seq == 2 - end->slots_nr))
		return 0; /* empty; the last lap's reader may be at it */
	if (ahead == 0 || ahead > end->slots_nr || seq != 0)
		return garbage(end);
	return settle_tx(end, idx);
}

/* Producers' next number is idx, and its cell is not free. As above. */
static int search_tx(struct mpmc_end *end, uint64_t idx)
{
	uint64_t used = idx - load_acquire(&end->mem->head_idx);
	uint64_t last = idx - end->slots_nr; /* number of the cell before */
	uint64_t seq = load_acquire(&mpmc_cell(end, idx)->seq) - last;

	if (load_acquire(&end->mem->tail_idx) != idx)
		return 1;
	if (seq == end->slots_nr)
		return 1;
	if (used > end->slots_nr || seq > 2 ||
	    (seq == 0 && used < end->slots_nr))
		return garbage(end);
	/* Full, or taken by a consumer that has not given it back. */
	return used == end->slots_nr ? 0 : settle_rx(end, last);
}

static int search(struct mpmc_end *end, uint64_t idx)
{
	return end->ready ? search_rx(end, idx) : search_tx(end, idx);
}

/* The consumers' next message is lost. Claim its number as any other. */
static void pass_lost(struct mpmc_end *end, uint64_t idx)
{
	uint64_t expected = idx;

	store_release(&end->seat->intent, MPMC_INTENT(idx, 1));
	if (!cas_strong(end->ticket_idx, &expected, idx + 1))
		return; /* another consumer has it; our caller clears */
	end->held_idx = idx;
	end->held_nr = 1;
	if (mpmc_finish(end, 2, end->slots_nr) != -SHM_EOWNER)
		lost(end, idx, false);
}

/*
 * Do we follow the other role so closely that each of us waits for the line
 * the other works on? Nobody is ever refused then, and yet each message costs
 * what a line costs to travel. One pause lets them get ahead, and lasts. Where
 * it does not (who sends and receives in turn has nobody to wait for) the next
 * one comes ever later. Who was refused meanwhile waits for single messages:
 * there a pause would only be late.
 */
void mpmc_pace(struct mpmc_end *end, uint64_t idx)
{
	uint64_t ahead = idx + MPMC_PACE_NR / 2;
	bool close = load_relaxed(&mpmc_cell(end, ahead)->seq) !=
		     ahead + end->ready;

	end->paced_idx = idx;
	if (!close || end->stalled) {
		end->pace_patience = 0;
	} else if (end->pace_left) {
		end->pace_left--;
	} else {
		for (uint32_t i = 0; i < PACE_PAUSES; i++)
			cpu_relax();
		end->pace_left = end->pace_patience;
		end->pace_patience = end->pace_patience * 2 + 1;
		if (end->pace_patience > PACE_PATIENCE_MAX)
			end->pace_patience = PACE_PATIENCE_MAX;
	}
	end->stalled = false;
}

int mpmc_look_again(struct mpmc_end *end, uint64_t *idx)
{
	uint64_t seq = load_acquire(&mpmc_cell(end, *idx)->seq);
	uint64_t now = load_acquire(end->ticket_idx); /* [MPMC-TICKET] */
	int64_t ahead = (int64_t)(seq - *idx - end->ready);

	if (now != *idx) {
		*idx = now;
		return 1;
	}
	if (ahead == 0)
		return 1;
	if (ahead == 1 && end->ready) {
		pass_lost(end, *idx);
		*idx = load_acquire(end->ticket_idx);
		return 1;
	}
	/* The cell went on without its number having been claimed. */
	if (ahead > 0)
		return garbage(end);
	end->stalled = true;
	return ++end->looks_nr % LOOKS_PER_SEARCH ? 0 : search(end, now);
}

/*
 * Wake one sleeper for each message or cell passed on, at most, and others
 * each time. A doorbell is answered by taking it off (armed = 0), so that no
 * other end rings for the same sleep.
 */
int mpmc_ring(struct mpmc_end *end, uint64_t nr)
{
	struct mpmc_seat *seats = end->ready ? seats_tx(end) : seats_rx(end);
	uint64_t asleep = load_relaxed(end->asleep);
	uint32_t at = end->rotor;

	for (uint32_t i = 0; i < end->ends_nr && nr; i++, at++) {
		struct bell *bell;
		uint32_t armed, doorbell;
		int err;

		at = at < end->ends_nr ? at : 0;
		bell = &seats[at].bell;
		if (!(asleep >> at & 1))
			continue;
		armed = load_acquire(&bell->armed);
		if (!armed || !cas_strong(&bell->armed, &armed, 0))
			continue;
		/* A dead one does not count: another shall wake. */
		if (owner_gone(end->region, &seats[at].owner))
			continue;
		end->rotor = at + 1;
		nr--;
		doorbell = load_relaxed(&bell->doorbell);
		err = peer_notify(end->peer, doorbell >> 16, doorbell & 0xffff);
		if (err)
			return err;
		if (end->news_nr)
			end->news_nr--;
	}
	return 0;
}

static int flush(struct mpmc_end *end)
{
	uint64_t nr = end->news_nr;

	if (!nr)
		return 0;
	/* [BELL-CHECK] what we passed on before who sleeps; pairs with
	 * [BELL-ARM]: the bit in asleep was set before the bell was armed. */
	fence_full();
	end->news_nr = 0;
	return load_relaxed(end->asleep) ? mpmc_ring(end, nr) : 0;
}

int mpmc_flush_tx(struct mpmc_tx *tx)
{
	return flush(&tx->end);
}

int mpmc_flush_rx(struct mpmc_rx *rx)
{
	return flush(&rx->end);
}

/* May we claim now? 1, 0, or an error. */
static int ready(void *arg)
{
	struct mpmc_end *end = arg;
	uint64_t idx = load_relaxed(end->ticket_idx);

	if (!owner_holds(&end->owner))
		return -SHM_EOWNER;
	for (uint32_t i = 0; i < MPMC_TRIES_MAX; i++) {
		int again;

		if (load_acquire(&mpmc_cell(end, idx)->seq) == idx + end->ready)
			return 1;
		again = mpmc_look_again(end, &idx);
		if (again <= 0)
			return again;
	}
	return 0;
}

/* Before we sleep: is it a dead peer that holds us up, or are all dead? */
static int hopeless(void *arg)
{
	struct mpmc_end *end = arg;
	const struct mpmc_seat *seats = end->ready ? seats_tx(end)
						   : seats_rx(end);
	bool gone = false;
	int found = search(end, load_acquire(end->ticket_idx));

	if (found)
		return found < 0 ? found : 0;
	for (uint32_t i = 0; i < end->ends_nr; i++) {
		uint32_t holder = (uint32_t)load_acquire(&seats[i].owner);

		if (!holder)
			continue;
		if (region_peer(end->region, holder - 1) != REGION_PEER_GONE)
			return 0;
		gone = true;
	}
	return gone ? -SHM_EGONE : 0;
}

static int end_wait(struct mpmc_end *end, uint64_t timeout_ns)
{
	_Atomic uint64_t *asleep = end->ready ? &end->mem->rx_asleep
					      : &end->mem->tx_asleep;
	uint64_t spin_ns = end->spin_ns < timeout_ns ? end->spin_ns
						     : timeout_ns;
	struct wait w = { .ready = ready,
			  .hopeless = hopeless,
			  .end = end,
			  .peer = end->peer,
			  .bell = &end->bell,
			  .vector = end->vector,
			  .spin_ns = spin_ns };
	int err = mpmc_admit(end);

	/* What we passed on must not sleep while we do. */
	err = err < 0 ? err : flush(end);
	if (err)
		return err;
	/* Spin without a word to anybody: the bit costs the others. */
	err = wait_until(&w, spin_ns);
	if (err != -SHM_ETIMEDOUT || spin_ns == timeout_ns)
		return err;
	w.spin_ns = WAIT_SPIN_NEVER;
	(void)or_relaxed(asleep, 1ull << end->seat_nr);
	if (timeout_ns != PEER_WAIT_FOREVER)
		timeout_ns -= spin_ns;
	err = wait_until(&w, timeout_ns);
	(void)and_relaxed(asleep, ~(1ull << end->seat_nr));
	return err;
}

int mpmc_wait_space(struct mpmc_tx *tx, uint64_t timeout_ns)
{
	return end_wait(&tx->end, timeout_ns);
}

int mpmc_wait_data(struct mpmc_rx *rx, uint64_t timeout_ns)
{
	return end_wait(&rx->end, timeout_ns);
}
