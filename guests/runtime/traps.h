/* SPDX-License-Identifier: MIT */
/*
 * traps.h - numbers that start.S and the C runtime share: segments, vectors,
 * system calls and the fixed places of the tables.
 *
 * The tables stand at fixed addresses so that their descriptors are constants
 * of the assembler: on software KVM every instruction at ring 0 costs 250 ns,
 * so the runtime builds nothing at start (docs/writing-a-guest.md).
 */
#ifndef GUESTS_RUNTIME_TRAPS_H
#define GUESTS_RUNTIME_TRAPS_H

#include "shm/memory_map.h"

/* Segment selectors; user ones as 64-bit Linux has them (KVM-PVM asks it). */
#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_DATA	0x2b
#define SEL_USER_CODE	0x33
#define SEL_TSS(cpu)	(0x38 + 16 * (cpu))

/* Fixed places, from MAP_IMAGE_GPA on; guest.ld puts the sections there. */
#define STUBS_GPA MAP_IMAGE_GPA
#define STUB_LEN  32
#define IDT_GPA	  (STUBS_GPA + 0x2000)
#define TSS_GPA	  (STUBS_GPA + 0x3000)
#define TSS_LEN	  0x400 /* 104 bytes, then the I/O permission bitmap */

#define CPUS_NR	       8       /* BARE_CPUS_MAX */
#define STACK_LEN      0x10000 /* ring 3, per vCPU */
#define TRAP_STACK_LEN 0x1000  /* ring 0, per vCPU */

#define VECTOR_SYSCALL	3 /* int3: the trap gate every KVM has */
#define VECTOR_TIMER	0x20
#define VECTOR_DEVICE	0x40 /* MSI-X vector n arrives as VECTOR_DEVICE + n */
#define VECTOR_SPURIOUS 0xff

/*
 * SYS_WAIT: sleep until irq_counts[rdi] differs from esi, or, when edx is not
 * 0, until the local APIC timer has counted edx down and irq_counts[
 * VECTOR_TIMER] differs from ecx.
 */
#define SYS_WAIT 0

/* Local APIC registers, offsets from MAP_LAPIC_GPA (Intel SDM vol. 3, 11.4). */
#define LAPIC_ID	    0x020
#define LAPIC_EOI	    0x0b0
#define LAPIC_SVR	    0x0f0
#define LAPIC_LVT_TIMER	    0x320
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_DIVIDE  0x3e0
#define LAPIC_SVR_ENABLE    0x100
#define LAPIC_DIVIDE_BY_1   0xb

#endif
