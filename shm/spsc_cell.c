/* SPDX-License-Identifier: MIT */
/* spsc_cell.c - the cold half of the one-line cells: looking at the other
 * end, gathering, waiting. */
#include "shm/spsc_cell.h"

void spsc_cell_close_tx(struct spsc_cell_tx *tx)
{
	/* Not over the words of whoever took the end from us. */
	if (owner_holds(&tx->owner))
		store_release(&tx->mem->tail_idx, tx->tail_idx);
	(void)spsc_cell_flush(tx);
	owner_release(&tx->owner);
}

void spsc_cell_close_rx(struct spsc_cell_rx *rx)
{
	if (owner_holds(&rx->owner))
		spsc_cell_publish_head(rx);
	owner_release(&rx->owner);
}

int spsc_cell_refresh_tx(struct spsc_cell_tx *tx)
{
	/* [CELL-FREE] the consumer is done with the cells before the index
	 * says so; pairs with spsc_cell_publish_head(). */
	uint64_t head_idx = load_acquire(&tx->mem->head_idx);

	if (!tx->broken && !owner_holds(&tx->owner))
		return -SHM_EOWNER;
	/* Neither more given back than taken, nor some of it taken again. */
	if (tx->broken || tx->tail_idx - head_idx > tx->cells_nr ||
	    tx->tail_idx - head_idx > tx->tail_idx - tx->head_seen) {
		tx->broken = true;
		/* Full, so that every later reserve comes back here. */
		tx->head_seen = tx->tail_idx - tx->cells_nr;
		return -SHM_EPEER;
	}
	tx->head_seen = head_idx;
	return 0;
}

int spsc_cell_ring_data(struct spsc_cell_tx *tx)
{
	int err = bell_ring(&tx->data_bell, tx->peer);

	return err < 0 ? err : 0;
}

/* 0, or the error that this end answers from now on. */
static int rx_fault(const struct spsc_cell_rx *rx)
{
	if (rx->broken)
		return -SHM_EPEER;
	return owner_holds(&rx->owner) ? 0 : -SHM_EOWNER;
}

int spsc_cell_look(struct spsc_cell_rx *rx)
{
	uint64_t hint_idx, ahead;
	int err = rx_fault(rx);

	if (err)
		return err; /* look_idx stays, so every peek comes here */
	hint_idx = load_acquire(&rx->mem->tail_idx); /* [CELL-HINT] */
	ahead = hint_idx - rx->head_idx;
	/* Behind us, as hints may be, or a lie. */
	if (ahead > rx->cells_nr)
		ahead = 0;
	rx->hint_seen = rx->head_idx + ahead;
	rx->look_idx = rx->head_idx + (ahead > 2ull * SPSC_CELL_HINT_STEP
					       ? ahead - SPSC_CELL_HINT_STEP
					       : SPSC_CELL_HINT_STEP);
	return 0;
}

/* The first miss behind messages: do we run into the producer? */
void spsc_cell_gap(struct spsc_cell_rx *rx)
{
	uint64_t run = rx->head_idx - rx->gap_idx;

	if (rx->coalesced) {
		if (run < SPSC_CELL_GATHER_MIN)
			rx->short_gaps = -SPSC_CELL_GAPS_PENALTY;
	} else if (run < SPSC_CELL_GAP_RUN_MAX &&
		   rx->polls_nr <= SPSC_CELL_GAP_POLLS_MAX) {
		rx->short_gaps++;
	} else if (rx->short_gaps > 0) {
		rx->short_gaps = 0;
	}
	rx->gap_idx = rx->head_idx;
	rx->polls_nr = 0;
	rx->coalesced = rx->short_gaps >= SPSC_CELL_GAPS_NR;
	for (uint32_t i = 0; rx->coalesced && i < SPSC_CELL_GATHER_PAUSES; i++)
		cpu_relax();
}

bool spsc_cell_bad_seq(struct spsc_cell_rx *rx)
{
	/* Whoever took the end from us may be a lap further. */
	if (!rx->broken && !owner_holds(&rx->owner))
		return false;
	rx->broken = true;
	rx->look_idx = rx->head_idx; /* every peek looks */
	return true;
}

void spsc_cell_publish_head(struct spsc_cell_rx *rx)
{
	rx->head_published = rx->head_idx;
	/* [CELL-FREE] our reads of the cells before the index that frees
	 * them; pairs with spsc_cell_refresh_tx(). */
	store_release(&rx->mem->head_idx, rx->head_idx);
	/* Once per credit step, so the fence is affordable; a bell that fails
	 * to ring leaves the producer its backstop. */
	(void)bell_ring(&rx->space_bell, rx->peer);
}

static int ready_tx(void *end)
{
	struct spsc_cell_tx *tx = end;
	int err = spsc_cell_refresh_tx(tx);

	return err ? err : tx->tail_idx - tx->head_seen < tx->cells_nr;
}

static int ready_rx(void *end)
{
	struct spsc_cell_rx *rx = end;
	const struct spsc_cell *cell;
	int err = rx_fault(rx);

	return err ? err : spsc_cell_peek(rx, 1, &cell);
}

static int hopeless_tx(void *end)
{
	const struct spsc_cell_tx *tx = end;

	return owner_gone(tx->region, &tx->mem->consumer) ? -SHM_EGONE : 0;
}

static int hopeless_rx(void *end)
{
	const struct spsc_cell_rx *rx = end;

	return owner_gone(rx->region, &rx->mem->producer) ? -SHM_EGONE : 0;
}

int spsc_cell_wait_space(struct spsc_cell_tx *tx, uint64_t timeout_ns)
{
	struct wait w = { .ready = ready_tx,
			  .hopeless = hopeless_tx,
			  .end = tx,
			  .peer = tx->peer,
			  .bell = &tx->space_bell,
			  .vector = tx->vector,
			  .spin_ns = tx->spin_ns };
	/* What we published must not sleep while we do. */
	int err = spsc_cell_flush(tx);

	return err ? err : wait_until(&w, timeout_ns);
}

int spsc_cell_wait_data(struct spsc_cell_rx *rx, uint64_t timeout_ns)
{
	struct wait w = { .ready = ready_rx,
			  .hopeless = hopeless_rx,
			  .end = rx,
			  .peer = rx->peer,
			  .bell = &rx->data_bell,
			  .vector = rx->vector,
			  .spin_ns = rx->spin_ns };

	return wait_until(&w, timeout_ns);
}
