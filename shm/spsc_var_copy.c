/* SPDX-License-Identifier: MIT */
/* spsc_var_copy.c - how do messages of different lengths get into the ring and
 * out of it by copying? */
#include "shm/spsc_var.h"

/* The last bytes, fewer than a line, in moves of constant size. */
static inline void copy_rest(uint8_t *to, const uint8_t *from, uint64_t len)
{
	if (len & 32) {
		__builtin_memcpy(to, from, 32);
		to += 32;
		from += 32;
	}
	if (len & 16) {
		__builtin_memcpy(to, from, 16);
		to += 16;
		from += 16;
	}
	if (len & 8) {
		__builtin_memcpy(to, from, 8);
		to += 8;
		from += 8;
	}
	for (len &= 7; len; len--)
		*to++ = *from++;
}

/*
 * A message into the room just reserved for it. Line by line: asking for all
 * lines of a long message up front made it slower.
 */
static inline void copy_in(const struct spsc_var_tx *tx, const uint8_t *from,
			   uint64_t len)
{
	uint64_t idx = tx->room_idx + SPSC_VAR_HEADER_LEN;
	uint8_t *to = spsc_var_at(tx, idx);

	for (; len >= SPSC_VAR_LINE_LEN; len -= SPSC_VAR_LINE_LEN) {
		spsc_var_own_ahead(tx, idx);
		__builtin_memcpy(to, from, SPSC_VAR_LINE_LEN);
		idx += SPSC_VAR_LINE_LEN;
		to += SPSC_VAR_LINE_LEN;
		from += SPSC_VAR_LINE_LEN;
	}
	spsc_var_own_ahead(tx, idx);
	copy_rest(to, from, len);
}

/* Peeked bytes, of which the first has index idx. */
static inline void copy_out(const struct spsc_var_rx *rx, uint8_t *to,
			    const uint8_t *from, uint64_t len, uint64_t idx)
{
	for (; len >= SPSC_VAR_LINE_LEN; len -= SPSC_VAR_LINE_LEN) {
		spsc_var_fetch_ahead(rx, idx);
		__builtin_memcpy(to, from, SPSC_VAR_LINE_LEN);
		idx += SPSC_VAR_LINE_LEN;
		to += SPSC_VAR_LINE_LEN;
		from += SPSC_VAR_LINE_LEN;
	}
	spsc_var_fetch_ahead(rx, idx);
	copy_rest(to, from, len);
}

int spsc_var_push(struct spsc_var_tx *tx, const void *msg, uint32_t len)
{
	int err, got = spsc_var_room(tx, len);

	if (got <= 0)
		return got;
	copy_in(tx, msg, len);
	err = spsc_var_commit(tx, len);
	return err ? err : 1;
}

int spsc_var_push_n(struct spsc_var_tx *tx, const struct spsc_var_msg *msgs,
		    uint32_t nr)
{
	int err = 0;
	uint32_t done;

	for (done = 0; done < nr; done++) {
		err = spsc_var_room(tx, msgs[done].len);
		if (err <= 0)
			break;
		copy_in(tx, msgs[done].data, msgs[done].len);
		err = spsc_var_commit_quiet(tx, msgs[done].len);
		if (err)
			return err;
	}
	if (!done)
		return err;
	err = spsc_var_publish(tx);
	return err ? err : (int)done;
}

int spsc_var_pop(struct spsc_var_rx *rx, void *buf, uint32_t buf_len)
{
	uint64_t before_idx = rx->peek_idx;
	const uint8_t *msg = NULL;
	int len = spsc_var_next(rx, &msg);

	if (len <= 0)
		return len;
	if ((uint32_t)len > buf_len) {
		rx->peek_idx = before_idx;
		return -SHM_ETOOSMALL;
	}
	copy_out(rx, buf, msg, (uint32_t)len,
		 rx->peek_idx -
			 (SPSC_VAR_RECORD_LEN(len) - SPSC_VAR_HEADER_LEN));
	spsc_var_release(rx);
	return len;
}

void spsc_var_copy_out(const struct spsc_var_rx *rx, void *buf,
		       const void *from, uint32_t len)
{
	/* Where the bytes stand, from where they lie: less than a ring behind
	 * what was peeked. */
	uint64_t slot = (uint64_t)((const uint8_t *)from - rx->data);
	uint64_t behind = (rx->peek_idx - slot) & (rx->ring_len - 1);

	copy_out(rx, buf, from, len, rx->peek_idx - behind);
}
