/* SPDX-License-Identifier: MIT */
/* ivshmem.c - what does the ivshmem device do when a guest touches it? */
#include "vmm/devices/ivshmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "vmm/core/log.h"
#include "vmm/devices/bells.h"
#include "vmm/devices/msix.h"

_Static_assert(IVSHMEM_VECTORS_MAX <= MSIX_VECTORS_MAX, "a table entry each");

struct ivshmem {
	struct ivshmem_opts opts;
	struct pci_dev pci;
	struct msix msix; /* doorbell variant only */
	struct bells bells;
	uint32_t intr_mask, intr_status;
	int slot; /* BAR2's memory slot, -1: none */
	bool absent_said;
};

static bool is_doorbell(const struct ivshmem *ivshmem)
{
	return ivshmem->opts.vectors_nr;
}

/* Any offset that no register starts at is reserved and reads 0. */
static uint32_t reg_read(struct ivshmem *ivshmem, uint64_t off)
{
	uint32_t value = 0;

	switch (off) {
	case IVSHMEM_REG_INTR_MASK: /* rw, without effect in revision 1 */
		value = ivshmem->intr_mask;
		break;
	case IVSHMEM_REG_INTR_STATUS: /* rw, cleared by reading */
		value = ivshmem->intr_status;
		ivshmem->intr_status = 0;
		break;
	case IVSHMEM_REG_IV_POSITION: /* ro; 0 without doorbells */
		value = is_doorbell(ivshmem) ? ivshmem->opts.peer_id : 0;
		break;
	case IVSHMEM_REG_DOORBELL: /* wo */
		break;
	}
	return value;
}

/*
 * Stores that KVM matched never come here: this is a doorbell to nobody, one
 * for which the kernel's table had no room, or one of another width.
 *
 * Deviation: QEMU 7.2 cuts the vector to 8 bits on this path, so 0x100 rings
 * vector 0. The specification says bits 0 to 15; unknown vectors are ignored.
 */
static void ring(struct ivshmem *ivshmem, uint32_t value)
{
	int err;

	if (!is_doorbell(ivshmem))
		return;
	add_relaxed(&ivshmem->opts.stats->doorbells_slow, 1);
	err = bells_ring(&ivshmem->bells, value);
	if (err && !ivshmem->absent_said) {
		ivshmem->absent_said = true;
		log_info("ivshmem: doorbell to peer %u vector %u ignored: %s "
			 "(said once)",
			 value >> 16, value & 0xffff,
			 err == -ENOENT ? "nobody there" : strerror(-err));
	}
}

static void reg_write(struct ivshmem *ivshmem, uint64_t off, uint32_t value)
{
	switch (off) {
	case IVSHMEM_REG_INTR_MASK: /* all 32 bits are storage */
		ivshmem->intr_mask = value;
		break;
	case IVSHMEM_REG_INTR_STATUS:
		ivshmem->intr_status = value;
		break;
	case IVSHMEM_REG_IV_POSITION: /* ro */
		break;
	case IVSHMEM_REG_DOORBELL:
		ring(ivshmem, value);
		break;
	}
}

/*
 * BAR0. Registers are 32 bits wide and answer only at their first byte, as
 * QEMU's do: a narrower access is a zero-extended or cut one, a qword is two
 * dwords. So any width reads IVPosition at 8, and a byte at 9 reads 0.
 */
static enum bus_result regs_access(void *arg, struct bus_access *access)
{
	struct ivshmem *ivshmem = arg;

	if (access->is_write) {
		reg_write(ivshmem, access->off, (uint32_t)access->value);
		if (access->len == 8)
			reg_write(ivshmem, access->off + 4,
				  (uint32_t)(access->value >> 32));
		return BUS_HANDLED;
	}
	access->value = reg_read(ivshmem, access->off);
	if (access->len == 8)
		access->value |= (uint64_t)reg_read(ivshmem, access->off + 4)
				 << 32;
	return BUS_HANDLED;
}

static int regs_map(struct ivshmem *ivshmem, uint64_t gpa)
{
	int err = bus_add(ivshmem->opts.mmio, gpa, IVSHMEM_REGS_LEN,
			  regs_access, ivshmem);

	if (!err)
		bells_place(&ivshmem->bells, gpa + IVSHMEM_REG_DOORBELL);
	return err;
}

/*
 * Guest accesses to a memory slot never reach the bus. The range is claimed
 * there all the same, so that the region cannot land on RAM or on another
 * BAR, whose doorbells and registers it would hide.
 */
static int region_map(struct ivshmem *ivshmem, uint64_t gpa)
{
	const struct ivshmem_opts *opts = &ivshmem->opts;
	int slot, err;

	err = bus_add(opts->mmio, gpa, opts->region_len, NULL, NULL);
	if (err)
		return err;
	slot = kvm_slot_add(opts->kvm, gpa, opts->region_hva, opts->region_len);
	if (slot < 0) {
		bus_del(opts->mmio, gpa);
		return slot;
	}
	ivshmem->slot = slot;
	return 0;
}

