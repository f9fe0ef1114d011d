/* SPDX-License-Identifier: MIT */
/*
 * spsc_cell.h - a ring of messages of up to 56 bytes with exactly one producer
 * and one consumer, in which a message and its "ready" share one cache line.
 *
 * Choose it over spsc.h when the round trip matters: the consumer polls the
 * cell itself, so a message costs one line transfer instead of two, and
 * streams are as fast as the line allows.
 *
 * Lock-free; each call finishes in bounded steps except the two waits. The
 * ends are struct spsc_cell_tx and struct spsc_cell_rx, each private to one
 * thread. A batch is not a unit: its messages become visible one by one, in
 * order, each of them whole.
 *
 * Layout and ordering labels: docs/ring.md. Indices are free-running 64-bit
 * counts of messages; cell idx carries seq idx + 1 once it is published.
 *
 * Trust: geometry and own index are private copies. A seq that is neither
 * this lap's nor the last one's is -SHM_EPEER, for good, and so is credit no
 * honest consumer gives. tail_idx is a hint for prefetches, so a lie about it
 * costs time only. A message read in place can change while it is read: pop
 * copies it out.
 */
#ifndef SHM_SPSC_CELL_H
#define SHM_SPSC_CELL_H

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

#define SPSC_CELL_MAGIC	   0x6c6c6563u /* "cell" */
#define SPSC_CELL_VERSION  1u
#define SPSC_CELL_MSG_LEN  56u
#define SPSC_CELL_WORDS_NR 7u
#define SPSC_CELLS_MAX	   (1u << 24)

/* What the cells are used for; never changes after creation. */
#define SPSC_CELL_STREAM 1u /* this file */
#define SPSC_CELL_CALL	 2u /* spsc_call.h */

struct spsc_cell {
	uint64_t msg[SPSC_CELL_WORDS_NR];
	_Atomic uint64_t seq; /* [CELL-DATA]; stored last */
};
_Static_assert(offsetof(struct spsc_cell, seq) == 56, "layout");
_Static_assert(sizeof(struct spsc_cell) == 64, "layout");

struct spsc_cell_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint32_t mode;	   /* SPSC_CELL_STREAM or _CALL */
	uint32_t cells_nr; /* power of two */
	uint64_t data_off; /* of cell 0, from here */
	uint8_t reserved0[104];
	/* Producer; of calls the client. */
	_Atomic uint64_t tail_idx; /* [CELL-HINT] at most 16 behind the truth */
	_Atomic uint64_t producer; /* owner.h */
	uint8_t reserved1[48];
	_Atomic uint64_t taken_idx; /* [CALL-DONE] replies taken */
	uint8_t reserved2[56];
	/* Consumer; of calls the server. */
	_Atomic uint64_t head_idx; /* [CELL-FREE] given back, in steps */
	_Atomic uint64_t consumer; /* owner.h */
	uint8_t reserved3[48];
	/* On a line that nobody reads while the consumer lives. */
	_Atomic uint64_t done_idx; /* [CELL-DONE] released; calls: answered */
	uint8_t reserved4[56];
	struct bell data_bell;	/* the consumer sleeps here */
	struct bell space_bell; /* the producer sleeps here */
};
_Static_assert(offsetof(struct spsc_cell_mem, tail_idx) == 128, "layout");
_Static_assert(offsetof(struct spsc_cell_mem, taken_idx) == 192, "layout");
_Static_assert(offsetof(struct spsc_cell_mem, head_idx) == 256, "layout");
_Static_assert(offsetof(struct spsc_cell_mem, done_idx) == 320, "layout");
_Static_assert(offsetof(struct spsc_cell_mem, data_bell) == 384, "layout");
_Static_assert(offsetof(struct spsc_cell_mem, space_bell) == 512, "layout");
_Static_assert(sizeof(struct spsc_cell_mem) == 640, "layout");

/* How many cells ahead of itself an end touches: the prototypes' choice. */
#define SPSC_CELL_READ_AHEAD  16u
#define SPSC_CELL_WRITE_AHEAD 8u
#define SPSC_CELL_AHEAD_MAX   64u /* prefetches per call */
#define SPSC_CELL_HINT_STEP   16u /* of tail_idx; less in tiny rings */

/*
 * A consumer that runs into the producer takes its lines away. After so many
 * gaps in a row that ended within a few polls and had few messages between
 * them, it lets messages gather before it looks again. In a ping-pong gaps
 * last longer; where they do not, the first attempt gathers nothing and the
 * next is far away.
 */
#define SPSC_CELL_GAP_POLLS_MAX 8u
#define SPSC_CELL_GAPS_NR	4
#define SPSC_CELL_GAP_RUN_MAX	64u
#define SPSC_CELL_GATHER_MIN	8u
#define SPSC_CELL_GATHER_PAUSES 32u
#define SPSC_CELL_GAPS_PENALTY	1024

