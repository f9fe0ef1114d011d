/* SPDX-License-Identifier: MIT */
/* bcast_writer.c - tell everybody, and wait for nobody. */
#include "guests/apps/bcast_news.h"
#include "guests/apps/example.h"

#define REST_EACH_NR 4096u
#define REST_NS	     1000000ull

/* A rest now and then, so that readers also meet the end of the news. */
static int write_all(struct bcast_tx *tx, uint64_t messages)
{
	for (uint64_t nr = 0; nr < messages; nr++) {
		uint64_t words[NEWS_WORDS_NR];
		int err;

		news_fill(words, nr);
		err = bcast_write(tx, words, 1);
		if (!err && nr % REST_EACH_NR == 0) {
			err = bcast_flush(tx);
			sleep_ns(REST_NS);
		}
		if (err)
			return err;
	}
	return bcast_flush(tx);
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct bcast_tx tx;
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
		err = bcast_create(&region, NEWS_CHANNEL, NEWS_MSG_LEN,
				   NEWS_SLOTS_NR, NEWS_BELLS_NR,
				   driver.peer.id);
	if (!err)
		err = bcast_open_tx(&tx, &region, NEWS_CHANNEL, &driver.peer);
	if (!err) {
		err = write_all(&tx, messages);
		vm_report("sent", tx.tail_idx);
		bcast_close_tx(&tx);
	}
	if (err)
		printf("channel %s: %s\n", NEWS_CHANNEL, shm_strerror(err));
	return err != 0;
}
