/* SPDX-License-Identifier: MIT */
/*
 * memory_map.h - the guest-physical addresses of an ivlab machine.
 *
 * The only file with such numbers: monitor and bare guests both include it.
 * Drawn in docs/memory-map.md. All addresses are bytes, ranges half open.
 */
#ifndef SHM_MEMORY_MAP_H
#define SHM_MEMORY_MAP_H

#ifdef __ASSEMBLER__
#define MAP_NUMBER(n) n
#else
#define MAP_NUMBER(n) n##ull
#endif

#define MAP_PAGE_LEN  0x1000ull
#define MAP_LARGE_LEN 0x200000ull /* a 2 MiB page */

/* Page 0 stays unmapped in bare guests so that NULL faults. */
#define MAP_BOOT_INFO_GPA 0x1000ull /* struct bare_boot_info, one page */
#define MAP_TABLES_GPA	  0x2000ull /* page tables the monitor builds */
#define MAP_TABLES_END	  0x100000ull
#define MAP_IMAGE_GPA	  MAP_NUMBER(0x200000) /* where ELF segments may begin */

/* RAM is one piece from 0. The top limit keeps the PCI hole free. */
#define MAP_RAM_MIN_LEN 0x400000ull   /* 4 MiB */
#define MAP_RAM_MAX_LEN 0xc0000000ull /* 3 GiB */

/* Where 32-bit BARs may be placed. */
#define MAP_PCI32_GPA 0xe0000000ull
#define MAP_PCI32_END 0xf0000000ull

#define MAP_IOAPIC_GPA 0xfec00000ull /* of a PC; Intel MP spec. 1.4, 3.6.5 */
#define MAP_LAPIC_GPA  MAP_NUMBER(0xfee00000) /* Intel SDM vol. 3, 11.4.1 */
/* Three pages KVM wants for itself on VMX (KVM_SET_TSS_ADDR). */
#define MAP_KVM_TSS_GPA	     0xfffbd000ull
#define MAP_KVM_IDENTITY_GPA 0xfffbc000ull /* KVM_SET_IDENTITY_MAP_ADDR */

/*
 * Where 64-bit BARs may be placed: the second 512 GiB, so below the 40
 * physical address bits that the smallest CPU in use (QEMU's TCG) has, and
 * aligned for any region that fits.
 */
#define MAP_PCI64_GPA 0x8000000000ull
#define MAP_PCI64_END 0x10000000000ull

/*
 * One 4 KiB directory maps 1 GiB; MAP_TABLES_* leaves room for this many
 * beside the fixed tables, so a bare guest sees at most this much of the
 * 64-bit window.
 */
#define MAP_PCI64_BARE_MAX_LEN (240ull << 30)

#endif
