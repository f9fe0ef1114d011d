/* SPDX-License-Identifier: MIT */
/* share_reason.c - is what a share says a warning, or why it failed? */
#include "vmm/lab/share_reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/core/log.h"

/* What its lines begin with; the reader is told whose they are anyway. */
#define SPEAKER "share: "

void share_reason_warn(struct share_reason *reason)
{
	if (reason->text[0])
		log_warn("%s%s: %s", reason->kind, reason->name, reason->text);
	reason->text[0] = '\0';
}

void share_reason_say(struct share_reason *reason, const char *line)
{
	if (strncmp(line, SPEAKER, strlen(SPEAKER)) == 0)
		line += strlen(SPEAKER);
	share_reason_warn(reason);
	(void)snprintf(reason->text, sizeof(reason->text), "%s", line);
}

const char *share_reason_why(const struct share_reason *reason, int err)
{
	return reason->text[0] ? reason->text : strerror(-err);
}

const char *share_reason_cure(int err)
{
	switch (err) {
	case -EBUSY:
		return "; end that one, or name another directory";
	case -ENOENT:
		return "; make the directory above it first";
	case -ENOTDIR:
		return "; name a directory";
	case -EACCES:
	case -EPERM:
		return "; name one that this user may use";
	case -EROFS:
		return "; name one on a file system that can be changed";
	default:
		return "";
	}
}
