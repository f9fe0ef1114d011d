/* SPDX-License-Identifier: MIT */
/* out.c - how do the bytes of several guests share one descriptor? */
#include "vmm/abi/out.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/core/log.h"

#define NAME_MAX_LEN  64
#define SEPARATOR_LEN 2 /* "| " or "> " */

struct out {
	pthread_mutex_t lock; /* whole lines; err */
	int fd;
	bool tag;
	int err;
};

/* Tagged, the buffer holds "NAME| " for good and behind it a line so far;
 * there is always room for one more byte, the newline of a cut line. */
struct out_stream {
	struct out *out;
	size_t name_len, head_len, used_len;
	char buffer[NAME_MAX_LEN + SEPARATOR_LEN + OUT_LINE_MAX + 1];
};

int out_create(struct out **out, int fd, bool tag)
{
	struct out *o = malloc(sizeof(*o));

	if (!o)
		return -ENOMEM;
	*o = (struct out){ .fd = fd, .tag = tag };
	pthread_mutex_init(&o->lock, NULL);
	*out = o;
	return 0;
}

void out_destroy(struct out *out)
{
	if (!out)
		return;
	pthread_mutex_destroy(&out->lock);
	free(out);
}

int out_error(struct out *out)
{
	int err;

	pthread_mutex_lock(&out->lock);
	err = out->err;
	pthread_mutex_unlock(&out->lock);
	return err;
}

/* One write, or a wait for room. Bytes written, or -errno. */
static ssize_t write_some(int fd, const char *bytes, size_t len)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };
	ssize_t n = write(fd, bytes, len);

	if (n >= 0)
		return n;
	if (errno == EINTR)
		return 0;
	if (errno != EAGAIN)
		return -errno;
	/* Somebody made it non-blocking: the terminal is shared. */
	return poll(&room, 1, -1) < 0 && errno != EINTR ? -errno : 0;
}

static int write_all(struct out *out, const char *bytes, size_t len)
{
	int err;

	pthread_mutex_lock(&out->lock);
	while (len && !out->err) {
		ssize_t n = write_some(out->fd, bytes, len);

		if (n < 0) {
			out->err = (int)n;
			log_error("cannot write what the guests print: %s",
				  strerror(-out->err));
			break;
		}
		bytes += n;
		len -= (size_t)n;
	}
	err = out->err;
	pthread_mutex_unlock(&out->lock);
	return err;
}

int out_stream_create(struct out_stream **stream, struct out *out,
		      const char *name)
{
	struct out_stream *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->out = out;
	s->name_len = strnlen(name, NAME_MAX_LEN);
	memcpy(s->buffer, name, s->name_len);
	s->buffer[s->name_len] = '|';
	s->buffer[s->name_len + 1] = ' ';
	s->head_len = s->name_len + SEPARATOR_LEN;
	s->used_len = s->head_len;
	*stream = s;
	return 0;
}

void out_stream_destroy(struct out_stream *stream)
{
	free(stream);
}

/* What is there as a line of its own; whole: the newline is the guest's. */
static int line_out(struct out_stream *s, bool whole)
{
	size_t len = s->used_len;

	s->used_len = s->head_len;
	s->buffer[s->name_len] = whole ? '|' : '>';
	s->buffer[len] = '\n';
	return write_all(s->out, s->buffer, len + 1);
}

int out_stream_write(struct out_stream *stream, const void *bytes, size_t len)
{
	const char *from = bytes;
	int err = 0;

	if (!stream->out->tag)
		return write_all(stream->out, from, len);
	for (size_t i = 0; i < len && !err; i++) {
		if (from[i] == '\n') {
			err = line_out(stream, true);
			continue;
		}
		if (stream->used_len - stream->head_len == OUT_LINE_MAX)
			err = line_out(stream, false);
		stream->buffer[stream->used_len++] = from[i];
	}
	return err;
}

int out_stream_end(struct out_stream *stream)
{
	if (stream->used_len == stream->head_len)
		return 0;
	return line_out(stream, false);
}
