/* SPDX-License-Identifier: MIT */
/*
 * workload.h - a stream of verified messages from one peer to another.
 *
 * producer.c and consumer.c know nothing but shm/peer.h and the ring: the
 * same objects run in a bare guest (guest_*.c) and in a host process
 * (host_*.c).
 *
 * A message is WORKLOAD_MSG_LEN bytes: its sequence number, a payload derived
 * from it, and a checksum over what stands before. Each is fully written by
 * the producer and fully read by the consumer.
 */
#ifndef PRODUCER_CONSUMER_WORKLOAD_H
#define PRODUCER_CONSUMER_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/peer.h"
#include "shm/region.h"

#define WORKLOAD_MSG_LEN    64u
#define WORKLOAD_WORDS_NR   8u
#define WORKLOAD_RETRY_NS   1000000ull	   /* between two looks for somebody */
#define WORKLOAD_LOOK_NS    100000000ull   /* has the producer left? */
#define WORKLOAD_TIMEOUT_NS 30000000000ull /* a peer silent so long is dead */
#define WORKLOAD_TIMEOUT    "30 s"	   /* the same in words */

struct workload_opts {
	uint64_t messages; /* the stream ends before this number */
	bool until_left;   /* consumer: it ends when the producer leaves */
	uint32_t slots_nr; /* ring size, power of two */
	uint32_t batch;	   /* messages per reserve/commit and peek/release */
	const char *channel;
};

/* What went wrong first, for people. */
struct workload_fault {
	uint64_t message;  /* the sequence number that was due */
	uint64_t found;	   /* the one that came */
	bool bad_checksum; /* it is damaged; found means nothing */
};

struct workload_result {
	uint64_t messages; /* sent, or received and right */
	uint64_t bytes;
	uint64_t ns;	     /* consumer: from the first message to the last */
	uint64_t mismatches; /* lost, repeated or damaged */
	struct workload_fault fault; /* the first, when mismatches > 0 */
	const char *why; /* of an error: what shm_strerror() cannot know */
};

/*
 * Options are words key=value: messages, slots, batch, channel. Unset ones
 * keep their default; a consumer without messages takes what the producer
 * sends. Returns the bad word, or NULL. A channel must have a name that
 * shm/region.h takes.
 */
const char *workload_parse(struct workload_opts *opts, int argc,
			   char *const argv[]);

/* Attach to the region, formatting it if nobody has; waits for others. */
int workload_attach(struct region *region, struct peer *peer);

/*
 * Send opts->messages through a ring it creates. 0 or -SHM_E...; -SHM_EPEER:
 * the consumer lies; -SHM_ETIMEDOUT, -SHM_EGONE: it never came, is silent or
 * is gone; -SHM_EINVAL: the channel is a ring of messages of another length;
 * -SHM_EEMPTY: so many have been sent before. Not for the heir of a producer
 * that died: there may be nothing left to do for it.
 */
int producer_run(struct peer *peer, const struct workload_opts *opts,
		 struct workload_result *result);
/*
 * Receive and verify them. 0 also with mismatches; errors as above, the other
 * way round. A producer that is not there yet is waited for; with until_left,
 * when one has left and all it sent was taken, that is the end.
 */
int consumer_run(struct peer *peer, const struct workload_opts *opts,
		 struct workload_result *result);

/* The sentence for what a run ended with. Never NULL. */
const char *workload_strerror(int err, const struct workload_result *result);

/* The ends of a channel, as workload_absent() tells of them. */
enum workload_end {
	WORKLOAD_PRODUCER,
	WORKLOAD_CONSUMER
};
/*
 * Why one end waited in vain: what the owner word (shm/owner.h) of the other
 * tells of whoever should be there. err: -SHM_ETIMEDOUT or -SHM_EGONE.
 */
const char *workload_absent(enum workload_end end, uint64_t owner_word,
			    int err);

/* Say which message was wrong first, and how. */
void workload_describe(const struct workload_result *result,
		       int (*print)(const char *fmt, ...));

/* The words of message seq. Inline: it is half of the work measured. */
static inline uint64_t workload_checksum(const uint64_t *w)
{
	uint64_t sum = (w[0] ^ w[1]) + (w[2] ^ w[3]) + (w[4] ^ w[5]) + w[6];

	return sum << 1 | sum >> 63;
}

static inline void workload_fill(uint64_t *w, uint64_t seq)
{
	uint64_t base = seq * 0x9e3779b97f4a7c15ull;

	w[0] = seq;
	w[1] = base;
	w[2] = base + 0x0101010101010101ull;
	w[3] = base + 0x2323232323232323ull;
	w[4] = base + 0x4545454545454545ull;
	w[5] = base + 0x6767676767676767ull;
	w[6] = base + 0x8989898989898989ull;
	w[7] = workload_checksum(w);
}

#endif
