/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_pager.c - do memory slots show what the guest's page tables say? */
#include "vmm/abi/pager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "vmm/core/x86.h"

#define RAM_LEN	 0x400000u
#define DIR	 0x100000u
#define TABLE	 0x101000u
#define OTHER	 0x110000u /* a second directory */
#define KERNEL	 0x80000000u
#define PRESENT	 ((uint32_t)(PTE_P | PTE_RW))
#define LARGE	 ((uint32_t)(PTE_P | PTE_RW | PTE_PS))
#define PAGE_LEN 0x1000u

struct rig {
	struct kvm_vm *vm;
	struct memory memory;
	struct pager *pager;
	struct flat_cpu cpu;
	struct kvm_run run;
	int ram_slot;
};

static void put32(struct rig *rig, uint32_t gpa, uint32_t value)
{
	memcpy(rig->memory.hva + gpa, &value, sizeof(value));
}

static void entry(struct rig *rig, uint32_t table, uint32_t index,
		  uint32_t value)
{
	put32(rig, table + 4 * index, value);
}

static void rig_init(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	fake_kvm_reset();
	CU_ASSERT_EQUAL_FATAL(memory_create(&rig->memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL_FATAL(kvm_vm_create(&rig->vm), 0);
	CU_ASSERT_EQUAL_FATAL(kvm_vcpu_create(rig->vm, 0, &rig->cpu.kvm), 0);
	rig->ram_slot = kvm_slot_add(rig->vm, 0, rig->memory.hva, RAM_LEN);
}

static void rig_done(struct rig *rig)
{
	pager_destroy(rig->pager);
	kvm_slot_del(rig->vm, rig->ram_slot);
	kvm_vcpu_destroy(rig->cpu.kvm);
	kvm_vm_destroy(rig->vm);
	memory_destroy(&rig->memory);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

/* mini-kvm's first directory, and a pager that knows it. */
static void rig_init_pse(struct rig *rig)
{
	rig_init(rig);
	entry(rig, DIR, 0, LARGE);
	entry(rig, DIR, 512, LARGE);
	entry(rig, DIR, 513, LARGE);
	CU_ASSERT_EQUAL_FATAL(
		pager_create(&rig->pager, rig->vm, &rig->memory, DIR, true), 0);
}

/* Does linear show guest-physical gpa? */
static bool shows(const struct rig *rig, uint32_t linear, uint32_t gpa)
{
	const struct fake_slot *slot = fake_kvm_slot(rig->vm, linear);

	return slot && (uint8_t *)slot->hva + (linear - slot->gpa) ==
			       rig->memory.hva + gpa;
}

static void set_cr3(struct rig *rig, uint32_t cr3, uint32_t eip)
{
	struct kvm_sregs sregs = { .cr3 = cr3 };
	struct kvm_regs regs = { .rip = eip };

	kvm_vcpu_set_sregs(rig->cpu.kvm, &sregs);
	kvm_vcpu_set_regs(rig->cpu.kvm, &regs);
}

static enum flat_next touch(struct rig *rig, uint64_t linear, uint32_t len,
			    bool is_write)
{
	rig->run.exit_reason = KVM_EXIT_MMIO;
	rig->run.mmio.phys_addr = linear;
	rig->run.mmio.len = len;
	rig->run.mmio.is_write = is_write;
	return pager_exit(rig->pager, &rig->cpu, &rig->run);
}

static enum flat_next cannot_emulate(struct rig *rig, uint32_t cr3,
				     uint32_t eip)
{
	set_cr3(rig, cr3, eip);
	rig->run.exit_reason = KVM_EXIT_INTERNAL_ERROR;
	return pager_exit(rig->pager, &rig->cpu, &rig->run);
}

/* --- the first tables ----------------------------------------------------- */

static void large_pages_of_the_first_directory_get_slots(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 3);
	CU_ASSERT_TRUE(shows(&rig, KERNEL, 0));
	CU_ASSERT_TRUE(shows(&rig, KERNEL + 0x3fffff, 0x3fffff));
	CU_ASSERT_TRUE(shows(&rig, KERNEL + 0x400000, 0));
	CU_ASSERT_PTR_NULL(fake_kvm_slot(rig.vm, KERNEL + 0x800000));
	rig_done(&rig);
}

static void small_pages_that_are_neighbours_are_one_slot(void)
{
	struct rig rig;

	rig_init(&rig);
	entry(&rig, DIR, 512, TABLE | PRESENT);
	for (uint32_t i = 0; i < 1024; i++)
		entry(&rig, TABLE, i, i * PAGE_LEN | PRESENT);
	CU_ASSERT_EQUAL(
		pager_create(&rig.pager, rig.vm, &rig.memory, DIR, false), 0);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 2);
	CU_ASSERT_TRUE(shows(&rig, KERNEL + 0x3ff000, 0x3ff000));
	rig_done(&rig);
}

static void large_page_without_pse_is_a_table(void)
{
	struct rig rig;

	rig_init(&rig);
	entry(&rig, DIR, 512, TABLE | LARGE);
	entry(&rig, TABLE, 0, 0x5000 | PRESENT);
	CU_ASSERT_EQUAL(
		pager_create(&rig.pager, rig.vm, &rig.memory, DIR, false), 0);
	CU_ASSERT_TRUE(shows(&rig, KERNEL, 0x5000));
	CU_ASSERT_PTR_NULL(fake_kvm_slot(rig.vm, KERNEL + PAGE_LEN));
	rig_done(&rig);
}

static void first_tables_with_more_runs_than_slots_are_left_to_faults(void)
{
	struct rig rig;

	rig_init(&rig);
	entry(&rig, DIR, 512, TABLE | PRESENT);
	for (uint32_t i = 0; i < 1024; i += 2)
		entry(&rig, TABLE, i, i * PAGE_LEN | PRESENT);
	CU_ASSERT_EQUAL(
		pager_create(&rig.pager, rig.vm, &rig.memory, DIR, false), 0);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), FAKE_SLOTS_NR);
	rig_done(&rig);
}

