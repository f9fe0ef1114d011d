/* SPDX-License-Identifier: MIT */
/*
 * msix.h - an MSI-X table whose interrupts come from eventfds, by irqfd.
 *
 * Each vector may have a source eventfd. While MSI-X is enabled and the vector
 * unmasked, the eventfd is bound to the vector's MSI inside KVM and no
 * monitor code runs per interrupt. Otherwise events stay in the eventfd: they
 * show as pending bits and are delivered on enable, as in QEMU's irqfd path.
 *
 * Threads: machine lock. Trust: table and control words come from the guest.
 * Source:  PCI 3.0, 6.8.2 (structures), 6.8.3.3/4 (masking, pending).
 */
#ifndef VMM_DEVICES_MSIX_H
#define VMM_DEVICES_MSIX_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/kvm.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/pci.h"

#define MSIX_VECTORS_MAX 64

struct msix_vector {
	uint32_t entry[4]; /* addr lo, addr hi, data, control */
	int efd;	   /* -1: no source yet; not owned */
	int gsi;	   /* -1: none allocated */
	bool bound;	   /* irqfd in place */
};

struct msix {
	struct kvm_vm *kvm;
	struct pci_dev *dev;
	uint32_t vectors_nr;
	int cap; /* offset of the capability */
	bool enabled, mask_all;
	struct msix_vector vectors[MSIX_VECTORS_MAX];
};

/*
 * Add the capability and BAR bar (4096 bytes, 32-bit memory: table at 0, PBA
 * at 0x800) to dev. vectors_nr 1..MSIX_VECTORS_MAX, else -EINVAL.
 */
int msix_init(struct msix *msix, struct kvm_vm *kvm, struct pci_dev *dev,
	      int bar, uint32_t vectors_nr);
/* Unbinds all, frees GSIs. The eventfds stay with their owner. */
void msix_destroy(struct msix *msix);

/*
 * Where vector's interrupts come from; efd -1 takes the source away. The
 * eventfd is non-blocking and outlives the binding. -EINVAL: no such vector.
 */
int msix_set_source(struct msix *msix, uint32_t vector, int efd);

/* The BAR's bus handler; arg is the struct msix. */
bus_fn msix_bar_access;
/* From the device's config_written. */
void msix_config_written(struct msix *msix);
/* Table all masked, MSI-X off. */
void msix_reset(struct msix *msix);

#endif
