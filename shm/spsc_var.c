/* SPDX-License-Identifier: MIT */
/* spsc_var.c - the cold half of reserve and peek: what does the other end say
 * now, is it believed, and when does one wait for it? */
#include "shm/spsc_var.h"

int spsc_var_refresh_tx(struct spsc_var_tx *tx)
{
	/* [VAR-FREE] the consumer is done with the bytes before the index
	 * says so; pairs with spsc_var_publish_head(). */
	uint64_t head_idx = load_acquire(&tx->mem->head_idx);

	if (!tx->broken && !owner_holds(&tx->owner))
		tx->broken = -SHM_EOWNER;
	/* Neither more given back than was published, nor less than before;
	 * nor a piece of a record. */
	if (!tx->broken && (tx->tail_published - head_idx >
				    tx->tail_published - tx->head_seen ||
			    head_idx % 8))
		tx->broken = -SHM_EPEER;
	if (tx->broken) {
		/* Full, so that every later reserve comes back here. */
		tx->head_seen = tx->tail_idx - tx->ring_len;
		return tx->broken;
	}
	tx->head_seen = head_idx;
	/* A full ring of which the consumer does not know stays full. */
	return tx->tail_published == tx->tail_idx ? 0 : spsc_var_publish(tx);
}

int spsc_var_refresh_rx(struct spsc_var_rx *rx)
{
	uint64_t tail_idx;

	chase_wait(&rx->chase);
	/* [VAR-DATA] the records are whole before the index says so; pairs
	 * with spsc_var_publish(). */
	tail_idx = load_acquire(&rx->mem->tail_idx);

	if (!rx->broken && !owner_holds(&rx->owner))
		rx->broken = -SHM_EOWNER;
	/* Neither more than fits, nor less than there was; nor a piece of a
	 * record. */
	if (!rx->broken &&
	    (tail_idx - rx->head_idx > rx->ring_len ||
	     tail_idx - rx->head_idx < rx->tail_seen - rx->head_idx ||
	     tail_idx % 8))
		rx->broken = -SHM_EPEER;
	if (rx->broken) {
		rx->tail_seen = rx->peek_idx; /* empty, as above */
		return rx->broken;
	}
	chase_judge(&rx->chase, tail_idx - rx->tail_seen);
	rx->tail_seen = tail_idx;
	/* An empty ring gives all credit back: the producer may want it all. */
	if (tail_idx == rx->peek_idx && rx->head_published != rx->head_idx)
		spsc_var_publish_head(rx);
	return 0;
}

int spsc_var_bad_record(struct spsc_var_rx *rx)
{
	rx->broken = -SHM_EPEER;
	rx->tail_seen = rx->peek_idx;
	return -SHM_EPEER;
}

int spsc_var_pass_pad(struct spsc_var_rx *rx, uint64_t header)
{
	uint64_t there = rx->tail_seen - rx->peek_idx;
	uint64_t to_end = rx->ring_len - (rx->peek_idx & (rx->ring_len - 1));

	/* To the end exactly, there because no message fitted, and not the
	 * last that was published. */
	if (header != SPSC_VAR_HEADER(SPSC_VAR_PAD,
				      to_end - SPSC_VAR_HEADER_LEN) ||
	    to_end >= SPSC_VAR_RECORD_LEN(rx->msg_max) || to_end >= there)
		return spsc_var_bad_record(rx);
	rx->peek_idx += to_end;
	return 0;
}

int spsc_var_ring_data(struct spsc_var_tx *tx)
{
	int err = bell_ring(&tx->data_bell, tx->peer);

	return err < 0 ? err : 0;
}

void spsc_var_publish_head(struct spsc_var_rx *rx)
{
	rx->head_published = rx->head_idx;
	/* [VAR-FREE] our reads of the bytes before the index that frees them;
	 * pairs with spsc_var_refresh_tx(). */
	store_release(&rx->mem->head_idx, rx->head_idx);
	/* Once per credit step, so the fence is affordable; a bell that fails
	 * to ring leaves the producer its backstop. */
	(void)bell_ring(&rx->space_bell, rx->peer);
}

/* Has `end` what it waits for? 1 yes, 0 no, or an error. */
static int ready_tx(void *end)
{
	struct spsc_var_tx *tx = end;

	return spsc_var_room(tx, tx->want);
}

static int ready_rx(void *end)
{
	struct spsc_var_rx *rx = end;
	int err = spsc_var_refresh_rx(rx);

	return err ? err : rx->tail_seen != rx->peek_idx;
}

/* Did the peer at the other end die? */
static int hopeless_tx(void *end)
{
	const struct spsc_var_tx *tx = end;

	return owner_gone(tx->region, &tx->mem->consumer) ? -SHM_EGONE : 0;
}

static int hopeless_rx(void *end)
{
	const struct spsc_var_rx *rx = end;

	return owner_gone(rx->region, &rx->mem->producer) ? -SHM_EGONE : 0;
}

int spsc_var_wait_space(struct spsc_var_tx *tx, uint32_t len,
			uint64_t timeout_ns)
{
	const struct wait w = { .ready = ready_tx,
				.hopeless = hopeless_tx,
				.end = tx,
				.peer = tx->peer,
				.bell = &tx->space_bell,
				.vector = tx->vector,
				.spin_ns = tx->spin_ns };
	/* What we committed must not sleep while we do. */
	int err = spsc_var_flush(tx);

	tx->want = len;
	if (!err)
		err = wait_until(&w, timeout_ns);
	/* Looking for room reserved it; nobody was told where. */
	tx->room_len = 0;
	return err;
}

int spsc_var_wait_data(struct spsc_var_rx *rx, uint64_t timeout_ns)
{
	const struct wait w = { .ready = ready_rx,
				.hopeless = hopeless_rx,
				.end = rx,
				.peer = rx->peer,
				.bell = &rx->data_bell,
				.vector = rx->vector,
				.spin_ns = rx->spin_ns };

	return wait_until(&w, timeout_ns);
}
