/* SPDX-License-Identifier: MIT */
/* runtime.c - from the monitor's first state to app_main() and to the end. */
#include "guests/runtime/runtime.h"

#include "guests/runtime/ports.h"
#include "guests/runtime/traps.h"
#include "shm/atomic.h"
#include "shm/bare_abi.h"
#include "shm/memory_map.h"

/* start.S has these as constants of the assembler. */
_Static_assert(CPUS_NR == BARE_CPUS_MAX, "traps.h");

#define ARGS_MAX 64
/* The timer counts 32 bits; longer waits are cut into pieces. */
#define WAIT_SLICE_NS NS_PER_S

_Noreturn void c_start(const struct bare_boot_info *info, uint32_t cpu);
extern volatile _Atomic uint32_t irq_counts[256]; /* start.S writes it */

/* TRUST: the monitor's page, constant once we run. */
static const struct bare_boot_info *const boot = (void *)MAP_BOOT_INFO_GPA;
static uint64_t tsc_to_ns; /* nanoseconds a tick, 32.32 fixed point */
/* What sleep_ns() waits for: a vector nobody raises. */
#define VECTOR_NOBODY 0xfe

__attribute__((weak)) void app_cpu(uint32_t cpu)
{
	(void)cpu;
}

uint32_t cpus_nr(void)
{
	return boot->cpus_nr;
}

uint64_t ram_len(void)
{
	return boot->ram_len;
}

uint64_t now_ns(void)
{
	unsigned __int128 ticks = __builtin_ia32_rdtsc();

	return (uint64_t)(ticks * tsc_to_ns >> 32);
}

uint32_t irq_count(uint32_t vector)
{
	return load_acquire(&irq_counts[vector & 0xff]);
}

static void sys_wait(uint32_t vector, uint32_t seen, uint32_t ticks,
		     uint32_t timer_seen)
{
	uint64_t nr = SYS_WAIT;

	__asm__ __volatile__("int3"
			     : "+a"(nr)
			     : "D"((uint64_t)vector), "S"(seen), "d"(ticks),
			       "c"(timer_seen)
			     : "memory", "cc");
}

int irq_wait(uint32_t vector, uint32_t seen, uint64_t timeout_ns)
{
	uint64_t now = now_ns();
	uint64_t deadline = timeout_ns > UINT64_MAX - now ? UINT64_MAX
							  : now + timeout_ns;

	for (;;) {
		uint64_t left, ticks;
		uint32_t timer_seen;

		if (irq_count(vector) != seen)
			return 0;
		now = now_ns();
		if (now >= deadline)
			return -1;
		left = deadline - now;
		if (left > WAIT_SLICE_NS)
			left = WAIT_SLICE_NS;
		/* At least one tick: 0 would mean no timer. */
		ticks = left * (boot->lapic_timer_hz / 1000) / 1000000 + 1;
		timer_seen = irq_count(VECTOR_TIMER);
		sys_wait(vector, seen, (uint32_t)ticks, timer_seen);
	}
}

void sleep_ns(uint64_t ns)
{
	(void)irq_wait(VECTOR_NOBODY, irq_count(VECTOR_NOBODY), ns);
}

_Noreturn void vm_exit(uint32_t status)
{
	for (;;)
		port_out32(BARE_PORT_EXIT, status);
}

/* The monitor reads the request from RAM, so it must be there by then; the
 * clobber in port_out32() sees to it. */
static int64_t hypercall(uint32_t call, uint64_t arg0, uint64_t arg1)
{
	_Alignas(8) volatile struct bare_request request = {
		.call = call, .args = { arg0, arg1 }, .result = BARE_EINVAL
	};

	/* TRUST: identity-mapped and below 4 GiB, as all guest RAM is. */
	port_out32(BARE_PORT_HYPERCALL, (uint32_t)(uintptr_t)&request);
	return request.result;
}

void vm_report(const char *key, uint64_t value)
{
	(void)hypercall(BARE_CALL_REPORT, (uintptr_t)key, value);
}

void vm_counters(struct bare_counters *counters)
{
	(void)hypercall(BARE_CALL_COUNTERS, (uintptr_t)counters, 0);
}

void console_write(const void *buf, size_t len)
{
	const uint8_t *at = buf;

	while (len) {
		size_t part = len < BARE_CONSOLE_MAX_LEN ? len
							 : BARE_CONSOLE_MAX_LEN;

		(void)hypercall(BARE_CALL_CONSOLE, (uintptr_t)at, part);
		at += part;
		len -= part;
	}
}

/* argv[] over the words of the boot information. */
static int args_split(char **argv)
{
	const char *at = boot->args, *end = boot->args + boot->args_len;
	int argc = 0;

	argv[argc++] = (char *)boot->name;
	while (at < end && argc < ARGS_MAX) {
		argv[argc++] = (char *)at;
		at += strlen(at) + 1;
	}
	argv[argc] = NULL;
	return argc;
}

_Noreturn void c_start(const struct bare_boot_info *info, uint32_t cpu)
{
	static char *argv[ARGS_MAX + 1];

	/* A monitor of another version may mean anything by the rest. */
	if (info->magic != BARE_BOOT_MAGIC ||
	    info->version != BARE_BOOT_VERSION)
		vm_exit(255);
	/* Every vCPU writes the same value; any may be first. */
	tsc_to_ns = (NS_PER_S << 32) / (info->tsc_hz ? info->tsc_hz : NS_PER_S);
	if (cpu) {
		app_cpu(cpu);
		for (;;)
			sys_wait(VECTOR_NOBODY, irq_count(VECTOR_NOBODY), 0,
				 irq_count(VECTOR_TIMER));
	}
	vm_exit((uint32_t)app_main(args_split(argv), argv));
}
