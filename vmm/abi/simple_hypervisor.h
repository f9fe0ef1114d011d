/* SPDX-License-Identifier: MIT */
/*
 * simple_hypervisor.h - a virtual machine step by step: what `ivlab boot
 * simple-kvm-hypervisor` does, for programs (docs/classic-guests.md; example:
 * tests/system/simple_hypervisor_example.c).
 *
 *	simple_hypervisor_create()	is there a KVM?
 *	simple_hypervisor_memory()
 *	simple_hypervisor_vcpu()	the VM with its one vCPU
 *	simple_hypervisor_load()	any number of times
 *	simple_hypervisor_show()
 *	simple_hypervisor_run()
 *	simple_hypervisor_destroy()
 *
 * Each step says what it did, or what is wrong, on stderr.
 *
 * Threads: one.
 * Errors:  0 or -errno; -EPROTO: the step before is missing.
 */
#ifndef VMM_ABI_SIMPLE_HYPERVISOR_H
#define VMM_ABI_SIMPLE_HYPERVISOR_H

#include <stddef.h>
#include <stdint.h>

struct simple_hypervisor;
struct session;

#define SIMPLE_HYPERVISOR_MB	   16u	  /* what the command takes */
#define SIMPLE_HYPERVISOR_LOAD_GPA 0x1000 /* also where the vCPU begins */
#define SIMPLE_HYPERVISOR_MB_MAX   3072u

/*
 * session: whose report shows the machine (session.h), or NULL: none; it
 * outlives this. -ENOENT, -EACCES, ...: no usable /dev/kvm; -ENOTSUP.
 */
int simple_hypervisor_create(struct simple_hypervisor **out,
			     struct session *session);
/* NULL is fine. */
void simple_hypervisor_destroy(struct simple_hypervisor *simple);

/* RAM from 0 on, 1..SIMPLE_HYPERVISOR_MB_MAX MiB. -EINVAL: another number. */
int simple_hypervisor_memory(struct simple_hypervisor *simple, uint32_t mb);
/* Real mode; CS, DS, ES and SS 0, IP 0x1000, RFLAGS 2, SP 0. */
int simple_hypervisor_vcpu(struct simple_hypervisor *simple);

/* Bytes to guest-physical gpa. -ENODATA: none; -EFBIG: they do not fit. Below
 * 0x1000, where the interrupt table and firmware data of a PC are, it warns. */
int simple_hypervisor_load(struct simple_hypervisor *simple, const void *bytes,
			   size_t len, uint64_t gpa);
/* The same with a file's bytes; also the errno of open and read. */
int simple_hypervisor_load_file(struct simple_hypervisor *simple,
				const char *path, uint64_t gpa);

/* Size of RAM, what was loaded last, and the registers. */
int simple_hypervisor_show(struct simple_hypervisor *simple);

/*
 * Enter once. 0: the guest left by HLT, a port, memory that is not there, or
 * SHUTDOWN; which, is told. -EIO: KVM could not enter it. -ECANCELED: the
 * session stopped it.
 */
int simple_hypervisor_run(struct simple_hypervisor *simple);

#endif
