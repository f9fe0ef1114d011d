/* SPDX-License-Identifier: MIT */
/*
 * spsc.h - a ring of fixed-size messages with exactly one producer and one
 * consumer, in a named channel of the region.
 *
 * Lock-free; each call finishes in bounded steps except the two waits. The
 * producer's end is a struct spsc_tx, the consumer's a struct spsc_rx; each
 * is private to one thread. Messages are written and read in place
 * (reserve/commit, peek/release) or copied (push, pop); all come in batches.
 *
 * Layout and ordering labels: docs/ring.md. Indices are free-running 64-bit
 * counts of messages. Each byte of the layout has one writer.
 *
 * Trust: geometry and own index are private copies; the peer's index is
 * loaded once, and a distance no honest peer can produce is -SHM_EPEER, for
 * good. A message read in place can change while it is read: copy it first
 * (pop does) when the peer is not trusted with what you do with it.
 */
#ifndef SHM_SPSC_H
#define SHM_SPSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/atomic.h"
#include "shm/bell.h"
#include "shm/chase.h"
#include "shm/err.h"
#include "shm/owner.h"
#include "shm/peer.h"
#include "shm/region.h"
#include "shm/wait.h"

#define SPSC_MAGIC	  0x63737073u /* "spsc" */
#define SPSC_VERSION	  1u
#define SPSC_SLOT_LEN_MAX (1u << 20)
#define SPSC_SLOTS_MAX	  (1u << 30)

struct spsc_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint32_t slot_len; /* bytes, multiple of 8 */
	uint32_t slots_nr; /* power of two */
	uint64_t data_off; /* of slot 0, from here */
	uint8_t reserved0[104];
	/* Producer. */
	_Atomic uint64_t tail_idx; /* [SPSC-DATA] messages published */
	_Atomic uint64_t producer; /* owner.h */
	uint8_t reserved1[112];
	/* Consumer. */
	_Atomic uint64_t head_idx; /* [SPSC-FREE] messages given back */
	_Atomic uint64_t consumer; /* owner.h */
	uint8_t reserved2[48];
	/* Released, to the message: head_idx goes in steps. On a line that
	 * nobody reads while the consumer lives. */
	_Atomic uint64_t done_idx; /* [SPSC-DONE] */
	uint8_t reserved3[56];
	struct bell data_bell;	/* the consumer sleeps here */
	struct bell space_bell; /* the producer sleeps here */
};
_Static_assert(offsetof(struct spsc_mem, tail_idx) == 128, "layout");
_Static_assert(offsetof(struct spsc_mem, head_idx) == 256, "layout");
_Static_assert(offsetof(struct spsc_mem, done_idx) == 320, "layout");
_Static_assert(offsetof(struct spsc_mem, data_bell) == 384, "layout");
_Static_assert(offsetof(struct spsc_mem, space_bell) == 512, "layout");
_Static_assert(sizeof(struct spsc_mem) == 640, "layout");

/* Measured (docs/ring.md, "Sizes"); distances: struct region_tuning. */
#define SPSC_PREFETCH_BURST_LEN 1024u /* at most so much in one call */
#define SPSC_STAGE_LEN		1024u
#define SPSC_LINE_LEN		64u

/*
 * A private count of messages. As wide as the shared ones, but of a type that
 * payload words do not have: stores of uint64_t into a slot cannot change a
 * handle then (C11 6.5p7), and a loop keeps the handle in registers. Copy a
 * handle into a local one around a hot loop to get that: every call below
 * that is inline leaves the address of the handle at home.
 */
typedef unsigned long long spsc_count;
typedef long long spsc_left; /* below 0: given back without having it */

