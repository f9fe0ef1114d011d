/* SPDX-License-Identifier: MIT */
/*
 * pci.h - one PCI bus: configuration mechanism 1, type-0 headers, BARs that
 * size and move, capabilities.
 *
 * A device fills its configuration space at creation (pci_dev_init and
 * friends) and gets told when a BAR begins or stops to decode. Everything a
 * guest may change in configuration space is decided by the per-byte write
 * mask here, so no device sees a config access it did not ask for.
 *
 * Threads: machine lock. Trust: every value comes from the guest.
 * Source:  PCI Local Bus Specification 3.0, chapter 6; 3.2.2.3.2.
 */
#ifndef VMM_DEVICES_PCI_H
#define VMM_DEVICES_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/pci.h"
#include "vmm/devices/bus.h"

struct pci_dev;

/* What a device does when the guest touches it. Any may be NULL. */
struct pci_dev_ops {
	/* BAR n begins to decode at gpa, or stops. An error is logged by the
	 * device; the BAR then reads as mapped but decodes nothing, until the
	 * next write to the command or a BAR register tries again. bar_unmap
	 * follows only what was mapped. */
	int (*bar_map)(struct pci_dev *dev, int bar, uint64_t gpa);
	void (*bar_unmap)(struct pci_dev *dev, int bar, uint64_t gpa);
	/* Configuration bytes [reg, reg+len) are about to be read: what has to
	 * be made up is put there now. */
	void (*config_reading)(struct pci_dev *dev, uint32_t reg, uint32_t len);
	/* Configuration bytes [reg, reg+len) were written (after masking). */
	void (*config_written)(struct pci_dev *dev, uint32_t reg, uint32_t len);
};

struct pci_bar {
	uint64_t len;	/* 0: not implemented; power of two >= 16 */
	uint32_t flags; /* PCI_BAR_* */
	bool mapped;
	uint64_t gpa; /* valid while mapped */
};

struct pci_dev {
	const char *name;
	const struct pci_dev_ops *ops;
	void *arg; /* the device's own */
	uint8_t config[PCI_CONFIG_LEN];
	uint8_t write_mask[PCI_CONFIG_LEN]; /* 1: the guest may change it */
	struct pci_bar bars[PCI_BARS_NR];
	uint8_t cap_next; /* where the next capability goes */
	uint8_t cap_tail; /* last capability, 0: none */
};

struct pci_id {
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code; /* 24 bits */
	uint8_t revision;
};

/* Type-0 header, command writable (IO, MEMORY, MASTER, INTx disable). */
void pci_dev_init(struct pci_dev *dev, const char *name,
		  const struct pci_id *id, const struct pci_dev_ops *ops,
		  void *arg);
/*
 * BAR n: len a power of two >= 16 (and >= 4096 to be a memory slot); a
 * PCI_BAR_TYPE_64 BAR takes n+1 too. -EINVAL otherwise.
 */
int pci_dev_add_bar(struct pci_dev *dev, int bar, uint64_t len, uint32_t flags);
/*
 * Room for a capability of len bytes, chained; its first byte is id. Returns
 * its offset (first one: 0x40), or -ENOSPC.
 */
int pci_dev_add_cap(struct pci_dev *dev, uint8_t id, uint8_t len);

/* Little-endian access to config[]; reg + width stays inside. */
void pci_config_put16(struct pci_dev *dev, uint32_t reg, uint16_t value);
void pci_config_put32(struct pci_dev *dev, uint32_t reg, uint32_t value);
uint16_t pci_config_get16(const struct pci_dev *dev, uint32_t reg);
uint32_t pci_config_get32(const struct pci_dev *dev, uint32_t reg);

/*
 * As the guest does it, after the host bridge found the device: any reg in
 * 0..255, len 1, 2 or 4. Bytes past 255 read as ones and are not written.
 */
uint32_t pci_config_read(struct pci_dev *dev, uint32_t reg, uint32_t len);
void pci_config_write(struct pci_dev *dev, uint32_t reg, uint32_t len,
		      uint32_t value);

/* Back to power-on: BARs unmapped and 0, command 0. */
void pci_dev_reset(struct pci_dev *dev);

/* Bus 0, function 0 of each slot. */
struct pci_bus {
	uint32_t address; /* the 0xcf8 latch */
	struct pci_dev *slots[PCI_SLOTS_NR];
};

/* Claim ports 0xcf8..0xcff on ports. */
int pci_bus_init(struct pci_bus *pci, struct bus *ports);

#endif
