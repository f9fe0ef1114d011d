/* SPDX-License-Identifier: MIT */
/* kvm_private.h - what the files kvm*.c share, and nobody else sees. */
#ifndef VMM_CORE_KVM_PRIVATE_H
#define VMM_CORE_KVM_PRIVATE_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KVM_SLOTS_MAX  64
#define KVM_GSIS_MAX   256 /* MSIs of one VM: a choice, KVM allows 4,072 */
#define KVM_ROUTES_MAX (KVM_GSIS_MAX + 40) /* 16 PIC and 24 IOAPIC pins */

struct kvm_vm {
	int kvm_fd, vm_fd;
	int run_len; /* bytes of a vCPU's struct kvm_run mapping */
	bool is_pc;
	struct {
		bool used;
		uint64_t gpa;
	} slot_gpa[KVM_SLOTS_MAX];
	bool gsi_used[KVM_GSIS_MAX];
	uint32_t routes_nr;
	struct kvm_irq_routing_entry routes[KVM_ROUTES_MAX];
};

struct kvm_vcpu {
	int fd;
	int run_len;
	struct kvm_run *run; /* NULL: not held */
	uint64_t xcr0;	     /* what CPUID offers, 0: no XSAVE */
};

/* Code 0x08 and data 0x10 from 0 to 4 GiB, for 64 or for 32 bit. */
void kvm_flat_segments(struct kvm_sregs *sregs, bool is_long);

#endif
