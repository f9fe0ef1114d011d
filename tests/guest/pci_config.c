/* SPDX-License-Identifier: MIT */
/*
 * pci_config.c - does configuration space answer as IVSHMEM's specification
 * and PCI say, for every access size and alignment? Argument: doorbell or
 * plain, and the region's size in MiB.
 */
#include "guests/runtime/pci.h"
#include "guests/runtime/ports.h"
#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "tests/guest/check.h"

static struct pci_found dev;

/* Bytes, words and dwords of the whole space must agree with each other. */
static bool sizes_agree(void)
{
	for (uint32_t reg = 0; reg < PCI_CONFIG_LEN; reg += 4) {
		uint32_t dword = pci_read(&dev, reg, 4), words, bytes = 0;

		words = pci_read(&dev, reg, 2) | pci_read(&dev, reg + 2, 2)
							 << 16;
		for (uint32_t i = 0; i < 4; i++)
			bytes |= pci_read(&dev, reg + i, 1) << 8 * i;
		if (dword != words || dword != bytes) {
			printf("# 0x%x: %x %x %x\n", reg, dword, words, bytes);
			return false;
		}
	}
	return true;
}

/* Accesses that cross the data port's end must harm nothing. */
static void odd_accesses(void)
{
	uint32_t id = pci_read(&dev, 0, 4);

	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, dev.slot, 0, 0));
	(void)port_in16(PCI_PORT_DATA + 1);
	(void)port_in32(PCI_PORT_DATA + 1 - 1);
	port_out8(PCI_PORT_ADDRESS, 0xff);
	port_out16(PCI_PORT_ADDRESS, 0xffff);
	check_equal(port_in32(PCI_PORT_DATA), id,
		    "narrow writes do not change the address latch");
	for (uint32_t i = 0; i < 4; i++)
		port_out8((uint16_t)(PCI_PORT_DATA + i), 0xff);
	check_equal(pci_read(&dev, 0, 4), id, "the ids are read-only");
	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, dev.slot, 0, 0) & 0xff);
	check_equal(port_in32(PCI_PORT_DATA), UINT32_MAX,
		    "without the enable bit nobody answers");
	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(1, dev.slot, 0, 0));
	check_equal(port_in32(PCI_PORT_DATA), UINT32_MAX, "bus 1 is empty");
	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, dev.slot, 1, 0));
	check_equal(port_in32(PCI_PORT_DATA), UINT32_MAX,
		    "function 1 is empty");
	port_out32(PCI_PORT_ADDRESS, PCI_ADDRESS(0, 31, 0, 0));
	check_equal(port_in32(PCI_PORT_DATA), UINT32_MAX, "slot 31 is empty");
}

static void header(bool doorbell)
{
	check_equal(pci_read(&dev, PCI_REG_COMMAND, 2), 0,
		    "command resets to 0");
	check_equal(pci_read(&dev, PCI_REG_STATUS, 2),
		    doorbell ? PCI_STATUS_CAPABILITIES : 0, "status");
	check_equal(pci_read(&dev, PCI_REG_REVISION, 4),
		    IVSHMEM_CLASS_CODE << 8 | IVSHMEM_REVISION,
		    "class and revision");
	check_equal(pci_read(&dev, PCI_REG_SUBVENDOR, 4),
		    (uint32_t)IVSHMEM_SUBDEVICE_ID << 16 | IVSHMEM_SUBVENDOR_ID,
		    "subsystem");
	check_equal(pci_read(&dev, PCI_REG_IRQ_PIN, 1), 0, "no INTx pin");
	check_equal(pci_read(&dev, PCI_REG_HEADER_TYPE, 1), 0, "header type");
	check_equal(pci_read(&dev, PCI_REG_CAPABILITIES, 1),
		    doorbell ? 0x40 : 0, "capability list");
	check_equal(pci_find_cap(&dev, PCI_CAP_ID_MSIX), doorbell ? 0x40 : 0,
		    "MSI-X capability");
	if (!doorbell)
		return;
	check_equal(pci_read(&dev, 0x40 + PCI_MSIX_TABLE, 4), IVSHMEM_BAR_MSIX,
		    "MSI-X table at BAR1 + 0");
	check_equal(pci_read(&dev, 0x40 + PCI_MSIX_PBA, 4),
		    0x800 | IVSHMEM_BAR_MSIX, "pending bits at BAR1 + 0x800");
}

