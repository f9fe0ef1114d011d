/* SPDX-License-Identifier: MIT */
/*
 * result.h - what came out of a lab run, in plain numbers.
 *
 * Filled by the launcher from the stats pages (core/stats.h) after each VM
 * has ended; read by the reports. Nothing in it points anywhere.
 * Trust: figures a guest reports about itself are passed on, not believed:
 *        nothing is computed from them but sums and rates.
 */
#ifndef VMM_LAB_RESULT_H
#define VMM_LAB_RESULT_H

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/core/stats.h"
#include "vmm/lab/labfile.h"

#define RESULT_TEXT_LEN 256
#define RESULT_UNKNOWN	UINT64_MAX

struct vm_report {
	char key[BARE_KEY_LEN];
	uint64_t value;
};

struct vm_result {
	char name[LAB_NAME_LEN];
	bool ok;
	int status; /* guest's exit status; 128 + signal; the process's */
	enum stats_end end;
	char reason[RESULT_TEXT_LEN]; /* "" when ok: why it failed */
	uint64_t exits;		      /* sum of exits_by */
	uint64_t exits_by[STATS_EXIT_NR];
	uint64_t kvm_exits; /* UINT64_MAX: KVM does not say */
	uint64_t doorbells, interrupts;
	uint64_t doorbells_slow;
	uint32_t shares_nr; /* of directories; 0: none, nor is what follows */
	uint64_t files_requests, files_read_len, files_written_len;
	uint64_t files_doorbells, files_interrupts; /* doorbells: exits */
	uint64_t cpu_ns;			    /* of its vCPUs' threads */
	uint32_t share; /* percent, as the lab file says; 0: none */
	/* While two or more wanted a CPU that it shares: its CPU time there,
	 * and that of all of them. 0: that never was. */
	uint64_t shared_ns, shared_all_ns;
	uint64_t first_run_ns; /* CLOCK_MONOTONIC; 0: it never ran */
	uint64_t kvm_setup_ns;
	struct vm_report reports[STATS_REPORTS_MAX];
	uint32_t reports_nr;
};

struct lab_result {
	int exit_code;		     /* what `ivlab run` ends with */
	char error[RESULT_TEXT_LEN]; /* "" exactly when exit_code is 0 */

	/* Over all VMs: sums, but ns is the longest. RESULT_UNKNOWN: no VM
	 * reported it. */
	uint64_t messages, bytes, mismatches;
	uint64_t ns;
	bool incomplete; /* ended before all VMs were done */
	bool timed_out;	 /* ... because launcher_opts.timeout_ns had passed */
	/* Launcher's start to the last VM's first guest instruction, and what
	 * of it that VM spent inside KVM; 0: not all ran. */
	uint64_t start_ns, start_kvm_ns;

	uint64_t region_len;
	uint64_t page_len; /* 0: the region was never made */
	bool hugepages_wanted;
	char kvm[32]; /* kvm_kind_name() */
	uint64_t quantum_ns;
	/* Where VM/SHARE is what a VM changed; "": no share of mode cow. */
	char private_dir[PATH_MAX];

	struct vm_result vms[LAB_VMS_MAX];
	uint32_t vms_nr; /* those that were started */
};

/* A result of which nothing is known yet. */
void result_init(struct lab_result *result, const struct lab *lab);
/*
 * How one VM ended. stats may be NULL (nothing known); how is what waitid()
 * said about its process. stopped: we asked it to end.
 */
void result_take_vm(struct vm_result *vm, const char *name,
		    const struct stats *stats, const siginfo_t *how,
		    bool stopped);
/*
 * Add up the VMs; launch_ns is the launcher's CLOCK_MONOTONIC start. Mismatches
 * turn a success into an error.
 */
void result_sum(struct lab_result *result, uint64_t launch_ns);
/*
 * After result_sum(), of a lab that was ended before its VMs were done: what
 * its rings told when it was, by CLOCK_MONOTONIC at stopped_ns. It stands in
 * for reports that were not made.
 */
void result_cut_short(struct lab_result *result, uint64_t messages,
		      uint64_t bytes, uint64_t stopped_ns);
/* What the VM got of a shared CPU while others wanted it, too. Only with
 * shared_all_ns above 0. */
double result_cpu_percent(const struct vm_result *vm);

/* How that percentage goes with the VM's share. */
enum result_share {
	RESULT_SHARE_KEPT,     /* or more: what others left */
	RESULT_SHARE_NONE,     /* no share, or nobody else wanted the CPU */
	RESULT_SHARE_TOO_SOON, /* over less than RESULT_SHARE_QUANTA */
	RESULT_SHARE_LEFT,     /* less: it did not want all of it */
};
#define RESULT_SHARE_QUANTA 10u /* from then on shares are right */
enum result_share result_share(const struct lab_result *result,
			       const struct vm_result *vm);
/* Set error and exit_code; the first error stays. */
__attribute__((format(printf, 3, 4))) void
result_fail(struct lab_result *result, int exit_code, const char *fmt, ...);

#endif
