/* SPDX-License-Identifier: MIT */
/* spsc_cell_open.c - making a ring of cells, and becoming or succeeding one
 * of its ends. */
#include "shm/spsc_cell.h"

/* Below this much data a page of alignment would be most of the ring. */
#define PAGE_ALIGN_FROM (64u << 10)
#define PAGE_LEN	4096u
#define SMALL_DATA_OFF	1024u

static bool geometry_ok(uint32_t cells_nr)
{
	return cells_nr >= 2 && cells_nr <= SPSC_CELLS_MAX &&
	       (cells_nr & (cells_nr - 1)) == 0;
}

static uint64_t data_off(uint32_t cells_nr)
{
	return (uint64_t)cells_nr * sizeof(struct spsc_cell) < PAGE_ALIGN_FROM
		       ? SMALL_DATA_OFF
		       : PAGE_LEN;
}

/* tail_idx lags less than a lap, or a successor could not find the truth. */
static uint64_t hint_step(uint32_t cells_nr)
{
	return cells_nr / 2 < SPSC_CELL_HINT_STEP ? cells_nr / 2
						  : SPSC_CELL_HINT_STEP;
}

uint64_t spsc_cell_len(uint32_t cells_nr)
{
	if (!geometry_ok(cells_nr))
		return 0;
	return data_off(cells_nr) +
	       (uint64_t)cells_nr * sizeof(struct spsc_cell);
}

struct geometry {
	uint32_t cells_nr, mode;
};

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const struct geometry *g = arg;
	struct spsc_cell_mem *m = mem;
	uint64_t off = data_off(g->cells_nr);
	struct spsc_cell *cells = (void *)((uint8_t *)mem + off);

	(void)len;
	/* The rest is zero; the cells are as the lap before the first would
	 * have left them. */
	for (uint64_t i = 0; i < g->cells_nr; i++) {
		uint64_t last = i - g->cells_nr;

		store_relaxed(&cells[i].seq, g->mode == SPSC_CELL_CALL
						     ? 2 * last + 2
						     : last + 1);
	}
	m->mode = g->mode;
	m->cells_nr = g->cells_nr;
	m->data_off = off;
	m->version = SPSC_CELL_VERSION;
	m->magic = SPSC_CELL_MAGIC;
	return 0;
}

int spsc_cell_create_mode(const struct region *region, const char *name,
			  uint32_t cells_nr, uint32_t mode, uint32_t creator)
{
	struct geometry g = { cells_nr, mode };
	uint64_t off, len = spsc_cell_len(cells_nr);

	if (!len)
		return -SHM_EINVAL;
	if (len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_SPSC_CELL, len,
				     creator, mem_init, &g, &off);
}

int spsc_cell_create(const struct region *region, const char *name,
		     uint32_t cells_nr, uint32_t creator)
{
	return spsc_cell_create_mode(region, name, cells_nr, SPSC_CELL_STREAM,
				     creator);
}

