/* SPDX-License-Identifier: MIT */
/* test_watch.c - what does somebody see who looks at a ring without being one
 * of its ends, and what when its peers die or lie? */
#include "shm/bcast.h"
#include "shm/mpmc.h"
#include "shm/mpsc.h"
#include "shm/spsc_call.h"
#include "shm/spsc_var.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN (1ull << 16)
#define TX_ID	   5u
#define RX_ID	   6u
#define SLOTS_NR   16u
#define LANES_NR   3u
#define WORDS_NR   SPSC_CELL_WORDS_NR

static uint8_t *mem;
static struct region region;
static struct fake_peer tx_fake, rx_fake;

/* One channel of each kind, so that each *_watch() has others to pass by. */
static void room_open(void)
{
	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(spsc_create(&region, "spsc", 8, SLOTS_NR, 0), 0);
	CU_ASSERT_EQUAL_FATAL(spsc_var_create(&region, "var", 4096, 0), 0);
	CU_ASSERT_EQUAL_FATAL(spsc_cell_create(&region, "cell", SLOTS_NR, 0),
			      0);
	CU_ASSERT_EQUAL_FATAL(spsc_call_create(&region, "call", SLOTS_NR, 0),
			      0);
	CU_ASSERT_EQUAL_FATAL(mpmc_create(&region, "mpmc", 8, SLOTS_NR, 2, 0),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		mpsc_create(&region, "mpsc", 8, SLOTS_NR, LANES_NR, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		bcast_create(&region, "bcast", 56, SLOTS_NR, 2, 0), 0);
	fake_peer_init(&tx_fake, TX_ID, mem, REGION_LEN);
	fake_peer_init(&rx_fake, RX_ID, mem, REGION_LEN);
	region_peer_set(&region, TX_ID, REGION_PEER_ALIVE);
	region_peer_set(&region, RX_ID, REGION_PEER_ALIVE);
}

static void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static void die(uint32_t id)
{
	region_peer_set(&region, id, REGION_PEER_GONE);
}

/* The channel's memory, for tests that lie. */
static void *mem_of(const char *name, uint32_t kind)
{
	struct region_info info;

	CU_ASSERT_EQUAL_FATAL(region_channel_find(&region, name, kind, &info),
			      0);
	return mem + info.off;
}

/* Looks at every slot of the directory, of which exactly one holds such a
 * ring, and says what its *_watch() said of that one. */
#define LOOK(kind)                                                   \
	static int look_##kind(struct kind##_view *view)             \
	{                                                            \
		int said = -SHM_ENOENT;                              \
		uint32_t rings = 0;                                  \
                                                                     \
		for (uint32_t i = 0; i <= region.channels_nr; i++) { \
			int err = kind##_watch(&region, i, view);    \
                                                                     \
			if (err == -SHM_ENOENT)                      \
				continue;                            \
			said = err;                                  \
			rings++;                                     \
		}                                                    \
		CU_ASSERT_EQUAL(rings, 1);                           \
		return said;                                         \
	}
LOOK(spsc)
LOOK(spsc_var)
LOOK(spsc_cell)
LOOK(spsc_call)
LOOK(mpmc)
LOOK(mpsc)
LOOK(bcast)

static void each_onlooker_finds_its_own_kind_only(void)
{
	struct spsc_view spsc;
	struct spsc_var_view var;
	struct spsc_cell_view cell;
	struct spsc_call_view call;
	struct mpmc_view mpmc;
	struct mpsc_view mpsc;
	struct bcast_view bcast;

	room_open();
	CU_ASSERT_EQUAL(look_spsc(&spsc), 0);
	CU_ASSERT_STRING_EQUAL(spsc.name, "spsc");
	CU_ASSERT_EQUAL(look_spsc_var(&var), 0);
	CU_ASSERT_STRING_EQUAL(var.name, "var");
	CU_ASSERT_EQUAL(look_spsc_cell(&cell), 0);
	CU_ASSERT_STRING_EQUAL(cell.name, "cell");
	CU_ASSERT_EQUAL(look_spsc_call(&call), 0);
	CU_ASSERT_STRING_EQUAL(call.name, "call");
	CU_ASSERT_EQUAL(look_mpmc(&mpmc), 0);
	CU_ASSERT_STRING_EQUAL(mpmc.name, "mpmc");
	CU_ASSERT_EQUAL(look_mpsc(&mpsc), 0);
	CU_ASSERT_STRING_EQUAL(mpsc.name, "mpsc");
	CU_ASSERT_EQUAL(look_bcast(&bcast), 0);
	CU_ASSERT_STRING_EQUAL(bcast.name, "bcast");
	room_close();
}

/* --- cells ---------------------------------------------------------------- */

static void cells_onlooker_sees_counts_within_their_steps(void)
{
	uint64_t msg[WORDS_NR] = { 0 };
	struct spsc_cell_view view;
	struct spsc_cell_tx tx;
	struct spsc_cell_rx rx;
	uint64_t sent = 0, taken = 0;

	room_open();
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_tx(&tx, &region, "cell", &tx_fake.peer, 1), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_open_rx(&rx, &region, "cell", &rx_fake.peer, 1), 0);
	for (uint32_t i = 0; i < 3 * SLOTS_NR; i++) {
		if (spsc_cell_push(&tx, msg, 1) == 1)
			sent++;
		/* Now on its heels, now with the ring full. */
		if (i % 40 < 20)
			taken += (uint64_t)spsc_cell_pop(&rx, msg, 1);
		CU_ASSERT_EQUAL(look_spsc_cell(&view), 0);
		CU_ASSERT_EQUAL(view.cells_nr, SLOTS_NR);
		CU_ASSERT(view.tail_idx <= sent &&
			  sent - view.tail_idx < SPSC_CELL_HINT_STEP);
		CU_ASSERT(view.head_idx <= taken &&
			  taken - view.head_idx < SLOTS_NR / 8);
		CU_ASSERT(view.tail_idx - view.head_idx <= SLOTS_NR);
	}
	room_close();
}

