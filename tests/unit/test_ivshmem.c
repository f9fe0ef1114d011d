/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_ivshmem.c - is it the device of the specification, from all sides? */
#include "vmm/devices/ivshmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"

#define OWN_ID	   5u
#define REGION_LEN 0x200000ull
#define BAR0_GPA   0xe0000000ull
#define BAR1_GPA   0xe0001000ull
#define BAR2_GPA   0x8000000000ull
#define BELL_GPA   (BAR0_GPA + IVSHMEM_REG_DOORBELL)

struct rig {
	struct kvm_vm *vm;
	struct bus mmio;
	struct stats stats;
	void *region;
	struct ivshmem *dev;
	struct pci_dev *pci;
	int efd;
};

static struct ivshmem_opts rig_opts(struct rig *rig, uint32_t vectors_nr)
{
	return (struct ivshmem_opts){
		.kvm = rig->vm,
		.mmio = &rig->mmio,
		.stats = &rig->stats,
		.region_hva = rig->region,
		.region_len = REGION_LEN,
		.vectors_nr = vectors_nr,
		.peer_id = OWN_ID,
	};
}

static void put32(struct rig *rig, uint32_t reg, uint32_t value)
{
	pci_config_write(rig->pci, reg, 4, value);
}

static uint32_t get32(struct rig *rig, uint32_t reg)
{
	return pci_config_read(rig->pci, reg, 4);
}

static void decode(struct rig *rig, bool on)
{
	pci_config_write(rig->pci, PCI_REG_COMMAND, 2,
			 on ? PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER : 0);
}

/* A device with all BARs placed, not yet decoding. */
static void rig_init(struct rig *rig, uint32_t vectors_nr)
{
	struct ivshmem_opts opts;

	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	rig->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rig->region = aligned_alloc(4096, REGION_LEN);
	CU_ASSERT_EQUAL(kvm_vm_create(&rig->vm), 0);
	opts = rig_opts(rig, vectors_nr);
	CU_ASSERT_EQUAL_FATAL(ivshmem_create(&rig->dev, &opts), 0);
	rig->pci = ivshmem_pci(rig->dev);
	put32(rig, 0x10, BAR0_GPA);
	put32(rig, 0x14, BAR1_GPA);
	put32(rig, 0x18, (uint32_t)BAR2_GPA);
	put32(rig, 0x1c, BAR2_GPA >> 32);
}

static void rig_done(struct rig *rig)
{
	ivshmem_destroy(rig->dev);
	kvm_vm_destroy(rig->vm);
	free(rig->region);
	close(rig->efd);
	CU_ASSERT_EQUAL(rig->mmio.ranges_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

static uint64_t load(struct rig *rig, uint64_t off, uint32_t len)
{
	struct bus_access access = { .addr = BAR0_GPA + off, .len = len };

	(void)bus_access(&rig->mmio, &access);
	return access.value;
}

static void store(struct rig *rig, uint64_t off, uint32_t len, uint64_t value)
{
	struct bus_access access = { .addr = BAR0_GPA + off,
				     .len = len,
				     .is_write = true,
				     .value = value };

	(void)bus_access(&rig->mmio, &access);
}

static bool was_rung(int efd)
{
	eventfd_t count;

	return eventfd_read(efd, &count) == 0;
}

static void config_space_of_doorbell_matches_the_table(void)
{
	struct rig rig;

	rig_init(&rig, 4);
	for (uint32_t reg = 0x10; reg < 0x28; reg += 4)
		put32(&rig, reg, 0xffffffff);
	CU_ASSERT_EQUAL(get32(&rig, 0x00), 0x11101af4);
	CU_ASSERT_EQUAL(get32(&rig, 0x04), 0x00100000);
	CU_ASSERT_EQUAL(get32(&rig, 0x08), 0x05000001);
	CU_ASSERT_EQUAL(get32(&rig, 0x0c), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x10), 0xffffff00);
	CU_ASSERT_EQUAL(get32(&rig, 0x14), 0xfffff000);
	CU_ASSERT_EQUAL(get32(&rig, 0x18), 0xffe0000c);
	CU_ASSERT_EQUAL(get32(&rig, 0x1c), 0xffffffff);
	CU_ASSERT_EQUAL(get32(&rig, 0x20), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x24), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x2c), 0x11001af4);
	CU_ASSERT_EQUAL(get32(&rig, 0x34), 0x40);
	CU_ASSERT_EQUAL(get32(&rig, 0x3c), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x40), 0x00030011);
	CU_ASSERT_EQUAL(get32(&rig, 0x44), 0x001);
	CU_ASSERT_EQUAL(get32(&rig, 0x48), 0x801);
	rig_done(&rig);
}

