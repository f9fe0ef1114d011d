/* SPDX-License-Identifier: MIT */
/* bcast.c - writing for everybody, and reading what was not overwritten. */
#include "shm/bcast.h"

#define LINE_WORDS_NR  8u
#define WORD_LEN       8u
#define AHEAD_WORDS_NR 64u /* within a long message: a choice */

static const struct bcast_slot *rx_slot(const struct bcast_rx *rx)
{
	return bcast_slot_at(rx->data, rx->slots_nr, rx->slot_len,
			     rx->next_idx);
}

/* Look at every bell; rare, since alarms_nr moves only when one is armed. */
static int ring_sleepers(struct bcast_tx *tx, uint64_t alarms_nr)
{
	int err = 0;

	tx->alarms_seen = alarms_nr;
	for (uint32_t i = 0; i < tx->bells_nr; i++) {
		int rung;

		if (!bell_is_armed(&tx->bells[i]))
			continue;
		rung = bell_ring(&tx->bells[i], tx->peer);
		if (rung < 0)
			err = rung;
	}
	return err;
}

int bcast_flush(struct bcast_tx *tx)
{
	uint64_t alarms_nr;

	/* [BELL-CHECK] the messages are visible before alarms_nr is read. */
	fence_full();
	/* [BCAST-ALARM] pairs with alarm_raise(). */
	alarms_nr = load_acquire(&tx->mem->alarms_nr);
	return alarms_nr != tx->alarms_seen ? ring_sleepers(tx, alarms_nr) : 0;
}

static inline void word_in(struct bcast_slot *slot, const uint8_t *from,
			   uint32_t i)
{
	uint64_t word;

	__builtin_memcpy(&word, from + (uint64_t)i * WORD_LEN, WORD_LEN);
	/* [BCAST-WORD] whoever reads the word also sees that the slot was
	 * begun; pairs with word_out(). */
	store_release(&slot->words[i], word);
}

static void copy_in(struct bcast_slot *slot, const uint8_t *from,
		    uint32_t words_nr)
{
	uint32_t i = 0;

	for (; words_nr - i >= LINE_WORDS_NR; i += LINE_WORDS_NR) {
		if (words_nr - i > AHEAD_WORDS_NR)
			prefetch_write(&slot->words[i + AHEAD_WORDS_NR]);
#pragma GCC unroll 8
		for (uint32_t at = 0; at < LINE_WORDS_NR; at++)
			word_in(slot, from, i + at);
	}
	for (; i < words_nr; i++)
		word_in(slot, from, i);
}

int bcast_write(struct bcast_tx *tx, const void *msgs, uint32_t nr)
{
	const uint8_t *from = msgs;
	uint64_t alarms_nr;

	if (!owner_holds(&tx->owner))
		return -SHM_EOWNER;
	for (; nr; nr--, from += (uint64_t)tx->words_nr * WORD_LEN) {
		struct bcast_slot *slot = bcast_slot_at(
			tx->data, tx->slots_nr, tx->slot_len, tx->tail_idx);

		prefetch_write(bcast_slot_at(tx->data, tx->slots_nr,
					     tx->slot_len,
					     tx->tail_idx + tx->ahead_nr));
		/* [BCAST-BEGIN] after tail_idx of the message before, from
		 * which a reader learns how far it is behind. */
		store_release(&slot->seq, BCAST_WRITING(tx->tail_idx));
		copy_in(slot, from, tx->words_nr);
		/* [BCAST-DATA] the message before the seq that shows it; pairs
		 * with read_slot(). */
		store_release(&slot->seq, BCAST_WHOLE(tx->tail_idx));
		/* [BCAST-TAIL] pairs with catch_up(). */
		store_release(&tx->mem->tail_idx, ++tx->tail_idx);
	}
	alarms_nr = load_relaxed(&tx->mem->alarms_nr);
	return alarms_nr != tx->alarms_seen ? bcast_flush(tx) : 0;
}

static inline void word_out(uint8_t *to, const struct bcast_slot *slot,
			    uint32_t i)
{
	/* [BCAST-WORD] the seq is read again after the words; pairs with
	 * word_in(). */
	uint64_t word = load_acquire(&slot->words[i]);

	__builtin_memcpy(to + (uint64_t)i * WORD_LEN, &word, WORD_LEN);
}

static void copy_out(uint8_t *to, const struct bcast_slot *slot,
		     uint32_t words_nr)
{
	uint32_t i = 0;

	for (; words_nr - i >= LINE_WORDS_NR; i += LINE_WORDS_NR) {
#pragma GCC unroll 8
		for (uint32_t at = 0; at < LINE_WORDS_NR; at++)
			word_out(to, slot, i + at);
	}
	for (; i < words_nr; i++)
		word_out(to, slot, i);
}

static int broken(struct bcast_rx *rx)
{
	rx->broken = true;
	return -SHM_EPEER;
}

/* What a slot's seq says about message next_idx. */
enum found {
	FOUND_WHOLE,
	FOUND_NOTHING, /* not written yet, or just now */
	FOUND_LATER,   /* overwritten by a later one */
	FOUND_LIE,
};

