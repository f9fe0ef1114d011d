/* SPDX-License-Identifier: MIT */
/* mpsc_collector.c - take results from all lanes, and doubt each of them. */
#include "guests/apps/example.h"
#include "guests/apps/mpsc_lanes.h"
#include "shm/mpsc.h"

#define BATCH 16u

struct tally {
	uint64_t received, wrong;
	uint64_t due[LANES_NR]; /* the number each lane sends next */
};

/* A worker may come late, when another has left: its lane begins anew. */
static void check(struct tally *t, uint32_t lane, const struct result *result)
{
	uint64_t nr = result->nr;

	if (nr != t->due[lane] && nr != 0)
		t->wrong++;
	t->wrong += result->value != result_value(nr);
	t->due[lane] = nr + 1;
	t->received++;
}

static int collect(struct mpsc_rx *rx, uint64_t messages, struct tally *t)
{
	while (t->received < messages) {
		const void *slots;
		int got = mpsc_peek(rx, BATCH, &slots);

		if (got == 0) {
			int err = mpsc_wait_data(rx, EXAMPLE_WAIT_NS);

			if (err)
				return err;
			continue;
		}
		if (got < 0) {
			printf("lane %u: %s\n", rx->lane, shm_strerror(got));
			return got;
		}
		for (int i = 0; i < got; i++)
			check(t, rx->lane, (const struct result *)slots + i);
		mpsc_release(rx, (uint32_t)got);
	}
	return 0;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct mpsc_rx rx;
	static struct tally t;
	struct region region;
	uint64_t messages;
	int err;

	messages = example_number(argc, argv, "messages", LANES_MESSAGES);
	if (!messages) {
		puts("use messages=N");
		return 2;
	}
	err = example_attach(&driver, &region);
	if (!err)
		err = mpsc_create(&region, LANES_CHANNEL, sizeof(struct result),
				  LANES_SLOTS_NR, LANES_NR, driver.peer.id);
	if (!err)
		err = mpsc_open_rx(&rx, &region, LANES_CHANNEL, &driver.peer,
				   0);
	if (!err) {
		err = collect(&rx, messages * LANES_WORKERS, &t);
		mpsc_close_rx(&rx);
	}
	printf("%llu results, %llu wrong\n", (unsigned long long)t.received,
	       (unsigned long long)t.wrong);
	vm_report("messages", t.received);
	vm_report("mismatches", t.wrong);
	if (err)
		printf("channel %s: %s\n", LANES_CHANNEL, shm_strerror(err));
	return err || t.wrong;
}