static void config_space_of_plain_has_no_msix(void)
{
	struct rig rig;

	rig_init(&rig, 0);
	for (uint32_t reg = 0x10; reg < 0x28; reg += 4)
		put32(&rig, reg, 0xffffffff);
	CU_ASSERT_EQUAL(get32(&rig, 0x04), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x10), 0xffffff00);
	CU_ASSERT_EQUAL(get32(&rig, 0x14), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x18), 0xffe0000c);
	CU_ASSERT_EQUAL(get32(&rig, 0x34), 0);
	CU_ASSERT_EQUAL(get32(&rig, 0x40), 0);
	rig_done(&rig);
}

static void create_with_bad_options_is_einval(void)
{
	struct rig rig;
	struct ivshmem *dev;
	struct ivshmem_opts o;

	rig_init(&rig, 1);
	o = rig_opts(&rig, IVSHMEM_VECTORS_MAX + 1);
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o = rig_opts(&rig, 1);
	o.peer_id = IVSHMEM_PEERS_MAX;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o = rig_opts(&rig, 1);
	o.region_len = 0x300000;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o.region_len = 2048;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o.region_len = 0;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o.region_len = 1ull << 62; /* no BAR can be that long */
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o = rig_opts(&rig, 1);
	o.region_hva = NULL;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	o.region_hva = (uint8_t *)rig.region + 8;
	CU_ASSERT_EQUAL(ivshmem_create(&dev, &o), -EINVAL);
	rig_done(&rig);
}

static void registers_follow_their_access_rules(void)
{
	struct rig rig;

	rig_init(&rig, 2);
	decode(&rig, true);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 4), 0);
	CU_ASSERT_EQUAL(load(&rig, 0x04, 4), 0);
	store(&rig, 0x00, 4, 0xffffffff);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 4), 0xffffffff);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 4), 0xffffffff);
	store(&rig, 0x04, 4, 0x12345678);
	CU_ASSERT_EQUAL(load(&rig, 0x04, 4), 0x12345678);
	CU_ASSERT_EQUAL(load(&rig, 0x04, 4), 0); /* reading cleared it */
	store(&rig, 0x08, 4, 77);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 4), OWN_ID);
	CU_ASSERT_EQUAL(load(&rig, 0x0c, 4), 0);
	for (uint64_t off = 0x10; off < 0x100; off += 4) {
		store(&rig, off, 4, 0xffffffff);
		CU_ASSERT_EQUAL(load(&rig, off, 4), 0);
	}
	CU_ASSERT_EQUAL(rig.stats.doorbells_slow, 0);
	rig_done(&rig);
}

static void registers_answer_other_widths_as_qemu(void)
{
	struct rig rig;

	rig_init(&rig, 2);
	decode(&rig, true);
	store(&rig, 0x00, 4, 0x11223344);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 1), OWN_ID);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 2), OWN_ID);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 8), OWN_ID);
	CU_ASSERT_EQUAL(load(&rig, 0x09, 1), 0);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 1), 0x44);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 2), 0x3344);
	CU_ASSERT_EQUAL(load(&rig, 0x02, 2), 0);
	store(&rig, 0x00, 8, 0xaaaaaaaabbbbbbbb);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 8), 0xaaaaaaaabbbbbbbb);
	CU_ASSERT_EQUAL(load(&rig, 0x00, 8), 0xbbbbbbbb);
	CU_ASSERT_EQUAL(load(&rig, 0xfc, 8), UINT64_MAX); /* over the end */
	rig_done(&rig);
}

static void plain_has_position_0_and_no_doorbell(void)
{
	struct rig rig;

	rig_init(&rig, 0);
	decode(&rig, true);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 1, 0, rig.efd), 0);
	CU_ASSERT_EQUAL(ivshmem_own_vector(rig.dev, 0, rig.efd), -EINVAL);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 4), 0);
	store(&rig, 0x0c, 4, IVSHMEM_DOORBELL(1, 0));
	CU_ASSERT_FALSE(was_rung(rig.efd));
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	ivshmem_peer_gone(rig.dev, 1);
	rig_done(&rig);
}

