/* SPDX-License-Identifier: MIT */
/* mpsc_worker.c - hand results in at whatever lane is free. */
#include "guests/apps/example.h"
#include "guests/apps/mpsc_lanes.h"
#include "shm/mpsc.h"

/* The collector makes the channel. */
static int join(struct spsc_tx *tx, const struct region *region,
		struct peer *peer)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
	int err;

	do
		err = mpsc_open_tx(tx, region, LANES_CHANNEL, peer, 0);
	while (example_again(err, deadline_ns));
	if (!err && tx->slot_len != sizeof(struct result)) {
		spsc_close_tx(tx);
		err = -SHM_EINVAL; /* somebody else's channel of that name */
	}
	return err;
}

static int hand_in(struct spsc_tx *tx, uint64_t messages)
{
	for (uint64_t nr = 0; nr < messages;) {
		struct result result = { nr, result_value(nr) };
		int err = spsc_push(tx, &result, 1);

		if (err == 1) {
			nr++;
			continue;
		}
		if (err == 0)
			err = spsc_wait_space(tx, EXAMPLE_WAIT_NS);
		if (err)
			return err;
	}
	return 0;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	struct region region;
	struct spsc_tx tx;
	uint64_t messages;
	int err;

	messages = example_number(argc, argv, "messages", LANES_MESSAGES);
	if (!messages) {
		puts("use messages=N");
		return 2;
	}
	err = example_attach(&driver, &region);
	if (!err)
		err = join(&tx, &region, &driver.peer);
	if (!err) {
		err = hand_in(&tx, messages);
		spsc_close_tx(&tx);
	}
	if (err)
		printf("channel %s: %s\n", LANES_CHANNEL, shm_strerror(err));
	return err ? 1 : 0;
}
