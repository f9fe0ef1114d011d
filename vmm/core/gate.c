/* SPDX-License-Identifier: MIT */
/* gate.c - how does a vCPU wait until another process lets it run? */
#include "vmm/core/gate.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/atomic.h"

#define BROKEN (1u << GATE_CPUS_MAX)

static void wake_all(_Atomic uint32_t *gate)
{
	(void)syscall(SYS_futex, gate, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void gate_hold(_Atomic uint32_t *gate, uint32_t cpus_mask)
{
	or_relaxed(gate, cpus_mask & ~BROKEN);
}

void gate_open(_Atomic uint32_t *gate, uint32_t cpus_mask)
{
	and_relaxed(gate, ~cpus_mask | BROKEN);
	wake_all(gate);
}

void gate_break(_Atomic uint32_t *gate)
{
	or_relaxed(gate, BROKEN);
	wake_all(gate);
}

void gate_pass(_Atomic uint32_t *gate, uint32_t cpu)
{
	uint32_t held = 1u << cpu;
	uint32_t now;

	/* The kernel compares again before it sleeps, so a change in between
	 * is not missed; a signal only makes us look once more. */
	while (((now = load_acquire(gate)) & (held | BROKEN)) == held)
		(void)syscall(SYS_futex, gate, FUTEX_WAIT, now, NULL, NULL, 0);
}
