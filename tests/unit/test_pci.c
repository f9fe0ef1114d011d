/* SPDX-License-Identifier: MIT */
/* test_pci.c - is configuration space what PCI says, whatever is written? */
#include "vmm/devices/pci.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"

struct spy {
	uint32_t mapped_nr, writes_nr;
};

static int spy_map(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct spy *spy = dev->arg;

	(void)bar;
	(void)gpa;
	spy->mapped_nr++;
	return 0;
}

static void spy_unmap(struct pci_dev *dev, int bar, uint64_t gpa)
{
	struct spy *spy = dev->arg;

	(void)bar;
	(void)gpa;
	spy->mapped_nr--;
}

static void spy_written(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	struct spy *spy = dev->arg;

	(void)reg;
	(void)len;
	spy->writes_nr++;
}

static const struct pci_dev_ops spy_ops = { .bar_map = spy_map,
					    .bar_unmap = spy_unmap,
					    .config_written = spy_written };
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
	struct pci_bus pci;
	struct bus ports;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	pci_dev_init(&rig->dev, "spy", &spy_id, &spy_ops, &rig->spy);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig->dev, 0, 4096, 0), 0);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&rig->dev, 2, 0x100000,
					PCI_BAR_TYPE_64 | PCI_BAR_PREFETCHABLE),
			0);
	CU_ASSERT_EQUAL(pci_bus_init(&rig->pci, &rig->ports), 0);
	rig->pci.slots[3] = &rig->dev;
}

static uint32_t in(struct rig *rig, uint16_t port, uint32_t len)
{
	struct bus_access access = { .addr = port, .len = len };

	(void)bus_access(&rig->ports, &access);
	return (uint32_t)access.value;
}

static void out(struct rig *rig, uint16_t port, uint32_t len, uint32_t value)
{
	struct bus_access access = {
		.addr = port, .len = len, .is_write = true, .value = value
	};

	(void)bus_access(&rig->ports, &access);
}

static void put(struct rig *rig, uint32_t reg, uint32_t value)
{
	pci_config_write(&rig->dev, reg, 4, value);
}

static uint32_t get(struct rig *rig, uint32_t reg)
{
	return pci_config_read(&rig->dev, reg, 4);
}

static void header_has_the_ids(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(get(&rig, 0x00), 0x56781234);
	CU_ASSERT_EQUAL(get(&rig, 0x04), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x08), 0x02030405);
	CU_ASSERT_EQUAL(get(&rig, 0x0c), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x10), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x18), 0xc);
	CU_ASSERT_EQUAL(get(&rig, 0x2c), 0xdef09abc);
	CU_ASSERT_EQUAL(get(&rig, 0x34), 0);
}

static void write_changes_only_what_may_change(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint32_t reg = 0; reg < PCI_CONFIG_LEN; reg += 4)
		if (reg < 0x10 || reg >= 0x20)
			put(&rig, reg, 0xffffffff);
	CU_ASSERT_EQUAL(get(&rig, 0x00), 0x56781234);
	CU_ASSERT_EQUAL(get(&rig, 0x04), 0x0407);
	CU_ASSERT_EQUAL(get(&rig, 0x08), 0x02030405);
	CU_ASSERT_EQUAL(get(&rig, 0x0c), 0x000000ff);
	CU_ASSERT_EQUAL(get(&rig, 0x20), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x2c), 0xdef09abc);
	CU_ASSERT_EQUAL(get(&rig, 0x30), 0);
	CU_ASSERT_EQUAL(get(&rig, 0x3c), 0x000000ff);
	CU_ASSERT_EQUAL(get(&rig, 0xfc), 0);
}

static void caps_are_chained_from_0x40(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 0x11, 12), 0x40);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 0x09, 3), 0x4c);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 0x05, 4), 0x50);
	CU_ASSERT_EQUAL(get(&rig, 0x34), 0x40);
	CU_ASSERT_EQUAL(get(&rig, 0x04), 0x00100000);
	CU_ASSERT_EQUAL(get(&rig, 0x40), 0x4c11);
	CU_ASSERT_EQUAL(get(&rig, 0x4c), 0x5009);
	CU_ASSERT_EQUAL(get(&rig, 0x50), 0x0005);
}

