/* SPDX-License-Identifier: MIT */
/* spsc_var_open.c - how is a ring of messages of different lengths made, found,
 * given up and taken away? */
#include "shm/spsc_var.h"
#include "shm/watch.h"

#define PAGE_LEN       4096u
#define SMALL_DATA_OFF 1024u
/* Below this much data a page of alignment would be most of the ring. */
#define PAGE_ALIGN_FROM (64u << 10)

static bool ring_len_ok(uint64_t ring_len)
{
	return ring_len >= SPSC_VAR_RING_LEN_MIN &&
	       ring_len <= SPSC_VAR_RING_LEN_MAX &&
	       (ring_len & (ring_len - 1)) == 0;
}

static uint64_t data_off(uint64_t ring_len)
{
	return ring_len < PAGE_ALIGN_FROM ? SMALL_DATA_OFF : PAGE_LEN;
}

uint64_t spsc_var_len(uint64_t ring_len)
{
	return ring_len_ok(ring_len) ? data_off(ring_len) + ring_len : 0;
}

uint32_t spsc_var_msg_max(uint64_t ring_len)
{
	if (!ring_len_ok(ring_len))
		return 0;
	/* With the longest pad before it, the longest message takes just over
	 * half of an empty ring: it always fits, wherever that begins. */
	return ring_len / 4 < SPSC_VAR_MSG_LEN_MAX ? (uint32_t)(ring_len / 4)
						   : SPSC_VAR_MSG_LEN_MAX;
}

static int mem_init(void *arg, void *mem, uint64_t len)
{
	const uint64_t *ring_len = arg;
	struct spsc_var_mem *m = mem;

	(void)len;
	/* The rest is zero already. */
	m->ring_len = *ring_len;
	m->data_off = data_off(*ring_len);
	m->version = SPSC_VAR_VERSION;
	m->magic = SPSC_VAR_MAGIC;
	return 0;
}

int spsc_var_create(const struct region *region, const char *name,
		    uint64_t ring_len, uint32_t creator)
{
	uint64_t off, len = spsc_var_len(ring_len);

	if (!len)
		return -SHM_EINVAL;
	if (len > region->len)
		return -SHM_ETOOSMALL;
	return region_channel_create(region, name, REGION_KIND_SPSC_VAR, len,
				     creator, mem_init, &ring_len, &off);
}

/* The ring at info, its geometry read once and checked against the space. */
static int mem_check(const struct region *region,
		     const struct region_info *info, struct spsc_var_mem **out,
		     uint64_t *ring_len)
{
	struct spsc_var_mem *m;
	uint32_t magic, version;

	if (info->len < sizeof(*m))
		return -SHM_EPEER;
	/* TRUST: region_channel_at() keeps [off, off + len) inside. */
	m = (void *)(region->base + info->off);
	magic = read_once(&m->magic);
	version = read_once(&m->version);
	*ring_len = read_once(&m->ring_len);
	if (magic != SPSC_VAR_MAGIC || version != SPSC_VAR_VERSION)
		return -SHM_EVERSION;
	/* data_off follows from the geometry; a creator has no choice. */
	if (!ring_len_ok(*ring_len) || spsc_var_len(*ring_len) > info->len ||
	    read_once(&m->data_off) != data_off(*ring_len))
		return -SHM_EPEER;
	*out = m;
	return 0;
}

static int mem_find(const struct region *region, const char *name,
		    struct spsc_var_mem **m, uint64_t *ring_len)
{
	struct region_info info;
	int err = region_channel_find(region, name, REGION_KIND_SPSC_VAR,
				      &info);

	return err ? err : mem_check(region, &info, m, ring_len);
}