static void slot_that_kvm_refuses_fails_the_creation(void)
{
	struct rig rig;

	rig_init(&rig);
	entry(&rig, DIR, 512, LARGE);
	fake_kvm.slot_add_err = -EPERM;
	CU_ASSERT_EQUAL(
		pager_create(&rig.pager, rig.vm, &rig.memory, DIR, true),
		-EPERM);
	CU_ASSERT_PTR_NULL(rig.pager);
	rig_done(&rig);
}

/* --- faults --------------------------------------------------------------- */

static void fault_on_a_present_page_shows_it_once(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	entry(&rig, TABLE, 3, 0x7000 | PRESENT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1003abc), 0);
	CU_ASSERT_TRUE(shows(&rig, 0x1003000, 0x7000));
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 4);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1003fff), 0);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 4);
	rig_done(&rig);
}

static void fault_where_nothing_is_mapped_is_efault(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1000000), -EFAULT);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1000000), -EFAULT);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 3);
	rig_done(&rig);
}

static void table_page_or_directory_outside_of_ram_is_efault(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, RAM_LEN | PRESENT); /* a table */
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1000000), -EFAULT);
	entry(&rig, DIR, 5, 0xfffff000 | PRESENT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1400000), -EFAULT);
	entry(&rig, DIR, 6, TABLE | PRESENT); /* a page */
	entry(&rig, TABLE, 0, RAM_LEN | PRESENT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1800000), -EFAULT);
	entry(&rig, DIR, 7, 0xffc00000 | LARGE);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1c00000), -EFAULT);
	entry(&rig, DIR, 8, LARGE | 1u << 13); /* PSE-36: at 4 GiB */
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x2000000), -EFAULT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, 0xfffff000, 0x2000000), -EFAULT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, RAM_LEN, 0x2000000), -EFAULT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, UINT64_MAX, 0x2000000), -EFAULT);
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 3);
	rig_done(&rig);
}

static void new_cr3_takes_the_old_ones_pages_away(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	entry(&rig, TABLE, 0, 0x7000 | PRESENT);
	entry(&rig, OTHER, 4, (OTHER + PAGE_LEN) | PRESENT);
	entry(&rig, OTHER + PAGE_LEN, 0, 0x9000 | PRESENT);
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1000000), 0);
	CU_ASSERT_TRUE(shows(&rig, 0x1000000, 0x7000));
	CU_ASSERT_EQUAL(pager_fault(rig.pager, OTHER, 0x1000000), 0);
	CU_ASSERT_TRUE(shows(&rig, 0x1000000, 0x9000));
	CU_ASSERT_EQUAL(fake_kvm_slots_nr(rig.vm), 4);
	/* The kernel's large pages stay as they were. */
	CU_ASSERT_TRUE(shows(&rig, KERNEL, 0));
	rig_done(&rig);
}

