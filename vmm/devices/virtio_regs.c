/* SPDX-License-Identifier: MIT */
/* virtio_regs.c - what may a virtio driver configure, and when? */
#include "vmm/devices/virtio_regs.h"

#include <string.h>

/* The common configuration as it lies in the BAR. */
struct image {
	uint32_t device_select, device_feature;
	uint32_t driver_select, driver_feature;
	uint16_t config_vector, queues_nr;
	uint8_t status, generation;
	uint16_t queue_select, queue_len, queue_vector, queue_enable;
	uint16_t queue_notify_off;
	uint64_t desc_gpa, avail_gpa, used_gpa;
};
_Static_assert(sizeof(struct image) == VIRTIO_COMMON_LEN, "4.1.4.3");

void virtio_regs_reset(struct virtio_regs *regs)
{
	*regs = (struct virtio_regs){
		.offered = regs->offered,
		.queues_nr = regs->queues_nr,
		.vectors_nr = regs->vectors_nr,
		.queue_len = regs->queue_len,
		.config_vector = VIRTIO_NO_VECTOR,
	};
	for (uint32_t i = 0; i < regs->queues_nr; i++)
		regs->queues[i] = (struct virtio_queue_regs){
			.len = regs->queue_len, .vector = VIRTIO_NO_VECTOR
		};
}

/* 32 of the 64 feature bits; there are no others. */
static uint32_t half(uint64_t features, uint32_t select)
{
	return select < 2 ? (uint32_t)(features >> (32 * select)) : 0;
}

uint64_t virtio_regs_read(const struct virtio_regs *regs, uint64_t off,
			  uint32_t len)
{
	/* 4.1.4.3.1: a queue that is not there has size 0. */
	const struct virtio_queue_regs absent = { .vector = VIRTIO_NO_VECTOR };
	const struct virtio_queue_regs *queue = &absent;
	struct image image;
	uint64_t value = 0;

	if (regs->queue_select < regs->queues_nr)
		queue = &regs->queues[regs->queue_select];
	image = (struct image){
		.device_select = regs->device_select,
		.device_feature = half(regs->offered, regs->device_select),
		.driver_select = regs->driver_select,
		.driver_feature = half(regs->features, regs->driver_select),
		.config_vector = regs->config_vector,
		.queues_nr = (uint16_t)regs->queues_nr,
		.status = regs->status,
		.queue_select = regs->queue_select,
		.queue_len = queue->len,
		.queue_vector = queue->vector,
		.queue_enable = queue->enabled,
		.queue_notify_off = regs->queue_select,
		.desc_gpa = queue->desc_gpa,
		.avail_gpa = queue->avail_gpa,
		.used_gpa = queue->used_gpa,
	};
	if (len > sizeof(value) || off > sizeof(image) - len)
		return 0;
	memcpy(&value, (const uint8_t *)&image + off, len);
	return value;
}

/* 2.2.2, 6.1: only what was offered, and never without VERSION_1. */
static bool features_good(const struct virtio_regs *regs)
{
	return !(regs->features & ~regs->offered) &&
	       regs->features & VIRTIO_F_VERSION_1;
}

static bool status_write(struct virtio_regs *regs, uint8_t value)
{
	const uint8_t settable = VIRTIO_STATUS_ACKNOWLEDGE |
				 VIRTIO_STATUS_DRIVER |
				 VIRTIO_STATUS_FEATURES_OK |
				 VIRTIO_STATUS_DRIVER_OK | VIRTIO_STATUS_FAILED;
	uint8_t added;

	if (!value) {
		regs->reset_wanted = regs->status & VIRTIO_STATUS_DRIVER_OK;
		if (!regs->reset_wanted)
			virtio_regs_reset(regs);
		return regs->reset_wanted;
	}
	/* 2.1.1: the driver adds bits, it does not take them away. */
	added = value & settable & (uint8_t)~regs->status;
	if (added & VIRTIO_STATUS_FEATURES_OK && !features_good(regs))
		added &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	/* 3.1.1: without FEATURES_OK the device is not usable. */
	if (!((regs->status | added) & VIRTIO_STATUS_FEATURES_OK))
		added &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
	regs->status |= added;
	return added & VIRTIO_STATUS_DRIVER_OK;
}

static void driver_feature_write(struct virtio_regs *regs, uint32_t value)
{
	uint32_t shift = 32 * regs->driver_select;

	if (regs->driver_select > 1 || regs->status & VIRTIO_STATUS_FEATURES_OK)
		return;
	regs->features &= ~((uint64_t)UINT32_MAX << shift);
	regs->features |= (uint64_t)value << shift;
}

