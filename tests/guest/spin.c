/* SPDX-License-Identifier: MIT */
/*
 * spin.c - a guest that takes all the CPU time it gets: for ever, or for
 * turns=N turns; with nap_us=N it naps that long after each turn.
 */
#include "guests/runtime/runtime.h"

#define LOOPS_PER_TURN 1000000u

/* The number behind "KEY=" in word, or otherwise. */
static uint64_t number(const char *word, const char *key, uint64_t otherwise)
{
	size_t len = strlen(key);
	uint64_t n = 0;

	if (strlen(word) <= len || memcmp(word, key, len) != 0)
		return otherwise;
	for (const char *at = word + len; *at; at++)
		n = n * 10 + (uint64_t)(*at - '0');
	return n;
}

int app_main(int argc, char **argv)
{
	uint64_t turns = UINT64_MAX;
	uint64_t nap_us = 0;

	for (int i = 1; i < argc; i++) {
		turns = number(argv[i], "turns=", turns);
		nap_us = number(argv[i], "nap_us=", nap_us);
	}
	for (uint64_t turn = 0; turn < turns; turn++) {
		for (uint32_t loop = 0; loop < LOOPS_PER_TURN; loop++)
			__asm__ __volatile__("");
		if (nap_us)
			sleep_ns(nap_us * 1000);
	}
	return 0;
}