static void page_without_a_free_slot_takes_the_oldest_ones(void)
{
	uint32_t free_nr = FAKE_SLOTS_NR - 3;
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	for (uint32_t i = 0; i < 1024; i++)
		entry(&rig, TABLE, i, i * PAGE_LEN | PRESENT);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t linear = 0x1000000 + i * PAGE_LEN;

		CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, linear), 0);
		CU_ASSERT_TRUE(shows(&rig, linear, i * PAGE_LEN));
		if (i >= free_nr) {
			CU_ASSERT_PTR_NULL(fake_kvm_slot(
				rig.vm, linear - free_nr * PAGE_LEN));
			CU_ASSERT_TRUE(shows(&rig, linear - PAGE_LEN,
					     (i - 1) * PAGE_LEN));
		}
	}
	rig_done(&rig);
}

static void slot_that_kvm_refuses_is_the_faults_error(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, LARGE);
	fake_kvm.slot_add_err = -EPERM;
	CU_ASSERT_EQUAL(pager_fault(rig.pager, DIR, 0x1000000), -EPERM);
	rig_done(&rig);
}

/* --- exits ---------------------------------------------------------------- */

static void access_to_a_hidden_page_is_carried_out(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	set_cr3(&rig, DIR, KERNEL);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	entry(&rig, TABLE, 0, 0x7000 | PRESENT);
	memcpy(rig.run.mmio.data, "abcd", 4);
	CU_ASSERT_EQUAL(touch(&rig, 0x1000010, 4, true), FLAT_GO);
	CU_ASSERT_EQUAL(memcmp(rig.memory.hva + 0x7010, "abcd", 4), 0);
	memset(rig.run.mmio.data, 0, 8);
	CU_ASSERT_EQUAL(touch(&rig, 0x1000011, 2, false), FLAT_GO);
	CU_ASSERT_EQUAL(memcmp(rig.run.mmio.data, "bc\0", 3), 0);
	CU_ASSERT_TRUE(shows(&rig, 0x1000000, 0x7000));
	rig_done(&rig);
}

static void access_over_two_pages_finds_both(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	set_cr3(&rig, DIR, KERNEL);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	entry(&rig, TABLE, 0, 0x7000 | PRESENT);
	entry(&rig, TABLE, 1, 0x5000 | PRESENT);
	memcpy(rig.run.mmio.data, "abcd", 4);
	CU_ASSERT_EQUAL(touch(&rig, 0x1000ffe, 4, true), FLAT_GO);
	CU_ASSERT_EQUAL(memcmp(rig.memory.hva + 0x7ffe, "ab", 2), 0);
	CU_ASSERT_EQUAL(memcmp(rig.memory.hva + 0x5000, "cd", 2), 0);
	rig_done(&rig);
}

static void access_to_nothing_ends_the_guest(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	set_cr3(&rig, DIR, KERNEL);
	CU_ASSERT_EQUAL(touch(&rig, 0x1000000, 4, true), FLAT_END);
	CU_ASSERT_EQUAL(touch(&rig, 0xffffffff, 1, false), FLAT_END);
	rig_done(&rig);
}

static void access_that_no_32_bit_guest_makes_is_passed_on(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	set_cr3(&rig, DIR, KERNEL);
	CU_ASSERT_EQUAL(touch(&rig, 1ull << 32, 4, true), FLAT_PASS);
	CU_ASSERT_EQUAL(touch(&rig, 0x1000000, 9, true), FLAT_PASS);
	rig.run.exit_reason = KVM_EXIT_SHUTDOWN;
	CU_ASSERT_EQUAL(pager_exit(rig.pager, &rig.cpu, &rig.run), FLAT_PASS);
	rig_done(&rig);
}

static void fetch_from_a_hidden_page_shows_it(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, OTHER, 4, (OTHER + PAGE_LEN) | PRESENT);
	entry(&rig, OTHER + PAGE_LEN, 0, 0x9000 | PRESENT);
	CU_ASSERT_EQUAL(cannot_emulate(&rig, OTHER, 0x1000000), FLAT_GO);
	CU_ASSERT_TRUE(shows(&rig, 0x1000000, 0x9000));
	/* Seen, and still no instruction that can be emulated. */
	CU_ASSERT_EQUAL(cannot_emulate(&rig, OTHER, 0x1000000), FLAT_PASS);
	rig_done(&rig);
}

static void fetch_over_two_pages_shows_the_second(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	entry(&rig, DIR, 4, TABLE | PRESENT);
	entry(&rig, TABLE, 0, 0x7000 | PRESENT);
	entry(&rig, TABLE, 1, 0x5000 | PRESENT);
	CU_ASSERT_EQUAL(cannot_emulate(&rig, DIR, 0x1000ffd), FLAT_GO);
	CU_ASSERT_EQUAL(cannot_emulate(&rig, DIR, 0x1000ffd), FLAT_GO);
	CU_ASSERT_TRUE(shows(&rig, 0x1001000, 0x5000));
	CU_ASSERT_EQUAL(cannot_emulate(&rig, DIR, 0x1000ffd), FLAT_PASS);
	rig_done(&rig);
}

