/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* test_virtio_pci.c - is the transport the one drivers expect, and does it
 * believe no more than it has to? */
#include "vmm/devices/virtio_pci.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "tests/unit/virtio_room.h"

#define QUEUES_NR 2u
#define FEATURES  (VIRTIO_F_EVENT_IDX | 1u)
#define DOORBELL  (VIRTIO_BAR0_GPA + VIRTIO_PCI_NOTIFY_OFF)

struct rig {
	struct virtio_room room;
	struct virtio_pci *dev;
};

static struct virtio_pci_opts rig_opts(struct rig *rig)
{
	return (struct virtio_pci_opts){
		.kvm = rig->room.vm,
		.mmio = &rig->room.mmio,
		.name = "test",
		.id = 9,
		.class_code = 0xff0000,
		.features = FEATURES,
		.queues_nr = QUEUES_NR,
		.queue_len = 64,
		.config = "\x03\0abc",
		.config_len = 5,
	};
}

static void rig_init(struct rig *rig)
{
	struct virtio_pci_opts opts;

	virtio_room_init(&rig->room);
	opts = rig_opts(rig);
	CU_ASSERT_EQUAL_FATAL(virtio_pci_create(&rig->dev, &opts), 0);
	rig->room.pci = virtio_pci_dev(rig->dev);
	virtio_room_map(&rig->room);
}

static void rig_done(struct rig *rig)
{
	virtio_pci_destroy(rig->dev);
	virtio_room_done(&rig->room);
}

static uint32_t config(struct rig *rig, uint32_t reg, uint32_t len)
{
	return pci_config_read(rig->room.pci, reg, len);
}

/* The capability of that type; 0: none. */
static uint32_t find(struct rig *rig, uint8_t type)
{
	for (uint32_t at = config(rig, 0x34, 1); at;
	     at = config(rig, at + 1, 1))
		if (config(rig, at, 1) == VIRTIO_PCI_CAP_ID &&
		    config(rig, at + VIRTIO_PCI_CAP_TYPE, 1) == type)
			return at;
	return 0;
}

static bool kicked(struct rig *rig)
{
	return virtio_readable(virtio_pci_kick_fd(rig->dev));
}

static struct virtio_pci_setup look(struct rig *rig)
{
	struct virtio_pci_setup setup;

	virtio_pci_look(rig->dev, &setup);
	return setup;
}

static void identity_and_capabilities_are_those_of_the_specification(void)
{
	static const struct {
		uint8_t type, len;
		uint32_t off, length;
	} caps[] = {
		{ VIRTIO_PCI_TYPE_COMMON, 16, 0, 56 },
		{ VIRTIO_PCI_TYPE_ISR, 16, 0x1000, 1 },
		{ VIRTIO_PCI_TYPE_DEVICE, 16, 0x2000, 5 },
		{ VIRTIO_PCI_TYPE_NOTIFY, 20, 0x3000, 8 },
		{ VIRTIO_PCI_TYPE_CFG_WINDOW, 20, 0, 0 },
	};
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(config(&rig, 0x00, 4), 0x10491af4);
	CU_ASSERT_EQUAL(config(&rig, 0x08, 4), 0xff000001);
	CU_ASSERT_EQUAL(config(&rig, 0x2c, 4), 0x00401af4);
	CU_ASSERT_EQUAL(config(&rig, 0x3d, 1), 0);
	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		uint32_t at = find(&rig, caps[i].type);

		CU_ASSERT_NOT_EQUAL_FATAL(at, 0);
		CU_ASSERT_EQUAL(config(&rig, at + 2, 1), caps[i].len);
		CU_ASSERT_EQUAL(config(&rig, at + 4, 1), 0);
		CU_ASSERT_EQUAL(config(&rig, at + 8, 4), caps[i].off);
		CU_ASSERT_EQUAL(config(&rig, at + 12, 4), caps[i].length);
	}
	CU_ASSERT_EQUAL(
		config(&rig, find(&rig, VIRTIO_PCI_TYPE_NOTIFY) + 16, 4), 4);
	rig_done(&rig);
}

static void options_that_cannot_be_are_einval(void)
{
	struct virtio_pci *dev;
	struct rig rig;

	virtio_room_init(&rig.room);
	for (int i = 0; i < 6; i++) {
		struct virtio_pci_opts opts = rig_opts(&rig);

		opts.queues_nr = i == 0 ? 0 : i == 1 ? 9 : 1;
		opts.queue_len = i == 2 ? 0 : i == 3 ? 48 : 64;
		opts.config_len = i == 4 ? 0 : i == 5 ? 4097 : 5;
		CU_ASSERT_EQUAL(virtio_pci_create(&dev, &opts), -EINVAL);
	}
	virtio_pci_destroy(NULL);
	virtio_room_done(&rig.room);
}