struct spsc_tx {
	struct spsc_mem *mem;
	uint8_t *data;
	/* A run: slots behind each other that may be written without another
	 * thought. All the rest is done once per run. */
	uint8_t *at;	      /* of slot tail_idx */
	spsc_count tail_idx;  /* ours: next to write */
	spsc_left run_left;   /* slots of the run that are left */
	spsc_count head_seen; /* the consumer's, as last checked */
	spsc_count slots_nr;
	spsc_count slot_len;
	spsc_count ring_len;	 /* bytes of all slots */
	spsc_count run_nr;	 /* longest run; spsc_stage() publishes them */
	spsc_count prefetch_len; /* bytes; may be changed by the owner */
	int broken;		 /* 0, or -SHM_EPEER, -SHM_EOWNER: for good */
	struct bell_ringer data_bell;
	struct bell_waiter space_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	bool taken_over;  /* from a producer that died */
	uint32_t vector;  /* rung when there is room again */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

struct spsc_rx {
	struct spsc_mem *mem;
	uint8_t *data;
	const uint8_t *at;     /* of slot head_idx; a run, as the producer's */
	spsc_count head_idx;   /* ours: next to read */
	spsc_left run_left;    /* messages of the run that are left */
	spsc_count tail_seen;  /* the producer's, as last checked */
	spsc_left credit_left; /* messages until the producer is told */
	spsc_count slots_nr;
	spsc_count slot_len;
	spsc_count ring_len;	 /* bytes of all slots */
	spsc_count run_nr;	 /* longest run */
	spsc_count credit_nr;	 /* publish head after so many */
	spsc_count prefetch_len; /* bytes; may be changed by the owner */
	struct chase chase;
	int broken; /* 0, or -SHM_EPEER, -SHM_EOWNER: for good */
	struct bell_ringer space_bell;
	struct bell_waiter data_bell;
	struct peer *peer;
	const struct region *region;
	struct owner owner;
	bool taken_over;  /* from a consumer that died */
	uint32_t vector;  /* rung when there is data */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

/* Bytes of region a ring takes; 0: slot_len or slots_nr out of range. */
uint64_t spsc_len(uint32_t slot_len, uint32_t slots_nr);
/*
 * Create channel name. slot_len: 8..SPSC_SLOT_LEN_MAX, multiple of 8 (of 64
 * for best speed); slots_nr: power of two, 2..SPSC_SLOTS_MAX.
 * Errors as region_channel_create(); -SHM_ETOOSMALL: more than the region.
 */
int spsc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t creator);
/*
 * Become channel name's producer, or consumer. vector is the peer's own,
 * which the other end rings. region and peer outlive the end.
 *
 * The end of a peer that died (region.h) is taken over: taken_over says so.
 * A new producer goes on behind the last message that was committed; what
 * was reserved and not committed never existed. A new consumer goes on
 * behind the last message that was released: each is released exactly once.
 *
 * -SHM_EEXIST: a peer that may live has that end; -SHM_EPEER: the channel's
 * numbers are impossible; -SHM_EVERSION: a ring of another version; errors
 * of region_channel_find().
 */
int spsc_open_tx(struct spsc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
int spsc_open_rx(struct spsc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
/* Give the end up; a tx publishes and rings first. Another may take it. */
void spsc_close_tx(struct spsc_tx *tx);
void spsc_close_rx(struct spsc_rx *rx);

/*
 * Take the channel out of the directory, with what is in it. Its name and
 * memory can be created again. -SHM_EEXIST: a peer that may live has an end;
 * errors of region_channel_find().
 */
int spsc_retire(const struct region *region, const char *name,
		uint32_t peer_id);

/*
 * For rings inside another channel's memory (mpsc.h): make one in zeroed
 * memory; open an end of the one at [off, off + len) of the region.
 */
void spsc_format(void *mem, uint32_t slot_len, uint32_t slots_nr);
int spsc_open_tx_at(struct spsc_tx *tx, const struct region *region,
		    uint64_t off, uint64_t len, struct peer *peer,
		    uint32_t vector);
int spsc_open_rx_at(struct spsc_rx *rx, const struct region *region,
		    uint64_t off, uint64_t len, struct peer *peer,
		    uint32_t vector);

/*
 * Wait until at least one slot is free, at most timeout_ns. 0;
 * -SHM_ETIMEDOUT; -SHM_EPEER; -SHM_EGONE: the consumer died, nobody will make
 * room; -SHM_EOWNER: our end was taken over (we were thought dead); -SHM_EIO.
 */
int spsc_wait_space(struct spsc_tx *tx, uint64_t timeout_ns);
/* Wait until at least one message is there. Same results. */
int spsc_wait_data(struct spsc_rx *rx, uint64_t timeout_ns);

/* What an onlooker may know of a ring; it changes while you look. */
struct spsc_view {
	uint64_t tail_idx, head_idx; /* head <= tail <= head + slots_nr */
	uint32_t slots_nr, slot_len;
	char name[REGION_NAME_LEN];
};
/*
 * Look at the ring in a directory slot without being one of its ends.
 * -SHM_ENOENT: no ring there; -SHM_EPEER: its numbers are impossible;
 * -SHM_EVERSION: a ring of another version.
 */
int spsc_watch(const struct region *region, uint32_t slot,
	       struct spsc_view *view);

/*
 * Look at the consumer's index again. 0, -SHM_EPEER or -SHM_EOWNER.
 */
SHM_HOT int spsc_refresh_tx(struct spsc_tx *tx)
{
	/* [SPSC-FREE] the consumer is done with the slots before the index
	 * says so; pairs with spsc_publish_head(). */
	spsc_count head_idx = load_acquire(&tx->mem->head_idx);

#ifndef SHM_TRUSTING
	if (__builtin_expect(!owner_holds(&tx->owner), 0) && !tx->broken)
		tx->broken = -SHM_EOWNER;
	/* Neither more given back than taken, nor some of it taken again. */
	if (__builtin_expect(tx->tail_idx - head_idx >
				     tx->tail_idx - tx->head_seen,
			     0) &&
	    !tx->broken)
		tx->broken = -SHM_EPEER;
	if (__builtin_expect(tx->broken, 0)) {
		/* Full, so that every later reserve comes back here. */
		tx->head_seen = tx->tail_idx - tx->slots_nr;
		tx->run_left = 0;
		return tx->broken;
	}
#endif
	tx->head_seen = head_idx;
	return 0;
}

/*
 * What was committed or staged will be seen: publishes it and rings a
 * consumer that sleeps or is just falling asleep. Costs a full fence; for the
 * end of a burst. 0, or -SHM_EIO: the doorbell failed.
 */
SHM_HOT int spsc_flush(struct spsc_tx *tx)
{
	int err;

	store_release(&tx->mem->tail_idx, tx->tail_idx); /* [SPSC-DATA] */
	err = bell_ring(&tx->data_bell, tx->peer);
	return err < 0 ? err : 0;
}

/* Give the producer all credit there is, and ring it if it sleeps. */
SHM_HOT void spsc_publish_head(struct spsc_rx *rx)
{
	rx->credit_left = (spsc_left)rx->credit_nr;
	/* [SPSC-FREE] our reads of the slots before the index that frees them;
	 * pairs with spsc_refresh_tx(). */
	store_release(&rx->mem->head_idx, rx->head_idx);
	/* Once per credit step, so the fence is affordable; a bell that fails
	 * to ring leaves the producer its backstop. */
	(void)bell_ring(&rx->space_bell, rx->peer);
}

/*
 * Look at the producer's index again. 0, -SHM_EPEER or -SHM_EOWNER.
 */
SHM_HOT int spsc_refresh_rx(struct spsc_rx *rx)
{
	spsc_count tail_idx;

	chase_wait(&rx->chase);
	/* [SPSC-DATA] the messages are whole before the index says so; pairs
	 * with spsc_commit(). */
	tail_idx = load_acquire(&rx->mem->tail_idx);

#ifndef SHM_TRUSTING
	if (__builtin_expect(!owner_holds(&rx->owner), 0) && !rx->broken)
		rx->broken = -SHM_EOWNER;
	/* Neither more than fits, nor less than there was. */
	if (__builtin_expect(tail_idx - rx->head_idx > rx->slots_nr ||
				     tail_idx - rx->head_idx <
					     rx->tail_seen - rx->head_idx,
			     0) &&
	    !rx->broken)
		rx->broken = -SHM_EPEER;
	if (__builtin_expect(rx->broken, 0)) {
		/* Empty, so that every later peek comes back here. */
		rx->tail_seen = rx->head_idx;
		rx->run_left = 0;
		return rx->broken;
	}
#endif
	chase_judge(&rx->chase, (tail_idx - rx->tail_seen) * rx->slot_len);
	rx->tail_seen = tail_idx;
	/* An empty ring gives all credit back: the producer may want it all. */
	if (tail_idx == rx->head_idx &&
	    rx->credit_left != (spsc_left)rx->credit_nr)
		spsc_publish_head(rx);
	return 0;
}

/* Touch the lines that begin in [off, off + len) of the ring, or the first of
 * them when they are many. off may be up to a lap ahead. */
SHM_HOT void spsc_prefetch(uint8_t *data, spsc_count off, spsc_count len,
			   spsc_count ring_len, bool for_write)
{
	spsc_count at = (off + SPSC_LINE_LEN - 1) &
			~(spsc_count)(SPSC_LINE_LEN - 1);
	spsc_count end = off + (len < SPSC_PREFETCH_BURST_LEN
					? len
					: SPSC_PREFETCH_BURST_LEN);

	for (; at < end; at += SPSC_LINE_LEN) {
		uint8_t *line = data + (at < ring_len ? at : at - ring_len);

		if (for_write)
			prefetch_write(line);
		else
			prefetch_read(line);
	}
}

/* The slow half of spsc_reserve(): look for credit, begin a run. */
SHM_HOT int spsc_reserve_run(struct spsc_tx *tx, uint32_t want, void **slots)
{
	spsc_count left = tx->slots_nr - (tx->tail_idx - tx->head_seen);
	spsc_count slot = tx->tail_idx & (tx->slots_nr - 1);
	spsc_count nr, off, len;

	*slots = NULL;
	/* Below none: committed after the ring was found broken. */
	if ((spsc_left)left <= 0) {
		int err = spsc_refresh_tx(tx);

		if (err < 0)
			return err;
		left = tx->slots_nr - (tx->tail_idx - tx->head_seen);
		if (left == 0)
			return 0;
	}
	nr = want > tx->run_nr ? want : tx->run_nr;
	nr = nr < left ? nr : left;
	if (nr > tx->slots_nr - slot)
		nr = tx->slots_nr - slot;
	off = slot * tx->slot_len;
	len = nr * tx->slot_len;
	/* Own the lines ahead before they are written, each once. Take none
	 * that the consumer may still read. */
	if (tx->prefetch_len + len <= left * tx->slot_len)
		spsc_prefetch(tx->data, off + tx->prefetch_len, len,
			      tx->ring_len, true);
	tx->at = tx->data + off;
	tx->run_left = (spsc_left)nr;
	*slots = tx->at;
	return (int)(nr < want ? nr : want);
}

/*
 * Room for up to want (>= 1) messages, one behind the other at *slots: how
 * many (fewer at the ring's end or when nearly full), 0: full (up to an
 * eighth of the ring may be free already, see spsc_release()), or
 * -SHM_EPEER, -SHM_EOWNER. Nothing is visible to the consumer before
 * spsc_commit().
 */
SHM_HOT int spsc_reserve(struct spsc_tx *tx, uint32_t want, void **slots)
{
	if (__builtin_expect(tx->run_left < (spsc_left)want, 0))
		return spsc_reserve_run(tx, want, slots);
	*slots = tx->at;
	return (int)want;
}

/* What was written until now is the consumer's. */
SHM_HOT int spsc_publish_tail(struct spsc_tx *tx)
{
	/* [SPSC-DATA] the messages before the index; pairs with
	 * spsc_refresh_rx(). */
	store_release(&tx->mem->tail_idx, tx->tail_idx);
	if (__builtin_expect(bell_is_armed(&tx->data_bell), 0))
		return spsc_flush(tx);
	return 0;
}

/*
 * Publish the next nr messages, which were reserved and are written.
 * A consumer that sleeps is rung; one that falls asleep at this very moment
 * may be missed: call spsc_flush() when you pause. 0, or -SHM_EIO.
 */
SHM_HOT int spsc_commit(struct spsc_tx *tx, uint32_t nr)
{
	tx->tail_idx += nr;
	tx->at += nr * tx->slot_len;
	tx->run_left -= nr;
	return spsc_publish_tail(tx);
}

/*
 * As spsc_commit(), but the messages may stay invisible until SPSC_STAGE_LEN
 * bytes of them are together, or until the next spsc_commit() or spsc_flush():
 * for streams of small messages, which an index store each would slow down.
 */
SHM_HOT int spsc_stage(struct spsc_tx *tx, uint32_t nr)
{
	tx->tail_idx += nr;
	tx->at += nr * tx->slot_len;
	tx->run_left -= nr;
	if (__builtin_expect(tx->run_left <= 0, 0))
		return spsc_publish_tail(tx);
	return 0;
}

/* The slow half of spsc_peek(): look for messages, begin a run. */
SHM_HOT int spsc_peek_run(struct spsc_rx *rx, uint32_t want, const void **slots)
{
	spsc_count avail = rx->tail_seen - rx->head_idx;
	spsc_count slot = rx->head_idx & (rx->slots_nr - 1);
	spsc_count nr, off, len;

	*slots = NULL;
	/* Below empty: released after the ring was found broken. */
	if ((spsc_left)avail <= 0) {
		int err = spsc_refresh_rx(rx);

		if (err < 0)
			return err;
		avail = rx->tail_seen - rx->head_idx;
		if (avail == 0)
			return 0;
	}
	nr = want > rx->run_nr ? want : rx->run_nr;
	nr = nr < avail ? nr : avail;
	if (nr > rx->slots_nr - slot)
		nr = rx->slots_nr - slot;
	off = slot * rx->slot_len;
	len = nr * rx->slot_len;
	/* Fetch ahead, each line once, but only what is published: a line the
	 * producer still writes would be stolen from it. */
	if (rx->prefetch_len + len <= avail * rx->slot_len)
		spsc_prefetch(rx->data, off + rx->prefetch_len, len,
			      rx->ring_len, false);
	rx->at = rx->data + off;
	rx->run_left = (spsc_left)nr;
	*slots = rx->at;
	return (int)(nr < want ? nr : want);
}

/*
 * Up to want (>= 1) messages, one behind the other at *slots: how many, 0:
 * empty, or -SHM_EPEER, -SHM_EOWNER. They stay until spsc_release().
 */
SHM_HOT int spsc_peek(struct spsc_rx *rx, uint32_t want, const void **slots)
{
	if (__builtin_expect(rx->run_left < (spsc_left)want, 0))
		return spsc_peek_run(rx, want, slots);
	*slots = rx->at;
	return (int)want;
}

/* Give the oldest nr messages back; they were peeked and are not used now. */
SHM_HOT void spsc_release(struct spsc_rx *rx, uint32_t nr)
{
	rx->head_idx += nr;
	rx->at += nr * rx->slot_len;
	rx->run_left -= nr;
	rx->credit_left -= nr;
	/* [SPSC-DONE] for whoever takes over when we die. */
	store_relaxed(&rx->mem->done_idx, rx->head_idx);
	/* In large steps: the producer needs credit, not news. */
	if (__builtin_expect(rx->credit_left <= 0, 0))
		spsc_publish_head(rx);
}

/*
 * Copy nr messages of slot_len bytes in. How many went in (0: full), or a
 * negative error; visible at once. After -SHM_EIO (the doorbell failed) some
 * of them may be in.
 */
int spsc_push(struct spsc_tx *tx, const void *msgs, uint32_t nr);
/* Copy up to nr messages out. How many, 0: empty, or a negative error. */
int spsc_pop(struct spsc_rx *rx, void *msgs, uint32_t nr);

#endif
