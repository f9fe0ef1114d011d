/* SPDX-License-Identifier: MIT */
/*
 * print.h - formatted text for flat images. The image says where a character
 * goes, because each ABI has its own console.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_PRINT_H
#define GUESTS_APPS_CLASSIC_LIB_PRINT_H

/* The image's. */
void put_char(char c);

/* %s, %c, %d (int), %x (unsigned) and %%. */
__attribute__((format(printf, 1, 2))) void print(const char *fmt, ...);

#endif