struct spsc_cell_tx {
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	uint64_t tail_idx;  /* ours: next to write */
	uint64_t head_seen; /* the consumer's, as last checked */
	uint64_t cells_nr;
	uint64_t hint_mask; /* tail_idx is published when these bits are 0 */
	bool broken; /* the consumer's index lied: nothing is believed again */
	bool taken_over; /* from a producer that died */
	struct bell_ringer data_bell;
	struct bell_waiter space_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	uint32_t vector;  /* rung when there is room again */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

struct spsc_cell_rx {
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	uint64_t head_idx;	 /* ours: next to read */
	uint64_t head_published; /* what the producer was told */
	uint64_t hint_seen;	 /* prefetch before this one only */
	uint64_t look_idx;	 /* spsc_cell_look() before reading this */
	uint64_t cells_nr;
	uint64_t credit_nr; /* publish head after so many */
	bool broken;	    /* a seq lied: nothing is believed again */
	bool taken_over;    /* from a consumer that died */
	bool coalesced;	    /* the last gap was waited out on purpose */
	uint32_t polls_nr;  /* misses in this gap */
	int32_t short_gaps; /* in a row; below 0: coalescing does not pay */
	uint64_t gap_idx;   /* where the last miss was */
	struct bell_ringer space_bell;
	struct bell_waiter data_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	uint32_t vector;  /* rung when there is data */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

/* Bytes of region a ring takes; 0: cells_nr out of range. */
uint64_t spsc_cell_len(uint32_t cells_nr);
/*
 * Create channel name. cells_nr: power of two, 2..SPSC_CELLS_MAX; 4,096 to
 * 16,384 for best speed. Errors as region_channel_create();
 * -SHM_ETOOSMALL: more than the region.
 */
int spsc_cell_create(const struct region *region, const char *name,
		     uint32_t cells_nr, uint32_t creator);
/*
 * Become channel name's producer, or consumer, also in place of one that is
 * gone (taken_over says so): all that it committed, or did not release, is
 * delivered once. vector is the peer's own, which the other end rings. peer
 * and region outlive the end.
 * -SHM_EEXIST: that end is taken; -SHM_EPEER: the channel's numbers are
 * impossible; -SHM_EVERSION: a ring of another version; -SHM_EINVAL: of
 * another kind; errors of region_channel_find().
 */
int spsc_cell_open_tx(struct spsc_cell_tx *tx, const struct region *region,
		      const char *name, struct peer *peer, uint32_t vector);
int spsc_cell_open_rx(struct spsc_cell_rx *rx, const struct region *region,
		      const char *name, struct peer *peer, uint32_t vector);
/* Give the end up; a tx publishes and rings first. Another may take it. */
void spsc_cell_close_tx(struct spsc_cell_tx *tx);
void spsc_cell_close_rx(struct spsc_cell_rx *rx);

/*
 * Take the channel (mode SPSC_CELL_STREAM or _CALL) out of the directory,
 * with what is in it. Its name and memory can be created again. -SHM_EEXIST:
 * a peer that may live has an end; errors of region_channel_find().
 */
int spsc_cell_retire(const struct region *region, const char *name,
		     uint32_t mode, uint32_t peer_id);

/*
 * Wait until at least one cell is free, at most timeout_ns. 0,
 * -SHM_ETIMEDOUT, -SHM_EPEER, -SHM_EIO, -SHM_EGONE: the consumer is dead and
 * the ring full, -SHM_EOWNER.
 */
int spsc_cell_wait_space(struct spsc_cell_tx *tx, uint64_t timeout_ns);
/* Wait until a message is there. Same results; -SHM_EGONE: and none left. */
int spsc_cell_wait_data(struct spsc_cell_rx *rx, uint64_t timeout_ns);

/* What an onlooker may know of a ring; it changes while you look. */
struct spsc_cell_view {
	/* head <= tail <= head + cells_nr; both come in steps: tail_idx is at
	 * most SPSC_CELL_HINT_STEP late, head_idx an eighth of the ring. */
	uint64_t tail_idx, head_idx;
	uint32_t cells_nr;
	char name[REGION_NAME_LEN];
};
/* Look at the ring in a directory slot: as spsc_watch(). */
int spsc_cell_watch(const struct region *region, uint32_t slot,
		    struct spsc_cell_view *view);

/*
 * For spsc_call.c: create with another mode; find and check, by name or by
 * directory slot (-SHM_ENOENT: none of that mode), without taking an end.
 */
int spsc_cell_create_mode(const struct region *region, const char *name,
			  uint32_t cells_nr, uint32_t mode, uint32_t creator);
int spsc_cell_find(const struct region *region, const char *name, uint32_t mode,
		   struct spsc_cell_mem **mem, struct spsc_cell **cells,
		   uint32_t *cells_nr);
int spsc_cell_find_at(const struct region *region, uint32_t slot, uint32_t mode,
		      struct region_info *info, struct spsc_cell_mem **mem,
		      struct spsc_cell **cells, uint32_t *cells_nr);

/* How every end begins, those of calls too: it finds the cells and takes the
 * producer's (client's) end or the consumer's (server's). */
struct spsc_cell_seat {
	struct spsc_cell_mem *mem;
	struct spsc_cell *cells;
	uint32_t cells_nr;
	bool taken_over;
	struct owner owner;
};
int spsc_cell_take(struct spsc_cell_seat *seat, const struct region *region,
		   const char *name, uint32_t mode, bool consumes,
		   uint32_t peer_id);
/* The fields that all four kinds of end have. Field by field: a handle that
 * was ever memset stays in memory instead of registers (measured,
 * docs/ring.md). */
#define SPSC_CELL_SIT(end, seat, in, self, bell_vector) \
	do {                                            \
		(end)->mem = (seat)->mem;               \
		(end)->cells = (seat)->cells;           \
		(end)->cells_nr = (seat)->cells_nr;     \
		(end)->broken = false;                  \
		(end)->taken_over = (seat)->taken_over; \
		(end)->peer = (self);                   \
		(end)->region = (in);                   \
		(end)->owner = (seat)->owner;           \
		(end)->vector = (bell_vector);          \
		(end)->spin_ns = WAIT_SPIN_DEFAULT_NS;  \
	} while (0)

/* Cold halves of reserve, commit, peek and release. */
int spsc_cell_refresh_tx(struct spsc_cell_tx *tx);
int spsc_cell_ring_data(struct spsc_cell_tx *tx);
int spsc_cell_look(struct spsc_cell_rx *rx);
void spsc_cell_gap(struct spsc_cell_rx *rx);
/* Is the impossible seq a lie (the end is broken now), or is the end lost? */
bool spsc_cell_bad_seq(struct spsc_cell_rx *rx);
void spsc_cell_publish_head(struct spsc_cell_rx *rx);

/*
 * Room for up to want (>= 1) messages, one behind the other at *cells: how
 * many (fewer at the ring's end or when nearly full), 0: full (up to an
 * eighth of the ring may be free already), -SHM_EPEER or -SHM_EOWNER. Write
 * cells[i].msg, never .seq; nothing is visible before spsc_cell_commit().
 */
SHM_HOT int spsc_cell_reserve(struct spsc_cell_tx *tx, uint32_t want,
			      struct spsc_cell **cells)
{
	uint64_t mask = tx->cells_nr - 1;
	uint64_t used = tx->tail_idx - tx->head_seen;
	uint64_t slot = tx->tail_idx & mask;
	uint64_t nr = want;

