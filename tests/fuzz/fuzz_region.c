/* SPDX-License-Identifier: MIT */
/* fuzz_region.c - what can peers that write anywhere at any moment make of
 * region.h? Memory ends at both sides of the region. */
#include "shm/region.h"

#include <string.h>
#include <sys/mman.h>

#include "tests/fuzz/ambush.h"
#include "tests/fuzz/scribble.h"
#include "tests/unit/guarded.h"

#define MEM_LEN (1ull << 20)

/* What a step may be; op is taken modulo their number. */
enum op {
	OP_WRITE,	  /* off: anywhere, in steps of 16 bytes */
	OP_WRITE_HEADER,  /* off: in the header */
	OP_WRITE_CHANNEL, /* off: in the directory */
	OP_FORMAT,
	OP_ATTACH,
	OP_CREATE, /* off: bytes; value: name, kind, error of init */
	OP_FIND,
	OP_AT,
	OP_PEER,
	OP_RETIRE,
	OPS_NR
};

static const uint64_t lens[] = { 4096, 16384, 65536, MEM_LEN };

static struct {
	uint8_t *mem;
	uint64_t len;
	struct region region; /* base NULL: not attached */
	uint32_t claims_nr;   /* waits for a claim so far */
} room;

/* Few names, so that they meet; two are too long or have a blank. */
static const char *name_of(uint32_t value)
{
	static const char *const names[] = {
		"a",	"b",   "ring", "x",
		"long", "a b", "",     "1234567890123456789012345678901",
		"q",	"r",   "s",    "12345678901234567890123456789012",
	};

	return names[value % (sizeof(names) / sizeof(*names))];
}

static uint32_t kind_of(uint32_t value)
{
	return value >> 8 & 7;
}

static void info_check(const struct region_info *info)
{
	size_t name_len = strnlen(info->name, REGION_NAME_LEN);

	FUZZ_CHECK(name_len > 0 && name_len < REGION_NAME_LEN);
	for (size_t i = 0; i < name_len; i++)
		FUZZ_CHECK(info->name[i] > ' ' && info->name[i] <= '~');
	FUZZ_CHECK(info->off % 64 == 0 && info->off >= room.region.data_off);
	FUZZ_CHECK(info->len && info->len <= room.len &&
		   info->off <= room.len - info->len);
}

struct init {
	int err;
	uint64_t len; /* asked for */
};

static int init(void *arg, void *mem, uint64_t len)
{
	const struct init *want = arg;
	uint64_t off = (uint64_t)((uint8_t *)mem - room.mem);

	FUZZ_CHECK(len >= want->len && len <= room.len &&
		   off >= room.region.data_off && off <= room.len - len);
	memset(mem, 0xc5, len);
	return want->err;
}

/* A claim that never ends costs a million turns: once is enough. */
static bool would_wait(void)
{
	for (uint32_t i = 0; i < room.region.channels_nr; i++)
		if ((room.region.channels[i].state & 0xff) ==
		    REGION_CHANNEL_CLAIMED)
			return room.claims_nr++ > 0;
	return false;
}

static void create(const struct step *step)
{
	const char *name = name_of(step->value);
	struct init want = { .err = step->value >> 31 ? -SHM_EIO : 0,
			     .len = step->off * (1ull + step->arg % 32) };
	bool quiet = scribble_is_quiet();
	struct region_info info;
	uint64_t off = 0;
	int err;

	if (would_wait())
		return;
	err = region_channel_create(&room.region, name, kind_of(step->value),
				    want.len, step->arg, init, &want, &off);
	FUZZ_CHECK(err == 0 || err == -SHM_EEXIST || err == -SHM_EFULL ||
		   err == -SHM_ENOTREADY || err == -SHM_EPEER ||
		   err == -SHM_EINVAL || (want.err && err == want.err));
	if (err)
		return;
	FUZZ_CHECK(!want.err && off >= room.region.data_off &&
		   want.len <= room.len && off <= room.len - want.len);
	if (!quiet)
		return;
	FUZZ_CHECK(!region_channel_find(&room.region, name,
					kind_of(step->value), &info));
	info_check(&info);
	FUZZ_CHECK(info.off == off && info.len >= want.len);
}

static void find(const struct step *step)
{
	const char *name = name_of(step->value);
	struct region_info info;
	int err = region_channel_find(&room.region, name, kind_of(step->value),
				      &info);

	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT || err == -SHM_EPEER ||
		   err == -SHM_EINVAL);
	if (err)
		return;
	info_check(&info);
	FUZZ_CHECK(strcmp(info.name, name) == 0 &&
		   info.kind == kind_of(step->value));
}

