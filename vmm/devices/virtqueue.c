/* SPDX-License-Identifier: MIT */
/* virtqueue.c - which memory does a driver offer, and which does it get back?
 *
 * Ordering points, each with its partner in the driver:
 *   [VQ-AVAIL]  the driver's store of avail->idx releases descriptors and
 *               ring entry; our load acquires them.
 *   [VQ-USED]   our store of used->idx releases the entry and what was
 *               written to the chain.
 *   [VQ-KICK]   store avail_event (or the flag), then load avail->idx; the
 *               driver: store avail->idx, then load avail_event.
 *   [VQ-INTR]   store used->idx, then load used_event (or the flag); the
 *               driver: store used_event, then load used->idx.
 * The last two need a full fence on both sides, or both sleep.
 */
#include "vmm/devices/virtqueue.h"

#include <errno.h>
#include <stddef.h>

#include "shm/atomic.h"

/* A table longer than a chain may be is allowed: `next` has 16 bits. */
#define TABLE_LEN_MAX (65536u * (uint32_t)sizeof(struct virtq_desc))

static int broken(struct virtqueue *queue, int err, const char *fault)
{
	queue->fault = fault;
	return err;
}

static bool len_good(uint32_t len)
{
	return len && len <= VIRTQUEUE_LEN_MAX && !(len & (len - 1));
}

int virtqueue_start(struct virtqueue *queue, const struct memory *memory,
		    const struct virtqueue_place *place)
{
	uint16_t len = place->len;

	*queue = (struct virtqueue){ .memory = memory };
	if (!len_good(len))
		return broken(queue, -EINVAL, "queue size");
	if (place->desc_gpa % VIRTQ_DESC_ALIGN ||
	    place->avail_gpa % VIRTQ_AVAIL_ALIGN ||
	    place->used_gpa % VIRTQ_USED_ALIGN)
		return broken(queue, -EINVAL, "queue alignment");
	queue->desc = memory_range(memory, place->desc_gpa,
				   VIRTQ_DESC_LEN(len));
	queue->avail = memory_range(memory, place->avail_gpa,
				    VIRTQ_AVAIL_LEN(len));
	queue->used = memory_range(memory, place->used_gpa,
				   VIRTQ_USED_LEN(len));
	if (!queue->desc || !queue->avail || !queue->used)
		return broken(queue, -EFAULT, "queue outside of RAM");
	queue->has_indirect = place->features & VIRTIO_F_INDIRECT_DESC;
	queue->has_event_idx = place->features & VIRTIO_F_EVENT_IDX;
	queue->len = len;
	return 0;
}

void virtqueue_stop(struct virtqueue *queue)
{
	*queue = (struct virtqueue){ .len = 0 };
}

/* --- descriptors ----------------------------------------------------------
 */

/* A walk along one chain: the table it is in, how far it came. */
struct walk {
	const uint8_t *table;
	uint32_t table_nr;
	uint32_t seen_nr; /* descriptors, in all tables */
	bool indirect;
};

/* Nothing says that an indirect table is aligned. */
typedef uint64_t desc_half __attribute__((aligned(1), may_alias));

/* Descriptor nr of a table, in two loads. */
static struct virtq_desc desc_read(const uint8_t *table, uint32_t nr)
{
	const desc_half *half = (const void *)(table + VIRTQ_DESC_LEN(nr));
	uint64_t rest;
	struct virtq_desc desc;

	desc.addr = *(const volatile desc_half *)&half[0];
	rest = *(const volatile desc_half *)&half[1];
	desc.len = (uint32_t)rest;
	desc.flags = (uint16_t)(rest >> 32);
	desc.next = (uint16_t)(rest >> 48);
	return desc;
}

/* 2.7.5.3: the rest of the chain is in a table of its own. */
static int table_enter(struct virtqueue *queue, struct walk *walk,
		       const struct virtq_desc *desc)
{
	if (!queue->has_indirect)
		return broken(queue, -EPROTO, "indirect without the feature");
	if (walk->indirect)
		return broken(queue, -EPROTO, "indirect inside indirect");
	if (desc->flags & VIRTQ_DESC_F_NEXT)
		return broken(queue, -EPROTO, "indirect with next");
	if (!desc->len || desc->len % sizeof(*desc) ||
	    desc->len > TABLE_LEN_MAX)
		return broken(queue, -EPROTO, "indirect table length");
	walk->table = memory_range(queue->memory, desc->addr, desc->len);
	if (!walk->table)
		return broken(queue, -EFAULT, "indirect table outside of RAM");
	walk->table_nr = desc->len / (uint32_t)sizeof(*desc);
	walk->indirect = true;
	return 0;
}

