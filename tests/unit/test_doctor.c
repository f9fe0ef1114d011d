/* SPDX-License-Identifier: MIT */
/* test_doctor.c - does the doctor send people the right way? */
#include <string.h>

#include "tests/unit/harness.h"
#include "vmm/lab/doctor.h"

static const char *why, *cure;

/* And both fit a finding whole. */
static void ask(struct doctor_absence is)
{
	doctor_why_absent(&is, &why, &cure);
	CU_ASSERT(strlen(why) < DOCTOR_TEXT_LEN);
	CU_ASSERT(strlen(cure) < DOCTOR_TEXT_LEN);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void cpu_that_has_it_needs_the_module(void)
{
	ask((struct doctor_absence){ .has_vmx = true });
	CU_ASSERT(has(cure, "modprobe kvm_intel"));
	ask((struct doctor_absence){ .has_svm = true });
	CU_ASSERT(has(cure, "modprobe kvm_amd"));
	/* Nested virtualization is on: nothing to ask of the host. */
	ask((struct doctor_absence){
		.has_svm = true, .in_vm = true, .has_pvm = true });
	CU_ASSERT(has(cure, "modprobe kvm_amd"));
}

static void bare_machine_without_it_is_sent_to_the_bios(void)
{
	ask((struct doctor_absence){ 0 });
	CU_ASSERT(has(cure, "BIOS"));
	CU_ASSERT(!has(why, "virtual machine"));
}

static void virtual_machine_is_sent_to_its_host_and_not_to_a_bios(void)
{
	ask((struct doctor_absence){ .in_vm = true });
	CU_ASSERT(has(why, "virtual machine"));
	CU_ASSERT(has(cure, "nested virtualization"));
	CU_ASSERT(has(cure, "make run"));
	CU_ASSERT(has(cure, "tests/nested/bed -- COMMAND"));
	CU_ASSERT(!has(cure, "BIOS"));
}

static void guest_of_software_kvm_is_told_that_it_cannot_have_one(void)
{
	ask((struct doctor_absence){ .in_vm = true, .has_pvm = true });
	CU_ASSERT(has(why, "cannot be had on this virtual machine"));
	CU_ASSERT(has(why, "kvm_pvm"));
	CU_ASSERT(has(cure, "make test-nested use an emulated"));
	CU_ASSERT(has(cure, "tests/nested/bed -- COMMAND"));
	CU_ASSERT(!has(cure, "BIOS"));
	CU_ASSERT(!has(cure, "modprobe"));
}

static const struct unit_test tests[] = {
	{ "cpu_that_has_it_needs_the_module",
	  cpu_that_has_it_needs_the_module },
	{ "bare_machine_without_it_is_sent_to_the_bios",
	  bare_machine_without_it_is_sent_to_the_bios },
	{ "virtual_machine_is_sent_to_its_host_and_not_to_a_bios",
	  virtual_machine_is_sent_to_its_host_and_not_to_a_bios },
	{ "guest_of_software_kvm_is_told_that_it_cannot_have_one",
	  guest_of_software_kvm_is_told_that_it_cannot_have_one },
};

UNIT_MAIN("doctor", tests)
