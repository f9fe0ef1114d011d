/* SPDX-License-Identifier: MIT */
/*
 * doorbell.c - BAR0 registers, doorbells and interrupts of an
 * ivshmem-doorbell device with 2 vectors, seen from inside; rings itself.
 */
#include "guests/driver/ivshmem_driver.h"
#include "guests/runtime/pci.h"
#include "guests/runtime/traps.h"
#include "shm/err.h"
#include "shm/memory_map.h"
#include "tests/guest/check.h"

/* Generous: a busy machine may not run us for seconds. */
#define LONG_NS	 20000000000ull
#define SHORT_NS 20000000ull

static struct ivshmem_driver driver;

static void registers(void)
{
	volatile uint32_t *regs = driver.regs;
	volatile uint8_t *bytes = (volatile uint8_t *)regs;
	volatile uint16_t *words = (volatile uint16_t *)regs;
	const volatile uint64_t *quads = (volatile uint64_t *)regs;
	uint32_t id = driver.peer.id;

	regs[IVSHMEM_REG_INTR_MASK / 4] = 0xffffffff;
	check_equal(regs[IVSHMEM_REG_INTR_MASK / 4], 0xffffffff,
		    "IntrMask is storage");
	regs[IVSHMEM_REG_INTR_STATUS / 4] = 0xdeadbeef;
	check_equal(regs[IVSHMEM_REG_INTR_STATUS / 4], 0xdeadbeef,
		    "IntrStatus is storage");
	check_equal(regs[IVSHMEM_REG_INTR_STATUS / 4], 0,
		    "reading IntrStatus clears it");
	regs[IVSHMEM_REG_IV_POSITION / 4] = 1234;
	check_equal(regs[IVSHMEM_REG_IV_POSITION / 4], id,
		    "IVPosition is read-only");
	check_equal(bytes[8], id & 0xff, "byte read of IVPosition");
	check_equal(bytes[9], 0, "byte read of IVPosition + 1");
	check_equal(words[4], id, "word read of IVPosition");
	check_equal(quads[1] & 0xffffffff, id, "qword read of IVPosition");
	check_equal(regs[IVSHMEM_REG_DOORBELL / 4], 0, "Doorbell reads 0");
	for (uint32_t off = 0x10; off < IVSHMEM_REGS_LEN; off += 4)
		regs[off / 4] = 0xffffffff;
	check_equal(regs[0x10 / 4] | regs[0xfc / 4], 0,
		    "reserved registers read 0");
	regs[IVSHMEM_REG_INTR_MASK / 4] = 0;
}

static void ring(uint32_t peer, uint32_t vector)
{
	peer_notify(&driver.peer, peer, vector);
}

static void nobody(void)
{
	uint32_t id = driver.peer.id;

	ring(id + 1, 0);
	ring(65535, 0);
	ring(65535, 65535);
	ring(id, 2);
	ring(id, 0x100); /* QEMU's slow path takes this for vector 0 */
	ring(id, 65535);
	driver.regs[IVSHMEM_REG_DOORBELL / 4] = 0xffffffff;
	check(peer_wait(&driver.peer, 0, SHORT_NS) == -SHM_ETIMEDOUT &&
		      peer_wait(&driver.peer, 1, SHORT_NS) == -SHM_ETIMEDOUT,
	      "doorbells to nobody wake nobody");
}

static void myself(void)
{
	uint32_t id = driver.peer.id;

	ring(id, 0);
	check(!peer_wait(&driver.peer, 0, LONG_NS), "ringing myself wakes me");
	check(peer_wait(&driver.peer, 0, SHORT_NS) == -SHM_ETIMEDOUT, "once");
	ring(id, 1);
	check(!peer_wait(&driver.peer, 1, LONG_NS), "on vector 1 too");
	check(peer_wait(&driver.peer, 0, SHORT_NS) == -SHM_ETIMEDOUT,
	      "and not on vector 0");
}

static void masking(void)
{
	struct pci_found dev;
	volatile uint32_t *entry, *pba;
	uint32_t ctl, seen, cap;

	pci_find(IVSHMEM_VENDOR_ID, IVSHMEM_DEVICE_ID, 0, &dev);
	entry = gpa_pointer(pci_read(&dev, PCI_REG_BAR(1), 4) & ~0xfu);
	pba = entry + 0x800 / 4;
	cap = pci_find_cap(&dev, PCI_CAP_ID_MSIX);
	ctl = pci_read(&dev, cap + PCI_MSIX_CTL, 2);

	entry[PCI_MSIX_ENTRY_CTL / 4] = PCI_MSIX_ENTRY_CTL_MASK;
	seen = irq_count(VECTOR_DEVICE);
	ring(driver.peer.id, 0);
	check(irq_wait(VECTOR_DEVICE, seen, SHORT_NS) != 0,
	      "a masked vector does not interrupt");
	check_equal(pba[0], 1, "it shows as pending");
	pba[0] = 0;
	check_equal(pba[0], 1, "and cannot be cleared by writing");
	entry[PCI_MSIX_ENTRY_CTL / 4] = 0;
	check(irq_wait(VECTOR_DEVICE, seen, LONG_NS) == 0,
	      "unmasked, it arrives");
	check_equal(pba[0], 0, "and is no longer pending");

	pci_write(&dev, cap + PCI_MSIX_CTL, 2, ctl | PCI_MSIX_CTL_MASK_ALL);
	seen = irq_count(VECTOR_DEVICE);
	ring(driver.peer.id, 0);
	check(irq_wait(VECTOR_DEVICE, seen, SHORT_NS) != 0,
	      "the function mask holds all vectors");
	pci_write(&dev, cap + PCI_MSIX_CTL, 2, ctl);
	check(irq_wait(VECTOR_DEVICE, seen, LONG_NS) == 0, "and lets them go");

	pci_write(&dev, cap + PCI_MSIX_CTL, 2,
		  ctl & ~(uint32_t)PCI_MSIX_CTL_ENABLE);
	seen = irq_count(VECTOR_DEVICE);
	ring(driver.peer.id, 0);
	pci_write(&dev, cap + PCI_MSIX_CTL, 2, ctl);
	check(irq_wait(VECTOR_DEVICE, seen, LONG_NS) == 0,
	      "an event from before MSI-X was enabled is delivered");

	entry[PCI_MSIX_ENTRY_DATA / 4] = VECTOR_DEVICE + 9;
	seen = irq_count(VECTOR_DEVICE + 9);
	ring(driver.peer.id, 0);
	check(irq_wait(VECTOR_DEVICE + 9, seen, LONG_NS) == 0,
	      "a vector's data can change while it is on");
	entry[PCI_MSIX_ENTRY_DATA / 4] = VECTOR_DEVICE;
}

int app_main(int argc, char **argv)
{
	int err = ivshmem_driver_open(&driver, 0);

	(void)argc;
	(void)argv;
	if (err) {
		printf("not ok the device opens: %s\n", shm_strerror(err));
		return 1;
	}
	check_equal(driver.peer.vectors_nr, 2, "two vectors");
	registers();
	nobody();
	myself();
	masking();
	return (int)checks_failed;
}
