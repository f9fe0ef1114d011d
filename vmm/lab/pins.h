/* SPDX-License-Identifier: MIT */
/*
 * pins.h - pin = spread: a host CPU of its own for each vCPU of a lab.
 *
 * Two ends of a ring that spin on one CPU wait for each other, and the
 * kernel's scheduler likes to put a woken thread where its waker runs.
 */
#ifndef VMM_LAB_PINS_H
#define VMM_LAB_PINS_H

#include "vmm/lab/labfile.h"

/*
 * Fill pin[] of the VMs that ask for it, from the CPUs this process may use
 * and no VM of the lab names. Too few: those VMs stay unpinned.
 */
void pins_spread(struct lab *lab);

#endif
