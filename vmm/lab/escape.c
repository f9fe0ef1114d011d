/* SPDX-License-Identifier: MIT */
/*
 * escape.c - how is a byte shown that must not act on a terminal?
 *
 * Bytes from 0x80 on are escaped too: as UTF-8 some of them are the C1
 * controls, which terminals obey like escape sequences.
 */
#include "vmm/lab/escape.h"

static const char hex[] = "0123456789abcdef";

size_t escape_bytes(char *out, const void *bytes, size_t len)
{
	const unsigned char *in = bytes;
	char *p = out;

	for (size_t i = 0; i < len; i++) {
		if ((in[i] >= ' ' && in[i] < 0x7f) || in[i] == '\t') {
			*p++ = (char)in[i];
			continue;
		}
		*p++ = '\\';
		*p++ = 'x';
		*p++ = hex[in[i] >> 4];
		*p++ = hex[in[i] & 15];
	}
	*p = '\0';
	return (size_t)(p - out);
}
