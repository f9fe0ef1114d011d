/* SPDX-License-Identifier: MIT */
/* region.c - how peers agree on what is where in the shared region. */
#include "shm/region.h"

#include <stdbool.h>

#include "shm/atomic.h"

#define LINE_LEN       64u
#define PAGE_LEN       4096u
#define SMALL_LEN      (64u << 10) /* below: no page to waste on alignment */
#define LARGE_LEN      (1ull << 20)
#define CLAIM_SPINS    1000000u /* a claimant writes 64 bytes meanwhile */
#define CLAIM_HASH(st) ((st) & ~0xffu)

static uint64_t round_up(uint64_t value, uint64_t step)
{
	return (value + step - 1) & ~(step - 1);
}

static bool len_ok(uint64_t len)
{
	return len >= REGION_MIN_LEN && (len & (len - 1)) == 0;
}

/* Geometry follows from the region's size alone. */
static void geometry(uint64_t len, struct region_header *g)
{
	g->region_len = len;
	g->header_len = sizeof(struct region_header);
	g->peers_nr = len < SMALL_LEN ? 64 : len < LARGE_LEN ? 1024 : 4096;
	g->channels_nr = len < SMALL_LEN ? 8 : 64;
	g->peers_off = g->header_len;
	g->channels_off = g->peers_off + (uint64_t)g->peers_nr * 4;
	g->data_off = round_up(g->channels_off +
				       (uint64_t)g->channels_nr *
					       sizeof(struct region_channel),
			       len < SMALL_LEN ? LINE_LEN : PAGE_LEN);
}

int region_format(void *base, uint64_t len)
{
	struct region_header *h = base;
	uint32_t state = REGION_RAW;

	if (!len_ok(len))
		return -SHM_EINVAL;
	/* [REGION-STATE] one winner formats. */
	if (!cas_strong(&h->state, &state, REGION_FORMATTING))
		return state == REGION_READY ? 0 : -SHM_ENOTREADY;
	geometry(len, h);
	h->magic = REGION_MAGIC;
	h->version = REGION_VERSION;
	store_relaxed(&h->used_off, h->data_off);
	/* [REGION-STATE] the header before the word that says so; pairs with
	 * region_attach(). */
	store_release(&h->state, REGION_READY);
	return 0;
}

int region_attach(struct region *region, void *base, uint64_t len)
{
	const struct region_header *h = base;
	struct region_header want = { 0 };
	uint32_t state;

	*region = (struct region){ .base = NULL };
	if (!len_ok(len))
		return -SHM_EINVAL;
	state = load_acquire(&h->state); /* [REGION-STATE] */
	if (state == REGION_RAW || state == REGION_FORMATTING)
		return -SHM_ENOTREADY;
	if (h->magic != REGION_MAGIC || h->version != REGION_VERSION)
		return -SHM_EVERSION;
	/* Version 1 leaves no choice: what is not exactly this is garbage. */
	geometry(len, &want);
	if (state != REGION_READY || h->region_len != want.region_len ||
	    h->header_len != want.header_len || h->peers_nr != want.peers_nr ||
	    h->channels_nr != want.channels_nr ||
	    h->peers_off != want.peers_off ||
	    h->channels_off != want.channels_off ||
	    h->data_off != want.data_off)
		return -SHM_EPEER;
	region->base = base;
	region->len = len;
	region->peers_nr = want.peers_nr;
	region->channels_nr = want.channels_nr;
	region->data_off = want.data_off;
	/* TRUST: offsets are from geometry(), not from memory. */
	region->peers = (void *)(region->base + want.peers_off);
	region->channels = (void *)(region->base + want.channels_off);
	return 0;
}

int region_create(struct region *region, void *base, uint64_t len)
{
	int err = region_format(base, len);

	return err ? err : region_attach(region, base, len);
}

void region_tuning(const struct region *region, struct region_tuning *tuning)
{
	const struct region_header *h = (void *)region->base;
	uint32_t read_len = load_relaxed(&h->prefetch_read_len);
	uint32_t write_len = load_relaxed(&h->prefetch_write_len);
	uint64_t spin_ns = load_relaxed(&h->spin_ns);

	*tuning = (struct region_tuning)REGION_TUNING_DEFAULT;
	if (read_len && read_len <= REGION_PREFETCH_MAX)
		tuning->prefetch_read_len = read_len;
	if (write_len && write_len <= REGION_PREFETCH_MAX)
		tuning->prefetch_write_len = write_len;
	if (spin_ns && spin_ns <= REGION_SPIN_MAX_NS)
		tuning->spin_ns = spin_ns;
}

