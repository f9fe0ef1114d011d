/* SPDX-License-Identifier: MIT */
/*
 * simple.h - simple-kvm's ports, and its check at the end: the word at
 * SIMPLE_RESULT_GPA and (r)ax are both 42 at the hlt.
 *
 * Source: docs/classic-guests.md.
 */
#ifndef GUESTS_APPS_CLASSIC_LIB_SIMPLE_H
#define GUESTS_APPS_CLASSIC_LIB_SIMPLE_H

#define SIMPLE_PUT	 0xe9 /* OUT 8: a byte for stdout */
#define SIMPLE_DECIMAL	 0xea /* OUT 32: the number and a newline */
#define SIMPLE_EXITS	 0xeb /* IN 32: exits so far, with this one */
#define SIMPLE_PUTS	 0xec /* OUT 32: where a string is */
#define SIMPLE_COUNTS	 0xed /* IN 32: where a string of counts is */
#define SIMPLE_TRANSLATE 0xee /* OUT 32: a linear address */
#define SIMPLE_HOST	 0xef /* IN 32: its host address, the low half */

#define SIMPLE_RESULT_GPA 0x400
#define SIMPLE_RESULT	  42

#ifndef __ASSEMBLER__
/* Every port once or twice, what they say on stdout. 42. */
int simple_tour(void);
#endif

#endif
