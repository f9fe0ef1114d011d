/* SPDX-License-Identifier: MIT */
/*
 * labfile_lines.c - how does a lab file come apart into sections and keys?
 *
 * The INI library splits lines. It neither tells line numbers nor empty
 * sections, so lines go to it one by one through reader(), which counts and,
 * behind each section heading, slips in one line of its own.
 */
#include "vmm/lab/labfile_lines.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADING_KEY "\001section"
#define BLANKS	    " \t\r\n\v\f"
#define BOM	    "\xef\xbb\xbf"

struct lines {
	const struct labfile_lines_events *events;
	FILE *file;
	int err; /* of reading */
	char *line;
	size_t line_cap;
	uint32_t line_nr;
	bool heading; /* the line handed out last was one */
	bool inside;  /* of any section */
	bool any_wrong;
};

static bool wrong(struct lines *l, const char *what)
{
	l->any_wrong = true;
	l->events->wrong(l->events->arg, l->line_nr, what);
	return false;
}

/* False: not fit for the INI library, which would misread it silently. */
static bool check(struct lines *l, size_t len, size_t room)
{
	const char *start = l->line + strspn(l->line, BLANKS);
	const char *end;

	if (strlen(l->line) != len)
		return wrong(l, "a NUL byte; a lab file is text");
	if (len >= room)
		return wrong(l, "line too long; allowed: 4094 bytes");
	if (*start != '[')
		return true;
	end = strchr(start, ']');
	if (!end)
		return wrong(l, "a [section] without its ]");
	end += 1 + strspn(end + 1, BLANKS);
	if (*end && !strchr(";#", *end))
		return wrong(l, "text behind a [section]");
	l->heading = true;
	return true;
}
_Static_assert(LABFILE_LINE_LEN == 4096, "check() names the limit");

static char *reader(char *buf, int size, void *stream)
{
	struct lines *l = stream;
	ssize_t len;

	if (l->heading) {
		l->heading = false;
		l->inside = true;
		snprintf(buf, (size_t)size, "%s\n", HEADING_KEY);
		return buf;
	}
	errno = 0;
	len = getline(&l->line, &l->line_cap, l->file);
	if (len < 0) {
		l->err = -errno;
		return NULL;
	}
	l->line_nr++;
	if (l->line_nr == 1 && strncmp(l->line, BOM, strlen(BOM)) == 0)
		memset(l->line, ' ', strlen(BOM));
	if (!check(l, (size_t)len, (size_t)size))
		l->line[0] = '\0';
	snprintf(buf, (size_t)size, "%s", l->line);
	return buf;
}

/* 1: go on. */
static int handler(void *arg, const char *section, const char *name,
		   const char *value)
{
	struct lines *l = arg;
	const struct labfile_lines_events *events = l->events;

	if (strcmp(name, HEADING_KEY) == 0)
		events->section(events->arg, l->line_nr, section);
	else if (!l->inside)
		wrong(l, "text before the first [section]");
	else if (!value)
		wrong(l, "neither a [section] nor a key = value line");
	else
		events->key(events->arg, l->line_nr, name, value);
	return 1;
}

int labfile_lines(FILE *file, const struct labfile_lines_events *events)
{
	static char comments[] = ";#";
	struct lines l = { .events = events, .file = file };
	int rc;

	/* Debian builds the library with these as variables. */
	ini_allow_multiline = false; /* an indented key is a key */
	ini_allow_no_value = true;   /* handler() names the line */
	ini_inline_comment_prefixes = comments;
	ini_use_stack = false;
	ini_initial_alloc = LABFILE_LINE_LEN;
	ini_max_line = LABFILE_LINE_LEN;
	rc = ini_parse_stream(reader, &l, handler, &l);
	if (rc > 0 && !l.any_wrong)
		wrong(&l, "not an INI file");
	free(l.line);
	return rc == -2 ? -ENOMEM : l.err;
}
