/* SPDX-License-Identifier: MIT */
/* near.c - how far is a mistyped word from a known one? */
#include "vmm/core/near.h"

#include <string.h>

#define WORD_MAX 24

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1]; /* two before, before, now */
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = rows[1][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = rows[2];

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t differ = a[i - 1] != b[j - 1];

			now[j] = min3(rows[1][j] + 1, now[j - 1] + 1,
				      rows[1][j - 1] + differ);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && rows[0][j - 2] + 1 < now[j])
				now[j] = rows[0][j - 2] + 1;
		}
		memcpy(rows[0], rows[1], sizeof(rows[0]));
		memcpy(rows[1], rows[2], sizeof(rows[1]));
	}
	return rows[1][b_len];
}

const char *near_name(const char *word, const char *const *names, size_t nr)
{
	size_t best = strlen(word) > 4 ? 2 : 1;
	const char *name = NULL;

	for (size_t i = 0; i < nr; i++) {
		size_t d = distance(word, names[i]);

		if (d < best || (d == best && !name)) {
			best = d;
			name = names[i];
		}
	}
	return name;
}
