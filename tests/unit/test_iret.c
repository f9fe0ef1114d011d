/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_iret.c - which returns from an interrupt are done, and which not? */
#include "vmm/abi/iret.h"

#include <string.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "vmm/core/x86.h"

#define RAM_LEN 0x400000u
#define EIP	0x1000u
#define ESP	0x8000u
#define TO	0x2345u
#define FLAGS	0x202u
#define VM_FLAG (1u << 17)
#define NT_FLAG (1u << 14)

struct rig {
	struct kvm_vm *vm;
	struct flat flat;
	struct flat_cpu cpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_run run;
};

static void frame(struct rig *rig, uint32_t eip, uint32_t cs, uint32_t flags)
{
	const uint32_t words[] = { eip, cs, flags };

	memcpy(rig->flat.memory.hva + ESP, words, sizeof(words));
}

/* A handler at ring 0 that is about to return to TO with interrupts on. */
static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	CU_ASSERT_EQUAL_FATAL(memory_create(&rig->flat.memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(kvm_vm_create(&rig->vm), 0);
	CU_ASSERT_EQUAL_FATAL(kvm_vcpu_create(rig->vm, 0, &rig->cpu.kvm), 0);
	rig->cpu.flat = &rig->flat;
	rig->sregs.cr0 = CR0_PE;
	rig->sregs.cs.selector = 8;
	rig->sregs.cs.db = 1;
	rig->sregs.ss.db = 1;
	rig->regs.rip = EIP;
	rig->regs.rsp = ESP;
	rig->regs.rflags = RFLAGS_FIXED;
	rig->run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
	rig->run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	rig->flat.memory.hva[EIP] = 0xcf;
	frame(rig, TO, 8, FLAGS);
}

static void rig_done(struct rig *rig)
{
	kvm_vcpu_destroy(rig->cpu.kvm);
	kvm_vm_destroy(rig->vm);
	memory_destroy(&rig->flat.memory);
}

static enum flat_next leave(struct rig *rig)
{
	kvm_vcpu_set_sregs(rig->cpu.kvm, &rig->sregs);
	kvm_vcpu_set_regs(rig->cpu.kvm, &rig->regs);
	return iret_exit(&rig->cpu, &rig->run, NULL);
}

static void return_to_the_same_segment_is_done(void)
{
	struct kvm_regs regs;
	struct rig rig;

	rig_init(&rig);
	rig.regs.rax = 7;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_GO);
	kvm_vcpu_get_regs(rig.cpu.kvm, &regs);
	CU_ASSERT_EQUAL(regs.rip, TO);
	CU_ASSERT_EQUAL(regs.rsp, ESP + 12);
	CU_ASSERT_EQUAL(regs.rflags, FLAGS);
	CU_ASSERT_EQUAL(regs.rax, 7);
	rig_done(&rig);
}

static void flags_a_guest_cannot_set_stay_off(void)
{
	struct kvm_regs regs;
	struct rig rig;

	rig_init(&rig);
	frame(&rig, TO, 8, ~VM_FLAG);
	CU_ASSERT_EQUAL(leave(&rig), FLAT_GO);
	kvm_vcpu_get_regs(rig.cpu.kvm, &regs);
	CU_ASSERT_EQUAL(regs.rflags, 0x257fd7);
	rig_done(&rig);
}

static void other_returns_are_passed_on(void)
{
	struct rig rig;

	rig_init(&rig);
	frame(&rig, TO, 0x10, FLAGS); /* another segment */
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	frame(&rig, TO, 0x1b, FLAGS); /* another ring */
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	frame(&rig, TO, 8, FLAGS | VM_FLAG); /* virtual-8086 mode */
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	frame(&rig, TO, 8, FLAGS);
	rig.regs.rflags |= NT_FLAG; /* another task */
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig_done(&rig);
}

static void other_modes_are_passed_on(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.sregs.cr0 = 0;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig.sregs.cr0 = CR0_PE;
	rig.sregs.efer = EFER_LME | EFER_LMA;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig.sregs.efer = 0;
	rig.sregs.cs.db = 0;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig.sregs.cs.db = 1;
	rig.sregs.cs.selector = 0x1b;
	frame(&rig, TO, 0x1b, FLAGS);
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig_done(&rig);
}

static void other_exits_and_instructions_are_passed_on(void)
{
	struct rig rig;

	rig_init(&rig);
	rig.flat.memory.hva[EIP] = 0xcd;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig.flat.memory.hva[EIP] = 0xcf;
	rig.run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig.run.exit_reason = KVM_EXIT_SHUTDOWN;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig_done(&rig);
}

static void frame_or_code_outside_of_ram_is_passed_on(void)
{
	static const uint32_t outside[] = { RAM_LEN - 11, RAM_LEN, 0x80000000,
					    0xfffffffc };
	struct rig rig;

	rig_init(&rig);
	for (uint32_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		rig.regs.rsp = outside[i];
		CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	}
	rig.regs.rsp = ESP;
	rig.regs.rip = RAM_LEN;
	CU_ASSERT_EQUAL(leave(&rig), FLAT_PASS);
	rig_done(&rig);
}

static const struct unit_test tests[] = {
	{ "return_to_the_same_segment_is_done",
	  return_to_the_same_segment_is_done },
	{ "flags_a_guest_cannot_set_stay_off",
	  flags_a_guest_cannot_set_stay_off },
	{ "other_returns_are_passed_on", other_returns_are_passed_on },
	{ "other_modes_are_passed_on", other_modes_are_passed_on },
	{ "other_exits_and_instructions_are_passed_on",
	  other_exits_and_instructions_are_passed_on },
	{ "frame_or_code_outside_of_ram_is_passed_on",
	  frame_or_code_outside_of_ram_is_passed_on },
};

UNIT_MAIN("iret", tests)
