/* SPDX-License-Identifier: MIT */
/* msix.c - when may an eventfd raise an interrupt, and which one? */
#include "vmm/devices/msix.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "vmm/core/log.h"

#define BAR_LEN	  4096
#define TABLE_OFF 0x000u
#define PBA_OFF	  0x800u
#define PBA_LEN	  8u /* one qword holds MSIX_VECTORS_MAX bits */

_Static_assert(MSIX_VECTORS_MAX *PCI_MSIX_ENTRY_LEN <= PBA_OFF,
	       "the table ends before the pending bits");
_Static_assert(MSIX_VECTORS_MAX <= PBA_LEN * 8, "a pending bit per vector");

/* Index of a field in struct msix_vector's entry. */
enum {
	ADDR_LO,
	ADDR_HI,
	DATA,
	CONTROL
};

static void unbind_irqfd(struct msix *msix, struct msix_vector *vector)
{
	if (!vector->bound)
		return;
	/* When this returns, KVM raises nothing more; later events stay in
	 * the eventfd, where the pending bit finds them. */
	kvm_irqfd_del(msix->kvm, vector->efd, vector->gsi);
	vector->bound = false;
}

static int bind_irqfd(struct msix *msix, struct msix_vector *vector)
{
	uint64_t address = (uint64_t)vector->entry[ADDR_HI] << 32 |
			   vector->entry[ADDR_LO];
	int err;

	if (vector->gsi < 0) {
		err = kvm_gsi_alloc(msix->kvm);
		if (err < 0)
			return err;
		vector->gsi = err;
	}
	err = kvm_gsi_route_msi(msix->kvm, vector->gsi, address,
				vector->entry[DATA]);
	if (err)
		return err;
	/* Delivers at once what came while nothing was bound. */
	err = kvm_irqfd_add(msix->kvm, vector->efd, vector->gsi);
	if (err)
		return err;
	vector->bound = true;
	return 0;
}

static bool may_raise(const struct msix *msix, const struct msix_vector *vector)
{
	if (!msix->enabled || msix->mask_all)
		return false;
	if (vector->entry[CONTROL] & PCI_MSIX_ENTRY_CTL_MASK)
		return false;
	/* A guest that unmasks before it fills in the entry gets no
	 * interrupts from address 0. */
	return vector->efd >= 0 &&
	       (vector->entry[ADDR_LO] || vector->entry[ADDR_HI]);
}

/* Bring KVM in line with the table. A failure leaves the events pending. */
static void update(struct msix *msix, struct msix_vector *vector)
{
	static struct log_limit limit;
	int err;

	if (!may_raise(msix, vector)) {
		unbind_irqfd(msix, vector);
		return;
	}
	if (vector->bound)
		return;
	err = bind_irqfd(msix, vector);
	if (err)
		log_limited(&limit, "%s: vector %d has no interrupt: %s",
			    msix->dev->name, (int)(vector - msix->vectors),
			    strerror(-err));
}

int msix_init(struct msix *msix, struct kvm_vm *kvm, struct pci_dev *dev,
	      int bar, uint32_t vectors_nr)
{
	int err;

	if (!vectors_nr || vectors_nr > MSIX_VECTORS_MAX)
		return -EINVAL;
	err = pci_dev_add_bar(dev, bar, BAR_LEN, 0);
	if (err)
		return err;
	err = pci_dev_add_cap(dev, PCI_CAP_ID_MSIX, PCI_MSIX_CAP_LEN);
	if (err < 0)
		return err;

	*msix = (struct msix){ .kvm = kvm, .dev = dev, .cap = err };
	for (uint32_t i = 0; i < MSIX_VECTORS_MAX; i++)
		msix->vectors[i] = (struct msix_vector){ .efd = -1, .gsi = -1 };
	msix->vectors_nr = vectors_nr;
	pci_config_put16(dev, (uint32_t)msix->cap + PCI_MSIX_CTL,
			 (uint16_t)(vectors_nr - 1));
	pci_config_put32(dev, (uint32_t)msix->cap + PCI_MSIX_TABLE,
			 TABLE_OFF | (uint32_t)bar);
	pci_config_put32(dev, (uint32_t)msix->cap + PCI_MSIX_PBA,
			 PBA_OFF | (uint32_t)bar);
	dev->write_mask[msix->cap + PCI_MSIX_CTL + 1] =
		(PCI_MSIX_CTL_ENABLE | PCI_MSIX_CTL_MASK_ALL) >> 8;
	msix_reset(msix);
	return 0;
}

void msix_destroy(struct msix *msix)
{
	for (uint32_t i = 0; i < msix->vectors_nr; i++) {
		struct msix_vector *vector = &msix->vectors[i];

		unbind_irqfd(msix, vector);
		vector->efd = -1;
		if (vector->gsi >= 0)
			kvm_gsi_free(msix->kvm, vector->gsi);
		vector->gsi = -1;
	}
}

