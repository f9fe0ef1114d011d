/* SPDX-License-Identifier: MIT */
/* first_state.c - which registers begin a 16-, 32- or 64-bit image? */
#include "vmm/boot/first_state.h"

#include "vmm/core/x86.h"

static void general(struct first_state *state, uint64_t rip)
{
	state->regs = (struct kvm_regs){ .rip = rip, .rflags = RFLAGS_FIXED };
}

static void all_data(struct kvm_sregs *sregs, const struct kvm_segment *data)
{
	sregs->ds = *data;
	sregs->es = *data;
	sregs->fs = *data;
	sregs->gs = *data;
	sregs->ss = *data;
}

void first_state_real(struct first_state *state, uint16_t selector, uint16_t ip)
{
	struct kvm_segment *cs = &state->sregs.cs;
	struct kvm_segment data = state->sregs.ds;

	general(state, ip);
	cs->selector = selector;
	cs->base = (uint64_t)selector << 4;
	cs->limit = 0xffff;
	data.selector = selector;
	data.base = cs->base;
	data.limit = 0xffff;
	all_data(&state->sregs, &data);
}

static void flat_segments(struct kvm_sregs *sregs)
{
	struct kvm_segment code = {
		.selector = FIRST_STATE_CODE,
		.limit = 0xffffffff,
		.type = 11, /* execute, read, accessed */
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_segment data = code;

	data.selector = FIRST_STATE_DATA;
	data.type = 3; /* read, write, accessed */
	sregs->cs = code;
	all_data(sregs, &data);
}

void first_state_protected(struct first_state *state, uint32_t eip)
{
	general(state, eip);
	flat_segments(&state->sregs);
	state->sregs.cr0 |= CR0_PE;
}

void first_state_paging32(struct first_state *state, uint32_t eip, uint32_t cr3,
			  uint64_t cr0, uint64_t cr4)
{
	first_state_protected(state, eip);
	state->sregs.cr3 = cr3;
	state->sregs.cr0 = cr0 | CR0_PE | CR0_PG;
	state->sregs.cr4 = cr4;
	state->sregs.efer = 0;
}

void first_state_long(struct first_state *state, uint64_t rip, uint64_t cr3,
		      uint64_t cr0)
{
	first_state_protected(state, 0);
	state->regs.rip = rip;
	state->sregs.cs.db = 0;
	state->sregs.cs.l = 1;
	state->sregs.cr3 = cr3;
	state->sregs.cr0 = cr0 | CR0_PE | CR0_PG;
	state->sregs.cr4 = CR4_PAE;
	state->sregs.efer = EFER_LME | EFER_LMA;
}