static void cells_onlooker_calls_impossible_counts_garbage(void)
{
	struct spsc_cell_view view;
	struct spsc_cell_mem *m;

	room_open();
	m = mem_of("cell", REGION_KIND_SPSC_CELL);
	m->head_idx = SLOTS_NR / 2; /* the hint may lag by that */
	CU_ASSERT_EQUAL(look_spsc_cell(&view), 0);
	CU_ASSERT_EQUAL(view.tail_idx, view.head_idx);
	m->head_idx = SLOTS_NR / 2 + 1;
	CU_ASSERT_EQUAL(look_spsc_cell(&view), -SHM_EPEER);
	m->head_idx = 0;
	m->tail_idx = 1000; /* what came while we looked */
	CU_ASSERT_EQUAL(look_spsc_cell(&view), 0);
	CU_ASSERT_EQUAL(view.head_idx, 1000 - SLOTS_NR);
	m->version++;
	CU_ASSERT_EQUAL(look_spsc_cell(&view), -SHM_EVERSION);
	room_close();
}

/* --- calls ---------------------------------------------------------------- */

static void calls_onlooker_sees_who_waits_for_an_answer(void)
{
	uint64_t msg[WORDS_NR] = { 0 };
	struct spsc_call_client client;
	struct spsc_call_server server;
	struct spsc_call_view view;

	room_open();
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_client(&client, &region, "call",
						    &tx_fake.peer, 1),
			      0);
	CU_ASSERT_EQUAL_FATAL(spsc_call_open_server(&server, &region, "call",
						    &rx_fake.peer, 1),
			      0);
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT(!view.waiting);
	CU_ASSERT_EQUAL(spsc_call_send(&client, msg), 1);
	CU_ASSERT_EQUAL(spsc_call_send(&client, msg), 1);
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT(view.waiting && view.done_idx == 0 && view.taken_idx == 0);
	CU_ASSERT_EQUAL(spsc_call_answer(&server, msg), 1);
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT(view.waiting && view.done_idx == 1 && view.taken_idx == 0);
	CU_ASSERT_EQUAL(spsc_call_answer(&server, msg), 1);
	CU_ASSERT_EQUAL(spsc_call_take(&client, msg), 1);
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT(!view.waiting && view.done_idx == 2 && view.taken_idx == 1);
	/* Nothing changes with a death: what is answered is answered. */
	die(RX_ID);
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT(view.done_idx == 2 && view.taken_idx == 1);
	room_close();
}

