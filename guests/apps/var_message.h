/* SPDX-License-Identifier: MIT */
/*
 * var_message.h - what var_producer and var_consumer agree on: the channel,
 * how many messages, and what stands in each.
 *
 * A message is 16 bytes, its number and a checksum, and behind them 0 to
 * VAR_TEXT_MAX bytes that follow from the number. Most are short.
 */
#ifndef GUESTS_APPS_VAR_MESSAGE_H
#define GUESTS_APPS_VAR_MESSAGE_H

#include <stdbool.h>

#include "guests/driver/ivshmem_driver.h"
#include "guests/runtime/runtime.h"
#include "shm/spsc_var.h"

#define VAR_CHANNEL    "var"
#define VAR_RING_LEN   (256ull << 10)
#define VAR_TEXT_MAX   60000u
#define VAR_WAIT_NS    (30 * NS_PER_S)
#define VAR_MESSAGES   20000ull
#define VAR_HEADER_LEN sizeof(struct var_message)

struct var_message {
	uint64_t nr;
	uint64_t checksum;
	uint8_t text[];
};

static inline uint64_t var_random(uint64_t nr)
{
	nr = (nr + 1) * 0x9e3779b97f4a7c15ull;
	nr = (nr ^ nr >> 31) * 0xbf58476d1ce4e5b9ull;
	return nr ^ nr >> 29;
}

/* Bytes of text in message nr. */
static inline uint32_t var_text_len(uint64_t nr)
{
	uint64_t random = var_random(nr);

	return (uint32_t)((random >> 16) % ((VAR_TEXT_MAX >> random % 12) + 1));
}

static inline uint64_t var_checksum(const struct var_message *msg,
				    uint32_t text_len)
{
	uint64_t sum = var_random(msg->nr);

	for (uint32_t i = 0; i < text_len; i++)
		sum = (sum ^ msg->text[i]) * 0x100000001b3ull;
	return sum;
}

/* The number in messages=N, the default without a word, 0: neither. */
static inline uint64_t var_messages(int argc, char **argv)
{
	static const char key[] = "messages=";
	uint64_t value = 0;

	if (argc < 2)
		return VAR_MESSAGES;
	if (argc > 2 || strlen(argv[1]) < sizeof(key) ||
	    memcmp(argv[1], key, sizeof(key) - 1) != 0)
		return 0;
	for (const char *at = argv[1] + sizeof(key) - 1; *at; at++) {
		uint32_t digit = (uint32_t)(*at - '0');

		if (digit > 9 || value > UINT32_MAX)
			return 0;
		value = value * 10 + digit;
	}
	return value;
}

/* Whoever comes first makes the channel. */
static inline int var_setup(struct ivshmem_driver *driver,
			    struct region *region)
{
	int err = ivshmem_driver_open(driver, 0);

	if (!err)
		err = region_create(region, driver->peer.region,
				    driver->peer.region_len);
	if (!err)
		err = spsc_var_create(region, VAR_CHANNEL, VAR_RING_LEN,
				      driver->peer.id);
	return err == -SHM_EEXIST ? 0 : err;
}

#endif
