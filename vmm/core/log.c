/* SPDX-License-Identifier: MIT */
/* log.c - how a line for people reaches stderr. */
#include "vmm/core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"

#define LINE_LEN 1024

static char line_prefix[64];
static enum log_level line_level = LOG_INFO;
static const char *const level_names[] = {
	[LOG_ERROR] = "error: ",
	[LOG_WARN] = "warning: ",
	[LOG_INFO] = "",
	[LOG_DEBUG] = "debug: ",
};

void log_set_prefix(const char *prefix)
{
	snprintf(line_prefix, sizeof(line_prefix), "%s", prefix);
}

void log_set_level(enum log_level level)
{
	line_level = level;
}

/* One write() a line, so that lines of several processes do not mix. */
__attribute__((format(printf, 3, 0))) static void
line_write(enum log_level level, const char *tail, const char *fmt, va_list ap)
{
	char line[LINE_LEN];
	/* The tail and the newline always fit. */
	size_t room = sizeof(line) - 1 - strlen(tail);
	int len, more;

	len = snprintf(line, room, "ivlab: %s%s%s", line_prefix,
		       line_prefix[0] ? ": " : "", level_names[level]);
	more = vsnprintf(line + len, room - (size_t)len, fmt, ap);
	if (more >= (int)room - len)
		more = (int)room - len - 1;
	len += more < 0 ? 0 : more;
	len += snprintf(line + len, sizeof(line) - (size_t)len, "%s\n", tail);
	/* Nobody to tell when stderr itself is gone. */
	(void)!write(STDERR_FILENO, line, (size_t)len);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (level > line_level)
		return;
	va_start(ap, fmt);
	line_write(level, "", fmt, ap);
	va_end(ap);
}

void log_limited(struct log_limit *limit, const char *fmt, ...)
{
	unsigned int seen;
	va_list ap;

	if (LOG_WARN > line_level)
		return;
	seen = add_relaxed(&limit->seen, 1);
	if (seen >= LOG_LIMIT_BURST) {
		/* Stay clear of the wrap, which would start over. */
		store_relaxed(&limit->seen, LOG_LIMIT_BURST);
		return;
	}
	va_start(ap, fmt);
	line_write(LOG_WARN,
		   seen == LOG_LIMIT_BURST - 1 ? " (further ones are silent)"
					       : "",
		   fmt, ap);
	va_end(ap);
}
