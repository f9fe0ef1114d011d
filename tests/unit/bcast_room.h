/* SPDX-License-Identifier: MIT */
/*
 * bcast_room.h - what the tests of shm/bcast.h share: a channel whose last
 * slot ends where memory ends, its writer and a reader.
 */
#ifndef TESTS_UNIT_BCAST_ROOM_H
#define TESTS_UNIT_BCAST_ROOM_H

#include <string.h>

#include "shm/bcast.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define REGION_LEN 4096ull
#define NAME	   "news"
#define TX_ID	   5u
#define RX_ID	   6u
#define TX2_ID	   7u
#define RX2_ID	   8u
#define RX_VECTOR  3u
#define WORDS_NR   15u /* with the seq: two lines */
#define MSG_LEN	   (WORDS_NR * 8u)
#define SLOTS_NR   8u
#define BELLS_NR   2u
#define MS_NS	   1000000ull

static uint8_t *mem;
static struct region region;
static struct bcast_mem *news;
static struct bcast_tx tx;
static struct bcast_rx rx;
static struct fake_peer tx_fake, rx_fake, tx2_fake, rx2_fake;

static inline struct bcast_slot *slot_of(uint64_t idx)
{
	return bcast_slot_at((uint8_t *)news + news->data_off, SLOTS_NR,
			     news->slot_len, idx);
}

static inline int tx_open(struct fake_peer *fake)
{
	return bcast_open_tx(&tx, &region, NAME, &fake->peer);
}

static inline int rx_open(enum bcast_from from)
{
	return bcast_open_rx(&rx, &region, NAME, &rx_fake.peer, from);
}

/* No end opened; counts begin at start_idx. */
static inline void room_open(uint64_t start_idx)
{
	struct region_info info;

	mem = guarded_map(REGION_LEN);
	CU_ASSERT_EQUAL_FATAL(region_format(mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(region_attach(&region, mem, REGION_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(
		bcast_create(&region, NAME, MSG_LEN, SLOTS_NR, BELLS_NR, TX_ID),
		0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_find(&region, NAME, REGION_KIND_BCAST, &info),
		0);
	news = (void *)(mem + info.off);
	news->first_idx = start_idx;
	news->tail_idx = start_idx;
	for (uint64_t i = start_idx; i != start_idx + SLOTS_NR; i++)
		slot_of(i)->seq = BCAST_WHOLE(i - SLOTS_NR);
	fake_peer_init(&tx_fake, TX_ID, mem, REGION_LEN);
	fake_peer_init(&rx_fake, RX_ID, mem, REGION_LEN);
	fake_peer_init(&tx2_fake, TX2_ID, mem, REGION_LEN);
	fake_peer_init(&rx2_fake, RX2_ID, mem, REGION_LEN);
}

static inline void room_open_both(uint64_t start_idx)
{
	room_open(start_idx);
	CU_ASSERT_EQUAL_FATAL(tx_open(&tx_fake), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(BCAST_FROM_NEXT), 0);
	rx.spin_ns = WAIT_SPIN_NEVER;
}

static inline void room_close(void)
{
	guarded_unmap(mem, REGION_LEN);
}

static inline int write_nr(uint64_t nr)
{
	uint64_t words[WORDS_NR];

	for (uint32_t i = 0; i < WORDS_NR; i++)
		words[i] = nr * 0x10001 + i;
	return bcast_write(&tx, words, 1);
}

/* 1: message nr came, missed others before it; 0: none; -1: another message
 * or count; or the error. */
static inline int read_nr(struct bcast_rx *reader, uint64_t nr, uint64_t missed)
{
	uint64_t words[WORDS_NR], told = 99;
	int got = bcast_read(reader, words, &told);

	if (got != 1)
		return got;
	for (uint32_t i = 0; i < WORDS_NR; i++)
		if (words[i] != nr * 0x10001 + i)
			return -1;
	return told == missed ? 1 : -1;
}

static const uint64_t starts[] = { 0, 100, (1ull << 32) - 3, 0ull - 3,
				   (1ull << 63) - 3 };
#define STARTS_NR (sizeof(starts) / sizeof(*starts))

#endif
