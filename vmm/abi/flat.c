/* SPDX-License-Identifier: MIT */
/* flat.c - what does a flat machine consist of, and who runs it when? */
#include "vmm/abi/flat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/atomic.h"
#include "vmm/abi/flat_private.h"
#include "vmm/abi/out.h"
#include "vmm/core/log.h"

static void kick_handler(int sig)
{
	(void)sig;
}

static int cpu_create(struct flat *flat, uint32_t nr)
{
	struct flat_cpu *cpu = &flat->cpu[nr];
	pthread_condattr_t monotonic;
	char name[FLAT_NAME_LEN + 12];
	int err;

	cpu->flat = flat;
	cpu->nr = nr;
	pthread_mutex_init(&cpu->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&cpu->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	/* From here on cpu_destroy() has something to do. */
	flat->cpus_nr = nr + 1;

	err = kvm_vcpu_create(flat->kvm, nr, &cpu->kvm);
	if (err) {
		log_error("%s: KVM cannot create vCPU %u: %s", flat->name, nr,
			  strerror(-err));
		return err;
	}
	if (flat->desc.cpus_nr == 1)
		snprintf(name, sizeof(name), "%s", flat->name);
	else
		snprintf(name, sizeof(name), "%s.%u", flat->name, nr);
	return flat_cpu_rename(cpu, name);
}

static void cpu_destroy(struct flat_cpu *cpu)
{
	out_stream_destroy(cpu->out);
	kvm_vcpu_destroy(cpu->kvm);
	pthread_cond_destroy(&cpu->wake);
	pthread_mutex_destroy(&cpu->lock);
}

static int add_ram(struct flat *flat)
{
	int err;

	err = memory_create_flat(&flat->memory, flat->desc.ram_len);
	if (!err) {
		err = kvm_slot_add(flat->kvm, 0, flat->memory.hva,
				   flat->memory.len);
		if (err >= 0)
			flat->ram_slot = err;
	}
	if (err < 0)
		log_error("%s: no RAM of %llu bytes: %s", flat->name,
			  (unsigned long long)flat->desc.ram_len,
			  strerror(-err));
	return err < 0 ? err : 0;
}

int flat_create(struct flat **out, const struct flat_desc *desc)
{
	const struct sigaction kick = { .sa_handler = kick_handler };
	struct flat *flat;
	int err;

	if (desc->cpus_nr < 1 || desc->cpus_nr > FLAT_CPUS_MAX)
		return -EINVAL;
	if (sigaction(FLAT_KICK_SIGNAL, &kick, NULL))
		return -errno;
	flat = calloc(1, sizeof(*flat));
	if (!flat)
		return -ENOMEM;
	flat->desc = *desc;
	flat->arg = desc->arg;
	flat->ram_slot = -1;
	snprintf(flat->name, sizeof(flat->name), "%s", desc->name);

	err = desc->is_pc ? kvm_vm_create_pc(&flat->kvm)
			  : kvm_vm_create_flat(&flat->kvm);
	if (err)
		goto fail;
	err = add_ram(flat);
	if (err)
		goto fail;
	for (uint32_t i = 0; i < desc->cpus_nr; i++) {
		err = cpu_create(flat, i);
		if (err)
			goto fail;
	}
	*out = flat;
	return 0;

fail:
	flat_destroy(flat);
	return err;
}

void flat_destroy(struct flat *flat)
{
	if (!flat)
		return;
	flat_stop(flat);
	flat_wait(flat);
	while (flat->cpus_nr)
		cpu_destroy(&flat->cpu[--flat->cpus_nr]);
	if (flat->ram_slot >= 0)
		kvm_slot_del(flat->kvm, flat->ram_slot);
	memory_destroy(&flat->memory);
	kvm_vm_destroy(flat->kvm);
	free(flat);
}

int flat_cpu_rename(struct flat_cpu *cpu, const char *name)
{
	struct out_stream *stream = NULL;
	int err;

	snprintf(cpu->name, sizeof(cpu->name), "%s", name);
	if (!cpu->flat->desc.out)
		return 0;
	err = out_stream_create(&stream, cpu->flat->desc.out, cpu->name);
	if (err)
		return err;
	out_stream_destroy(cpu->out);
	cpu->out = stream;
	return 0;
}

int flat_cpu_get(struct flat_cpu *cpu, struct first_state *state)
{
	int err = kvm_vcpu_get_regs(cpu->kvm, &state->regs);

	return err ? err : kvm_vcpu_get_sregs(cpu->kvm, &state->sregs);
}

int flat_cpu_set(struct flat_cpu *cpu, const struct first_state *state)
{
	int err = kvm_vcpu_set_sregs(cpu->kvm, &state->sregs);

	if (!err)
		err = kvm_vcpu_set_regs(cpu->kvm, &state->regs);
	if (err)
		log_error("%s: KVM does not take the first state: %s",
			  cpu->name, strerror(-err));
	return err;
}

static void *cpu_main(void *arg)
{
	struct flat_cpu *cpu = arg;

	flat_cpu_take(cpu);
	while (flat_step(cpu) != FLAT_ENDED)
		;
	flat_cpu_drop(cpu);
	return NULL;
}

int flat_start(struct flat *flat)
{
	for (uint32_t i = 0; i < flat->cpus_nr; i++) {
		struct flat_cpu *cpu = &flat->cpu[i];
		int err;

		err = -pthread_create(&cpu->thread, NULL, cpu_main, cpu);
		if (err) {
			log_error("%s: no thread: %s", cpu->name,
				  strerror(-err));
			flat_stop(flat);
			flat_wait(flat);
			return err;
		}
		cpu->has_thread = true;
	}
	return 0;
}

void flat_wait(struct flat *flat)
{
	for (uint32_t i = 0; i < flat->cpus_nr; i++) {
		if (!flat->cpu[i].has_thread)
			continue;
		pthread_join(flat->cpu[i].thread, NULL);
		flat->cpu[i].has_thread = false;
	}
}

void flat_stop(struct flat *flat)
{
	store_release(&flat->stopping, true);
	for (uint32_t i = 0; i < flat->cpus_nr; i++)
		flat_cpu_kick(&flat->cpu[i]);
}

bool flat_stopping(const struct flat *flat)
{
	return load_acquire(&flat->stopping);
}

uint64_t flat_time_ns(struct flat *flat)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < flat->cpus_nr; i++)
		sum += flat_cpu_time_ns(&flat->cpu[i]);
	return sum;
}
