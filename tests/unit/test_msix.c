/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_msix.c - is an eventfd an interrupt exactly while the guest allows? */
#include "vmm/devices/msix.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"

#define VECTORS_NR 3ull
#define PBA	   0x800u

static const struct pci_dev_ops no_ops = { .bar_map = NULL };
static const struct pci_id some_id = { .vendor = 1, .device = 2 };

struct rig {
	struct kvm_vm *vm;
	struct pci_dev dev;
	struct msix msix;
	int efd;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	rig->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	CU_ASSERT_EQUAL(kvm_vm_create(&rig->vm), 0);
	pci_dev_init(&rig->dev, "rig", &some_id, &no_ops, NULL);
	CU_ASSERT_EQUAL(
		msix_init(&rig->msix, rig->vm, &rig->dev, 1, VECTORS_NR), 0);
}

static void rig_done(struct rig *rig)
{
	msix_destroy(&rig->msix);
	kvm_vm_destroy(rig->vm);
	close(rig->efd);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

static void put(struct rig *rig, uint64_t off, uint32_t len, uint64_t value)
{
	struct bus_access access = {
		.off = off, .len = len, .is_write = true, .value = value
	};

	CU_ASSERT_EQUAL(msix_bar_access(&rig->msix, &access), BUS_HANDLED);
}

static uint64_t get(struct rig *rig, uint64_t off, uint32_t len)
{
	struct bus_access access = { .off = off, .len = len };

	CU_ASSERT_EQUAL(msix_bar_access(&rig->msix, &access), BUS_HANDLED);
	return len == 8 ? access.value
			: access.value & ((1ull << (8 * len)) - 1);
}

static void control(struct rig *rig, uint16_t value)
{
	pci_config_write(&rig->dev, 0x42, 2, value);
	msix_config_written(&rig->msix);
}

/* Vector 1 ready but for MSI-X itself. */
static void vector_ready(struct rig *rig)
{
	CU_ASSERT_EQUAL(msix_set_source(&rig->msix, 1, rig->efd), 0);
	put(rig, 0x10, 4, 0xfee01000);
	put(rig, 0x18, 4, 0x41);
	put(rig, 0x1c, 4, 0);
}

/* What vector 1 sends now; blank when it is not bound. */
static struct fake_gsi sent(const struct rig *rig)
{
	const struct fake_gsi *gsi = fake_kvm_irqfd(rig->vm, rig->efd);

	return gsi ? *gsi : (struct fake_gsi){ .used = false };
}

static bool is_bound(const struct rig *rig)
{
	return fake_kvm_irqfd(rig->vm, rig->efd);
}

static void capability_is_as_the_spec_says(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x40, 4), 0x00020011);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x44, 4), 0x001);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x48, 4), 0x801);
	pci_config_write(&rig.dev, 0x40, 4, 0xffffffff);
	pci_config_write(&rig.dev, 0x44, 4, 0xffffffff);
	pci_config_write(&rig.dev, 0x48, 4, 0xffffffff);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x40, 4), 0xc0020011);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x44, 4), 0x001);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x48, 4), 0x801);
	pci_config_write(&rig.dev, 0x14, 4, 0xffffffff);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x14, 4), 0xfffff000);
	rig_done(&rig);
}

static void init_with_no_or_too_many_vectors_is_einval(void)
{
	struct rig rig;
	struct msix msix;

	rig_init(&rig);
	CU_ASSERT_EQUAL(msix_init(&msix, rig.vm, &rig.dev, 4, 0), -EINVAL);
	CU_ASSERT_EQUAL(
		msix_init(&msix, rig.vm, &rig.dev, 4, MSIX_VECTORS_MAX + 1),
		-EINVAL);
	rig_done(&rig);
}

static void table_resets_masked(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint64_t i = 0; i < VECTORS_NR; i++) {
		CU_ASSERT_EQUAL(get(&rig, 16 * i, 8), 0);
		CU_ASSERT_EQUAL(get(&rig, 16 * i + 8, 8), 1ull << 32);
	}
	CU_ASSERT_EQUAL(get(&rig, 16 * VECTORS_NR + 12, 4), 0);
	rig_done(&rig);
}

