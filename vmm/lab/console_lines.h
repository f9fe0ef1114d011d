/* SPDX-License-Identifier: MIT */
/*
 * console_lines.h - what a VM says, as lines that name it: "producer| text".
 *
 * Trust: the bytes are a guest's; what acts on a terminal is escaped.
 */
#ifndef VMM_LAB_CONSOLE_LINES_H
#define VMM_LAB_CONSOLE_LINES_H

#include <stddef.h>

#define CONSOLE_LINE_LEN 512 /* bytes of a guest; longer lines are split */

struct console_lines {
	const char *name;
	/* Gets whole lines, newline included; not NUL-terminated. */
	void (*put)(void *arg, const char *line, size_t len);
	void *arg;
	char part[CONSOLE_LINE_LEN]; /* of a line that has not ended */
	size_t part_len;
};

void console_lines_feed(struct console_lines *lines, const char *bytes,
			size_t len);
/* No more will come: put what is left. */
void console_lines_end(struct console_lines *lines);

#endif
