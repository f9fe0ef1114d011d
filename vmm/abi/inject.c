/* SPDX-License-Identifier: MIT */
/* inject.c - may this vCPU be interrupted now, and by what? */
#include "vmm/abi/inject.h"

#include <strings.h>

#include "shm/atomic.h"

bool inject_raise(struct inject *inject, uint32_t line)
{
	uint32_t bit = 1u << line;

	return !(or_relaxed(&inject->due, bit) & bit);
}

bool inject_is_open(struct flat_cpu *cpu)
{
	return kvm_vcpu_run_page(cpu->kvm)->if_flag;
}

bool inject_begun(struct inject *inject, struct flat_cpu *cpu)
{
	inject->begun |= inject_is_open(cpu);
	return inject->begun;
}

bool inject_is_due(const struct inject *inject)
{
	return load_relaxed(&inject->due);
}

void inject_before_entry(struct inject *inject, struct flat_cpu *cpu)
{
	struct kvm_run *run = kvm_vcpu_run_page(cpu->kvm);
	uint32_t due = load_relaxed(&inject->due);

	if (due && run->if_flag && run->ready_for_interrupt_injection) {
		uint32_t line = (uint32_t)ffs((int)due) - 1;

		if (!kvm_vcpu_interrupt(cpu->kvm,
					(uint8_t)(inject->base + line))) {
			and_relaxed(&inject->due, ~(1u << line));
			due &= ~(1u << line);
			cpu->counters.interrupts++;
		}
	}
	/* With nothing due: to learn when the guest first lets interrupts. */
	run->request_interrupt_window = due || !inject_begun(inject, cpu);
}
