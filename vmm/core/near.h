/* SPDX-License-Identifier: MIT */
/* near.h - which known word did somebody mean who mistyped it? */
#ifndef VMM_CORE_NEAR_H
#define VMM_CORE_NEAR_H

#include <stddef.h>

/*
 * The one of names[0..nr) closest to word, or NULL when none is at most two
 * edits away (one, for words of up to four letters).
 */
const char *near_name(const char *word, const char *const *names, size_t nr);

#endif