static void calls_onlooker_calls_impossible_counts_garbage(void)
{
	struct spsc_call_view view;
	struct spsc_cell_mem *m;

	room_open();
	m = mem_of("call", REGION_KIND_SPSC_CELL);
	m->taken_idx = 1; /* taken before the server has counted it */
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT_EQUAL(view.done_idx, 1);
	m->taken_idx = 2;
	CU_ASSERT_EQUAL(look_spsc_call(&view), -SHM_EPEER);
	m->done_idx = 100;
	CU_ASSERT_EQUAL(look_spsc_call(&view), 0);
	CU_ASSERT_EQUAL(view.done_idx - view.taken_idx, SLOTS_NR);
	m->cells_nr = 3;
	CU_ASSERT_EQUAL(look_spsc_call(&view), -SHM_EPEER);
	room_close();
}

/* --- many of each --------------------------------------------------------- */

static void mpmc_onlooker_sees_claims_and_who_is_there(void)
{
	uint64_t word = 0;
	struct mpmc_view view;
	struct mpmc_tx tx;
	struct mpmc_rx rx;

	room_open();
	CU_ASSERT_EQUAL_FATAL(
		mpmc_open_tx(&tx, &region, "mpmc", &tx_fake.peer, 1), 0);
	CU_ASSERT_EQUAL_FATAL(
		mpmc_open_rx(&rx, &region, "mpmc", &rx_fake.peer, 1), 0);
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(mpmc_push(&tx, &word, 1), 1);
	CU_ASSERT_EQUAL(mpmc_reserve(&tx, 2), 2);
	CU_ASSERT_EQUAL(mpmc_pop(&rx, &word, 1), 1);
	CU_ASSERT_EQUAL(look_mpmc(&view), 0);
	CU_ASSERT(view.tail_idx == 5 && view.head_idx == 1);
	CU_ASSERT(view.slots_nr == SLOTS_NR && view.slot_len == 8);
	CU_ASSERT(view.ends_nr == 2);
	CU_ASSERT(view.producers_nr == 1 && view.consumers_nr == 1);
	die(TX_ID);
	CU_ASSERT_EQUAL(look_mpmc(&view), 0);
	CU_ASSERT(view.tail_idx == 5);
	CU_ASSERT(view.producers_nr == 0 && view.consumers_nr == 1);
	room_close();
}

static void mpmc_onlooker_calls_impossible_counts_garbage(void)
{
	struct mpmc_view view;
	struct mpmc_mem *m;

	room_open();
	m = mem_of("mpmc", REGION_KIND_MPMC);
	m->head_idx = 1;
	CU_ASSERT_EQUAL(look_mpmc(&view), -SHM_EPEER);
	m->tail_idx = 100;
	CU_ASSERT_EQUAL(look_mpmc(&view), 0);
	CU_ASSERT_EQUAL(view.tail_idx - view.head_idx, SLOTS_NR);
	m->ends_nr = MPMC_ENDS_MAX;
	CU_ASSERT_EQUAL(look_mpmc(&view), -SHM_EPEER);
	room_close();
}

static void mpsc_onlooker_sees_each_lane(void)
{
	uint64_t word = 0;
	static struct mpsc_rx rx;
	struct mpsc_view view;
	struct spsc_tx tx;

	room_open();
	CU_ASSERT_EQUAL_FATAL(
		mpsc_open_tx(&tx, &region, "mpsc", &tx_fake.peer, 1), 0);
	CU_ASSERT_EQUAL_FATAL(
		mpsc_open_rx(&rx, &region, "mpsc", &rx_fake.peer, 1), 0);
	CU_ASSERT_EQUAL(spsc_push(&tx, &word, 1), 1);
	CU_ASSERT_EQUAL(spsc_push(&tx, &word, 1), 1);
	CU_ASSERT_EQUAL(look_mpsc(&view), 0);
	CU_ASSERT(view.slots_nr == SLOTS_NR && view.slot_len == 8);
	CU_ASSERT(view.lanes_nr == LANES_NR && view.closed == 0);
	CU_ASSERT(view.lanes[0].tail_idx == 2 && view.lanes[0].head_idx == 0);
	CU_ASSERT(view.lanes[1].tail_idx == 0 && view.lanes[2].tail_idx == 0);
	CU_ASSERT_EQUAL(view.producers_nr, 1);
	die(TX_ID);
	CU_ASSERT_EQUAL(look_mpsc(&view), 0);
	CU_ASSERT(view.lanes[0].tail_idx == 2 && view.producers_nr == 0);
	room_close();
}

