/* SPDX-License-Identifier: MIT */
/*
 * spsc_room.h - what the tests of shm/spsc.h share: one ring whose last slot
 * ends where memory ends, and a fake peer for each of its ends.
 */
#ifndef TESTS_UNIT_SPSC_ROOM_H
#define TESTS_UNIT_SPSC_ROOM_H

#include <string.h>

#include "shm/spsc.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 4096ull
#define NAME	   "ring"
#define TX_ID	   5u
#define RX_ID	   6u
#define TX_VECTOR  2u
#define RX_VECTOR  3u
#define SLOT_LEN   128u
#define SLOTS_NR   16u /* with SLOT_LEN: to the end of a tiny region */

static uint8_t *mem;
static struct region region;
static struct spsc_mem *ring;
static struct spsc_tx tx;
static struct spsc_rx rx;
static struct fake_peer tx_fake, rx_fake;

static inline int tx_open(void)
{
	return spsc_open_tx(&tx, &region, NAME, &tx_fake.peer, TX_VECTOR);
}

static inline int rx_open(void)
{
	return spsc_open_rx(&rx, &region, NAME, &rx_fake.peer, RX_VECTOR);
}

/* A ring of which both ends are still to be had; counts begin at start_idx. */
static inline void room_open(uint32_t slot_len, uint32_t slots_nr,
			     uint64_t start_idx)
{
	struct region_info info;

	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_format(mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(region_attach(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(
		spsc_create(&region, NAME, slot_len, slots_nr, TX_ID), 0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_find(&region, NAME, REGION_KIND_SPSC, &info), 0);
	ring = (void *)(mem + info.off);
	ring->tail_idx = start_idx;
	ring->head_idx = start_idx;
	ring->done_idx = start_idx;
	fake_peer_init(&tx_fake, TX_ID, mem, REGION_LEN);
	fake_peer_init(&rx_fake, RX_ID, mem, REGION_LEN);
}

static inline void room_open_both(uint64_t start_idx)
{
	room_open(SLOT_LEN, SLOTS_NR, start_idx);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
	tx.spin_ns = 0;
	rx.spin_ns = 0;
}

static inline void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

/* Message nr: each of its words says so. */
static inline int push_nr(uint64_t nr)
{
	uint64_t words[SLOT_LEN / 8];

	for (uint32_t i = 0; i < SLOT_LEN / 8; i++)
		words[i] = nr * 0x10001 + i;
	return spsc_push(&tx, words, 1);
}

/* 1: message nr came; 0: none; -1: another one; or the error. */
static inline int pop_nr(uint64_t nr)
{
	uint64_t words[SLOT_LEN / 8] = { 0 };
	int got = spsc_pop(&rx, words, 1);

	for (uint32_t i = 0; got == 1 && i < SLOT_LEN / 8; i++)
		if (words[i] != nr * 0x10001 + i)
			return -1;
	return got;
}

#endif
