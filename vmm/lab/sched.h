/* SPDX-License-Identifier: MIT */
/*
 * sched.h - which of the VMs on one host CPU may run next?
 *
 * The decision alone: numbers in, decisions out, no clock, no thread, no
 * system call. shares.c looks at the VMs and does what was decided.
 *
 * A member is a VM on that CPU. Of those that want the CPU, the one that is
 * owed most runs until the next look, the others are held. What they are owed
 * is counted in measured CPU time, so neither a busy host nor a look that
 * comes late changes who gets which part. A member that sleeps leaves its part
 * to the others and saves nothing up; one that takes more than its part, by
 * however clever naps, is held until it has paid back (decision 0007).
 *
 * Threads: one at a time per group.
 */
#ifndef VMM_LAB_SCHED_H
#define VMM_LAB_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/lab/labfile.h"

#define SCHED_MEMBERS_MAX LAB_VMS_MAX

/* What one member did since the last look. */
struct sched_seen {
	uint64_t ran_ns;
	uint64_t waited_ns; /* it could have run, and got no CPU */
	bool ready;	    /* it runs or waits for the CPU now */
	bool steady; /* and has not slept, whatever the times above say */
};

struct sched_member {
	uint32_t weight; /* its part of the CPU; 0: not there (any more) */
	bool wants;	 /* as of the last look, or when it was held */
	bool held;	 /* the decision: it may not run */
	double lag_ns;	 /* CPU time it is owed; below 0: it owes */

	/* While it was there and two or more wanted the CPU: what it got, what
	 * all of them got together. */
	uint64_t shared_ns, shared_all_ns;
};

struct sched_group {
	uint64_t lag_max_ns; /* more is forgotten */
	uint32_t members_nr;
	struct sched_member members[SCHED_MEMBERS_MAX];
};

/*
 * Take in what happened in the last wall_ns, seen[i] by members[i], and
 * decide. The first look of a group may see anything.
 */
void sched_look(struct sched_group *group, uint64_t wall_ns,
		const struct sched_seen *seen);

#endif
