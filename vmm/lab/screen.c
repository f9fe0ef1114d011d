/* SPDX-License-Identifier: MIT */
/* screen.c - how do lines reach a stderr that may be slow or gone? */
#include "vmm/lab/screen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_LEN ((size_t)2 * SCREEN_ROOM)
/* Back to the first column, clear to the end of line (ECMA-48 EL). */
#define WIPE "\r\033[K"

struct screen {
	struct loop *loop;
	int fd;
	bool is_terminal;
	bool gone;    /* writing failed: say nothing more */
	bool shown;   /* a progress line stands there */
	bool writing; /* the loop has buffers[!filling] */
	int filling;
	size_t len; /* in buffers[filling] */
	char *buffers[2];
	void (*drained)(void *arg);
	void *arg;
};

static void written(void *arg, int64_t result);

static void flush(struct screen *s)
{
	int err;

	if (s->writing || !s->len)
		return;
	err = loop_write(s->loop, s->fd, s->buffers[s->filling], s->len,
			 written, s);
	if (err) {
		s->gone = true;
		s->len = 0;
		return;
	}
	s->writing = true;
	s->filling = !s->filling;
	s->len = 0;
}

static void written(void *arg, int64_t result)
{
	struct screen *s = arg;

	s->writing = false;
	if (result < 0) {
		s->gone = true;
		s->len = 0;
	}
	flush(s);
	if (screen_idle(s) && s->drained)
		s->drained(s->arg);
}

static void append(struct screen *s, const char *text, size_t len)
{
	if (s->gone || len > BUFFER_LEN - s->len)
		return;
	memcpy(s->buffers[s->filling] + s->len, text, len);
	s->len += len;
}

int screen_create(struct screen **out, struct loop *loop, int fd,
		  void (*drained)(void *arg), void *arg)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->loop = loop;
	s->fd = fd;
	s->is_terminal = isatty(fd);
	s->drained = drained;
	s->arg = arg;
	s->buffers[0] = malloc(BUFFER_LEN);
	s->buffers[1] = malloc(BUFFER_LEN);
	if (!s->buffers[0] || !s->buffers[1]) {
		screen_destroy(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void screen_destroy(struct screen *s)
{
	if (!s)
		return;
	free(s->buffers[0]);
	free(s->buffers[1]);
	free(s);
}

void screen_put(struct screen *s, const char *lines, size_t len)
{
	screen_progress_end(s);
	append(s, lines, len);
	flush(s);
}

void screen_progress(struct screen *s, const char *text)
{
	char line[256];
	int len;

	/* The lines of the VMs come first; the next one will be fresher. */
	if (screen_full(s))
		return;
	len = snprintf(line, sizeof(line) - 1, "%s%s",
		       s->is_terminal ? WIPE : "", text);
	if (len < 0)
		return;
	if ((size_t)len > sizeof(line) - 2)
		len = (int)sizeof(line) - 2;
	if (!s->is_terminal)
		line[len++] = '\n';
	s->shown = s->is_terminal;
	append(s, line, (size_t)len);
	flush(s);
}

void screen_progress_end(struct screen *s)
{
	if (s->shown)
		append(s, WIPE, strlen(WIPE));
	s->shown = false;
	flush(s);
}

bool screen_is_terminal(const struct screen *s)
{
	return s->is_terminal;
}

bool screen_full(const struct screen *s)
{
	return s->len > BUFFER_LEN - SCREEN_ROOM;
}

bool screen_idle(const struct screen *s)
{
	return !s->writing && !s->len;
}
