/* SPDX-License-Identifier: MIT */
/*
 * spsc_var.h - a ring of messages of different lengths, 1 byte to 1 MiB, with
 * exactly one producer and one consumer, in a named channel of the region.
 *
 * Messages are written and read in place, each in one piece (a message that
 * would reach over the ring's end begins at its start instead, and a pad
 * record fills the gap), or copied (push, pop). Batches: a producer commits
 * quietly and publishes once; a consumer peeks many and releases once.
 *
 * Progress: lock-free; each call but the two waits ends in a number of steps
 * that depends on message lengths alone, whatever the other end does.
 * Threads:  an end is private to one thread.
 * Ordering: [VAR-DATA], [VAR-FREE], [VAR-DONE]; docs/ring.md.
 * Errors:   a full or an empty ring is 0, not an error. -SHM_EPEER: the other
 *           end wrote what no honest one writes; for good. -SHM_EOWNER: the
 *           server called us dead and another peer took our end over.
 *
 * A peer that dies: what it published is there, what it had not published
 * never is. The next consumer begins behind the last message released: each
 * is released exactly once.
 *
 * Trust: geometry and own indices are private. The other end's index is
 * loaded once per refresh, a record's header once per message, as one word;
 * both are bounded before use. pop() copies: what you check is what you use.
 * peek() is the trusting mode: a message can change while it is read in
 * place, only its length cannot.
 */
#ifndef SHM_SPSC_VAR_H
#define SHM_SPSC_VAR_H

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

#define SPSC_VAR_MAGIC	      0x72617673u /* "svar" */
#define SPSC_VAR_VERSION      1u
#define SPSC_VAR_RING_LEN_MIN (4ull << 10)
#define SPSC_VAR_RING_LEN_MAX (1ull << 30)
/* And never more than a quarter of the ring: spsc_var_msg_max(). */
#define SPSC_VAR_MSG_LEN_MAX (1u << 20)

/* Indices are free-running counts of bytes, multiples of 8. */
struct spsc_var_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint64_t ring_len; /* bytes of records, power of two */
	uint64_t data_off; /* of byte 0 of the records, from here */
	uint8_t reserved0[104];
	/* Producer. */
	_Atomic uint64_t tail_idx; /* [VAR-DATA] bytes published */
	_Atomic uint64_t producer; /* owner.h */
	uint8_t reserved1[112];
	/* Consumer. */
	_Atomic uint64_t head_idx; /* [VAR-FREE] bytes given back */
	_Atomic uint64_t consumer; /* owner.h */
	uint8_t reserved2[48];
	/* Released, to the message: head_idx goes in steps. On a line that
	 * nobody reads while the consumer lives. */
	_Atomic uint64_t done_idx; /* [VAR-DONE] */
	uint8_t reserved3[56];
	struct bell data_bell;	/* the consumer sleeps here */
	struct bell space_bell; /* the producer sleeps here */
};
_Static_assert(offsetof(struct spsc_var_mem, ring_len) == 8, "layout");
_Static_assert(offsetof(struct spsc_var_mem, data_off) == 16, "layout");
_Static_assert(offsetof(struct spsc_var_mem, tail_idx) == 128, "layout");
_Static_assert(offsetof(struct spsc_var_mem, producer) == 136, "layout");
_Static_assert(offsetof(struct spsc_var_mem, head_idx) == 256, "layout");
_Static_assert(offsetof(struct spsc_var_mem, consumer) == 264, "layout");
_Static_assert(offsetof(struct spsc_var_mem, done_idx) == 320, "layout");
_Static_assert(offsetof(struct spsc_var_mem, data_bell) == 384, "layout");
_Static_assert(offsetof(struct spsc_var_mem, space_bell) == 512, "layout");
_Static_assert(sizeof(struct spsc_var_mem) == 640, "layout");

/*
 * A record: a header of 8 bytes, aligned to 8, and behind it the payload,
 * filled up to a multiple of 8. The header is one little-endian word: bits
 * 0..31 bytes of payload, bits 32..63 what it is. A pad reaches to the ring's
 * end exactly, and a message is always published behind it.
 */