static void at(const struct step *step)
{
	struct region_info info;
	int err = region_channel_at(&room.region, step->off, &info);

	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT || err == -SHM_EPEER);
	if (!err)
		info_check(&info);
}

static void peer(const struct step *step)
{
	uint32_t id = step->arg & 1 ? step->value : step->off;
	enum region_peer_state state;

	if (step->arg & 2)
		region_peer_set(&room.region, id,
				(enum region_peer_state)(step->value & 3));
	state = region_peer(&room.region, id);
	FUZZ_CHECK(state <= REGION_PEER_GONE);
	FUZZ_CHECK(id < room.region.peers_nr || state == REGION_PEER_UNKNOWN);
}

static void retire(const struct step *step)
{
	int err = region_channel_retire(&room.region, name_of(step->value),
					kind_of(step->value));

	FUZZ_CHECK(err == 0 || err == -SHM_ENOENT || err == -SHM_EPEER ||
		   err == -SHM_EINVAL);
}

static void attach(uint64_t len)
{
	struct region region;
	int err = region_attach(&region, room.mem, len);

	FUZZ_CHECK(err == 0 || err == -SHM_ENOTREADY || err == -SHM_EVERSION ||
		   err == -SHM_EPEER || err == -SHM_EINVAL);
	if (err) {
		FUZZ_CHECK(!region.base);
		return;
	}
	FUZZ_CHECK(region.base == room.mem && region.len == len);
	FUZZ_CHECK((uint8_t *)(region.peers + region.peers_nr) <=
			   (uint8_t *)region.channels &&
		   (uint8_t *)(region.channels + region.channels_nr) <=
			   room.mem + region.data_off &&
		   region.data_off <= len);
	if (len == room.len)
		room.region = region;
}

/* Those that need no region. */
static bool run_bare(const struct step *step)
{
	uint64_t off = step->off;

	switch (step->op % OPS_NR) {
	case OP_WRITE:
		scribble_step(step, off * 16);
		break;
	case OP_WRITE_HEADER:
		scribble_step(step, off % sizeof(struct region_header));
		break;
	case OP_WRITE_CHANNEL:
		if (room.region.base)
			off = (uint64_t)((uint8_t *)room.region.channels -
					 room.mem) +
			      off % (room.region.channels_nr *
				     sizeof(struct region_channel));
		scribble_step(step, off);
		break;
	case OP_FORMAT:
		(void)region_format(room.mem, room.len);
		break;
	case OP_ATTACH:
		/* Of a length that is too small or no power of two, too. */
		attach(step->arg & 1 ? step->value % (room.len + 1) : room.len);
		break;
	default:
		return false;
	}
	return true;
}

static void run(const struct step *step)
{
	if (run_bare(step) || !room.region.base)
		return;
	switch (step->op % OPS_NR) {
	case OP_CREATE:
		create(step);
		break;
	case OP_FIND:
		find(step);
		break;
	case OP_AT:
		at(step);
		break;
	case OP_PEER:
		peer(step);
		break;
	case OP_RETIRE:
		retire(step);
		break;
	}
}

/* The region of this input, raw; so that it ends where memory ends. */
static void room_open(uint8_t which)
{
	static uint8_t *all;

	if (!all)
		all = guarded_map(MEM_LEN);
	room.len = lens[which % (sizeof(lens) / sizeof(*lens))];
	room.mem = all + (MEM_LEN - room.len);
	room.region = (struct region){ .base = NULL };
	room.claims_nr = 0;
	if (room.len == MEM_LEN)
		FUZZ_CHECK(!madvise(all, MEM_LEN, MADV_DONTNEED));
	else
		memset(room.mem, 0, room.len);
	scribble_begin(room.mem, room.len);
	fuzz_ambush = scribble_on_load;
}

