/* SPDX-License-Identifier: MIT */
/*
 * spsc_block.h - ends of spsc.h that pass whole blocks of messages on.
 *
 * For streams that need no message at once. The ring and the other end know
 * nothing of it: they may do the same or not, and what passes are ordinary
 * messages, in order.
 *
 * A producer gathers messages in memory of its own, where no other core ever
 * was, and they go over as one copy and one index (copy.h says why that can
 * be three times as fast). What is not yet moved is the producer's alone: one
 * that dies loses it, and nobody sees half of it.
 *
 * A consumer reads in the ring, but gives messages back by the block. One that
 * dies leaves the whole block to its successor, with what it used of it: take
 * spsc_peek() where a message must not be seen again.
 *
 * Each is private to one thread, as the spsc_tx or spsc_rx below it, which is
 * used for nothing else meanwhile. Lock-free, but for spsc_block_wait().
 */
#ifndef SHM_SPSC_BLOCK_H
#define SHM_SPSC_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/spsc.h"

/* A good length: half a first-level cache. Measured, docs/ring.md "Sizes". */
#define SPSC_BLOCK_LEN 16384u

struct spsc_block_tx {
	struct spsc_tx *tx;
	uint8_t *mem;	     /* the block: ours alone */
	uint8_t *at;	     /* the next one to write */
	spsc_left left;	     /* messages for which there is room yet */
	spsc_count moved_nr; /* of it, when the ring had no room for all */
	spsc_count block_nr; /* messages of a block */
	spsc_count slot_len;
	bool by_string;
};

/*
 * Gather for tx in mem, len bytes aligned to 64, which outlives the block: as
 * many messages as fit, but not more than an eighth of the ring (one at
 * least). 0; -SHM_EINVAL: len is less than a message, or mem is not aligned.
 */
int spsc_block_open_tx(struct spsc_block_tx *b, struct spsc_tx *tx, void *mem,
		       uint64_t len);

/*
 * Move what has gathered as far as the ring has room. 1: all of it; 0: not
 * all; or -SHM_EPEER, -SHM_EOWNER, -SHM_EIO.
 */
int spsc_block_move(struct spsc_block_tx *b);

/*
 * Move all and ring a consumer that sleeps or is falling asleep: for the end
 * of a burst. 0; -SHM_EFULL: the ring has no room, call again (or wait);
 * errors as above.
 */
int spsc_block_flush(struct spsc_block_tx *b);
/* The same, waiting for room at most timeout_ns; errors of spsc_wait_space().
 */
int spsc_block_wait(struct spsc_block_tx *b, uint64_t timeout_ns);

/*
 * Room for up to want (>= 1) messages behind each other: how many, 0: block
 * and ring are full; or an error of spsc_block_move().
 */
SHM_HOT int spsc_block_reserve(struct spsc_block_tx *b, uint32_t want,
			       void **slots)
{
	*slots = b->at;
	if (__builtin_expect(b->left >= (spsc_left)want, 1))
		return (int)want;
	if (b->left == 0) {
		int got = spsc_block_move(b);

		if (got <= 0)
			return got;
		*slots = b->at;
	}
	return (int)(b->left < (spsc_left)want ? b->left : (spsc_left)want);
}

/*
 * The next nr messages, which were reserved, are written. A full block moves
 * at once, if the ring has room. 0, or an error of spsc_block_move().
 */
SHM_HOT int spsc_block_commit(struct spsc_block_tx *b, uint32_t nr)
{
	b->at += nr * b->slot_len;
	b->left -= nr;
	if (__builtin_expect(b->left == 0, 0)) {
		int got = spsc_block_move(b);

		return got < 0 ? got : 0;
	}
	return 0;
}

struct spsc_block_rx {
	struct spsc_rx *rx;
	const uint8_t *at; /* the next one to read */
	spsc_left left;	   /* messages of the block that are left */
	spsc_count got_nr; /* messages of the block */
	spsc_count slot_len;
	uint32_t block_nr; /* at most; an eighth of the ring */
};

/* Read for rx by the block. */
void spsc_block_open_rx(struct spsc_block_rx *b, struct spsc_rx *rx);

/* Give back what was read of the block, now. */
void spsc_block_settle(struct spsc_block_rx *b);

/* The slow half of spsc_block_peek(): the next block. */
int spsc_block_next(struct spsc_block_rx *b);

/* As spsc_peek(). They stay until spsc_block_release(). */
SHM_HOT int spsc_block_peek(struct spsc_block_rx *b, uint32_t want,
			    const void **slots)
{
	if (__builtin_expect(b->left == 0, 0)) {
		int got = spsc_block_next(b);

		if (got <= 0) {
			*slots = NULL;
			return got;
		}
	}
	*slots = b->at;
	return (int)(b->left < (spsc_left)want ? b->left : (spsc_left)want);
}

/* The oldest nr messages, which were peeked, are not used from now on. */
SHM_HOT void spsc_block_release(struct spsc_block_rx *b, uint32_t nr)
{
	b->at += nr * b->slot_len;
	b->left -= nr;
	if (__builtin_expect(b->left == 0, 0))
		spsc_block_settle(b);
}

#endif
