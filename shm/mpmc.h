/* SPDX-License-Identifier: MIT */
/*
 * mpmc.h - a ring of fixed-size messages with any number of producers and
 * consumers, in a named channel of the region.
 *
 * Each message goes to exactly one consumer. Every producer attaches and gets
 * a private struct mpmc_tx, every consumer a struct mpmc_rx; a handle belongs
 * to one thread. Messages are written and read in place (reserve/commit,
 * take/release) or copied (push, pop); a batch is claimed with one
 * compare-and-swap.
 *
 * Order:    messages have numbers, one count for all producers. They are taken
 *           in that order; those of one producer stay in the order sent.
 * Progress: a call finishes in bounded steps, whatever others do; of those
 *           that compete for a number one wins (lock-free). 0 from reserve or
 *           take means "not now": full or empty, or the next cell is still
 *           with somebody who claimed it and has not finished. A living peer
 *           that pauses between reserve and commit holds up all consumers,
 *           between take and release all producers that come round to it.
 * Death:    a cell that a dead peer (region.h: GONE) had claimed is passed
 *           over. Its message is reported as lost by number, once, to whoever
 *           comes upon it (mpmc_end.lost_nr, mpmc_end.lost).
 * Trust:    FOR GROUPS THAT TRUST EACH OTHER. All write the same cells: a
 *           hostile peer can lose, repeat or garble messages of others, and
 *           stop the channel. It cannot do more: geometry is private, every
 *           shared number is loaded once and masked or bounded, no loop
 *           depends on others alone, and what no honest peer writes is
 *           -SHM_EPEER, for good. Across a border of trust use mpsc.h.
 *
 * Layout, steps and ordering labels: docs/ring.md.
 */
#ifndef SHM_MPMC_H
#define SHM_MPMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/atomic.h"
#include "shm/bell.h"
#include "shm/err.h"
#include "shm/owner.h"
#include "shm/peer.h"
#include "shm/region.h"
#include "shm/wait.h"

#define MPMC_MAGIC	  0x636d706du /* "mpmc" */
#define MPMC_VERSION	  1u
#define MPMC_SLOT_LEN_MAX (1u << 20)
#define MPMC_SLOTS_MIN	  4u /* a cell has four states, see struct mpmc_cell */
#define MPMC_SLOTS_MAX	  (1u << 30)
#define MPMC_ENDS_MAX	  64u	/* of each role: a bit each in one word */
#define MPMC_BATCH_MAX	  1024u /* messages per claim */

/*
 * A place in the message count's round trip. seq says what is in it, for the
 * number n whose cell it is in this lap:
 *   n             free, or being written by whoever has claimed n
 *   n + 1         message n is there, or being read by whoever has claimed n
 *   n + 2         message n died with its producer
 *   n + slots_nr  free for the next lap
 */
struct mpmc_cell {
	_Atomic uint64_t seq; /* [MPMC-DATA] [MPMC-FREE] */
	uint8_t msg[];
};

/* What an end shows the others. All but owner is written by its holder. */
struct mpmc_seat {
	_Atomic uint64_t owner;	 /* owner.h */
	_Atomic uint64_t intent; /* [MPMC-INTENT] MPMC_INTENT(), 0: none */
	uint8_t reserved[112];
	struct bell bell; /* it sleeps here */
};
_Static_assert(offsetof(struct mpmc_seat, bell) == 128, "layout");
_Static_assert(sizeof(struct mpmc_seat) == 256, "layout");

/*
 * The claim an end is about to make or has made: nr messages from number
 * first. In one word, so that it is never seen half; 52 bits of the number
 * tell claims apart that are less than a ring's length away.
 */
#define MPMC_INTENT_NR_BITS  12u
#define MPMC_INTENT(idx, nr) ((idx) << MPMC_INTENT_NR_BITS | (nr))
_Static_assert(MPMC_BATCH_MAX < 1u << MPMC_INTENT_NR_BITS, "layout");