static void cap_without_room_is_enospc(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 1, 0xb0), 0x40);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 2, 0x11), -ENOSPC);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 2, 0x10), 0xf0);
	CU_ASSERT_EQUAL(pci_dev_add_cap(&rig.dev, 3, 2), -ENOSPC);
	CU_ASSERT_EQUAL(get(&rig, 0x40), 0xf001);
}

static void access_past_255_is_ones_and_dropped(void)
{
	struct rig rig;

	rig_init(&rig);
	memset(rig.dev.write_mask + 0xf0, 0xff, 16);
	pci_config_write(&rig.dev, 0xfe, 4, 0x44332211);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0xfe, 4), 0xffff2211);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0xfe, 2), 0x2211);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, 0x100, 4), 0xffffffff);
	CU_ASSERT_EQUAL(pci_config_read(&rig.dev, UINT32_MAX, 4), 0xffffffff);
	pci_config_write(&rig.dev, UINT32_MAX, 4, 0);
	CU_ASSERT_EQUAL(get(&rig, 0), 0x56781234);
}

static void config_written_follows_each_write(void)
{
	struct rig rig;

	rig_init(&rig);
	pci_config_write(&rig.dev, 0x3c, 1, 11);
	pci_config_write(&rig.dev, 0x00, 4, 0);
	CU_ASSERT_EQUAL(rig.spy.writes_nr, 2);
}

static void device_without_ops_can_be_written(void)
{
	struct pci_dev dev;

	pci_dev_init(&dev, "quiet", &spy_id, &no_ops, NULL);
	CU_ASSERT_EQUAL(pci_dev_add_bar(&dev, 0, 16, 0), 0);
	pci_config_write(&dev, 0x10, 4, 0xe0000000);
	pci_config_write(&dev, 0x04, 2, 0xffff);
	pci_config_write(&dev, 0x04, 2, 0);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x10, 4), 0xe0000000);
}

static void reset_is_power_on(void)
{
	struct rig fresh, rig;

	rig_init(&fresh);
	rig_init(&rig);
	put(&rig, 0x04, PCI_COMMAND_MEMORY);
	put(&rig, 0x10, 0xe0001000);
	put(&rig, 0x1c, 0x80);
	put(&rig, 0x3c, 0xff);
	CU_ASSERT_EQUAL(rig.spy.mapped_nr, 2);
	pci_dev_reset(&rig.dev);
	CU_ASSERT_EQUAL(rig.spy.mapped_nr, 0);
	CU_ASSERT_EQUAL(
		memcmp(rig.dev.config, fresh.dev.config, PCI_CONFIG_LEN), 0);
}

static void ports_reach_the_slot_at_every_alignment(void)
{
	struct rig rig;

	rig_init(&rig);
	out(&rig, 0xcf8, 4, PCI_ADDRESS(0, 3, 0, 0));
	CU_ASSERT_EQUAL(in(&rig, 0xcfc, 4), 0x56781234);
	CU_ASSERT_EQUAL(in(&rig, 0xcfc, 2), 0x1234);
	CU_ASSERT_EQUAL(in(&rig, 0xcfd, 2), 0x7812);
	CU_ASSERT_EQUAL(in(&rig, 0xcfe, 2), 0x5678);
	CU_ASSERT_EQUAL(in(&rig, 0xcfc, 1), 0x34);
	CU_ASSERT_EQUAL(in(&rig, 0xcfd, 1), 0x12);
	CU_ASSERT_EQUAL(in(&rig, 0xcfe, 1), 0x78);
	CU_ASSERT_EQUAL(in(&rig, 0xcff, 1), 0x56);
	/* Over the last port: nobody's. */
	CU_ASSERT_EQUAL(in(&rig, 0xcff, 2), 0xffff);
	CU_ASSERT_EQUAL(in(&rig, 0xcfd, 4), 0xffffffff);
	out(&rig, 0xcf8, 4, PCI_ADDRESS(0, 3, 0, 0x3c));
	out(&rig, 0xcfc, 1, 0x55);
	CU_ASSERT_EQUAL(in(&rig, 0xcfc, 4), 0x55);
}

