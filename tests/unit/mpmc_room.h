/* SPDX-License-Identifier: MIT */
/*
 * mpmc_room.h - what the tests of shm/mpmc.h share: one ring whose last cell
 * ends where memory ends, and a few peers that may join it.
 */
#ifndef TESTS_UNIT_MPMC_ROOM_H
#define TESTS_UNIT_MPMC_ROOM_H

#include <string.h>

#include "shm/mpmc.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 8192ull
#define NAME	   "ring"
#define SLOTS_NR   16u
#define ENDS_NR	   3u
#define PEERS_NR   8u
/* Peer n plays producer n and consumer n; its vectors say which. */
#define PEER_ID(n)   (10u + (n))
#define TX_VECTOR(n) (2u * (n))
#define RX_VECTOR(n) (2u * (n) + 1)
#define LOST_MAX     64u
#define MS_NS	     1000000ull

static uint8_t *mem;
static struct region region;
static struct mpmc_mem *ring;
/* In a struct of their own: an array of fake_peer is not laid out best. */
static struct {
	struct fake_peer fake;
} fakes[PEERS_NR];
static struct mpmc_tx tx[PEERS_NR];
static struct mpmc_rx rx[PEERS_NR];
/* What lost_note() was told. */
static struct {
	uint64_t idx[LOST_MAX];
	bool sent[LOST_MAX];
	uint32_t nr;
} lost;

static inline void lost_note(void *arg, uint64_t idx, bool sent)
{
	CU_ASSERT_PTR_EQUAL(arg, &lost);
	CU_ASSERT_FATAL(lost.nr < LOST_MAX);
	lost.idx[lost.nr] = idx;
	lost.sent[lost.nr++] = sent;
}

static inline int tx_open(uint32_t n)
{
	int err = mpmc_open_tx(&tx[n], &region, NAME, &fakes[n].fake.peer,
			       TX_VECTOR(n));

	if (!err) {
		tx[n].end.spin_ns = WAIT_SPIN_NEVER;
		tx[n].end.lost = lost_note;
		tx[n].end.lost_arg = &lost;
	}
	return err;
}

static inline int rx_open(uint32_t n)
{
	int err = mpmc_open_rx(&rx[n], &region, NAME, &fakes[n].fake.peer,
			       RX_VECTOR(n));

	if (!err) {
		rx[n].end.spin_ns = WAIT_SPIN_NEVER;
		rx[n].end.lost = lost_note;
		rx[n].end.lost_arg = &lost;
	}
	return err;
}

static inline struct mpmc_cell *cell_of(uint64_t idx)
{
	return (void *)((uint8_t *)ring + ring->data_off +
			(idx & (ring->slots_nr - 1)) * ring->cell_len);
}

/* Nothing else fits behind the ring. */
static inline int no_init(void *arg, void *bytes, uint64_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return 0;
}

/* A ring nobody has joined; numbers begin at start_idx. */
static inline void room_open_as(uint32_t slot_len, uint32_t slots_nr,
				uint32_t ends_nr, uint64_t start_idx)
{
	uint64_t len = mpmc_len(slot_len, slots_nr, ends_nr), off;
	struct region_info info;

	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	CU_ASSERT_FATAL(len && len < REGION_LEN - region.data_off);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_create(&region, "filler", REGION_KIND_SPSC,
				      REGION_LEN - region.data_off - len, 0,
				      no_init, NULL, &off),
		0);
	CU_ASSERT_EQUAL_FATAL(mpmc_create(&region, NAME, slot_len, slots_nr,
					  ends_nr, PEER_ID(0)),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_find(&region, NAME, REGION_KIND_MPMC, &info), 0);
	ring = (void *)(mem + info.off);
	ring->tail_idx = start_idx;
	ring->head_idx = start_idx;
	for (uint64_t i = 0; i < slots_nr; i++)
		cell_of(start_idx + i)->seq = start_idx + i;
	for (uint32_t i = 0; i < PEERS_NR; i++)
		fake_peer_init(&fakes[i].fake, PEER_ID(i), mem, REGION_LEN);
	memset(&lost, 0, sizeof(lost));
}

/* Messages of a word; ends_nr producers and consumers have joined. */
static inline void room_open(uint32_t ends_nr, uint64_t start_idx)
{
	room_open_as(8, SLOTS_NR, ends_nr, start_idx);
	for (uint32_t i = 0; i < ends_nr; i++) {
		CU_ASSERT_EQUAL_FATAL(tx_open(i), 0);
		CU_ASSERT_EQUAL_FATAL(rx_open(i), 0);
	}
}

static inline void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static inline int push(uint32_t n, uint64_t word)
{
	return mpmc_push(&tx[n], &word, 1);
}

/* 1: that word came; 0: none; -1: another one; else the error. */
static inline int pop(uint32_t n, uint64_t word)
{
	uint64_t got;
	int err = mpmc_pop(&rx[n], &got, 1);

	return err == 1 && got != word ? -1 : err;
}

/* What comes from `call` when it has been refused often enough to look for
 * the dead. */
#define AFTER_A_WHILE(call)                                      \
	__extension__({                                          \
		int answer_ = (call);                            \
		for (int i_ = 0; i_ < 200 && answer_ == 0; i_++) \
			answer_ = (call);                        \
		answer_;                                         \
	})

static inline void die(uint32_t n)
{
	region_peer_set(&region, PEER_ID(n), REGION_PEER_GONE);
}

#endif
