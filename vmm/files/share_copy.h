/* SPDX-License-Identifier: MIT */
/*
 * share_copy.h - the bytes of a large file are copied before the change that
 * needs a copy is made, piece by piece, so that others are served meanwhile.
 *
 * All calls of share.h that change a lower file copy it up themselves, and
 * return when that is done. Who has others to serve asks share_copy_ahead()
 * first and makes the change when it is told. Nobody sees anything of a copy
 * before that change; without one it is dropped.
 *
 * Several copies of a share take turns, a piece of COPY_PIECE_LEN each, with
 * one operation of theirs under way. Who wants a file that is being copied
 * waits with the first one. When nobody waits for a copy any more, it is gone
 * at once; only one with an operation under way ends with that.
 *
 * Called by: the 9P server.
 * Threads:   the share's; ready() is called there.
 */
#ifndef VMM_FILES_SHARE_COPY_H
#define VMM_FILES_SHARE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/files/p9_io.h"

struct share_node;
struct share_copy;

/* Choices: what is smaller is copied about as fast as it is asked for. A piece
 * is read from the page cache in a millisecond, and others wait for that; with
 * pieces of 1 MiB a copy took three times as long, in changes of thread. */
#define COPY_AHEAD_MIN (1ull << 20)
#define COPY_PIECE_LEN (4u << 20)
/* Copies of a share at a time: each holds two descriptors and room on the
 * disk, and has its turn only when all others had theirs. */
#define COPIES_AHEAD_MAX 64u

/* Somebody who waits for a copy. Zeroed: nobody. */
struct share_wait {
	/* Once, unless share_copy_leave() came first. 0: go on, after another
	 * share_copy_ahead(); else why there is no copy. */
	void (*ready)(struct share_wait *wait, int err);
	struct share_copy *copy; /* the rest is share_copy.c's */
	struct share_wait *next;
	bool told;
};

/*
 * Does a change of node that keeps the first `keep` bytes copy much? 0: no, or
 * it is copied: make the change, then leave. 1: wait->ready() is called,
 * perhaps before this returns. -EMFILE: there are too many copies already, and
 * nothing was begun. What else goes wrong at the beginning is left for the
 * change to find out, too. io outlives the share's copies.
 */
int share_copy_ahead(struct share_node *node, uint64_t keep, struct p9_io *io,
		     struct share_wait *wait);
/* It does not wait any more, or has made its change. Nothing if it never did.
 */
void share_copy_leave(struct share_wait *wait);

#endif
