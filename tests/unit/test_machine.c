/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_machine.c - is the computer whole, as its processors see it? */
#include "vmm/devices/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "shm/pci.h"
#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"

#define REGION_LEN  0x200000ull
#define REQUEST_GPA 0x200000u

struct rig {
	struct stats stats;
	void *region;
	struct machine *machine;
	int efd;
	uint32_t ends_nr, status;
	enum stats_end why;
};

static void ended(void *arg, enum stats_end why, uint32_t status)
{
	struct rig *rig = arg;

	rig->ends_nr++;
	rig->why = why;
	rig->status = status;
	/* No lock is held: this would hang otherwise. */
	machine_update_stats(rig->machine);
}

static struct machine_opts rig_opts(struct rig *rig)
{
	return (struct machine_opts){
		.ram_len = MAP_RAM_MIN_LEN,
		.stats = &rig->stats,
		.ended = ended,
		.arg = rig,
		.region_hva = rig->region,
		.region_len = REGION_LEN,
		.peer_id = 5,
		.vectors_nr = 2,
	};
}

static void rig_init(struct rig *rig)
{
	struct machine_opts opts;

	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	rig->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig->region = aligned_alloc(4096, REGION_LEN);
	opts = rig_opts(rig);
	CU_ASSERT_EQUAL_FATAL(machine_create(&rig->machine, &opts), 0);
}

