/* SPDX-License-Identifier: MIT */
/* escape.h - which bytes of a stranger may reach a terminal as they are? */
#ifndef VMM_LAB_ESCAPE_H
#define VMM_LAB_ESCAPE_H

#include <stddef.h>

/*
 * Copy len bytes so that they can move no cursor and rewrite no line: ASCII
 * that prints and tabs stay, all else becomes \xNN. Writes at most
 * ESCAPE_LEN(len) bytes with the final NUL; returns the length without it.
 */
#define ESCAPE_LEN(len) (4 * (size_t)(len) + 1)
size_t escape_bytes(char *out, const void *bytes, size_t len);

#endif
