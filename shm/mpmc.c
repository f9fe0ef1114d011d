/* SPDX-License-Identifier: MIT */
/* mpmc.c - the cold half of the ring: making, attaching, leaving, copying. */
#include "shm/mpmc.h"

#include "shm/watch.h"

/* Below this much data a page of alignment would be most of the ring. */
#define PAGE_ALIGN_FROM (64u << 10)
#define PAGE_LEN	4096u

struct geometry {
	uint32_t slot_len, slots_nr, ends_nr;
};

uint32_t mpmc_cell_len(uint32_t slot_len)
{
	if (slot_len < 8 || slot_len > MPMC_SLOT_LEN_MAX || slot_len % 8)
		return 0;
	if (slot_len == 8)
		return 16;
	return (slot_len + 8 + MPMC_LINE_LEN - 1) & ~(MPMC_LINE_LEN - 1);
}

static bool geometry_ok(const struct geometry *g)
{
	return mpmc_cell_len(g->slot_len) && g->slots_nr >= MPMC_SLOTS_MIN &&
	       g->slots_nr <= MPMC_SLOTS_MAX &&
	       (g->slots_nr & (g->slots_nr - 1)) == 0 && g->ends_nr >= 1 &&
	       g->ends_nr <= MPMC_ENDS_MAX;
}

static uint64_t cells_len(const struct geometry *g)
{
	return (uint64_t)mpmc_cell_len(g->slot_len) * g->slots_nr;
}

/* A multiple of a line: seats are 256 bytes each. */
static uint64_t data_off(const struct geometry *g)
{
	uint64_t off = sizeof(struct mpmc_mem) +
		       2ull * g->ends_nr * sizeof(struct mpmc_seat);

	if (cells_len(g) >= PAGE_ALIGN_FROM)
		off = (off + PAGE_LEN - 1) & ~(uint64_t)(PAGE_LEN - 1);
	return off;
}

static uint64_t whole_len(const struct geometry *g)
{
	return geometry_ok(g) ? data_off(g) + cells_len(g) : 0;
}

uint64_t mpmc_len(uint32_t slot_len, uint32_t slots_nr, uint32_t ends_nr)
{
	return whole_len(&(struct geometry){ slot_len, slots_nr, ends_nr });
}

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const struct geometry *g = arg;
	struct mpmc_mem *m = mem;
	uint64_t cell_len = mpmc_cell_len(g->slot_len);
	uint8_t *cells = (uint8_t *)mem + data_off(g);

	(void)len;
	/* The rest is zero already, as the region was created. */
	m->slot_len = g->slot_len;
	m->slots_nr = g->slots_nr;
	m->ends_nr = g->ends_nr;
	m->cell_len = (uint32_t)cell_len;
	m->data_off = data_off(g);
	for (uint64_t i = 0; i < g->slots_nr; i++) {
		struct mpmc_cell *cell = (void *)(cells + i * cell_len);

		store_relaxed(&cell->seq, i);
	}
	m->version = MPMC_VERSION;
	m->magic = MPMC_MAGIC;
	return 0;
}

int mpmc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t ends_nr,
		uint32_t creator)
{
	struct geometry g = { slot_len, slots_nr, ends_nr };
	uint64_t off, len = whole_len(&g);

	if (!len)
		return -SHM_EINVAL;
	if (len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_MPMC, len,
				     creator, mem_init, &g, &off);
}

/* The ring at info, its geometry read once and checked against the space. */
static int mem_check(const struct region *region,
		     const struct region_info *info, struct mpmc_mem **out,
		     struct geometry *g)
{
	struct mpmc_mem *m;
	uint32_t magic, version;

