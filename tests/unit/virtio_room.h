/* SPDX-License-Identifier: MIT */
/*
 * virtio_room.h - a driver of a virtio PCI device, in a test: configuration
 * space, BAR accesses as a vCPU's exits bring them, and initialization as
 * VIRTIO 1.2, 3.1.1 has it.
 */
#ifndef TESTS_UNIT_VIRTIO_ROOM_H
#define TESTS_UNIT_VIRTIO_ROOM_H

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "shm/virtio.h"
#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "tests/unit/virtq_room.h"
#include "vmm/devices/bus.h"
#include "vmm/devices/pci.h"
#include "vmm/devices/virtio_pci.h"

#define VIRTIO_BAR0_GPA 0xe0000000u
#define VIRTIO_BAR1_GPA 0xe0010000u

struct virtio_room {
	struct kvm_vm *vm;
	struct bus mmio;
	struct pci_dev *pci;
	struct virtq_room queue;
};

static inline void virtio_room_init(struct virtio_room *room)
{
	memset(room, 0, sizeof(*room));
	fake_kvm_reset();
	CU_ASSERT_EQUAL_FATAL(kvm_vm_create(&room->vm), 0);
	virtq_room_init(&room->queue, 8);
}

/* The device is gone by now. */
static inline void virtio_room_done(struct virtio_room *room)
{
	virtq_room_done(&room->queue);
	kvm_vm_destroy(room->vm);
	CU_ASSERT_EQUAL(room->mmio.ranges_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

/* Both BARs decode. */
static inline void virtio_room_map(struct virtio_room *room)
{
	pci_config_write(room->pci, PCI_REG_BAR(0), 4, VIRTIO_BAR0_GPA);
	pci_config_write(room->pci, PCI_REG_BAR(1), 4, VIRTIO_BAR1_GPA);
	pci_config_write(room->pci, PCI_REG_COMMAND, 2,
			 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static inline uint64_t virtio_load(struct virtio_room *room, uint64_t off,
				   uint32_t len)
{
	struct bus_access access = { .addr = VIRTIO_BAR0_GPA + off,
				     .len = len };

	(void)bus_access(&room->mmio, &access);
	return access.value;
}

static inline void virtio_store(struct virtio_room *room, uint64_t off,
				uint32_t len, uint64_t value)
{
	struct bus_access access = { .addr = VIRTIO_BAR0_GPA + off,
				     .len = len,
				     .is_write = true,
				     .value = value };

	(void)bus_access(&room->mmio, &access);
}

static inline uint8_t virtio_status(struct virtio_room *room)
{
	return (uint8_t)virtio_load(room, VIRTIO_COMMON_STATUS, 1);
}

static inline void virtio_add_status(struct virtio_room *room, uint8_t bits)
{
	virtio_store(room, VIRTIO_COMMON_STATUS, 1, virtio_status(room) | bits);
}

static inline void virtio_put_features(struct virtio_room *room,
				       uint64_t features)
{
	for (uint32_t i = 0; i < 2; i++) {
		virtio_store(room, VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 4, i);
		virtio_store(room, VIRTIO_COMMON_DRIVER_FEATURE, 4,
			     (uint32_t)(features >> (32 * i)));
	}
}

/* Steps 1 to 6: up to FEATURES_OK. */
static inline void virtio_begin(struct virtio_room *room, uint64_t features)
{
	virtio_store(room, VIRTIO_COMMON_STATUS, 1, 0);
	virtio_add_status(room, VIRTIO_STATUS_ACKNOWLEDGE);
	virtio_add_status(room, VIRTIO_STATUS_DRIVER);
	virtio_put_features(room, features | VIRTIO_F_VERSION_1);
	virtio_add_status(room, VIRTIO_STATUS_FEATURES_OK);
}

/* Queue 0 is where virtq_room.h has it. */
static inline void virtio_put_queue(struct virtio_room *room)
{
	virtio_store(room, VIRTIO_COMMON_QUEUE_SELECT, 2, 0);
	virtio_store(room, VIRTIO_COMMON_QUEUE_SIZE, 2, room->queue.len);
	virtio_store(room, VIRTIO_COMMON_QUEUE_DESC, 4, VIRTQ_DESC_GPA);
	virtio_store(room, VIRTIO_COMMON_QUEUE_AVAIL, 4, VIRTQ_AVAIL_GPA);
	virtio_store(room, VIRTIO_COMMON_QUEUE_USED, 4, VIRTQ_USED_GPA);
	virtio_store(room, VIRTIO_COMMON_QUEUE_VECTOR, 2, 0);
	virtio_store(room, VIRTIO_COMMON_CONFIG_VECTOR, 2, 1);
	virtio_store(room, VIRTIO_COMMON_QUEUE_ENABLE, 2, 1);
}

/* The rings begin anew too. */
static inline void virtio_go(struct virtio_room *room, uint64_t features)
{
	memset(virtq_avail(&room->queue), 0, 4096);
	memset(virtq_used(&room->queue), 0, 4096);
	room->queue.avail_idx = room->queue.seen_idx = 0;
	virtio_begin(room, features);
	virtio_put_queue(room);
	virtio_add_status(room, VIRTIO_STATUS_DRIVER_OK);
}

static inline bool virtio_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* MSI-X on, both vectors open: their GSIs tell what they are bound to. */
static inline void virtio_enable_msix(struct virtio_room *room)
{
	for (uint32_t i = 0; i < 2; i++) {
		static const uint32_t entry[4] = { 0xfee00000, 0, 0x40, 0 };

		for (uint32_t j = 0; j < 4; j++) {
			struct bus_access access = {
				.addr = VIRTIO_BAR1_GPA + 16ull * i + 4ull * j,
				.len = 4,
				.is_write = true,
				.value = entry[j] + (j == 2 ? i : 0),
			};

			(void)bus_access(&room->mmio, &access);
		}
	}
	for (uint32_t at = pci_config_read(room->pci, 0x34, 1); at;
	     at = pci_config_read(room->pci, at + 1, 1))
		if (pci_config_read(room->pci, at, 1) == PCI_CAP_ID_MSIX)
			pci_config_write(room->pci, at + PCI_MSIX_CTL, 2,
					 PCI_MSIX_CTL_ENABLE);
}

/* Has the MSI with that data been raised? The fake's irqfd takes nothing. */
static inline bool virtio_interrupted(struct virtio_room *room, uint32_t data)
{
	uint64_t count;

	for (uint32_t i = 0; i < FAKE_GSIS_NR; i++) {
		const struct fake_gsi *gsi = &room->vm->gsis[i];

		if (gsi->has_irqfd && gsi->data == data)
			return read(gsi->efd, &count, sizeof(count)) ==
			       sizeof(count);
	}
	return false;
}

#endif
