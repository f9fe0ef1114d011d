/* SPDX-License-Identifier: MIT */
/*
 * bare.h - what a bare guest finds in RAM at its first instruction: boot
 * information and page tables (shm/bare_abi.h).
 */
#ifndef VMM_BOOT_BARE_H
#define VMM_BOOT_BARE_H

#include <stdint.h>

#include "vmm/core/memory.h"

struct bare_opts {
	const char *name; /* cut at BARE_NAME_LEN - 1 */
	const char
		*args; /* words separated by blanks; quotes are not special */
	uint32_t cpus_nr;
	uint64_t tsc_hz;
	uint64_t pci64_len; /* bytes of the 64-bit window to map, 0: none */
};

/*
 * Write both. *cr3 gets the top table's address. -E2BIG: args too long or
 * more window than the tables can map (logged).
 */
int bare_prepare(const struct memory *memory, const struct bare_opts *opts,
		 uint64_t *cr3);

#endif
