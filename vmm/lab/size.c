/* SPDX-License-Identifier: MIT */
/* size.c - which number does a text mean? */
#include "vmm/lab/size.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The digits at *text; moves it behind them. */
static int digits(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
			return -ERANGE;
	*text = p;
	*number = n;
	return 0;
}

static int suffix_shift(char suffix)
{
	switch (suffix) {
	case '\0':
		return 0;
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return -EINVAL;
	}
}

int size_parse(const char *text, uint64_t *bytes)
{
	uint64_t n;
	int err = digits(&text, &n);
	int shift;

	if (err)
		return err;
	shift = suffix_shift(*text);
	if (shift < 0 || (shift > 0 && text[1] != '\0'))
		return -EINVAL;
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = n << shift;
	return 0;
}

int size_parse_number(const char *text, uint64_t min, uint64_t max,
		      uint64_t *number)
{
	uint64_t n;
	int err = digits(&text, &n);

	if (err)
		return err;
	if (*text != '\0')
		return -EINVAL;
	if (n < min || n > max)
		return -ERANGE;
	*number = n;
	return 0;
}

int size_parse_list(const char *text, uint32_t *list, uint32_t max_nr,
		    uint32_t *nr)
{
	uint32_t found = 0;
	uint64_t n;

	for (;;) {
		if (digits(&text, &n) || n > UINT32_MAX)
			return -EINVAL;
		if (found == max_nr)
			return -E2BIG;
		list[found++] = (uint32_t)n;
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*nr = found;
	return 0;
}

const char *size_format(uint64_t bytes, char text[SIZE_TEXT_LEN])
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	size_t unit = 0;
	uint64_t whole = bytes;

	if (bytes < 1024) {
		snprintf(text, SIZE_TEXT_LEN, "%llu bytes",
			 (unsigned long long)bytes);
		return text;
	}
	while (whole >= 1ull << 20) {
		whole >>= 10;
		unit++;
	}
	if (whole % 1024 == 0)
		snprintf(text, SIZE_TEXT_LEN, "%llu %s",
			 (unsigned long long)(whole / 1024), units[unit]);
	else
		snprintf(text, SIZE_TEXT_LEN, "%.1f %s", (double)whole / 1024,
			 units[unit]);
	return text;
}
