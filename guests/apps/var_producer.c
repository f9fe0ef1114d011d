/* SPDX-License-Identifier: MIT */
/* var_producer.c - messages of different lengths, written in place and
 * published in batches. */
#include "guests/apps/var_message.h"

#define BATCH_NR 8u

/* Write message nr where the consumer will read it. */
static int send_one(struct spsc_var_tx *tx, uint64_t nr)
{
	uint32_t text_len = var_text_len(nr);
	uint32_t len = (uint32_t)VAR_HEADER_LEN + text_len;
	struct var_message *msg;
	void *room;
	int got;

	while ((got = spsc_var_reserve(tx, len, &room)) == 0) {
		int err = spsc_var_wait_space(tx, len, VAR_WAIT_NS);

		if (err)
			return err;
	}
	if (got < 0)
		return got;
	msg = room;
	msg->nr = nr;
	for (uint32_t i = 0; i < text_len; i++)
		msg->text[i] = (uint8_t)(nr + i * 7ull);
	msg->checksum = var_checksum(msg, text_len);
	return nr % BATCH_NR == BATCH_NR - 1 ? spsc_var_commit(tx, len)
					     : spsc_var_commit_quiet(tx, len);
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct spsc_var_tx tx;
	uint64_t messages = var_messages(argc, argv);
	struct region region;
	int err;

	if (!messages) {
		puts("use messages=N");
		return 2;
	}
	err = var_setup(&driver, &region);
	if (!err)
		err = spsc_var_open_tx(&tx, &region, VAR_CHANNEL, &driver.peer,
				       0);
	if (err) {
		printf("channel %s: %s\n", VAR_CHANNEL, shm_strerror(err));
		return 1;
	}
	for (uint64_t nr = 0; nr < messages && !err; nr++)
		err = send_one(&tx, nr);
	spsc_var_close_tx(&tx);
	if (err)
		printf("channel %s: %s\n", VAR_CHANNEL, shm_strerror(err));
	else
		vm_report("sent", messages);
	return err != 0;
}
