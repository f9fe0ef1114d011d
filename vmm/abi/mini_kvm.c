/* SPDX-License-Identifier: MIT */
/*
 * mini_kvm.c - the ABI mini-kvm: up to four guests, a serial port, two
 * dialects of hypercalls on one port, a keyboard, three interrupts
 * (docs/classic-guests.md, mini-kvm). Modes and memory: mini_kvm_modes.c.
 */
#include "vmm/abi/mini_kvm.h"

#include <stdio.h>
#include <string.h>

#include "shm/atomic.h"
#include "vmm/abi/abis.h"
#include "vmm/abi/iret.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"

#define PORT_CALL   0x500
#define PORT_SERIAL 0x3f8
#define A20_OPEN    0x02

/* Hypercalls: what AL is when it is written to PORT_CALL. */
#define CALL_EXIT	    0
#define CALL_PUT	    1 /* BL */
#define CALL_LEGACY_DECIMAL 2 /* BX */
#define CALL_LEGACY_NEWLINE 3
#define CALL_1K_GET	    2 /* the next IN answers */
#define NO_KEY		    0xff

/* A PC's lines, from vector 0x20 on: as if the guest had told the first 8259
 * so, since these guests do not talk to it. */
#define VECTOR_BASE 0x20
#define LINE_TIMER  0
#define LINE_KEY    1
#define LINE_SERIAL 4
#define KEY_WAIT_NS 10000000ull

static struct mini_guest *of(const struct flat_cpu *cpu)
{
	return cpu->arg;
}

/* --- input ---------------------------------------------------------------- */

void mini_want_keys(struct mini_guest *guest)
{
	if (load_relaxed(&guest->takes_keys))
		return;
	store_relaxed(&guest->takes_keys, true);
	keys_start(guest->mini->keys);
}

static bool take_key(struct mini_guest *guest, uint8_t *byte)
{
	bool any = keys_take(guest->mini->keys, byte);

	guest->cpu->counters.got_bytes += any;
	return any;
}

/* On the keyboard's thread: keys came, or their end. */
void mini_keys_arrived(void *arg)
{
	struct mini *mini = arg;

	for (uint32_t i = 0; i < mini->opts.images_nr; i++)
		if (load_relaxed(&mini->guests[i].takes_keys))
			flat_cpu_kick(mini->guests[i].cpu);
}

/* --- serial port ---------------------------------------------------------- */

static void serial_send(void *arg, uint8_t byte)
{
	const struct mini_guest *guest = arg;

	flat_put(guest->cpu, &byte, 1);
}

static uint32_t serial_waiting(void *arg)
{
	const struct mini_guest *guest = arg;

	return keys_waiting(guest->mini->keys);
}

static bool serial_receive(void *arg, uint8_t *byte)
{
	return take_key(arg, byte);
}

static enum flat_next serial(struct flat_io *io)
{
	struct mini_guest *guest = of(io->cpu);
	uint32_t reg = io->port - PORT_SERIAL;

	if (io->is_write) {
		uart_write(&guest->uart, reg, (uint8_t)io->value);
		return FLAT_GO;
	}
	if (reg == UART_RBR || reg == UART_LSR)
		mini_want_keys(guest);
	io->value = uart_read(&guest->uart, reg);
	return FLAT_GO;
}

/* --- hypercalls ----------------------------------------------------------- */

/* What BX is at this exit. */
static bool argument(struct mini_guest *guest, uint16_t *bx)
{
	struct kvm_regs regs;
	int err = kvm_vcpu_get_regs(guest->cpu->kvm, &regs);

	if (err) {
		log_error("%s: KVM does not tell its registers: %s",
			  guest->cpu->name, strerror(-err));
		guest->crashed = true;
		return false;
	}
	*bx = (uint16_t)regs.rbx;
	return true;
}

static enum flat_next call_put(struct mini_guest *guest)
{
	uint16_t bx;
	uint8_t byte;

	if (!argument(guest, &bx))
		return FLAT_END;
	byte = (uint8_t)bx;
	flat_put(guest->cpu, &byte, 1);
	return FLAT_GO;
}

static enum flat_next call_decimal(struct mini_guest *guest)
{
	char text[8];
	uint16_t bx;

	if (!argument(guest, &bx))
		return FLAT_END;
	snprintf(text, sizeof(text), "%u", (unsigned int)bx);
	flat_put(guest->cpu, text, strlen(text));
	return FLAT_GO;
}

/*
 * Guests ask again and again. One that has no interrupts cannot tell time, so
 * it may as well wait here a while; it gets "no key" as often as it likes. At
 * the end of the input it would ask for ever.
 */
static enum flat_next call_get(struct mini_guest *guest)
{
	struct flat_cpu *cpu = guest->cpu;
	bool any;

	mini_want_keys(guest);
	any = take_key(guest, &guest->answer);
	if (!any && keys_ended(guest->mini->keys)) {
		log_info("%s: ended: it asks for a key, and the input has "
			 "ended",
			 cpu->name);
		return FLAT_END;
	}
	if (!any && !inject_is_open(cpu)) {
		if (flat_cpu_sleep(cpu, clock_now_ns() + KEY_WAIT_NS))
			return FLAT_END;
		any = take_key(guest, &guest->answer);
	}
	guest->asked = true;
	if (!any)
		guest->answer = NO_KEY;
	return FLAT_GO;
}

