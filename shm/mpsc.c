/* SPDX-License-Identifier: MIT */
/* mpsc.c - whose turn is it, and which lanes are fit to be served? */
#include "shm/mpsc.h"

#include "shm/wait.h"
#include "shm/watch.h"

#define LINE_LEN 64u
/* Lanes from here on begin at pages, so that a page has one writer. */
#define PAGE_ALIGN_FROM (64u << 10)
#define PAGE_LEN	4096u

struct geometry {
	uint32_t slot_len, slots_nr, lanes_nr;
};

static uint64_t round_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) & ~(step - 1);
}

/* What lanes begin at a multiple of. */
static uint64_t lane_step(const struct geometry *g)
{
	return spsc_len(g->slot_len, g->slots_nr) < PAGE_ALIGN_FROM ? LINE_LEN
								    : PAGE_LEN;
}

static uint64_t lane_len(const struct geometry *g)
{
	return round_up(spsc_len(g->slot_len, g->slots_nr), lane_step(g));
}

static uint64_t lanes_off(const struct geometry *g)
{
	return round_up(sizeof(struct mpsc_mem), lane_step(g));
}

static uint64_t whole_len(const struct geometry *g)
{
	if (!spsc_len(g->slot_len, g->slots_nr) || !g->lanes_nr ||
	    g->lanes_nr > MPSC_LANES_MAX)
		return 0;
	return lanes_off(g) + g->lanes_nr * lane_len(g);
}

uint64_t mpsc_len(uint32_t slot_len, uint32_t slots_nr, uint32_t lanes_nr)
{
	return whole_len(&(struct geometry){ slot_len, slots_nr, lanes_nr });
}

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const struct geometry *g = arg;
	struct mpsc_mem *m = mem;

	(void)len;
	/* The rest is zero already, as the region was created. */
	m->slot_len = g->slot_len;
	m->slots_nr = g->slots_nr;
	m->lanes_nr = g->lanes_nr;
	m->lanes_off = lanes_off(g);
	m->lane_len = lane_len(g);
	for (uint32_t i = 0; i < g->lanes_nr; i++)
		spsc_format((uint8_t *)mem + lanes_off(g) + i * lane_len(g),
			    g->slot_len, g->slots_nr);
	m->version = MPSC_VERSION;
	m->magic = MPSC_MAGIC;
	return 0;
}

int mpsc_create(const struct region *region, const char *name,
		uint32_t slot_len, uint32_t slots_nr, uint32_t lanes_nr,
		uint32_t creator)
{
	struct geometry g = { slot_len, slots_nr, lanes_nr };
	uint64_t off, len = whole_len(&g);

	if (!len)
		return -SHM_EINVAL;
	if (len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_MPSC, len,
				     creator, mem_init, &g, &off);
}

/* The channel at info, its geometry read once and checked. *off: of lane 0. */
static int mem_check(const struct region *region,
		     const struct region_info *info, struct mpsc_mem **out,
		     struct geometry *g, uint64_t *off)
{
	struct mpsc_mem *m;
	uint32_t magic, version;

	if (info->len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region.h keeps [off, off + len) inside. */
	m = (void *)(region->base + info->off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	g->slot_len = read_once(&m->slot_len);
	g->slots_nr = read_once(&m->slots_nr);
	g->lanes_nr = read_once(&m->lanes_nr);
	if (magic != MPSC_MAGIC || version != MPSC_VERSION)
		return -SHM_EVERSION;
	/* The rest follows from these three; a creator has no choice. */
	if (!whole_len(g) || whole_len(g) > info->len ||
	    read_once(&m->lanes_off) != lanes_off(g) ||
	    read_once(&m->lane_len) != lane_len(g))
		return -SHM_EPEER;
	*out = m;
	*off = info->off + lanes_off(g);
	return 0;
}

static int mem_find(const struct region *region, const char *name,
		    struct mpsc_mem **out, struct geometry *g, uint64_t *off)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_MPSC, &info);

	return err ? err : mem_check(region, &info, out, g, off);
}

/* Lane i of those that begin at off. */
static struct spsc_mem *lane_at(const struct region *region, uint64_t off,
				uint64_t len, uint32_t i)
{
	/* TRUST: mem_find() found all lanes inside the channel. */
	return (void *)(region->base + off + i * len);
}

int mpsc_open_tx(struct spsc_tx *tx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	struct mpsc_mem *m;
	struct geometry g;
	uint64_t off, len, closed;
	int err = mem_find(region, name, &m, &g, &off);

	if (err)
		return err;
	len = lane_len(&g);
	/* [MPSC-LANE] pairs with lane_close(), mpsc_reset_lane(). */
	closed = load_acquire(&m->closed);
	/* First where one died: what it left shall not lie about. */
	for (uint32_t i = 0; i < 2 * g.lanes_nr; i++) {
		uint32_t lane = i % g.lanes_nr;
		const struct spsc_mem *at = lane_at(region, off, len, lane);

		if (closed >> lane & 1)
			continue;
		if (i < g.lanes_nr && !owner_gone(region, &at->producer))
			continue;
		err = spsc_open_tx_at(tx, region, off + lane * len, len, peer,
				      vector);
		if (err)
			continue;
		/* A lane made by another than this channel's creator? */
		if (tx->slot_len != g.slot_len || tx->slots_nr != g.slots_nr) {
			spsc_close_tx(tx);
			continue;
		}
		/* One bell for all lanes. */
		tx->data_bell.bell = &m->data_bell;
		return 0;
	}
	return -SHM_EFULL;
}

