/* SPDX-License-Identifier: MIT */
/*
 * mini_kvm_linux.c - mini-kvm's --linux: what does a Linux kernel find, and
 * when has it ended? (docs/classic-guests.md, A Linux kernel)
 */
#include <errno.h>
#include <string.h>

#include "vmm/abi/mini_kvm.h"
#include "vmm/boot/bzimage.h"
#include "vmm/boot/mp_table.h"
#include "vmm/core/log.h"

#define PORT_KEYBOARD  0x64 /* the controller's commands and status */
#define KEYBOARD_RESET 0xfe
#define PORT_SERIAL    0x3f8
#define PIN_SERIAL     4
#define PARAMS_HDR_OFF 0x1f1 /* of setup_header in boot_params */

static struct mini_guest *of(const struct flat_cpu *cpu)
{
	return cpu->arg;
}

/* Its output asks the line status before each byte; that must not take input
 * from anybody. A kernel whose console is open for reading lets it interrupt.
 */
static enum flat_next serial(struct flat_io *io)
{
	struct mini_guest *guest = of(io->cpu);
	uint32_t reg = io->port - PORT_SERIAL;

	if (!io->is_write) {
		io->value = uart_read(&guest->uart, reg);
		return FLAT_GO;
	}
	uart_write(&guest->uart, reg, (uint8_t)io->value);
	if (guest->uart.ier & UART_IER_RX)
		mini_want_keys(guest);
	return FLAT_GO;
}

/* The line behind this command is that of a PC's reset. */
static enum flat_next keyboard(struct flat_io *io)
{
	if (!io->is_write || io->value != KEYBOARD_RESET)
		return FLAT_PASS;
	log_debug("%s: it has reset its machine", io->cpu->name);
	return FLAT_END;
}

/* KVM has the interrupt controllers and the timer. Every other port ignores
 * what is written and reads 0: no keyboard, a clock at 0. */
static const struct flat_port ports[] = {
	{ PORT_KEYBOARD, PORT_KEYBOARD, FLAT_LEN_1, keyboard },
	{ PORT_SERIAL, PORT_SERIAL + UART_REGS_NR - 1, FLAT_LEN_1, serial },
	{ MINI_PORT_A20, MINI_PORT_A20, FLAT_LEN_1, mini_a20 },
	{ 0, 0, 0, NULL },
};

/* Each access to the port and each kick by the keyboard comes past here. */
static enum flat_next before_entry(struct flat_cpu *cpu)
{
	struct mini_guest *guest = of(cpu);
	bool level = uart_irq(&guest->uart);
	int err;

	if (level == guest->serial_level)
		return FLAT_GO;
	guest->serial_level = level;
	err = kvm_irq_line(cpu->flat->kvm, PIN_SERIAL, level);
	if (!err)
		return FLAT_GO;
	log_error("%s: KVM does not take the serial port's interrupt: %s",
		  cpu->name, strerror(-err));
	guest->crashed = true;
	return FLAT_END;
}

/* Where nothing is, a PC reads ones. */
static enum flat_next exit_hook(struct flat_cpu *cpu, struct kvm_run *run)
{
	(void)cpu;
	if (run->exit_reason != KVM_EXIT_MMIO)
		return FLAT_PASS;
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	return FLAT_GO;
}

void mini_linux_rules(const struct mini_opts *opts, struct flat_desc *desc)
{
	desc->ram_len = opts->linux_ram_len;
	desc->is_pc = true;
	desc->ports = ports;
	desc->unclaimed = FLAT_IN_ZERO;
	desc->before_entry = before_entry;
	desc->exit = exit_hook;
}

int mini_linux_possible(void)
{
	if (kvm_kind() != KVM_KIND_SOFTWARE)
		return 0;
	log_error(
		"--linux: Linux does not run on %s, which emulates ring 0 and "
		"not all of its instructions; take a machine with VT-x or "
		"SVM",
		kvm_kind_name());
	return -EOPNOTSUPP;
}

int mini_linux_prepare(const struct mini_opts *opts, struct flat_cpu *cpu)
{
	const struct bzimage_files files = { .kernel = opts->images[0],
					     .initrd = opts->linux_initrd,
					     .cmdline = opts->linux_cmdline };
	const struct memory *memory = &cpu->flat->memory;
	struct first_state state;
	struct bzimage image;
	int err;

	err = bzimage_load(memory, &files, &image);
	if (!err)
		err = mp_table_write(memory);
	if (!err)
		err = flat_cpu_get(cpu, &state);
	if (!err)
		err = bzimage_first_state(memory, &image, opts->linux_entry,
					  &state);
	if (err)
		return err;
	if (opts->linux_rsi_hdr)
		state.regs.rsi += PARAMS_HDR_OFF;
	log_debug("%s: protocol %u.%u, at 0x%llx, entry 0x%llx, initrd of %llu "
		  "bytes at 0x%llx",
		  cpu->name, image.version >> 8, image.version & 0xffu,
		  (unsigned long long)image.load_gpa, state.regs.rip,
		  (unsigned long long)image.initrd_len,
		  (unsigned long long)image.initrd_gpa);
	return flat_cpu_set(cpu, &state);
}