/* A byte for the length, then steps. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct steps steps;
	struct step step;

	if (!len)
		return 0;
	room_open(data[0]);
	steps = steps_of(data + 1, len - 1);
	while (steps_next(&steps, &step))
		run(&step);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define READY                      \
	{ OP_FORMAT, 0, 0, 0 },    \
	{                          \
		OP_ATTACH, 0, 0, 0 \
	}
#define NAME(n) ((n) | REGION_KIND_SPSC << 8)
#define CREATE(n)                          \
	{                                  \
		OP_CREATE, 0, 256, NAME(n) \
	}
#define FIND(n)                        \
	{                              \
		OP_FIND, 0, 0, NAME(n) \
	}
#define DWORD_ADD    SCRIBBLE(2, SCRIBBLE_ADD)
#define QWORD_NOT    SCRIBBLE(3, SCRIBBLE_NOT)
#define HEADER(f)    offsetof(struct region_header, f)
#define CHANNEL(f)   offsetof(struct region_channel, f)
#define AT_LOAD(nr)  ((nr) << 4)
#define EACH_SLOT(s) s(0), s(1), s(2), s(3), s(4), s(5), s(6), s(7)
#define SPOIL_OFF(n)                                                     \
	{                                                                \
		OP_WRITE_CHANNEL, QWORD_NOT, (n)*64ull + CHANNEL(off), 0 \
	}
#define SPOIL_LEN(n)                                                      \
	{                                                                 \
		OP_WRITE_CHANNEL, DWORD_ADD, (n)*64ull + CHANNEL(len), 64 \
	}
#define SPOIL_NAME(n)                                                          \
	{                                                                      \
		OP_WRITE_CHANNEL, SCRIBBLE(0, 0), (n)*64ull + CHANNEL(name), 7 \
	}
#define CLAIM(n)                                             \
	{                                                    \
		OP_WRITE_CHANNEL, SCRIBBLE(0, 0), (n)*64ull, \
			REGION_CHANNEL_CLAIMED               \
	}

static const struct steps_seed seeds[] = {
	{ "create_find_retire_create",
	  8,
	  { READY,
	    CREATE(0),
	    FIND(0),
	    { OP_RETIRE, 0, 0, NAME(0) },
	    FIND(0),
	    CREATE(0),
	    FIND(0) } },
	{ "directory_full",
	  12,
	  { READY, CREATE(0), CREATE(1), CREATE(2), CREATE(3), CREATE(4),
	    CREATE(7), CREATE(8), CREATE(9), CREATE(10), FIND(10) } },
	{ "init_fails",
	  4,
	  { READY, { OP_CREATE, 0, 64, NAME(1) | 1u << 31 }, CREATE(1) } },
	{ "header_changes_while_attached",
	  6,
	  { { OP_FORMAT, 0, 0, 0 },
	    { OP_WRITE_HEADER, DWORD_ADD | AT_LOAD(1), HEADER(peers_nr), 64 },
	    { OP_ATTACH, 0, 0, 0 },
	    { OP_WRITE_HEADER, QWORD_NOT, HEADER(used_off), 0 },
	    CREATE(2),
	    FIND(2) } },
	{ "entry_with_bad_offset",
	  11,
	  { READY, CREATE(0), EACH_SLOT(SPOIL_OFF) } },
	{ "entry_with_bad_length",
	  12,
	  { READY, CREATE(0), EACH_SLOT(SPOIL_LEN), FIND(0) } },
	{ "entry_with_bad_name",
	  13,
	  { READY, CREATE(0), EACH_SLOT(SPOIL_NAME), FIND(0), CREATE(0) } },
	{ "claim_that_never_ends",
	  13,
	  { READY, CREATE(0), EACH_SLOT(CLAIM), CREATE(0), FIND(0) } },
	{ "peer_states",
	  5,
	  { READY,
	    { OP_PEER, 2, 3, 2 },
	    { OP_PEER, 1, 0, UINT32_MAX },
	    { OP_WRITE, 0, 16, 0xff } } },
	{ "entry_changes_while_read",
	  6,
	  { READY,
	    CREATE(0),
	    { OP_WRITE_CHANNEL, QWORD_NOT | AT_LOAD(6), CHANNEL(off), 0 },
	    { OP_WRITE_CHANNEL, DWORD_ADD | AT_LOAD(7), CHANNEL(name), 9 },
	    FIND(0) } },
	{ "lengths_to_attach",
	  4,
	  { READY, { OP_ATTACH, 1, 0, 0 }, { OP_ATTACH, 1, 0, 4095 } } },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	const uint32_t seeds_nr = sizeof(seeds) / sizeof(*seeds);

	if (nr >= seeds_nr || !steps_seed(seed, &seeds[nr]))
		return false;
	memmove(seed->bytes + 1, seed->bytes, seed->len++);
	seed->bytes[0] = (uint8_t)(nr % 3); /* the region's length */
	return true;
}
