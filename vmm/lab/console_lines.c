/* SPDX-License-Identifier: MIT */
/* console_lines.c - where does a line of a VM end, and how is it shown? */
#include "vmm/lab/console_lines.h"

#include <stdio.h>

#include "vmm/lab/escape.h"
#include "vmm/lab/labfile.h"

static void put_line(struct console_lines *lines)
{
	char text[LAB_NAME_LEN + 4 + ESCAPE_LEN(CONSOLE_LINE_LEN)];
	int head = snprintf(text, LAB_NAME_LEN + 2, "%s| ", lines->name);
	size_t len = lines->part_len;
	size_t end;

	/* Guests may end lines as terminals want them. */
	if (len && lines->part[len - 1] == '\r')
		len--;
	end = (size_t)head + escape_bytes(text + head, lines->part, len);
	text[end++] = '\n';
	lines->part_len = 0;
	lines->put(lines->arg, text, end);
}

void console_lines_feed(struct console_lines *lines, const char *bytes,
			size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			put_line(lines);
			continue;
		}
		if (lines->part_len == CONSOLE_LINE_LEN)
			put_line(lines);
		lines->part[lines->part_len++] = bytes[i];
	}
}

void console_lines_end(struct console_lines *lines)
{
	if (lines->part_len)
		put_line(lines);
}
