/* SPDX-License-Identifier: MIT */
/* producer.c - write numbered messages into the ring, as fast as it goes. */
#include "producer-consumer/workload.h"
#include "shm/spsc.h"

/* A consumer that died may have an heir: give it the time to come. */
static int wait_space(struct spsc_tx *tx, struct workload_result *result)
{
	uint64_t deadline = peer_now_ns(tx->peer) + WORKLOAD_TIMEOUT_NS;
	int err;

	while ((err = spsc_wait_space(tx, WORKLOAD_TIMEOUT_NS)) == -SHM_EGONE &&
	       peer_now_ns(tx->peer) < deadline)
		(void)peer_wait(tx->peer, tx->vector, WORKLOAD_RETRY_NS);
	if (err == -SHM_ETIMEDOUT || err == -SHM_EGONE)
		result->why = workload_absent(WORKLOAD_CONSUMER,
					      load_relaxed(&tx->mem->consumer),
					      err);
	return err;
}

static int produce(struct spsc_tx *tx, const struct workload_opts *opts,
		   struct workload_result *result)
{
	/* The ring counts messages, so its count is the next number: after a
	 * takeover the stream goes on where the dead producer stopped. */
	const uint64_t first = tx->tail_idx;
	uint64_t seq = first;

	if (first >= opts->messages && !tx->taken_over) {
		result->why = "so many messages were sent through it before: "
			      "take another channel, or a new region";
		return -SHM_EEMPTY;
	}
	while (seq < opts->messages) {
		uint64_t left = opts->messages - seq;
		void *slots;
		uint64_t *words;
		int err, got;

		got = spsc_reserve(
			tx, left < opts->batch ? (uint32_t)left : opts->batch,
			&slots);
		if (got < 0)
			return got;
		if (got == 0) {
			err = wait_space(tx, result);
			if (err)
				return err;
			continue;
		}
		words = slots;
		for (int i = 0; i < got; i++, words += WORKLOAD_WORDS_NR)
			workload_fill(words, seq++);
		err = spsc_commit(tx, (uint32_t)got);
		if (err)
			return err;
	}
	result->messages = seq - first;
	result->bytes = result->messages * WORKLOAD_MSG_LEN;
	return 0;
}

int producer_run(struct peer *peer, const struct workload_opts *opts,
		 struct workload_result *result)
{
	struct region region;
	struct spsc_tx tx;
	uint64_t start_ns;
	int err;

	*result = (struct workload_result){ 0 };
	err = workload_attach(&region, peer);
	if (err)
		return err;
	err = spsc_create(&region, opts->channel, WORKLOAD_MSG_LEN,
			  opts->slots_nr, peer->id);
	/* A consumer, or an earlier producer, may have made it. */
	if (err && err != -SHM_EEXIST)
		return err;
	err = spsc_open_tx(&tx, &region, opts->channel, peer, 0);
	if (err)
		return err;
	if (tx.slot_len != WORKLOAD_MSG_LEN) {
		/* Somebody else's ring of that name: a message would not fit
		 * into what spsc_reserve() gives. */
		spsc_close_tx(&tx);
		return -SHM_EINVAL;
	}
	start_ns = peer_now_ns(peer);
	err = produce(&tx, opts, result);
	result->ns = peer_now_ns(peer) - start_ns;
	spsc_close_tx(&tx);
	return err;
}