static void rig_done(struct rig *rig)
{
	machine_destroy(rig->machine);
	free(rig->region);
	close(rig->efd);
	CU_ASSERT_EQUAL(fake_kvm.vms_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

/* Guest RAM, which is there. */
static void *ram(struct rig *rig, uint64_t gpa, uint64_t len)
{
	void *hva = memory_range(machine_memory(rig->machine), gpa, len);

	if (!hva)
		abort();
	return hva;
}

static struct fake_slot slot_at(struct rig *rig, uint64_t gpa)
{
	const struct fake_slot *slot;

	slot = fake_kvm_slot(machine_kvm(rig->machine), gpa);
	return slot ? *slot : (struct fake_slot){ .used = false };
}

static uint32_t in(struct rig *rig, uint16_t port, uint32_t len)
{
	uint32_t value = 0;

	(void)machine_pio(rig->machine, port, len, 1, false, &value);
	return value;
}

static enum bus_result out(struct rig *rig, uint16_t port, uint32_t len,
			   uint32_t value)
{
	return machine_pio(rig->machine, port, len, 1, true, &value);
}

static uint32_t config_read(struct rig *rig, uint32_t slot, uint32_t reg)
{
	(void)out(rig, PCI_PORT_ADDRESS, 4, PCI_ADDRESS(0, slot, 0, reg));
	return in(rig, PCI_PORT_DATA, 4);
}

static void config_write(struct rig *rig, uint32_t slot, uint32_t reg,
			 uint32_t value)
{
	(void)out(rig, PCI_PORT_ADDRESS, 4, PCI_ADDRESS(0, slot, 0, reg));
	(void)out(rig, PCI_PORT_DATA, 4, value);
}

static void place_bars(struct rig *rig)
{
	config_write(rig, 1, PCI_REG_BAR(0), (uint32_t)MAP_PCI32_GPA);
	config_write(rig, 1, PCI_REG_BAR(1), (uint32_t)MAP_PCI32_GPA + 0x1000);
	config_write(rig, 1, PCI_REG_BAR(2), (uint32_t)MAP_PCI64_GPA);
	config_write(rig, 1, PCI_REG_BAR(3), MAP_PCI64_GPA >> 32);
	config_write(rig, 1, PCI_REG_COMMAND, PCI_COMMAND_MEMORY);
}

static void ram_is_slot_and_memory(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(slot_at(&rig, 0).len, MAP_RAM_MIN_LEN);
	CU_ASSERT_PTR_EQUAL(slot_at(&rig, 0).hva,
			    ram(&rig, 0, MAP_RAM_MIN_LEN));
	rig_done(&rig);
}

static void pci_scan_finds_two_devices(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(config_read(&rig, 0, 0), 0x12378086);
	CU_ASSERT_EQUAL(config_read(&rig, 0, 8), 0x06000000);
	CU_ASSERT_EQUAL(config_read(&rig, 1, 0), 0x11101af4);
	for (uint32_t slot = 2; slot < PCI_SLOTS_NR; slot++)
		CU_ASSERT_EQUAL(config_read(&rig, slot, 0), 0xffffffff);
	rig_done(&rig);
}

static void machine_without_region_has_no_ivshmem(void)
{
	struct rig rig;
	struct machine_opts opts;

	rig_init(&rig);
	machine_destroy(rig.machine);
	opts = rig_opts(&rig);
	opts.region_hva = NULL;
	CU_ASSERT_EQUAL_FATAL(machine_create(&rig.machine, &opts), 0);
	CU_ASSERT_EQUAL(config_read(&rig, 1, 0), 0xffffffff);
	machine_peer_vector(rig.machine, 1, 0, rig.efd);
	machine_own_vector(rig.machine, 0, rig.efd);
	machine_peer_gone(rig.machine, 1);
	rig_done(&rig);
}

static void creation_that_fails_leaves_nothing(void)
{
	struct rig rig;
	struct machine_opts opts;
	struct machine *machine;

	rig_init(&rig);
	opts = rig_opts(&rig);
	opts.ram_len = 12345;
	CU_ASSERT_EQUAL(machine_create(&machine, &opts), -EINVAL);
	opts = rig_opts(&rig);
	opts.region_len = 0x3000;
	CU_ASSERT_EQUAL(machine_create(&machine, &opts), -EINVAL);
	opts = rig_opts(&rig);
	fake_kvm.slot_add_err = -ENOMEM;
	CU_ASSERT_EQUAL(machine_create(&machine, &opts), -ENOMEM);
	fake_kvm.slot_add_err = 0;
	fake_kvm.vm_create_err = -EACCES;
	CU_ASSERT_EQUAL(machine_create(&machine, &opts), -EACCES);
	CU_ASSERT_EQUAL(fake_kvm.vms_nr, 1);
	machine_destroy(NULL);
	rig_done(&rig);
}

static void doorbell_and_registers_answer_on_mmio(void)
{
	const uint64_t bell_gpa = MAP_PCI32_GPA + IVSHMEM_REG_DOORBELL;
	uint32_t value = 0, ring_absent = IVSHMEM_DOORBELL(9, 0);
	struct rig rig;

	rig_init(&rig);
	machine_peer_vector(rig.machine, 7, 0, rig.efd);
	place_bars(&rig);
	CU_ASSERT_EQUAL(
		machine_mmio(rig.machine, MAP_PCI32_GPA + 8, 4, false, &value),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(value, 5);
	CU_ASSERT_TRUE(fake_kvm_store32(machine_kvm(rig.machine), bell_gpa,
					IVSHMEM_DOORBELL(7, 0)));
	CU_ASSERT_EQUAL(
		machine_mmio(rig.machine, bell_gpa, 4, true, &ring_absent),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(rig.stats.doorbells_slow, 1);
	machine_peer_gone(rig.machine, 7);
	CU_ASSERT_EQUAL(machine_kvm(rig.machine)->ioeventfds_nr, 0);
	rig_done(&rig);
}

static void own_vector_becomes_an_interrupt(void)
{
	const uint64_t table_gpa = MAP_PCI32_GPA + 0x1000;
	uint64_t address = 0xfee00000, data_unmasked = 0x30;
	struct rig rig;

	rig_init(&rig);
	place_bars(&rig);
	machine_own_vector(rig.machine, 0, rig.efd);
	machine_own_vector(rig.machine, 2, rig.efd); /* not in our table */
	(void)machine_mmio(rig.machine, table_gpa, 8, true, &address);
	(void)machine_mmio(rig.machine, table_gpa + 8, 8, true, &data_unmasked);
	config_write(&rig, 1, 0x40, (uint32_t)PCI_MSIX_CTL_ENABLE << 16);
	CU_ASSERT_PTR_NOT_NULL(
		fake_kvm_irqfd(machine_kvm(rig.machine), rig.efd));
	rig_done(&rig);
}

static void bar_over_ram_or_apic_is_refused(void)
{
	struct rig rig;

	rig_init(&rig);
	place_bars(&rig);
	config_write(&rig, 1, PCI_REG_BAR(3), 0);
	config_write(&rig, 1, PCI_REG_BAR(2), 0x200000);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(machine_kvm(rig.machine)), 1);
	config_write(&rig, 1, PCI_REG_BAR(2), (uint32_t)MAP_LAPIC_GPA);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(machine_kvm(rig.machine)), 1);
	config_write(&rig, 1, PCI_REG_BAR(2), 0xffffffff); /* being sized */
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(machine_kvm(rig.machine)), 1);
	config_write(&rig, 1, PCI_REG_BAR(3), 0x80);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(machine_kvm(rig.machine)), 2);
	rig_done(&rig);
}

