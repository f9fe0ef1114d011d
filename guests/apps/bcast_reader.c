/* SPDX-License-Identifier: MIT */
/* bcast_reader.c - read what can be read, and account for the rest. */
#include "guests/apps/bcast_news.h"
#include "guests/apps/example.h"

struct tally {
	uint64_t due, read, missed, wrong;
};

static int read_all(struct bcast_rx *rx, uint64_t messages, struct tally *t)
{
	while (t->due < messages) {
		uint64_t words[NEWS_WORDS_NR], missed;
		int got = bcast_read(rx, words, &missed);

		if (got < 0)
			return got;
		if (got == 0) {
			int err = bcast_wait(rx, EXAMPLE_WAIT_NS);

			if (err)
				return err;
			continue;
		}
		t->missed += missed;
		t->due += missed;
		t->wrong += !news_right(words, t->due++);
		t->read++;
	}
	return 0;
}

/* The writer makes the channel. */
static int open_news(struct bcast_rx *rx, const struct region *region,
		     struct peer *peer)
{
	uint64_t deadline_ns = now_ns() + EXAMPLE_WAIT_NS;
	int err;

	do
		err = bcast_open_rx(rx, region, NEWS_CHANNEL, peer,
				    BCAST_FROM_OLDEST);
	while (example_again(err, deadline_ns));
	if (!err && rx->words_nr != NEWS_WORDS_NR)
		err = -SHM_EINVAL; /* somebody else's channel of that name */
	return err ? err : bcast_take_bell(rx, 0);
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct bcast_rx rx;
	struct tally t = { 0, 0, 0, 0 };
	struct region region;
	uint64_t messages;
	int err;

	messages = example_number(argc, argv, "messages", NEWS_MESSAGES);
	if (!messages) {
		puts("use messages=N");
		return 2;
	}
	err = example_attach(&driver, &region);
	if (!err)
		err = open_news(&rx, &region, &driver.peer);
	if (!err) {
		/* What was overwritten before we came is missed as well. */
		t.due = t.missed = rx.next_idx;
		err = read_all(&rx, messages, &t);
		bcast_close_rx(&rx);
	}
	printf("%llu messages read, %llu missed, %llu wrong\n",
	       (unsigned long long)t.read, (unsigned long long)t.missed,
	       (unsigned long long)t.wrong);
	vm_report("read", t.read);
	vm_report("missed", t.missed);
	vm_report("wrong", t.wrong);
	if (err)
		printf("channel %s: %s\n", NEWS_CHANNEL, shm_strerror(err));
	return err || t.wrong || t.read + t.missed != messages;
}