void region_set_tuning(const struct region *region,
		       const struct region_tuning *tuning)
{
	struct region_header *h = (void *)region->base;

	store_relaxed(&h->prefetch_read_len, tuning->prefetch_read_len);
	store_relaxed(&h->prefetch_write_len, tuning->prefetch_write_len);
	store_relaxed(&h->spin_ns, tuning->spin_ns);
}

enum region_peer_state region_peer(const struct region *region, uint32_t id)
{
	uint32_t state;

	if (id >= region->peers_nr)
		return REGION_PEER_UNKNOWN;
	state = load_acquire(&region->peers[id]); /* [REGION-PEER] */
	return state <= REGION_PEER_GONE ? (enum region_peer_state)state
					 : REGION_PEER_UNKNOWN;
}

void region_peer_set(const struct region *region, uint32_t id,
		     enum region_peer_state state)
{
	if (id < region->peers_nr)
		store_release(&region->peers[id], state); /* [REGION-PEER] */
}

/* Length of a good name, 0 of a bad one. */
static uint32_t name_len(const char *name)
{
	uint32_t len = 0;

	while (name[len]) {
		if (name[len] <= ' ' || name[len] > '~' ||
		    len == REGION_NAME_LEN - 1)
			return 0;
		len++;
	}
	return len;
}

/* FNV-1a, upper 24 bits; never 0 so that a claim differs from a free slot. */
static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return (hash & ~0xffu) ? (hash & ~0xffu) : 0x100u;
}

