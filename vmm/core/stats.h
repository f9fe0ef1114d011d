/* SPDX-License-Identifier: MIT */
/*
 * stats.h - the page a VM process counts in and its launcher looks at.
 *
 * The launcher makes it (a sealed memfd), the VM process maps it through an
 * inherited fd. Watching costs the watched nothing: no message, no lock.
 *
 * Writers: the VM process only, each word one thread (vCPU counters are
 *          added with relaxed atomics since a VM may have several vCPUs).
 *          But the launcher holds vCPUs by the gate.
 * Trust:   the launcher takes the page as the word of its own child; strings
 *          are bounded on reading all the same. Figures named guest_* are
 *          what the guest says of itself.
 */
#ifndef VMM_CORE_STATS_H
#define VMM_CORE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/bare_abi.h"

#define STATS_MAGIC	  0x7374617473766c69ull
#define STATS_VERSION	  3u
#define STATS_REPORTS_MAX 32
#define STATS_PAGE_LEN	  4096

enum stats_state {
	STATS_STARTING = 0,
	STATS_RUNNING = 1, /* the first vCPU entered its guest */
	STATS_ENDED = 2,
};

/* Why a VM ended. */
enum stats_end {
	STATS_END_NONE = 0,
	STATS_END_EXIT,	    /* the guest used its exit port */
	STATS_END_FAULT,    /* the guest reported an exception */
	STATS_END_SHUTDOWN, /* triple fault: KVM_EXIT_SHUTDOWN */
	STATS_END_KVM,	    /* KVM refused: internal error, failed entry */
	STATS_END_STOPPED,  /* asked to: signal, launcher gone */
	STATS_END_HALTED,   /* HLT with nothing that could wake it */
};

enum stats_exit {
	STATS_EXIT_IO,
	STATS_EXIT_MMIO,
	STATS_EXIT_HLT,
	STATS_EXIT_SIGNAL, /* KVM_RUN interrupted */
	STATS_EXIT_OTHER,
	STATS_EXIT_NR,
};

struct stats_report {
	char key[BARE_KEY_LEN];
	_Atomic uint64_t value;
};

/* What went through the devices of all shares. */
struct stats_files {
	_Atomic uint32_t shares_nr; /* 0: there are none, nor is the rest */
	_Atomic uint64_t requests, read_bytes, written_bytes;
	/* Stores to doorbells, each an exit; interrupts that were sent. */
	_Atomic uint64_t doorbells, interrupts;
};

struct stats {
	uint64_t magic;
	uint32_t version;
	_Atomic uint32_t state;	  /* enum stats_state */
	_Atomic uint32_t end;	  /* enum stats_end */
	_Atomic uint32_t status;  /* the guest's exit status */
	_Atomic uint32_t peer_id; /* as given by the server, or UINT32_MAX */
	_Atomic uint32_t reports_nr;

	/* CLOCK_MONOTONIC ns: process start, and just before the first KVM_RUN.
	 */
	_Atomic uint64_t main_ns;
	_Atomic uint64_t first_run_ns;
	/* ns spent inside KVM ioctls between the two. */
	_Atomic uint64_t kvm_setup_ns;

	_Atomic uint64_t exits[STATS_EXIT_NR]; /* returns of KVM_RUN */
	/* All exits of the hardware guest, in-kernel ones too; UINT64_MAX: KVM
	 * does not say. Taken when the VM ends. */
	_Atomic uint64_t kvm_exits;
	/* Doorbells that came by way of an exit (no ioeventfd matched). */
	_Atomic uint64_t doorbells_slow;
	_Atomic uint64_t guest_doorbells;
	_Atomic uint64_t guest_interrupts;
	_Atomic uint64_t console_bytes;
	_Atomic uint64_t fault[4]; /* vector, error code, rip, cr2 */

	/* Each vCPU's thread: its id, 0: none now; its CPU time, brought up to
	 * date every 100 ms and when it ends. */
	_Atomic uint32_t cpu_tid[BARE_CPUS_MAX];
	_Atomic uint64_t cpu_ns[BARE_CPUS_MAX];
	_Atomic uint32_t gate; /* core/gate.h */

	struct stats_files files;

	struct stats_report reports[STATS_REPORTS_MAX];
};
_Static_assert(sizeof(struct stats) <= STATS_PAGE_LEN, "one page");

/* Make a sealed stats memfd (*fd, close-on-exec) and map it. */
int stats_create(struct stats **out, int *fd);
/* Map the page behind fd. -EINVAL: not such a page. Does not close fd. */
int stats_map(struct stats **out, int fd);
/* NULL is fine. */
void stats_unmap(struct stats *stats);

/*
 * Set figure key (NUL-terminated within BARE_KEY_LEN) to value.
 * One writer thread at a time. 0, or -ENOSPC with STATS_REPORTS_MAX others.
 */
int stats_report_set(struct stats *stats, const char *key, uint64_t value);
/* The figure, or `otherwise` when the guest never reported it. */
uint64_t stats_report_get(const struct stats *stats, const char *key,
			  uint64_t otherwise);

/* Sum of exits[]. */
uint64_t stats_exits(const struct stats *stats);
/* Sum of cpu_ns[]. */
uint64_t stats_cpu_ns(const struct stats *stats);
const char *stats_end_name(enum stats_end end);

#endif
