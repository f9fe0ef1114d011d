/* SPDX-License-Identifier: MIT */
/*
 * spsc_var_room.h - what the tests of shm/spsc_var.h share: one ring whose
 * last byte is where memory ends, and a fake peer for each of its ends.
 */
#ifndef TESTS_UNIT_SPSC_VAR_ROOM_H
#define TESTS_UNIT_SPSC_VAR_ROOM_H

#include <string.h>

#include "shm/spsc_var.h"
#include "tests/unit/fake_peer.h"
#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"

#define NAME	   "ring"
#define TX_ID	   5u
#define RX_ID	   6u
#define TX_VECTOR  2u
#define RX_VECTOR  3u
#define RING_LEN   4096ull
#define MSG_MAX	   1024u /* a quarter of it */
#define CREDIT_LEN 512u	 /* an eighth */

static uint8_t *mem;
static uint64_t mem_len;
static struct region region;
static struct spsc_var_mem *ring;
static uint8_t *records; /* byte 0 of the ring */
static struct spsc_var_tx tx;
static struct spsc_var_rx rx;
static struct fake_peer tx_fake, rx_fake;

static inline int tx_open(void)
{
	int err = spsc_var_open_tx(&tx, &region, NAME, &tx_fake.peer,
				   TX_VECTOR);

	tx.spin_ns = 0;
	return err;
}

static inline int rx_open(void)
{
	int err = spsc_var_open_rx(&rx, &region, NAME, &rx_fake.peer,
				   RX_VECTOR);

	rx.spin_ns = 0;
	return err;
}

static inline void set_indices(uint64_t idx)
{
	ring->tail_idx = idx;
	ring->head_idx = idx;
	ring->done_idx = idx;
}

static inline int no_init(void *arg, void *bytes, uint64_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return 0;
}

/* A ring of which both ends are still to be had; indices begin at start_idx.
 * A channel before it pushes it to the end of the region. */
static inline void room_open(uint64_t ring_len, uint64_t start_idx)
{
	struct region_info info;
	uint64_t off, len = spsc_var_len(ring_len);

	mem_len = 2 * ring_len;
	mem = guarded_map(mem_len);
	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, mem_len), 0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_create(&region, "before", 99,
				      mem_len - region.data_off - len, TX_ID,
				      no_init, NULL, &off),
		0);
	CU_ASSERT_EQUAL_FATAL(spsc_var_create(&region, NAME, ring_len, TX_ID),
			      0);
	CU_ASSERT_EQUAL_FATAL(
		region_channel_find(&region, NAME, REGION_KIND_SPSC_VAR, &info),
		0);
	CU_ASSERT_EQUAL_FATAL(info.off + info.len, mem_len);
	ring = (void *)(mem + info.off);
	records = mem + mem_len - ring_len;
	set_indices(start_idx);
	fake_peer_init(&tx_fake, TX_ID, mem, mem_len);
	fake_peer_init(&rx_fake, RX_ID, mem, mem_len);
	region_peer_set(&region, TX_ID, REGION_PEER_ALIVE);
	region_peer_set(&region, RX_ID, REGION_PEER_ALIVE);
}

static inline void room_open_both(uint64_t start_idx)
{
	room_open(RING_LEN, start_idx);
	CU_ASSERT_EQUAL_FATAL(tx_open(), 0);
	CU_ASSERT_EQUAL_FATAL(rx_open(), 0);
}

static inline void room_close(void)
{
	guarded_unmap(mem, mem_len);
}

/* Byte i of message nr. */
static inline uint8_t byte_of(uint64_t nr, uint64_t i)
{
	return (uint8_t)(nr * 89 + i * 7 + (i >> 8) + 1);
}

static uint8_t text[SPSC_VAR_MSG_LEN_MAX + 16]; /* scratch */

static inline void fill(void *to, uint64_t nr, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		((uint8_t *)to)[i] = byte_of(nr, i);
}

static inline bool right(const void *from, uint64_t nr, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (((const uint8_t *)from)[i] != byte_of(nr, i))
			return false;
	return true;
}

/* Message nr of len bytes, copied in. */
static inline int push_nr(uint64_t nr, uint32_t len)
{
	fill(text, nr, len);
	return spsc_var_push(&tx, text, len);
}

/* Copied out: its length, -1: another message than nr, 0 or an error. */
static inline int pop_nr(uint64_t nr)
{
	int len = spsc_var_pop(&rx, text, rx.msg_max);

	return len > 0 && !right(text, nr, (uint32_t)len) ? -1 : len;
}

/* The same in place; released by the caller. */
static inline int peek_nr(uint64_t nr)
{
	const void *msg;
	int len = spsc_var_peek(&rx, &msg);

	return len > 0 && !right(msg, nr, (uint32_t)len) ? -1 : len;
}

#endif
