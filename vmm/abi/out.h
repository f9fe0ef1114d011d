/* SPDX-License-Identifier: MIT */
/*
 * out.h - the bytes of all guests on their way to one descriptor.
 *
 * Untagged, bytes go out as they come. Tagged, every line goes out whole, with
 * the guest's name before it:
 *
 *	NAME| text	a line that ended with a newline
 *	NAME> text	a piece without one: the guest ended there, or the line
 *			was longer than OUT_LINE_MAX
 *
 * so that the bytes of one guest can be had back exactly.
 *
 * Threads: any; one out_stream belongs to one thread at a time.
 * Errors:  the first failing write is logged and kept; from then on nothing is
 *          written and every call says so. SIGPIPE must be ignored.
 */
#ifndef VMM_ABI_OUT_H
#define VMM_ABI_OUT_H

#include <stdbool.h>
#include <stddef.h>

#define OUT_LINE_MAX 8192

struct out;
struct out_stream;

/* fd stays the caller's. */
int out_create(struct out **out, int fd, bool tag);
/* After its streams. NULL is fine. */
void out_destroy(struct out *out);
/* 0, or the errno that ended it, negative. */
int out_error(struct out *out);

/* name is copied, cut. */
int out_stream_create(struct out_stream **stream, struct out *out,
		      const char *name);
void out_stream_destroy(struct out_stream *stream);
/* Blocks until all is written. 0 or out_error(). */
int out_stream_write(struct out_stream *stream, const void *bytes, size_t len);
/* The guest ended: what it has of a last line goes out. */
int out_stream_end(struct out_stream *stream);

#endif
