/* SPDX-License-Identifier: MIT */
/*
 * iret.h - the way back from an interrupt in 32-bit protected mode, done by
 * the monitor: software KVM emulates ring 0 one instruction at a time, knows
 * how to deliver an interrupt, and does not know IRET in this mode.
 *
 * Only the return to the same code segment at ring 0, which is what handlers
 * of flat guests do; everything else stays an instruction that KVM cannot
 * emulate. A KVM that can never gets here.
 *
 * Threads: the one that steps the vCPU.
 * Trust:   the frame is the guest's: it is read by memory_range(), and only
 *          bits that the guest could set itself go into the flags.
 * Source:  Intel SDM vol. 2, IRET/IRETD, RETURN-TO-SAME-PRIVILEGE-LEVEL.
 */
#ifndef VMM_ABI_IRET_H
#define VMM_ABI_IRET_H

#include "vmm/abi/flat.h"
#include "vmm/abi/pager.h"

/* For a machine's exit hook; pager: NULL if there is none. FLAT_GO: it was
 * one, and has been done; else FLAT_PASS. */
enum flat_next iret_exit(struct flat_cpu *cpu, const struct kvm_run *run,
			 const struct pager *pager);

#endif
