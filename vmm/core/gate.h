/* SPDX-License-Identifier: MIT */
/*
 * gate.h - a word in shared memory by which one process holds the vCPUs of
 * another: bit N holds vCPU N.
 *
 * Who holds also has to kick the vCPU's thread out of KVM_RUN
 * (VCPU_KICK_SIGNAL); on its way back in the thread waits here.
 *
 * Threads: any. The holder and the held process each change their own bits.
 * Source:  futex(2); not FUTEX_PRIVATE_FLAG, since two processes share it.
 */
#ifndef VMM_CORE_GATE_H
#define VMM_CORE_GATE_H

#include <stdatomic.h>
#include <stdint.h>

#define GATE_CPUS_MAX 31

/* The holder: these vCPUs (a mask) shall wait. */
void gate_hold(_Atomic uint32_t *gate, uint32_t cpus_mask);
/* The holder: these may go on. */
void gate_open(_Atomic uint32_t *gate, uint32_t cpus_mask);
/* The held process: nobody waits here any more, now or later. */
void gate_break(_Atomic uint32_t *gate);
/* A vCPU's thread: wait while vCPU cpu is held. */
void gate_pass(_Atomic uint32_t *gate, uint32_t cpu);

#endif
