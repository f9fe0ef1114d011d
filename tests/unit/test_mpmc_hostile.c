/* SPDX-License-Identifier: MIT */
/* test_mpmc_hostile.c - what can garbage in the ring do? Named errors only:
 * memory ends at both sides, so an access outside it ends this program. */
#include "tests/unit/mpmc_room.h"

static const uint64_t starts[] = { 100, (1ull << 32) - 1, UINT64_MAX - 3 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

static void geometry_that_no_creator_writes_is_refused(void)
{
	static const struct {
		size_t off;
		uint32_t value;
		int err;
	} bad[] = {
		{ offsetof(struct mpmc_mem, magic), 0, -SHM_EVERSION },
		{ offsetof(struct mpmc_mem, version), 2, -SHM_EVERSION },
		{ offsetof(struct mpmc_mem, slot_len), 0, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slot_len), 12, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slot_len), 16, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slot_len), UINT32_MAX, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slots_nr), 0, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slots_nr), 2, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slots_nr), 17, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slots_nr), 32, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, slots_nr), 1u << 31, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, ends_nr), 0, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, ends_nr), 65, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, ends_nr), 64, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, cell_len), 64, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, data_off), 0, -SHM_EPEER },
		{ offsetof(struct mpmc_mem, data_off) + 4, 1, -SHM_EPEER },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		room_open_as(8, SLOTS_NR, 2, 0);
		memcpy((uint8_t *)ring + bad[i].off, &bad[i].value, 4);
		CU_ASSERT_EQUAL(tx_open(0), bad[i].err);
		CU_ASSERT_EQUAL(rx_open(0), bad[i].err);
		room_close();
	}
}

static void geometry_changed_after_opening_changes_nothing(void)
{
	room_open(1, 0);
	ring->slots_nr = 1u << 30;
	ring->slot_len = 1u << 20;
	ring->ends_nr = 64;
	ring->cell_len = 1u << 20;
	for (uint64_t i = 0; i < 40; i++) {
		CU_ASSERT_EQUAL(push(0, i), 1);
		CU_ASSERT_EQUAL(pop(0, i), 1);
	}
	room_close();
}

/* Refused now, refused when all is honest again. */
static void expect_broken(struct mpmc_end *end)
{
	for (int i = 0; i < 2; i++) {
		if (end->ready) {
			CU_ASSERT_EQUAL(mpmc_take(&rx[0], 1), -SHM_EPEER);
			CU_ASSERT_EQUAL(mpmc_wait_data(&rx[0], MS_NS),
					-SHM_EPEER);
		} else {
			CU_ASSERT_EQUAL(mpmc_reserve(&tx[0], 1), -SHM_EPEER);
			CU_ASSERT_EQUAL(mpmc_wait_space(&tx[0], MS_NS),
					-SHM_EPEER);
		}
		for (uint64_t slot = 0; slot < SLOTS_NR; slot++)
			cell_of(slot)->seq = slot;
		ring->tail_idx = 0;
		ring->head_idx = 0;
	}
	CU_ASSERT_EQUAL(end->seat->intent, 0);
}

/* What each cell state is to a consumer of an empty ring whose number it is. */
static void state_of_a_cell_that_cannot_be_is_epeer_of_the_consumer(void)
{
	static const uint64_t lies[] = { 3,
					 SLOTS_NR - 1,
					 SLOTS_NR,
					 SLOTS_NR + 1,
					 1ull << 40,
					 1ull << 63,
					 0 - 1ull,
					 0 - (uint64_t)SLOTS_NR,
					 3 - (uint64_t)SLOTS_NR };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		uint64_t idx = starts[i % STARTS_NR];

		room_open(1, idx);
		cell_of(idx)->seq = idx + lies[i / STARTS_NR];
		CU_ASSERT_EQUAL(AFTER_A_WHILE(mpmc_take(&rx[0], 1)),
				-SHM_EPEER);
		expect_broken(&rx[0].end);
		room_close();
	}
}

static void state_of_a_cell_that_cannot_be_is_epeer_of_the_producer(void)
{
	static const uint64_t lies[] = { 1,
					 2,
					 SLOTS_NR,
					 1ull << 40,
					 0 - 1ull,
					 3 - (uint64_t)SLOTS_NR,
					 0 - (uint64_t)SLOTS_NR - 1,
					 1ull << 63 };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		uint64_t idx = starts[i % STARTS_NR];

		room_open(1, idx);
		cell_of(idx)->seq = idx + lies[i / STARTS_NR];
		CU_ASSERT_EQUAL(AFTER_A_WHILE(mpmc_reserve(&tx[0], 1)),
				-SHM_EPEER);
		expect_broken(&tx[0].end);
		room_close();
	}
}