/* A lane that lied: no longer served, and not for new producers. */
static void lane_close(struct mpsc_rx *rx, uint32_t lane)
{
	rx->closed |= 1ull << lane;
	store_release(&rx->mem->closed, rx->closed); /* [MPSC-LANE] */
}

static int lane_open(struct mpsc_rx *rx, uint32_t lane)
{
	struct spsc_rx *at = &rx->lanes[lane];
	int err = spsc_open_rx_at(at, rx->region, rx->off + lane * rx->lane_len,
				  rx->lane_len, rx->peer, rx->vector);

	if (err)
		return err;
	if (at->slot_len == rx->slot_len && at->slots_nr == rx->slots_nr)
		return 0;
	owner_release(&at->owner);
	return -SHM_EPEER;
}

int mpsc_open_rx(struct mpsc_rx *rx, const struct region *region,
		 const char *name, struct peer *peer, uint32_t vector)
{
	struct region_tuning tuning;
	struct mpsc_mem *m;
	struct geometry g;
	int taken, err = mem_find(region, name, &m, &g, &rx->off);

	if (err)
		return err;
	taken = owner_take(&rx->owner, region, &m->consumer, peer->id);
	if (taken < 0)
		return taken;
	region_tuning(region, &tuning);
	rx->mem = m;
	rx->lanes_nr = g.lanes_nr;
	rx->lane = g.lanes_nr - 1; /* lane 0 is next */
	rx->closed = 0;
	rx->lane_len = lane_len(&g);
	rx->slot_len = g.slot_len;
	rx->slots_nr = g.slots_nr;
	rx->taken_over = taken > 0;
	rx->region = region;
	rx->peer = peer;
	rx->vector = vector;
	rx->spin_ns = tuning.spin_ns;
	bell_take(&rx->data_bell, &m->data_bell, peer, vector);
	for (uint32_t i = 0; i < g.lanes_nr; i++)
		if (lane_open(rx, i))
			rx->closed |= 1ull << i;
	/* [MPSC-LANE] what the last consumer closed may be fit again. */
	store_release(&m->closed, rx->closed);
	return 0;
}

void mpsc_close_rx(struct mpsc_rx *rx)
{
	for (uint32_t i = 0; i < rx->lanes_nr; i++)
		if (mpsc_lane_open(rx, i))
			spsc_close_rx(&rx->lanes[i]);
	owner_release(&rx->owner);
}

int mpsc_retire(const struct region *region, const char *name, uint32_t peer_id)
{
	struct owner taken[MPSC_LANES_MAX + 1];
	struct mpsc_mem *m;
	struct geometry g;
	uint64_t off;
	uint32_t nr;
	int err = mem_find(region, name, &m, &g, &off);

	if (err)
		return err;
	/* Before one is taken: a dead peer's end given back would hide from
	 * the others that it died. */
	for (nr = 0; nr < g.lanes_nr; nr++)
		if (owner_lives(
			    region,
			    &lane_at(region, off, lane_len(&g), nr)->producer))
			return -SHM_EEXIST;
	err = owner_take(&taken[0], region, &m->consumer, peer_id);
	for (nr = 0; nr < g.lanes_nr && err >= 0; nr++)
		err = owner_take(
			&taken[nr + 1], region,
			&lane_at(region, off, lane_len(&g), nr)->producer,
			peer_id);
	/* The ends stay ours: whoever found the channel before gets none. */
	if (err >= 0)
		return region_channel_retire(region, name, REGION_KIND_MPSC);
	/* The last try is the one that failed. */
	while (nr)
		owner_release(&taken[--nr]);
	return err;
}

int mpsc_peek(struct mpsc_rx *rx, uint32_t want, const void **slots)
{
	uint32_t lane = rx->lane;

	for (uint32_t i = 0; i < rx->lanes_nr; i++) {
		int got;

		lane = lane + 1 < rx->lanes_nr ? lane + 1 : 0;
		if (!mpsc_lane_open(rx, lane))
			continue;
		got = spsc_peek(&rx->lanes[lane], want, slots);
		if (got == 0)
			continue;
		rx->lane = lane;
		if (got > 0)
			return got;
		if (!owner_holds(&rx->owner))
			return -SHM_EOWNER;
		lane_close(rx, lane);
		return -SHM_EPEER;
	}
	*slots = NULL;
	return owner_holds(&rx->owner) ? 0 : -SHM_EOWNER;
}

