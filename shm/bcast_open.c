/* SPDX-License-Identifier: MIT */
/* bcast_open.c - making a broadcast channel, and becoming one of its ends. */
#include "shm/bcast.h"

#include "shm/watch.h"

#define LINE_LEN	64u
#define WORD_LEN	8u
#define PAGE_ALIGN_FROM (64u << 10)
#define PAGE_LEN	4096u
#define WRITE_AHEAD_LEN 512u /* as spsc.h has it */

struct geometry {
	uint32_t msg_len, slots_nr, bells_nr;
	uint32_t slot_len;
	uint64_t bells_off, data_off, len;
};

static uint64_t round_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) & ~(step - 1);
}

/* Everything follows from the three numbers a creator chooses. */
static bool geometry_set(struct geometry *g, uint32_t msg_len,
			 uint32_t slots_nr, uint32_t bells_nr)
{
	uint64_t data_len;

	if (msg_len < WORD_LEN || msg_len > BCAST_MSG_LEN_MAX ||
	    msg_len % WORD_LEN || slots_nr < 2 || slots_nr > BCAST_SLOTS_MAX ||
	    (slots_nr & (slots_nr - 1)) || bells_nr > BCAST_BELLS_MAX)
		return false;
	g->msg_len = msg_len;
	g->slots_nr = slots_nr;
	g->bells_nr = bells_nr;
	g->slot_len = (uint32_t)round_up(sizeof(struct bcast_slot) + msg_len,
					 LINE_LEN);
	data_len = (uint64_t)g->slot_len * slots_nr;
	g->bells_off = sizeof(struct bcast_mem);
	g->data_off = g->bells_off + (uint64_t)bells_nr * sizeof(struct bell);
	if (data_len >= PAGE_ALIGN_FROM)
		g->data_off = round_up(g->data_off, PAGE_LEN);
	g->len = g->data_off + data_len;
	return true;
}

uint64_t bcast_len(uint32_t msg_len, uint32_t slots_nr, uint32_t bells_nr)
{
	struct geometry g;

	return geometry_set(&g, msg_len, slots_nr, bells_nr) ? g.len : 0;
}

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const struct geometry *g = arg;
	struct bcast_mem *m = mem;

	(void)len;
	/* The rest is zero; the slots are as the lap before the first would
	 * have left them. */
	for (uint64_t i = 0; i < g->slots_nr; i++)
		store_relaxed(&bcast_slot_at((uint8_t *)mem + g->data_off,
					     g->slots_nr, g->slot_len, i)
				       ->seq,
			      BCAST_WHOLE(i - g->slots_nr));
	m->msg_len = g->msg_len;
	m->slots_nr = g->slots_nr;
	m->bells_nr = g->bells_nr;
	m->slot_len = g->slot_len;
	m->bells_off = g->bells_off;
	m->data_off = g->data_off;
	m->version = BCAST_VERSION;
	m->magic = BCAST_MAGIC;
	return 0;
}

int bcast_create(const struct region *region, const char *name,
		 uint32_t msg_len, uint32_t slots_nr, uint32_t bells_nr,
		 uint32_t creator)
{
	struct geometry g;
	uint64_t off;

	if (!geometry_set(&g, msg_len, slots_nr, bells_nr))
		return -SHM_EINVAL;
	if (g.len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_BCAST, g.len,
				     creator, mem_init, &g, &off);
}

/* The channel at info, its geometry read once and checked. */
static int mem_check(const struct region *region,
		     const struct region_info *info, struct bcast_mem **out,
		     struct geometry *g)
{
	struct bcast_mem *m;
	uint32_t magic, version;

	if (info->len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region.h keeps [off, off + len) inside. */
	m = (void *)(region->base + info->off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	if (magic != BCAST_MAGIC || version != BCAST_VERSION)
		return -SHM_EVERSION;
	if (!geometry_set(g, read_once(&m->msg_len), read_once(&m->slots_nr),
			  read_once(&m->bells_nr)) ||
	    g->len > info->len || read_once(&m->slot_len) != g->slot_len ||
	    read_once(&m->bells_off) != g->bells_off ||
	    read_once(&m->data_off) != g->data_off)
		return -SHM_EPEER;
	*out = m;
	return 0;
}

static int mem_find(const struct region *region, const char *name,
		    struct bcast_mem **out, struct geometry *g)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_BCAST, &info);

	return err ? err : mem_check(region, &info, out, g);
}

/* TRUST: bells_off and bells_nr are geometry, checked at attach. */
static struct bell *bell_at(struct bcast_mem *m, uint32_t nr)
{
	return (struct bell *)((uint8_t *)m + sizeof(*m)) + nr;
}

