/* SPDX-License-Identifier: MIT */
/*
 * vm_process.h - one VM in this process, from its first byte of RAM to its
 * end: `ivlab vm`.
 *
 * Threads: call from the main thread, once; it runs the io_uring loop and one
 *          thread per vCPU, all gone on return.
 */
#ifndef VMM_LAB_VM_PROCESS_H
#define VMM_LAB_VM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/bare_abi.h"
#include "vmm/devices/machine.h"
#include "vmm/files/share.h"

/* A shared directory: a virtio 9P device with that mount tag. */
struct vm_share {
	const char *name; /* 1..VIRTIO_9P_TAG_MAX bytes */
	struct share_opts opts;
	bool fresh; /* forget the VM's own changes of before */
};

struct vm_opts {
	const char *name;
	const char *image; /* ELF64 executable */
	const char *args;  /* words for the guest */
	uint64_t memory_len;
	uint32_t cpus_nr;
	int pins[BARE_CPUS_MAX]; /* host CPU of each vCPU, -1: anywhere */
	const char *socket;	 /* ivshmem server, NULL: no shared memory */
	uint32_t vectors_nr;	 /* MSI-X vectors, 0: ivshmem-plain */
	int stats_fd;		 /* the launcher's page, -1: a private one */
	struct vm_share shares[MACHINE_SHARES_MAX];
	uint32_t shares_nr;
};

/* Exit statuses of `ivlab vm`, beside the guest's own 0..100. */
#define VM_STATUS_GUEST_MAX 100 /* a guest's larger status becomes this */
#define VM_STATUS_FAULT	    101 /* the guest died of an exception */
#define VM_STATUS_KVM	    102 /* KVM could not run it */
#define VM_STATUS_MONITOR   103 /* it never started: the reason is logged */
#define VM_STATUS_STOPPED   104 /* by SIGINT or SIGTERM */

/* Returns the process's exit status. */
int vm_process_run(const struct vm_opts *opts);

#endif
