/* SPDX-License-Identifier: MIT */
/*
 * screen.h - stderr as the launcher uses it: lines, and below them one line
 * about progress that is rewritten in place on a terminal.
 *
 * Nothing blocks: a pager that does not read must not keep the launcher from
 * noticing that a VM died. Lines wait in a bounded buffer; who feeds it asks
 * screen_full() first and goes on when drained() is called.
 *
 * Threads: the loop's.
 */
#ifndef VMM_LAB_SCREEN_H
#define VMM_LAB_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "vmm/core/loop.h"

struct screen;

/* fd stays the caller's. drained(arg): all is written; may be NULL. */
int screen_create(struct screen **out, struct loop *loop, int fd,
		  void (*drained)(void *arg), void *arg);
/* After loop_destroy(), which may still hold a buffer. NULL is fine. */
void screen_destroy(struct screen *screen);

/* Whole lines, newline included. What finds no room is dropped. */
void screen_put(struct screen *screen, const char *lines, size_t len);
/* The progress line, without a newline. Off a terminal: a line like any. */
void screen_progress(struct screen *screen, const char *text);
/* Take the progress line away (or leave it behind as the last). */
void screen_progress_end(struct screen *screen);

bool screen_is_terminal(const struct screen *screen);
/* Do not feed more now: at least SCREEN_ROOM bytes always fit otherwise. */
bool screen_full(const struct screen *screen);
#define SCREEN_ROOM 65536u
/* Nothing waits to be written. */
bool screen_idle(const struct screen *screen);

#endif
