/* SPDX-License-Identifier: MIT */
/* iret.c - where does an interrupt handler return to? */
#include "vmm/abi/iret.h"

#include "vmm/abi/walk.h"
#include "vmm/core/x86.h"

#define OPCODE_IRET 0xcf

/* Intel SDM vol. 1, 3.4.3: what IRET loads at ring 0 (CF to DF, IOPL, NT, RF,
 * AC, ID, IF), and what makes it another kind of return. */
#define FLAGS_LOADED 0x257fd5u
#define FLAGS_NT     (1u << 14)
#define FLAGS_VM     (1u << 17)

static bool read_linear(const struct memory *memory,
			const struct kvm_sregs *sregs, uint32_t linear,
			void *buf, uint32_t len)
{
	uint8_t *to = buf;
	struct walk walk;

	for (uint32_t i = 0; i < len; i++) {
		const uint8_t *at;

		if (walk_linear(memory, sregs, (uint32_t)(linear + i), &walk))
			return false;
		at = memory_range(memory, walk.gpa, 1);
		if (!at)
			return false;
		to[i] = *at;
	}
	return true;
}

static bool at_ring_0_in_32_bit(const struct kvm_sregs *sregs)
{
	return sregs->cr0 & CR0_PE && !(sregs->efer & EFER_LMA) &&
	       sregs->cs.db && sregs->ss.db && !(sregs->cs.selector & 3);
}

enum flat_next iret_exit(struct flat_cpu *cpu, const struct kvm_run *run,
			 const struct pager *pager)
{
	const struct memory *memory = &cpu->flat->memory;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint32_t frame[3]; /* EIP, CS, EFLAGS */
	uint8_t opcode;

	if (run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
	    run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
	    kvm_vcpu_get_sregs(cpu->kvm, &sregs) ||
	    kvm_vcpu_get_regs(cpu->kvm, &regs) || !at_ring_0_in_32_bit(&sregs))
		return FLAT_PASS;
	if (pager)
		pager_view(pager, &sregs);
	if (!read_linear(memory, &sregs, (uint32_t)(sregs.cs.base + regs.rip),
			 &opcode, 1) ||
	    opcode != OPCODE_IRET || regs.rflags & (FLAGS_NT | FLAGS_VM))
		return FLAT_PASS;
	if (!read_linear(memory, &sregs, (uint32_t)(sregs.ss.base + regs.rsp),
			 frame, sizeof(frame)) ||
	    (uint16_t)frame[1] != sregs.cs.selector || frame[2] & FLAGS_VM)
		return FLAT_PASS;
	regs.rip = frame[0];
	regs.rflags = (frame[2] & FLAGS_LOADED) | RFLAGS_FIXED;
	regs.rsp = (uint32_t)(regs.rsp + sizeof(frame));
	return kvm_vcpu_set_regs(cpu->kvm, &regs) ? FLAT_PASS : FLAT_GO;
}
