/* SPDX-License-Identifier: MIT */
/* printf.c - formatted text on the console (the conversions: runtime.h). */
#include <stdbool.h>

#include "guests/runtime/runtime.h"

struct out {
	char *buf;
	size_t len; /* of buf; what does not fit is counted, not stored */
	size_t at;
};

struct spec {
	bool zero, left, upper;
	size_t width;
	int longs; /* l: 1, ll: 2 */
};

static void put(struct out *o, char c)
{
	if (o->at + 1 < o->len)
		o->buf[o->at] = c;
	o->at++;
}

static void put_padded(struct out *o, const struct spec *s, const char *text,
		       size_t len)
{
	size_t pad = s->width > len ? s->width - len : 0;

	if (!s->left)
		for (; pad; pad--)
			put(o, ' ');
	while (len--)
		put(o, *text++);
	for (; pad; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t value,
		       uint32_t base, bool negative)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[80]; /* 20 digits, or zeros up to the width */
	size_t at = sizeof(text), want = 1;

	if (s->zero && !s->left && s->width < sizeof(text))
		want = s->width - (negative && s->width);
	do {
		text[--at] = digits[value % base];
		value /= base;
	} while (value || sizeof(text) - at < want);
	if (negative)
		text[--at] = '-';
	put_padded(o, s, text + at, sizeof(text) - at);
}

static const char *spec_parse(const char *fmt, struct spec *s)
{
	*s = (struct spec){ .width = 0 };
	for (; *fmt == '0' || *fmt == '-'; fmt++) {
		s->zero |= *fmt == '0';
		s->left |= *fmt == '-';
	}
	while (*fmt >= '0' && *fmt <= '9')
		s->width = s->width * 10 + (size_t)(*fmt++ - '0');
	for (; *fmt == 'l' || *fmt == 'z'; fmt++)
		s->longs++; /* size_t is a long here */
	return fmt;
}

static uint64_t arg_unsigned(const struct spec *s, va_list *ap)
{
	return s->longs ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
}

static int64_t arg_signed(const struct spec *s, va_list *ap)
{
	return s->longs ? va_arg(*ap, int64_t) : va_arg(*ap, int);
}

/* One conversion; fmt points at its letter. */
static void convert(struct out *o, struct spec *s, char letter, va_list *ap)
{
	const char *text;
	int64_t value;
	char c;

	switch (letter) {
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(o, s, &c, 1);
		break;
	case 's':
		text = va_arg(*ap, const char *);
		text = text ? text : "(null)";
		put_padded(o, s, text, strlen(text));
		break;
	case 'd':
	case 'i':
		value = arg_signed(s, ap);
		put_number(o, s, value < 0 ? -(uint64_t)value : (uint64_t)value,
			   10, value < 0);
		break;
	case 'u':
		put_number(o, s, arg_unsigned(s, ap), 10, false);
		break;
	case 'X':
		s->upper = true;
		put_number(o, s, arg_unsigned(s, ap), 16, false);
		break;
	case 'x':
		put_number(o, s, arg_unsigned(s, ap), 16, false);
		break;
	case 'p':
		put(o, '0');
		put(o, 'x');
		put_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, false);
		break;
	default:
		put(o, letter); /* %% and what we do not know */
		break;
	}
}

int vsnprintf(char *buf, size_t len, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .len = len };
	struct spec s;
	va_list args;

	va_copy(args, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		fmt = spec_parse(fmt + 1, &s);
		if (!*fmt)
			break;
		convert(&o, &s, *fmt, &args);
	}
	va_end(args);
	if (len)
		buf[o.at < len ? o.at : len - 1] = '\0';
	return (int)o.at;
}

int snprintf(char *buf, size_t len, const char *fmt, ...)
{
	va_list ap;
	int wanted;

	va_start(ap, fmt);
	wanted = vsnprintf(buf, len, fmt, ap);
	va_end(ap);
	return wanted;
}

int printf(const char *fmt, ...)
{
	char line[CONSOLE_LINE_LEN];
	va_list ap;
	int wanted;

	va_start(ap, fmt);
	wanted = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_write(line, strlen(line));
	return wanted;
}

int puts(const char *text)
{
	return printf("%s\n", text);
}
