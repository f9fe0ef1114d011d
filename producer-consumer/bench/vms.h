/* SPDX-License-Identifier: MIT */
/* vms.h - the same loops between two bare guests, and host threads beside. */
#ifndef PRODUCER_CONSUMER_BENCH_VMS_H
#define PRODUCER_CONSUMER_BENCH_VMS_H

#include "producer-consumer/bench/machine.h"
#include "producer-consumer/bench/plan.h"
#include "producer-consumer/bench/rounds.h"
#include "producer-consumer/bench/rows.h"

/*
 * The plan's workloads for VMs: one lab a round, host threads right behind
 * it, until opts->deadline_ns. ivlab: path of the program that runs labs.
 * NULL: done; else why there are no figures, for people. Sets machine->kvm.
 */
const char *vms_run(const struct plan *plan, const struct rounds_opts *opts,
		    const char *ivlab, struct machine *machine,
		    struct rows *rows);

#endif