int spsc_var_open_tx(struct spsc_var_tx *tx, const struct region *region,
		     const char *name, struct peer *peer, uint32_t vector)
{
	struct spsc_var_mem *m;
	uint64_t ring_len, tail_idx, head_idx;
	int taken, err = mem_find(region, name, &m, &ring_len);

	if (err)
		return err;
	taken = owner_take(&tx->owner, region, &m->producer, peer->id);
	if (taken < 0)
		return taken;
	tail_idx = load_acquire(&m->tail_idx);
	head_idx = load_acquire(&m->head_idx); /* [VAR-FREE] */
	if (tail_idx - head_idx > ring_len || (tail_idx | head_idx) % 8) {
		owner_release(&tx->owner);
		return -SHM_EPEER;
	}
	/* Field by field: a handle that was ever memset stays in memory
	 * instead of registers (measured, docs/ring.md). */
	tx->mem = m;
	tx->data = (uint8_t *)m + data_off(ring_len);
	tx->tail_idx = tail_idx;
	tx->tail_published = tail_idx;
	tx->head_seen = head_idx;
	tx->ring_len = ring_len;
	tx->room_idx = tail_idx;
	tx->room_len = 0;
	tx->msg_max = spsc_var_msg_max(ring_len);
	tx->prefetch_len = SPSC_VAR_PREFETCH_WRITE_LEN;
	tx->broken = 0;
	tx->taken_over = taken > 0;
	tx->data_bell.bell = &m->data_bell;
	tx->data_bell.rung = 0;
	tx->peer = peer;
	tx->region = region;
	tx->vector = vector;
	tx->want = 1;
	tx->spin_ns = WAIT_SPIN_DEFAULT_NS;
	bell_take(&tx->space_bell, &m->space_bell, peer, vector);
	return 0;
}

int spsc_var_open_rx(struct spsc_var_rx *rx, const struct region *region,
		     const char *name, struct peer *peer, uint32_t vector)
{
	struct spsc_var_mem *m;
	uint64_t ring_len, tail_idx, head_idx, done_idx;
	int taken, err = mem_find(region, name, &m, &ring_len);

	if (err)
		return err;
	taken = owner_take(&rx->owner, region, &m->consumer, peer->id);
	if (taken < 0)
		return taken;
	head_idx = load_acquire(&m->head_idx);
	done_idx = load_acquire(&m->done_idx); /* [VAR-DONE] */
	tail_idx = load_acquire(&m->tail_idx); /* [VAR-DATA] */
	if (tail_idx - head_idx > ring_len ||
	    done_idx - head_idx > tail_idx - head_idx ||
	    (tail_idx | head_idx | done_idx) % 8) {
		owner_release(&rx->owner);
		return -SHM_EPEER;
	}
	rx->mem = m;
	rx->data = (const uint8_t *)m + data_off(ring_len);
	rx->peek_idx = done_idx;
	rx->head_idx = done_idx;
	rx->head_published = head_idx;
	rx->tail_seen = tail_idx;
	rx->ring_len = ring_len;
	rx->credit_len = ring_len / 8;
	rx->msg_max = spsc_var_msg_max(ring_len);
	rx->prefetch_len = SPSC_VAR_PREFETCH_READ_LEN;
	chase_init(&rx->chase, ring_len);
	rx->broken = 0;
	rx->taken_over = taken > 0;
	rx->space_bell.bell = &m->space_bell;
	rx->space_bell.rung = 0;
	rx->peer = peer;
	rx->region = region;
	rx->vector = vector;
	rx->spin_ns = WAIT_SPIN_DEFAULT_NS;
	bell_take(&rx->data_bell, &m->data_bell, peer, vector);
	return 0;
}

void spsc_var_close_tx(struct spsc_var_tx *tx)
{
	(void)spsc_var_flush(tx);
	owner_release(&tx->owner);
}

void spsc_var_close_rx(struct spsc_var_rx *rx)
{
	/* Whoever took the end over gives credit now, not we. */
	if (owner_holds(&rx->owner))
		spsc_var_publish_head(rx);
	owner_release(&rx->owner);
}

int spsc_var_retire(const struct region *region, const char *name,
		    uint32_t peer_id)
{
	struct owner producer, consumer;
	struct spsc_var_mem *m;
	uint64_t ring_len;
	int err = mem_find(region, name, &m, &ring_len);

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
	return region_channel_retire(region, name, REGION_KIND_SPSC_VAR);
}

int spsc_var_watch(const struct region *region, uint32_t slot,
		   struct spsc_var_view *view)
{
	struct region_info info;
	struct spsc_var_mem *m;
	int err = watch_find(region, slot, REGION_KIND_SPSC_VAR, &info);

	if (!err)
		err = mem_check(region, &info, &m, &view->ring_len);
	if (!err)
		err = watch_counts(&m->head_idx, &m->tail_idx, view->ring_len,
				   &view->head_idx, &view->tail_idx);
	if (!err)
		__builtin_memcpy(view->name, info.name, sizeof(view->name));
	return err;
}
