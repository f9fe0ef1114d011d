/* SPDX-License-Identifier: MIT */
/*
 * virtio_9p.h - a bare guest's way to a 9P server: requests into the queue of
 * a virtio 9P device, replies out of it, several at a time.
 *
 * A request goes with one store that the kernel turns into an eventfd; a
 * wait spins a little on the queue and then sleeps until an MSI-X interrupt.
 * Both are left out while the device is at it anyway (event indices).
 *
 * Threads: vCPU 0.
 * Trust:   the device is the monitor's and is believed.
 * Source:  VIRTIO 1.2, 3.1.1 (initialization), 2.7, 4.1.
 */
#ifndef GUESTS_DRIVER_VIRTIO_9P_H
#define GUESTS_DRIVER_VIRTIO_9P_H

#include <stdint.h>

#include "shm/bare_abi.h"
#include "shm/virtio.h"

#define VIRTIO_9P_QUEUE_LEN 64u
#define VIRTIO_9P_PIECES    4u /* of memory, in one request */
#define VIRTIO_9P_SLOTS	    (VIRTIO_9P_QUEUE_LEN / VIRTIO_9P_PIECES)

struct virtio_9p_rings {
	_Alignas(16) struct virtq_desc desc[VIRTIO_9P_QUEUE_LEN];
	/* The rings as bytes: they end in arrays of no length. */
	_Alignas(4) uint8_t avail[VIRTQ_AVAIL_LEN(VIRTIO_9P_QUEUE_LEN)];
	_Alignas(4) uint8_t used[VIRTQ_USED_LEN(VIRTIO_9P_QUEUE_LEN)];
};

struct virtio_9p {
	volatile uint8_t *common;    /* registers */
	volatile uint16_t *doorbell; /* the queue's */
	uint32_t vector;	     /* where its interrupt arrives */
	uint32_t irqs_seen;
	uint16_t avail_idx, used_idx;
	struct virtio_9p_rings rings; /* the device's from open on */
	struct bare_counters counters;
};

/* One piece of a request or of the room for its reply; len 0: none. */
struct virtio_9p_piece {
	void *at;
	uint32_t len;
};

/*
 * Find the device whose mount tag is tag, give it addresses, start it.
 * -SHM_ENOENT: no such device; -SHM_EFULL: no address space for it;
 * -SHM_EVERSION: it does not offer what we need. virtio stays where it is
 * from then on: the device knows its address.
 */
int virtio_9p_open(struct virtio_9p *virtio, const char *tag);
/* Reset: nothing of guest memory is the device's any more. */
void virtio_9p_close(struct virtio_9p *virtio);

/*
 * Send a request in slot, which is free: the message is in[0] and in[1], its
 * reply comes into out[0], then out[1]. All that is the device's until the
 * slot comes back.
 */
void virtio_9p_send(struct virtio_9p *virtio, uint32_t slot,
		    const struct virtio_9p_piece in[2],
		    const struct virtio_9p_piece out[2]);
/*
 * Wait for any reply: its slot and length. -SHM_ETIMEDOUT; -SHM_EIO: the
 * device needs a reset, since we broke a rule, or the server did.
 */
int virtio_9p_receive(struct virtio_9p *virtio, uint64_t timeout_ns,
		      uint32_t *slot, uint32_t *len);

#endif
