/* SPDX-License-Identifier: MIT */
/* bench_figures.c - which numbers stand for many runs? */
#include <stdlib.h>

#include "vmm/lab/bench.h"

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

struct bench_figure bench_figure_of(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare);
	return (struct bench_figure){
		.median = (values[(nr - 1) / 2] + values[nr / 2]) / 2,
		.min = values[0],
		.max = values[nr - 1],
	};
}

double bench_figure_spread(const struct bench_figure *figure)
{
	return (figure->max - figure->min) / figure->median;
}
