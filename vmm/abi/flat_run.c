/* SPDX-License-Identifier: MIT */
/* flat_run.c - what happens between one entry into a flat guest and the next?
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/abi/flat.h"
#include "vmm/abi/flat_private.h"
#include "vmm/abi/out.h"
#include "vmm/abi/trace.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	/* The thread may be gone by now. */
	if (clock_gettime(clock, &now))
		return 0;
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

void flat_cpu_take(struct flat_cpu *cpu)
{
	pthread_mutex_lock(&cpu->lock);
	if (pthread_getcpuclockid(pthread_self(), &cpu->clock))
		cpu->clock = CLOCK_THREAD_CPUTIME_ID;
	cpu->taken_ns = clock_ns(cpu->clock);
	pthread_mutex_unlock(&cpu->lock);
	store_relaxed(&cpu->tid, gettid());
	/* Before KVM looks at immediate_exit; pairs with flat_cpu_kick(). */
	fence_full();
}

void flat_cpu_drop(struct flat_cpu *cpu)
{
	store_relaxed(&cpu->tid, 0);
	pthread_mutex_lock(&cpu->lock);
	cpu->cpu_ns += clock_ns(cpu->clock) - cpu->taken_ns;
	cpu->taken_ns = 0;
	pthread_mutex_unlock(&cpu->lock);
}

uint64_t flat_cpu_time_ns(struct flat_cpu *cpu)
{
	uint64_t ns;

	pthread_mutex_lock(&cpu->lock);
	ns = cpu->cpu_ns;
	if (cpu->taken_ns) {
		uint64_t now_ns = clock_ns(cpu->clock);

		if (now_ns > cpu->taken_ns)
			ns += now_ns - cpu->taken_ns;
	}
	pthread_mutex_unlock(&cpu->lock);
	return ns;
}

void flat_cpu_kick(struct flat_cpu *cpu)
{
	pid_t tid;

	if (!cpu->kvm)
		return;
	pthread_mutex_lock(&cpu->lock);
	cpu->kicked = true;
	kvm_vcpu_kick(cpu->kvm);
	pthread_cond_signal(&cpu->wake);
	pthread_mutex_unlock(&cpu->lock);
	/* Either we see who has taken it, or it sees immediate_exit. A thread
	 * that is gone cannot be hit: the signal goes to a number, which
	 * within this process means nothing to anybody else. */
	fence_full();
	tid = load_relaxed(&cpu->tid);
	if (tid)
		(void)tgkill(getpid(), tid, FLAT_KICK_SIGNAL);
}

/* From now on a kick is a new one. */
static void kick_taken(struct flat_cpu *cpu)
{
	pthread_mutex_lock(&cpu->lock);
	cpu->kicked = false;
	kvm_vcpu_unkick(cpu->kvm);
	pthread_mutex_unlock(&cpu->lock);
}

static void end_as(struct flat_cpu *cpu, enum flat_end end)
{
	if (cpu->end == FLAT_RUNNING)
		cpu->end = end;
}

static void put_out(struct flat_cpu *cpu)
{
	uint32_t len = cpu->put_len;

	cpu->put_len = 0;
	if (len && cpu->out && out_stream_write(cpu->out, cpu->put, len))
		end_as(cpu, FLAT_MUTE);
}

void flat_put(struct flat_cpu *cpu, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	cpu->counters.put_bytes += len;
	while (len) {
		size_t room = FLAT_PUT_LEN - cpu->put_len;
		size_t part = len < room ? len : room;

		memcpy(cpu->put + cpu->put_len, from, part);
		cpu->put_len += (uint32_t)part;
		from += part;
		len -= part;
		if (cpu->put_len == FLAT_PUT_LEN)
			put_out(cpu);
	}
}

int flat_cpu_sleep(struct flat_cpu *cpu, uint64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / CLOCK_NS_PER_S),
		.tv_nsec = (long)(deadline_ns % CLOCK_NS_PER_S),
	};
	int err = 0;

	put_out(cpu);
	pthread_mutex_lock(&cpu->lock);
	while (!cpu->kicked && !flat_stopping(cpu->flat) && !err)
		err = deadline_ns ? pthread_cond_timedwait(&cpu->wake,
							   &cpu->lock, &until)
				  : pthread_cond_wait(&cpu->wake, &cpu->lock);
	pthread_mutex_unlock(&cpu->lock);
	kick_taken(cpu);
	if (!flat_stopping(cpu->flat))
		return 0;
	end_as(cpu, FLAT_STOPPED);
	return -ECANCELED;
}

/* --- exits --------------------------------------------------------------- */

static const struct flat_port *port_find(const struct flat_port *port,
					 const struct flat_io *io)
{
	for (; port && port->fn; port++)
		if (io->port >= port->first && io->port <= port->last &&
		    port->lens & io->len)
			return port;
	return NULL;
}

static uint32_t unclaimed_value(const struct flat *flat, uint32_t value)
{
	switch (flat->desc.unclaimed) {
	case FLAT_IN_ZERO:
		return 0;
	case FLAT_IN_ONES:
		return UINT32_MAX;
	default:
		return value;
	}
}

static void io_one(struct flat_cpu *cpu, struct flat_io *io)
{
	const struct flat_port *port = port_find(cpu->flat->desc.ports, io);
	uint32_t value = io->value;

	switch (port ? port->fn(io) : FLAT_PASS) {
	case FLAT_END:
		end_as(cpu, FLAT_DONE);
		break;
	case FLAT_PASS:
		io->value = unclaimed_value(cpu->flat, value);
		break;
	default:
		break;
	}
}

