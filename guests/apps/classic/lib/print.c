/* SPDX-License-Identifier: MIT */
/* print.c - formatted text, a character at a time, without 64-bit division. */
#include "guests/apps/classic/lib/print.h"

#include <stdarg.h>

static void put_string(const char *text)
{
	while (*text)
		put_char(*text++);
}

static void put_unsigned(unsigned int value, unsigned int base)
{
	char digits[11]; /* 2^32 has 10, and the end */
	char *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	put_string(at);
}

static void put_signed(int value)
{
	if (value < 0)
		put_char('-');
	put_unsigned(value < 0 ? -(unsigned int)value : (unsigned int)value,
		     10);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put_char(*fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			put_string(va_arg(ap, const char *));
			break;
		case 'c':
			put_char((char)va_arg(ap, int));
			break;
		case 'd':
			put_signed(va_arg(ap, int));
			break;
		case 'x':
			put_unsigned(va_arg(ap, unsigned int), 16);
			break;
		case '\0':
			va_end(ap);
			return;
		default:
			put_char(*fmt); /* %% */
			break;
		}
	}
	va_end(ap);
}
