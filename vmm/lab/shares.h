/* SPDX-License-Identifier: MIT */
/*
 * shares.h - share = PERCENT of a lab file: the VMs pinned to one host CPU
 * divide it as they were told, whatever their guests do.
 *
 * Ten times in each quantum the launcher reads from /proc what each vCPU
 * thread ran and waited for, decides (sched.h), and holds vCPUs by the gate in
 * their stats page (core/gate.h). The VMs have no part in it.
 *
 * Threads: the launcher's, which runs the loop.
 * Source:  proc(5), /proc/PID/task/TID/stat; the kernel's
 *          Documentation/scheduler/sched-stats.rst, schedstat.
 */
#ifndef VMM_LAB_SHARES_H
#define VMM_LAB_SHARES_H

#include <stdint.h>
#include <sys/types.h>

#include "vmm/core/loop.h"
#include "vmm/core/stats.h"
#include "vmm/lab/labfile.h"

struct shares;

/*
 * *out is NULL, which all of the functions below take, when no VM of lab has
 * a share. lab and loop stay the caller's and outlive it. -ENOTSUP: this
 * kernel does not tell what threads run.
 */
int shares_create(struct shares **out, struct loop *loop,
		  const struct lab *lab);
void shares_destroy(struct shares *shares);

/* VM number vm of the lab was started; stats is its page, the caller's. */
void shares_begin(struct shares *shares, uint32_t vm, pid_t pid,
		  struct stats *stats);
/*
 * It has ended, or is about to be waited for: its part is the others'. *ns is
 * the CPU time it got while two or more wanted one of its CPUs, *all_ns what
 * all got there; both 0 if that never was.
 */
void shares_end(struct shares *shares, uint32_t vm, uint64_t *ns,
		uint64_t *all_ns);

#endif
