/* SPDX-License-Identifier: MIT */
/*
 * size.h - numbers as people write them in lab files and on command lines.
 *
 * Threads: any. All parsers take the whole text or nothing: no blanks, signs
 * or left-over characters.
 */
#ifndef VMM_LAB_SIZE_H
#define VMM_LAB_SIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Decimal digits, then nothing, K, M or G (1024-based, either case).
 * -EINVAL: not such a text; -ERANGE: does not fit 64 bits.
 */
int size_parse(const char *text, uint64_t *bytes);

/* Decimal digits. -EINVAL; -ERANGE: outside min..max. */
int size_parse_number(const char *text, uint64_t min, uint64_t max,
		      uint64_t *number);

/*
 * Decimal digits separated by commas, at most max_nr of them, each at most
 * UINT32_MAX. -EINVAL: not such a text; -E2BIG: more than max_nr.
 */
int size_parse_list(const char *text, uint32_t *list, uint32_t max_nr,
		    uint32_t *nr);

/*
 * "4 KiB", "64 MiB", "1.5 GiB" or "17 bytes": exact or rounded to one digit
 * after the point.
 */
#define SIZE_TEXT_LEN 32
const char *size_format(uint64_t bytes, char text[SIZE_TEXT_LEN]);

#endif
