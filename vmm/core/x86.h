/* SPDX-License-Identifier: MIT */
/* x86.h - bits of x86 registers and page tables that the monitor sets. */
#ifndef VMM_CORE_X86_H
#define VMM_CORE_X86_H

/* Intel SDM vol. 3, 2.5 and 2.2.1. */
#define CR0_PE	       (1u << 0)
#define CR0_MP	       (1u << 1)
#define CR0_ET	       (1u << 4)
#define CR0_NE	       (1u << 5)
#define CR0_WP	       (1u << 16)
#define CR0_AM	       (1u << 18)
#define CR0_PG	       (1u << 31)
#define CR4_PSE	       (1u << 4)
#define CR4_PAE	       (1u << 5)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_OSXSAVE    (1u << 18)
#define EFER_LME       (1u << 8)
#define EFER_LMA       (1u << 10)
/* vol. 1, 3.4.3 */
#define RFLAGS_FIXED 2u
#define RFLAGS_IF    (1u << 9)

/* Page table entries: vol. 3, 4.3 and 4.5. */
#define PTE_P	 0x001ull
#define PTE_RW	 0x002ull
#define PTE_US	 0x004ull
#define PTE_PS	 0x080ull /* a 2 MiB page; in two-level tables 4 MiB */
#define PTE_USER (PTE_P | PTE_RW | PTE_US)

#endif
