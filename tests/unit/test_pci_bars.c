/* SPDX-License-Identifier: MIT */
/* test_pci_bars.c - does each BAR decode where the guest put it, and only then?
 */
#include "vmm/devices/pci.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"

#define BAR32 0
#define BAR64 2

/* Remembers where each BAR decodes; refuses one address. */
struct spy {
	uint64_t at[PCI_BARS_NR];
	uint64_t refuse_gpa;
	uint32_t maps_nr, unmaps_nr;
	bool wrong_unmap;
};

static int spy_map(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct spy *spy = dev->arg;

	if (gpa == spy->refuse_gpa)
		return -EEXIST;
	spy->maps_nr++;
	spy->wrong_unmap |= spy->at[bar] != 0;
	spy->at[bar] = gpa;
	return 0;
}

static void spy_unmap(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct spy *spy = dev->arg;

	spy->unmaps_nr++;
	spy->wrong_unmap |= spy->at[bar] != gpa;
	spy->at[bar] = 0;
}

static const struct pci_dev_ops spy_ops = { .bar_map = spy_map,
					    .bar_unmap = spy_unmap };
static const struct pci_dev_ops no_ops = { .bar_map = NULL };
static const struct pci_id spy_id = { .vendor = 0x1234,
				      .device = 0x5678,
				      .subvendor = 0x9abc,
				      .subdevice = 0xdef0,
				      .class_code = 0x020304,
				      .revision = 5 };

struct rig {
	struct spy spy;
	struct pci_dev dev;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	pci_dev_init(&rig->dev, "spy", &spy_id, &spy_ops, &rig->spy);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig->dev, BAR32, 4096, 0), 0);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig->dev, BAR64, 0x100000,
					PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE),
			0);
}

static void put(struct rig *rig, uint32_t reg, uint32_t value)
{
	pci_config_write(&rig->dev, reg, 4, value);
}

static uint32_t get(struct rig *rig, uint32_t reg)
{
	return pci_config_read(&rig->dev, reg, 4);
}

static void decode(struct rig *rig, bool on)
{
	pci_config_write(&rig->dev, PCI_REG_COMMAND, 2,
			 on ? PCI_COMMAND_MEMORY : 0);
}

static void bar_sizes_by_ones(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint32_t reg = 0x10; reg < 0x28; reg += 4)
		put(&rig, reg, 0xffffffff);
	CU_ASSERT_EQUAL(get(&rig, 0x10), 0xfffff000);
	CU_ASSERT_EQUAL(get(&rig, 0x14), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x18), 0xfff0000c);
	CU_ASSERT_EQUAL(get(&rig, 0x1c), 0xffffffff);
	CU_ASSERT_EQUAL(get(&rig, 0x20), 0);
	CU_ASSERT_EQUAL(rig.spy.maps_nr, 0);
}

static void bar_above_4g_long_sizes_in_its_high_half(void)
{
	struct rig rig;
	struct pci_dev dev;

	rig_init(&rig);
	pci_dev_init(&dev, "long", &spy_id, &no_ops, NULL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&dev, 4, 8ull << 30, PCI_BAR_TYPE_64),
			0);
	pci_config_write(&dev, 0x20, 4, 0xffffffff);
	pci_config_write(&dev, 0x24, 4, 0xffffffff);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x20, 4), 0x4);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x24, 4), 0xfffffffe);
}

static void bar_bad_shape_is_einval(void)
{
	struct rig rig;
	const uint32_t is_64 = PCI_BAR_TYPE_64;

	rig_init(&rig);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, -1, 4096, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 6, 4096, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 5, 4096, is_64), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 8, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 4097, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 1ull << 32, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 1ull << 63, is_64),
			-EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 4, 4096, PCI_BAR_IO),
			-EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, BAR32, 4096, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 3, 4096, 0), -EINVAL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig.dev, 1, 4096, is_64), -EINVAL);
}

static void bar_decodes_while_the_command_bit_is_on(void)
{
	struct rig rig;

	rig_init(&rig);
	put(&rig, 0x10, 0xe0001000);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0);
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0xe0001000);
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.spy.maps_nr, 1);
	decode(&rig, false);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0);
	CU_ASSERT_EQUAL(get(&rig, 0x10), 0xe0001000);
	CU_ASSERT_FALSE(rig.spy.wrong_unmap);
}

static void bar_moves_while_it_decodes(void)
{
	struct rig rig;

	rig_init(&rig);
	decode(&rig, true);
	put(&rig, 0x10, 0xe0001000);
	put(&rig, 0x10, 0xe0002fff); /* low bits are not address */
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0xe0002000);
	CU_ASSERT_EQUAL(rig.spy.unmaps_nr, 1);
	pci_config_write(&rig.dev, 0x12, 2, 0xe100);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0xe1002000);
	put(&rig, 0x10, 0);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0);
	CU_ASSERT_FALSE(rig.spy.wrong_unmap);
}

static void bar_being_sized_does_not_decode(void)
{
	struct rig rig;

	rig_init(&rig);
	decode(&rig, true);
	put(&rig, 0x10, 0xe0001000);
	put(&rig, 0x10, 0xffffffff);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0);
	put(&rig, 0x18, 0xffffffff);
	put(&rig, 0x1c, 0xffffffff);
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0);
	put(&rig, 0x1c, 0x00100000); /* 2^52 and up */
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0);
	CU_ASSERT_FALSE(rig.spy.wrong_unmap);
}

static void bar_64_moves_in_two_halves(void)
{
	struct rig rig;

	rig_init(&rig);
	put(&rig, 0x18, 0x00100000);
	put(&rig, 0x1c, 0x80);
	decode(&rig, true);
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0x8000100000);
	put(&rig, 0x1c, 0);
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0x100000);
	put(&rig, 0x18, 0xe4000000);
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0xe4000000);
	CU_ASSERT_FALSE(rig.spy.wrong_unmap);
}

static void bar_refused_is_never_unmapped(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.spy.refuse_gpa = 0x100000;
	put(&rig, 0x18, 0x00100000);
	decode(&rig, true); /* half-way: refused */
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0);
	CU_ASSERT_FALSE(rig.dev.bars[BAR64].mapped);
	put(&rig, 0x1c, 0x80);
	CU_ASSERT_EQUAL(rig.spy.at[BAR64], 0x8000100000);
	CU_ASSERT_EQUAL(rig.spy.unmaps_nr, 0);
	CU_ASSERT_EQUAL(get(&rig, 0x18), 0x0010000c);
}

static void bar_refused_is_tried_again(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.spy.refuse_gpa = 0xe0001000;
	decode(&rig, true);
	put(&rig, 0x10, 0xe0001000);
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0);
	rig.spy.refuse_gpa = 0;
	put(&rig, 0x1c, 0x80); /* another BAR moves out of the way */
	CU_ASSERT_EQUAL(rig.spy.at[BAR32], 0xe0001000);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(bar_sizes_by_ones),
	TEST(bar_above_4g_long_sizes_in_its_high_half),
	TEST(bar_bad_shape_is_einval),
	TEST(bar_decodes_while_the_command_bit_is_on),
	TEST(bar_moves_while_it_decodes),
	TEST(bar_being_sized_does_not_decode),
	TEST(bar_64_moves_in_two_halves),
	TEST(bar_refused_is_never_unmapped),
	TEST(bar_refused_is_tried_again),
};

UNIT_MAIN("pci_bars", tests)
