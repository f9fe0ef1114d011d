/* SPDX-License-Identifier: MIT */
/* spsc_block.c - how do blocks of messages get into the ring and out of it? */
#include "shm/spsc_block.h"

#include "shm/copy.h"

/* Less would be too often, more would leave the other end without work. */
static spsc_count eighth(spsc_count slots_nr)
{
	return slots_nr >= 8 ? slots_nr / 8 : 1;
}

int spsc_block_open_tx(struct spsc_block_tx *b, struct spsc_tx *tx, void *mem,
		       uint64_t len)
{
	spsc_count most = eighth(tx->slots_nr);
	spsc_count nr = len / tx->slot_len;

	if (!nr || (uintptr_t)mem % SPSC_LINE_LEN)
		return -SHM_EINVAL;
	b->tx = tx;
	b->mem = mem;
	b->at = mem;
	b->block_nr = nr < most ? nr : most;
	b->left = (spsc_left)b->block_nr;
	b->moved_nr = 0;
	b->slot_len = tx->slot_len;
	b->by_string = copy_by_string();
	/* A string move wants the lines where they are. */
	if (b->by_string)
		tx->prefetch_len = tx->ring_len;
	return 0;
}

int spsc_block_copy(struct spsc_tx *tx, const uint8_t *from, spsc_count nr,
		    bool by_string)
{
	spsc_count done = 0;

	while (done < nr) {
		void *slots;
		int got = spsc_reserve(tx, (uint32_t)(nr - done), &slots);

		if (got <= 0)
			return done ? (int)done : got;
		copy_in(slots, from, (uint64_t)got * tx->slot_len, by_string);
		from += (uint64_t)got * tx->slot_len;
		done += (spsc_count)got;
		(void)spsc_commit(tx, (uint32_t)got);
	}
	return (int)done;
}

int spsc_block_wait(struct spsc_block_tx *b, uint64_t timeout_ns)
{
	uint64_t start_ns = peer_now_ns(b->tx->peer);

	for (;;) {
		int err = spsc_block_flush(b);
		uint64_t gone_ns = peer_now_ns(b->tx->peer) - start_ns;

		if (err != -SHM_EFULL)
			return err;
		err = spsc_wait_space(
			b->tx, gone_ns < timeout_ns ? timeout_ns - gone_ns : 0);
		if (err)
			return err;
	}
}

void spsc_block_open_rx(struct spsc_block_rx *b, struct spsc_rx *rx)
{
	b->rx = rx;
	b->at = NULL;
	b->left = 0;
	b->got_nr = 0;
	b->slot_len = rx->slot_len;
	/* Four runs: spsc_peek() fetches ahead once per call, and not far. */
	b->block_nr = (uint32_t)eighth(rx->slots_nr);
	if (b->block_nr > 4 * rx->run_nr)
		b->block_nr = (uint32_t)(4 * rx->run_nr);
}

int spsc_block_next(struct spsc_rx *rx, uint32_t want, const void **slots)
{
	return spsc_peek(rx, want, slots);
}

void spsc_block_give_back(struct spsc_rx *rx, spsc_count nr)
{
	if (nr)
		spsc_release(rx, (uint32_t)nr);
}
