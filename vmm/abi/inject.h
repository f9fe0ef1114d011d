/* SPDX-License-Identifier: MIT */
/*
 * inject.h - interrupts for a vCPU that has no interrupt controller: eight
 * lines, as a PC's first 8259 would have them with edges, line 0 first, none
 * masked, and no end-of-interrupt needed.
 *
 * An interrupt is delivered when RFLAGS.IF is set and KVM says that the vCPU
 * can take one; until then it is due, and several on one line are one.
 *
 * Threads: inject_raise() from any; all else on the vCPU's.
 * Source:  Linux Documentation/virt/kvm/api.rst, KVM_INTERRUPT and struct
 *          kvm_run; Intel 8259A data sheet (edges, priorities).
 */
#ifndef VMM_ABI_INJECT_H
#define VMM_ABI_INJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/abi/flat.h"

#define INJECT_LINES_NR 8

struct inject {
	uint8_t base;	      /* the vector of line 0 */
	bool begun;	      /* IF was seen set once */
	_Atomic uint32_t due; /* a bit per line */
};

/* Line becomes due. false: it was. Else another thread kicks the vCPU, or it
 * would notice at its next exit. */
bool inject_raise(struct inject *inject, uint32_t line);
/* Has the guest ever had interrupts on, as far as its exits show? */
bool inject_begun(struct inject *inject, struct flat_cpu *cpu);
bool inject_is_due(const struct inject *inject);
/* Did it have them on at its last exit? */
bool inject_is_open(struct flat_cpu *cpu);
/* In the before_entry hook: deliver what may be, ask KVM for an exit when the
 * rest may. */
void inject_before_entry(struct inject *inject, struct flat_cpu *cpu);

#endif
