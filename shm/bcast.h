/* SPDX-License-Identifier: MIT */
/*
 * bcast.h - one writer, any number of readers; the writer never waits, and a
 * reader that was too slow is told how many messages it missed.
 *
 * Progress: the writer is wait-free, whatever readers do. A read ends in
 * bounded steps; each either delivers a whole message, finds none, or counts
 * what was overwritten. The wait is the only call that takes time.
 *
 * The ends are struct bcast_tx and struct bcast_rx, each private to one
 * thread. A reader only loads from the channel, so it works on a read-only
 * mapping and needs nobody's leave; one that wants to sleep takes one of the
 * channel's bells (bcast_take_bell()), which it does write.
 *
 * Layout and ordering labels: docs/ring.md. Message idx (free-running) lives
 * in slot idx % slots_nr, whose seq is BCAST_WRITING(idx) while it is written
 * and BCAST_WHOLE(idx) then. Each word of a message is one atomic load or
 * store: a torn message is read without undefined behaviour, and thrown away.
 * A writer that dies leaves at most one slot BCAST_WRITING, which its
 * successor writes anew: nobody ever gets half a message.
 *
 * Trust: geometry and own index are private copies. A seq or a count that no
 * honest writer leaves is -SHM_EPEER, for good. Readers cannot reach the
 * writer except through a bell's target, and any peer may ring any other.
 */
#ifndef SHM_BCAST_H
#define SHM_BCAST_H

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

#define BCAST_MAGIC	  0x74736362u /* "bcst" */
#define BCAST_VERSION	  1u
#define BCAST_MSG_LEN_MAX (1u << 20)
#define BCAST_SLOTS_MAX	  (1u << 24)
#define BCAST_BELLS_MAX	  64u

/* The seq of a slot. */
#define BCAST_WRITING(idx) (2 * (uint64_t)(idx) + 1)
#define BCAST_WHOLE(idx)   (2 * (uint64_t)(idx) + 2)

struct bcast_mem {
	/* Creator, before the channel can be found. */
	uint32_t magic;
	uint32_t version;
	uint32_t msg_len;   /* bytes, multiple of 8 */
	uint32_t slots_nr;  /* power of two */
	uint32_t bells_nr;  /* readers that may sleep */
	uint32_t slot_len;  /* bytes from one slot to the next */
	uint64_t bells_off; /* of bell 0, from here */
	uint64_t data_off;  /* of slot 0, from here */
	uint64_t first_idx; /* there is no message before it */
	uint8_t reserved0[80];
	/* Writer. */
	_Atomic uint64_t tail_idx; /* [BCAST-TAIL] messages written */
	uint8_t reserved1[56];
	_Atomic uint64_t writer; /* owner.h; readers that wait look at it */
	uint8_t reserved2[56];
	/* Readers that sleep. */
	_Atomic uint64_t alarms_nr; /* [BCAST-ALARM] grows with each arming */
	uint8_t reserved3[120];
	_Atomic uint64_t sleepers[BCAST_BELLS_MAX]; /* owner.h, one per bell */
};
_Static_assert(offsetof(struct bcast_mem, bells_off) == 24, "layout");
_Static_assert(offsetof(struct bcast_mem, first_idx) == 40, "layout");
_Static_assert(offsetof(struct bcast_mem, tail_idx) == 128, "layout");
_Static_assert(offsetof(struct bcast_mem, writer) == 192, "layout");
_Static_assert(offsetof(struct bcast_mem, alarms_nr) == 256, "layout");
_Static_assert(offsetof(struct bcast_mem, sleepers) == 384, "layout");
_Static_assert(sizeof(struct bcast_mem) == 896, "layout");

struct bcast_slot {
	_Atomic uint64_t seq;	  /* [BCAST-BEGIN], [BCAST-DATA] */
	_Atomic uint64_t words[]; /* msg_len / 8 [BCAST-WORD] */
};
_Static_assert(offsetof(struct bcast_slot, words) == 8, "layout");

struct bcast_tx {
	struct bcast_mem *mem;
	uint8_t *data;
	uint64_t tail_idx; /* ours: next to write */
	uint64_t slots_nr;
	uint32_t slot_len, words_nr, bells_nr;
	uint32_t ahead_nr; /* own the slot so far ahead before it is written */
	bool taken_over;   /* from a writer that died */
	uint64_t alarms_seen; /* all bells armed before were looked at */
	struct bell_ringer bells[BCAST_BELLS_MAX];
	struct peer *peer;
	struct owner owner;
};

struct bcast_rx {
	struct bcast_mem *mem; /* only loaded from, but for the bell */
	uint8_t *data;
	uint64_t next_idx;  /* ours: next to read */
	uint64_t missed_nr; /* overwritten, not yet told */
	uint64_t slots_nr;
	uint32_t slot_len, words_nr, bells_nr;
	bool skip_to_newest; /* after a miss; may be changed by the owner */
	bool broken; /* the writer's words lied: nothing is believed again */
	bool has_bell;
	struct bell_waiter bell;
	uint32_t alarmed; /* the ticket the writer was told of */
	struct owner bell_owner;
	struct peer *peer;
	const struct region *region;
	uint32_t vector;  /* of the bell */
	uint64_t spin_ns; /* WAIT_SPIN_*; without a bell it always spins */
};

