/* SPDX-License-Identifier: MIT */
/*
 * spsc_cell_room.h - what the tests of shm/spsc_cell.h and shm/spsc_call.h
 * share: a ring whose last cell ends where memory ends, and a fake peer for
 * each end, with a second one to take it over.
 */
#ifndef TESTS_UNIT_SPSC_CELL_ROOM_H
#define TESTS_UNIT_SPSC_CELL_ROOM_H

#include <string.h>

#include "shm/spsc_call.h"
#include "shm/spsc_cell.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 4096ull
#define NAME	   "cells"
#define TX_ID	   5u
#define RX_ID	   6u
#define TX2_ID	   7u
#define RX2_ID	   8u
#define TX_VECTOR  2u
#define RX_VECTOR  3u
#define CELLS_NR   32u /* to the end of a tiny region */
#define MS_NS	   1000000ull

static uint8_t *mem;
static struct region region;
static struct spsc_cell_mem *ring;
static struct spsc_cell *ring_cells;
static struct fake_peer tx_fake, rx_fake, tx2_fake, rx2_fake;

/* Both ends still to be had; counts begin at start_idx. */
static inline void cells_open(uint32_t mode, uint32_t cells_nr,
			      uint64_t start_idx)
{
	uint32_t nr;

	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_format(mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(region_attach(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_create_mode(&region, NAME, cells_nr, mode, TX_ID), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_cell_find(&region, NAME, mode, &ring, &ring_cells, &nr),
		0);
	CU_ASSERT_EQUAL_FATAL(nr, cells_nr);
	ring->tail_idx = start_idx;
	ring->taken_idx = start_idx;
	ring->head_idx = start_idx;
	ring->done_idx = start_idx;
	for (uint64_t i = start_idx; i != start_idx + cells_nr; i++)
		ring_cells[i & (cells_nr - 1)].seq =
			mode == SPSC_CELL_CALL ? SPSC_CALL_REPLY(i - cells_nr)
					       : i + 1 - cells_nr;
	fake_peer_init(&tx_fake, TX_ID, mem, REGION_LEN);
	fake_peer_init(&rx_fake, RX_ID, mem, REGION_LEN);
	fake_peer_init(&tx2_fake, TX2_ID, mem, REGION_LEN);
	fake_peer_init(&rx2_fake, RX2_ID, mem, REGION_LEN);
}

static inline void cells_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

/* The words of message nr. */
static inline void words_fill(uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		words[i] = nr * 0x10001 + i;
}

static inline bool words_right(const uint64_t *words, uint64_t nr)
{
	for (uint32_t i = 0; i < SPSC_CELL_WORDS_NR; i++)
		if (words[i] != nr * 0x10001 + i)
			return false;
	return true;
}

static const uint64_t starts[] = { 0, 100, (1ull << 32) - 3, 0ull - 3,
				   (1ull << 63) - 3 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

#endif