static void mpsc_onlooker_shows_a_liars_lane_as_closed(void)
{
	struct mpsc_view view;
	struct mpsc_mem *m;
	struct spsc_mem *lane;

	room_open();
	m = mem_of("mpsc", REGION_KIND_MPSC);
	lane = (void *)((uint8_t *)m + m->lanes_off + m->lane_len);
	lane->head_idx = 7; /* of what never came */
	m->closed = UINT64_MAX - 3;
	CU_ASSERT_EQUAL(look_mpsc(&view), 0);
	CU_ASSERT_EQUAL(view.closed, 6); /* no lanes that are not there */
	CU_ASSERT(view.lanes[1].head_idx == 0 && view.lanes[1].tail_idx == 0);
	m->lanes_nr = MPSC_LANES_MAX;
	CU_ASSERT_EQUAL(look_mpsc(&view), -SHM_EPEER);
	room_close();
}

/* --- broadcast ------------------------------------------------------------ */

static void bcast_onlooker_sees_what_was_written_and_who_may_sleep(void)
{
	uint64_t msg[WORDS_NR] = { 0 };
	struct bcast_view view;
	struct bcast_tx tx;
	struct bcast_rx rx;

	room_open();
	CU_ASSERT_EQUAL(look_bcast(&view), 0);
	CU_ASSERT(!view.writer_lives && view.sleepers_nr == 0);
	CU_ASSERT_EQUAL_FATAL(
		bcast_open_tx(&tx, &region, "bcast", &tx_fake.peer), 0);
	CU_ASSERT_EQUAL_FATAL(bcast_open_rx(&rx, &region, "bcast",
					    &rx_fake.peer, BCAST_FROM_NEXT),
			      0);
	CU_ASSERT_EQUAL(bcast_take_bell(&rx, 1), 0);
	CU_ASSERT_EQUAL(bcast_write(&tx, msg, 1), 0);
	CU_ASSERT_EQUAL(look_bcast(&view), 0);
	CU_ASSERT(view.tail_idx == 1 && view.first_idx == 0);
	CU_ASSERT(view.slots_nr == SLOTS_NR && view.msg_len == 56);
	CU_ASSERT(view.bells_nr == 2 && view.sleepers_nr == 1);
	CU_ASSERT(view.writer_lives);
	die(TX_ID);
	die(RX_ID);
	CU_ASSERT_EQUAL(look_bcast(&view), 0);
	CU_ASSERT(!view.writer_lives && view.sleepers_nr == 0);
	CU_ASSERT_EQUAL(view.tail_idx, 1);
	room_close();
}

static void bcast_onlooker_calls_impossible_counts_garbage(void)
{
	struct bcast_view view;
	struct bcast_mem *m;

	room_open();
	m = mem_of("bcast", REGION_KIND_BCAST);
	m->first_idx = 1;
	CU_ASSERT_EQUAL(look_bcast(&view), -SHM_EPEER);
	m->first_idx = 0;
	m->bells_nr = BCAST_BELLS_MAX + 1;
	CU_ASSERT_EQUAL(look_bcast(&view), -SHM_EPEER);
	room_close();
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(each_onlooker_finds_its_own_kind_only),
	TEST(cells_onlooker_sees_counts_within_their_steps),
	TEST(cells_onlooker_calls_impossible_counts_garbage),
	TEST(calls_onlooker_sees_who_waits_for_an_answer),
	TEST(calls_onlooker_calls_impossible_counts_garbage),
	TEST(mpmc_onlooker_sees_claims_and_who_is_there),
	TEST(mpmc_onlooker_calls_impossible_counts_garbage),
	TEST(mpsc_onlooker_sees_each_lane),
	TEST(mpsc_onlooker_shows_a_liars_lane_as_closed),
	TEST(bcast_onlooker_sees_what_was_written_and_who_may_sleep),
	TEST(bcast_onlooker_calls_impossible_counts_garbage),
};
UNIT_MAIN("watch", tests)
