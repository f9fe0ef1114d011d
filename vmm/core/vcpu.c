/* SPDX-License-Identifier: MIT */
/* vcpu.c - what a vCPU thread does from its first entry to its last exit. */
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/clock.h"
#include "vmm/core/gate.h"
#include "vmm/core/log.h"

struct vcpu {
	struct vcpus *all;
	struct kvm_vcpu *kvm; /* NULL: not held */
	pthread_t thread;
	bool started;
	int pin;
	uint64_t cpu_ns; /* the thread's; when it has been joined */
};

struct vcpus {
	struct vcpus_opts opts;
	_Atomic bool stopping;
	struct vcpu vcpu[BARE_CPUS_MAX];
};

_Static_assert(BARE_CPUS_MAX <= GATE_CPUS_MAX, "a bit for each");

/* Of the vCPU's thread it is read on. */
static _Thread_local struct kvm_vcpu *current;

/* A signal alone would be lost between the gate and KVM_RUN. */
static void kick_handler(int sig)
{
	(void)sig;
	if (current)
		kvm_vcpu_kick(current);
}

static void vcpu_pin(const struct vcpu *vcpu, uint32_t nr)
{
	cpu_set_t set;
	int err;

	if (vcpu->pin < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)vcpu->pin, &set);
	err = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (err)
		log_warn("vCPU %u: cannot run on host CPU %d: %s", nr,
			 vcpu->pin, strerror(err));
}

static bool exit_unknown(struct vcpu *vcpu, const struct kvm_run *run)
{
	struct kvm_regs regs = { 0 };

	(void)kvm_vcpu_get_regs(vcpu->kvm, &regs);
	switch (run->exit_reason) {
	case KVM_EXIT_SHUTDOWN:
		log_error("triple fault near rip 0x%llx", regs.rip);
		vcpu->all->opts.ops.ended(vcpu->all->opts.ops.arg,
					  STATS_END_SHUTDOWN);
		return false;
	case KVM_EXIT_INTERNAL_ERROR:
		log_error("KVM internal error %u at rip 0x%llx%s",
			  run->internal.suberror, regs.rip,
			  run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				  ? " (an instruction this KVM cannot emulate)"
				  : "");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		log_error("KVM cannot enter the guest: hardware reason 0x%llx",
			  run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		log_error("unexpected KVM exit reason %u at rip 0x%llx",
			  run->exit_reason, regs.rip);
		break;
	}
	vcpu->all->opts.ops.ended(vcpu->all->opts.ops.arg, STATS_END_KVM);
	return false;
}

static bool exit_handle(struct vcpu *vcpu)
{
	const struct vcpu_ops *ops = &vcpu->all->opts.ops;
	struct stats *stats = vcpu->all->opts.stats;
	struct kvm_run *run = kvm_vcpu_run_page(vcpu->kvm);

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		add_relaxed(&stats->exits[STATS_EXIT_IO], 1);
		return ops->pio(ops->arg, run->io.port, run->io.size,
				run->io.count,
				run->io.direction == KVM_EXIT_IO_OUT,
				(uint8_t *)run + run->io.data_offset);
	case KVM_EXIT_MMIO:
		add_relaxed(&stats->exits[STATS_EXIT_MMIO], 1);
		return ops->mmio(ops->arg, run->mmio.phys_addr, run->mmio.len,
				 run->mmio.is_write, run->mmio.data);
	case KVM_EXIT_HLT:
		/* With the in-kernel irqchip a halt that can end never exits.
		 */
		add_relaxed(&stats->exits[STATS_EXIT_HLT], 1);
		ops->ended(ops->arg, STATS_END_HALTED);
		return false;
	case KVM_EXIT_INTR:
		add_relaxed(&stats->exits[STATS_EXIT_SIGNAL], 1);
		return true;
	default:
		add_relaxed(&stats->exits[STATS_EXIT_OTHER], 1);
		return exit_unknown(vcpu, run);
	}
}

/* 0: the thread of that clock is gone. */
static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	if (clock_gettime(clock, &time))
		return 0;
	return (uint64_t)time.tv_sec * CLOCK_NS_PER_S + (uint64_t)time.tv_nsec;
}

