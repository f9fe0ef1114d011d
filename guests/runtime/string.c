/* SPDX-License-Identifier: MIT */
/* string.c - the functions that compilers call whether there is a libc or not.
 */
#include "guests/runtime/runtime.h"

/* The string instructions are microcoded to move whole lines. */
void *memcpy(void *to, const void *from, size_t len)
{
	void *at = to;

	__asm__ __volatile__("rep movsb"
			     : "+D"(at), "+S"(from), "+c"(len)
			     :
			     : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t len)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)to - (uintptr_t)from >= len)
		return memcpy(to, from, len);
	while (len--) {
		t[len] = f[len];
		/* Keep the compiler from turning this into memmove(). */
		__asm__ __volatile__("" ::: "memory");
	}
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	void *at = to;

	__asm__ __volatile__("rep stosb"
			     : "+D"(at), "+c"(len)
			     : "a"(byte)
			     : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (; len; len--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}
