/* SPDX-License-Identifier: MIT */
/*
 * fake_kvm.h - core/kvm.h without a kernel: calls are checked as KVM checks
 * them and kept in tables that tests look into.
 *
 * A call that honest code never makes (deleting what is not there, a freed
 * GSI) is counted in fake_kvm.misuses_nr; tests expect 0.
 */
#ifndef TESTS_FAKES_FAKE_KVM_H
#define TESTS_FAKES_FAKE_KVM_H

#include "vmm/core/kvm.h"

#define FAKE_SLOTS_NR	   8
#define FAKE_IOEVENTFDS_NR 2048
#define FAKE_GSIS_NR	   128
#define FAKE_GSI_FIRST	   24 /* above the irqchip's pins */

struct fake_slot {
	bool used;
	uint64_t gpa, len;
	void *hva;
};

struct fake_ioeventfd {
	uint64_t gpa;
	uint32_t datamatch;
	bool any; /* any store; datamatch is 0 */
	int efd;
};

struct fake_gsi {
	bool used, routed;
	uint64_t address;
	uint32_t data;
	bool has_irqfd;
	int efd;
};

/*
 * What kvm_vcpu_run() of a vCPU answers, in order: err, or that exit of KVM.
 * Of an I/O exit data is count elements of len bytes, which an IN finds in
 * KVM's data area and an OUT brings. A script that is over behaves as a guest
 * that never leaves: it waits for a kick.
 */
#define FAKE_DATA_LEN 16
struct fake_exit {
	int err;
	uint32_t reason; /* KVM_EXIT_* */
	uint16_t port;
	uint8_t len, count; /* count 0 is 1 */
	bool is_write;
	uint64_t gpa; /* MMIO */
	uint8_t data[FAKE_DATA_LEN];
};

struct kvm_vm {
	bool is_pc;
	struct fake_slot slots[FAKE_SLOTS_NR];
	struct fake_ioeventfd ioeventfds[FAKE_IOEVENTFDS_NR];
	uint32_t ioeventfds_nr;
	struct fake_gsi gsis[FAKE_GSIS_NR];
};

/* What the next calls do, and what was seen. */
struct fake_kvm {
	int vm_create_err, slot_add_err, route_err, irqfd_add_err; /* 0: work */
	uint32_t ioeventfds_max; /* beyond it -ENOSPC */
	uint32_t gsis_max;
	const struct fake_exit *script; /* of every vCPU; NULL: empty */
	uint32_t script_nr;
	struct kvm_sregs sregs; /* of a vCPU that was reset */
	int vcpu_create_err, set_sregs_err;
	uint32_t interrupts_nr;
	uint8_t interrupt;	      /* the last one's vector */
	uint32_t lines, line_sets_nr; /* a PC's pins, a bit each */
	bool paging32;
	uint32_t vms_nr; /* alive */
	uint32_t misuses_nr;
	uint32_t leftovers_nr; /* slots, fds and GSIs of destroyed VMs */
};
extern struct fake_kvm fake_kvm;

/* The data area of a vCPU's last I/O exit, as a guest's IN would get it. */
const uint8_t *fake_kvm_data(struct kvm_vcpu *vcpu);

/* Back to a KVM where everything works. Each test begins with it. */
void fake_kvm_reset(void);

/* The slot that covers gpa, or NULL. */
const struct fake_slot *fake_kvm_slot(const struct kvm_vm *vm, uint64_t gpa);
uint32_t fake_kvm_slots_nr(const struct kvm_vm *vm);
/* NULL: none there. One for any store is also one for value. */
const struct fake_ioeventfd *fake_kvm_ioeventfd(const struct kvm_vm *vm,
						uint64_t gpa, uint32_t value);
/* The GSI whose irqfd is efd, or NULL. */
const struct fake_gsi *fake_kvm_irqfd(const struct kvm_vm *vm, int efd);
/* A guest's 32-bit store: true when an ioeventfd took it (now signalled). */
bool fake_kvm_store32(struct kvm_vm *vm, uint64_t gpa, uint32_t value);

#endif
