/* SPDX-License-Identifier: MIT */
/*
 * copy.h - how many bytes go into a ring at once on this processor.
 *
 * Storing to a line that another core has read makes this core ask for it
 * first, data and all. A string move (`rep movsb`) that covers whole lines
 * need not: on processors that do it that way a block goes over to the other
 * core up to three times as fast (measured, docs/benchmarks.md).
 *
 * Private memory on the one side, a range of the ring that was checked on the
 * other; the two do not overlap. Any thread.
 */
#ifndef SHM_COPY_H
#define SHM_COPY_H

#include <stdbool.h>
#include <stdint.h>

/* A shorter copy is over before a string move has started. */
#define COPY_STRING_MIN_LEN 1024u
#define COPY_LINE_LEN	    64u

/*
 * Is a long string move into another core's lines the fast way here? True
 * where it was measured: AMD with "fast short rep movsb" (CPUID 7, EDX bit 4;
 * AMD APM volume 3, appendix E). Intel's processors move lines faster by
 * ordinary stores behind a prefetch. A CPUID: once per end, not per message.
 */
bool copy_by_string(void);

/*
 * One string move. Ordered as a store before all later stores of this thread
 * (Intel SDM volume 3, 9.2.4.2), so a release store behind it publishes it.
 */
static inline void copy_string(void *to, const void *from, uint64_t len)
{
	/* The sanitizers see what goes through memcpy() only. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	__builtin_memcpy(to, from, len);
#else
	__asm__ __volatile__("rep movsb"
			     : "+D"(to), "+S"(from), "+c"(len)
			     :
			     : "memory");
#endif
}

/* Whole lines in moves of constant size, which are vectors', then the rest. */
static inline void copy_lines(uint8_t *to, const uint8_t *from, uint64_t len)
{
	for (; len >= COPY_LINE_LEN; len -= COPY_LINE_LEN) {
		__builtin_memcpy(to, from, COPY_LINE_LEN);
		to += COPY_LINE_LEN;
		from += COPY_LINE_LEN;
	}
	for (; len >= 8; len -= 8) {
		__builtin_memcpy(to, from, 8);
		to += 8;
		from += 8;
	}
	for (; len; len--)
		*to++ = *from++;
}

/* Into the ring. by_string: what copy_by_string() said. */
static inline void copy_in(void *to, const void *from, uint64_t len,
			   bool by_string)
{
	if (by_string && len >= COPY_STRING_MIN_LEN)
		copy_string(to, from, len);
	else
		copy_lines((uint8_t *)to, (const uint8_t *)from, len);
}

#endif
