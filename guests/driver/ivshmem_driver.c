/* SPDX-License-Identifier: MIT */
/* ivshmem_driver.c - how a bare guest reaches the region and its peers. */
#include "guests/driver/ivshmem_driver.h"

#include "guests/runtime/pci.h"
#include "guests/runtime/traps.h"
#include "shm/err.h"
#include "shm/memory_map.h"

static int driver_notify(struct peer *peer, uint32_t peer_id, uint32_t vector)
{
	struct ivshmem_driver *driver = (void *)peer;

	if (!peer->vectors_nr)
		return 0; /* ivshmem-plain has no doorbell */
	/* [BELL-RING] an uncached-by-nature store that KVM takes as an exit or
	 * an ioeventfd: everything before it is visible by then. */
	driver->regs[IVSHMEM_REG_DOORBELL / 4] = IVSHMEM_DOORBELL(peer_id,
								  vector);
	driver->counters.doorbells++;
	return 0;
}

static void count_interrupts(struct ivshmem_driver *driver)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < driver->peer.vectors_nr; i++)
		sum += irq_count(VECTOR_DEVICE + i);
	driver->counters.interrupts = sum;
}

static int driver_wait(struct peer *peer, uint32_t vector, uint64_t timeout_ns)
{
	struct ivshmem_driver *driver = (void *)peer;
	int late;

	/* Without such a vector a wait is a sleep. */
	if (vector >= peer->vectors_nr) {
		sleep_ns(timeout_ns);
		return -SHM_ETIMEDOUT;
	}
	if (irq_count(VECTOR_DEVICE + vector) == driver->seen[vector])
		peer->sleeps_nr++;
	late = irq_wait(VECTOR_DEVICE + vector, driver->seen[vector],
			timeout_ns);
	driver->seen[vector] = irq_count(VECTOR_DEVICE + vector);
	count_interrupts(driver);
	return late ? -SHM_ETIMEDOUT : 0;
}

static uint64_t driver_now_ns(struct peer *peer)
{
	(void)peer;
	return now_ns();
}

static const struct peer_ops driver_ops = {
	.notify = driver_notify,
	.wait = driver_wait,
	.now_ns = driver_now_ns,
};

/* Vector n -> interrupt VECTOR_DEVICE + n on vCPU 0 (APIC id 0). */
static uint32_t msix_enable(const struct pci_found *dev, uint64_t table_gpa)
{
	uint32_t cap = pci_find_cap(dev, PCI_CAP_ID_MSIX);
	uint32_t ctl, vectors_nr;
	volatile uint32_t *entry = gpa_pointer(table_gpa);

	if (!cap)
		return 0;
	ctl = pci_read(dev, cap + PCI_MSIX_CTL, 2);
	vectors_nr = (ctl & PCI_MSIX_CTL_SIZE_MASK) + 1;
	if (vectors_nr > IVSHMEM_VECTORS_MAX)
		vectors_nr = IVSHMEM_VECTORS_MAX;
	for (uint32_t i = 0; i < vectors_nr; i++) {
		entry[PCI_MSIX_ENTRY_ADDR_LO / 4] = (uint32_t)MAP_LAPIC_GPA;
		entry[PCI_MSIX_ENTRY_ADDR_HI / 4] = 0;
		entry[PCI_MSIX_ENTRY_DATA / 4] = VECTOR_DEVICE + i;
		entry[PCI_MSIX_ENTRY_CTL / 4] = 0;
		entry += PCI_MSIX_ENTRY_LEN / 4;
	}
	pci_write(dev, cap + PCI_MSIX_CTL, 2, ctl | PCI_MSIX_CTL_ENABLE);
	return vectors_nr;
}

int ivshmem_driver_open(struct ivshmem_driver *driver, uint32_t nth)
{
	uint64_t regs_gpa, msix_gpa, shmem_gpa, len, region_len;
	const struct bare_boot_info *boot = (void *)MAP_BOOT_INFO_GPA;
	struct pci_found dev;
	int err;

	*driver = (struct ivshmem_driver){ .peer = { .ops = &driver_ops } };
	err = pci_find(IVSHMEM_VENDOR_ID, IVSHMEM_DEVICE_ID, nth, &dev);
	if (!err)
		err = pci_assign_bar(&dev, IVSHMEM_BAR_REGS, &regs_gpa, &len);
	if (!err)
		err = pci_assign_bar(&dev, IVSHMEM_BAR_MSIX, &msix_gpa, &len);
	if (!err)
		err = pci_assign_bar(&dev, IVSHMEM_BAR_SHMEM, &shmem_gpa,
				     &region_len);
	if (err)
		return err;
	if (shmem_gpa - MAP_PCI64_GPA > boot->pci64_len ||
	    region_len > boot->pci64_len - (shmem_gpa - MAP_PCI64_GPA))
		return -SHM_ETOOSMALL;
	pci_write(&dev, PCI_REG_COMMAND, 2,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);

	/* The monitor's tables map all windows at their own address. */
	driver->regs = gpa_pointer(regs_gpa);
	driver->peer.region = gpa_pointer(shmem_gpa);
	driver->peer.region_len = region_len;
	driver->peer.id = driver->regs[IVSHMEM_REG_IV_POSITION / 4];
	driver->peer.vectors_nr = msix_enable(&dev, msix_gpa);
	vm_counters(&driver->counters);
	return 0;
}