static struct fake_slot slot_at(const struct rig *rig, uint64_t gpa)
{
	const struct fake_slot *slot = fake_kvm_slot(rig->vm, gpa);

	return slot ? *slot : (struct fake_slot){ .used = false };
}

static void bar2_is_a_memory_slot_while_it_decodes(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 0);
	decode(&rig, true);
	CU_ASSERT_PTR_EQUAL(slot_at(&rig, BAR2_GPA).hva, rig.region);
	CU_ASSERT_EQUAL(slot_at(&rig, BAR2_GPA).len, REGION_LEN);
	put32(&rig, 0x1c, 0x90);
	CU_ASSERT_PTR_NOT_NULL(fake_kvm_slot(rig.vm, 0x9000000000));
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 1);
	decode(&rig, false);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 0);
	rig_done(&rig);
}

static void bar2_on_another_range_is_refused_until_it_moves_on(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	CU_ASSERT_EQUAL(bus_add(&rig.mmio, 0, 0x400000, NULL, NULL), 0);
	decode(&rig, true);
	put32(&rig, 0x18, 0x200000);
	put32(&rig, 0x1c, 0); /* RAM */
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 0);
	put32(&rig, 0x18, BAR0_GPA); /* the device's own registers */
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 0);
	CU_ASSERT_EQUAL(load(&rig, 0x08, 4), OWN_ID);
	put32(&rig, 0x1c, 0x80);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 1);
	CU_ASSERT_EQUAL(bus_del(&rig.mmio, 0), 0);
	rig_done(&rig);
}

static void bar2_that_kvm_refuses_leaves_nothing_behind(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	fake_kvm.slot_add_err = -EINVAL;
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.mmio.ranges_nr, 2); /* BAR0, BAR1 */
	fake_kvm.slot_add_err = 0;
	decode(&rig, true);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 1);
	rig_done(&rig);
}

static void bar0_on_ram_places_no_doorbell(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	CU_ASSERT_EQUAL(bus_add(&rig.mmio, 0, 0x400000, NULL, NULL), 0);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 1, 0, rig.efd), 0);
	put32(&rig, 0x10, 0x1000);
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	put32(&rig, 0x10, BAR0_GPA);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	CU_ASSERT_EQUAL(bus_del(&rig.mmio, 0), 0);
	rig_done(&rig);
}

static void doorbells_follow_bar0(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 9, 0, rig.efd), 0);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 65535, 2, rig.efd), 0);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	decode(&rig, true);
	CU_ASSERT_TRUE(fake_kvm_store32(rig.vm, BELL_GPA, 0xffff0002));
	CU_ASSERT_TRUE(was_rung(rig.efd));
	put32(&rig, 0x10, 0xe2000000);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 2);
	CU_ASSERT_FALSE(fake_kvm_store32(rig.vm, BELL_GPA, 0xffff0002));
	CU_ASSERT_TRUE(fake_kvm_store32(rig.vm, 0xe200000c, 0xffff0002));
	ivshmem_peer_gone(rig.dev, 65535);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 1);
	decode(&rig, false);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	rig_done(&rig);
}

static void peer_out_of_range_is_einval(void)
{
	struct rig rig;

	rig_init(&rig, 2);
	CU_ASSERT_EQUAL(
		ivshmem_peer_vector(rig.dev, IVSHMEM_PEERS_MAX, 0, rig.efd),
		-EINVAL);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, UINT32_MAX, 0, rig.efd),
			-EINVAL);
	CU_ASSERT_EQUAL(
		ivshmem_peer_vector(rig.dev, 0, IVSHMEM_VECTORS_MAX, rig.efd),
		-EINVAL);
	CU_ASSERT_EQUAL(ivshmem_own_vector(rig.dev, 2, rig.efd), -EINVAL);
	rig_done(&rig);
}