static enum found seq_means(const struct bcast_rx *rx, uint64_t seq)
{
	uint64_t behind = seq - BCAST_WRITING(rx->next_idx);

	if (seq == BCAST_WHOLE(rx->next_idx))
		return FOUND_WHOLE;
	if (seq == BCAST_WRITING(rx->next_idx) ||
	    seq == BCAST_WHOLE(rx->next_idx - rx->slots_nr))
		return FOUND_NOTHING;
	/* Of a later lap, and of this slot. */
	if (behind >> 63 || ((behind >> 1) & (rx->slots_nr - 1)))
		return FOUND_LIE;
	return FOUND_LATER;
}

/*
 * The message was overwritten: count what is lost and go on with the oldest
 * one left, or, when that was not enough, half as far from the newest, and so
 * on. The slot behind the newest message may be in work, so it is lost too.
 */
static int catch_up(struct bcast_rx *rx, uint32_t tries)
{
	uint64_t tail_idx = load_acquire(&rx->mem->tail_idx); /* [BCAST-TAIL] */
	uint64_t keep = (rx->slots_nr - 1) >> tries;

	if (rx->skip_to_newest || !keep)
		keep = 1;
	/* [BCAST-BEGIN] who saw the slot begun sees this count, too. */
	if (tail_idx - rx->next_idx < rx->slots_nr ||
	    (tail_idx - rx->next_idx) >> 63)
		return broken(rx);
	rx->missed_nr += tail_idx - keep - rx->next_idx;
	rx->next_idx = tail_idx - keep;
	return 0;
}

static enum found read_slot(struct bcast_rx *rx, uint8_t *msg)
{
	const struct bcast_slot *slot = rx_slot(rx);
	uint64_t seq = load_acquire(&slot->seq); /* [BCAST-DATA] */
	enum found found = seq_means(rx, seq);

	if (found != FOUND_WHOLE)
		return found;
	copy_out(msg, slot, rx->words_nr);
	/* [BCAST-BEGIN] later than the words, or they may be of two. */
	return seq_means(rx, load_acquire(&slot->seq));
}

int bcast_read(struct bcast_rx *rx, void *msg, uint64_t *missed)
{
	*missed = 0;
	if (rx->broken)
		return -SHM_EPEER;
	/* One try for each halving of the ring, and one more. */
	for (uint32_t tries = 0; rx->slots_nr >> tries; tries++) {
		enum found found = read_slot(rx, msg);

		if (found == FOUND_WHOLE) {
			*missed = rx->missed_nr;
			rx->missed_nr = 0;
			rx->next_idx++;
			return 1;
		}
		if (found == FOUND_NOTHING)
			return 0;
		if (found == FOUND_LIE)
			return broken(rx);
		if (catch_up(rx, tries))
			return -SHM_EPEER;
	}
	return 0;
}

/*
 * wait.h has armed our bell under a new ticket: tell the writer that there is
 * one to look at, before the last look.
 */
static void alarm_raise(struct bcast_rx *rx)
{
	rx->alarmed = rx->bell.ticket;
	/* [BCAST-ALARM] armed before the count; pairs with bcast_flush(). */
	add_relaxed(&rx->mem->alarms_nr, 1);
	fence_full(); /* [BELL-ARM] the count before the look at the slot */
}

/* 1: there is something to read or to miss, 0: nothing, or -SHM_EPEER. */
static int look(struct bcast_rx *rx)
{
	enum found found = seq_means(rx, load_acquire(&rx_slot(rx)->seq));

	if (found == FOUND_LIE)
		return broken(rx);
	return found != FOUND_NOTHING;
}

static int ready_rx(void *end)
{
	struct bcast_rx *rx = end;
	int answer;

	if (rx->broken)
		return -SHM_EPEER;
	if (rx->has_bell && rx->bell.ticket != rx->alarmed)
		alarm_raise(rx);
	answer = look(rx);
	/* Without a bell it never comes to hopeless_rx(). */
	if (answer || rx->has_bell || !owner_gone(rx->region, &rx->mem->writer))
		return answer;
	answer = look(rx);
	return answer ? answer : -SHM_EGONE;
}

static int hopeless_rx(void *end)
{
	const struct bcast_rx *rx = end;

	if (rx->has_bell && !owner_holds(&rx->bell_owner))
		return -SHM_EOWNER;
	return owner_gone(rx->region, &rx->mem->writer) ? -SHM_EGONE : 0;
}

int bcast_wait(struct bcast_rx *rx, uint64_t timeout_ns)
{
	struct wait w = { .ready = ready_rx,
			  .hopeless = hopeless_rx,
			  .end = rx,
			  .peer = rx->peer,
			  .bell = &rx->bell,
			  .vector = rx->vector,
			  .spin_ns = rx->has_bell ? rx->spin_ns
						  : WAIT_SPIN_FOREVER };

	return wait_until(&w, timeout_ns);
}
