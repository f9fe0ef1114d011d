/* SPDX-License-Identifier: MIT */
/*
 * mp_table.h - what a PC's firmware tells of its processor and its interrupt
 * controllers: without it an operating system takes the ways of a PC of 1985.
 *
 * It is for KVM's controllers as they are after KVM_CREATE_IRQCHIP: ISA
 * interrupt n is pin n of both the 8259s and the I/O APIC.
 *
 * Source: Intel MultiProcessor Specification 1.4, chapter 4.
 */
#ifndef VMM_BOOT_MP_TABLE_H
#define VMM_BOOT_MP_TABLE_H

#include "vmm/core/memory.h"

/* Where it is searched for: the last KiB below 640 KiB. No RAM for others. */
#define MP_TABLE_GPA 0x9fc00u
#define MP_TABLE_LEN 0x400u

/* Of one processor, APIC id 0. -EINVAL: there is no RAM. */
int mp_table_write(const struct memory *memory);

#endif
