/* SPDX-License-Identifier: MIT */
/* result.c - how did the VMs end, and what did they achieve together? */
#include "vmm/lab/result.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shm/atomic.h"
#include "vmm/lab/escape.h"

/* Intel SDM vol. 3, table 6-1. */
static const char *const exceptions[] = {
	[0] = "divide error",	  [1] = "debug",
	[3] = "breakpoint",	  [4] = "overflow",
	[5] = "bound range",	  [6] = "invalid opcode",
	[7] = "no FPU",		  [8] = "double fault",
	[10] = "invalid TSS",	  [11] = "segment not present",
	[12] = "stack fault",	  [13] = "general protection",
	[14] = "page fault",	  [16] = "x87 error",
	[17] = "alignment check", [18] = "machine check",
	[19] = "SIMD error",
};

static void say_fault(char *reason, const struct stats *stats)
{
	uint64_t vector = load_relaxed(&stats->fault[0]);
	const char *name = NULL;

	if (vector < sizeof(exceptions) / sizeof(*exceptions))
		name = exceptions[vector];
	snprintf(reason, RESULT_TEXT_LEN,
		 "guest fault: vector %llu (%s), error code 0x%llx, rip "
		 "0x%llx, cr2 0x%llx",
		 (unsigned long long)vector, name ? name : "no exception",
		 (unsigned long long)load_relaxed(&stats->fault[1]),
		 (unsigned long long)load_relaxed(&stats->fault[2]),
		 (unsigned long long)load_relaxed(&stats->fault[3]));
}

static void say_end(struct vm_result *vm, const struct stats *stats,
		    bool stopped)
{
	switch (vm->end) {
	case STATS_END_FAULT:
		say_fault(vm->reason, stats);
		return;
	case STATS_END_EXIT:
		snprintf(vm->reason, sizeof(vm->reason),
			 "guest ended with status %d", vm->status);
		return;
	case STATS_END_SHUTDOWN:
		snprintf(vm->reason, sizeof(vm->reason),
			 "guest shut down (triple fault)");
		return;
	case STATS_END_KVM:
		snprintf(vm->reason, sizeof(vm->reason),
			 "KVM could not go on with it");
		return;
	case STATS_END_STOPPED:
		snprintf(vm->reason, sizeof(vm->reason), "%s",
			 stopped ? "stopped" : "stopped by somebody else");
		return;
	case STATS_END_NONE:
	case STATS_END_HALTED:
		break;
	}
	snprintf(vm->reason, sizeof(vm->reason), "%s with status %d",
		 vm->end == STATS_END_NONE ? "ended before its guest ran"
					   : "halted",
		 vm->status);
}

static void take_stats(struct vm_result *vm, const struct stats *stats)
{
	uint32_t nr = load_relaxed(&stats->reports_nr);

	vm->end = (enum stats_end)load_relaxed(&stats->end);
	for (int i = 0; i < STATS_EXIT_NR; i++) {
		vm->exits_by[i] = load_relaxed(&stats->exits[i]);
		vm->exits += vm->exits_by[i];
	}
	vm->kvm_exits = load_relaxed(&stats->kvm_exits);
	vm->doorbells = load_relaxed(&stats->guest_doorbells);
	vm->interrupts = load_relaxed(&stats->guest_interrupts);
	vm->doorbells_slow = load_relaxed(&stats->doorbells_slow);
	vm->shares_nr = load_relaxed(&stats->files.shares_nr);
	vm->files_requests = load_relaxed(&stats->files.requests);
	vm->files_read_len = load_relaxed(&stats->files.read_bytes);
	vm->files_written_len = load_relaxed(&stats->files.written_bytes);
	vm->files_doorbells = load_relaxed(&stats->files.doorbells);
	vm->files_interrupts = load_relaxed(&stats->files.interrupts);
	vm->cpu_ns = stats_cpu_ns(stats);
	vm->first_run_ns = load_relaxed(&stats->first_run_ns);
	vm->kvm_setup_ns = load_relaxed(&stats->kvm_setup_ns);
	vm->reports_nr = nr < STATS_REPORTS_MAX ? nr : STATS_REPORTS_MAX;
	for (uint32_t i = 0; i < vm->reports_nr; i++) {
		const struct stats_report *report = &stats->reports[i];
		char key[ESCAPE_LEN(BARE_KEY_LEN)];

		/* A guest chose the key: it goes to terminals and JSON. */
		escape_bytes(key, report->key,
			     strnlen(report->key, BARE_KEY_LEN - 1));
		snprintf(vm->reports[i].key, BARE_KEY_LEN, "%.*s",
			 BARE_KEY_LEN - 1, key);
		vm->reports[i].value = load_relaxed(&report->value);
	}
}

void result_take_vm(struct vm_result *vm, const char *name,
		    const struct stats *stats, const siginfo_t *how,
		    bool stopped)
{
	*vm = (struct vm_result){ .kvm_exits = UINT64_MAX };
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	if (stats)
		take_stats(vm, stats);
	if (how->si_code != CLD_EXITED) {
		vm->status = 128 + how->si_status;
		snprintf(vm->reason, sizeof(vm->reason),
			 "killed by signal %d (%s)", how->si_status,
			 strsignal(how->si_status));
		return;
	}
	vm->status = how->si_status;
	if (stats && vm->end == STATS_END_EXIT)
		vm->status = (int)load_relaxed(&stats->status);
	vm->ok = how->si_status == 0 && vm->status == 0 &&
		 (vm->end == STATS_END_EXIT || vm->end == STATS_END_HALTED);
	if (!vm->ok)
		say_end(vm, stats, stopped);
}