static void features_read_back_in_halves(void)
{
	static const uint32_t halves[] = { (uint32_t)FEATURES, 1, 0, 0 };
	static const uint32_t selects[] = { 0, 1, 2, 0xffffffff };
	struct virtio_room *room;
	struct rig rig;

	rig_init(&rig);
	room = &rig.room;
	for (int i = 0; i < 4; i++) {
		virtio_store(room, VIRTIO_COMMON_DEVICE_FEATURE_SELECT, 4,
			     selects[i]);
		CU_ASSERT_EQUAL(
			virtio_load(room, VIRTIO_COMMON_DEVICE_FEATURE, 4),
			halves[i]);
		/* The driver's beyond 64 bits are nobody's. */
		virtio_store(room, VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 4,
			     selects[i]);
		virtio_store(room, VIRTIO_COMMON_DRIVER_FEATURE, 4, 0xa5 + i);
		CU_ASSERT_EQUAL(
			virtio_load(room, VIRTIO_COMMON_DRIVER_FEATURE, 4),
			i < 2 ? 0xa5 + i : 0);
	}
	rig_done(&rig);
}

static void features_ok_needs_version_1_and_nothing_unknown(void)
{
	static const struct {
		uint64_t features;
		bool ok;
	} cases[] = {
		{ VIRTIO_F_VERSION_1, true },
		{ VIRTIO_F_VERSION_1 | FEATURES, true },
		{ 0, false },
		{ FEATURES, false },
		{ VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC, false },
		{ VIRTIO_F_VERSION_1 | 1ull << 63, false },
	};
	struct rig rig;

	rig_init(&rig);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
		virtio_put_features(&rig.room, cases[i].features);
		virtio_add_status(&rig.room, VIRTIO_STATUS_FEATURES_OK);
		CU_ASSERT_EQUAL(!!(virtio_status(&rig.room) &
				   VIRTIO_STATUS_FEATURES_OK),
				cases[i].ok);
		virtio_add_status(&rig.room, VIRTIO_STATUS_DRIVER_OK);
		CU_ASSERT_EQUAL(look(&rig).live, cases[i].ok);
		if (cases[i].ok)
			virtio_pci_reset_done(rig.dev);
	}
	rig_done(&rig);
}

static void status_bits_are_only_added_and_needs_reset_is_not_the_drivers(void)
{
	struct virtio_room *room;
	struct rig rig;

	rig_init(&rig);
	room = &rig.room;
	virtio_begin(room, 0);
	CU_ASSERT_EQUAL(virtio_status(room), 0x0b);
	virtio_store(room, VIRTIO_COMMON_STATUS, 1, 0xff & ~0x04);
	CU_ASSERT_EQUAL(virtio_status(room), 0x8b);
	virtio_store(room, VIRTIO_COMMON_STATUS, 1, 1);
	CU_ASSERT_EQUAL(virtio_status(room), 0x8b);
	/* Settled features stay. */
	virtio_put_features(room, 1);
	virtio_store(room, VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 4, 0);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_DRIVER_FEATURE, 4), 0);
	rig_done(&rig);
}

static void queue_registers_take_what_is_allowed_until_enabled(void)
{
	struct virtio_room *room;
	struct rig rig;

	rig_init(&rig);
	room = &rig.room;
	virtio_begin(room, 0);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_NUM_QUEUES, 2), 2);
	virtio_store(room, VIRTIO_COMMON_QUEUE_SELECT, 2, 1);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_SIZE, 2), 64);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_NOTIFY_OFF, 2),
			1);
	for (uint32_t bad = 0; bad < 4; bad++) {
		static const uint16_t sizes[] = { 0, 3, 128, 0xffff };

		virtio_store(room, VIRTIO_COMMON_QUEUE_SIZE, 2, sizes[bad]);
		CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_SIZE, 2),
				64);
	}
	virtio_store(room, VIRTIO_COMMON_QUEUE_SIZE, 2, 16);
	virtio_store(room, VIRTIO_COMMON_QUEUE_DESC, 4, 0x11111000);
	virtio_store(room, VIRTIO_COMMON_QUEUE_DESC + 4, 4, 2);
	virtio_store(room, VIRTIO_COMMON_QUEUE_AVAIL, 8, 0x333333000);
	/* Widths that the field has not. */
	virtio_store(room, VIRTIO_COMMON_QUEUE_USED, 2, 0x1000);
	virtio_store(room, VIRTIO_COMMON_QUEUE_USED + 2, 4, 0x1000);
	virtio_store(room, VIRTIO_COMMON_QUEUE_ENABLE, 4, 1);
	virtio_store(room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 2);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_ENABLE, 2), 0);
	virtio_store(room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 1);
	virtio_store(room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 0);
	virtio_store(room, VIRTIO_COMMON_QUEUE_SIZE, 2, 8);
	virtio_store(room, VIRTIO_COMMON_QUEUE_DESC, 4, 0);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_ENABLE, 2), 1);
	CU_ASSERT_EQUAL(virtio_load(room, VIRTIO_COMMON_QUEUE_DESC, 8),
			0x211111000);
	CU_ASSERT_EQUAL(look(&rig).queues[1].len, 16);
	CU_ASSERT_EQUAL(look(&rig).queues[1].avail_gpa, 0x333333000);
	CU_ASSERT_EQUAL(look(&rig).queues[1].used_gpa, 0);
	CU_ASSERT_FALSE(look(&rig).queues[0].enabled);
	rig_done(&rig);
}