static void bars(bool doorbell, uint64_t region_len)
{
	volatile uint32_t *regs;
	uint64_t gpa, len;

	check(!pci_assign_bar(&dev, IVSHMEM_BAR_REGS, &gpa, &len) && len == 256,
	      "BAR0 has 256 bytes");
	regs = gpa_pointer(gpa);
	check(!pci_assign_bar(&dev, IVSHMEM_BAR_MSIX, &gpa, &len) &&
		      len == (doorbell ? 4096 : 0),
	      "BAR1 has one page, or is not there");
	check(!pci_assign_bar(&dev, IVSHMEM_BAR_SHMEM, &gpa, &len) &&
		      len == region_len,
	      "BAR2 has the region's size");
	check_equal(pci_read(&dev, PCI_REG_BAR(IVSHMEM_BAR_SHMEM), 1) & 0xf,
		    PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE,
		    "BAR2 is 64-bit and prefetchable");
	check_equal(regs[0], UINT32_MAX,
		    "nothing decodes before command bit 1");
	pci_write(&dev, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
	regs[0] = 0xffffffff;
	check_equal(regs[0], 0xffffffff, "IntrMask stores 32 bits");

	/* Move BAR0 while it decodes. */
	pci_write(&dev, PCI_REG_BAR(0), 4, (uint32_t)MAP_PCI32_GPA + 0x100000);
	check_equal(regs[0], UINT32_MAX, "the old place is empty");
	regs = gpa_pointer(MAP_PCI32_GPA + 0x100000);
	check_equal(regs[0], 0xffffffff, "the register moved along");
	regs[0] = 0;

	/* Places where no BAR can be: RAM, the local APIC, the end. */
	pci_write(&dev, PCI_REG_BAR(0), 4, 0x200000);
	pci_write(&dev, PCI_REG_BAR(0), 4, (uint32_t)MAP_LAPIC_GPA);
	pci_write(&dev, PCI_REG_BAR(0), 4, 0xffffff00);
	pci_write(&dev, PCI_REG_BAR(0), 4, (uint32_t)(uintptr_t)regs);
	check_equal(regs[0], 0, "it comes back from impossible places");
}

static void shared_memory(uint64_t region_len)
{
	uint64_t old_gpa = MAP_PCI64_GPA;
	volatile uint64_t *words = gpa_pointer(old_gpa);
	uint64_t last = region_len / 8 - 1, before = words[last];

	words[last] = 0x1122334455667788ull;
	check_equal(words[last], 0x1122334455667788ull,
		    "the last word of BAR2 is memory");
	pci_write(&dev, PCI_REG_COMMAND, 2, 0);
	check(words[last] == UINT64_MAX, "decode off: BAR2 is gone");
	pci_write(&dev, PCI_REG_COMMAND, 2, PCI_COMMAND_MEMORY);
	check_equal(words[last], 0x1122334455667788ull,
		    "decode on: it is back, unchanged");
	words[last] = before;
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (uint64_t)(*text++ - '0');
	return value;
}

int app_main(int argc, char **argv)
{
	bool doorbell = argc > 1 && !strcmp(argv[1], "doorbell");
	uint64_t region_len = argc > 2 ? number(argv[2]) << 20 : 0;

	if (pci_find(IVSHMEM_VENDOR_ID, IVSHMEM_DEVICE_ID, 0, &dev)) {
		printf("not ok the device is found\n");
		return 1;
	}
	header(doorbell);
	check(sizes_agree(), "bytes, words and dwords agree");
	odd_accesses();
	bars(doorbell, region_len);
	shared_memory(region_len);
	return (int)checks_failed;
}