static void entry_keeps_dwords_and_qwords(void)
{
	struct rig rig;

	rig_init(&rig);
	put(&rig, 0x20, 8, 0x11223344fee0100f);
	put(&rig, 0x28, 4, 0x55667788);
	put(&rig, 0x2c, 4, 0xfffffffe);
	CU_ASSERT_EQUAL(get(&rig, 0x20, 8), 0x11223344fee0100c);
	CU_ASSERT_EQUAL(get(&rig, 0x24, 4), 0x11223344);
	CU_ASSERT_EQUAL(get(&rig, 0x28, 4), 0x55667788);
	CU_ASSERT_EQUAL(get(&rig, 0x2c, 4), 0);
	put(&rig, 0x28, 8, 0xffffffff00000001);
	CU_ASSERT_EQUAL(get(&rig, 0x28, 8), 0x100000001);
	CU_ASSERT_EQUAL(get(&rig, 0x29, 1), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x22, 2), 0xfee0);
	rig_done(&rig);
}

static void odd_write_changes_nothing(void)
{
	struct rig rig;

	rig_init(&rig);
	put(&rig, 0x00, 1, 0xff);
	put(&rig, 0x00, 2, 0xffff);
	put(&rig, 0x02, 4, 0xffffffff);
	put(&rig, 0x04, 8, UINT64_MAX);
	put(&rig, 16 * VECTORS_NR, 8, UINT64_MAX);
	put(&rig, 0x7fc, 4, UINT32_MAX);
	put(&rig, PBA, 8, UINT64_MAX);
	put(&rig, 0xff8, 8, UINT64_MAX);
	for (uint32_t off = 0; off < 4096; off += 8)
		CU_ASSERT_EQUAL(get(&rig, off, 8),
				off % 16 == 8 && off < 16 * VECTORS_NR
					? 1ull << 32
					: 0);
	CU_ASSERT_EQUAL(get(&rig, 0xfff, 1), 0);
	CU_ASSERT_EQUAL(get(&rig, 0xffe, 4), 0);
	rig_done(&rig);
}

static void vector_is_bound_only_when_all_agree(void)
{
	struct rig rig;

	rig_init(&rig);
	vector_ready(&rig);
	CU_ASSERT_FALSE(is_bound(&rig));
	control(&rig, PCI_MSIX_CTL_ENABLE | PCI_MSIX_CTL_MASK_ALL);
	CU_ASSERT_FALSE(is_bound(&rig));
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_TRUE(is_bound(&rig));
	put(&rig, 0x1c, 4, 1);
	CU_ASSERT_FALSE(is_bound(&rig));
	put(&rig, 0x1c, 4, 0);
	CU_ASSERT_TRUE(is_bound(&rig));
	put(&rig, 0x10, 4, 0); /* no address */
	CU_ASSERT_FALSE(is_bound(&rig));
	put(&rig, 0x10, 4, 0xfee00000);
	CU_ASSERT_TRUE(is_bound(&rig));
	control(&rig, 0);
	CU_ASSERT_FALSE(is_bound(&rig));
	rig_done(&rig);
}

static void bound_vector_sends_its_entry(void)
{
	struct rig rig;

	rig_init(&rig);
	vector_ready(&rig);
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_EQUAL(sent(&rig).address, 0xfee01000);
	CU_ASSERT_EQUAL(sent(&rig).data, 0x41);
	put(&rig, 0x18, 4, 0x42); /* changed while unmasked */
	put(&rig, 0x10, 8, 0x1fee02000);
	CU_ASSERT_EQUAL(sent(&rig).address, 0x1fee02000);
	CU_ASSERT_EQUAL(sent(&rig).data, 0x42);
	rig_done(&rig);
}

static void source_may_come_change_and_go(void)
{
	struct rig rig;
	int other = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	rig_init(&rig);
	vector_ready(&rig);
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_EQUAL(msix_set_source(&rig.msix, 1, other), 0);
	CU_ASSERT_FALSE(is_bound(&rig));
	CU_ASSERT_PTR_NOT_NULL(fake_kvm_irqfd(rig.vm, other));
	CU_ASSERT_EQUAL(msix_set_source(&rig.msix, 1, -1), 0);
	CU_ASSERT_PTR_NULL(fake_kvm_irqfd(rig.vm, other));
	CU_ASSERT_EQUAL(msix_set_source(&rig.msix, VECTORS_NR, other), -EINVAL);
	CU_ASSERT_EQUAL(msix_set_source(&rig.msix, UINT32_MAX, other), -EINVAL);
	rig_done(&rig);
	close(other);
}

