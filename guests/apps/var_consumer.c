/* SPDX-License-Identifier: MIT */
/* var_consumer.c - take messages of different lengths out of the producer's
 * reach, then doubt each. */
#include "guests/apps/var_message.h"

struct tally {
	uint64_t messages, bytes, mismatches;
};

/* The copy is ours: what is checked is what is used. */
static bool verify(const struct var_message *msg, uint32_t len, uint64_t due)
{
	return len >= VAR_HEADER_LEN && msg->nr == due &&
	       len - VAR_HEADER_LEN == var_text_len(due) &&
	       msg->checksum == var_checksum(msg, var_text_len(due));
}

static int receive(struct spsc_var_rx *rx, uint64_t messages,
		   struct tally *tally)
{
	static _Alignas(8) uint8_t buf[VAR_HEADER_LEN + VAR_TEXT_MAX];

	for (uint64_t due = 0; due < messages;) {
		int len = spsc_var_pop(rx, buf, sizeof(buf));

		if (len == 0)
			len = spsc_var_wait_data(rx, VAR_WAIT_NS);
		if (len < 0)
			return len;
		if (len == 0)
			continue;
		if (verify((const struct var_message *)(const void *)buf,
			   (uint32_t)len, due))
			tally->messages++;
		else if (!tally->mismatches++)
			printf("message %llu is wrong\n",
			       (unsigned long long)due);
		tally->bytes += (uint32_t)len;
		due++;
	}
	return 0;
}

int app_main(int argc, char **argv)
{
	static struct ivshmem_driver driver;
	static struct spsc_var_rx rx;
	struct tally tally = { 0, 0, 0 };
	uint64_t messages = var_messages(argc, argv), start_ns;
	struct region region;
	int err;

	if (!messages) {
		puts("use messages=N");
		return 2;
	}
	err = var_setup(&driver, &region);
	if (!err)
		err = spsc_var_open_rx(&rx, &region, VAR_CHANNEL, &driver.peer,
				       0);
	if (err) {
		printf("channel %s: %s\n", VAR_CHANNEL, shm_strerror(err));
		return 1;
	}
	start_ns = now_ns();
	err = receive(&rx, messages, &tally);
	vm_report("ns", now_ns() - start_ns);
	spsc_var_close_rx(&rx);
	vm_report("messages", tally.messages);
	vm_report("bytes", tally.bytes);
	vm_report("mismatches", tally.mismatches);
	if (err)
		printf("channel %s: %s\n", VAR_CHANNEL, shm_strerror(err));
	return err || tally.mismatches;
}
