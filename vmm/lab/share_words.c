/* SPDX-License-Identifier: MIT */
/* share_words.c - what may be said of a shared directory? */
#include "vmm/lab/share_words.h"

#include <errno.h>
#include <string.h>

#include "vmm/lab/size.h"

#define NAME_MAX_LEN 31u

const char *share_words_mode(const char *text, enum share_mode *mode)
{
	static const char *const words[] = {
		[SHARE_RO] = "ro", [SHARE_RW] = "rw", [SHARE_COW] = "cow"
	};

	for (unsigned int i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i]) == 0) {
			*mode = (enum share_mode)i;
			return NULL;
		}
	return "no such mode";
}

const char *share_words_policy(const char *text, enum share_policy *policy)
{
	bool squash = strcmp(text, "squash") == 0;

	if (!squash && strcmp(text, "record") != 0)
		return "no such policy";
	*policy = squash ? SHARE_SQUASH : SHARE_RECORD;
	return NULL;
}

const char *share_words_quota(const char *text, uint64_t *quota)
{
	int err = size_parse(text, quota);

	if (err)
		return err == -ERANGE ? "too large" : "not a size";
	return *quota ? NULL : "too small";
}

bool share_words_is_name(const char *text, size_t len)
{
	size_t good = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789_-");

	return len && len <= NAME_MAX_LEN && good >= len;
}
