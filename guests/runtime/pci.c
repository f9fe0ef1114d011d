/* SPDX-License-Identifier: MIT */
/* pci.c - which devices are there, and where do their BARs go? */
#include "guests/runtime/pci.h"

#include <stdbool.h>

#include "guests/runtime/ports.h"
#include "shm/err.h"
#include "shm/memory_map.h"

#define CAPS_MAX 48 /* a list longer than the space for it is a loop */

static uint64_t next_pci32_gpa = MAP_PCI32_GPA;
static uint64_t next_pci64_gpa = MAP_PCI64_GPA;

uint32_t pci_read(const struct pci_found *dev, uint32_t reg, uint32_t len)
{
	uint16_t port = (uint16_t)(PCI_PORT_DATA + (reg & 3));

	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, dev->slot, 0, reg));
	if (len == 1)
		return port_in8(port);
	return len == 2 ? port_in16(port) : port_in32(port);
}

void pci_write(const struct pci_found *dev, uint32_t reg, uint32_t len,
	       uint32_t value)
{
	uint16_t port = (uint16_t)(PCI_PORT_DATA + (reg & 3));

	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, dev->slot, 0, reg));
	if (len == 1)
		port_out8(port, (uint8_t)value);
	else if (len == 2)
		port_out16(port, (uint16_t)value);
	else
		port_out32(port, value);
}

int pci_find(uint16_t vendor, uint16_t device, uint32_t nth,
	     struct pci_found *dev)
{
	const uint32_t id = (uint32_t)device << 16 | vendor;

	for (dev->slot = 0; dev->slot < PCI_SLOTS_NR; dev->slot++)
		if (pci_read(dev, PCI_REG_VENDOR, 4) == id && nth-- == 0)
			return 0;
	return -SHM_ENOENT;
}

uint32_t pci_find_cap(const struct pci_found *dev, uint8_t id)
{
	uint32_t at;

	if (!(pci_read(dev, PCI_REG_STATUS, 2) & PCI_STATUS_CAPABILITIES))
		return 0;
	at = pci_read(dev, PCI_REG_CAPABILITIES, 1) & ~3u;
	for (int i = 0; at && i < CAPS_MAX; i++) {
		if (pci_read(dev, at, 1) == id)
			return at;
		at = pci_read(dev, at + 1, 1) & ~3u;
	}
	return 0;
}

static uint64_t bar_read(const struct pci_found *dev, uint32_t bar, bool is_64)
{
	uint64_t value = pci_read(dev, PCI_REG_BAR(bar), 4);

	if (is_64)
		value |= (uint64_t)pci_read(dev, PCI_REG_BAR(bar + 1), 4) << 32;
	return value & ~(uint64_t)PCI_BAR_FLAGS_MASK;
}

static void bar_write(const struct pci_found *dev, uint32_t bar, bool is_64,
		      uint64_t value)
{
	pci_write(dev, PCI_REG_BAR(bar), 4, (uint32_t)value);
	if (is_64)
		pci_write(dev, PCI_REG_BAR(bar + 1), 4,
			  (uint32_t)(value >> 32));
}

int pci_assign_bar(const struct pci_found *dev, uint32_t bar, uint64_t *gpa,
		   uint64_t *len)
{
	uint32_t flags = pci_read(dev, PCI_REG_BAR(bar), 4) &
			 PCI_BAR_FLAGS_MASK;
	bool is_64 = flags & PCI_BAR_TYPE_64;
	uint64_t *next = is_64 ? &next_pci64_gpa : &next_pci32_gpa;
	uint64_t end = is_64 ? MAP_PCI64_END : MAP_PCI32_END;
	uint64_t mask;

	*gpa = bar_read(dev, bar, is_64);
	/* Ones stick where the size does not reach (PCI 3.0, 6.2.5.1). */
	bar_write(dev, bar, is_64, UINT64_MAX);
	mask = bar_read(dev, bar, is_64);
	if (!is_64)
		mask |= mask ? 0xffffffff00000000ull : 0;
	*len = mask ? ~mask + 1 : 0;
	if (*len && !*gpa) {
		*gpa = (*next + *len - 1) & ~(*len - 1);
		if (*gpa > end || *len > end - *gpa)
			return -SHM_EFULL;
		*next = *gpa + *len;
	}
	bar_write(dev, bar, is_64, *gpa);
	return 0;
}