static void unclaimed_accesses_read_ones(void)
{
	uint8_t data[8] = { 0 };
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(in(&rig, 0x3f8, 1), 0xff);
	CU_ASSERT_EQUAL(in(&rig, 0xffff, 1), 0xff);
	CU_ASSERT_EQUAL(in(&rig, BARE_PORT_CONSOLE, 2), 0xffff);
	CU_ASSERT_EQUAL(out(&rig, 0x80, 1, 0), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(machine_mmio(rig.machine, 0xd0000000, 3, false, data),
			BUS_NOT_MINE);
	CU_ASSERT_EQUAL(data[2], 0xff);
	CU_ASSERT_EQUAL(data[3], 0);
	CU_ASSERT_EQUAL(machine_mmio(rig.machine, UINT64_MAX, 8, false, data),
			BUS_NOT_MINE);
	CU_ASSERT_EQUAL(data[7], 0xff);
	/* No KVM says so; nothing beyond 8 bytes is touched. */
	CU_ASSERT_EQUAL(machine_mmio(rig.machine, 0, 4096, false, data),
			BUS_NOT_MINE);
	rig_done(&rig);
}

static void string_io_is_carried_out_count_times(void)
{
	uint32_t words[3] = { PCI_ADDRESS(0, 0, 0, 0), PCI_ADDRESS(0, 2, 0, 0),
			      PCI_ADDRESS(0, 1, 0, 0) };
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(
		machine_pio(rig.machine, PCI_PORT_ADDRESS, 4, 3, true, words),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(in(&rig, PCI_PORT_ADDRESS, 4), words[2]);
	CU_ASSERT_EQUAL(
		machine_pio(rig.machine, PCI_PORT_DATA, 4, 3, false, words),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(words[0], 0x11101af4);
	CU_ASSERT_EQUAL(words[2], 0x11101af4);
	CU_ASSERT_EQUAL(
		machine_pio(rig.machine, PCI_PORT_DATA, 4, 0, false, words),
		BUS_NOT_MINE);
	rig_done(&rig);
}

static void exit_is_told_once_without_the_lock(void)
{
	uint32_t statuses[2] = { 42, 43 };
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(
		machine_pio(rig.machine, BARE_PORT_EXIT, 4, 2, true, statuses),
		BUS_HANDLED);
	CU_ASSERT_EQUAL(rig.ends_nr, 1);
	CU_ASSERT_EQUAL(rig.why, STATS_END_EXIT);
	CU_ASSERT_EQUAL(rig.status, 42);
	rig_done(&rig);
}

static void counters_reach_stats(void)
{
	struct bare_request *request;
	uint64_t *counters;
	struct rig rig;

	rig_init(&rig);
	request = ram(&rig, REQUEST_GPA, sizeof(*request));
	counters = ram(&rig, 0x3000, 16);
	counters[0] = 3;
	counters[1] = 4;
	*request = (struct bare_request){ .call = BARE_CALL_COUNTERS,
					  .args = { 0x3000 } };
	CU_ASSERT_EQUAL(out(&rig, BARE_PORT_HYPERCALL, 4, REQUEST_GPA),
			BUS_HANDLED);
	machine_update_stats(rig.machine);
	CU_ASSERT_EQUAL(rig.stats.guest_doorbells, 3);
	CU_ASSERT_EQUAL(rig.stats.guest_interrupts, 4);
	rig_done(&rig);
}

static int no_submit(void *arg, struct virtio_9p_request *req)
{
	(void)arg;
	(void)req;
	return -EIO;
}

static void each_share_is_a_9p_device_behind_ivshmem(void)
{
	static const struct virtio_9p_ops ops = { .submit = no_submit };
	struct machine_opts opts;
	struct machine *machine;
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(config_read(&rig, 2, 0), 0xffffffff);
	opts = rig_opts(&rig);
	opts.shares_nr = 2;
	opts.shares[0] = (struct machine_share){ "one", &ops, NULL };
	opts.shares[1] = (struct machine_share){ "two", &ops, NULL };
	CU_ASSERT_EQUAL_FATAL(machine_create(&machine, &opts), 0);
	machine_destroy(rig.machine);
	rig.machine = machine;
	CU_ASSERT_EQUAL(config_read(&rig, 1, 0), 0x11101af4);
	CU_ASSERT_EQUAL(config_read(&rig, 2, 0), 0x10491af4);
	CU_ASSERT_EQUAL(config_read(&rig, 3, 0), 0x10491af4);
	CU_ASSERT_EQUAL(config_read(&rig, 4, 0), 0xffffffff);
	CU_ASSERT_PTR_NOT_EQUAL(machine_share(machine, 0),
				machine_share(machine, 1));
	/* A tag that no guest could find. */
	opts.shares[1].tag = "";
	CU_ASSERT_EQUAL(machine_create(&machine, &opts), -EINVAL);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(ram_is_slot_and_memory),
	TEST(pci_scan_finds_two_devices),
	TEST(machine_without_region_has_no_ivshmem),
	TEST(each_share_is_a_9p_device_behind_ivshmem),
	TEST(creation_that_fails_leaves_nothing),
	TEST(doorbell_and_registers_answer_on_mmio),
	TEST(own_vector_becomes_an_interrupt),
	TEST(bar_over_ram_or_apic_is_refused),
	TEST(unclaimed_accesses_read_ones),
	TEST(string_io_is_carried_out_count_times),
	TEST(exit_is_told_once_without_the_lock),
	TEST(counters_reach_stats),
};

UNIT_MAIN("machine", tests)
