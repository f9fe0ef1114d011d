/* SPDX-License-Identifier: MIT */
/* dump.h - what a machine's vCPUs begin with, for people. */
#ifndef VMM_ABI_DUMP_H
#define VMM_ABI_DUMP_H

#include <stdio.h>

#include "vmm/abi/flat.h"

/* Registers of each vCPU and what its page tables map. */
void dump_state(FILE *out, struct flat *flat);

#endif
