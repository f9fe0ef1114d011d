/* SPDX-License-Identifier: MIT */
/* consumer.c - read every message, in order, and doubt each of them. */
#include "producer-consumer/workload.h"
#include "shm/spsc.h"

/*
 * Check one message in place. Its words are read from the ring once each
 * (the compiler may not assume more: they are plain loads of memory that only
 * the producer's next lap changes). Returns the sequence number due next.
 */
static uint64_t verify(const uint64_t *words, uint64_t due,
		       struct workload_result *result)
{
	uint64_t seq = words[0];

	bool whole = words[7] == workload_checksum(words);

	if (__builtin_expect(seq == due && whole, 1)) {
		result->messages++;
		return due + 1;
	}
	if (!result->mismatches)
		result->fault = (struct workload_fault){
			.message = due,
			.found = seq,
			.bad_checksum = !whole,
		};
	result->mismatches++;
	/* Of a damaged message not even the number is believed. */
	if (!whole)
		return due + 1;
	/* After a gap go on from what came; a repeat changes nothing. */
	return seq >= due && seq != UINT64_MAX ? seq + 1 : due;
}

#define STREAM_ENDED 1 /* of wait_data() */

/* It gave its end up, and left nothing behind. */
static bool producer_left(struct spsc_rx *rx)
{
	const void *slots;
	/* [OWNER] its last words come before the end is free. */
	uint64_t word = load_acquire(&rx->mem->producer);
	uint32_t epoch = word >> 32, holder = (uint32_t)word;

	return epoch && !holder && spsc_peek(rx, 1, &slots) == 0;
}

/* A producer that died may have an heir: give it the time to come. */
static int wait_data(struct spsc_rx *rx, const struct workload_opts *opts,
		     struct workload_result *result)
{
	uint64_t deadline = peer_now_ns(rx->peer) + WORKLOAD_TIMEOUT_NS;
	uint64_t look_ns = opts->until_left ? WORKLOAD_LOOK_NS
					    : WORKLOAD_TIMEOUT_NS;
	int err;

	do {
		err = spsc_wait_data(rx, look_ns);
		if (err != -SHM_EGONE && err != -SHM_ETIMEDOUT)
			return err;
		if (err == -SHM_EGONE)
			(void)peer_wait(rx->peer, rx->vector,
					WORKLOAD_RETRY_NS);
		else if (opts->until_left && producer_left(rx))
			return STREAM_ENDED;
	} while (peer_now_ns(rx->peer) < deadline);
	result->why = workload_absent(WORKLOAD_PRODUCER,
				      load_relaxed(&rx->mem->producer), err);
	return err;
}

static int consume(struct spsc_rx *rx, const struct workload_opts *opts,
		   struct workload_result *result)
{
	/* As the producer numbers them: also after a takeover. */
	uint64_t due = rx->head_idx, start_ns = 0;

	if (!opts->until_left && due >= opts->messages && !rx->taken_over) {
		result->why = "its stream has ended, and all of it was taken: "
			      "take another channel, or a new region";
		return -SHM_EEMPTY;
	}
	while (opts->until_left || due < opts->messages) {
		uint64_t left = opts->until_left ? opts->batch
						 : opts->messages - due;
		const uint64_t *words;
		const void *slots;
		int got;

		got = spsc_peek(
			rx, left < opts->batch ? (uint32_t)left : opts->batch,
			&slots);
		if (got < 0)
			return got;
		if (got == 0) {
			int err = wait_data(rx, opts, result);

			if (err == STREAM_ENDED)
				break;
			if (err)
				return err;
			continue;
		}
		if (!start_ns)
			start_ns = peer_now_ns(rx->peer);
		words = slots;
		for (int i = 0; i < got; i++, words += WORKLOAD_WORDS_NR)
			due = verify(words, due, result);
		spsc_release(rx, (uint32_t)got);
	}
	/* 0: nothing came, the consumer that died had taken all. */
	result->ns = start_ns ? peer_now_ns(rx->peer) - start_ns : 0;
	result->bytes = result->messages * WORKLOAD_MSG_LEN;
	return 0;
}

/* The producer makes the channel; until it has, look again now and then. */
static int find_ring(struct spsc_rx *rx, struct peer *peer,
		     const struct region *region,
		     const struct workload_opts *opts,
		     struct workload_result *result)
{
	uint64_t deadline = peer_now_ns(peer) + WORKLOAD_TIMEOUT_NS;

	for (;;) {
		int err = spsc_open_rx(rx, region, opts->channel, peer, 0);

		if (err != -SHM_ENOENT)
			return err;
		if (peer_now_ns(peer) >= deadline) {
			result->why = workload_absent(WORKLOAD_PRODUCER, 0,
						      -SHM_ETIMEDOUT);
			return -SHM_ETIMEDOUT;
		}
		(void)peer_wait(peer, 0, WORKLOAD_RETRY_NS);
	}
}

int consumer_run(struct peer *peer, const struct workload_opts *opts,
		 struct workload_result *result)
{
	struct region region;
	struct spsc_rx rx;
	int err;

	*result = (struct workload_result){ 0 };
	err = workload_attach(&region, peer);
	if (!err)
		err = find_ring(&rx, peer, &region, opts, result);
	if (err)
		return err;
	if (rx.slot_len != WORKLOAD_MSG_LEN) {
		spsc_close_rx(&rx);
		return -SHM_EINVAL; /* somebody else's ring of that name */
	}
	err = consume(&rx, opts, result);
	spsc_close_rx(&rx);
	return err;
}