static int piece_add(struct virtqueue *queue, struct virtqueue_chain *chain,
		     const struct virtq_desc *desc)
{
	bool is_write = desc->flags & VIRTQ_DESC_F_WRITE;
	uint32_t *len = is_write ? &chain->write_len : &chain->read_len;
	void *hva;

	if (!is_write && chain->write_nr)
		return broken(queue, -EPROTO, "readable after writable");
	hva = memory_range(queue->memory, desc->addr, desc->len);
	if (!hva)
		return broken(queue, -EFAULT, "buffer outside of RAM");
	if (!desc->len)
		return 0;
	/* 2.7.5: a chain has 2^32 bytes at most; so a length fits 32 bits. */
	if (desc->len > UINT32_MAX - chain->read_len - chain->write_len)
		return broken(queue, -EPROTO, "chain longer than 4 GiB");
	*len += desc->len;
	chain->iov[chain->read_nr + chain->write_nr] =
		(struct iovec){ .iov_base = hva, .iov_len = desc->len };
	*(is_write ? &chain->write_nr : &chain->read_nr) += 1;
	return 0;
}

/* The bound on seen_nr ends every loop. */
static int chain_walk(struct virtqueue *queue, struct virtqueue_chain *chain)
{
	struct walk walk = { .table = queue->desc, .table_nr = queue->len };
	uint32_t at = chain->head;
	struct virtq_desc desc;
	int err;

	for (;;) {
		if (at >= walk.table_nr)
			return broken(queue, -EPROTO, "descriptor index");
		desc = desc_read(walk.table, at);
		if (desc.flags & VIRTQ_DESC_F_INDIRECT) {
			err = table_enter(queue, &walk, &desc);
			if (err)
				return err;
			at = 0;
			continue;
		}
		if (++walk.seen_nr > VIRTQUEUE_LEN_MAX)
			return broken(queue, -EPROTO, "chain too long");
		err = piece_add(queue, chain, &desc);
		if (err || !(desc.flags & VIRTQ_DESC_F_NEXT))
			return err;
		at = desc.next;
	}
}

static uint64_t out_bit(uint16_t head)
{
	return 1ull << (head % 64);
}

int virtqueue_take(struct virtqueue *queue, struct virtqueue_chain *chain)
{
	uint16_t idx, waiting_nr, head;
	int err;

	if (queue->fault)
		return -EPROTO;
	if (!queue->len)
		return 0;
	idx = load_acquire(&queue->avail->idx); /* [VQ-AVAIL] */
	waiting_nr = (uint16_t)(idx - queue->avail_idx);
	if (!waiting_nr)
		return 0;
	if (waiting_nr > queue->len)
		return broken(queue, -EPROTO, "available index");
	head = load_relaxed(
		&queue->avail->ring[queue->avail_idx & (queue->len - 1u)]);
	if (head >= queue->len)
		return broken(queue, -EPROTO, "available entry");
	/* Two requests in one buffer; it could also not be given back twice. */
	if (queue->out[head / 64] & out_bit(head))
		return broken(queue, -EPROTO, "buffer is in use");

	chain->head = head;
	chain->read_nr = chain->write_nr = 0;
	chain->read_len = chain->write_len = 0;
	err = chain_walk(queue, chain);
	if (err)
		return err;
	queue->out[head / 64] |= out_bit(head);
	queue->avail_idx++;
	return 1;
}

/* --- giving back, and who wakes whom --------------------------------------
 */

void virtqueue_give(struct virtqueue *queue, uint16_t head, uint32_t len)
{
	volatile struct virtq_used_elem *entry;

	if (!queue->len || queue->fault)
		return;
	queue->out[head / 64] &= ~out_bit(head);
	entry = &queue->used->ring[queue->used_idx & (queue->len - 1u)];
	entry->id = head;
	entry->len = len;
	queue->used_idx++;
	store_release(&queue->used->idx, queue->used_idx); /* [VQ-USED] */
}

bool virtqueue_wants_interrupt(struct virtqueue *queue)
{
	uint16_t told_idx = queue->told_idx;

	if (!queue->len || queue->fault || told_idx == queue->used_idx)
		return false;
	queue->told_idx = queue->used_idx;
	fence_full(); /* [VQ-INTR] */
	if (queue->has_event_idx)
		return virtq_need_event(
			load_relaxed(&queue->avail->ring[queue->len]),
			queue->used_idx, told_idx);
	return !(load_relaxed(&queue->avail->flags) &
		 VIRTQ_AVAIL_F_NO_INTERRUPT);
}

void virtqueue_kicks_off(struct virtqueue *queue)
{
	/* With event indices the old one is passed, which is off enough. */
	if (queue->len && !queue->has_event_idx)
		store_relaxed(&queue->used->flags, VIRTQ_USED_F_NO_NOTIFY);
}

bool virtqueue_kicks_on(struct virtqueue *queue)
{
	if (!queue->len || queue->fault)
		return false;
	if (queue->has_event_idx) {
		_Atomic uint16_t *event =
			(void *)&queue->used->ring[queue->len];

		store_relaxed(event, queue->avail_idx);
	} else {
		store_relaxed(&queue->used->flags, 0);
	}
	fence_full(); /* [VQ-KICK] */
	return load_relaxed(&queue->avail->idx) != queue->avail_idx;
}