static void tickets_too_far_apart_are_epeer(void)
{
	static const uint64_t lies[] = { SLOTS_NR + 1, 1u << 30, 1ull << 32,
					 1ull << 63, UINT64_MAX };

	for (size_t i = 0; i < STARTS_NR * sizeof(lies) / sizeof(*lies); i++) {
		uint64_t idx = starts[i % STARTS_NR];
		uint64_t lie = lies[i / STARTS_NR];

		room_open(1, idx);
		ring->tail_idx = idx + lie;
		CU_ASSERT_EQUAL(AFTER_A_WHILE(mpmc_take(&rx[0], 1)),
				-SHM_EPEER);
		room_close();

		/* One more than there were is a claim that nobody has. */
		if (lie == UINT64_MAX)
			continue;
		room_open(1, idx);
		for (uint64_t n = 0; n < SLOTS_NR; n++)
			CU_ASSERT_EQUAL(push(0, n), 1);
		ring->head_idx = idx - lie;
		CU_ASSERT_EQUAL(AFTER_A_WHILE(mpmc_reserve(&tx[0], 1)),
				-SHM_EPEER);
		room_close();
	}
}

/* Tickets may point anywhere: all that follows is inside the cells. */
static void tickets_set_to_anything_stay_inside(void)
{
	uint64_t random = 88172645463325252ull, out[SLOTS_NR];

	for (int i = 0; i < 2000; i++) {
		room_open(2, 0);
		for (int j = 0; j < 12; j++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			switch (random % 7) {
			case 0:
				ring->tail_idx = random >> (random & 63);
				break;
			case 1:
				ring->head_idx = random >> (random & 63);
				break;
			case 2:
				cell_of(random)->seq = random >> (random & 63);
				break;
			case 3:
				ring->seats[random % 4].intent = random;
				break;
			case 4:
				ring->seats[random % 4].owner = random;
				break;
			case 5:
				ring->tx_asleep = random;
				ring->rx_asleep = random;
				break;
			default:
				cell_of(random)->seq = ring->head_idx +
						       random % 4;
				break;
			}
			(void)AFTER_A_WHILE(
				mpmc_push(&tx[j % 2], out, random % SLOTS_NR));
			(void)AFTER_A_WHILE(
				mpmc_pop(&rx[j % 2], out, random % SLOTS_NR));
			(void)mpmc_wait_data(&rx[j % 2], MS_NS);
			(void)mpmc_wait_space(&tx[j % 2], MS_NS);
		}
		mpmc_close_tx(&tx[0]);
		mpmc_close_rx(&rx[0]);
		lost.nr = 0;
		room_close();
	}
}

static void bells_of_nobody_ring_nobody(void)
{
	room_open(1, 0);
	ring->rx_asleep = UINT64_MAX;
	ring->tx_asleep = UINT64_MAX;
	CU_ASSERT_EQUAL(push(0, 1), 1);
	CU_ASSERT_EQUAL(mpmc_flush_tx(&tx[0]), 0);
	CU_ASSERT_EQUAL(pop(0, 1), 1);
	CU_ASSERT_EQUAL(fakes[0].fake.notifies_nr, 0);
	room_close();
}

static const struct unit_test tests[] = {
	{ "geometry_that_no_creator_writes_is_refused",
	  geometry_that_no_creator_writes_is_refused },
	{ "geometry_changed_after_opening_changes_nothing",
	  geometry_changed_after_opening_changes_nothing },
	{ "state_of_a_cell_that_cannot_be_is_epeer_of_the_consumer",
	  state_of_a_cell_that_cannot_be_is_epeer_of_the_consumer },
	{ "state_of_a_cell_that_cannot_be_is_epeer_of_the_producer",
	  state_of_a_cell_that_cannot_be_is_epeer_of_the_producer },
	{ "tickets_too_far_apart_are_epeer", tickets_too_far_apart_are_epeer },
	{ "tickets_set_to_anything_stay_inside",
	  tickets_set_to_anything_stay_inside },
	{ "bells_of_nobody_ring_nobody", bells_of_nobody_ring_nobody },
};

UNIT_MAIN("mpmc_hostile", tests)
