/* SPDX-License-Identifier: MIT */
/*
 * ivshmem_driver.h - shm/peer.h in a bare guest: the region is BAR2, notify
 * is one store to BAR0, wait sleeps until an MSI-X interrupt.
 *
 * Threads: vCPU 0 opens and waits; any vCPU may notify.
 * Trust:   the device is the monitor's and is believed; the region is not.
 */
#ifndef GUESTS_DRIVER_IVSHMEM_DRIVER_H
#define GUESTS_DRIVER_IVSHMEM_DRIVER_H

#include <stdint.h>

#include "guests/runtime/runtime.h"
#include "shm/bare_abi.h"
#include "shm/ivshmem.h"
#include "shm/peer.h"

struct ivshmem_driver {
	struct peer peer;	 /* first: ops find the driver behind it */
	volatile uint32_t *regs; /* BAR0 */
	struct bare_counters counters;	    /* shown to the monitor */
	uint32_t seen[IVSHMEM_VECTORS_MAX]; /* irq_count() already answered */
};

/*
 * Find the nth ivshmem device, give it addresses, enable its interrupts.
 * -SHM_ENOENT: no such device; -SHM_EFULL: no address space for it;
 * -SHM_ETOOSMALL: the region reaches beyond what is mapped.
 */
int ivshmem_driver_open(struct ivshmem_driver *driver, uint32_t nth);

#endif
