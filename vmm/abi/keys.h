/* SPDX-License-Identifier: MIT */
/*
 * keys.h - a guest's keyboard: the bytes of a pipe, a file or a terminal, in
 * a queue from which guests take them.
 *
 * Reading begins with keys_start(), so that a guest that never asks for input
 * takes none from whoever reads the descriptor next, and leaves the terminal
 * alone. A terminal gives its keys one by one (terminal.h); Ctrl-D is its end
 * of input. A full queue lets the writer wait; no byte is lost.
 *
 * Threads: any, but for create and destroy.
 */
#ifndef VMM_ABI_KEYS_H
#define VMM_ABI_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#define KEYS_QUEUE_NR 4096u /* a power of two; a choice */

struct keys;

/*
 * fd stays the caller's. arrived(arg) is called when bytes came or the input
 * ended, on a thread of its own.
 */
int keys_create(struct keys **out, int fd, void (*arrived)(void *arg),
		void *arg);
/* Puts the terminal back. NULL is fine. */
void keys_destroy(struct keys *keys);
/* Begin to read, unless begun. If that fails (logged), the input has ended. */
void keys_start(struct keys *keys);

/* The oldest byte; false: none. */
bool keys_take(struct keys *keys, uint8_t *byte);
/* How many bytes wait. */
uint32_t keys_waiting(struct keys *keys);
/* No byte waits and none will come. False before keys_start(). */
bool keys_ended(struct keys *keys);

/*
 * A keyboard interrupt is due: a byte waits that nobody has taken and that
 * was not announced before. Announces it: true once per byte.
 */
bool keys_announce(struct keys *keys);

#endif