struct mpmc_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint32_t slot_len; /* bytes of a message, multiple of 8 */
	uint32_t slots_nr; /* power of two */
	uint32_t ends_nr;  /* seats of each role */
	uint32_t cell_len; /* follows from slot_len: mpmc_cell_len() */
	uint64_t data_off; /* of cell 0, from here */
	uint8_t reserved0[96];
	/* Producers. */
	_Atomic uint64_t tail_idx; /* [MPMC-TICKET] messages claimed to write */
	uint8_t reserved1[120];
	/* Consumers. */
	_Atomic uint64_t head_idx; /* [MPMC-TICKET] messages claimed to read */
	uint8_t reserved2[120];
	/* Who may be asleep: bit n is seat n's; each sets and clears its own.
	 */
	_Atomic uint64_t tx_asleep;
	uint8_t reserved3[120];
	_Atomic uint64_t rx_asleep;
	uint8_t reserved4[120];
	struct mpmc_seat seats[]; /* ends_nr of producers, then of consumers */
};
_Static_assert(offsetof(struct mpmc_mem, data_off) == 24, "layout");
_Static_assert(offsetof(struct mpmc_mem, tail_idx) == 128, "layout");
_Static_assert(offsetof(struct mpmc_mem, head_idx) == 256, "layout");
_Static_assert(offsetof(struct mpmc_mem, tx_asleep) == 384, "layout");
_Static_assert(offsetof(struct mpmc_mem, rx_asleep) == 512, "layout");
_Static_assert(offsetof(struct mpmc_mem, seats) == 640, "layout");

#define MPMC_LINE_LEN 64u
#define MPMC_PACE_NR  32u /* messages between two looks at the distance */
/* Lost races within one call before it says "not now". */
#define MPMC_TRIES_MAX 1000u

/* Message number idx is lost. sent: a consumer died while it had it, and may
 * have used it; else its producer died before it was whole. */
typedef void mpmc_lost_fn(void *arg, uint64_t idx, bool sent);

/* Private: what both kinds of end are made of. */
struct mpmc_end {
	struct mpmc_mem *mem;
	struct mpmc_seat *seat;
	_Atomic uint64_t *ticket_idx; /* ours to claim from: tail or head */
	uint8_t *cells, *cells_end;
	uint64_t slots_nr, cell_len;
	uint32_t slot_len;
	uint32_t want_max;  /* per claim */
	uint32_t ready;	    /* seq - number of a cell we may claim: 0 or 1 */
	uint64_t held_idx;  /* our claim: held_nr messages from here */
	uint32_t held_nr;   /* 0: none */
	bool broken;	    /* garbage was seen: nothing is believed again */
	bool taken_over;    /* the seat was a dead peer's, */
	uint64_t inherited; /* who left this intent; 0: none, or settled */
	_Atomic uint64_t *asleep; /* of the other role */
	uint64_t news_nr;	  /* passed on since the last flush */
	uint64_t paced_idx;	  /* where mpmc_pace() looked last, */
	bool stalled;		  /* and we were refused since; */
	uint32_t pace_patience;	  /* looks between two pauses, and */
	uint32_t pace_left;	  /* before the next */
	uint32_t looks_nr;	  /* so often refused */
	uint32_t seat_nr, ends_nr;
	uint32_t rotor; /* the seat to ring next, if it sleeps */
	struct owner owner;
	struct bell_waiter bell;
	const struct region *region;
	struct peer *peer;
	uint32_t vector;
	uint64_t spin_ns;   /* may be changed by the owner: wait.h */
	uint64_t lost_nr;   /* messages this end has found lost */
	mpmc_lost_fn *lost; /* NULL, or told of each; set by the owner */
	void *lost_arg;
};

struct mpmc_tx {
	struct mpmc_end end;
};

struct mpmc_rx {
	struct mpmc_end end;
};

/* Bytes of a cell; 0: slot_len out of range. 8-byte messages share a line
 * with three others, up to 56 bytes have one, larger ones as many as needed. */
uint32_t mpmc_cell_len(uint32_t slot_len);
/* Bytes of region a ring takes; 0: an argument out of range. */
uint64_t mpmc_len(uint32_t slot_len, uint32_t slots_nr, uint32_t ends_nr);
/*
 * Create channel name. slot_len: 8..MPMC_SLOT_LEN_MAX, multiple of 8;
 * slots_nr: power of two, MPMC_SLOTS_MIN..MPMC_SLOTS_MAX; ends_nr: producers,
 * and as many consumers, at the same time, 1..MPMC_ENDS_MAX. Errors as
 * region_channel_create(); -SHM_ETOOSMALL: more than the region.
 */
int mpmc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t ends_nr,
		uint32_t creator);
/*
 * Become one of channel name's producers, or consumers. vector is the peer's
 * own, which the other role rings. region and peer outlive the end. A dead
 * peer's seat is taken before a free one, and what it had claimed is settled.
 * -SHM_EFULL: no seat; -SHM_EPEER: the channel's numbers are impossible;
 * -SHM_EVERSION: a ring of another version; errors of region_channel_find().
 */
