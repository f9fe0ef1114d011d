/* SPDX-License-Identifier: MIT */
/*
 * region.h - layout version 1 of the shared region: who is in it and where
 * its channels are.
 *
 * A region begins with a header, a table of peer states and a directory of
 * named channels; the rest is handed out to channels. Every offset is drawn
 * in docs/shm-layout.md. The creator of the memory object (ivlab run, ivlab
 * server) formats it; behind a foreign server the first peer does.
 *
 * Threads: a struct region is read-only after region_attach() and may be
 *          shared. The shared memory itself is changed with atomics only.
 * Trust:   any peer may write any byte at any moment. Geometry is copied into
 *          struct region once and checked; every directory entry is copied
 *          and checked on each use. A violation is -SHM_EPEER.
 */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/err.h"

#define REGION_MAGIC	0x316d656d62616c76ull /* "vlabmem1" */
#define REGION_VERSION	1u
#define REGION_MIN_LEN	4096ull
#define REGION_NAME_LEN 32 /* with its NUL */

/* Values of region_header.state. */
#define REGION_RAW	  0u /* zeroed memory nobody has touched */
#define REGION_FORMATTING 1u
#define REGION_READY	  2u

struct region_header {
	/* Written once by whoever formats, before state becomes READY. */
	uint64_t magic;
	uint32_t version;
	uint32_t header_len;
	uint64_t region_len;
	uint32_t peers_nr;    /* entries in the peer table */
	uint32_t channels_nr; /* entries in the directory */
	uint64_t peers_off;
	uint64_t channels_off;
	uint64_t data_off; /* first byte channels may use */
	uint8_t reserved0[72];
	/* [REGION-STATE] */
	_Atomic uint32_t state;
	uint32_t reserved1;
	/* Bytes of the region in use; grows by compare-and-swap. */
	_Atomic uint64_t used_off;
	/* Advice for rings on this machine, from the region's owner; 0: none.
	 */
	_Atomic uint32_t prefetch_read_len, prefetch_write_len; /* bytes */
	_Atomic uint64_t spin_ns;
	uint8_t reserved2[96];
};
_Static_assert(offsetof(struct region_header, data_off) == 48, "layout");
_Static_assert(offsetof(struct region_header, state) == 128, "layout");
_Static_assert(offsetof(struct region_header, used_off) == 136, "layout");
_Static_assert(offsetof(struct region_header, prefetch_read_len) == 144,
	       "layout");
_Static_assert(offsetof(struct region_header, spin_ns) == 152, "layout");
_Static_assert(sizeof(struct region_header) == 256, "layout");

/* Peer table: one word per peer id, written by the server only. */
enum region_peer_state {
	REGION_PEER_UNKNOWN =
		0, /* never seen, or a server that does not tell */
	REGION_PEER_ALIVE = 1,
	REGION_PEER_GONE = 2, /* it left or died; its id does not come back */
};
_Static_assert(sizeof(_Atomic uint32_t) == 4, "layout");

/* What a channel is. Values never change their meaning. */
enum region_kind {
	REGION_KIND_SPSC = 1,	   /* spsc.h */
	REGION_KIND_SPSC_VAR = 2,  /* spsc_var.h */
	REGION_KIND_SPSC_CELL = 3, /* spsc_cell.h */
	REGION_KIND_MPMC = 4,	   /* mpmc.h */
	REGION_KIND_MPSC = 5,	   /* mpsc.h */
	REGION_KIND_BCAST = 6,	   /* bcast.h */
};

/* Low byte of region_channel.state; the upper 24 bits hash the name. */
#define REGION_CHANNEL_FREE    0u
#define REGION_CHANNEL_CLAIMED 1u
#define REGION_CHANNEL_READY   2u
#define REGION_CHANNEL_DEAD    3u /* its creation failed; not used again */
#define REGION_CHANNEL_RETIRED 4u /* its name may be created again here */

/* One directory entry. Written by its creator before state is READY. */
struct region_channel {
	/* [REGION-CHANNEL] */
	_Atomic uint32_t state;
	uint32_t kind;
	uint64_t off;	  /* from the region's start, 64-byte aligned */
	uint64_t len;	  /* bytes */
	uint32_t creator; /* peer id */
	uint32_t reserved;
	char name[REGION_NAME_LEN];
};
_Static_assert(offsetof(struct region_channel, off) == 8, "layout");
_Static_assert(offsetof(struct region_channel, name) == 32, "layout");
_Static_assert(sizeof(struct region_channel) == 64, "layout");