static void queue_that_is_not_there_reads_empty_and_takes_nothing(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint32_t nr = QUEUES_NR; nr < 0x10000; nr += 0xfffd) {
		virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_SELECT, 2, nr);
		CU_ASSERT_EQUAL(
			virtio_load(&rig.room, VIRTIO_COMMON_QUEUE_SIZE, 2), 0);
		virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_SIZE, 2, 8);
		virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 1);
		CU_ASSERT_EQUAL(
			virtio_load(&rig.room, VIRTIO_COMMON_QUEUE_ENABLE, 2),
			0);
	}
	rig_done(&rig);
}

static void vector_there_is_not_reads_back_as_none(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint32_t reg = VIRTIO_COMMON_CONFIG_VECTOR;
	     reg <= VIRTIO_COMMON_QUEUE_VECTOR;
	     reg += VIRTIO_COMMON_QUEUE_VECTOR - VIRTIO_COMMON_CONFIG_VECTOR) {
		CU_ASSERT_EQUAL(virtio_load(&rig.room, reg, 2), 0xffff);
		virtio_store(&rig.room, reg, 2, QUEUES_NR);
		CU_ASSERT_EQUAL(virtio_load(&rig.room, reg, 2), QUEUES_NR);
		virtio_store(&rig.room, reg, 2, QUEUES_NR + 1);
		CU_ASSERT_EQUAL(virtio_load(&rig.room, reg, 2), 0xffff);
	}
	rig_done(&rig);
}

static void any_offset_and_width_is_answered(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint64_t off = 0; off < VIRTIO_PCI_BAR_LEN; off++)
		for (uint32_t len = 1; len <= 8; len *= 2) {
			virtio_store(&rig.room, off, len, UINT64_MAX);
			(void)virtio_load(&rig.room, off, len);
		}
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_COMMON_LEN, 4), 0);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_COMMON_LEN - 4, 8), 0);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_DEVICE_OFF, 8),
			0x6362610003);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_DEVICE_OFF + 4, 1),
			'c');
	rig_done(&rig);
}

static void doorbells_are_ioeventfds_that_follow_the_bar(void)
{
	struct rig rig;

	rig_init(&rig);
	for (uint32_t i = 0; i < QUEUES_NR; i++) {
		CU_ASSERT_TRUE(
			fake_kvm_store32(rig.room.vm, DOORBELL + 4 * i, i));
		CU_ASSERT_TRUE(kicked(&rig));
		(void)look(&rig);
		CU_ASSERT_FALSE(kicked(&rig));
	}
	CU_ASSERT_PTR_NULL(
		fake_kvm_ioeventfd(rig.room.vm, DOORBELL + 4 * QUEUES_NR, 0));
	pci_config_write(rig.room.pci, PCI_REG_BAR(0), 4,
			 VIRTIO_BAR0_GPA + 0x20000);
	CU_ASSERT_PTR_NULL(fake_kvm_ioeventfd(rig.room.vm, DOORBELL, 0));
	CU_ASSERT_PTR_NOT_NULL(
		fake_kvm_ioeventfd(rig.room.vm, DOORBELL + 0x20000, 0));
	pci_config_write(rig.room.pci, PCI_REG_COMMAND, 2, 0);
	CU_ASSERT_EQUAL(rig.room.vm->ioeventfds_nr, 0);
	rig_done(&rig);
}