static void fetch_from_nothing_ends_the_guest(void)
{
	struct rig rig;

	rig_init_pse(&rig);
	CU_ASSERT_EQUAL(cannot_emulate(&rig, DIR, 0x1000000), FLAT_END);
	CU_ASSERT_EQUAL(cannot_emulate(&rig, DIR, 0xffffffff), FLAT_END);
	rig_done(&rig);
}

/* Whatever the tables hold: slots show pages of RAM, and only those. */
static void tables_of_garbage_never_show_other_memory(void)
{
	uint32_t x = 1;
	struct rig rig;

	rig_init_pse(&rig);
	for (uint32_t i = 0; i < 0x4000; i++) {
		x = x * 1664525u + 1013904223u;
		/* Half of them within RAM. */
		put32(&rig, DIR + 4 * i,
		      x >> 31 ? (x & 0x3ff000) | (x >> 12 & 0xff) : x);
	}
	for (uint32_t i = 0; i < 4096; i++) {
		x = x * 1664525u + 1013904223u;
		(void)pager_fault(rig.pager, DIR + (x >> 20 & 7) * PAGE_LEN, x);
		for (uint32_t j = 0; j < FAKE_SLOTS_NR; j++) {
			const struct fake_slot *slot = &rig.vm->slots[j];
			uint8_t *hva = slot->hva;

			CU_ASSERT_FATAL(
				!slot->used ||
				(hva >= rig.memory.hva &&
				 hva + slot->len <= rig.memory.hva + RAM_LEN));
		}
	}
	rig_done(&rig);
}

static void tables_are_printed_as_if_paging_were_on(void)
{
	char *text = NULL;
	size_t len = 0;
	struct rig rig;
	FILE *out = open_memstream(&text, &len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	rig_init_pse(&rig);
	set_cr3(&rig, DIR, KERNEL);
	pager_print(rig.pager, &rig.cpu, out);
	CU_ASSERT_EQUAL(fclose(out), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "memory slots"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "80400000..807fffff -> 0 rw"));
	free(text);
	rig_done(&rig);
}

static const struct unit_test tests[] = {
	{ "large_pages_of_the_first_directory_get_slots",
	  large_pages_of_the_first_directory_get_slots },
	{ "small_pages_that_are_neighbours_are_one_slot",
	  small_pages_that_are_neighbours_are_one_slot },
	{ "large_page_without_pse_is_a_table",
	  large_page_without_pse_is_a_table },
	{ "first_tables_with_more_runs_than_slots_are_left_to_faults",
	  first_tables_with_more_runs_than_slots_are_left_to_faults },
	{ "slot_that_kvm_refuses_fails_the_creation",
	  slot_that_kvm_refuses_fails_the_creation },
	{ "fault_on_a_present_page_shows_it_once",
	  fault_on_a_present_page_shows_it_once },
	{ "fault_where_nothing_is_mapped_is_efault",
	  fault_where_nothing_is_mapped_is_efault },
	{ "table_page_or_directory_outside_of_ram_is_efault",
	  table_page_or_directory_outside_of_ram_is_efault },
	{ "new_cr3_takes_the_old_ones_pages_away",
	  new_cr3_takes_the_old_ones_pages_away },
	{ "page_without_a_free_slot_takes_the_oldest_ones",
	  page_without_a_free_slot_takes_the_oldest_ones },
	{ "slot_that_kvm_refuses_is_the_faults_error",
	  slot_that_kvm_refuses_is_the_faults_error },
	{ "access_to_a_hidden_page_is_carried_out",
	  access_to_a_hidden_page_is_carried_out },
	{ "access_over_two_pages_finds_both",
	  access_over_two_pages_finds_both },
	{ "access_to_nothing_ends_the_guest",
	  access_to_nothing_ends_the_guest },
	{ "access_that_no_32_bit_guest_makes_is_passed_on",
	  access_that_no_32_bit_guest_makes_is_passed_on },
	{ "fetch_from_a_hidden_page_shows_it",
	  fetch_from_a_hidden_page_shows_it },
	{ "fetch_over_two_pages_shows_the_second",
	  fetch_over_two_pages_shows_the_second },
	{ "fetch_from_nothing_ends_the_guest",
	  fetch_from_nothing_ends_the_guest },
	{ "tables_of_garbage_never_show_other_memory",
	  tables_of_garbage_never_show_other_memory },
	{ "tables_are_printed_as_if_paging_were_on",
	  tables_are_printed_as_if_paging_were_on },
};

UNIT_MAIN("pager", tests)
