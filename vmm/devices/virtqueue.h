/* SPDX-License-Identifier: MIT */
/*
 * virtqueue.h - the device's side of a split virtqueue.
 *
 * Takes descriptor chains out of guest memory as lists of host pointers and
 * gives them back, in any order. Every layout the specification allows:
 * chains, indirect tables, both alone or one after the other, event indices.
 * The packed layout is a feature of its own, which no device here offers.
 *
 * Threads: one at a time, the one that serves the queue (the loop).
 * Trust:   all three parts are guest memory and may change at any moment.
 *          Each field is read once; indices, sizes and what is out are kept
 *          here. A queue that breaks a rule stays broken: take() says how, and
 *          nothing of it is used any more.
 * Source:  VIRTIO 1.2, 2.6 and 2.7.
 */
#ifndef VMM_DEVICES_VIRTQUEUE_H
#define VMM_DEVICES_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shm/virtio.h"
#include "vmm/core/memory.h"

/* The largest queue, and (2.7.5.3.1) the longest chain: also in a smaller
 * queue, as Linux makes them in indirect tables. */
#define VIRTQUEUE_LEN_MAX 256u

/* What the driver configured. */
struct virtqueue_place {
	uint16_t len;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint64_t features; /* negotiated; INDIRECT_DESC and EVENT_IDX count */
};

struct virtqueue {
	const struct memory *memory;
	const char *fault; /* which rule was broken; NULL: none */
	uint16_t len;	   /* 0: not started */
	bool has_indirect, has_event_idx;
	const uint8_t *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	uint16_t avail_idx; /* the next to take */
	uint16_t used_idx;  /* the next to give */
	uint16_t told_idx;  /* used_idx at the last wants_interrupt() */
	uint64_t out[VIRTQUEUE_LEN_MAX / 64]; /* heads taken, not given back */
};

/* One chain: first what the device reads, then what it writes (2.7.4.2). */
struct virtqueue_chain {
	uint16_t head;
	uint32_t read_nr, write_nr;   /* pieces; none is empty */
	uint32_t read_len, write_len; /* bytes */
	struct iovec iov[VIRTQUEUE_LEN_MAX];
};

/* A queue that is not there: struct virtqueue q = { 0 }. */

/*
 * Begin with an empty queue at place. -EINVAL: the length is no power of two
 * up to VIRTQUEUE_LEN_MAX, or a part is not aligned; -EFAULT: a part is not in
 * RAM. In both cases fault says which.
 */
int virtqueue_start(struct virtqueue *queue, const struct memory *memory,
		    const struct virtqueue_place *place);
/* Nothing of guest memory is touched any more. */
void virtqueue_stop(struct virtqueue *queue);

/*
 * The next chain. 1: there is one, 0: none; -EPROTO: the driver broke a rule,
 * -EFAULT: it named memory that is none. The last two are for ever.
 */
int virtqueue_take(struct virtqueue *queue, struct virtqueue_chain *chain);
/*
 * head's chain goes back, with len bytes written to it. Taken, given once.
 * Does nothing on a queue that is stopped or broken.
 */
void virtqueue_give(struct virtqueue *queue, uint16_t head, uint32_t len);
/* Does the driver want to be told of what was given since the last call? */
bool virtqueue_wants_interrupt(struct virtqueue *queue);

/* While the queue is being emptied the driver need not say that more came. */
void virtqueue_kicks_off(struct virtqueue *queue);
/* From here on it does. True: something came before it could know. */
bool virtqueue_kicks_on(struct virtqueue *queue);

#endif
