/* SPDX-License-Identifier: MIT */
/* spsc.c - the cold half of the ring: making, attaching, refilling, waiting. */
#include "shm/spsc.h"

#include <stdbool.h>

#include "shm/watch.h"

/* Below this much data a page of alignment would be most of the ring. */
#define PAGE_ALIGN_FROM (64u << 10)
#define PAGE_LEN	4096u
#define SMALL_DATA_OFF	1024u

static bool geometry_ok(uint32_t slot_len, uint32_t slots_nr)
{
	return slot_len >= 8 && slot_len <= SPSC_SLOT_LEN_MAX &&
	       slot_len % 8 == 0 && slots_nr >= 2 &&
	       slots_nr <= SPSC_SLOTS_MAX && (slots_nr & (slots_nr - 1)) == 0;
}

static uint64_t data_off(uint32_t slot_len, uint32_t slots_nr)
{
	return (uint64_t)slot_len * slots_nr < PAGE_ALIGN_FROM ? SMALL_DATA_OFF
							       : PAGE_LEN;
}

uint64_t spsc_len(uint32_t slot_len, uint32_t slots_nr)
{
	if (!geometry_ok(slot_len, slots_nr))
		return 0;
	return data_off(slot_len, slots_nr) + (uint64_t)slot_len * slots_nr;
}

struct geometry {
	uint32_t slot_len, slots_nr;
};

void spsc_format(void *mem, uint32_t slot_len, uint32_t slots_nr)
{
	struct spsc_mem *m = mem;

	/* The rest is zero already. */
	m->slot_len = slot_len;
	m->slots_nr = slots_nr;
	m->data_off = data_off(slot_len, slots_nr);
	m->version = SPSC_VERSION;
	m->magic = SPSC_MAGIC;
}

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const struct geometry *g = arg;

	(void)len;
	spsc_format(mem, g->slot_len, g->slots_nr);
	return 0;
}

int spsc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t creator)
{
	struct geometry g = { slot_len, slots_nr };
	uint64_t off, len = spsc_len(slot_len, slots_nr);

	if (!len)
		return -SHM_EINVAL;
	if (len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_SPSC, len,
				     creator, mem_init, &g, &off);
}

/* The ring at [off, off + len), its geometry read once and checked. */
static int mem_check(const struct region *region, uint64_t off, uint64_t len,
		     struct spsc_mem **out, struct geometry *g)
{
	struct spsc_mem *m;
	uint32_t magic, version;