#define SHARE_POINTS 2.0 /* decision 0007 */

/* Has any VM changes of its own? */
static bool has_private(const struct lab *lab)
{
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		const struct lab_vm *vm = &lab->vms[i];

		for (uint32_t j = 0; j < vm->shares_nr; j++)
			if (lab->shares[vm->shares[j]].mode == SHARE_COW)
				return true;
	}
	return false;
}

void result_init(struct lab_result *result, const struct lab *lab)
{
	*result = (struct lab_result){ .messages = RESULT_UNKNOWN,
				       .bytes = RESULT_UNKNOWN,
				       .mismatches = RESULT_UNKNOWN,
				       .ns = RESULT_UNKNOWN,
				       .region_len = lab->region_len,
				       .hugepages_wanted = lab->hugepages,
				       .quantum_ns = lab->quantum_ns };
	if (has_private(lab))
		snprintf(result->private_dir, sizeof(result->private_dir), "%s",
			 lab->private_dir);
}

static uint64_t figure(const struct vm_result *vm, const char *key)
{
	for (uint32_t i = 0; i < vm->reports_nr; i++)
		if (strcmp(vm->reports[i].key, key) == 0)
			/* A guest may report any number, that one too. */
			return vm->reports[i].value < RESULT_UNKNOWN
				       ? vm->reports[i].value
				       : RESULT_UNKNOWN - 1;
	return RESULT_UNKNOWN;
}

/* Stops below RESULT_UNKNOWN. */
static void add(uint64_t *sum, uint64_t value)
{
	if (value == RESULT_UNKNOWN)
		return;
	if (*sum == RESULT_UNKNOWN)
		*sum = value;
	else if (value < RESULT_UNKNOWN - *sum)
		*sum += value;
	else
		*sum = RESULT_UNKNOWN - 1;
}

void result_sum(struct lab_result *result, uint64_t launch_ns)
{
	const struct vm_result *last = NULL;
	bool all_ran = true;

	for (uint32_t i = 0; i < result->vms_nr; i++) {
		const struct vm_result *vm = &result->vms[i];
		uint64_t ns = figure(vm, "ns");

		add(&result->messages, figure(vm, "messages"));
		add(&result->bytes, figure(vm, "bytes"));
		add(&result->mismatches, figure(vm, "mismatches"));
		if (ns != RESULT_UNKNOWN &&
		    (result->ns == RESULT_UNKNOWN || ns > result->ns))
			result->ns = ns;
		if (!last || vm->first_run_ns > last->first_run_ns)
			last = vm;
		all_ran = all_ran && vm->first_run_ns >= launch_ns;
	}
	if (last && all_ran) {
		result->start_ns = last->first_run_ns - launch_ns;
		result->start_kvm_ns = last->kvm_setup_ns;
	}
	if (result->mismatches && result->mismatches != RESULT_UNKNOWN)
		result_fail(result, 1, "%llu messages did not match",
			    (unsigned long long)result->mismatches);
}

void result_cut_short(struct lab_result *result, uint64_t messages,
		      uint64_t bytes, uint64_t stopped_ns)
{
	uint64_t reported = 0;
	uint64_t begun_ns = 0;

	result->incomplete = true;
	add(&reported, result->messages);
	add(&reported, result->mismatches);
	/* Who reported knows better; rings do not tell wrong messages. */
	if (messages <= reported)
		return;
	result->messages = messages;
	result->bytes = bytes;
	result->ns = RESULT_UNKNOWN;
	for (uint32_t i = 0; i < result->vms_nr; i++) {
		const struct vm_result *vm = &result->vms[i];

		if (!vm->first_run_ns)
			return;
		if (vm->first_run_ns > begun_ns)
			begun_ns = vm->first_run_ns;
	}
	if (stopped_ns > begun_ns)
		result->ns = stopped_ns - begun_ns;
}

void result_fail(struct lab_result *result, int exit_code, const char *fmt, ...)
{
	va_list args;

	if (result->exit_code)
		return;
	result->exit_code = exit_code;
	va_start(args, fmt);
	vsnprintf(result->error, sizeof(result->error), fmt, args);
	va_end(args);
}

double result_cpu_percent(const struct vm_result *vm)
{
	return (double)vm->shared_ns * 100 / (double)vm->shared_all_ns;
}

enum result_share result_share(const struct lab_result *result,
			       const struct vm_result *vm)
{
	if (!vm->share || !vm->shared_all_ns)
		return RESULT_SHARE_NONE;
	if (vm->shared_all_ns < RESULT_SHARE_QUANTA * result->quantum_ns)
		return RESULT_SHARE_TOO_SOON;
	return result_cpu_percent(vm) < vm->share - SHARE_POINTS
		       ? RESULT_SHARE_LEFT
		       : RESULT_SHARE_KEPT;
}