static void latch_takes_only_an_aligned_dword(void)
{
	struct rig rig;

	rig_init(&rig);
	out(&rig, 0xcf8, 4, 0xffffffff);
	CU_ASSERT_EQUAL(in(&rig, 0xcf8, 4), 0x80fffffc);
	out(&rig, 0xcf8, 1, 0);
	out(&rig, 0xcf8, 2, 0);
	out(&rig, 0xcf9, 1, 6); /* a PC would reset */
	out(&rig, 0xcfa, 2, 0);
	out(&rig, 0xcfb, 1, 0);
	out(&rig, 0xcf9, 4, 0);
	CU_ASSERT_EQUAL(in(&rig, 0xcf8, 4), 0x80fffffc);
	CU_ASSERT_EQUAL(in(&rig, 0xcf8, 2), 0xffff);
	CU_ASSERT_EQUAL(in(&rig, 0xcf9, 1), 0xff);
	CU_ASSERT_EQUAL(in(&rig, 0xcfa, 4), 0xffffffff);
}

static void absent_function_reads_ones_and_drops_writes(void)
{
	static const uint32_t nowhere[] = {
		PCI_ADDRESS(0, 4, 0, 0),
		PCI_ADDRESS(0, 31, 7, 0),
		PCI_ADDRESS(1, 3, 0, 0),
		PCI_ADDRESS(255, 3, 0, 0),
		PCI_ADDRESS(0, 3, 1, 0),
		PCI_ADDRESS(0, 3, 7, 0),
		PCI_ADDRESS(0, 3, 0, 0) & ~PCI_ADDRESS_ENABLE,
	};
	struct rig rig;

	rig_init(&rig);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(*nowhere); i++) {
		out(&rig, 0xcf8, 4, nowhere[i] | 0x3c);
		out(&rig, 0xcfc, 4, 0x11111111);
		CU_ASSERT_EQUAL(in(&rig, 0xcfc, 4), 0xffffffff);
		CU_ASSERT_EQUAL(in(&rig, 0xcfe, 1), 0xff);
	}
	CU_ASSERT_EQUAL(get(&rig, 0x3c), 0);
	CU_ASSERT_EQUAL(rig.spy.writes_nr, 0);
}

static void made_up(struct pci_dev *dev, uint32_t reg, uint32_t len)
{
	if (reg <= 0x40 && reg + len > 0x40)
		dev->config[0x40]++;
}

static void what_is_made_up_is_asked_for_before_each_read(void)
{
	static const struct pci_dev_ops ops = { .config_reading = made_up };
	struct pci_dev dev;

	pci_dev_init(&dev, "made up", &spy_id, &ops, NULL);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x40, 1), 1);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x3f, 1), 0);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x3f, 4), 2 << 8);
	pci_config_write(&dev, 0x40, 1, 0);
	CU_ASSERT_EQUAL(pci_config_read(&dev, 0x40, 4), 3);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(header_has_the_ids),
	TEST(write_changes_only_what_may_change),
	TEST(caps_are_chained_from_0x40),
	TEST(cap_without_room_is_enospc),
	TEST(access_past_255_is_ones_and_dropped),
	TEST(config_written_follows_each_write),
	TEST(what_is_made_up_is_asked_for_before_each_read),
	TEST(device_without_ops_can_be_written),
	TEST(reset_is_power_on),
	TEST(ports_reach_the_slot_at_every_alignment),
	TEST(latch_takes_only_an_aligned_dword),
	TEST(absent_function_reads_ones_and_drops_writes),
};

UNIT_MAIN("pci", tests)