static void doorbell_without_room_in_the_kernel_is_rung_by_an_exit(void)
{
	struct rig rig;

	rig_init(&rig);
	pci_config_write(rig.room.pci, PCI_REG_COMMAND, 2, 0);
	fake_kvm.ioeventfds_max = 1;
	virtio_room_map(&rig.room);
	virtio_store(&rig.room, VIRTIO_PCI_NOTIFY_OFF + 4, 2, 1);
	CU_ASSERT_TRUE(kicked(&rig));
	(void)look(&rig);
	virtio_store(&rig.room, VIRTIO_PCI_NOTIFY_OFF + 8, 2, 2);
	CU_ASSERT_FALSE(kicked(&rig));
	virtio_pci_again(rig.dev);
	CU_ASSERT_TRUE(kicked(&rig));
	rig_done(&rig);
}

static void reset_before_driver_ok_is_done_at_once(void)
{
	struct rig rig;

	rig_init(&rig);
	virtio_begin(&rig.room, 1);
	virtio_put_queue(&rig.room);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	CU_ASSERT_FALSE(kicked(&rig));
	CU_ASSERT_FALSE(look(&rig).queues[0].enabled);
	CU_ASSERT_EQUAL(look(&rig).features, 0);
	rig_done(&rig);
}

static void reset_after_driver_ok_waits_for_the_loop(void)
{
	struct rig rig;

	rig_init(&rig);
	virtio_go(&rig.room, 1);
	CU_ASSERT_TRUE(kicked(&rig));
	CU_ASSERT_TRUE(look(&rig).live);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	CU_ASSERT_TRUE(kicked(&rig));
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0x0f);
	CU_ASSERT_TRUE(look(&rig).reset);
	CU_ASSERT_FALSE(look(&rig).live);
	/* The driver has to wait; one that does not changes nothing. */
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 1);
	virtio_store(&rig.room, VIRTIO_COMMON_CONFIG_VECTOR, 2, 0);
	virtio_pci_reset_done(rig.dev);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	CU_ASSERT_FALSE(look(&rig).reset);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_COMMON_CONFIG_VECTOR, 2),
			0xffff);
	rig_done(&rig);
}

static void interrupts_go_to_the_vector_the_driver_chose(void)
{
	struct rig rig;

	rig_init(&rig);
	virtio_enable_msix(&rig.room);
	virtio_go(&rig.room, 0);
	virtio_pci_interrupt(rig.dev, 0);
	CU_ASSERT_TRUE(virtio_interrupted(&rig.room, 0x40));
	CU_ASSERT_FALSE(virtio_interrupted(&rig.room, 0x41));
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_ISR_OFF, 1), 1);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_ISR_OFF, 1), 0);
	virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_VECTOR, 2, 1);
	virtio_pci_interrupt(rig.dev, 0);
	CU_ASSERT_TRUE(virtio_interrupted(&rig.room, 0x41));
	/* None: only the status says so. */
	virtio_store(&rig.room, VIRTIO_COMMON_QUEUE_VECTOR, 2, 0xffff);
	virtio_pci_interrupt(rig.dev, 0);
	CU_ASSERT_FALSE(virtio_interrupted(&rig.room, 0x40));
	CU_ASSERT_FALSE(virtio_interrupted(&rig.room, 0x41));
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_ISR_OFF, 1), 1);
	rig_done(&rig);
}

static void broken_device_says_needs_reset_and_is_not_live(void)
{
	struct rig rig;

	rig_init(&rig);
	virtio_enable_msix(&rig.room);
	virtio_go(&rig.room, 0);
	virtio_pci_broken(rig.dev);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0x4f);
	CU_ASSERT_FALSE(look(&rig).live);
	CU_ASSERT_TRUE(virtio_interrupted(&rig.room, 0x41));
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_PCI_ISR_OFF, 1), 2);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0x0f);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0x4f);
	virtio_store(&rig.room, VIRTIO_COMMON_STATUS, 1, 0);
	CU_ASSERT_TRUE(look(&rig).reset);
	virtio_pci_reset_done(rig.dev);
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	rig_done(&rig);
}

static void window_put(struct rig *rig, uint8_t bar, uint32_t off, uint32_t len)
{
	uint32_t cap = find(rig, VIRTIO_PCI_TYPE_CFG_WINDOW);

	pci_config_write(rig->room.pci, cap + VIRTIO_PCI_CAP_BAR, 1, bar);
	pci_config_write(rig->room.pci, cap + VIRTIO_PCI_CAP_OFFSET, 4, off);
	pci_config_write(rig->room.pci, cap + VIRTIO_PCI_CAP_LENGTH, 4, len);
}

