/* SPDX-License-Identifier: MIT */
/* fakes: fake_kvm */
/* fakes: quiet_log */
/* test_mini_linux.c - what does a Linux kernel of mini-kvm find behind its
 * exits? */
#include "tests/fakes/fake_kvm.h"
#include "tests/unit/harness.h"
#include "vmm/abi/mini_kvm.h"

#define COM1	   0x3f8
#define PIN_SERIAL (1u << 4)

static struct mini mini;
static struct flat *flat;

static void begin(const struct fake_exit *script, uint32_t nr)
{
	const struct mini_opts opts = { .linux_ram_len = 0x200000 };
	struct flat_desc desc = { .name = "t", .cpus_nr = 1 };

	fake_kvm_reset();
	fake_kvm.script = script;
	fake_kvm.script_nr = nr;
	mini_linux_rules(&opts, &desc);
	CU_ASSERT_EQUAL_FATAL(flat_create(&flat, &desc), 0);
	mini_guest_init(&mini.guests[0], &mini, &flat->cpu[0]);
	flat_cpu_take(&flat->cpu[0]);
}
#define BEGIN(script) begin((script), sizeof(script) / sizeof(*(script)))

static void end(void)
{
	flat_cpu_drop(&flat->cpu[0]);
	flat_destroy(flat);
	CU_ASSERT_EQUAL(fake_kvm.misuses_nr, 0);
	CU_ASSERT_EQUAL(fake_kvm.leftovers_nr, 0);
}

static enum flat_step step(void)
{
	return flat_step(&flat->cpu[0]);
}

static void machine_is_a_pc_with_the_ram_asked_for(void)
{
	BEGIN((const struct fake_exit[]){ { .err = 0 } });
	CU_ASSERT(flat->kvm->is_pc);
	CU_ASSERT_EQUAL(flat->memory.len, 0x200000);
	end();
}

static void serial_interrupt_follows_the_ports_line(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = COM1 + UART_IER,
		  .len = 1,
		  .is_write = true,
		  .data = { UART_IER_TX } },
		{ .reason = KVM_EXIT_IO, .port = COM1 + UART_SCR, .len = 1 },
		{ .reason = KVM_EXIT_IO, .port = COM1 + UART_IIR, .len = 1 },
		{ .reason = KVM_EXIT_IO, .port = COM1 + UART_SCR, .len = 1 },
	};

	BEGIN(script);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(fake_kvm.line_sets_nr, 0);
	/* Before the next entry; and only when it changes. */
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(fake_kvm.lines, PIN_SERIAL);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(fake_kvm.line_sets_nr, 1);
	CU_ASSERT_EQUAL(*fake_kvm_data(flat->cpu[0].kvm), UART_IIR_TX);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(fake_kvm.lines, 0);
	CU_ASSERT_EQUAL(fake_kvm.line_sets_nr, 2);
	end();
}

static void keyboard_controllers_reset_ends_the_guest(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_IO,
		  .port = 0x64,
		  .len = 1,
		  .data = { 0xaa } },
		{ .reason = KVM_EXIT_IO,
		  .port = 0x64,
		  .len = 1,
		  .is_write = true,
		  .data = { 0xae } },
		{ .reason = KVM_EXIT_IO,
		  .port = 0x64,
		  .len = 1,
		  .is_write = true,
		  .data = { 0xfe } },
	};

	BEGIN(script);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(*fake_kvm_data(flat->cpu[0].kvm), 0);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	CU_ASSERT_EQUAL(step(), FLAT_ENDED);
	CU_ASSERT_EQUAL(flat->cpu[0].end, FLAT_DONE);
	CU_ASSERT_FALSE(mini.guests[0].crashed);
	end();
}

static void memory_that_is_not_there_reads_ones(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_MMIO, .gpa = 0xd0000000, .len = 8 },
		{ .reason = KVM_EXIT_MMIO,
		  .gpa = 0xd0000000,
		  .len = 8,
		  .is_write = true },
	};
	const struct kvm_run *run;

	BEGIN(script);
	run = kvm_vcpu_run_page(flat->cpu[0].kvm);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	for (int i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(run->mmio.data[i], 0xff);
	CU_ASSERT_EQUAL(step(), FLAT_STEPPED);
	end();
}

static void triple_fault_is_a_fault(void)
{
	static const struct fake_exit script[] = {
		{ .reason = KVM_EXIT_SHUTDOWN },
	};

	BEGIN(script);
	CU_ASSERT_EQUAL(step(), FLAT_ENDED);
	CU_ASSERT_EQUAL(flat->cpu[0].end, FLAT_FAULT);
	end();
}

static const struct unit_test tests[] = {
	{ "machine_is_a_pc_with_the_ram_asked_for",
	  machine_is_a_pc_with_the_ram_asked_for },
	{ "serial_interrupt_follows_the_ports_line",
	  serial_interrupt_follows_the_ports_line },
	{ "keyboard_controllers_reset_ends_the_guest",
	  keyboard_controllers_reset_ends_the_guest },
	{ "memory_that_is_not_there_reads_ones",
	  memory_that_is_not_there_reads_ones },
	{ "triple_fault_is_a_fault", triple_fault_is_a_fault },
};

UNIT_MAIN("mini_linux", tests)
