/* SPDX-License-Identifier: MIT */
/* cpus.c - do all vCPUs run, at the same time, each on its own stack? */
#include "shm/atomic.h"
#include "tests/guest/check.h"

static _Atomic uint32_t arrived;
static _Atomic uint64_t stacks[8];

void app_cpu(uint32_t cpu)
{
	uint64_t here;

	store_relaxed(&stacks[cpu & 7], (uintptr_t)&here);
	add_relaxed(&arrived, 1);
	/* Only vCPUs that run in parallel get past this. */
	while (load_acquire(&arrived) < cpus_nr())
		cpu_relax();
}

int app_main(int argc, char **argv)
{
	bool apart = true;

	(void)argc;
	(void)argv;
	app_cpu(0);
	for (uint32_t i = 0; i < cpus_nr(); i++)
		for (uint32_t j = 0; j < i; j++)
			apart &= stacks[i] - stacks[j] + 4096 > 8192;
	check(load_acquire(&arrived) == cpus_nr(), "all vCPUs arrived");
	check(apart, "each has its own stack");
	return (int)checks_failed;
}