/* Private to one process: where things are, checked once. */
struct region {
	uint8_t *base; /* NULL: not attached */
	uint64_t len;
	uint32_t peers_nr, channels_nr;
	uint64_t data_off;
	_Atomic uint32_t *peers;
	struct region_channel *channels;
};

/* A checked copy of a directory entry. */
struct region_info {
	uint32_t kind;
	uint32_t creator;
	uint64_t off, len;	    /* inside the region's data area */
	char name[REGION_NAME_LEN]; /* NUL-terminated, printable */
};

/*
 * Format zeroed memory of len bytes (power of two >= REGION_MIN_LEN, base
 * page aligned). Safe against others doing the same: one of them formats.
 * 0: it is READY, whoever did it; -SHM_ENOTREADY: another peer is at it;
 * -SHM_EINVAL: len.
 */
int region_format(void *base, uint64_t len);
/*
 * Check the header and take private copies. -SHM_ENOTREADY: raw or still
 * being formatted (try again); -SHM_EVERSION: other magic or version;
 * -SHM_EPEER: its numbers do not fit len; -SHM_EINVAL: len.
 */
int region_attach(struct region *region, void *base, uint64_t len);

/* Both, for the owner of fresh memory: it formats and attaches. */
int region_create(struct region *region, void *base, uint64_t len);

/*
 * How rings do best on this machine (ivlab tune). A ring's end takes it as its
 * default when it is opened; its owner may choose otherwise.
 */
struct region_tuning {
	uint32_t prefetch_read_len, prefetch_write_len; /* bytes ahead */
	uint64_t spin_ns; /* before a waiting end sleeps */
};
#define REGION_TUNING_DEFAULT                                         \
	{                                                             \
		.prefetch_read_len = 1024, .prefetch_write_len = 512, \
		.spin_ns = 50000                                      \
	}
#define REGION_PREFETCH_MAX 16384u /* more is taken for nonsense */
#define REGION_SPIN_MAX_NS  1000000000ull
/* What the region advises; the defaults where it does not, or absurdly. */
void region_tuning(const struct region *region, struct region_tuning *tuning);
/* The region owner's, before others attach. 0 in a field: no advice. */
void region_set_tuning(const struct region *region,
		       const struct region_tuning *tuning);

/* State of a peer; ids beyond the table are UNKNOWN. */
enum region_peer_state region_peer(const struct region *region, uint32_t id);
/* The server's: publish it. Ids beyond the table are ignored. */
void region_peer_set(const struct region *region, uint32_t id,
		     enum region_peer_state state);

/*
 * Create channel name (1..31 printable characters, no blank) of that kind with
 * len bytes, zeroed as the region was, 64-byte aligned (page aligned in
 * regions of 64 KiB and more). `init` fills the bytes before anybody can find
 * them. *off gets the place.
 * -SHM_EEXIST: the name is taken; -SHM_EFULL: directory or memory is full;
 * -SHM_ENOTREADY: a peer claimed this name and has not finished (or died
 * then); -SHM_EPEER: its entry, or what the header says is in use, is
 * garbage; -SHM_EINVAL: name or len. Or the error of init, which costs the
 * region a directory slot and the bytes.
 */
int region_channel_create(const struct region *region, const char *name,
			  uint32_t kind, uint64_t len, uint32_t creator,
			  int (*init)(void *arg, void *mem, uint64_t len),
			  void *arg, uint64_t *off);
/*
 * Take it out of the directory. The caller has seen to it that nobody uses it
 * (spsc_retire() and its like hold all its ends). Created again, the name
 * gets the same memory, zeroed, if that suffices. Errors as finding it.
 */
int region_channel_retire(const struct region *region, const char *name,
			  uint32_t kind);
/*
 * Find it. -SHM_ENOENT: not there (yet); -SHM_EPEER: its entry is garbage;
 * -SHM_EINVAL: another kind.
 */
int region_channel_find(const struct region *region, const char *name,
			uint32_t kind, struct region_info *info);
/*
 * The channel in directory slot 0..channels_nr-1, for listings.
 * -SHM_ENOENT: that slot holds none; -SHM_EPEER: garbage.
 */
int region_channel_at(const struct region *region, uint32_t slot,
		      struct region_info *info);

#endif