	if (len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: the caller's range is inside the region. */
	m = (void *)(region->base + off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	g->slot_len = read_once(&m->slot_len);
	g->slots_nr = read_once(&m->slots_nr);
	if (magic != SPSC_MAGIC || version != SPSC_VERSION)
		return -SHM_EVERSION;
	/* data_off follows from the geometry; a creator has no choice. */
	if (!geometry_ok(g->slot_len, g->slots_nr) ||
	    spsc_len(g->slot_len, g->slots_nr) > len ||
	    read_once(&m->data_off) != data_off(g->slot_len, g->slots_nr))
		return -SHM_EPEER;
	*out = m;
	return 0;
}

int spsc_open_tx_at(struct spsc_tx *tx, const struct region *region,
		    uint64_t off, uint64_t len, struct peer *peer,
		    uint32_t vector)
{
	struct region_tuning tuning;
	struct spsc_mem *m;
	struct geometry g;
	uint64_t tail_idx, head_idx;
	int taken;

	region_tuning(region, &tuning);
	taken = mem_check(region, off, len, &m, &g);
	if (!taken)
		taken = owner_take(&tx->owner, region, &m->producer, peer->id);
	if (taken < 0)
		return taken;
	tail_idx = load_acquire(&m->tail_idx);
	head_idx = load_acquire(&m->head_idx); /* [SPSC-FREE] */
	if (tail_idx - head_idx > g.slots_nr) {
		owner_release(&tx->owner);
		return -SHM_EPEER;
	}
	/* Field by field: a handle that was ever memset stays in memory
	 * instead of registers (measured, docs/ring.md). */
	tx->mem = m;
	tx->data = (uint8_t *)m + data_off(g.slot_len, g.slots_nr);
	tx->at = tx->data;
	tx->tail_idx = tail_idx;
	tx->run_left = 0;
	tx->head_seen = head_idx;
	tx->slots_nr = g.slots_nr;
	tx->slot_len = g.slot_len;
	tx->ring_len = (spsc_count)g.slot_len * g.slots_nr;
	tx->run_nr = g.slot_len < SPSC_STAGE_LEN ? SPSC_STAGE_LEN / g.slot_len
						 : 1;
	tx->prefetch_len = tuning.prefetch_write_len;
	tx->broken = 0;
	tx->data_bell.bell = &m->data_bell;
	tx->data_bell.rung = 0;
	tx->peer = peer;
	tx->region = region;
	tx->taken_over = taken > 0;
	tx->vector = vector;
	tx->spin_ns = tuning.spin_ns;
	bell_take(&tx->space_bell, &m->space_bell, peer, vector);
	/* The dead producer may have published without ringing. A bell that
	 * fails leaves the consumer its backstop; the end is ours anyhow. */
	if (tx->taken_over)
		(void)spsc_flush(tx);
	return 0;
}

int spsc_open_rx_at(struct spsc_rx *rx, const struct region *region,
		    uint64_t off, uint64_t len, struct peer *peer,
		    uint32_t vector)
{
	struct region_tuning tuning;
	struct spsc_mem *m;
	struct geometry g;
	uint64_t tail_idx, head_idx, done_idx;
	int taken;

	region_tuning(region, &tuning);
	taken = mem_check(region, off, len, &m, &g);
	if (!taken)
		taken = owner_take(&rx->owner, region, &m->consumer, peer->id);
	if (taken < 0)
		return taken;
	head_idx = load_acquire(&m->head_idx);
	tail_idx = load_acquire(&m->tail_idx); /* [SPSC-DATA] */
	done_idx = load_relaxed(&m->done_idx); /* [SPSC-DONE] */
	if (tail_idx - head_idx > g.slots_nr ||
	    done_idx - head_idx > tail_idx - head_idx) {
		owner_release(&rx->owner);
		return -SHM_EPEER;
	}
	rx->mem = m;
	rx->data = (uint8_t *)m + data_off(g.slot_len, g.slots_nr);
	rx->at = rx->data;
	rx->head_idx = done_idx;
	rx->run_left = 0;
	rx->tail_seen = tail_idx;
	rx->slots_nr = g.slots_nr;
	rx->credit_nr = g.slots_nr >= 16 ? g.slots_nr / 8 : 1;
	rx->credit_left = (spsc_left)(rx->credit_nr - (done_idx - head_idx));
	rx->run_nr = g.slot_len < SPSC_STAGE_LEN ? SPSC_STAGE_LEN / g.slot_len
						 : 1;
	rx->slot_len = g.slot_len;
	rx->ring_len = (spsc_count)g.slot_len * g.slots_nr;
	rx->prefetch_len = tuning.prefetch_read_len;
	rx->broken = 0;
	chase_init(&rx->chase, rx->ring_len);
	rx->space_bell.bell = &m->space_bell;
	rx->space_bell.rung = 0;
	rx->peer = peer;
	rx->region = region;
	rx->taken_over = taken > 0;
	rx->vector = vector;
	rx->spin_ns = tuning.spin_ns;
	bell_take(&rx->data_bell, &m->data_bell, peer, vector);
	/* The dead consumer may have made room without ringing. */
	if (rx->taken_over)
		spsc_publish_head(rx);
	return 0;
}

int spsc_open_tx(struct spsc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_SPSC, &info);

	return err ? err
		   : spsc_open_tx_at(tx, region, info.off, info.len, peer,
				     vector);
}

int spsc_open_rx(struct spsc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_SPSC, &info);

	return err ? err
		   : spsc_open_rx_at(rx, region, info.off, info.len, peer,
				     vector);
}

void spsc_close_tx(struct spsc_tx *tx)
{
	(void)spsc_flush(tx);
	owner_release(&tx->owner);
}

void spsc_close_rx(struct spsc_rx *rx)
{
	spsc_publish_head(rx);
	owner_release(&rx->owner);
}

