/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_inject.c - is a vCPU interrupted when it may be, and then only? */
#include "vmm/abi/inject.h"

#include <string.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"

struct rig {
	struct kvm_vm *vm;
	struct flat_cpu cpu;
	struct kvm_run *run;
	struct inject inject;
};

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	rig->inject.base = 0x20;
	CU_ASSERT_EQUAL_FATAL(kvm_vm_create(&rig->vm), 0);
	CU_ASSERT_EQUAL_FATAL(kvm_vcpu_create(rig->vm, 0, &rig->cpu.kvm), 0);
	rig->run = kvm_vcpu_run_page(rig->cpu.kvm);
}

static void rig_done(struct rig *rig)
{
	kvm_vcpu_destroy(rig->cpu.kvm);
	kvm_vm_destroy(rig->vm);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
}

/* The last exit found interrupts on or off, and KVM ready or not. */
static void entry(struct rig *rig, bool open, bool ready)
{
	rig->run->if_flag = open;
	rig->run->ready_for_interrupt_injection = ready;
	inject_before_entry(&rig->inject, &rig->cpu);
}

static void guest_with_interrupts_off_gets_none(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_TRUE(inject_raise(&rig.inject, 0));
	entry(&rig, false, true);
	entry(&rig, false, false);
	CU_ASSERT_EQUAL(fake_kvm.interrupts_nr, 0);
	CU_ASSERT_TRUE(inject_is_due(&rig.inject));
	CU_ASSERT_TRUE(rig.run->request_interrupt_window);
	CU_ASSERT_FALSE(inject_begun(&rig.inject, &rig.cpu));
	rig_done(&rig);
}

static void vcpu_that_is_not_ready_is_asked_for_an_exit(void)
{
	struct rig rig;

	rig_init(&rig);
	inject_raise(&rig.inject, 4);
	entry(&rig, true, false);
	CU_ASSERT_EQUAL(fake_kvm.interrupts_nr, 0);
	CU_ASSERT_TRUE(rig.run->request_interrupt_window);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupts_nr, 1);
	CU_ASSERT_EQUAL(fake_kvm.interrupt, 0x24);
	CU_ASSERT_EQUAL(rig.cpu.counters.interrupts, 1);
	CU_ASSERT_FALSE(rig.run->request_interrupt_window);
	CU_ASSERT_FALSE(inject_is_due(&rig.inject));
	rig_done(&rig);
}

static void lower_lines_come_first_one_per_entry(void)
{
	struct rig rig;

	rig_init(&rig);
	inject_raise(&rig.inject, 7);
	inject_raise(&rig.inject, 1);
	inject_raise(&rig.inject, 0);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupt, 0x20);
	CU_ASSERT_TRUE(rig.run->request_interrupt_window);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupt, 0x21);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupt, 0x27);
	CU_ASSERT_FALSE(rig.run->request_interrupt_window);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupts_nr, 3);
	rig_done(&rig);
}

static void line_raised_twice_is_one_interrupt(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_TRUE(inject_raise(&rig.inject, 0));
	CU_ASSERT_FALSE(inject_raise(&rig.inject, 0));
	entry(&rig, true, true);
	entry(&rig, true, true);
	CU_ASSERT_EQUAL(fake_kvm.interrupts_nr, 1);
	CU_ASSERT_TRUE(inject_raise(&rig.inject, 0));
	rig_done(&rig);
}

/* Nothing would tell that they are on, if the guest never left. */
static void window_is_wanted_until_interrupts_were_on_once(void)
{
	struct rig rig;

	rig_init(&rig);
	entry(&rig, false, true);
	CU_ASSERT_TRUE(rig.run->request_interrupt_window);
	entry(&rig, true, true);
	CU_ASSERT_FALSE(rig.run->request_interrupt_window);
	entry(&rig, false, true);
	CU_ASSERT_FALSE(rig.run->request_interrupt_window);
	CU_ASSERT_TRUE(inject_begun(&rig.inject, &rig.cpu));
	CU_ASSERT_FALSE(inject_is_open(&rig.cpu));
	rig_done(&rig);
}

static const struct unit_test tests[] = {
	{ "guest_with_interrupts_off_gets_none",
	  guest_with_interrupts_off_gets_none },
	{ "vcpu_that_is_not_ready_is_asked_for_an_exit",
	  vcpu_that_is_not_ready_is_asked_for_an_exit },
	{ "lower_lines_come_first_one_per_entry",
	  lower_lines_come_first_one_per_entry },
	{ "line_raised_twice_is_one_interrupt",
	  line_raised_twice_is_one_interrupt },
	{ "window_is_wanted_until_interrupts_were_on_once",
	  window_is_wanted_until_interrupts_were_on_once },
};

UNIT_MAIN("inject", tests)