/* 4.1.4.3.1: a vector there is not reads back as NO_VECTOR. */
static uint16_t vector_of(const struct virtio_regs *regs, uint16_t value)
{
	return value < regs->vectors_nr ? value : VIRTIO_NO_VECTOR;
}

static void put_half(uint64_t *gpa, bool high, uint32_t value)
{
	uint32_t shift = high ? 32 : 0;

	*gpa &= ~((uint64_t)UINT32_MAX << shift);
	*gpa |= (uint64_t)value << shift;
}

/* A queue's own registers; all but its vector stay once it is enabled. */
static void queue_write(struct virtio_regs *regs, uint64_t off, uint32_t value)
{
	struct virtio_queue_regs *queue;

	if (regs->queue_select >= regs->queues_nr)
		return;
	queue = &regs->queues[regs->queue_select];
	if (off == VIRTIO_COMMON_QUEUE_VECTOR)
		queue->vector = vector_of(regs, (uint16_t)value);
	if (queue->enabled)
		return;
	switch (off) {
	case VIRTIO_COMMON_QUEUE_SIZE:
		if (value && value <= regs->queue_len && !(value & (value - 1)))
			queue->len = (uint16_t)value;
		break;
	case VIRTIO_COMMON_QUEUE_ENABLE: /* writing 0 is not allowed */
		queue->enabled = value == 1;
		break;
	case VIRTIO_COMMON_QUEUE_DESC:
	case VIRTIO_COMMON_QUEUE_DESC + 4:
		put_half(&queue->desc_gpa, off & 4, value);
		break;
	case VIRTIO_COMMON_QUEUE_AVAIL:
	case VIRTIO_COMMON_QUEUE_AVAIL + 4:
		put_half(&queue->avail_gpa, off & 4, value);
		break;
	case VIRTIO_COMMON_QUEUE_USED:
	case VIRTIO_COMMON_QUEUE_USED + 4:
		put_half(&queue->used_gpa, off & 4, value);
		break;
	}
}

/* The width a register at off has; 0: read-only, or none begins there. */
static uint32_t width_at(uint64_t off)
{
	switch (off) {
	case VIRTIO_COMMON_STATUS:
		return 1;
	case VIRTIO_COMMON_CONFIG_VECTOR:
	case VIRTIO_COMMON_QUEUE_SELECT:
	case VIRTIO_COMMON_QUEUE_SIZE:
	case VIRTIO_COMMON_QUEUE_VECTOR:
	case VIRTIO_COMMON_QUEUE_ENABLE:
		return 2;
	case VIRTIO_COMMON_DEVICE_FEATURE_SELECT:
	case VIRTIO_COMMON_DRIVER_FEATURE_SELECT:
	case VIRTIO_COMMON_DRIVER_FEATURE:
		return 4;
	}
	return off >= VIRTIO_COMMON_QUEUE_DESC && off < VIRTIO_COMMON_LEN &&
			       off % 4 == 0
		       ? 4
		       : 0;
}

bool virtio_regs_write(struct virtio_regs *regs, uint64_t off, uint32_t len,
		       uint64_t value)
{
	/* 4.1.3.1: 64-bit fields are two dwords. A driver that stores them
	 * at once means the same. */
	if (len == 8 && off >= VIRTIO_COMMON_QUEUE_DESC && off % 8 == 0) {
		(void)virtio_regs_write(regs, off, 4, (uint32_t)value);
		return virtio_regs_write(regs, off + 4, 4, value >> 32);
	}
	/* Other widths than the field's are not allowed; until a reset is
	 * done the driver has to wait (4.1.4.3.2). */
	if (len != width_at(off) || regs->reset_wanted)
		return false;
	switch (off) {
	case VIRTIO_COMMON_DEVICE_FEATURE_SELECT:
		regs->device_select = (uint32_t)value;
		break;
	case VIRTIO_COMMON_DRIVER_FEATURE_SELECT:
		regs->driver_select = (uint32_t)value;
		break;
	case VIRTIO_COMMON_DRIVER_FEATURE:
		driver_feature_write(regs, (uint32_t)value);
		break;
	case VIRTIO_COMMON_CONFIG_VECTOR:
		regs->config_vector = vector_of(regs, (uint16_t)value);
		break;
	case VIRTIO_COMMON_STATUS:
		return status_write(regs, (uint8_t)value);
	case VIRTIO_COMMON_QUEUE_SELECT:
		regs->queue_select = (uint16_t)value;
		break;
	default:
		queue_write(regs, off, (uint32_t)value);
		break;
	}
	return false;
}