int spsc_retire(const struct region *region, const char *name, uint32_t peer_id)
{
	struct owner producer, consumer;
	struct region_info info;
	struct spsc_mem *m;
	struct geometry g;
	int err;

	err = region_channel_find(region, name, REGION_KIND_SPSC, &info);
	if (!err)
		err = mem_check(region, info.off, info.len, &m, &g);
	if (err)
		return err;
	/* Before one is taken: to give a dead peer's end back would hide from
	 * the other end that it died. */
	if (owner_lives(region, &m->producer) ||
	    owner_lives(region, &m->consumer))
		return -SHM_EEXIST;
	err = owner_take(&producer, region, &m->producer, peer_id);
	if (err < 0)
		return err;
	err = owner_take(&consumer, region, &m->consumer, peer_id);
	if (err < 0) {
		owner_release(&producer);
		return err;
	}
	/* Both ends stay ours: whoever found the ring before cannot open it. */
	return region_channel_retire(region, name, REGION_KIND_SPSC);
}

/* Has `end` what it waits for? 1 yes, 0 no, or an error. */
static int ready_tx(void *end)
{
	struct spsc_tx *tx = end;
	int err = spsc_refresh_tx(tx);

	return err ? err : tx->tail_idx - tx->head_seen < tx->slots_nr;
}

static int ready_rx(void *end)
{
	struct spsc_rx *rx = end;
	int err = spsc_refresh_rx(rx);

	return err ? err : rx->tail_seen != rx->head_idx;
}

/* Did the peer at the other end die? */
static int hopeless_tx(void *end)
{
	const struct spsc_tx *tx = end;

	return owner_gone(tx->region, &tx->mem->consumer) ? -SHM_EGONE : 0;
}

static int hopeless_rx(void *end)
{
	const struct spsc_rx *rx = end;

	return owner_gone(rx->region, &rx->mem->producer) ? -SHM_EGONE : 0;
}

int spsc_wait_space(struct spsc_tx *tx, uint64_t timeout_ns)
{
	const struct wait w = { .ready = ready_tx,
				.hopeless = hopeless_tx,
				.end = tx,
				.peer = tx->peer,
				.bell = &tx->space_bell,
				.vector = tx->vector,
				.spin_ns = tx->spin_ns };
	/* What we wrote must not wait while we do. */
	int err = spsc_flush(tx);

	return err ? err : wait_until(&w, timeout_ns);
}

int spsc_wait_data(struct spsc_rx *rx, uint64_t timeout_ns)
{
	const struct wait w = { .ready = ready_rx,
				.hopeless = hopeless_rx,
				.end = rx,
				.peer = rx->peer,
				.bell = &rx->data_bell,
				.vector = rx->vector,
				.spin_ns = rx->spin_ns };

	return wait_until(&w, timeout_ns);
}

int spsc_push(struct spsc_tx *tx, const void *msgs, uint32_t nr)
{
	const uint8_t *from = msgs;
	uint32_t done = 0;

	while (done < nr) {
		void *slots;
		int err, got = spsc_reserve(tx, nr - done, &slots);

		if (got <= 0)
			return done ? (int)done : got;
		__builtin_memcpy(slots, from, (size_t)got * tx->slot_len);
		err = spsc_commit(tx, (uint32_t)got);
		if (err)
			return err;
		from += (size_t)got * tx->slot_len;
		done += (uint32_t)got;
	}
	return (int)done;
}

int spsc_pop(struct spsc_rx *rx, void *msgs, uint32_t nr)
{
	uint8_t *to = msgs;
	uint32_t done = 0;

	while (done < nr) {
		const void *slots;
		int got = spsc_peek(rx, nr - done, &slots);

		if (got <= 0)
			return done ? (int)done : got;
		__builtin_memcpy(to, slots, (size_t)got * rx->slot_len);
		spsc_release(rx, (uint32_t)got);
		to += (size_t)got * rx->slot_len;
		done += (uint32_t)got;
	}
	return (int)done;
}

int spsc_watch(const struct region *region, uint32_t slot,
	       struct spsc_view *view)
{
	struct region_info info;
	struct spsc_mem *m;
	struct geometry g;
	int err = watch_find(region, slot, REGION_KIND_SPSC, &info);

	if (!err)
		err = mem_check(region, info.off, info.len, &m, &g);
	if (err)
		return err;
	view->slots_nr = g.slots_nr;
	view->slot_len = g.slot_len;
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return watch_counts(&m->head_idx, &m->tail_idx, g.slots_nr,
			    &view->head_idx, &view->tail_idx);
}
