/* SPDX-License-Identifier: MIT */
/*
 * virtq_room.h - the driver's side of a split virtqueue, in a test: guest
 * memory with a queue in it and buffers behind it. Puts whatever it is told
 * to, right or wrong.
 */
#ifndef TESTS_UNIT_VIRTQ_ROOM_H
#define TESTS_UNIT_VIRTQ_ROOM_H

#include <stdlib.h>

#include "shm/virtio.h"
#include "tests/unit/guarded.h"
#include "vmm/core/memory.h"

#define VIRTQ_RAM_LEN	0x40000u
#define VIRTQ_DESC_GPA	0x1000u
#define VIRTQ_AVAIL_GPA 0x3000u
#define VIRTQ_USED_GPA	0x4000u
#define VIRTQ_TABLE_GPA 0x8000u	 /* for indirect tables */
#define VIRTQ_BUF_GPA	0x10000u /* for buffers */

struct virtq_room {
	struct memory memory;
	uint16_t len;
	uint16_t avail_idx, seen_idx;
};

static inline void virtq_room_init(struct virtq_room *room, uint16_t len)
{
	*room = (struct virtq_room){
		.memory = { guarded_map(VIRTQ_RAM_LEN), VIRTQ_RAM_LEN },
		.len = len,
	};
}

static inline void virtq_room_done(struct virtq_room *room)
{
	guarded_unmap(room->memory.hva, room->memory.len);
}

static inline void *virtq_at(struct virtq_room *room, uint64_t gpa)
{
	return room->memory.hva + gpa;
}

static inline struct virtq_avail *virtq_avail(struct virtq_room *room)
{
	return virtq_at(room, VIRTQ_AVAIL_GPA);
}

static inline struct virtq_used *virtq_used(struct virtq_room *room)
{
	return virtq_at(room, VIRTQ_USED_GPA);
}

/* The words behind the rings. */
static inline _Atomic uint16_t *virtq_used_event(struct virtq_room *room)
{
	return &virtq_avail(room)->ring[room->len];
}

static inline _Atomic uint16_t *virtq_avail_event(struct virtq_room *room)
{
	return (void *)&virtq_used(room)->ring[room->len];
}

static inline void virtq_put_at(struct virtq_room *room, uint64_t table_gpa,
				uint32_t nr, struct virtq_desc desc)
{
	uint8_t *to = virtq_at(room, table_gpa + VIRTQ_DESC_LEN(nr));

	__builtin_memcpy(to, &desc, sizeof(desc));
}

static inline void virtq_put(struct virtq_room *room, uint32_t nr,
			     uint64_t addr, uint32_t len, uint16_t flags,
			     uint16_t next)
{
	virtq_put_at(room, VIRTQ_DESC_GPA, nr,
		     (struct virtq_desc){ addr, len, flags, next });
}

/* head's chain is offered. */
static inline void virtq_offer(struct virtq_room *room, uint16_t head)
{
	virtq_avail(room)->ring[room->avail_idx & (room->len - 1)] = head;
	virtq_avail(room)->idx = ++room->avail_idx;
}

/* The next that came back: its length; -1: nothing did. */
static inline int64_t virtq_back(struct virtq_room *room, uint32_t *head)
{
	struct virtq_used_elem elem;

	if (virtq_used(room)->idx == room->seen_idx)
		return -1;
	elem = virtq_used(room)->ring[room->seen_idx++ & (room->len - 1)];
	*head = elem.id;
	return elem.len;
}

#endif
