/* SPDX-License-Identifier: MIT */
/* pins.c - which vCPU gets which host CPU? */
#include "vmm/lab/pins.h"

#include <sched.h>

void pins_spread(struct lab *lab)
{
	uint32_t wanted_nr = 0;
	cpu_set_t free_cpus;
	int cpu = -1;

	if (sched_getaffinity(0, sizeof(free_cpus), &free_cpus))
		return;
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		const struct lab_vm *vm = &lab->vms[i];

		for (uint32_t j = 0; j < vm->pin_nr; j++)
			CPU_CLR(vm->pin[j], &free_cpus);
		wanted_nr += vm->pin_spread ? vm->cpus_nr : 0;
	}
	if (wanted_nr > (uint32_t)CPU_COUNT(&free_cpus))
		return;
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		struct lab_vm *vm = &lab->vms[i];

		while (vm->pin_spread && vm->pin_nr < vm->cpus_nr) {
			do {
				cpu++;
			} while (!CPU_ISSET((size_t)cpu, &free_cpus));
			vm->pin[vm->pin_nr++] = (uint32_t)cpu;
		}
	}
}
