/* SPDX-License-Identifier: MIT */
/*
 * layout_virtio.c - a stream over a packed virtqueue (virtio 1.2, 2.8):
 * descriptors of 16 bytes that driver and device turn over to each other
 * with two wrap-tagged flag bits, buffers beside them, used in order.
 */
#include <stddef.h>

#include "producer-consumer/bench/loops.h"
#include "producer-consumer/bench/peers.h"
#include "shm/atomic.h"

#define DESC_AVAIL 0x80u
#define DESC_USED  0x8000u

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t id;
	_Atomic uint16_t flags;
};
_Static_assert(sizeof(struct desc) == 16, "layout");

struct end {
	struct desc *descs;
	uint8_t *slots;
	uint64_t mine; /* next descriptor, free running */
	uint32_t slots_nr, slots_log2;
	uint32_t slot_len;
};

static uint32_t slot_len(const struct bench_shape *s)
{
	return s->msg_len == 56 ? 64 : s->msg_len;
}

/* Descriptors' numbers have 15 bits. */
static uint64_t slots_nr(const struct bench_shape *s)
{
	uint64_t nr = s->ring_len / slot_len(s);

	return nr < 32768 ? nr : 32768;
}

static uint64_t descs_len(const struct bench_shape *s)
{
	return (slots_nr(s) * sizeof(struct desc) + 4095) / 4096 * 4096;
}

static uint64_t mem_len(const struct bench_shape *s)
{
	return descs_len(s) + slots_nr(s) * slot_len(s);
}

static int create(void *mem, const struct bench_shape *s)
{
	(void)mem;
	(void)s;
	return 0;
}

static int open_end(void *handle, void *mem, const struct bench_shape *s)
{
	struct end *end = handle;

	end->descs = mem;
	end->slots = (uint8_t *)mem + descs_len(s);
	end->slot_len = slot_len(s);
	end->slots_nr = (uint32_t)slots_nr(s);
	end->slots_log2 = (uint32_t)__builtin_ctz(end->slots_nr);
	return 0;
}

/* The wrap counter of the lap that index is in: 1 in the first. */
static bool wrap_of(const struct end *end, uint64_t idx)
{
	return !(idx >> end->slots_log2 & 1);
}

static uint64_t slot_of(const struct end *end, uint64_t idx)
{
	return idx & (end->slots_nr - 1);
}

/* Is descriptor idx the driver's again? Fresh ones always were. */
static bool is_free(const struct end *end, uint64_t idx)
{
	uint16_t flags = load_acquire(&end->descs[slot_of(end, idx)].flags);
	bool lap = wrap_of(end, idx);

	return !(flags & DESC_AVAIL) == lap && !(flags & DESC_USED) == lap;
}

WORK_INLINE uint32_t reserve(void *tx, uint32_t want, void **slots)
{
	struct end *end = tx;
	uint64_t slot = slot_of(end, end->mine);
	uint32_t nr = 0;

	*slots = end->slots + slot * end->slot_len;
	while (nr < want && slot + nr < end->slots_nr &&
	       is_free(end, end->mine + nr))
		nr++;
	return nr;
}

/* All of a batch, the first one last: the device sees them at once. */
WORK_INLINE void commit(void *tx, uint32_t nr)
{
	struct end *end = tx;
	uint16_t flags = wrap_of(end, end->mine) ? DESC_AVAIL : DESC_USED;

	for (uint32_t i = nr; i-- > 0;) {
		uint64_t slot = slot_of(end, end->mine + i);
		struct desc *d = &end->descs[slot];

		d->addr = slot * end->slot_len;
		d->len = end->slot_len;
		d->id = (uint16_t)slot;
		store_release(&d->flags, flags);
	}
	end->mine += nr;
}

static bool is_available(const struct end *end, uint64_t idx)
{
	uint16_t flags = load_acquire(&end->descs[slot_of(end, idx)].flags);
	bool lap = wrap_of(end, idx);

	return !(flags & DESC_AVAIL) != lap && !(flags & DESC_USED) == lap;
}

WORK_INLINE uint32_t peek(void *rx, uint32_t want, const void **slots)
{
	struct end *end = rx;
	uint64_t slot = slot_of(end, end->mine);
	uint32_t nr = 0;

	while (nr < want && slot + nr < end->slots_nr &&
	       is_available(end, end->mine + nr))
		nr++;
	if (nr)
		*slots = end->slots + end->descs[slot].addr;
	return nr;
}

WORK_INLINE void release(void *rx, uint32_t nr)
{
	struct end *end = rx;
	uint16_t flags = wrap_of(end, end->mine) ? DESC_AVAIL | DESC_USED : 0;

	for (uint32_t i = nr; i-- > 0;)
		store_release(&end->descs[slot_of(end, end->mine + i)].flags,
			      flags);
	end->mine += nr;
}

static const struct bench_ops ops = { reserve, commit, peek, release, NULL };

LOOPS_RUN(run, ops, struct end, struct end, LOOPS_BY_SIZE)

const struct bench_queue bench_virtio_packed = {
	.name = "virtio packed layout",
	.flags = BENCH_SHARED,
	.kinds = BENCH_STREAM | BENCH_RTT,
	.mem_len = mem_len,
	.create = create,
	.open_tx = open_end,
	.open_rx = open_end,
	.run = run,
};
