/* SPDX-License-Identifier: MIT */
/* bcast_news.h - what bcast_writer.c and bcast_reader.c agree on. */
#ifndef GUESTS_APPS_BCAST_NEWS_H
#define GUESTS_APPS_BCAST_NEWS_H

#include <stdbool.h>

#include "shm/bcast.h"

#define NEWS_CHANNEL  "news"
#define NEWS_WORDS_NR 15u /* with the seq: two lines */
#define NEWS_MSG_LEN  (NEWS_WORDS_NR * 8u)
#define NEWS_SLOTS_NR 1024u
#define NEWS_BELLS_NR 8u
#define NEWS_MESSAGES 200000ull

static inline void news_fill(uint64_t *words, uint64_t nr)
{
	words[0] = nr;
	for (uint32_t i = 1; i < NEWS_WORDS_NR; i++)
		words[i] = (nr + i) * 0x9e3779b97f4a7c15ull;
}

static inline bool news_right(const uint64_t *words, uint64_t nr)
{
	if (words[0] != nr)
		return false;
	for (uint32_t i = 1; i < NEWS_WORDS_NR; i++)
		if (words[i] != (nr + i) * 0x9e3779b97f4a7c15ull)
			return false;
	return true;
}

#endif