int spsc_cell_find(const struct region *region, const char *name, uint32_t mode,
		   struct spsc_cell_mem **mem, struct spsc_cell **cells,
		   uint32_t *cells_nr)
{
	struct region_info info;
	struct spsc_cell_mem *m;
	uint32_t magic, version, found, nr;
	int err = region_channel_find(region, name, REGION_KIND_SPSC_CELL,
				      &info);

	if (err)
		return err;
	if (info.len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region_channel_find() keeps [off, off + len) inside. */
	m = (void *)(region->base + info.off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	found = read_once(&m->mode);
	nr = read_once(&m->cells_nr);
	if (magic != SPSC_CELL_MAGIC || version != SPSC_CELL_VERSION)
		return -SHM_EVERSION;
	/* data_off follows from the geometry; a creator has no choice. */
	if ((found != SPSC_CELL_STREAM && found != SPSC_CELL_CALL) ||
	    !geometry_ok(nr) || spsc_cell_len(nr) > info.len ||
	    read_once(&m->data_off) != data_off(nr))
		return -SHM_EPEER;
	if (found != mode)
		return -SHM_EINVAL;
	*mem = m;
	/* TRUST: spsc_cell_len(nr) fits into the channel. */
	*cells = (void *)((uint8_t *)m + data_off(nr));
	*cells_nr = nr;
	return 0;
}

/*
 * Tickets of one waiter must differ from those of the one before it at the
 * same end, which the ringer may have answered already.
 */
static uint32_t first_ticket(struct peer *peer)
{
	return (uint32_t)peer_now_ns(peer);
}

/*
 * Where the last producer stopped: tail_idx, and what it published behind it
 * before it could say so. A message it was still writing has no seq, so it
 * does not count.
 */
static int tail_find(struct spsc_cell_mem *m, const struct spsc_cell *cells,
		     uint32_t cells_nr, uint64_t *tail_idx)
{
	uint64_t tail = load_acquire(&m->tail_idx); /* [CELL-HINT] */
	uint64_t end = tail + hint_step(cells_nr), seq;

	while ((seq = load_acquire(&cells[tail & (cells_nr - 1)].seq)) ==
	       tail + 1) {
		if (tail++ == end)
			return -SHM_EPEER;
	}
	if (seq != tail + 1 - cells_nr)
		return -SHM_EPEER;
	*tail_idx = tail;
	return 0;
}

int spsc_cell_open_tx(struct spsc_cell_tx *tx, const struct region *region,
		      const char *name, struct peer *peer, uint32_t vector)
{
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;
	uint32_t cells_nr;
	uint64_t tail_idx = 0, head_idx;
	struct owner owner;
	int err, taken;

	err = spsc_cell_find(region, name, SPSC_CELL_STREAM, &m, &cells,
			     &cells_nr);
	if (err)
		return err;
	taken = owner_take(&owner, region, &m->producer, peer->id);
	if (taken < 0)
		return taken;
	head_idx = load_acquire(&m->head_idx); /* [CELL-FREE] */
	err = tail_find(m, cells, cells_nr, &tail_idx);
	if (err || tail_idx - head_idx > cells_nr) {
		owner_release(&owner);
		return -SHM_EPEER;
	}
	/* Field by field: a handle that was ever memset stays in memory
	 * instead of registers (measured, docs/ring.md). */
	tx->mem = m;
	tx->cells = cells;
	tx->tail_idx = tail_idx;
	tx->head_seen = head_idx;
	tx->cells_nr = cells_nr;
	tx->hint_mask = hint_step(cells_nr) - 1;
	tx->broken = false;
	tx->taken_over = taken;
	tx->data_bell.bell = &m->data_bell;
	tx->data_bell.rung = 0;
	tx->space_bell.bell = &m->space_bell;
	tx->space_bell.ticket = first_ticket(peer);
	tx->peer = peer;
	tx->region = region;
	tx->owner = owner;
	tx->vector = vector;
	tx->spin_ns = WAIT_SPIN_DEFAULT_NS;
	bell_set_target(&tx->space_bell, peer->id, vector);
	return 0;
}

int spsc_cell_open_rx(struct spsc_cell_rx *rx, const struct region *region,
		      const char *name, struct peer *peer, uint32_t vector)
{
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;
	uint32_t cells_nr;
	uint64_t head_idx, done_idx;
	struct owner owner;
	int err, taken;

	err = spsc_cell_find(region, name, SPSC_CELL_STREAM, &m, &cells,
			     &cells_nr);
	if (err)
		return err;
	taken = owner_take(&owner, region, &m->consumer, peer->id);
	if (taken < 0)
		return taken;
	head_idx = load_acquire(&m->head_idx);
	done_idx = load_acquire(&m->done_idx); /* [CELL-DONE] */
	if (done_idx - head_idx > cells_nr) {
		owner_release(&owner);
		return -SHM_EPEER;
	}
	rx->mem = m;
	rx->cells = cells;
	rx->head_idx = done_idx;
	rx->head_published = head_idx;
	rx->hint_seen = done_idx;
	rx->look_idx = done_idx;
	rx->cells_nr = cells_nr;
	rx->credit_nr = cells_nr >= 16 ? cells_nr / 8 : 1;
	rx->broken = false;
	rx->taken_over = taken;
	rx->coalesced = false;
	rx->polls_nr = 0;
	rx->short_gaps = 0;
	rx->gap_idx = done_idx;
	rx->space_bell.bell = &m->space_bell;
	rx->space_bell.rung = 0;
	rx->data_bell.bell = &m->data_bell;
	rx->data_bell.ticket = first_ticket(peer);
	rx->peer = peer;
	rx->region = region;
	rx->owner = owner;
	rx->vector = vector;
	rx->spin_ns = WAIT_SPIN_DEFAULT_NS;
	bell_set_target(&rx->data_bell, peer->id, vector);
	/* The one before us may have died on its way to say so. */
	if (head_idx != done_idx)
		spsc_cell_publish_head(rx);
	return 0;
}

int spsc_cell_retire(const struct region *region, const char *name,
		     uint32_t mode, uint32_t peer_id)
{
	struct owner producer, consumer;
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;
	uint32_t cells_nr;
	int err = spsc_cell_find(region, name, mode, &m, &cells, &cells_nr);

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
	/* Both ends stay ours: whoever found it before cannot open it. */
	return region_channel_retire(region, name, REGION_KIND_SPSC_CELL);
}
