/* SPDX-License-Identifier: MIT */
/*
 * mpsc_room.h - what the tests of shm/mpsc.h share: lanes of which the last
 * ends where memory ends, peers that may join, and the consumer.
 */
#ifndef TESTS_UNIT_MPSC_ROOM_H
#define TESTS_UNIT_MPSC_ROOM_H

#include <string.h>

#include "shm/mpsc.h"
#include "shm/wait.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 8192ull
#define NAME	   "lanes"
#define SLOTS_NR   8u
#define LANES_NR   3u
#define PEERS_NR   6u
#define PEER_ID(n) (10u + (n))
#define RX_ID	   30u
#define RX_VECTOR  1u
#define MS_NS	   1000000ull

static uint8_t *mem;
static struct region region;
static struct mpsc_mem *lanes;
/* In a struct of their own: an array of fake_peer is not laid out best. */
static struct {
	struct fake_peer fake;
} fakes[PEERS_NR];
static struct fake_peer rx_fake;
static struct spsc_tx tx[PEERS_NR];
static struct mpsc_rx rx;

static inline struct spsc_mem *lane_of(uint32_t n)
{
	return (void *)((uint8_t *)lanes + lanes->lanes_off +
			n * lanes->lane_len);
}

static inline int tx_open(uint32_t n)
{
	int err = mpsc_open_tx(&tx[n], &region, NAME, &fakes[n].fake.peer, n);

	tx[n].spin_ns = WAIT_SPIN_NEVER;
	return err;
}

static inline int rx_open(void)
{
	int err = mpsc_open_rx(&rx, &region, NAME, &rx_fake.peer, RX_VECTOR);

	rx.spin_ns = WAIT_SPIN_NEVER;
	return err;
}

static inline int no_init(void *arg, void *bytes, uint64_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return 0;
}

/* Lanes that nobody has joined; their counts begin at start_idx. */
static inline void room_open_empty(uint64_t start_idx)
{
	uint64_t len = mpsc_len(8, SLOTS_NR, LANES_NR), off;
	struct region_info info;

	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_create(&region, "filler", REGION_KIND_MPMC,
				      REGION_LEN - region.data_off - len, 0,
				      no_init, NULL, &off),
		0);
	CU_ASSERT_EQUAL_FATAL(
		mpsc_create(&region, NAME, 8, SLOTS_NR, LANES_NR, 0), 0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_find(&region, NAME, REGION_KIND_MPSC, &info), 0);
	lanes = (void *)(mem + info.off);
	for (uint32_t i = 0; i < LANES_NR; i++) {
		lane_of(i)->tail_idx = start_idx;
		lane_of(i)->head_idx = start_idx;
		lane_of(i)->done_idx = start_idx;
	}
	for (uint32_t i = 0; i < PEERS_NR; i++)
		fake_peer_init(&fakes[i].fake, PEER_ID(i), mem, REGION_LEN);
	fake_peer_init(&rx_fake, RX_ID, mem, REGION_LEN);
}

static inline void room_open(uint64_t start_idx)
{
	room_open_empty(start_idx);
	for (uint32_t i = 0; i < LANES_NR; i++)
		CU_ASSERT_EQUAL_FATAL(tx_open(i), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
}

static inline void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static inline int push(uint32_t n, uint64_t word)
{
	return spsc_push(&tx[n], &word, 1);
}

/* 1: that word came, and from that lane; 0: none; -1: another; or the error. */
static inline int pop(uint32_t lane, uint64_t word)
{
	uint64_t got = 0;
	int err = mpsc_pop(&rx, &got, 1);

	return err == 1 && (got != word || rx.lane != lane) ? -1 : err;
}

static inline void die(uint32_t id)
{
	region_peer_set(&region, id, REGION_PEER_GONE);
}

#endif
