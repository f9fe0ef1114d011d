/* SPDX-License-Identifier: MIT */
/*
 * virtio_regs.h - the common configuration of a virtio device: what a driver
 * writes there, and what a device may believe of it.
 *
 * A register file without a transport and without a device behind it.
 *
 * Threads: whoever holds the lock of its owner (virtio_pci.h).
 * Trust:   any offset, width and value. A write that the specification
 *          forbids changes nothing.
 * Source:  VIRTIO 1.2, 2.1, 2.2, 4.1.4.3 (the "driver MUST" there are what
 *          is checked here).
 */
#ifndef VMM_DEVICES_VIRTIO_REGS_H
#define VMM_DEVICES_VIRTIO_REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/virtio.h"

#define VIRTIO_QUEUES_MAX 8u

struct virtio_queue_regs {
	uint16_t len; /* a power of two up to what is offered */
	uint16_t vector;
	bool enabled;
	uint64_t desc_gpa, avail_gpa, used_gpa;
};

struct virtio_regs {
	/* --- fixed --- */
	uint64_t offered; /* features */
	uint32_t queues_nr, vectors_nr;
	uint16_t queue_len;

	/* --- the driver's --- */
	uint8_t status;
	bool reset_wanted; /* and not done: status reads as before */
	uint64_t features; /* settled with FEATURES_OK */
	uint32_t device_select, driver_select;
	uint16_t config_vector, queue_select;
	struct virtio_queue_regs queues[VIRTIO_QUEUES_MAX];
};

/* The fixed part is filled in; the rest becomes as after a reset. */
void virtio_regs_reset(struct virtio_regs *regs);

/* len bytes at off; what is no register reads 0. */
uint64_t virtio_regs_read(const struct virtio_regs *regs, uint64_t off,
			  uint32_t len);
/*
 * True: the device has to look, since the driver said DRIVER_OK or, after
 * that, wants a reset. Before, nobody is using anything and a reset is done
 * at once.
 */
bool virtio_regs_write(struct virtio_regs *regs, uint64_t off, uint32_t len,
		       uint64_t value);

#endif