static void window_reaches_the_bars_without_mmio(void)
{
	uint32_t data;
	struct rig rig;

	rig_init(&rig);
	data = find(&rig, VIRTIO_PCI_TYPE_CFG_WINDOW) + VIRTIO_PCI_CAP_DATA;
	pci_config_write(rig.room.pci, PCI_REG_COMMAND, 2, 0);
	window_put(&rig, 0, VIRTIO_COMMON_STATUS, 1);
	pci_config_write(rig.room.pci, data, 1, 3);
	CU_ASSERT_EQUAL(config(&rig, data, 1), 3);
	window_put(&rig, 0, VIRTIO_COMMON_QUEUE_SIZE, 2);
	CU_ASSERT_EQUAL(config(&rig, data, 2), 64);
	window_put(&rig, 0, VIRTIO_PCI_DEVICE_OFF, 4);
	CU_ASSERT_EQUAL(config(&rig, data, 4), 0x62610003);
	window_put(&rig, 0, VIRTIO_PCI_NOTIFY_OFF, 2);
	pci_config_write(rig.room.pci, data, 2, 0);
	CU_ASSERT_TRUE(kicked(&rig));
	window_put(&rig, 1, 12, 4); /* vector 0 is masked after reset */
	CU_ASSERT_EQUAL(config(&rig, data, 4), 1);
	rig_done(&rig);
}

static void window_with_nonsense_in_it_changes_nothing(void)
{
	static const struct {
		uint8_t bar;
		uint32_t off, len;
	} cases[] = {
		{ 0, VIRTIO_COMMON_STATUS, 0 },
		{ 0, VIRTIO_COMMON_STATUS, 3 },
		{ 0, VIRTIO_COMMON_STATUS, 0x80000000 },
		{ 0, VIRTIO_COMMON_STATUS + 1, 2 },
		{ 0, VIRTIO_PCI_BAR_LEN, 1 },
		{ 0, 0xfffffffc, 4 },
		{ 1, 4096, 4 },
		{ 2, 0, 4 },
		{ 5, 0, 4 },
		{ 6, 0, 4 },
		{ 255, 0, 4 },
	};
	uint32_t data;
	struct rig rig;

	rig_init(&rig);
	data = find(&rig, VIRTIO_PCI_TYPE_CFG_WINDOW) + VIRTIO_PCI_CAP_DATA;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		window_put(&rig, cases[i].bar, cases[i].off, cases[i].len);
		pci_config_write(rig.room.pci, data, 4, 0x0f0f0f0f);
		CU_ASSERT_EQUAL(config(&rig, data, 4), 0x0f0f0f0f);
	}
	CU_ASSERT_EQUAL(virtio_status(&rig.room), 0);
	CU_ASSERT_FALSE(kicked(&rig));
	rig_done(&rig);
}

static void bar_over_another_is_refused_and_the_device_lives(void)
{
	struct rig rig;

	rig_init(&rig);
	pci_config_write(rig.room.pci, PCI_REG_BAR(1), 4, VIRTIO_BAR0_GPA);
	CU_ASSERT_EQUAL(virtio_load(&rig.room, VIRTIO_COMMON_NUM_QUEUES, 2), 2);
	pci_config_write(rig.room.pci, PCI_REG_BAR(1), 4, VIRTIO_BAR1_GPA);
	virtio_enable_msix(&rig.room);
	rig_done(&rig);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(identity_and_capabilities_are_those_of_the_specification),
	TEST(options_that_cannot_be_are_einval),
	TEST(features_read_back_in_halves),
	TEST(features_ok_needs_version_1_and_nothing_unknown),
	TEST(status_bits_are_only_added_and_needs_reset_is_not_the_drivers),
	TEST(queue_registers_take_what_is_allowed_until_enabled),
	TEST(queue_that_is_not_there_reads_empty_and_takes_nothing),
	TEST(vector_there_is_not_reads_back_as_none),
	TEST(any_offset_and_width_is_answered),
	TEST(doorbells_are_ioeventfds_that_follow_the_bar),
	TEST(doorbell_without_room_in_the_kernel_is_rung_by_an_exit),
	TEST(reset_before_driver_ok_is_done_at_once),
	TEST(reset_after_driver_ok_waits_for_the_loop),
	TEST(interrupts_go_to_the_vector_the_driver_chose),
	TEST(broken_device_says_needs_reset_and_is_not_live),
	TEST(window_reaches_the_bars_without_mmio),
	TEST(window_with_nonsense_in_it_changes_nothing),
	TEST(bar_over_another_is_refused_and_the_device_lives),
};
UNIT_MAIN("virtio_pci", tests)
