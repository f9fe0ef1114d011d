/* SPDX-License-Identifier: MIT */
/*
 * console.h - bytes on their way from a guest to the outside: a bounded
 * buffer between vCPU threads and the loop.
 *
 * Threads: console_write() from vCPU threads; console_take() from the loop;
 *          console_close() from any.
 * Back-pressure: a full buffer holds the writing vCPU until the loop has
 *          taken bytes; nothing is dropped (docs/decisions/).
 */
#ifndef VMM_DEVICES_CONSOLE_H
#define VMM_DEVICES_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_BUFFER_LEN 65536u

struct console;

int console_create(struct console **out);
void console_destroy(struct console *console);

/* Append buf; waits while there is no room, until console_close(). */
void console_write(struct console *console, const void *buf, size_t len);
/* An eventfd, readable when there may be something to take. */
int console_fd(const struct console *console);
/* Move up to len bytes into buf; how many. 0: empty. */
size_t console_take(struct console *console, void *buf, size_t len);
/* Later writes, and one that waits now, drop their bytes. */
void console_close(struct console *console);

#endif
