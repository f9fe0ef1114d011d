/* SPDX-License-Identifier: MIT */
/* cpus.h - which CPUs of the host may this process run on? */
#ifndef VMM_LAB_CPUS_H
#define VMM_LAB_CPUS_H

#include <stddef.h>
#include <stdint.h>

/*
 * 0 when all of cpus[0..nr) are among them. -ENODEV: reason names the first
 * that is not, and those that are.
 */
int cpus_check(const uint32_t *cpus, uint32_t nr, char *reason,
	       size_t reason_len);

#endif
