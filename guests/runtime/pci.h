/* SPDX-License-Identifier: MIT */
/*
 * pci.h - find PCI devices and give their BARs addresses, as firmware would:
 * a bare guest has none.
 *
 * Threads: vCPU 0 only. Source: shm/pci.h.
 */
#ifndef GUESTS_RUNTIME_PCI_H
#define GUESTS_RUNTIME_PCI_H

#include <stdint.h>

#include "shm/pci.h"

struct pci_found {
	uint32_t slot; /* bus 0, function 0 */
};

uint32_t pci_read(const struct pci_found *dev, uint32_t reg, uint32_t len);
void pci_write(const struct pci_found *dev, uint32_t reg, uint32_t len,
	       uint32_t value);

/* The nth (from 0) device with that id. 0, or -SHM_ENOENT. */
int pci_find(uint16_t vendor, uint16_t device, uint32_t nth,
	     struct pci_found *dev);
/* Offset of the first capability with that id, 0: none. */
uint32_t pci_find_cap(const struct pci_found *dev, uint8_t id);
/*
 * Size BAR bar; if it has no address yet, give it one from the window of its
 * kind (shm/memory_map.h). Memory decode must be off. *len 0: not
 * implemented. 0, or -SHM_EFULL: no room in the window.
 */
int pci_assign_bar(const struct pci_found *dev, uint32_t bar, uint64_t *gpa,
		   uint64_t *len);

#endif