	*cells = NULL;
	/* Beyond full: committed after the ring was found broken. */
	if (__builtin_expect(used >= tx->cells_nr, 0)) {
		int err = spsc_cell_refresh_tx(tx);

		if (err < 0)
			return err;
		used = tx->tail_idx - tx->head_seen;
		if (used == tx->cells_nr)
			return 0;
	}
	if (nr > tx->cells_nr - used)
		nr = tx->cells_nr - used;
	if (nr > tx->cells_nr - slot)
		nr = tx->cells_nr - slot;
	/* Own the lines before they are written, but take none that the
	 * consumer may still read. */
	for (uint64_t i = SPSC_CELL_WRITE_AHEAD;
	     i < nr + SPSC_CELL_WRITE_AHEAD && i < SPSC_CELL_AHEAD_MAX; i++)
		if (used + i < tx->cells_nr)
			prefetch_write(tx->cells + ((slot + i) & mask));
	*cells = tx->cells + slot;
	return (int)nr;
}

/*
 * Publish the next nr messages, which were reserved and are written.
 * A consumer that sleeps is rung; one that falls asleep at this very moment
 * may be missed: call spsc_cell_flush() when you pause. 0, or -SHM_EIO.
 */
SHM_HOT int spsc_cell_commit(struct spsc_cell_tx *tx, uint32_t nr)
{
	uint64_t mask = tx->cells_nr - 1, idx = tx->tail_idx;

	for (; nr; nr--) {
		struct spsc_cell *cell = tx->cells + (idx++ & mask);

		/* [CELL-DATA] the message before the seq that shows it; pairs
		 * with spsc_cell_peek(). */
		store_release(&cell->seq, idx);
		/* [CELL-HINT] after the seqs before it, so that a successor
		 * need not look behind it. */
		if (!(idx & tx->hint_mask))
			store_release(&tx->mem->tail_idx, idx);
	}
	tx->tail_idx = idx;
	if (__builtin_expect(bell_is_armed(&tx->data_bell), 0))
		return spsc_cell_ring_data(tx);
	return 0;
}

/*
 * Everything committed will be seen: rings a consumer that sleeps or is just
 * falling asleep. Costs a full fence; for the end of a burst.
 */
SHM_HOT int spsc_cell_flush(struct spsc_cell_tx *tx)
{
	return spsc_cell_ring_data(tx);
}

/*
 * Up to want (>= 1) messages, one behind the other at *cells: how many, 0:
 * empty, -SHM_EPEER or -SHM_EOWNER. They stay until spsc_cell_release().
 */
SHM_HOT int spsc_cell_peek(struct spsc_cell_rx *rx, uint32_t want,
			   const struct spsc_cell **cells)
{
	uint64_t mask = rx->cells_nr - 1, idx = rx->head_idx;
	const struct spsc_cell *at = rx->cells + (idx & mask);
	uint64_t most = rx->cells_nr - (idx & mask), nr = 1, seq;

	*cells = NULL;
	if (__builtin_expect((int64_t)(idx - rx->look_idx) >= 0, 0)) {
		int err = spsc_cell_look(rx);

		if (err < 0)
			return err;
	}
	/* [CELL-DATA] pairs with spsc_cell_commit(). */
	seq = load_acquire(&at->seq);
	if (seq != idx + 1) {
		/* Polled, so the miss stays inline. */
		if (seq != idx + 1 - rx->cells_nr)
			return spsc_cell_bad_seq(rx) ? -SHM_EPEER : -SHM_EOWNER;
		if (rx->gap_idx != idx)
			spsc_cell_gap(rx);
		rx->polls_nr++;
		return 0;
	}
	if (most > want)
		most = want;
	while (nr < most && load_acquire(&at[nr].seq) == idx + nr + 1)
		nr++;
	/* Fetch ahead, but only what is published: a line the producer still
	 * writes would be stolen from it. */
	for (uint64_t i = SPSC_CELL_READ_AHEAD;
	     i < nr + SPSC_CELL_READ_AHEAD && i < SPSC_CELL_AHEAD_MAX; i++)
		if ((int64_t)(rx->hint_seen - idx - i) > 0)
			prefetch_read(rx->cells + ((idx + i) & mask));
	*cells = at;
	return (int)nr;
}

/* Give the oldest nr messages back; they were peeked and are not used now. */
SHM_HOT void spsc_cell_release(struct spsc_cell_rx *rx, uint32_t nr)
{
	rx->head_idx += nr;
	/* [CELL-DONE] for a successor; nobody else reads it. */
	store_release(&rx->mem->done_idx, rx->head_idx);
	/* In large steps: the producer needs credit, not news. */
	if (rx->head_idx - rx->head_published >= rx->credit_nr)
		spsc_cell_publish_head(rx);
}

/* One message, in pieces of one width on both sides. */
SHM_HOT void spsc_cell_copy(void *to, const void *from)
{
	__builtin_memcpy(to, from, SPSC_CELL_MSG_LEN);
}

/*
 * Copy nr messages of 56 bytes in. How many went in (0: full), or a negative
 * error; visible at once. After -SHM_EIO (the doorbell failed) some of them
 * may be in.
 */
SHM_HOT int spsc_cell_push(struct spsc_cell_tx *tx, const void *msgs,
			   uint32_t nr)
{
	const uint8_t *from = msgs;
	uint32_t done = 0;

	while (done < nr) {
		struct spsc_cell *cells;
		int err, got = spsc_cell_reserve(tx, nr - done, &cells);

		if (got <= 0)
			return done ? (int)done : got;
		for (int i = 0; i < got; i++, from += SPSC_CELL_MSG_LEN)
			spsc_cell_copy(cells[i].msg, from);
		err = spsc_cell_commit(tx, (uint32_t)got);
		if (err)
			return err;
		done += (uint32_t)got;
	}
	return (int)done;
}

/* Copy up to nr messages out. How many, 0: empty, or a negative error. */
SHM_HOT int spsc_cell_pop(struct spsc_cell_rx *rx, void *msgs, uint32_t nr)
{
	uint8_t *to = msgs;
	uint32_t done = 0;

	while (done < nr) {
		const struct spsc_cell *cells;
		int got = spsc_cell_peek(rx, nr - done, &cells);

		if (got <= 0)
			return done ? (int)done : got;
		for (int i = 0; i < got; i++, to += SPSC_CELL_MSG_LEN)
			spsc_cell_copy(to, cells[i].msg);
		spsc_cell_release(rx, (uint32_t)got);
		done += (uint32_t)got;
	}
	return (int)done;
}

#endif
