/* SPDX-License-Identifier: MIT */
/* pci.c - what does a guest find and change in PCI configuration space? */
#include "vmm/devices/pci.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* No x86 processor has more physical address bits (Intel SDM vol. 3, 4.1.4). */
#define GPA_END (1ull << 52)

#define CAPS_START 0x40u /* the type-0 header ends here */
#define BARS_END   PCI_REG_BAR(PCI_BARS_NR)

void pci_config_put16(struct pci_dev *dev, uint32_t reg, uint16_t value)
{
	dev->config[reg] = (uint8_t)value;
	dev->config[reg + 1] = (uint8_t)(value >> 8);
}

void pci_config_put32(struct pci_dev *dev, uint32_t reg, uint32_t value)
{
	pci_config_put16(dev, reg, (uint16_t)value);
	pci_config_put16(dev, reg + 2, (uint16_t)(value >> 16));
}

uint16_t pci_config_get16(const struct pci_dev *dev, uint32_t reg)
{
	return (uint16_t)(dev->config[reg] | dev->config[reg + 1] << 8);
}

uint32_t pci_config_get32(const struct pci_dev *dev, uint32_t reg)
{
	return pci_config_get16(dev, reg) |
	       (uint32_t)pci_config_get16(dev, reg + 2) << 16;
}

static void mask_put32(struct pci_dev *dev, uint32_t reg, uint32_t mask)
{
	for (uint32_t i = 0; i < 4; i++)
		dev->write_mask[reg + i] = (uint8_t)(mask >> (8 * i));
}

void pci_dev_init(struct pci_dev *dev, const char *name,
		  const struct pci_id *id, const struct pci_dev_ops *ops,
		  void *arg)
{
	const uint16_t command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
				 PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;

	*dev = (struct pci_dev){
		.name = name, .ops = ops, .arg = arg, .cap_next = CAPS_START
	};
	pci_config_put16(dev, PCI_REG_VENDOR, id->vendor);
	pci_config_put16(dev, PCI_REG_DEVICE, id->device);
	pci_config_put16(dev, PCI_REG_SUBVENDOR, id->subvendor);
	pci_config_put16(dev, PCI_REG_SUBDEVICE, id->subdevice);
	pci_config_put32(dev, PCI_REG_REVISION,
			 id->class_code << 8 | id->revision);

	dev->write_mask[PCI_REG_COMMAND] = (uint8_t)command;
	dev->write_mask[PCI_REG_COMMAND + 1] = command >> 8;
	/* Scratch bytes for the guest's software; they mean nothing to us. */
	dev->write_mask[PCI_REG_CACHE_LINE] = 0xff;
	dev->write_mask[PCI_REG_IRQ_LINE] = 0xff;
}

/* BAR registers [bar, bar + nr) exist and belong to no other BAR. */
static bool bars_free(const struct pci_dev *dev, int bar, int nr)
{
	if (bar < 0 || bar + nr > PCI_BARS_NR)
		return false;
	if (bar && dev->bars[bar - 1].len &&
	    dev->bars[bar - 1].flags & PCI_BAR_TYPE_64)
		return false;
	for (int i = bar; i < bar + nr; i++)
		if (dev->bars[i].len)
			return false;
	return true;
}

int pci_dev_add_bar(struct pci_dev *dev, int bar, uint64_t len, uint32_t flags)
{
	bool is_64 = flags & PCI_BAR_TYPE_64;
	uint64_t len_max = is_64 ? GPA_END / 2 : 1ull << 31;

	if (flags & ~(PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE))
		return -EINVAL;
	if (len < 16 || len > len_max || (len & (len - 1)))
		return -EINVAL;
	if (!bars_free(dev, bar, is_64 ? 2 : 1))
		return -EINVAL;

	dev->bars[bar] = (struct pci_bar){ .len = len, .flags = flags };
	/* Writing ones and reading back the zeros is how guests size it. */
	pci_config_put32(dev, PCI_REG_BAR(bar), flags);
	mask_put32(dev, PCI_REG_BAR(bar), (uint32_t) ~(len - 1));
	if (is_64)
		mask_put32(dev, PCI_REG_BAR(bar + 1),
			   (uint32_t)(~(len - 1) >> 32));
	return 0;
}

int pci_dev_add_cap(struct pci_dev *dev, uint8_t id, uint8_t len)
{
	uint32_t off = dev->cap_next;

	assert(len >= 2); /* id and next */
	/* cap_next wraps to 0 when the last byte is taken. */
	if (off < CAPS_START || off + len > PCI_CONFIG_LEN)
		return -ENOSPC;

	dev->config[off] = id;
	dev->config[off + 1] = 0;
	dev->config[dev->cap_tail ? dev->cap_tail + 1u : PCI_REG_CAPABILITIES] =
		(uint8_t)off;
	dev->config[PCI_REG_STATUS] |= PCI_STATUS_CAPABILITIES;
	dev->cap_tail = (uint8_t)off;
	dev->cap_next = (uint8_t)((off + len + 3) & ~3u);
	return (int)off;
}

/* Where the guest wants the BAR to decode now, 0: nowhere. */
static uint64_t bar_wanted(const struct pci_dev *dev, int bar)
{
	const struct pci_bar *b = &dev->bars[bar];
	uint64_t gpa, end;

	if (!(pci_config_get16(dev, PCI_REG_COMMAND) & PCI_COMMAND_MEMORY))
		return 0;
	gpa = pci_config_get32(dev, PCI_REG_BAR(bar)) & ~PCI_BAR_FLAGS_MASK;
	/*
	 * One byte less than 4 GiB: the value with all ones, which a guest
	 * writes to learn the size, must not decode.
	 */
	end = UINT32_MAX;
	if (b->flags & PCI_BAR_TYPE_64) {
		gpa |= (uint64_t)pci_config_get32(dev, PCI_REG_BAR(bar + 1))
		       << 32;
		end = GPA_END;
	}
	return gpa <= end - b->len ? gpa : 0;
}