/* Where a new reader begins. */
enum bcast_from {
	BCAST_FROM_NEXT,   /* what is written from now on */
	BCAST_FROM_OLDEST, /* what is still whole */
};

/* The slot of message idx. */
static inline struct bcast_slot *bcast_slot_at(uint8_t *data, uint64_t slots_nr,
					       uint32_t slot_len, uint64_t idx)
{
	/* TRUST: an end's private geometry, checked when it was opened. */
	return (void *)(data + (idx & (slots_nr - 1)) * slot_len);
}

/* Bytes of region a channel takes; 0: something is out of range. */
uint64_t bcast_len(uint32_t msg_len, uint32_t slots_nr, uint32_t bells_nr);
/*
 * Create channel name. msg_len: 8..BCAST_MSG_LEN_MAX, multiple of 8 (of 64
 * less 8 for best speed: seq and message fill lines); slots_nr: power of two,
 * 2..BCAST_SLOTS_MAX; bells_nr: 0..BCAST_BELLS_MAX readers may sleep.
 * Errors as region_channel_create(); -SHM_ETOOSMALL: more than the region.
 */
int bcast_create(const struct region *region, const char *name,
		 uint32_t msg_len, uint32_t slots_nr, uint32_t bells_nr,
		 uint32_t creator);
/*
 * Become channel name's writer, also in place of one that is gone.
 * -SHM_EEXIST: there is one; -SHM_EPEER: the channel's numbers are
 * impossible; -SHM_EVERSION; errors of region_channel_find().
 */
int bcast_open_tx(struct bcast_tx *tx, const struct region *region,
		  const char *name, struct peer *peer);
/* Become one of its readers. Same errors but the first. */
int bcast_open_rx(struct bcast_rx *rx, const struct region *region,
		  const char *name, struct peer *peer, enum bcast_from from);
/*
 * Let this reader sleep in bcast_wait(): vector is its own, which the writer
 * rings. Writes to the channel. -SHM_EFULL: living readers have all bells.
 */
int bcast_take_bell(struct bcast_rx *rx, uint32_t vector);
/* Rings all who sleep, then gives the end up. */
void bcast_close_tx(struct bcast_tx *tx);
/* Gives the bell back, if it has one. */
void bcast_close_rx(struct bcast_rx *rx);
/*
 * Take the channel out of the directory. -SHM_EEXIST: its writer, or a reader
 * with a bell, may live. Readers without a bell leave no trace: they may find
 * what the memory is used for next, and answer -SHM_EPEER.
 */
int bcast_retire(const struct region *region, const char *name,
		 uint32_t peer_id);

/*
 * Write nr messages of msg_len bytes. 0; -SHM_EOWNER: another peer took the
 * end over; -SHM_EIO: a doorbell failed, the messages are written. Readers
 * that sleep are rung; one that falls asleep at this very moment may be
 * missed: call bcast_flush() when you pause.
 */
int bcast_write(struct bcast_tx *tx, const void *msgs, uint32_t nr);
/* Everything written will be seen. Costs a full fence. 0, or -SHM_EIO. */
int bcast_flush(struct bcast_tx *tx);

/*
 * Copy the next message out. 1: *missed messages before it were overwritten
 * before this reader came to them; 0: nothing new (or all of it is being
 * overwritten faster than it can be copied), *missed is 0 and the count is
 * kept; -SHM_EPEER. What msg holds after anything but 1 is undefined.
 * After a miss it goes on with the oldest message that is still whole, or
 * with the newest (skip_to_newest).
 */
int bcast_read(struct bcast_rx *rx, void *msg, uint64_t *missed);
/*
 * Wait until there is something to read or to miss, at most timeout_ns. 0,
 * -SHM_ETIMEDOUT, -SHM_EPEER, -SHM_EIO, -SHM_EGONE: the writer is dead and
 * nothing is left, -SHM_EOWNER: the bell is somebody else's now.
 */
int bcast_wait(struct bcast_rx *rx, uint64_t timeout_ns);

/*
 * What an onlooker may know of a channel; it changes while you look. There is
 * no count of what was read: readers leave no trace.
 */
struct bcast_view {
	uint64_t tail_idx, first_idx; /* first <= tail: written, and since */
	uint32_t slots_nr, msg_len;
	uint32_t bells_nr;    /* readers that may sleep, */
	uint32_t sleepers_nr; /* and those that have a bell and may live */
	bool writer_lives;    /* there is one, and it is not known dead */
	char name[REGION_NAME_LEN];
};
/* Look at the channel in a directory slot: as spsc_watch(). */
int bcast_watch(const struct region *region, uint32_t slot,
		struct bcast_view *view);

#endif
