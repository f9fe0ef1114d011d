/* SPDX-License-Identifier: MIT */
/*
 * share_words.h - the words that say how a directory is shared, in the options
 * of `ivlab vm` and in lab files.
 *
 * Each function returns NULL, or why text cannot be that.
 */
#ifndef VMM_LAB_SHARE_WORDS_H
#define VMM_LAB_SHARE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/files/share.h"

/* What completes "allowed: ". */
#define SHARE_WORDS_MODES    "ro, rw or cow"
#define SHARE_WORDS_POLICIES "record or squash"
#define SHARE_WORDS_QUOTAS   "a number of bytes above 0, with K, M or G"
#define SHARE_WORDS_NAMES    "1 to 31 letters, digits, '-' and '_'"

const char *share_words_mode(const char *text, enum share_mode *mode);
const char *share_words_policy(const char *text, enum share_policy *policy);
const char *share_words_quota(const char *text, uint64_t *quota);
/* A share's name is the mount tag that guests look for. */
bool share_words_is_name(const char *text, size_t len);

#endif
