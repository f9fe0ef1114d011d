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

/*
 * As for the handles of spsc.h: copy one into a local variable around a hot
 * loop, and it lives in registers. No call below takes its address elsewhere.
 */
struct spsc_block_tx {
	struct spsc_tx *tx;
	uint8_t *mem;	     /* the block: ours alone */
	uint8_t *at;	     /* the next message to write */
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

/* The cold half of moving: how many of nr messages at from the ring took. A
 * doorbell that failed is flush's to report. */
int spsc_block_copy(struct spsc_tx *tx, const uint8_t *from, spsc_count nr,
		    bool by_string);

/*
 * Move what has gathered as far as the ring has room. 1: all of it; 0: not
 * all; or -SHM_EPEER, -SHM_EOWNER.
 */
SHM_HOT int spsc_block_move(struct spsc_block_tx *b)
{
	spsc_count gathered_nr = b->block_nr - (spsc_count)b->left;
	int got = spsc_block_copy(b->tx, b->mem + b->moved_nr * b->slot_len,
				  gathered_nr - b->moved_nr, b->by_string);

	if (got < 0)
		return got;
	b->moved_nr += (spsc_count)got;
	if (b->moved_nr < gathered_nr)
		return 0;
	b->at = b->mem;
	b->left = (spsc_left)b->block_nr;
	b->moved_nr = 0;
	return 1;
}

/*
 * Move all and ring a consumer that sleeps or is falling asleep: for the end
 * of a burst. 0; -SHM_EFULL: the ring has no room, call again (or wait);
 * -SHM_EIO; errors as above.
 */
SHM_HOT int spsc_block_flush(struct spsc_block_tx *b)
{
	int got = spsc_block_move(b);

	if (got < 0)
		return got;
	if (spsc_flush(b->tx) < 0)
		return -SHM_EIO;
	return got ? 0 : -SHM_EFULL;
}

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
	if (__builtin_expect(b->left == 0, 0)) {
		int got = spsc_block_move(b);

		if (got <= 0) {
			*slots = NULL;
			return got;
		}
	}
	*slots = b->at;
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
	spsc_count got_nr; /* messages of it that are not given back */
	spsc_count slot_len;
	uint32_t block_nr; /* at most */
};

/* Read for rx by the block. */
void spsc_block_open_rx(struct spsc_block_rx *b, struct spsc_rx *rx);

/* Cold halves: spsc_peek() and spsc_release(), not inlined. */
int spsc_block_next(struct spsc_rx *rx, uint32_t want, const void **slots);
void spsc_block_give_back(struct spsc_rx *rx, spsc_count nr);

/* Give back what was read of the block, now. */
SHM_HOT void spsc_block_settle(struct spsc_block_rx *b)
{
	spsc_block_give_back(b->rx, b->got_nr - (spsc_count)b->left);
	b->got_nr = (spsc_count)b->left;
}

/* As spsc_peek(). They stay until spsc_block_release(). */
SHM_HOT int spsc_block_peek(struct spsc_block_rx *b, uint32_t want,
			    const void **slots)
{
	if (__builtin_expect(b->left == 0, 0)) {
		const void *block;
		int got = spsc_block_next(b->rx, b->block_nr, &block);

		if (got <= 0) {
			*slots = NULL;
			return got;
		}
		b->at = block;
		b->left = got;
		b->got_nr = (spsc_count)got;
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
