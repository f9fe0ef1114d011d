/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_flat.c - what does a flat machine make of each exit? */
#include <errno.h>

#include "tests/unit/flat_room.h"

static uint32_t data_after_step(void)
{
	uint32_t value;

	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	memcpy(&value, fake_kvm_data(flat->cpu[0].kvm), sizeof(value));
	return value;
}

/* --- the machine -----------------------------------------------------------
 */

static void sizes_a_machine_cannot_have_are_einval(void)
{
	static const struct {
		uint64_t ram_len;
		uint32_t cpus_nr;
	} bad[] = { { 0, 1 },
		    { 1, 1 },
		    { RAM_LEN + 1, 1 },
		    { RAM_LEN, 0 },
		    { RAM_LEN, FLAT_CPUS_MAX + 1 },
		    { 1ull << 40, 1 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct flat_desc d = { .name = "t",
				       .ram_len = bad[i].ram_len,
				       .cpus_nr = bad[i].cpus_nr };
		struct flat *none = NULL;

		fake_kvm_reset();
		CU_ASSERT_EQUAL(flat_create(&none, &d), -EINVAL);
		CU_ASSERT_PTR_NULL(none);
		CU_ASSERT_EQUAL(fake_kvm.vms_nr, 0);
	}
	flat_destroy(NULL);
}

static void failures_while_creating_leave_nothing(void)
{
	const struct flat_desc d = { .name = "t",
				     .ram_len = RAM_LEN,
				     .cpus_nr = 4 };
	struct flat *none = NULL;

	fake_kvm_reset();
	fake_kvm.vm_create_err = -EMFILE;
	CU_ASSERT_EQUAL(flat_create(&none, &d), -EMFILE);
	fake_kvm_reset();
	fake_kvm.slot_add_err = -ENOSPC;
	CU_ASSERT_EQUAL(flat_create(&none, &d), -ENOSPC);
	fake_kvm_reset();
	fake_kvm.vcpu_create_err = -EEXIST;
	CU_ASSERT_EQUAL(flat_create(&none, &d), -EEXIST);
	CU_ASSERT_EQUAL(fake_kvm.vms_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
}

static void vcpus_are_named_after_the_machine(void)
{
	begin(NULL, 0);
	CU_ASSERT_STRING_EQUAL(flat->cpu[0].name, "t");
	end();
	desc.cpus_nr = 4;
	desc.name = "a-name-that-is-longer-than-thirty-one-bytes";
	begin(NULL, 0);
	CU_ASSERT_EQUAL(strlen(flat->cpu[3].name), FLAT_NAME_LEN - 1);
	CU_ASSERT_EQUAL(flat_cpu_rename(&flat->cpu[3], "x"), 0);
	CU_ASSERT_STRING_EQUAL(flat->cpu[3].name, "x");
	end();
}

static void ram_is_where_the_guest_looks(void)
{
	const struct fake_slot *slot;

	begin(NULL, 0);
	slot = fake_kvm_slot(flat->kvm, RAM_LEN - 1);
	CU_ASSERT_TRUE(slot && slot->gpa == 0 && slot->len == RAM_LEN &&
		       slot->hva == memory_range(&flat->memory, 0, 1));
	end();
}

static void state_that_kvm_refuses_is_told(void)
{
	struct first_state state = { .regs.rip = 7 };

	begin(NULL, 0);
	CU_ASSERT_EQUAL(flat_cpu_set(&flat->cpu[0], &state), 0);
	CU_ASSERT_EQUAL(flat_cpu_get(&flat->cpu[0], &state), 0);
	CU_ASSERT_EQUAL(state.regs.rip, 7);
	fake_kvm.set_sregs_err = -EINVAL;
	CU_ASSERT_EQUAL(flat_cpu_set(&flat->cpu[0], &state), -EINVAL);
	end();
}

/* --- ports ------------------------------------------------------------------
 */

static void access_reaches_the_first_port_that_takes_it(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x12,
		  .len = 2,
		  .is_write = true,
		  .data = { 0x34, 0x12, 0xff } },
		{ .reason = KVM_EXIT_IO, .port = 0x13, .len = 1 },
		/* Four bytes are not the first one's. */
		{ .reason = KVM_EXIT_IO,
		  .port = 0x12,
		  .len = 4,
		  .is_write = true,
		  .data = { 1, 2, 3, 4 } },
	};

	BEGIN(script);
	seen.answer = 0xabcd;
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(seen.io_nr, 1);
	CU_ASSERT_EQUAL(seen.io[0].value, 0x1234);
	CU_ASSERT_EQUAL(seen.io[0].port, 0x12);
	CU_ASSERT_EQUAL(seen.io[0].len, 2);
	CU_ASSERT_TRUE(seen.io[0].is_write);
	CU_ASSERT_EQUAL(data_after_step(), 0xcd); /* cut to a byte */
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(seen.io_nr, 2);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.put_bytes, 1);
	end();
}

static void unclaimed_in_is_what_the_abi_says(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x99,
		  .len = 2,
		  .data = { 0x78, 0x56 } },
	};
	static const struct {
		enum flat_unclaimed rule;
		uint32_t value;
	} rules[] = { { FLAT_IN_KEEP, 0x5678 },
		      { FLAT_IN_ZERO, 0 },
		      { FLAT_IN_ONES, 0xffff } };

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		desc.unclaimed = rules[i].rule;
		BEGIN(script);
		CU_ASSERT_EQUAL(data_after_step(), rules[i].value);
		CU_ASSERT_EQUAL(seen.io_nr, 0);
		end();
	}
}

