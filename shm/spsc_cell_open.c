/* SPDX-License-Identifier: MIT */
/* spsc_cell_open.c - making a ring of cells, and becoming or succeeding one
 * of its ends. */
#include "shm/spsc_cell.h"
#include "shm/watch.h"

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

/* The cells at info, their geometry read once and checked. -SHM_EINVAL: of
 * the other mode. */
static int mem_check(const struct region *region,
		     const struct region_info *info, uint32_t mode,
		     struct spsc_cell_mem **mem, struct spsc_cell **cells,
		     uint32_t *cells_nr)
{
	struct spsc_cell_mem *m;
	uint32_t magic, version, found, nr;

	if (info->len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region.h keeps [off, off + len) inside. */
	m = (void *)(region->base + info->off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	found = read_once(&m->mode);
	nr = read_once(&m->cells_nr);
	if (magic != SPSC_CELL_MAGIC || version != SPSC_CELL_VERSION)
		return -SHM_EVERSION;
	/* data_off follows from the geometry; a creator has no choice. */
	if ((found != SPSC_CELL_STREAM && found != SPSC_CELL_CALL) ||
	    !geometry_ok(nr) || spsc_cell_len(nr) > info->len ||
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

int spsc_cell_find(const struct region *region, const char *name, uint32_t mode,
		   struct spsc_cell_mem **mem, struct spsc_cell **cells,
		   uint32_t *cells_nr)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_SPSC_CELL,
				      &info);

	return err ? err : mem_check(region, &info, mode, mem, cells, cells_nr);
}

int spsc_cell_find_at(const struct region *region, uint32_t slot, uint32_t mode,
		      struct region_info *info, struct spsc_cell_mem **mem,
		      struct spsc_cell **cells, uint32_t *cells_nr)
{
	int err = watch_find(region, slot, REGION_KIND_SPSC_CELL, info);

	if (!err)
		err = mem_check(region, info, mode, mem, cells, cells_nr);
	return err == -SHM_EINVAL ? -SHM_ENOENT : err;
}

int spsc_cell_take(struct spsc_cell_seat *seat, const struct region *region,
		   const char *name, uint32_t mode, bool consumes,
		   uint32_t peer_id)
{
	int taken, err = spsc_cell_find(region, name, mode, &seat->mem,
					&seat->cells, &seat->cells_nr);

	if (err)
		return err;
	taken = owner_take(&seat->owner, region,
			   consumes ? &seat->mem->consumer
				    : &seat->mem->producer,
			   peer_id);
	if (taken < 0)
		return taken;
	seat->taken_over = taken;
	return 0;
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
	struct spsc_cell_seat seat;
	uint64_t tail_idx = 0, head_idx;
	int err = spsc_cell_take(&seat, region, name, SPSC_CELL_STREAM, false,
				 peer->id);

	if (err)
		return err;
	head_idx = load_acquire(&seat.mem->head_idx); /* [CELL-FREE] */
	err = tail_find(seat.mem, seat.cells, seat.cells_nr, &tail_idx);
	if (err || tail_idx - head_idx > seat.cells_nr) {
		owner_release(&seat.owner);
		return -SHM_EPEER;
	}
	SPSC_CELL_SIT(tx, &seat, region, peer, vector);
	tx->tail_idx = tail_idx;
	tx->head_seen = head_idx;
	tx->hint_mask = hint_step(seat.cells_nr) - 1;
	tx->data_bell.bell = &seat.mem->data_bell;
	tx->data_bell.rung = 0;
	bell_take(&tx->space_bell, &seat.mem->space_bell, peer, vector);
	return 0;
}

int spsc_cell_open_rx(struct spsc_cell_rx *rx, const struct region *region,
		      const char *name, struct peer *peer, uint32_t vector)
{
	struct spsc_cell_seat seat;
	uint64_t head_idx, done_idx;
	int err = spsc_cell_take(&seat, region, name, SPSC_CELL_STREAM, true,
				 peer->id);

	if (err)
		return err;
	head_idx = load_acquire(&seat.mem->head_idx);
	done_idx = load_acquire(&seat.mem->done_idx); /* [CELL-DONE] */
	if (done_idx - head_idx > seat.cells_nr) {
		owner_release(&seat.owner);
		return -SHM_EPEER;
	}
	SPSC_CELL_SIT(rx, &seat, region, peer, vector);
	rx->head_idx = done_idx;
	rx->head_published = head_idx;
	rx->hint_seen = done_idx;
	rx->look_idx = done_idx;
	rx->credit_nr = rx->cells_nr >= 16 ? rx->cells_nr / 8 : 1;
	rx->coalesced = false;
	rx->polls_nr = 0;
	rx->short_gaps = 0;
	rx->gap_idx = done_idx;
	rx->space_bell.bell = &seat.mem->space_bell;
	rx->space_bell.rung = 0;
	bell_take(&rx->data_bell, &seat.mem->data_bell, peer, vector);
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

int spsc_cell_watch(const struct region *region, uint32_t slot,
		    struct spsc_cell_view *view)
{
	struct region_info info;
	struct spsc_cell_mem *m;
	struct spsc_cell *cells;
	int64_t ahead, late;
	int err = spsc_cell_find_at(region, slot, SPSC_CELL_STREAM, &info, &m,
				    &cells, &view->cells_nr);

	if (err)
		return err;
	/* head_idx can be ahead of the hint, not of what the hint stands for:
	 * to look at the cells would take their lines from both ends. */
	view->head_idx = load_acquire(&m->head_idx);
	view->tail_idx = load_acquire(&m->tail_idx); /* [CELL-HINT] */
	ahead = (int64_t)(view->tail_idx - view->head_idx);
	late = (int64_t)hint_step(view->cells_nr);
	if (ahead < -late)
		return -SHM_EPEER;
	if (ahead < 0)
		view->tail_idx = view->head_idx;
	else if ((uint64_t)ahead > view->cells_nr)
		view->head_idx = view->tail_idx - view->cells_nr;
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return 0;
}
