/* SPDX-License-Identifier: MIT */
/*
 * virtio_pci.h - the modern PCI transport: capabilities, BARs, doorbells and
 * interrupts of a virtio device, whatever it does.
 *
 * BAR0 holds common configuration, ISR status, device configuration and
 * notifications, a page each; BAR1 is MSI-X. A notification is an ioeventfd:
 * it wakes the loop thread and no vCPU leaves the guest for the monitor. An
 * interrupt is an irqfd.
 *
 * Two threads meet here. A vCPU changes registers; the device's work is the
 * loop's, which is woken by one descriptor, looks at what the driver set up
 * (virtio_pci_look()) and does the rest without any lock. So a reset is a wish
 * of the driver's that the loop fulfils: until then the status register shows
 * the old value, and drivers wait for 0 (4.1.4.3.2).
 *
 * Threads: create and destroy, and the PCI side: machine lock. The functions
 *          marked [loop]: the loop thread only. In between stands a lock of
 *          its own, held for a few loads and stores, taken after the machine
 *          lock and with nothing below it.
 * Trust:   every register access comes from the guest.
 * Source:  VIRTIO 1.2, 4.1. There is no INTx, so a driver that does without
 *          MSI-X has to poll the ISR status; and no legacy interface.
 */
#ifndef VMM_DEVICES_VIRTIO_PCI_H
#define VMM_DEVICES_VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/kvm.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/pci.h"
#include "vmm/devices/virtio_regs.h"

#define VIRTIO_PCI_BAR	    0
#define VIRTIO_PCI_BAR_MSIX 1
/* Where things are in BAR0; each has a page of it. */
#define VIRTIO_PCI_COMMON_OFF 0x0000u
#define VIRTIO_PCI_ISR_OFF    0x1000u
#define VIRTIO_PCI_DEVICE_OFF 0x2000u
#define VIRTIO_PCI_NOTIFY_OFF 0x3000u
#define VIRTIO_PCI_BAR_LEN    0x4000u
/* Bytes from one queue's doorbell to the next. */
#define VIRTIO_PCI_NOTIFY_STEP 4u

struct virtio_pci;

struct virtio_pci_opts {
	struct kvm_vm *kvm;
	struct bus *mmio;
	const char *name;    /* for messages; outlives the device */
	uint16_t id;	     /* virtio's, e.g. VIRTIO_ID_9P */
	uint32_t class_code; /* 24 bits */
	uint64_t features;   /* beside VIRTIO_F_VERSION_1 */
	uint32_t queues_nr;  /* 1..VIRTIO_QUEUES_MAX */
	uint16_t queue_len;  /* largest, a power of two */
	const void *config;  /* device configuration, read-only; copied */
	uint32_t config_len; /* 1..4096 */
};

/* -EINVAL, -ENOMEM, -EMFILE. */
int virtio_pci_create(struct virtio_pci **out,
		      const struct virtio_pci_opts *opts);
/* NULL is fine. The loop no longer looks. */
void virtio_pci_destroy(struct virtio_pci *virtio);

/* To be put into a pci_bus slot; valid until destroy. */
struct pci_dev *virtio_pci_dev(struct virtio_pci *virtio);

/* Readable when there is something to look at; non-blocking. */
int virtio_pci_kick_fd(const struct virtio_pci *virtio);

/* What the driver wants. */
struct virtio_pci_setup {
	bool reset; /* forget all, then virtio_pci_reset_done() */
	bool live;  /* DRIVER_OK, and not broken: queues are to be served */
	uint64_t features;
	struct virtio_queue_regs queues[VIRTIO_QUEUES_MAX];
};

/* [loop] Take the kick, then look. */
void virtio_pci_look(struct virtio_pci *virtio, struct virtio_pci_setup *setup);
/* [loop] Stores to doorbells so far, as of the last look; each is an exit. */
uint64_t virtio_pci_doorbells(const struct virtio_pci *virtio);
/* [loop] Kick the loop itself: there is more to do than it likes at once. */
void virtio_pci_again(struct virtio_pci *virtio);
/* [loop] No guest memory is in use any more: status becomes 0. */
void virtio_pci_reset_done(struct virtio_pci *virtio);
/* [loop] Used buffers of queue are to be looked at. */
void virtio_pci_interrupt(struct virtio_pci *virtio, uint32_t queue);
/* [loop] The driver broke the rules: DEVICE_NEEDS_RESET (2.1.2). */
void virtio_pci_broken(struct virtio_pci *virtio);

#endif