int msix_set_source(struct msix *msix, uint32_t vector, int efd)
{
	if (vector >= msix->vectors_nr)
		return -EINVAL;
	unbind_irqfd(msix, &msix->vectors[vector]);
	msix->vectors[vector].efd = efd;
	update(msix, &msix->vectors[vector]);
	return 0;
}

/*
 * 6.8.3.4: an event that cannot be sent shows as a pending bit. While bound,
 * KVM has taken it, so there is none. Looking does not consume the event, or
 * unmasking could not deliver it.
 */
static uint64_t pending_bits(const struct msix *msix)
{
	struct pollfd polls[MSIX_VECTORS_MAX];
	uint64_t bits = 0;

	for (uint32_t i = 0; i < msix->vectors_nr; i++) {
		const struct msix_vector *vector = &msix->vectors[i];

		/* poll() skips negative fds. */
		polls[i] = (struct pollfd){
			.fd = vector->bound ? -1 : vector->efd,
			.events = POLLIN,
		};
	}
	if (poll(polls, msix->vectors_nr, 0) <= 0)
		return 0;
	for (uint32_t i = 0; i < msix->vectors_nr; i++)
		if (polls[i].revents & POLLIN)
			bits |= 1ull << i;
	return bits;
}

/* The dword at off, a multiple of 4. Reserved space reads 0. */
static uint32_t dword_read(const struct msix *msix, uint32_t off)
{
	uint32_t vector = off / PCI_MSIX_ENTRY_LEN;

	if (vector < msix->vectors_nr)
		return msix->vectors[vector]
			.entry[off % PCI_MSIX_ENTRY_LEN / 4];
	if (off >= PBA_OFF && off < PBA_OFF + PBA_LEN)
		return (uint32_t)(pending_bits(msix) >> (8 * (off - PBA_OFF)));
	return 0;
}

static void entry_write(struct msix_vector *vector, uint32_t off,
			uint32_t value)
{
	switch (off % PCI_MSIX_ENTRY_LEN) {
	case PCI_MSIX_ENTRY_ADDR_LO: /* dword aligned */
		vector->entry[ADDR_LO] = value & ~3u;
		break;
	case PCI_MSIX_ENTRY_ADDR_HI:
		vector->entry[ADDR_HI] = value;
		break;
	case PCI_MSIX_ENTRY_DATA:
		vector->entry[DATA] = value;
		break;
	case PCI_MSIX_ENTRY_CTL: /* the other bits are reserved, 0 */
		vector->entry[CONTROL] = value & PCI_MSIX_ENTRY_CTL_MASK;
		break;
	}
}

/* Pending bits and reserved space ignore writes (6.8.2). */
static void table_write(struct msix *msix, uint32_t off, uint32_t len,
			uint64_t value)
{
	uint32_t nr = off / PCI_MSIX_ENTRY_LEN;

	if (nr >= msix->vectors_nr)
		return;
	/* Nothing may leave with half an old entry. */
	unbind_irqfd(msix, &msix->vectors[nr]);
	entry_write(&msix->vectors[nr], off, (uint32_t)value);
	if (len == 8)
		entry_write(&msix->vectors[nr], off + 4,
			    (uint32_t)(value >> 32));
	update(msix, &msix->vectors[nr]);
}

enum bus_result msix_bar_access(void *arg, struct bus_access *access)
{
	struct msix *msix = arg;
	uint32_t off = (uint32_t)access->off;
	bool whole = (access->len == 4 || access->len == 8) &&
		     off % access->len == 0;

	/*
	 * 6.8.2: software uses aligned dwords and qwords; all else is
	 * undefined. We show bytes of one dword and let no such write change
	 * anything.
	 */
	if (access->is_write) {
		if (whole)
			table_write(msix, off, access->len, access->value);
		return BUS_HANDLED;
	}
	access->value = dword_read(msix, off & ~3u) >> (8 * (off & 3));
	if (whole && access->len == 8)
		access->value |= (uint64_t)dword_read(msix, off + 4) << 32;
	return BUS_HANDLED;
}

void msix_config_written(struct msix *msix)
{
	uint16_t control;

	control = pci_config_get16(msix->dev,
				   (uint32_t)msix->cap + PCI_MSIX_CTL);
	msix->enabled = control & PCI_MSIX_CTL_ENABLE;
	msix->mask_all = control & PCI_MSIX_CTL_MASK_ALL;
	for (uint32_t i = 0; i < msix->vectors_nr; i++)
		update(msix, &msix->vectors[i]);
}

void msix_reset(struct msix *msix)
{
	const uint32_t blank[4] = { [CONTROL] = PCI_MSIX_ENTRY_CTL_MASK };
	uint32_t reg = (uint32_t)msix->cap + PCI_MSIX_CTL + 1;

	for (uint32_t i = 0; i < msix->vectors_nr; i++) {
		unbind_irqfd(msix, &msix->vectors[i]);
		memcpy(msix->vectors[i].entry, blank, sizeof(blank));
	}
	msix->dev->config[reg] &= (uint8_t)~msix->dev->write_mask[reg];
	msix->enabled = false;
	msix->mask_all = false;
}