static void doorbell_by_exit_rings_and_counts(void)
{
	struct rig rig;

	rig_init(&rig, 1);
	fake_kvm.ioeventfds_max = 0; /* the kernel's table is full */
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 7, 1, rig.efd), 0);
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.vm->ioeventfds_nr, 0);
	store(&rig, 0x0c, 4, IVSHMEM_DOORBELL(7, 1));
	CU_ASSERT_TRUE(was_rung(rig.efd));
	CU_ASSERT_EQUAL(rig.stats.doorbells_slow, 1);
	store(&rig, 0x08, 8, (uint64_t)IVSHMEM_DOORBELL(7, 1) << 32);
	CU_ASSERT_TRUE(was_rung(rig.efd));
	CU_ASSERT_EQUAL(rig.stats.doorbells_slow, 2);
	rig_done(&rig);
}

static void doorbell_to_nobody_is_ignored(void)
{
	static const uint32_t nobody[] = {
		IVSHMEM_DOORBELL(6, 0),	    /* absent peer */
		IVSHMEM_DOORBELL(7, 0),	    /* a gap in its vectors */
		IVSHMEM_DOORBELL(7, 2),	    /* one too many */
		IVSHMEM_DOORBELL(7, 0x100), /* would be 0 in 8 bits */
		IVSHMEM_DOORBELL(7, 0x101), /* would be 1 in 8 bits */
		IVSHMEM_DOORBELL(7, 0xffff), IVSHMEM_DOORBELL(0xffff, 0),
	};
	const uint32_t nr = sizeof(nobody) / sizeof(*nobody);
	struct rig rig;

	rig_init(&rig, 1);
	decode(&rig, true);
	CU_ASSERT_EQUAL(ivshmem_peer_vector(rig.dev, 7, 1, rig.efd), 0);
	for (uint32_t i = 0; i < nr; i++)
		store(&rig, 0x0c, 4, nobody[i]);
	CU_ASSERT_FALSE(was_rung(rig.efd));
	CU_ASSERT_EQUAL(rig.stats.doorbells_slow, nr);
	rig_done(&rig);
}

static void own_vector_is_interrupt_and_doorbell(void)
{
	struct bus_access unmask = { .addr = BAR1_GPA + 0x1c,
				     .len = 4,
				     .is_write = true };
	struct bus_access address = { .addr = BAR1_GPA + 0x10,
				      .len = 8,
				      .is_write = true,
				      .value = 0xfee00000 };
	struct rig rig;

	rig_init(&rig, 2);
	decode(&rig, true);
	CU_ASSERT_EQUAL(ivshmem_own_vector(rig.dev, 1, rig.efd), 0);
	CU_ASSERT_TRUE(fake_kvm_store32(rig.vm, BELL_GPA,
					IVSHMEM_DOORBELL(OWN_ID, 1)));
	CU_ASSERT_TRUE(was_rung(rig.efd));
	CU_ASSERT_EQUAL(bus_access(&rig.mmio, &address), BUS_HANDLED);
	CU_ASSERT_EQUAL(bus_access(&rig.mmio, &unmask), BUS_HANDLED);
	CU_ASSERT_PTR_NULL(fake_kvm_irqfd(rig.vm, rig.efd));
	pci_config_write(rig.pci, 0x42, 2, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_PTR_NOT_NULL(fake_kvm_irqfd(rig.vm, rig.efd));
	rig_done(&rig); /* takes the irqfd away */
}

static void destroy_of_nothing_is_fine(void)
{
	ivshmem_destroy(NULL);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(config_space_of_doorbell_matches_the_table),
	TEST(config_space_of_plain_has_no_msix),
	TEST(create_with_bad_options_is_einval),
	TEST(registers_follow_their_access_rules),
	TEST(registers_answer_other_widths_as_qemu),
	TEST(plain_has_position_0_and_no_doorbell),
	TEST(bar2_is_a_memory_slot_while_it_decodes),
	TEST(bar2_on_another_range_is_refused_until_it_moves_on),
	TEST(bar2_that_kvm_refuses_leaves_nothing_behind),
	TEST(bar0_on_ram_places_no_doorbell),
	TEST(doorbells_follow_bar0),
	TEST(peer_out_of_range_is_einval),
	TEST(doorbell_by_exit_rings_and_counts),
	TEST(doorbell_to_nobody_is_ignored),
	TEST(own_vector_is_interrupt_and_doorbell),
	TEST(destroy_of_nothing_is_fine),
};

UNIT_MAIN("ivshmem", tests)