int bcast_open_tx(struct bcast_tx *tx, const struct region *region,
		  const char *name, struct peer *peer)
{
	struct bcast_mem *m;
	struct geometry g;
	uint64_t tail_idx, seq;
	struct owner owner;
	int err, taken;

	err = mem_find(region, name, &m, &g);
	if (err)
		return err;
	taken = owner_take(&owner, region, &m->writer, peer->id);
	if (taken < 0)
		return taken;
	tx->data = (uint8_t *)m + g.data_off;
	tail_idx = load_acquire(&m->tail_idx); /* [BCAST-TAIL] */
	seq = load_acquire(
		&bcast_slot_at(tx->data, g.slots_nr, g.slot_len, tail_idx)
			 ->seq);
	/* The last writer may have died before it said so. */
	if (seq == BCAST_WHOLE(tail_idx)) {
		store_release(&m->tail_idx, ++tail_idx); /* [BCAST-TAIL] */
	} else if (seq != BCAST_WRITING(tail_idx) &&
		   seq != BCAST_WHOLE(tail_idx - g.slots_nr)) {
		owner_release(&owner);
		return -SHM_EPEER;
	}
	tx->mem = m;
	tx->tail_idx = tail_idx;
	tx->slots_nr = g.slots_nr;
	tx->slot_len = g.slot_len;
	tx->words_nr = g.msg_len / WORD_LEN;
	tx->bells_nr = g.bells_nr;
	tx->ahead_nr = g.slot_len < WRITE_AHEAD_LEN
			       ? WRITE_AHEAD_LEN / g.slot_len
			       : 1;
	tx->taken_over = taken;
	/* So that the first write looks at every bell. */
	tx->alarms_seen = load_acquire(&m->alarms_nr) - 1;
	for (uint32_t i = 0; i < g.bells_nr; i++) {
		tx->bells[i].bell = bell_at(m, i);
		tx->bells[i].rung = 0;
	}
	tx->peer = peer;
	tx->owner = owner;
	return 0;
}

int bcast_open_rx(struct bcast_rx *rx, const struct region *region,
		  const char *name, struct peer *peer, enum bcast_from from)
{
	struct bcast_mem *m;
	struct geometry g;
	uint64_t first_idx;
	int err = mem_find(region, name, &m, &g);

	if (err)
		return err;
	rx->mem = m;
	rx->data = (uint8_t *)m + g.data_off;
	first_idx = read_once(&m->first_idx);
	rx->next_idx = load_acquire(&m->tail_idx); /* [BCAST-TAIL] */
	if (from == BCAST_FROM_OLDEST)
		/* The slot behind the newest is the next to be written. */
		rx->next_idx = rx->next_idx - first_idx < g.slots_nr
				       ? first_idx
				       : rx->next_idx - g.slots_nr + 1;
	rx->missed_nr = 0;
	rx->slots_nr = g.slots_nr;
	rx->slot_len = g.slot_len;
	rx->words_nr = g.msg_len / WORD_LEN;
	rx->bells_nr = g.bells_nr;
	rx->skip_to_newest = false;
	rx->broken = false;
	rx->has_bell = false;
	rx->peer = peer;
	rx->region = region;
	rx->vector = 0;
	rx->spin_ns = WAIT_SPIN_DEFAULT_NS;
	return 0;
}

int bcast_take_bell(struct bcast_rx *rx, uint32_t vector)
{
	struct bcast_mem *m = rx->mem;

	for (uint32_t i = 0; i < rx->bells_nr && !rx->has_bell; i++) {
		if (owner_take(&rx->bell_owner, rx->region, &m->sleepers[i],
			       rx->peer->id) < 0)
			continue;
		bell_take(&rx->bell, bell_at(m, i), rx->peer, vector);
		rx->alarmed = rx->bell.ticket;
		rx->vector = vector;
		rx->has_bell = true;
		bell_disarm(&rx->bell);
	}
	return rx->has_bell ? 0 : -SHM_EFULL;
}

void bcast_close_tx(struct bcast_tx *tx)
{
	(void)bcast_flush(tx);
	owner_release(&tx->owner);
}

void bcast_close_rx(struct bcast_rx *rx)
{
	if (rx->has_bell)
		owner_release(&rx->bell_owner);
	rx->has_bell = false;
}

int bcast_retire(const struct region *region, const char *name,
		 uint32_t peer_id)
{
	struct bcast_mem *m;
	struct geometry g;
	struct owner writer;
	int err = mem_find(region, name, &m, &g);

	if (err)
		return err;
	if (owner_lives(region, &m->writer))
		return -SHM_EEXIST;
	for (uint32_t i = 0; i < g.bells_nr; i++)
		if (owner_lives(region, &m->sleepers[i]))
			return -SHM_EEXIST;
	err = owner_take(&writer, region, &m->writer, peer_id);
	/* It stays ours: whoever found the channel before cannot write. */
	return err < 0 ? err
		       : region_channel_retire(region, name, REGION_KIND_BCAST);
}

int bcast_watch(const struct region *region, uint32_t slot,
		struct bcast_view *view)
{
	struct region_info info;
	struct bcast_mem *m;
	struct geometry g;
	int err = watch_find(region, slot, REGION_KIND_BCAST, &info);

	if (!err)
		err = mem_check(region, &info, &m, &g);
	if (err)
		return err;
	view->first_idx = read_once(&m->first_idx);
	view->tail_idx = load_acquire(&m->tail_idx); /* [BCAST-TAIL] */
	if ((int64_t)(view->tail_idx - view->first_idx) < 0)
		return -SHM_EPEER;
	view->slots_nr = g.slots_nr;
	view->msg_len = g.msg_len;
	view->bells_nr = g.bells_nr;
	view->sleepers_nr = watch_living(region, &m->sleepers[0],
					 sizeof(m->sleepers[0]), g.bells_nr);
	view->writer_lives = owner_lives(region, &m->writer);
	__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return 0;
}