	if (info->len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region_channel_find() keeps [off, off + len) inside. */
	m = (void *)(region->base + info->off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	g->slot_len = read_once(&m->slot_len);
	g->slots_nr = read_once(&m->slots_nr);
	g->ends_nr = read_once(&m->ends_nr);
	if (magic != MPMC_MAGIC || version != MPMC_VERSION)
		return -SHM_EVERSION;
	/* The rest follows from these three; a creator has no choice. */
	if (!geometry_ok(g) || whole_len(g) > info->len ||
	    read_once(&m->cell_len) != mpmc_cell_len(g->slot_len) ||
	    read_once(&m->data_off) != data_off(g))
		return -SHM_EPEER;
	*out = m;
	return 0;
}

/* Sit down: on a dead peer's seat rather than on a free one, so that what it
 * left behind is settled. */
static int seat_take(struct mpmc_end *end, struct mpmc_seat *seats,
		     uint32_t peer_id)
{
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < end->ends_nr; i++) {
			int taken;

			if (round == 0 &&
			    !owner_gone(end->region, &seats[i].owner))
				continue;
			taken = owner_take(&end->owner, end->region,
					   &seats[i].owner, peer_id);
			if (taken < 0)
				continue;
			end->seat = &seats[i];
			end->seat_nr = i;
			end->taken_over = taken > 0;
			return 0;
		}
	return -SHM_EFULL;
}

/* ready: 0 for a producer, 1 for a consumer, as the field. */
static int end_open(struct mpmc_end *end, const struct region *region,
		    const char *name, struct peer *peer, uint32_t vector,
		    uint32_t ready)
{
	struct region_tuning tuning;
	struct region_info info;
	struct mpmc_mem *m;
	struct geometry g;
	_Atomic uint64_t *asleep;
	int err = region_channel_find(region, name, REGION_KIND_MPMC, &info);

	if (!err)
		err = mem_check(region, &info, &m, &g);
	if (err)
		return err;
	region_tuning(region, &tuning);
	end->region = region;
	end->ends_nr = g.ends_nr;
	err = seat_take(end, m->seats + (ready ? g.ends_nr : 0), peer->id);
	if (err)
		return err;
	/* Its claim is nobody's from here on, which is what makes it fit to
	 * be settled: by us, at the first call, or by who needs it sooner. */
	end->inherited = load_acquire(&end->seat->intent);
	store_release(&end->seat->intent, 0);
	end->mem = m;
	end->ticket_idx = ready ? &m->head_idx : &m->tail_idx;
	/* TRUST: mem_check() found these bytes inside the channel. */
	end->cells = (uint8_t *)m + data_off(&g);
	end->cells_end = end->cells + cells_len(&g);
	end->slots_nr = g.slots_nr;
	end->cell_len = mpmc_cell_len(g.slot_len);
	end->slot_len = g.slot_len;
	end->want_max = g.slots_nr < MPMC_BATCH_MAX ? g.slots_nr
						    : MPMC_BATCH_MAX;
	end->ready = ready;
	end->held_nr = 0;
	end->broken = false;
	end->asleep = ready ? &m->tx_asleep : &m->rx_asleep;
	end->news_nr = 0;
	end->paced_idx = 0;
	end->stalled = false;
	end->pace_patience = 0;
	end->pace_left = 0;
	end->looks_nr = 0;
	end->rotor = 0;
	end->bell.bell = &end->seat->bell;
	end->bell.ticket = 0;
	end->peer = peer;
	end->vector = vector;
	end->spin_ns = tuning.spin_ns;
	end->lost_nr = 0;
	end->lost = NULL;
	end->lost_arg = NULL;
	bell_disarm(&end->bell);
	bell_set_target(&end->bell, peer->id, vector);
	/* It may have died asleep. */
	asleep = ready ? &m->rx_asleep : &m->tx_asleep;
	(void)and_relaxed(asleep, ~(1ull << end->seat_nr));
	return 0;
}

int mpmc_open_tx(struct mpmc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	return end_open(&tx->end, region, name, peer, vector, 0);
}

int mpmc_open_rx(struct mpmc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	return end_open(&rx->end, region, name, peer, vector, 1);
}

void mpmc_close_tx(struct mpmc_tx *tx)
{
	(void)mpmc_admit(&tx->end);
	/* Nobody knows what is written of it: lost, not sent. */
	(void)mpmc_finish(&tx->end, 0, 2);
	(void)mpmc_flush_tx(tx);
	owner_release(&tx->end.owner);
}

void mpmc_close_rx(struct mpmc_rx *rx)
{
	(void)mpmc_admit(&rx->end);
	(void)mpmc_release(rx);
	(void)mpmc_flush_rx(rx);
	owner_release(&rx->end.owner);
}

int mpmc_retire(const struct region *region, const char *name, uint32_t peer_id)
{
	struct owner taken[2 * MPMC_ENDS_MAX];
	struct region_info info;
	struct mpmc_mem *m;
	struct geometry g;
	uint32_t nr;
	int err = region_channel_find(region, name, REGION_KIND_MPMC, &info);

	if (!err)
		err = mem_check(region, &info, &m, &g);
	if (err)
		return err;
	/* Before one is taken: a dead peer's seat given back would hide from
	 * the others that it died. */
	for (nr = 0; nr < 2 * g.ends_nr; nr++)
		if (owner_lives(region, &m->seats[nr].owner))
			return -SHM_EEXIST;
	for (nr = 0; nr < 2 * g.ends_nr; nr++) {
		err = owner_take(&taken[nr], region, &m->seats[nr].owner,
				 peer_id);
		if (err < 0)
			break;
	}
	/* The seats stay ours: whoever found the ring before gets none. */
	if (nr == 2 * g.ends_nr)
		return region_channel_retire(region, name, REGION_KIND_MPMC);
	while (nr)
		owner_release(&taken[--nr]);
	return err;
}

/* Between msgs and the cells of a claim, one after the other. Inlined, for the
 * sake of a len that is constant. */
static inline __attribute__((always_inline)) void
cells_copy(const struct mpmc_end *end, uint8_t *out, const uint8_t *in,
	   uint32_t len)
{
	struct mpmc_cell *cell = mpmc_cell(end, end->held_idx);

	for (uint32_t i = 0; i < end->held_nr; i++) {
		if (in)
			__builtin_memcpy(cell->msg, in + (uint64_t)i * len,
					 len);
		else
			__builtin_memcpy(out + (uint64_t)i * len, cell->msg,
					 len);
		cell = mpmc_next(cell, end->cells, end->cell_len,
				 end->cells_end);
	}
}

/* Most messages are a word; a call to memcpy() would cost more than it. */
static void copy_in(const struct mpmc_end *end, const uint8_t *msgs)
{
	if (end->slot_len == 8)
		cells_copy(end, NULL, msgs, 8);
	else
		cells_copy(end, NULL, msgs, end->slot_len);
}

static void copy_out(const struct mpmc_end *end, uint8_t *msgs)
{
	if (end->slot_len == 8)
		cells_copy(end, msgs, NULL, 8);
	else
		cells_copy(end, msgs, NULL, end->slot_len);
}

int mpmc_push(struct mpmc_tx *tx, const void *msgs, uint32_t nr)
{
	const uint8_t *from = msgs;
	uint32_t done = 0;
	int got;

	do {
		int err;

		got = mpmc_reserve(tx, nr - done);
		if (got <= 0)
			return done ? (int)done : got;
		copy_in(&tx->end, from + (uint64_t)done * tx->end.slot_len);
		err = mpmc_commit(tx);
		if (err)
			return err;
		done += (uint32_t)got;
		/* Fewer than a claim may have is all there is now. */
	} while (done < nr && (uint32_t)got == tx->end.want_max);
	return (int)done;
}

int mpmc_pop(struct mpmc_rx *rx, void *msgs, uint32_t nr)
{
	uint8_t *to = msgs;
	uint32_t done = 0;
	int got;

	do {
		int err;

		got = mpmc_take(rx, nr - done);
		if (got <= 0)
			return done ? (int)done : got;
		copy_out(&rx->end, to + (uint64_t)done * rx->end.slot_len);
		err = mpmc_release(rx);
		if (err)
			return err;
		done += (uint32_t)got;
	} while (done < nr && (uint32_t)got == rx->end.want_max);
	return (int)done;
}

int mpmc_watch(const struct region *region, uint32_t slot,
	       struct mpmc_view *view)
{
	struct region_info info;
	struct mpmc_mem *m;
	struct geometry g;
	int err = watch_find(region, slot, REGION_KIND_MPMC, &info);

	if (!err)
		err = mem_check(region, &info, &m, &g);
	if (err)
		return err;
	err = watch_counts(&m->head_idx, &m->tail_idx, g.slots_nr,
			   &view->head_idx, &view->tail_idx);
	if (err)
		return err;
	view->slots_nr = g.slots_nr;
	view->slot_len = g.slot_len;
	view->ends_nr = g.ends_nr;
	view->producers_nr = watch_living(region, &m->seats[0].owner,
					  sizeof(*m->seats), g.ends_nr);
	view->consumers_nr = watch_living(region, &m->seats[g.ends_nr].owner,
					  sizeof(*m->seats), g.ends_nr);
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return 0;
}