static void bar_unmap(struct pci_dev *dev, int bar)
{
	struct pci_bar *b = &dev->bars[bar];

	if (!b->mapped)
		return;
	b->mapped = false;
	if (dev->ops->bar_unmap)
		dev->ops->bar_unmap(dev, bar, b->gpa);
}

static void bar_map(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct pci_bar *b = &dev->bars[bar];

	if (b->mapped || !gpa)
		return;
	if (dev->ops->bar_map && dev->ops->bar_map(dev, bar, gpa))
		return;
	b->mapped = true;
	b->gpa = gpa;
}

/*
 * All that must go goes first, so that BARs may swap places. A BAR that found
 * no room stays wanted and is tried again with every later call: half of a
 * 64-bit address is often an impossible one.
 */
static void bars_update(struct pci_dev *dev)
{
	for (int i = 0; i < PCI_BARS_NR; i++)
		if (dev->bars[i].mapped &&
		    dev->bars[i].gpa != bar_wanted(dev, i))
			bar_unmap(dev, i);
	for (int i = 0; i < PCI_BARS_NR; i++)
		if (dev->bars[i].len)
			bar_map(dev, i, bar_wanted(dev, i));
}

uint32_t pci_config_read(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	uint32_t value = 0;

	if (dev->ops->config_reading)
		dev->ops->config_reading(dev, reg, len);
	for (uint32_t i = 0; i < len && i < 4; i++) {
		uint64_t at = (uint64_t)reg + i;
		uint8_t byte = at < PCI_CONFIG_LEN ? dev->config[at] : 0xff;

		value |= (uint32_t)byte << (8 * i);
	}
	return value;
}

static bool touches(uint64_t reg, uint64_t len, uint64_t start, uint64_t end)
{
	return reg < end && reg + len > start;
}

void pci_config_write(struct pci_dev *dev, uint32_t reg, uint32_t len,
		      uint32_t value)
{
	for (uint32_t i = 0; i < len && i < 4; i++) {
		uint64_t at = (uint64_t)reg + i;
		uint8_t mask, byte = (uint8_t)(value >> (8 * i));

		if (at >= PCI_CONFIG_LEN)
			break;
		mask = dev->write_mask[at];
		dev->config[at] = (uint8_t)((dev->config[at] & ~mask) |
					    (byte & mask));
	}
	if (touches(reg, len, PCI_REG_COMMAND, PCI_REG_STATUS) ||
	    touches(reg, len, PCI_REG_BAR(0), BARS_END))
		bars_update(dev);
	if (dev->ops->config_written)
		dev->ops->config_written(dev, reg, len);
}

void pci_dev_reset(struct pci_dev *dev)
{
	for (int i = 0; i < PCI_BARS_NR; i++)
		bar_unmap(dev, i);
	/* Every bit a guest may change is 0 at power-on. */
	for (int i = 0; i < PCI_CONFIG_LEN; i++)
		dev->config[i] &= (uint8_t)~dev->write_mask[i];
}

/* Nobody at the latched address: the bus reads all ones. */
static struct pci_dev *addressed(const struct pci_bus *pci)
{
	uint32_t bus = pci->address >> 16 & 0xff;
	uint32_t func = pci->address >> 8 & 0x7;

	if (!(pci->address & PCI_ADDRESS_ENABLE) || bus || func)
		return NULL;
	return pci->slots[pci->address >> 11 & (PCI_SLOTS_NR - 1)];
}

static enum bus_result data_access(struct pci_bus *pci,
				   struct bus_access *access, uint32_t lane)
{
	struct pci_dev *dev = addressed(pci);
	uint32_t reg = (pci->address & 0xfc) + lane;

	if (!dev)
		return BUS_NOT_MINE;
	if (access->is_write)
		pci_config_write(dev, reg, access->len,
				 (uint32_t)access->value);
	else
		access->value = pci_config_read(dev, reg, access->len);
	return BUS_HANDLED;
}

/* Ports 0xcf8..0xcff. */
static enum bus_result port_access(void *arg, struct bus_access *access)
{
	const uint32_t data_off = PCI_PORT_DATA - PCI_PORT_ADDRESS;
	struct pci_bus *pci = arg;

	if (access->off >= data_off)
		return data_access(pci, access,
				   (uint32_t)(access->off - data_off));
	/*
	 * 3.2.2.3.2: only a dword at its first byte is the latch; narrower
	 * accesses there are plain I/O (a PC has its reset port at 0xcf9).
	 */
	if (access->off || access->len != 4)
		return BUS_NOT_MINE;
	if (access->is_write) /* reserved bits stay 0 */
		pci->address = (uint32_t)access->value & 0x80fffffc;
	else
		access->value = pci->address;
	return BUS_HANDLED;
}

int pci_bus_init(struct pci_bus *pci, struct bus *ports)
{
	*pci = (struct pci_bus){ .address = 0 };
	return bus_add(ports, PCI_PORT_ADDRESS,
		       PCI_PORT_DATA + 4 - PCI_PORT_ADDRESS, port_access, pci);
}
