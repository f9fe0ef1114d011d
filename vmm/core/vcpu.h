/* SPDX-License-Identifier: MIT */
/*
 * vcpu.h - the threads that run a VM's vCPUs, and what happens at each exit.
 *
 * Threads: vcpus_start() and vcpus_stop() from the main thread; the ops are
 *          called on vCPU threads.
 */
#ifndef VMM_CORE_VCPU_H
#define VMM_CORE_VCPU_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/kvm.h"
#include "vmm/core/stats.h"

/*
 * Sent to a vCPU's thread (stats->cpu_tid) it ends the KVM_RUN under way, or
 * the next one. Before the thread enters again it passes the gate.
 */
#define VCPU_KICK_SIGNAL SIGUSR1

/* What the machine does with an exit. false: this VM must end. */
struct vcpu_ops {
	bool (*pio)(void *arg, uint16_t port, uint32_t len, uint32_t count,
		    bool is_write, void *data);
	bool (*mmio)(void *arg, uint64_t gpa, uint32_t len, bool is_write,
		     void *data);
	/*
	 * This vCPU cannot go on; called once per vCPU at most, and not when
	 * vcpus_stop() or a `false` from above ended it.
	 */
	void (*ended)(void *arg, enum stats_end why);
	void *arg;
};

struct vcpus;

struct vcpus_opts {
	struct kvm_vm *kvm;
	uint32_t cpus_nr; /* 1..BARE_CPUS_MAX */
	/* Host CPU of each vCPU's thread, -1: anywhere. */
	const int *pins;
	struct stats *stats;
	struct vcpu_ops ops;
};

/* Create the vCPUs; nothing runs yet. */
int vcpus_create(struct vcpus **out, const struct vcpus_opts *opts);
/* vCPU 0's; see kvm_vcpu_tsc_hz(). */
uint64_t vcpus_tsc_hz(const struct vcpus *vcpus);
/* Set the first state and start the threads. rsi becomes the vCPU number. */
int vcpus_start(struct vcpus *vcpus, const struct kvm_long_state *start);
/* Bring the CPU times in stats up to date. Main thread. */
void vcpus_update_stats(struct vcpus *vcpus);
/*
 * Make all threads leave the guest, wait for them, and put KVM's own exit
 * count into stats. Safe when never started, and twice.
 */
void vcpus_stop(struct vcpus *vcpus);
/* Stops first. NULL is fine. */
void vcpus_destroy(struct vcpus *vcpus);

#endif