static bool name_equal(const char *a, const char *b)
{
	for (uint32_t i = 0; i < REGION_NAME_LEN; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return false;
}

/* A checked copy of an entry whose state says that it is whole. */
static int entry_read(const struct region *region,
		      const struct region_channel *ch, struct region_info *info)
{
	/* Read once, then check the copy. */
	info->kind = read_once(&ch->kind);
	info->creator = read_once(&ch->creator);
	info->off = read_once(&ch->off);
	info->len = read_once(&ch->len);
	for (uint32_t i = 0; i < REGION_NAME_LEN; i++)
		info->name[i] = read_once(&ch->name[i]);
	if (!name_len(info->name) || info->off % LINE_LEN || !info->len ||
	    info->off < region->data_off || info->len > region->len ||
	    info->off > region->len - info->len)
		return -SHM_EPEER;
	return 0;
}

int region_channel_at(const struct region *region, uint32_t slot,
		      struct region_info *info)
{
	const struct region_channel *ch;

	if (slot >= region->channels_nr)
		return -SHM_ENOENT;
	ch = &region->channels[slot];
	/* [REGION-CHANNEL] */
	if ((load_acquire(&ch->state) & 0xff) != REGION_CHANNEL_READY)
		return -SHM_ENOENT;
	return entry_read(region, ch, info);
}

/* Wait, bounded, until whoever claimed this slot has finished with it. */
static uint32_t claim_wait(const struct region_channel *ch, uint32_t state)
{
	for (uint32_t i = 0;
	     i < CLAIM_SPINS && (state & 0xff) == REGION_CHANNEL_CLAIMED; i++) {
		cpu_relax();
		state = load_acquire(&ch->state);
	}
	return state;
}

static int slot_find(const struct region *region, const char *name,
		     uint32_t kind, struct region_info *info, uint32_t *at)
{
	uint32_t hash = name_hash(name);

	for (uint32_t i = 0; i < region->channels_nr; i++) {
		uint32_t slot = (hash / 256 + i) % region->channels_nr;
		uint32_t state = load_acquire(&region->channels[slot].state);
		int err;

		/* Probing is linear and slots are not freed: the first free
		 * one ends the search. */
		if (state == REGION_CHANNEL_FREE)
			return -SHM_ENOENT;
		if (CLAIM_HASH(state) != hash ||
		    (state & 0xff) == REGION_CHANNEL_RETIRED)
			continue;
		err = region_channel_at(region, slot, info);
		if (err)
			return err;
		if (name_equal(info->name, name)) {
			*at = slot;
			return info->kind == kind ? 0 : -SHM_EINVAL;
		}
	}
	return -SHM_ENOENT;
}

int region_channel_find(const struct region *region, const char *name,
			uint32_t kind, struct region_info *info)
{
	uint32_t slot;

	return slot_find(region, name, kind, info, &slot);
}

int region_channel_retire(const struct region *region, const char *name,
			  uint32_t kind)
{
	uint32_t slot, ready = name_hash(name) | REGION_CHANNEL_READY;
	struct region_info info;
	int err = slot_find(region, name, kind, &info, &slot);

	if (err)
		return err;
	/* [REGION-CHANNEL] what its users did before it is gone. */
	return cas_strong(&region->channels[slot].state, &ready,
			  name_hash(name) | REGION_CHANNEL_RETIRED)
		       ? 0
		       : -SHM_ENOENT;
}

/*
 * Claim the slot this name belongs in. The state word carries the name's
 * hash, so two creators of one name meet in the same slot and one loses. A
 * retired channel of that name gives its slot; *old then says what memory it
 * had (len 0: none).
 */
static int slot_claim(const struct region *region, const char *name,
		      struct region_channel **out, struct region_info *old)
{
	uint32_t hash = name_hash(name);

	for (uint32_t i = 0; i < region->channels_nr; i++) {
		uint32_t slot = (hash / 256 + i) % region->channels_nr;
		struct region_channel *ch = &region->channels[slot];
		uint32_t state = REGION_CHANNEL_FREE;

		if (cas_strong(&ch->state, &state,
			       hash | REGION_CHANNEL_CLAIMED)) {
			*out = ch;
			old->len = 0;
			return 0;
		}
		if (CLAIM_HASH(state) != hash)
			continue;
		state = claim_wait(ch, state);
		if (state == REGION_CHANNEL_DEAD)
			continue;
		if ((state & 0xff) == REGION_CHANNEL_CLAIMED)
			return -SHM_ENOTREADY;
		/* A channel behind garbage of its own hash would never be
		 * found: region_channel_find() stops there. */
		if (((state & 0xff) != REGION_CHANNEL_READY &&
		     (state & 0xff) != REGION_CHANNEL_RETIRED) ||
		    entry_read(region, ch, old))
			return -SHM_EPEER;
		if (!name_equal(old->name, name))
			continue;
		if ((state & 0xff) != REGION_CHANNEL_RETIRED)
			return -SHM_EEXIST;
		/* The same name in the same slot: two creators meet here, too.
		 */
		if (!cas_strong(&ch->state, &state,
				hash | REGION_CHANNEL_CLAIMED))
			return -SHM_ENOTREADY;
		*out = ch;
		return 0;
	}
	return -SHM_EFULL;
}

/* Take len bytes of the data area. */
static int data_alloc(const struct region *region, uint64_t len, uint64_t *off)
{
	struct region_header *h = (void *)region->base;
	uint64_t step = region->len < SMALL_LEN ? LINE_LEN : PAGE_LEN;
	uint64_t used = load_relaxed(&h->used_off);

	do {
		/* A peer may have written nonsense here. */
		if (used < region->data_off || used > region->len ||
		    used % step)
			return -SHM_EPEER;
		if (len > region->len - used)
			return -SHM_EFULL;
	} while (!cas_strong(&h->used_off, &used, used + round_up(len, step)));
	*off = used;
	return 0;
}

int region_channel_create(const struct region *region, const char *name,
			  uint32_t kind, uint64_t len, uint32_t creator,
			  int (*init)(void *arg, void *mem, uint64_t len),
			  void *arg, uint64_t *off)
{
	struct region_channel *ch = NULL;
	struct region_info old;
	uint32_t hash;
	uint64_t at;
	int err;

	if (!name_len(name) || !len || len > region->len)
		return -SHM_EINVAL;
	hash = name_hash(name);
	err = slot_claim(region, name, &ch, &old);
	if (err)
		return err;
	/* TRUST: entry_read() and data_alloc() keep [at, at + len) inside the
	 * region. */
	if (len <= old.len) {
		at = old.off;
		len = old.len; /* keep it all for the next one */
		__builtin_memset(region->base + at, 0, len);
	} else {
		err = data_alloc(region, len, &at);
	}
	if (!err)
		err = init(arg, region->base + at, len);
	if (err) {
		/* Not FREE again: a search may have passed this slot on the
		 * way to one behind it. */
		store_release(&ch->state, REGION_CHANNEL_DEAD);
		return err;
	}
	ch->kind = kind;
	ch->off = at;
	ch->len = len;
	ch->creator = creator;
	for (uint32_t i = 0; i <= name_len(name); i++)
		ch->name[i] = name[i];
	/* [REGION-CHANNEL] the entry before the word that shows it; pairs with
	 * region_channel_at(). */
	store_release(&ch->state, hash | REGION_CHANNEL_READY);
	*off = at;
	return 0;
}
