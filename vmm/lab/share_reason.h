/* SPDX-License-Identifier: MIT */
/*
 * share_reason.h - what a share says while something is done with it: the last
 * of it is the reason if that fails, and a warning if it does not.
 */
#ifndef VMM_LAB_SHARE_REASON_H
#define VMM_LAB_SHARE_REASON_H

#define SHARE_REASON_LEN 512

struct share_reason {
	const char *kind, *name; /* whose: before each warning */
	char text[SHARE_REASON_LEN];
};

/* It says another line; what it said before is a warning. */
void share_reason_say(struct share_reason *reason, const char *line);
/* It was done: what was said last is a warning, too. */
void share_reason_warn(struct share_reason *reason);
/* It failed. */
const char *share_reason_why(const struct share_reason *reason, int err);
/* What to do about it where the share's words do not say it: "; ...", or "". */
const char *share_reason_cure(int err);

#endif
