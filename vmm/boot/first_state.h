/* SPDX-License-Identifier: MIT */
/*
 * first_state.h - registers at a flat image's first instruction, by mode.
 *
 * Each builder takes the state as KVM resets it (flat_cpu_get()) and changes
 * what the mode needs: all general registers 0, rflags 2, flat segments. What
 * an ABI wants otherwise, it sets afterwards in the plain structures.
 *
 * Source: Intel SDM vol. 3, 3.4.5 (segments), 4.1 (paging modes), 9.9, 9.8.5.
 */
#ifndef VMM_BOOT_FIRST_STATE_H
#define VMM_BOOT_FIRST_STATE_H

#include <linux/kvm.h>
#include <stdint.h>

struct first_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
};

/* Selectors of the flat segments. */
#define FIRST_STATE_CODE 0x08
#define FIRST_STATE_DATA 0x10

/*
 * 16 bit: CS, DS, ES, FS, GS and SS with this selector and sixteen times that
 * as base, limit 0xffff; ip within CS.
 */
void first_state_real(struct first_state *state, uint16_t selector,
		      uint16_t ip);
/* 32 bit without paging: CS 8 and data 0x10, 0 to 4 GiB, CR0.PE set. */
void first_state_protected(struct first_state *state, uint32_t eip);
/* The same with two-level tables at cr3. cr0 is taken as it is (CR0_PE and
 * CR0_PG are added), cr4 too (CR4_PSE for pages of 4 MiB). EFER 0. */
void first_state_paging32(struct first_state *state, uint32_t eip, uint32_t cr3,
			  uint64_t cr0, uint64_t cr4);
/* 64 bit, four-level tables at cr3. cr0 gets CR0_PE and CR0_PG added, CR4
 * becomes PAE, EFER LME and LMA. */
void first_state_long(struct first_state *state, uint64_t rip, uint64_t cr3,
		      uint64_t cr0);

#endif
