/* SPDX-License-Identifier: MIT */
/*
 * pci.h - PCI configuration space as device models and drivers share it.
 *
 * Source: PCI Local Bus Specification 3.0, 3.2.2.3.2 (configuration
 * mechanism 1), chapter 6 (header), 6.8.2 (MSI-X). linux/pci_regs.h says the
 * same, but is not there for freestanding code.
 */
#ifndef SHM_PCI_H
#define SHM_PCI_H

#include <stdint.h>

/* Configuration mechanism 1. */
#define PCI_PORT_ADDRESS   0xcf8
#define PCI_PORT_DATA	   0xcfc
#define PCI_ADDRESS_ENABLE 0x80000000u
#define PCI_ADDRESS(bus, slot, func, reg)                                      \
	(PCI_ADDRESS_ENABLE | (uint32_t)(bus) << 16 | (uint32_t)(slot) << 11 | \
	 (uint32_t)(func) << 8 | ((reg)&0xfc))
#define PCI_SLOTS_NR   32
#define PCI_CONFIG_LEN 256

/* Type 0 header. */
#define PCI_REG_VENDOR	     0x00
#define PCI_REG_DEVICE	     0x02
#define PCI_REG_COMMAND	     0x04
#define PCI_REG_STATUS	     0x06
#define PCI_REG_REVISION     0x08
#define PCI_REG_CLASS_PROG   0x09
#define PCI_REG_CLASS	     0x0a
#define PCI_REG_CACHE_LINE   0x0c
#define PCI_REG_LATENCY	     0x0d
#define PCI_REG_HEADER_TYPE  0x0e
#define PCI_REG_BAR(n)	     (0x10 + 4 * (n))
#define PCI_REG_SUBVENDOR    0x2c
#define PCI_REG_SUBDEVICE    0x2e
#define PCI_REG_ROM	     0x30
#define PCI_REG_CAPABILITIES 0x34
#define PCI_REG_IRQ_LINE     0x3c
#define PCI_REG_IRQ_PIN	     0x3d

#define PCI_COMMAND_IO		 0x0001
#define PCI_COMMAND_MEMORY	 0x0002
#define PCI_COMMAND_MASTER	 0x0004
#define PCI_COMMAND_INTX_DISABLE 0x0400
#define PCI_STATUS_CAPABILITIES	 0x0010

#define PCI_BARS_NR	     6
#define PCI_BAR_IO	     0x1u
#define PCI_BAR_TYPE_64	     0x4u
#define PCI_BAR_PREFETCHABLE 0x8u
#define PCI_BAR_FLAGS_MASK   0xfu /* memory BARs */

/* MSI-X capability and table. */
#define PCI_CAP_ID_MSIX		0x11
#define PCI_MSIX_CAP_LEN	12
#define PCI_MSIX_CTL		2 /* offset from the capability */
#define PCI_MSIX_TABLE		4
#define PCI_MSIX_PBA		8
#define PCI_MSIX_CTL_ENABLE	0x8000
#define PCI_MSIX_CTL_MASK_ALL	0x4000
#define PCI_MSIX_CTL_SIZE_MASK	0x07ff /* table entries - 1 */
#define PCI_MSIX_BIR_MASK	0x7u
#define PCI_MSIX_ENTRY_LEN	16
#define PCI_MSIX_ENTRY_ADDR_LO	0
#define PCI_MSIX_ENTRY_ADDR_HI	4
#define PCI_MSIX_ENTRY_DATA	8
#define PCI_MSIX_ENTRY_CTL	12
#define PCI_MSIX_ENTRY_CTL_MASK 0x1u

#endif
