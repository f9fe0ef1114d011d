/* SPDX-License-Identifier: MIT */
/*
 * mpsc.h - many producers, one consumer that polls: a lane for each producer,
 * each a ring of spsc.h, in one named channel of the region.
 *
 * A producer joins by taking a free lane and gets a struct spsc_tx: all that
 * spsc.h says of a producer holds, and each of its calls works. Producers come
 * and go while others run. The consumer takes from the lanes in turn.
 *
 * Order:    the messages of one producer stay in order; of those of two,
 *           nothing is said.
 * Fairness: a call to mpsc_peek() serves the next lane that has something,
 *           with at most `want` messages. Until a lane that has something is
 *           served, every other one is served at most once: at most
 *           (lanes_nr - 1) * want messages come first.
 * Progress: each call finishes in bounded steps except the waits. Producers
 *           do not meet; a slow one delays nobody.
 * Death:    a producer that dies harms nobody: what it committed is received,
 *           and its lane is free for the next. A consumer that dies is
 *           followed as in spsc.h: each message is released exactly once.
 * Trust:    a hostile producer can break its own lane. The consumer names the
 *           error once (rx.lane), closes that lane and serves the others;
 *           mpsc_reset_lane() makes the lane new once its producer is gone.
 *           Each lane's bytes have one writer each.
 *
 * Layout and labels: docs/ring.md.
 */
#ifndef SHM_MPSC_H
#define SHM_MPSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/atomic.h"
#include "shm/bell.h"
#include "shm/err.h"
#include "shm/owner.h"
#include "shm/peer.h"
#include "shm/region.h"
#include "shm/spsc.h"

#define MPSC_MAGIC     0x6373706du /* "mpsc" */
#define MPSC_VERSION   1u
#define MPSC_LANES_MAX 64u

struct mpsc_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint32_t slot_len; /* bytes, as in spsc.h */
	uint32_t slots_nr; /* of each lane */
	uint32_t lanes_nr;
	uint32_t reserved0;
	uint64_t lanes_off; /* of lane 0, from here */
	uint64_t lane_len;  /* from one lane to the next */
	uint8_t reserved1[88];
	/* Consumer. */
	_Atomic uint64_t consumer; /* owner.h */
	_Atomic uint64_t closed;   /* [MPSC-LANE] bit n: lane n is not served */
	uint8_t reserved2[112];
	struct bell data_bell; /* the consumer sleeps here, whatever lane */
};
_Static_assert(offsetof(struct mpsc_mem, lanes_off) == 24, "layout");
_Static_assert(offsetof(struct mpsc_mem, consumer) == 128, "layout");
_Static_assert(offsetof(struct mpsc_mem, data_bell) == 256, "layout");
_Static_assert(sizeof(struct mpsc_mem) == 384, "layout");

/* Private to the consumer's thread. Large: not for a small stack. */
struct mpsc_rx {
	struct mpsc_mem *mem;
	uint32_t lanes_nr;
	uint32_t lane;	 /* whose messages were peeked last, or who failed */
	uint64_t closed; /* lanes not served; ours, the shared one is a sign */
	uint64_t off, lane_len; /* of lane 0 in the region; stride */
	uint32_t slot_len, slots_nr;
	struct owner owner;
	bool taken_over; /* from a consumer that died */
	struct bell_waiter data_bell;
	const struct region *region;
	struct peer *peer;
	uint32_t vector;
	uint64_t spin_ns; /* WAIT_SPIN_*; may be changed by the owner */
	struct spsc_rx lanes[MPSC_LANES_MAX];
};

/* Bytes of region; 0: an argument out of range (spsc_len(); lanes_nr 1..64). */
uint64_t mpsc_len(uint32_t slot_len, uint32_t slots_nr, uint32_t lanes_nr);
/* Create channel name with lanes_nr lanes of slots_nr slots: as spsc_create().
 */
int mpsc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t lanes_nr,
		uint32_t creator);
/*
 * Become one of channel name's producers: take a dead producer's lane, else a
 * free one. Leave with spsc_close_tx(). Errors as spsc_open_tx(), but
 * -SHM_EFULL: no lane is to be had.
 */
int mpsc_open_tx(struct spsc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
/* Become its consumer. A lane that is garbage is closed, not an error. */
int mpsc_open_rx(struct mpsc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector);
void mpsc_close_rx(struct mpsc_rx *rx);
/* As spsc_retire(): refused while a producer or the consumer may live. */
int mpsc_retire(const struct region *region, const char *name,
		uint32_t peer_id);

/*
 * Up to want (>= 1) messages of the next lane that has some, one behind the
 * other at *slots: how many, 0: all are empty. They stay until mpsc_release().
 * -SHM_EPEER: lane rx->lane lied; said once, the lane is closed.
 * -SHM_EOWNER: another consumer took over.
 */
int mpsc_peek(struct mpsc_rx *rx, uint32_t want, const void **slots);
/* Give the oldest nr of those peeked last back. */
static inline void mpsc_release(struct mpsc_rx *rx, uint32_t nr)
{
	spsc_release(&rx->lanes[rx->lane], nr);
}
/* Copy up to nr messages out. How many, 0: empty, or an error as above;
 * messages copied before it are not lost: the error comes with the next call.
 */
int mpsc_pop(struct mpsc_rx *rx, void *msgs, uint32_t nr);

/*
 * Wait until a lane has something, at most timeout_ns. 0; -SHM_ETIMEDOUT;
 * -SHM_EGONE: producers died, none is left and nothing either; -SHM_EPEER, as
 * in mpsc_peek(); -SHM_EOWNER; -SHM_EIO.
 */
int mpsc_wait_data(struct mpsc_rx *rx, uint64_t timeout_ns);

/* Lane 0..lanes_nr-1 is served. */
static inline bool mpsc_lane_open(const struct mpsc_rx *rx, uint32_t lane)
{
	return !(rx->closed >> lane & 1);
}
/*
 * Make a closed lane new, and open it. What was in it is gone.
 * -SHM_EEXIST: its producer may be alive; -SHM_EINVAL: it is not closed.
 */
int mpsc_reset_lane(struct mpsc_rx *rx, uint32_t lane);

struct mpsc_lane_view {
	uint64_t tail_idx, head_idx; /* head <= tail <= head + slots_nr */
};
/* What an onlooker may know of the lanes; it changes while you look. */
struct mpsc_view {
	uint32_t slots_nr, slot_len; /* of each lane */
	uint32_t lanes_nr;
	uint32_t producers_nr; /* that may be alive */
	/* Bit n: lane n is not served, or holds impossible numbers, which
	 * harms nobody but its producer and is shown as 0. */
	uint64_t closed;
	struct mpsc_lane_view lanes[MPSC_LANES_MAX]; /* lanes_nr of them */
	char name[REGION_NAME_LEN];
};
/* Look at the channel in a directory slot: as spsc_watch(). */
int mpsc_watch(const struct region *region, uint32_t slot,
	       struct mpsc_view *view);

#endif