static void exit_io(struct flat_cpu *cpu, struct kvm_run *run)
{
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	struct flat_io io = {
		.cpu = cpu,
		.port = run->io.port,
		.len = run->io.size,
		.is_write = run->io.direction == KVM_EXIT_IO_OUT,
	};
	uint32_t count = run->io.count;

	*(io.is_write ? &cpu->counters.io_out : &cpu->counters.io_in) += 1;
	/* All of it happens even if the first element ends the guest: KVM has
	 * done the instruction. */
	for (uint32_t i = 0; i < count; i++, data += io.len) {
		counters_port(&cpu->counters, io.port, io.len, io.is_write);
		if (cpu->end != FLAT_RUNNING)
			continue;
		io.value = 0;
		memcpy(&io.value, data, io.len);
		io_one(cpu, &io);
		if (!io.is_write)
			memcpy(data, &io.value, io.len);
	}
}

/* Nobody has an answer to this exit. */
static void exit_fault(struct flat_cpu *cpu, const struct kvm_run *run)
{
	char text[COUNTERS_REASON_LEN];
	struct kvm_regs regs = { 0 };

	(void)kvm_vcpu_get_regs(cpu->kvm, &regs);
	end_as(cpu, FLAT_FAULT);
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		log_error("%s: shut down by a triple fault near rip 0x%llx",
			  cpu->name, regs.rip);
		break;
	case KVM_EXIT_MMIO:
		log_error("%s: %s of %u bytes at 0x%llx, where no memory is, "
			  "near rip 0x%llx",
			  cpu->name, run->mmio.is_write ? "write" : "read",
			  run->mmio.len, run->mmio.phys_addr, regs.rip);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		log_error("%s: KVM internal error %u near rip 0x%llx%s",
			  cpu->name, run->internal.suberror, regs.rip,
			  run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				  ? " (an instruction this KVM cannot emulate)"
				  : "");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		log_error("%s: KVM cannot enter the guest: hardware reason "
			  "0x%llx",
			  cpu->name,
			  run->fail_entry.hardware_entry_failure_reason);
		cpu->end = FLAT_FAILED;
		break;
	default:
		log_error("%s: unexpected exit: %s, near rip 0x%llx", cpu->name,
			  counters_reason(run->exit_reason, text), regs.rip);
		break;
	}
}

static void exit_other(struct flat_cpu *cpu, struct kvm_run *run)
{
	const struct flat_desc *desc = &cpu->flat->desc;

	switch (desc->exit ? desc->exit(cpu, run) : FLAT_PASS) {
	case FLAT_GO:
		return;
	case FLAT_END:
		end_as(cpu, FLAT_DONE);
		return;
	default:
		break;
	}
	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
		end_as(cpu, FLAT_HALTED);
		break;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_INTR:
		break;
	default:
		exit_fault(cpu, run);
		break;
	}
}

static void exit_handle(struct flat_cpu *cpu)
{
	struct kvm_run *run = kvm_vcpu_run_page(cpu->kvm);

	cpu->exit_reason = run->exit_reason;
	counters_exit(&cpu->counters, run->exit_reason);
	if (run->exit_reason == KVM_EXIT_IO)
		exit_io(cpu, run);
	else
		exit_other(cpu, run);
	put_out(cpu);
	if (cpu->flat->desc.trace)
		trace_exit(cpu->flat->desc.trace, cpu, run);
}

static enum flat_step ended(struct flat_cpu *cpu)
{
	if (cpu->out && out_stream_end(cpu->out) && cpu->end != FLAT_FAILED)
		cpu->end = FLAT_MUTE;
	if (cpu->flat->desc.ended)
		cpu->flat->desc.ended(cpu);
	return FLAT_ENDED;
}

enum flat_step flat_step(struct flat_cpu *cpu)
{
	const struct flat_desc *desc = &cpu->flat->desc;
	int err;

	if (cpu->end != FLAT_RUNNING)
		return FLAT_ENDED;
	if (flat_stopping(cpu->flat)) {
		cpu->end = FLAT_STOPPED;
		return ended(cpu);
	}
	if (desc->before_entry && desc->before_entry(cpu) == FLAT_END) {
		end_as(cpu,
		       flat_stopping(cpu->flat) ? FLAT_STOPPED : FLAT_DONE);
		put_out(cpu);
		return ended(cpu);
	}
	err = kvm_vcpu_run(cpu->kvm);
	if (err == -EINTR) {
		cpu->counters.kicks++;
		kick_taken(cpu);
		return FLAT_KICKED;
	}
	if (err) {
		log_error("%s: KVM_RUN: %s", cpu->name, strerror(-err));
		cpu->end = FLAT_FAILED;
	} else {
		exit_handle(cpu);
	}
	return cpu->end == FLAT_RUNNING ? FLAT_STEPPED : ended(cpu);
}

const char *flat_end_name(enum flat_end end)
{
	static const char *const names[] = {
		[FLAT_RUNNING] = "running", [FLAT_HALTED] = "halted",
		[FLAT_DONE] = "done",	    [FLAT_STOPPED] = "stopped",
		[FLAT_FAULT] = "fault",	    [FLAT_FAILED] = "failed",
		[FLAT_MUTE] = "mute",
	};

	return names[end];
}