static void pending_shows_while_unbound_and_stays(void)
{
	struct rig rig;
	uint64_t count = 0;

	rig_init(&rig);
	vector_ready(&rig);
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), 0);
	CU_ASSERT_EQUAL(eventfd_write(rig.efd, 3), 0);
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), 2);
	CU_ASSERT_EQUAL(get(&rig, PBA, 4), 2);
	CU_ASSERT_EQUAL(get(&rig, PBA + 4, 4), 0);
	CU_ASSERT_EQUAL(get(&rig, PBA, 1), 2);
	put(&rig, PBA, 8, 0);
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), 2);
	CU_ASSERT_EQUAL(get(&rig, PBA + 8, 8), 0);
	/* Bound: the event is KVM's, which delivers it. */
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), 0);
	CU_ASSERT_EQUAL(eventfd_read(rig.efd, &count), 0);
	CU_ASSERT_EQUAL(count, 3);
	rig_done(&rig);
}

static void all_64_vectors_show_pending(void)
{
	struct rig rig;
	struct pci_dev dev;
	struct msix msix;

	rig_init(&rig);
	pci_dev_init(&dev, "full", &some_id, &no_ops, NULL);
	CU_ASSERT_EQUAL(msix_init(&msix, rig.vm, &dev, 0, MSIX_VECTORS_MAX), 0);
	CU_ASSERT_EQUAL(eventfd_write(rig.efd, 1), 0);
	for (uint32_t i = 0; i < MSIX_VECTORS_MAX; i++)
		CU_ASSERT_EQUAL(msix_set_source(&msix, i, rig.efd), 0);
	msix_destroy(&rig.msix);
	rig.msix = msix;
	rig.msix.dev = &rig.dev;
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), UINT64_MAX);
	CU_ASSERT_EQUAL(get(&rig, PBA + 4, 4), UINT32_MAX);
	rig_done(&rig);
}

static void kvm_failure_leaves_events_pending(void)
{
	struct rig rig;

	rig_init(&rig);
	vector_ready(&rig);
	CU_ASSERT_EQUAL(eventfd_write(rig.efd, 1), 0);
	fake_kvm.gsis_max = 0;
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_FALSE(is_bound(&rig));
	fake_kvm.gsis_max = FAKE_GSIS_NR;
	fake_kvm.route_err = -EINVAL;
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_FALSE(is_bound(&rig));
	fake_kvm.route_err = 0;
	fake_kvm.irqfd_add_err = -ENOMEM;
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_FALSE(is_bound(&rig));
	CU_ASSERT_EQUAL(get(&rig, PBA, 8), 2);
	fake_kvm.irqfd_add_err = 0;
	control(&rig, PCI_MSIX_CTL_ENABLE);
	CU_ASSERT_TRUE(is_bound(&rig));
	rig_done(&rig);
}

static void reset_unbinds_masks_and_disables(void)
{
	struct rig rig;

	rig_init(&rig);
	vector_ready(&rig);
	control(&rig, PCI_MSIX_CTL_ENABLE);
	msix_reset(&rig.msix);
	CU_ASSERT_FALSE(is_bound(&rig));
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x42, 2), VECTORS_NR - 1);
	CU_ASSERT_EQUAL(get(&rig, 0x10, 8), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x1c, 4), 1);
	vector_ready(&rig);
	CU_ASSERT_FALSE(is_bound(&rig));
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(capability_is_as_the_spec_says),
	TEST(init_with_no_or_too_many_vectors_is_einval),
	TEST(table_resets_masked),
	TEST(entry_keeps_dwords_and_qwords),
	TEST(odd_write_changes_nothing),
	TEST(vector_is_bound_only_when_all_agree),
	TEST(bound_vector_sends_its_entry),
	TEST(source_may_come_change_and_go),
	TEST(pending_shows_while_unbound_and_stays),
	TEST(all_64_vectors_show_pending),
	TEST(kvm_failure_leaves_events_pending),
	TEST(reset_unbinds_masks_and_disables),
};

UNIT_MAIN("msix", tests)