static void in_that_its_handler_passes_is_unclaimed(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x10,
		  .len = 1,
		  .data = { 0x55 } },
	};

	BEGIN(script);
	seen.answer = 0x11;
	seen.port_next = FLAT_PASS;
	CU_ASSERT_EQUAL(data_after_step(), 0x55);
	CU_ASSERT_EQUAL(seen.io_nr, 1);
	end();
}

static void string_access_is_one_call_per_element(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x10,
		  .len = 2,
		  .count = 3,
		  .is_write = true,
		  .data = { 1, 0, 2, 0, 3, 0 } },
		{ .reason = KVM_EXIT_IO, .port = 0x10, .len = 1, .count = 4 },
	};

	BEGIN(script);
	seen.answer = 0x77;
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(seen.io_nr, 3);
	CU_ASSERT_EQUAL(seen.io[2].value, 3);
	CU_ASSERT_EQUAL(data_after_step(), 0x77777777);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.exits, 2);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.ports_nr, 1);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.ports[0].outs, 3);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.ports[0].out_bytes, 6);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.ports[0].ins, 4);
	end();
}

static void handler_that_ends_the_guest_is_not_called_again(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x10,
		  .len = 1,
		  .count = 3,
		  .is_write = true },
	};

	BEGIN(script);
	seen.port_next = FLAT_END;
	expect_end(FLAT_DONE);
	CU_ASSERT_EQUAL(seen.io_nr, 1);
	end();
}

/* --- other exits
 * -------------------------------------------------------------- */

static void exits_end_the_guest_by_their_kind(void)
{
	static const struct {
		struct fake_exit exit;
		enum flat_end end;
	} cases[] = {
		{ { .reason = KVM_EXIT_HLT }, FLAT_HALTED },
		{ { .reason = KVM_EXIT_SHUTDOWN }, FLAT_FAULT },
		{ { .reason = KVM_EXIT_INTERNAL_ERROR }, FLAT_FAULT },
		{ { .reason = KVM_EXIT_MMIO, .gpa = 1 << 30, .len = 8 },
		  FLAT_FAULT },
		{ { .reason = KVM_EXIT_HYPERV }, FLAT_FAULT },
		{ { .reason = 12345 }, FLAT_FAULT },
		{ { .reason = KVM_EXIT_FAIL_ENTRY }, FLAT_FAILED },
		{ { .err = -EFAULT }, FLAT_FAILED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		begin(&cases[i].exit, 1);
		expect_end(cases[i].end);
		CU_ASSERT_EQUAL(flat->cpu[0].counters.exits,
				cases[i].exit.err ? 0 : 1);
		end();
	}
}

static void exits_that_mean_nothing_go_on(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_INTR },
		{ .reason = KVM_EXIT_IRQ_WINDOW_OPEN },
	};

	BEGIN(script);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(flat->cpu[0].exit_reason, KVM_EXIT_IRQ_WINDOW_OPEN);
	end();
}

static void exit_hook_comes_first(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_HLT },
		{ .reason = KVM_EXIT_SHUTDOWN },
		{ .reason = KVM_EXIT_IO, .port = 0x10, .len = 1 },
		{ .reason = KVM_EXIT_MMIO, .len = 1 },
	};

	desc.exit = exit_seen;
	BEGIN(script);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(seen.exits_nr, 2); /* ports have their own */
	seen.exit_next = FLAT_END;
	expect_end(FLAT_DONE);
	end();

	desc.exit = exit_seen;
	BEGIN(script);
	seen.exit_next = FLAT_PASS;
	expect_end(FLAT_HALTED);
	end();
}

static void entry_hook_comes_before_each_entry(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_INTR },
		{ .reason = KVM_EXIT_INTR },
	};

	desc.before_entry = entry_seen;
	BEGIN(script);
	CU_ASSERT_EQUAL(flat_step(&flat->cpu[0]), FLAT_STEPPED);
	CU_ASSERT_EQUAL(seen.entries_nr, 1);
	seen.entry_next = FLAT_END;
	expect_end(FLAT_DONE);
	CU_ASSERT_EQUAL(flat->cpu[0].counters.exits, 1);
	end();
}

static const struct unit_test tests[] = {
	{ "sizes_a_machine_cannot_have_are_einval",
	  sizes_a_machine_cannot_have_are_einval },
	{ "failures_while_creating_leave_nothing",
	  failures_while_creating_leave_nothing },
	{ "vcpus_are_named_after_the_machine",
	  vcpus_are_named_after_the_machine },
	{ "ram_is_where_the_guest_looks", ram_is_where_the_guest_looks },
	{ "state_that_kvm_refuses_is_told", state_that_kvm_refuses_is_told },
	{ "access_reaches_the_first_port_that_takes_it",
	  access_reaches_the_first_port_that_takes_it },
	{ "unclaimed_in_is_what_the_abi_says",
	  unclaimed_in_is_what_the_abi_says },
	{ "in_that_its_handler_passes_is_unclaimed",
	  in_that_its_handler_passes_is_unclaimed },
	{ "string_access_is_one_call_per_element",
	  string_access_is_one_call_per_element },
	{ "handler_that_ends_the_guest_is_not_called_again",
	  handler_that_ends_the_guest_is_not_called_again },
	{ "exits_end_the_guest_by_their_kind",
	  exits_end_the_guest_by_their_kind },
	{ "exits_that_mean_nothing_go_on", exits_that_mean_nothing_go_on },
	{ "exit_hook_comes_first", exit_hook_comes_first },
	{ "entry_hook_comes_before_each_entry",
	  entry_hook_comes_before_each_entry },
};

UNIT_MAIN("flat", tests)