static int bar_map(struct pci_dev *dev, int bar, uint64_t gpa)
{
	static struct log_limit limit;
	struct ivshmem *ivshmem = dev->arg;
	int err = 0;

	switch (bar) {
	case IVSHMEM_BAR_REGS:
		err = regs_map(ivshmem, gpa);
		break;
	case IVSHMEM_BAR_MSIX:
		err = bus_add(ivshmem->opts.mmio, gpa, dev->bars[bar].len,
			      msix_bar_access, &ivshmem->msix);
		break;
	case IVSHMEM_BAR_SHMEM:
		err = region_map(ivshmem, gpa);
		break;
	}
	if (err)
		log_limited(&limit, "ivshmem: BAR%d cannot be at 0x%llx: %s",
			    bar, (unsigned long long)gpa, strerror(-err));
	return err;
}

static void bar_unmap(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct ivshmem *ivshmem = dev->arg;

	bus_del(ivshmem->opts.mmio, gpa);
	if (bar == IVSHMEM_BAR_REGS)
		bells_unplace(&ivshmem->bells);
	if (bar == IVSHMEM_BAR_SHMEM) {
		kvm_slot_del(ivshmem->opts.kvm, ivshmem->slot);
		ivshmem->slot = -1;
	}
}

static void config_written(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	struct ivshmem *ivshmem = dev->arg;

	(void)reg;
	(void)len;
	if (is_doorbell(ivshmem))
		msix_config_written(&ivshmem->msix);
}

static const struct pci_dev_ops ops = {
	.bar_map = bar_map,
	.bar_unmap = bar_unmap,
	.config_written = config_written,
};

static const struct pci_id id = {
	.vendor = IVSHMEM_VENDOR_ID,
	.device = IVSHMEM_DEVICE_ID,
	.subvendor = IVSHMEM_SUBVENDOR_ID,
	.subdevice = IVSHMEM_SUBDEVICE_ID,
	.class_code = IVSHMEM_CLASS_CODE,
	.revision = IVSHMEM_REVISION,
};

static bool opts_good(const struct ivshmem_opts *opts)
{
	uint64_t len = opts->region_len;

	return opts->region_hva &&
	       (uintptr_t)opts->region_hva % MAP_PAGE_LEN == 0 &&
	       len >= MAP_PAGE_LEN && !(len & (len - 1)) &&
	       opts->vectors_nr <= IVSHMEM_VECTORS_MAX &&
	       opts->peer_id < IVSHMEM_PEERS_MAX;
}

int ivshmem_create(struct ivshmem **out, const struct ivshmem_opts *opts)
{
	struct ivshmem *ivshmem;
	int err;

	if (!opts_good(opts))
		return -EINVAL;
	ivshmem = malloc(sizeof(*ivshmem));
	if (!ivshmem)
		return -ENOMEM;
	*ivshmem = (struct ivshmem){ .opts = *opts,
				     .bells = { .kvm = opts->kvm },
				     .slot = -1 };

	/* No INTx in revision 1: the interrupt pin stays 0. */
	pci_dev_init(&ivshmem->pci, "ivshmem", &id, &ops, ivshmem);
	err = pci_dev_add_bar(&ivshmem->pci, IVSHMEM_BAR_REGS, IVSHMEM_REGS_LEN,
			      0);
	if (err)
		goto fail;
	if (is_doorbell(ivshmem)) {
		err = msix_init(&ivshmem->msix, opts->kvm, &ivshmem->pci,
				IVSHMEM_BAR_MSIX, opts->vectors_nr);
		if (err)
			goto fail;
	}
	err = pci_dev_add_bar(&ivshmem->pci, IVSHMEM_BAR_SHMEM,
			      opts->region_len,
			      PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE);
	if (err)
		goto fail;
	*out = ivshmem;
	return 0;

fail:
	ivshmem_destroy(ivshmem);
	return err;
}

void ivshmem_destroy(struct ivshmem *ivshmem)
{
	if (!ivshmem)
		return;
	pci_dev_reset(&ivshmem->pci); /* unmaps all BARs */
	msix_destroy(&ivshmem->msix);
	bells_destroy(&ivshmem->bells);
	free(ivshmem);
}

struct pci_dev *ivshmem_pci(struct ivshmem *ivshmem)
{
	return &ivshmem->pci;
}

int ivshmem_peer_vector(struct ivshmem *ivshmem, uint32_t peer_id,
			uint32_t vector, int efd)
{
	if (!is_doorbell(ivshmem))
		return 0;
	return bells_set(&ivshmem->bells, peer_id, vector, efd);
}

void ivshmem_peer_gone(struct ivshmem *ivshmem, uint32_t peer_id)
{
	bells_del_peer(&ivshmem->bells, peer_id);
}

int ivshmem_own_vector(struct ivshmem *ivshmem, uint32_t vector, int efd)
{
	int err = msix_set_source(&ivshmem->msix, vector, efd);

	if (err)
		return err;
	return bells_set(&ivshmem->bells, ivshmem->opts.peer_id, vector, efd);
}