int mpsc_pop(struct mpsc_rx *rx, void *msgs, uint32_t nr)
{
	uint8_t *to = msgs;
	uint32_t done = 0;

	while (done < nr) {
		uint64_t closed = rx->closed;
		const void *slots;
		int got = mpsc_peek(rx, nr - done, &slots);

		if (got < 0 && done) {
			/* Let the next call come upon it again. */
			rx->closed = closed;
			return (int)done;
		}
		if (got <= 0)
			return done ? (int)done : got;
		__builtin_memcpy(to, slots, (size_t)got * rx->slot_len);
		mpsc_release(rx, (uint32_t)got);
		to += (size_t)got * rx->slot_len;
		done += (uint32_t)got;
	}
	return (int)done;
}

/* Has any lane something? 1 yes, 0 no, or an error. */
static int ready(void *end)
{
	struct mpsc_rx *rx = end;

	for (uint32_t i = 0; i < rx->lanes_nr; i++) {
		struct spsc_rx *at = &rx->lanes[i];

		if (!mpsc_lane_open(rx, i))
			continue;
		/* Of an error mpsc_peek() knows more. */
		if (spsc_refresh_rx(at) || at->tail_seen != at->head_idx)
			return 1;
	}
	return owner_holds(&rx->owner) ? 0 : -SHM_EOWNER;
}

/* Are the producers dead, all that there are? */
static int hopeless(void *end)
{
	const struct mpsc_rx *rx = end;
	bool gone = false;

	for (uint32_t i = 0; i < rx->lanes_nr; i++) {
		const struct spsc_mem *at = lane_at(rx->region, rx->off,
						    rx->lane_len, i);

		if (!mpsc_lane_open(rx, i))
			continue;
		if (owner_lives(rx->region, &at->producer))
			return 0;
		gone = gone || owner_gone(rx->region, &at->producer);
	}
	return gone ? -SHM_EGONE : 0;
}

int mpsc_wait_data(struct mpsc_rx *rx, uint64_t timeout_ns)
{
	const struct wait w = { .ready = ready,
				.hopeless = hopeless,
				.end = rx,
				.peer = rx->peer,
				.bell = &rx->data_bell,
				.vector = rx->vector,
				.spin_ns = rx->spin_ns };

	return wait_until(&w, timeout_ns);
}

int mpsc_reset_lane(struct mpsc_rx *rx, uint32_t lane)
{
	struct owner producer, consumer;
	struct spsc_mem *m;
	int err;

	if (lane >= rx->lanes_nr || mpsc_lane_open(rx, lane))
		return -SHM_EINVAL;
	m = lane_at(rx->region, rx->off, rx->lane_len, lane);
	err = owner_take(&producer, rx->region, &m->producer, rx->peer->id);
	if (err < 0)
		return err;
	/* Both ends are ours now: the consumer's by rx->owner, whatever a liar
	 * wrote to that word. */
	spsc_format(m, rx->slot_len, rx->slots_nr);
	store_relaxed(&m->tail_idx, 0);
	store_relaxed(&m->head_idx, 0);
	store_relaxed(&m->done_idx, 0);
	consumer = (struct owner){ &m->consumer, load_relaxed(&m->consumer) };
	owner_release(&consumer);
	err = lane_open(rx, lane);
	if (!err) {
		rx->closed &= ~(1ull << lane);
		/* [MPSC-LANE] the new lane before the word that offers it. */
		store_release(&rx->mem->closed, rx->closed);
	}
	owner_release(&producer);
	return err;
}

int mpsc_watch(const struct region *region, uint32_t slot,
	       struct mpsc_view *view)
{
	struct region_info info;
	struct mpsc_mem *m;
	struct geometry g;
	uint64_t off;
	int err = watch_find(region, slot, REGION_KIND_MPSC, &info);

	if (!err)
		err = mem_check(region, &info, &m, &g, &off);
	if (err)
		return err;
	view->slots_nr = g.slots_nr;
	view->slot_len = g.slot_len;
	view->lanes_nr = g.lanes_nr;
	view->closed = load_acquire(&m->closed); /* [MPSC-LANE] */
	view->closed &= UINT64_MAX >> (MPSC_LANES_MAX - g.lanes_nr);
	view->producers_nr = watch_living(
		region, &lane_at(region, off, lane_len(&g), 0)->producer,
		lane_len(&g), g.lanes_nr);
	for (uint32_t i = 0; i < g.lanes_nr; i++) {
		const struct spsc_mem *at = lane_at(region, off, lane_len(&g),
						    i);
		struct mpsc_lane_view *lane = &view->lanes[i];

		if (!watch_counts(&at->head_idx, &at->tail_idx, g.slots_nr,
				  &lane->head_idx, &lane->tail_idx))
			continue;
		/* A liar's lane says nothing; the others' do. */
		*lane = (struct mpsc_lane_view){ 0, 0 };
		view->closed |= 1ull << i;
	}
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return 0;
}
