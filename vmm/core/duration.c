/* SPDX-License-Identifier: MIT */
/* duration.c - how long is the time that a text means? */
#include "vmm/core/duration.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "vmm/core/clock.h"

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", CLOCK_NS_PER_S },
};

int duration_parse(const char *text, uint64_t min_ns, uint64_t max_ns,
		   uint64_t *ns)
{
	size_t unit = 0;
	bool too_long = false;
	uint64_t n = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		too_long |= __builtin_mul_overflow(n, 10u, &n) ||
			    __builtin_add_overflow(n, (uint64_t)(*text - '0'),
						   &n);
	while (strcmp(text, units[unit].name) != 0)
		if (++unit == sizeof(units) / sizeof(*units))
			return -EINVAL;
	if (too_long || __builtin_mul_overflow(n, units[unit].ns, &n) ||
	    n < min_ns || n > max_ns)
		return -ERANGE;
	*ns = n;
	return 0;
}