#define SPSC_VAR_MSG		   0x4d534721u
#define SPSC_VAR_PAD		   0x50414421u
#define SPSC_VAR_HEADER_LEN	   8u
#define SPSC_VAR_HEADER(kind, len) ((uint64_t)(kind) << 32 | (uint32_t)(len))
#define SPSC_VAR_RECORD_LEN(len) \
	(SPSC_VAR_HEADER_LEN + (((uint64_t)(len) + 7) & ~7ull))

/* Quiet commits are published when so many bytes have gathered; more gained
 * nothing, less made the index line dear (measured, docs/ring.md). */
#define SPSC_VAR_QUIET_LEN 1024u
/* How far ahead of itself an end touches lines; measured, docs/ring.md. */
#define SPSC_VAR_PREFETCH_READ_LEN  1024u
#define SPSC_VAR_PREFETCH_WRITE_LEN 512u
#define SPSC_VAR_LINE_LEN	    64u
/* In place: so much of a message is fetched ahead, the rest by its user. */
#define SPSC_VAR_PREFETCH_MAX_LEN 4096u

struct spsc_var_tx {
	struct spsc_var_mem *mem;
	uint8_t *data;
	uint64_t tail_idx;	 /* ours: next byte to write */
	uint64_t tail_published; /* what the consumer was told */
	uint64_t head_seen;	 /* the consumer's, as last checked */
	uint64_t ring_len;
	uint64_t room_idx;     /* the record reserved last */
	uint32_t room_len;     /* its payload; 0: none is reserved */
	uint32_t msg_max;      /* longest payload */
	uint32_t prefetch_len; /* may be changed by the owner */
	int broken;	       /* 0, or -SHM_EPEER, -SHM_EOWNER: for good */
	bool taken_over;       /* from a producer that died */
	struct owner owner;
	struct bell_ringer data_bell;
	struct bell_waiter space_bell;
	struct peer *peer;
	const struct region *region;
	uint32_t vector;  /* rung when there is room again */
	uint32_t want;	  /* payload that spsc_var_wait_space() waits for */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

struct spsc_var_rx {
	struct spsc_var_mem *mem;
	const uint8_t *data;
	uint64_t peek_idx;	 /* ours: next record to look at */
	uint64_t head_idx;	 /* ours: released up to here */
	uint64_t head_published; /* what the producer was told */
	uint64_t tail_seen;	 /* the producer's, as last checked */
	uint64_t ring_len;
	uint64_t credit_len;   /* publish head after so many bytes */
	uint32_t msg_max;      /* longest payload */
	uint32_t prefetch_len; /* may be changed by the owner */
	struct chase chase;
	int broken;	 /* 0, or -SHM_EPEER, -SHM_EOWNER: for good */
	bool taken_over; /* from a consumer that died */
	struct owner owner;
	struct bell_ringer space_bell;
	struct bell_waiter data_bell;
	struct peer *peer;
	const struct region *region;
	uint32_t vector;  /* rung when there is data */
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
};

/* Bytes of region a ring takes; 0: ring_len is no power of two in range. */
uint64_t spsc_var_len(uint64_t ring_len);
/* The longest message of a ring; 0 as above. */
uint32_t spsc_var_msg_max(uint64_t ring_len);
/*
 * Create channel name. ring_len: power of two, SPSC_VAR_RING_LEN_MIN..MAX;
 * 256 KiB to 1 MiB for best speed, and eight times the usual message: a
 * longer one is not yet read while the next is written.
 * Errors as region_channel_create(); -SHM_ETOOSMALL: more than the region.
 */
int spsc_var_create(const struct region *region, const char *name,
		    uint64_t ring_len, uint32_t creator);
/*
 * Become channel name's producer, or consumer; from nobody, or from a peer
 * that the server calls gone. vector is the peer's own, which the other end
 * rings. peer and region outlive the end.
 * -SHM_EEXIST: a peer that may be alive has that end; -SHM_EPEER: the
 * channel's numbers are impossible; -SHM_EVERSION: a ring of another version;
 * errors of region_channel_find().
 */
int spsc_var_open_tx(struct spsc_var_tx *tx, const struct region *region,
		     const char *name, struct peer *peer, uint32_t vector);
int spsc_var_open_rx(struct spsc_var_rx *rx, const struct region *region,
		     const char *name, struct peer *peer, uint32_t vector);
/*
 * Give the end up; another may take it. A tx publishes and rings first; an rx
 * leaves what it peeked and did not release to the next.
 */
void spsc_var_close_tx(struct spsc_var_tx *tx);
void spsc_var_close_rx(struct spsc_var_rx *rx);

/*
 * Take the channel out of the directory, with what is in it. Its name and
 * memory can be created again. -SHM_EEXIST: a peer that may live has an end;
 * errors of region_channel_find().
 */
int spsc_var_retire(const struct region *region, const char *name,
		    uint32_t peer_id);

/*
 * Wait until a message of len bytes can be reserved, at most timeout_ns;
 * publishes and rings first, and takes an open reservation back. 0,
 * -SHM_ETIMEDOUT, -SHM_EINVAL (len), -SHM_EGONE: the consumer is dead;
 * -SHM_EPEER, -SHM_EOWNER, -SHM_EIO.
 */
int spsc_var_wait_space(struct spsc_var_tx *tx, uint32_t len,
			uint64_t timeout_ns);
/* Wait until there is a message to peek. -SHM_EGONE: the producer is dead and
 * nothing of it is left; else the same. */
int spsc_var_wait_data(struct spsc_var_rx *rx, uint64_t timeout_ns);

/* What an onlooker may know of a ring; it changes while you look. */
struct spsc_var_view {
	uint64_t tail_idx, head_idx; /* head <= tail <= head + ring_len */
	uint64_t ring_len;
	char name[REGION_NAME_LEN];
};
/*
 * Look at the ring in a directory slot without being one of its ends.
 * -SHM_ENOENT: no such ring there; -SHM_EPEER: its numbers are impossible;
 * -SHM_EVERSION: a ring of another version.
 */
int spsc_var_watch(const struct region *region, uint32_t slot,
		   struct spsc_var_view *view);

/* Cold halves of what follows. */
int spsc_var_refresh_tx(struct spsc_var_tx *tx);
int spsc_var_refresh_rx(struct spsc_var_rx *rx);
int spsc_var_ring_data(struct spsc_var_tx *tx);
void spsc_var_publish_head(struct spsc_var_rx *rx);
int spsc_var_pass_pad(struct spsc_var_rx *rx, uint64_t header);
int spsc_var_bad_record(struct spsc_var_rx *rx); /* -SHM_EPEER, for good */

/* A place in the ring as an address. TRUST: masked with our own ring_len, which
 * was checked against the channel's length. */
SHM_HOT uint8_t *spsc_var_at(const struct spsc_var_tx *tx, uint64_t idx)
{
	return tx->data + (idx & (tx->ring_len - 1));
}

/* Make everything committed visible. Rings as spsc_var_commit(). */
SHM_HOT int spsc_var_publish(struct spsc_var_tx *tx)
{
	tx->tail_published = tx->tail_idx;
	/* [VAR-DATA] whole records before the index; pairs with
	 * spsc_var_refresh_rx(). */
	store_release(&tx->mem->tail_idx, tx->tail_idx);
	if (__builtin_expect(bell_is_armed(&tx->data_bell), 0))
		return spsc_var_ring_data(tx);
	return 0;
}

/*
 * Everything committed is published and will be seen: rings a consumer that
 * sleeps or is just falling asleep. A full fence; for the end of a burst.
 */
SHM_HOT int spsc_var_flush(struct spsc_var_tx *tx)
{
	int err = 0;

	/* Whoever took the end over publishes now, not we. */
	if (tx->tail_published != tx->tail_idx && owner_holds(&tx->owner))
		err = spsc_var_publish(tx);
	return err ? err : spsc_var_ring_data(tx);
}

/* Find room for a message of len bytes. Results of spsc_var_reserve(). */
SHM_HOT int spsc_var_room(struct spsc_var_tx *tx, uint32_t len)
{
	uint64_t need = SPSC_VAR_RECORD_LEN(len);
	uint64_t to_end = tx->ring_len - (tx->tail_idx & (tx->ring_len - 1));
	uint64_t pad = to_end < need ? to_end : 0;

	tx->room_len = 0;
	if (len - 1 >= tx->msg_max)
		return -SHM_EINVAL;
	/* Beyond full, too: committed after the ring was found broken. */
	if (tx->tail_idx - tx->head_seen + pad + need > tx->ring_len) {
		int err = spsc_var_refresh_tx(tx);

		if (err)
			return err;
		if (tx->tail_idx - tx->head_seen + pad + need > tx->ring_len)
			return 0;
	}
	if (__builtin_expect(pad != 0, 0))
		*(uint64_t *)(void *)spsc_var_at(tx, tx->tail_idx) =
			SPSC_VAR_HEADER(SPSC_VAR_PAD,
					pad - SPSC_VAR_HEADER_LEN);
	tx->room_idx = tx->tail_idx + pad;
	tx->room_len = len;
	return 1;
}

/*
 * Own the line prefetch_len behind idx before it is written, unless the
 * consumer may still read it.
 */
SHM_HOT void spsc_var_own_ahead(const struct spsc_var_tx *tx, uint64_t idx)
{
	if (idx + tx->prefetch_len - tx->head_seen < tx->ring_len)
		prefetch_write(spsc_var_at(tx, idx + tx->prefetch_len));
}

/*
 * Room for one message of at most len bytes at *room, aligned to 8: 1, or 0:
 * full (up to an eighth of the ring may be free already, see
 * spsc_var_release()); -SHM_EINVAL: len is 0 or above msg_max; -SHM_EPEER,
 * -SHM_EOWNER. Invisible until committed; another reserve takes it back.
 */
SHM_HOT int spsc_var_reserve(struct spsc_var_tx *tx, uint32_t len, void **room)
{
	int got = spsc_var_room(tx, len);

	*room = NULL;
	if (got <= 0)
		return got;
	for (uint64_t at = 0; at < len && at < SPSC_VAR_PREFETCH_MAX_LEN;
	     at += SPSC_VAR_LINE_LEN)
		spsc_var_own_ahead(tx, tx->room_idx + at);
	*room = spsc_var_at(tx, tx->room_idx + SPSC_VAR_HEADER_LEN);
	return 1;
}

/* The reserved record is whole: ours to publish. */
SHM_HOT int spsc_var_finish(struct spsc_var_tx *tx, uint32_t len)
{
	if (len - 1 >= tx->room_len)
		return -SHM_EINVAL;
	*(uint64_t *)(void *)spsc_var_at(tx, tx->room_idx) =
		SPSC_VAR_HEADER(SPSC_VAR_MSG, len);
	tx->tail_idx = tx->room_idx + SPSC_VAR_RECORD_LEN(len);
	tx->room_len = 0;
	return 0;
}

/*
 * The message reserved is written and len bytes long: publish it, with all
 * quiet ones before it. A consumer that sleeps is rung; one that falls asleep
 * at this very moment may be missed: call spsc_var_flush() when you pause.
 * -SHM_EINVAL: len is 0 or more than was reserved; -SHM_EIO: the doorbell
 * failed, the message is out.
 */
SHM_HOT int spsc_var_commit(struct spsc_var_tx *tx, uint32_t len)
{
	int err = spsc_var_finish(tx, len);

	return err ? err : spsc_var_publish(tx);
}

/*
 * The same for one message of a batch: published with the next
 * spsc_var_commit(), publish, flush or close, or when SPSC_VAR_QUIET_LEN bytes
 * have gathered, or when reserve finds the ring full.
 */
SHM_HOT int spsc_var_commit_quiet(struct spsc_var_tx *tx, uint32_t len)
{
	int err = spsc_var_finish(tx, len);

	if (!err && tx->tail_idx - tx->tail_published >= SPSC_VAR_QUIET_LEN)
		return spsc_var_publish(tx);
	return err;
}

/*
 * The next message: its length, 0: none, or an error. Its header is loaded
 * once; what is returned is what was checked.
 * TRUST: peek_idx is ours and masked, so a header is inside the ring; a
 * payload is, because its length is bounded by what is left of it.
 */
SHM_HOT int spsc_var_next(struct spsc_var_rx *rx, const uint8_t **msg)
{
	uint64_t there = rx->tail_seen - rx->peek_idx, slot, header, need;
	uint32_t len;

	if (there == 0) {
		int err = spsc_var_refresh_rx(rx);

		if (err)
			return err;
		there = rx->tail_seen - rx->peek_idx;
		if (there == 0)
			return 0;
	}
	slot = rx->peek_idx & (rx->ring_len - 1);
	header = read_once((const uint64_t *)(const void *)(rx->data + slot));
	if (__builtin_expect(header >> 32 == SPSC_VAR_PAD, 0)) {
		int err = spsc_var_pass_pad(rx, header);

		if (err)
			return err;
		there = rx->tail_seen - rx->peek_idx;
		slot = 0;
		header = read_once((const uint64_t *)(const void *)rx->data);
	}
	len = (uint32_t)header;
	need = SPSC_VAR_RECORD_LEN(len);
	if (header >> 32 != SPSC_VAR_MSG || len - 1 >= rx->msg_max ||
	    need > there || need > rx->ring_len - slot)
		return spsc_var_bad_record(rx);
	*msg = rx->data + slot + SPSC_VAR_HEADER_LEN;
	rx->peek_idx += need;
	return (int)len;
}

/*
 * Fetch the line prefetch_len behind idx, but only what is published: a line
 * the producer still writes would be stolen from it.
 */
SHM_HOT void spsc_var_fetch_ahead(const struct spsc_var_rx *rx, uint64_t idx)
{
	uint64_t ahead_idx = idx + rx->prefetch_len;

	if ((int64_t)(rx->tail_seen - ahead_idx) > 0)
		prefetch_read(rx->data + (ahead_idx & (rx->ring_len - 1)));
}

/*
 * The next message, in place: its length in bytes, 0: there is none, or
 * -SHM_EPEER, -SHM_EOWNER. Each call gives the one behind; all stay where
 * they are until spsc_var_release().
 */
SHM_HOT int spsc_var_peek(struct spsc_var_rx *rx, const void **msg)
{
	const uint8_t *bytes = NULL;
	int len = spsc_var_next(rx, &bytes);

	*msg = bytes;
	for (uint32_t at = 0; (int)at < len && at < SPSC_VAR_PREFETCH_MAX_LEN;
	     at += SPSC_VAR_LINE_LEN)
		spsc_var_fetch_ahead(rx, rx->peek_idx + at);
	return len;
}

/*
 * Give back all messages peeked so far; none of them is used from now on. The
 * producer learns of it when an eighth of the ring has gathered or when the
 * ring is found empty.
 */
SHM_HOT void spsc_var_release(struct spsc_var_rx *rx)
{
	rx->head_idx = rx->peek_idx;
	/* [VAR-DONE] our use of the messages before the word that says they
	 * are done with; pairs with spsc_var_open_rx(). */
	store_release(&rx->mem->done_idx, rx->head_idx);
	/* In large steps: the producer needs credit, not news. */
	if (rx->head_idx - rx->head_published >= rx->credit_len)
		spsc_var_publish_head(rx);
}

/*
 * Copy one message in, published at once: 1, or 0: full; errors of
 * spsc_var_reserve() and spsc_var_commit().
 */
int spsc_var_push(struct spsc_var_tx *tx, const void *msg, uint32_t len);
/* A message to be sent. */
struct spsc_var_msg {
	const void *data;
	uint32_t len;
};
/*
 * Copy nr messages in as one batch. How many went in and are published (0:
 * full), or the error that stopped it at the first.
 */
int spsc_var_push_n(struct spsc_var_tx *tx, const struct spsc_var_msg *msgs,
		    uint32_t nr);
/*
 * Copy the next message out and give it back, with all peeked before: its
 * length, 0: there is none, or -SHM_EPEER, -SHM_EOWNER. -SHM_ETOOSMALL: it is
 * longer than buf_len, and stays (rx->msg_max is always enough).
 */
int spsc_var_pop(struct spsc_var_rx *rx, void *buf, uint32_t buf_len);
/*
 * Copy len bytes of a peeked message, from any byte of it, out of the peer's
 * reach. The fast way with long messages: in pieces of 4 KiB and less, each
 * used while it is in the first-level cache, the message released after all.
 */
void spsc_var_copy_out(const struct spsc_var_rx *rx, void *buf,
		       const void *from, uint32_t len);

#endif