int mpmc_open_tx(struct mpmc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
int mpmc_open_rx(struct mpmc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
/*
 * Leave. What is reserved and not committed becomes lost; what is taken and
 * not released is released. Sleepers of the other role are rung.
 */
void mpmc_close_tx(struct mpmc_tx *tx);
void mpmc_close_rx(struct mpmc_rx *rx);

/*
 * Take the channel out of the directory, with what is in it. Its name and
 * memory can be created again. -SHM_EEXIST: a peer that may live has an end;
 * errors of region_channel_find().
 */
int mpmc_retire(const struct region *region, const char *name,
		uint32_t peer_id);

/*
 * Wait until a reserve of one (a take of one) may succeed, at most timeout_ns;
 * another end may be faster then. 0; -SHM_ETIMEDOUT; -SHM_EGONE: peers of the
 * other role are dead and no living one is left (and the ring is full, or
 * empty); -SHM_EPEER, -SHM_EOWNER, -SHM_EIO; -SHM_EINVAL: with a claim held.
 */
int mpmc_wait_space(struct mpmc_tx *tx, uint64_t timeout_ns);
int mpmc_wait_data(struct mpmc_rx *rx, uint64_t timeout_ns);

/*
 * Copy up to nr messages of slot_len bytes in (out). How many, 0: not now, or
 * a negative error. After -SHM_EIO (the doorbell failed) some of them are
 * in (out, and their cells given back).
 */
int mpmc_push(struct mpmc_tx *tx, const void *msgs, uint32_t nr);
int mpmc_pop(struct mpmc_rx *rx, void *msgs, uint32_t nr);

/* All we passed on will be seen: rings those asleep or falling asleep. Costs a
 * full fence; for the end of a burst. 0 or -SHM_EIO. */
int mpmc_flush_tx(struct mpmc_tx *tx);
int mpmc_flush_rx(struct mpmc_rx *rx);

/* What an onlooker may know of a ring; it changes while you look. */
struct mpmc_view {
	/* Claimed to write, to read: head <= tail <= head + slots_nr. */
	uint64_t tail_idx, head_idx;
	uint32_t slots_nr, slot_len;
	uint32_t ends_nr;		     /* seats of each role, */
	uint32_t producers_nr, consumers_nr; /* and on them who may be alive */
	char name[REGION_NAME_LEN];
};
/* Look at the ring in a directory slot: as spsc_watch(). */
int mpmc_watch(const struct region *region, uint32_t slot,
	       struct mpmc_view *view);

/* Cold halves of reserve and take. May we claim at all? 1 or the error. */
int mpmc_admit(struct mpmc_end *end);
/*
 * Nothing could be claimed at *idx. 1: look at *idx, which may have changed;
 * 0: not now; -SHM_EPEER. Now and then it looks whether a dead peer holds us
 * up, and passes over what that one had claimed.
 */
int mpmc_look_again(struct mpmc_end *end, uint64_t *idx);
/* Every MPMC_PACE_NR messages: keep a distance to the other role. */
void mpmc_pace(struct mpmc_end *end, uint64_t idx);
/* Cold half of commit and release: ring up to nr sleepers. 0 or -SHM_EIO. */
int mpmc_ring(struct mpmc_end *end, uint64_t nr);

static inline struct mpmc_cell *mpmc_cell(const struct mpmc_end *end,
					  uint64_t idx)
{
	/* TRUST: masked and scaled by our own copy of the geometry. */
	return (void *)(end->cells +
			(idx & (end->slots_nr - 1)) * end->cell_len);
}

/* The cell behind one, in the next lap behind the last. */
static inline struct mpmc_cell *mpmc_next(const struct mpmc_cell *cell,
					  uint8_t *cells, uint64_t cell_len,
					  const uint8_t *cells_end)
{
	uint8_t *next = (uint8_t *)cell + cell_len;

	return (void *)(next == cells_end ? cells : next);
}

/* How many of want cells from number idx on may be claimed. */
static inline uint32_t mpmc_count(const struct mpmc_end *end, uint64_t idx,
				  uint32_t want, uint64_t ready)
{
	uint8_t *const cells = end->cells;
	const uint64_t len = end->cell_len;
	const uint8_t *const cells_end = end->cells_end;
	const struct mpmc_cell *cell = mpmc_cell(end, idx);
	uint64_t due = idx + ready;
	uint32_t nr = 0;

	/* [MPMC-DATA] [MPMC-FREE] what the last one did with the cell is
	 * visible; pairs with mpmc_finish(). */
	while (nr < want && load_acquire(&cell->seq) == due) {
		nr++;
		due++;
		cell = mpmc_next(cell, cells, len, cells_end);
	}
	return nr;
}

/*
 * Claim up to want messages whose cells hold their number + ready. One
 * compare-and-swap for all: while the ticket stands at idx nobody else can
 * claim idx or a later one, so cells that were ready still are.
 */
static inline int mpmc_claim(struct mpmc_end *end, uint32_t want,
			     uint64_t ready)
{
	uint64_t idx = load_relaxed(end->ticket_idx);
	int again = 1;

	if (__builtin_expect(end->held_nr || end->broken || end->inherited ||
				     !owner_holds(&end->owner),
			     0))
		again = mpmc_admit(end);
	if (again < 0)
		return again;
	if (want > end->want_max)
		want = end->want_max;
	if (idx - end->paced_idx >= MPMC_PACE_NR)
		mpmc_pace(end, idx);
	for (uint32_t i = 0; i < MPMC_TRIES_MAX && again > 0; i++) {
		uint32_t nr = mpmc_count(end, idx, want, ready);

		if (!nr) {
			again = mpmc_look_again(end, &idx);
			continue;
		}
		/* [MPMC-INTENT] visible before the claim is, so that whoever
		 * sees the claim finds who made it; pairs with covered(). */
		store_release(&end->seat->intent, MPMC_INTENT(idx, nr));
		/* [MPMC-TICKET] */
		if (cas_strong(end->ticket_idx, &idx, idx + nr)) {
			end->held_idx = idx;
			end->held_nr = nr;
			return (int)nr;
		}
	}
	/* An intent without a claim would cover a number for ever. */
	store_release(&end->seat->intent, 0);
	return again < 0 ? again : 0;
}

/*
 * Our claim's cells are done: from number + ready to number + done. Whoever
 * took us for dead may have settled them already; that is -SHM_EOWNER.
 */
static inline int mpmc_finish(struct mpmc_end *end, uint64_t ready,
			      uint64_t done)
{
	uint8_t *const cells = end->cells;
	const uint64_t len = end->cell_len;
	const uint8_t *const cells_end = end->cells_end;
	struct mpmc_cell *cell = mpmc_cell(end, end->held_idx);
	uint64_t idx = end->held_idx;
	uint32_t nr = end->held_nr;
	int err = 0;

	for (uint32_t i = 0; i < nr; i++, idx++) {
		/* [MPMC-DATA] [MPMC-FREE] our accesses to the message before
		 * the word that passes it on; pairs with mpmc_count(). */
		if (__builtin_expect(load_relaxed(&cell->seq) == idx + ready,
				     1))
			store_release(&cell->seq, idx + done);
		else
			err = -SHM_EOWNER;
		cell = mpmc_next(cell, cells, len, cells_end);
	}
	end->held_nr = 0;
	end->news_nr += nr;
	/* Not on a seat that another has by now. */
	if (__builtin_expect(!owner_holds(&end->owner), 0))
		return -SHM_EOWNER;
	/* [MPMC-INTENT] only after all of them; pairs with covered(). */
	store_release(&end->seat->intent, 0);
	/* A look without a fence, as bell_is_armed(). */
	if (__builtin_expect(load_relaxed(end->asleep) != 0, 0)) {
		int rung = mpmc_ring(end, nr);

		err = err ? err : rung;
	}
	return err;
}

/*
 * Claim room for up to want (>= 1) messages: how many, 0: not now, or an
 * error: -SHM_EPEER; -SHM_EOWNER: taken for dead, and another has our seat;
 * -SHM_EINVAL: the last claim is not committed. All that is reserved must be
 * written and committed, soon: consumers wait for it.
 */
static inline int mpmc_reserve(struct mpmc_tx *tx, uint32_t want)
{
	return mpmc_claim(&tx->end, want, 0);
}

/* The room for reserved message i: slot_len bytes, aligned to 8. */
static inline void *mpmc_slot_tx(const struct mpmc_tx *tx, uint32_t i)
{
	return mpmc_cell(&tx->end, tx->end.held_idx + i)->msg;
}

/*
 * Publish all that is reserved. A consumer that sleeps is rung; one that falls
 * asleep at this very moment may be missed: call mpmc_flush_tx() when you
 * pause. 0; -SHM_EIO; -SHM_EOWNER: we were taken for dead meanwhile, and some
 * of them are reported as lost.
 */
static inline int mpmc_commit(struct mpmc_tx *tx)
{
	return mpmc_finish(&tx->end, 0, 1);
}

/* Claim up to want (>= 1) messages: as mpmc_reserve(). They are ours alone. */
static inline int mpmc_take(struct mpmc_rx *rx, uint32_t want)
{
	return mpmc_claim(&rx->end, want, 1);
}

/* Message i of those taken, in place. */
static inline const void *mpmc_slot_rx(const struct mpmc_rx *rx, uint32_t i)
{
	return mpmc_cell(&rx->end, rx->end.held_idx + i)->msg;
}

/* Give the cells of all that is taken back. Results as mpmc_commit(). */
static inline int mpmc_release(struct mpmc_rx *rx)
{
	return mpmc_finish(&rx->end, 1, rx->end.slots_nr);
}

#endif
