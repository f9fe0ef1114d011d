/* SPDX-License-Identifier: MIT */
/* mpmc_peer.c - how do equals share work? Each sends its part of the messages
 * and takes whatever comes, its own or another's. */
#include "guests/apps/example.h"
#include "shm/mpmc.h"

#define CHANNEL	   "work"
#define PEERS_NR   2u /* as in mpmc.lab */
#define ENDS_NR	   4u
#define SLOTS_NR   1024u
#define BATCH	   16u
#define MESSAGES   100000u /* of each, when no word says otherwise */
#define STEP_NS	   10000000ull
#define NUMBER_MIX 0x9e3779b97f4a7c15ull
#define MSG_LEN	   8u

struct work {
	struct mpmc_tx tx;
	struct mpmc_rx rx;
	uint64_t to_send, total;
	uint64_t received, wrong, sum; /* sum: of the numbers received */
};

/* Whoever comes first makes the channel; all join both sides of it. */
static int join(struct work *w, const struct region *region, struct peer *peer)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
	int err;

	do
		err = mpmc_create(region, CHANNEL, MSG_LEN, SLOTS_NR, ENDS_NR,
				  peer->id);
	while (example_again(err, deadline_ns));
	if (err && err != -SHM_EEXIST)
		return err;
	do
		err = mpmc_open_tx(&w->tx, region, CHANNEL, peer, 0);
	while (example_again(err, deadline_ns));
	if (err)
		return err;
	err = mpmc_open_rx(&w->rx, region, CHANNEL, peer, 0);
	if (err)
		mpmc_close_tx(&w->tx);
	else if (w->rx.end.slot_len != MSG_LEN)
		err = -SHM_EINVAL; /* somebody else's channel of that name */
	return err;
}

/* How many went out, 0: no room now. */
static int send_some(struct work *w)
{
	int err, got = mpmc_reserve(&w->tx, w->to_send < BATCH
						    ? (uint32_t)w->to_send
						    : BATCH);

	if (got <= 0)
		return got;
	for (uint32_t i = 0; i < (uint32_t)got; i++)
		*(uint64_t *)mpmc_slot_tx(&w->tx, i) =
			(w->tx.end.held_idx + i) * NUMBER_MIX;
	err = mpmc_commit(&w->tx);
	w->to_send -= (uint32_t)got;
	return err ? err : got;
}

static int take_some(struct work *w)
{
	int err, got = mpmc_take(&w->rx, BATCH);

	if (got <= 0)
		return got;
	for (uint32_t i = 0; i < (uint32_t)got; i++) {
		uint64_t number = w->rx.end.held_idx + i;
		const uint64_t *word = mpmc_slot_rx(&w->rx, i);

		w->wrong += *word != number * NUMBER_MIX;
		w->sum += number;
	}
	w->received += (uint32_t)got;
	err = mpmc_release(&w->rx);
	return err ? err : got;
}

/* Until all that is ours is sent, and all there is has been taken. */
static int work(struct work *w)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;

	while (w->to_send || load_relaxed(w->rx.end.ticket_idx) < w->total) {
		int sent = w->to_send ? send_some(w) : 0;
		int taken = sent < 0 ? sent : take_some(w);

		if (taken < 0)
			return taken;
		if (sent || taken) {
			deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
			continue;
		}
		/* The other may take the last one: wait in steps. */
		taken = mpmc_wait_data(&w->rx, STEP_NS);
		if (taken && taken != -SHM_ETIMEDOUT)
			return taken;
		if (now_ns() >= deadline_ns)
			return -SHM_ETIMEDOUT;
	}
	return 0;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct work w;
	struct region region;
	int err;

	w.to_send = example_number(argc, argv, "messages", MESSAGES);
	if (!w.to_send) {
		puts("use messages=N");
		return 2;
	}
	w.total = w.to_send * PEERS_NR;
	err = example_attach(&driver, &region);
	if (!err)
		err = join(&w, &region, &driver.peer);
	if (!err) {
		err = work(&w);
		mpmc_close_tx(&w.tx);
		mpmc_close_rx(&w.rx);
	}
	printf("%llu messages taken, %llu wrong, %llu lost\n",
	       (unsigned long long)w.received, (unsigned long long)w.wrong,
	       (unsigned long long)w.rx.end.lost_nr);
	vm_report("taken", w.received);
	vm_report("sum", w.sum);
	vm_report("wrong", w.wrong);
	if (err)
		printf("channel %s: %s\n", CHANNEL, shm_strerror(err));
	return err || w.wrong;
}
