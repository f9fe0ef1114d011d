/* SPDX-License-Identifier: MIT */
/* kvm_state.c - registers and interrupts of a vCPU, in the KVM room (kvm.h). */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "vmm/core/kvm.h"
#include "vmm/core/kvm_private.h"
#include "vmm/core/x86.h"

/* The probe's RAM: code at 0, its page directory in the last page. */
#define PROBE_LEN     0x4000u
#define PROBE_DIR_GPA 0x3000u
#define OPCODE_HLT    0xf4

int kvm_vcpu_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *regs)
{
	return ioctl(vcpu->fd, KVM_GET_REGS, regs) ? -errno : 0;
}

int kvm_vcpu_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	return ioctl(vcpu->fd, KVM_SET_REGS, regs) ? -errno : 0;
}

int kvm_vcpu_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	return ioctl(vcpu->fd, KVM_GET_SREGS, sregs) ? -errno : 0;
}

int kvm_vcpu_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	return ioctl(vcpu->fd, KVM_SET_SREGS, sregs) ? -errno : 0;
}

int kvm_vcpu_interrupt(struct kvm_vcpu *vcpu, uint8_t vector)
{
	struct kvm_interrupt request = { .irq = vector };

	return ioctl(vcpu->fd, KVM_INTERRUPT, &request) ? -errno : 0;
}

/* Flat 32-bit segments, paging by the probe's directory. */
static void probe_sregs(struct kvm_sregs *sregs)
{
	kvm_flat_segments(sregs, false);
	sregs->cr3 = PROBE_DIR_GPA;
	sregs->cr4 = CR4_PSE;
	sregs->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	sregs->efer = 0;
}

/* Does it keep the mode, and get as far as its HLT? */
static int probe_run(struct kvm_vm *vm, bool *has)
{
	struct kvm_regs regs = { .rflags = RFLAGS_FIXED };
	struct kvm_vcpu *vcpu = NULL;
	struct kvm_sregs sregs;
	int err;

	err = kvm_vcpu_create(vm, 0, &vcpu);
	if (err)
		return err;
	err = kvm_vcpu_get_sregs(vcpu, &sregs);
	if (err)
		goto out;
	probe_sregs(&sregs);
	/* A refusal is an answer, too. */
	if (kvm_vcpu_set_sregs(vcpu, &sregs) ||
	    kvm_vcpu_get_sregs(vcpu, &sregs) || !(sregs.cr0 & CR0_PG))
		goto out;
	err = kvm_vcpu_set_regs(vcpu, &regs);
	while (!err) {
		err = kvm_vcpu_run(vcpu);
		if (!err) {
			*has = kvm_vcpu_run_page(vcpu)->exit_reason ==
			       KVM_EXIT_HLT;
			break;
		}
		if (err == -EINTR)
			err = 0;
	}
out:
	kvm_vcpu_destroy(vcpu);
	return err;
}

int kvm_has_paging32(bool *has)
{
	struct kvm_vm *vm = NULL;
	uint32_t entry = (uint32_t)(PTE_P | PTE_RW | PTE_PS);
	uint8_t *ram;
	int err;

	*has = false;
	ram = mmap(NULL, PROBE_LEN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		return -errno;
	ram[0] = OPCODE_HLT;
	memcpy(ram + PROBE_DIR_GPA, &entry, sizeof(entry));
	err = kvm_vm_create_flat(&vm);
	if (err)
		goto out;
	err = kvm_slot_add(vm, 0, ram, PROBE_LEN);
	if (err < 0)
		goto out;
	err = probe_run(vm, has);
out:
	kvm_vm_destroy(vm);
	munmap(ram, PROBE_LEN);
	return err;
}