/* Wait until it may enter the guest. false: it shall end. */
static bool vcpu_may_run(struct vcpu *vcpu, uint32_t nr)
{
	struct vcpus *all = vcpu->all;

	/* First: a kick from here on is one to leave KVM_RUN for. */
	kvm_vcpu_unkick(vcpu->kvm);
	gate_pass(&all->opts.stats->gate, nr);
	return !load_acquire(&all->stopping);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vcpus *all = vcpu->all;
	uint32_t nr = (uint32_t)(vcpu - all->vcpu);
	uint64_t unset = 0;

	vcpu_pin(vcpu, nr);
	current = vcpu->kvm;
	store_relaxed(&all->opts.stats->cpu_tid[nr], (uint32_t)gettid());
	cas_strong(&all->opts.stats->first_run_ns, &unset, clock_now_ns());
	store_relaxed(&all->opts.stats->state, STATS_RUNNING);
	while (vcpu_may_run(vcpu, nr)) {
		int err = kvm_vcpu_run(vcpu->kvm);

		if (err == -EINTR) {
			add_relaxed(&all->opts.stats->exits[STATS_EXIT_SIGNAL],
				    1);
			continue;
		}
		if (err) {
			log_error("KVM_RUN of vCPU %u: %s", nr, strerror(-err));
			all->opts.ops.ended(all->opts.ops.arg, STATS_END_KVM);
			break;
		}
		if (!exit_handle(vcpu))
			break;
	}
	store_relaxed(&all->opts.stats->cpu_tid[nr], 0);
	vcpu->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

int vcpus_create(struct vcpus **out, const struct vcpus_opts *opts)
{
	struct vcpus *vcpus;
	int err;

	if (opts->cpus_nr < 1 || opts->cpus_nr > BARE_CPUS_MAX)
		return -EINVAL;
	vcpus = calloc(1, sizeof(*vcpus));
	if (!vcpus)
		return -ENOMEM;
	vcpus->opts = *opts;
	for (uint32_t i = 0; i < opts->cpus_nr; i++) {
		vcpus->vcpu[i].all = vcpus;
		vcpus->vcpu[i].pin = opts->pins ? opts->pins[i] : -1;
		err = kvm_vcpu_create(opts->kvm, i, &vcpus->vcpu[i].kvm);
		if (err) {
			log_error("KVM cannot create vCPU %u: %s", i,
				  strerror(-err));
			goto fail;
		}
	}
	*out = vcpus;
	return 0;

fail:
	vcpus_destroy(vcpus);
	return err;
}

uint64_t vcpus_tsc_hz(const struct vcpus *vcpus)
{
	return kvm_vcpu_tsc_hz(vcpus->vcpu[0].kvm);
}

int vcpus_start(struct vcpus *vcpus, const struct kvm_long_state *start)
{
	const struct sigaction kick = { .sa_handler = kick_handler };
	struct kvm_long_state state = *start;
	sigset_t mask, old;
	int err = 0;

	if (sigaction(VCPU_KICK_SIGNAL, &kick, NULL))
		return -errno;
	/* vCPU threads take the kick and nothing else: every other signal is
	 * the main thread's. */
	sigfillset(&mask);
	sigdelset(&mask, VCPU_KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	for (uint32_t i = 0; i < vcpus->opts.cpus_nr && !err; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		state.rsi = i;
		err = kvm_vcpu_set_long_mode(vcpu->kvm, &state);
		if (!err)
			err = -pthread_create(&vcpu->thread, NULL, vcpu_main,
					      vcpu);
		vcpu->started = !err;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

void vcpus_update_stats(struct vcpus *vcpus)
{
	for (uint32_t i = 0; i < vcpus->opts.cpus_nr; i++) {
		const struct vcpu *vcpu = &vcpus->vcpu[i];
		clockid_t clock;
		uint64_t ns = 0;

		if (vcpu->started &&
		    !pthread_getcpuclockid(vcpu->thread, &clock))
			ns = clock_ns(clock);
		if (ns)
			store_relaxed(&vcpus->opts.stats->cpu_ns[i], ns);
	}
}

void vcpus_stop(struct vcpus *vcpus)
{
	uint64_t exits, sum = 0;
	bool known = true, any = false;

	store_release(&vcpus->stopping, true);
	gate_break(&vcpus->opts.stats->gate);
	for (uint32_t i = 0; i < vcpus->opts.cpus_nr; i++) {
		struct vcpu *vcpu = &vcpus->vcpu[i];

		if (!vcpu->started)
			continue;
		kvm_vcpu_kick(vcpu->kvm);
		pthread_kill(vcpu->thread, VCPU_KICK_SIGNAL);
		pthread_join(vcpu->thread, NULL);
		vcpu->started = false;
		store_relaxed(&vcpus->opts.stats->cpu_ns[i], vcpu->cpu_ns);
		any = true;
		known &= !kvm_vcpu_stat(vcpu->kvm, "exits", &exits);
		sum += known ? exits : 0;
	}
	if (any && known)
		store_relaxed(&vcpus->opts.stats->kvm_exits, sum);
}

void vcpus_destroy(struct vcpus *vcpus)
{
	if (!vcpus)
		return;
	vcpus_stop(vcpus);
	for (uint32_t i = 0; i < vcpus->opts.cpus_nr; i++)
		kvm_vcpu_destroy(vcpus->vcpu[i].kvm);
	free(vcpus);
}