static enum flat_next call_unknown(const struct mini_guest *guest, uint8_t nr)
{
	log_error("%s: ended by unknown hypercall 0x%02x of the dialect %s "
		  "(see --hc)",
		  guest->cpu->name, nr, guest->mini->legacy ? "legacy" : "1k");
	return FLAT_END;
}

static enum flat_next hypercall(struct flat_io *io)
{
	struct mini_guest *guest = of(io->cpu);
	uint8_t nr = (uint8_t)io->value;

	if (!io->is_write) {
		io->value = guest->asked ? guest->answer : 0;
		guest->asked = false;
		return FLAT_GO;
	}
	if (nr == CALL_EXIT)
		return FLAT_END;
	if (nr == CALL_PUT)
		return call_put(guest);
	if (guest->mini->legacy && nr == CALL_LEGACY_DECIMAL)
		return call_decimal(guest);
	if (guest->mini->legacy && nr == CALL_LEGACY_NEWLINE) {
		flat_put(io->cpu, "\n", 1);
		return FLAT_GO;
	}
	if (!guest->mini->legacy && nr == CALL_1K_GET)
		return call_get(guest);
	return call_unknown(guest, nr);
}

enum flat_next mini_a20(struct flat_io *io)
{
	if (io->is_write)
		return FLAT_PASS;
	io->value = A20_OPEN;
	return FLAT_GO;
}

/* Every other port - interrupt controllers, keyboard controller, CMOS, POST -
 * ignores what is written and reads 0. */
static const struct flat_port ports[] = {
	{ PORT_CALL, PORT_CALL, FLAT_LEN_1, hypercall },
	{ PORT_SERIAL, PORT_SERIAL + UART_REGS_NR - 1, FLAT_LEN_1, serial },
	{ MINI_PORT_A20, MINI_PORT_A20, FLAT_LEN_1, mini_a20 },
	{ 0, 0, 0, NULL },
};

/* --- interrupts ----------------------------------------------------------- */

/* On the ticks' thread. */
void mini_tick(void *arg)
{
	struct mini *mini = arg;

	for (uint32_t i = 0; i < mini->opts.images_nr; i++) {
		struct mini_guest *guest = &mini->guests[i];

		if (load_relaxed(&guest->takes_ticks) &&
		    inject_raise(&guest->inject, LINE_TIMER))
			flat_cpu_kick(guest->cpu);
	}
}

/* From when a guest first had interrupts on: what is due? */
static void collect(struct mini_guest *guest)
{
	if (!load_relaxed(&guest->takes_ticks)) {
		store_relaxed(&guest->takes_ticks, true);
		ticks_start(guest->mini->ticks);
		mini_want_keys(guest);
	}
	/* The keyboard is the first guest's, as far as it interrupts. */
	if (guest == guest->mini->guests && keys_announce(guest->mini->keys))
		inject_raise(&guest->inject, LINE_KEY);
	if (uart_irq_rose(&guest->uart))
		inject_raise(&guest->inject, LINE_SERIAL);
}

static enum flat_next before_entry(struct flat_cpu *cpu)
{
	struct mini_guest *guest = of(cpu);

	if (inject_begun(&guest->inject, cpu))
		collect(guest);
	inject_before_entry(&guest->inject, cpu);
	return FLAT_GO;
}

/* HLT with interrupts off is the end; else the next one goes on behind it. */
static enum flat_next halt(struct mini_guest *guest)
{
	if (!inject_is_open(guest->cpu))
		return FLAT_PASS;
	for (;;) {
		collect(guest);
		if (inject_is_due(&guest->inject))
			return FLAT_GO;
		if (flat_cpu_sleep(guest->cpu, 0))
			return FLAT_END;
	}
}

static enum flat_next exit_hook(struct flat_cpu *cpu, struct kvm_run *run)
{
	struct mini_guest *guest = of(cpu);
	enum flat_next next;

	if (run->exit_reason == KVM_EXIT_HLT)
		return halt(guest);
	next = iret_exit(cpu, run, guest->pager);
	if (next == FLAT_PASS && guest->pager)
		next = pager_exit(guest->pager, cpu, run);
	guest->crashed |= next == FLAT_END;
	return next;
}

/* --- the table ------------------------------------------------------------ */

static bool dump_tables(struct flat_cpu *cpu, FILE *out)
{
	if (!of(cpu)->pager)
		return false;
	pager_print(of(cpu)->pager, cpu, out);
	return true;
}

void mini_rules(struct flat_desc *desc)
{
	desc->ports = ports;
	desc->unclaimed = FLAT_IN_ZERO;
	desc->before_entry = before_entry;
	desc->exit = exit_hook;
	desc->dump_tables = dump_tables;
}

void mini_guest_init(struct mini_guest *guest, struct mini *mini,
		     struct flat_cpu *cpu)
{
	const struct uart_line line = { serial_send, serial_waiting,
					serial_receive, guest };

	*guest = (struct mini_guest){ .mini = mini,
				      .cpu = cpu,
				      .inject.base = VECTOR_BASE };
	cpu->arg = guest;
	uart_init(&guest->uart, &line);
}

static const char *const programs[] = { "kvm-vmm", NULL };

const struct abi abi_mini_kvm = {
	.name = "mini-kvm",
	.programs = programs,
	.summary = "Up to four guests, serial port, keyboard, interrupts",
	.synopsis = "[options] IMAGE... | --linux BZIMAGE",
	.help = mini_help,
	.guest_prefix = "mini_",
	.run = mini_run,
};
