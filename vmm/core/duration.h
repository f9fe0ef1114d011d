/* SPDX-License-Identifier: MIT */
/* duration.h - times as people write them: 10ms, 1s. Threads: any. */
#ifndef VMM_CORE_DURATION_H
#define VMM_CORE_DURATION_H

#include <stdint.h>

/*
 * Decimal digits, then us, ms or s. -EINVAL: not such a text, the unit is
 * missing, too; -ERANGE: outside min_ns..max_ns.
 */
int duration_parse(const char *text, uint64_t min_ns, uint64_t max_ns,
		   uint64_t *ns);

#endif
