/* SPDX-License-Identifier: MIT */
/*
 * virtio.h - virtio as device models and drivers share it: the split
 * virtqueue, the PCI transport, the 9P device's configuration.
 *
 * Names and offsets only, for those who know the machine; nothing of it is
 * about the shared region. All fields are little endian, as x86 is.
 *
 * Source: Virtual I/O Device (VIRTIO) Version 1.2, the sections given.
 *         linux/virtio_*.h say the same, but are not there for freestanding
 *         code.
 */
#ifndef SHM_VIRTIO_H
#define SHM_VIRTIO_H

#include <stdint.h>

/* --- 2.1 device status ---------------------------------------------------- */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01u
#define VIRTIO_STATUS_DRIVER	  0x02u
#define VIRTIO_STATUS_DRIVER_OK	  0x04u
#define VIRTIO_STATUS_FEATURES_OK 0x08u
#define VIRTIO_STATUS_NEEDS_RESET 0x40u /* the device's bit */
#define VIRTIO_STATUS_FAILED	  0x80u

/* --- 6 feature bits ------------------------------------------------------- */
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX     (1ull << 29)
#define VIRTIO_F_VERSION_1     (1ull << 32)

/* --- 2.7 split virtqueue -------------------------------------------------- */
#define VIRTQ_DESC_F_NEXT     0x1u
#define VIRTQ_DESC_F_WRITE    0x2u /* the device writes; else it reads */
#define VIRTQ_DESC_F_INDIRECT 0x4u

#define VIRTQ_AVAIL_F_NO_INTERRUPT 0x1u
#define VIRTQ_USED_F_NO_NOTIFY	   0x1u

/* 2.7: how the three parts are aligned */
#define VIRTQ_DESC_ALIGN  16u
#define VIRTQ_AVAIL_ALIGN 2u
#define VIRTQ_USED_ALIGN  4u

struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
_Static_assert(sizeof(struct virtq_desc) == 16, "2.7.5");

/* Written by the driver. Behind ring[len] stands used_event (2.7.7). */
struct virtq_avail {
	_Atomic uint16_t flags, idx;
	_Atomic uint16_t ring[];
};
_Static_assert(sizeof(struct virtq_avail) == 4, "2.7.6");

struct virtq_used_elem {
	uint32_t id, len;
};
_Static_assert(sizeof(struct virtq_used_elem) == 8, "2.7.8");

/* Written by the device. Behind ring[len] stands avail_event (2.7.10). */
struct virtq_used {
	_Atomic uint16_t flags, idx;
	struct virtq_used_elem ring[];
};
_Static_assert(sizeof(struct virtq_used) == 4, "2.7.8");

#define VIRTQ_DESC_LEN(nr)  (16ull * (nr))
#define VIRTQ_AVAIL_LEN(nr) (6ull + 2ull * (nr))
#define VIRTQ_USED_LEN(nr)  (6ull + 8ull * (nr))

/*
 * 2.7.7.2: does going from old to idx step over the entry that the other side
 * asked to be told of? All of them wrap.
 */
static inline int virtq_need_event(uint16_t event, uint16_t idx, uint16_t old)
{
	return (uint16_t)(idx - event - 1) < (uint16_t)(idx - old);
}

/* --- 4.1 the PCI transport ------------------------------------------------ */
#define VIRTIO_PCI_VENDOR	   0x1af4
#define VIRTIO_PCI_DEVICE(id)	   (0x1040 + (id)) /* 4.1.2.1 */
#define VIRTIO_PCI_REVISION	   1
#define VIRTIO_PCI_CAP_ID	   0x09 /* vendor specific, 4.1.4 */
#define VIRTIO_PCI_CAP_LEN	   16
#define VIRTIO_PCI_CAP_NOTIFY_LEN  20
#define VIRTIO_PCI_CAP_CFG_LEN	   20
#define VIRTIO_PCI_CAP_TYPE	   3 /* offsets from the capability */
#define VIRTIO_PCI_CAP_BAR	   4
#define VIRTIO_PCI_CAP_OFFSET	   8
#define VIRTIO_PCI_CAP_LENGTH	   12
#define VIRTIO_PCI_CAP_MULTIPLIER  16 /* notify's */
#define VIRTIO_PCI_CAP_DATA	   16 /* the window's */
#define VIRTIO_PCI_TYPE_COMMON	   1
#define VIRTIO_PCI_TYPE_NOTIFY	   2
#define VIRTIO_PCI_TYPE_ISR	   3
#define VIRTIO_PCI_TYPE_DEVICE	   4
#define VIRTIO_PCI_TYPE_CFG_WINDOW 5

/* 4.1.4.3 common configuration */
#define VIRTIO_COMMON_DEVICE_FEATURE_SELECT 0x00
#define VIRTIO_COMMON_DEVICE_FEATURE	    0x04
#define VIRTIO_COMMON_DRIVER_FEATURE_SELECT 0x08
#define VIRTIO_COMMON_DRIVER_FEATURE	    0x0c
#define VIRTIO_COMMON_CONFIG_VECTOR	    0x10 /* 16 bits */
#define VIRTIO_COMMON_NUM_QUEUES	    0x12 /* 16 */
#define VIRTIO_COMMON_STATUS		    0x14 /* 8 */
#define VIRTIO_COMMON_GENERATION	    0x15 /* 8 */
#define VIRTIO_COMMON_QUEUE_SELECT	    0x16 /* 16 */
#define VIRTIO_COMMON_QUEUE_SIZE	    0x18 /* 16 */
#define VIRTIO_COMMON_QUEUE_VECTOR	    0x1a /* 16 */
#define VIRTIO_COMMON_QUEUE_ENABLE	    0x1c /* 16 */
#define VIRTIO_COMMON_QUEUE_NOTIFY_OFF	    0x1e /* 16 */
#define VIRTIO_COMMON_QUEUE_DESC	    0x20 /* 64, as two dwords */
#define VIRTIO_COMMON_QUEUE_AVAIL	    0x28
#define VIRTIO_COMMON_QUEUE_USED	    0x30
#define VIRTIO_COMMON_LEN		    0x38

#define VIRTIO_NO_VECTOR  0xffffu
#define VIRTIO_ISR_QUEUE  0x1u /* 4.1.4.5 */
#define VIRTIO_ISR_CONFIG 0x2u

/* --- the 9P transport device: tag_len[2] tag[tag_len], no NUL ------------- */
#define VIRTIO_ID_9P		 9
#define VIRTIO_9P_F_MOUNT_TAG	 (1ull << 0)
#define VIRTIO_9P_CONFIG_TAG_LEN 0
#define VIRTIO_9P_CONFIG_TAG	 2
#define VIRTIO_9P_QUEUE_REQUESTS 0

#endif
