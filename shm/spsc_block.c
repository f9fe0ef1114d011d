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

int spsc_block_move(struct spsc_block_tx *b)
{
	spsc_count gathered_nr = b->block_nr - (spsc_count)b->left;

	while (b->moved_nr < gathered_nr) {
		const uint8_t *from = b->mem + b->moved_nr * b->slot_len;
		void *slots;
		int got = spsc_reserve(
			b->tx, (uint32_t)(gathered_nr - b->moved_nr), &slots);
		int err;

		if (got <= 0)
			return got;
		copy_in(slots, from, (uint64_t)got * b->slot_len, b->by_string);
		b->moved_nr += (spsc_count)got;
		err = spsc_commit(b->tx, (uint32_t)got);
		if (err)
			return err;
	}
	b->at = b->mem;
	b->left = (spsc_left)b->block_nr;
	b->moved_nr = 0;
	return 1;
}

int spsc_block_flush(struct spsc_block_tx *b)
{
	int got = spsc_block_move(b);

	if (got < 0)
		return got;
	got = got ? 0 : -SHM_EFULL;
	return spsc_flush(b->tx) < 0 ? -SHM_EIO : got;
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
	b->block_nr = (uint32_t)eighth(rx->slots_nr);
}

void spsc_block_settle(struct spsc_block_rx *b)
{
	spsc_count read_nr = b->got_nr - (spsc_count)b->left;

	if (!read_nr)
		return;
	spsc_release(b->rx, (uint32_t)read_nr);
	b->got_nr = (spsc_count)b->left;
}

int spsc_block_next(struct spsc_block_rx *b)
{
	const void *slots;
	int got = spsc_peek(b->rx, b->block_nr, &slots);

	if (got <= 0)
		return got;
	b->at = slots;
	b->left = got;
	b->got_nr = (spsc_count)got;
	return got;
}
