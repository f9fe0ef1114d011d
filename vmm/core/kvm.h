/* SPDX-License-Identifier: MIT */
/*
 * kvm.h - KVM, and nothing else: the only room that issues its ioctls.
 *
 * Threads: slots, routes, GSIs, ioeventfds and irqfds may be changed from any
 *          thread, one at a time (the machine lock, devices/machine.h).
 *          A struct kvm_vcpu belongs to the thread that runs it.
 * Errors:  0 or -errno of the ioctl.
 * Source:  Linux Documentation/virt/kvm/api.rst; section names are given.
 */
#ifndef VMM_CORE_KVM_H
#define VMM_CORE_KVM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define KVM_DEVICE_PATH "/dev/kvm"

struct kvm_vm;
struct kvm_vcpu;

/* Which implementation answers behind /dev/kvm (docs/architecture.md). */
enum kvm_kind {
	KVM_KIND_NONE,	   /* no usable /dev/kvm */
	KVM_KIND_HARDWARE, /* vmx or svm */
	KVM_KIND_SOFTWARE, /* kvm-pvm: ring 0 emulated */
	KVM_KIND_UNKNOWN,
};
enum kvm_kind kvm_kind(void);
/* "kvm-intel", "kvm-amd", "kvm-pvm (software)", "unknown". */
const char *kvm_kind_name(void);

/*
 * Open /dev/kvm for looking at it (doctor). *fd is the caller's.
 * -ENOENT, -EACCES, -EPERM, ...
 */
int kvm_open(int *fd);
int kvm_api_version(int kvm_fd);	       /* 12 is the one */
int kvm_check_extension(int kvm_fd, long cap); /* 0: absent */

/* The capabilities the monitor cannot do without; ends with name NULL. */
struct kvm_need {
	long cap;
	const char *name;
};
extern const struct kvm_need kvm_needs[];

/*
 * A VM with in-kernel irqchip and no memory.
 * -ENOTSUP: API version or a needed capability is missing (logged by name).
 */
int kvm_vm_create(struct kvm_vm **out);
/*
 * The same without irqchip: HLT is an exit, interrupts are injected by
 * kvm_vcpu_interrupt(); no GSIs and irqfds.
 */
int kvm_vm_create_flat(struct kvm_vm **out);
/*
 * A PC's: irqchip, and an i8254 with the gate and output bits of port 0x61.
 * Its timer is line 0. [KVM_CREATE_PIT2]
 */
int kvm_vm_create_pc(struct kvm_vm **out);
void kvm_vm_destroy(struct kvm_vm *vm);

/*
 * Back guest-physical [gpa, gpa+len) with hva. All multiples of 4096.
 * Returns the slot's number >= 0, or -errno. The memory stays the caller's
 * and outlives the slot. [KVM_SET_USER_MEMORY_REGION]
 */
int kvm_slot_add(struct kvm_vm *vm, uint64_t gpa, void *hva, uint64_t len);
int kvm_slot_del(struct kvm_vm *vm, int slot);

/*
 * A 32-bit store of exactly `datamatch` to gpa signals efd inside the kernel,
 * without an exit. [KVM_IOEVENTFD] -ENOSPC: the kernel's table is full.
 */
int kvm_ioeventfd_add(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd);
int kvm_ioeventfd_del(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd);
/*
 * The same for a store of any width and any value. [KVM_IOEVENTFD,
 * KVM_CAP_IOEVENTFD_ANY_LENGTH]
 */
int kvm_ioeventfd_add_any(struct kvm_vm *vm, uint64_t gpa, int efd);
int kvm_ioeventfd_del_any(struct kvm_vm *vm, uint64_t gpa, int efd);

/*
 * A GSI for one MSI, from the pool above the irqchip's pins.
 * Returns it >= 0, or -ENOSPC.
 */
int kvm_gsi_alloc(struct kvm_vm *vm);
void kvm_gsi_free(struct kvm_vm *vm, int gsi);
/* What raising gsi sends. [KVM_SET_GSI_ROUTING] */
int kvm_gsi_route_msi(struct kvm_vm *vm, int gsi, uint64_t address,
		      uint32_t data);
/* A signal on efd raises gsi, inside the kernel; also one that came before.
 * [KVM_IRQFD] */
int kvm_irqfd_add(struct kvm_vm *vm, int efd, int gsi);
int kvm_irqfd_del(struct kvm_vm *vm, int efd, int gsi);

/* Set the level of an irqchip's pin. [KVM_IRQ_LINE] */
int kvm_irq_line(struct kvm_vm *vm, uint32_t gsi, bool level);

/* id 0..; vCPU 0 is the boot processor. CPUID as KVM supports it. */
int kvm_vcpu_create(struct kvm_vm *vm, uint32_t id, struct kvm_vcpu **out);
void kvm_vcpu_destroy(struct kvm_vcpu *vcpu);

/* 64-bit state at a bare guest's first instruction (shm/bare_abi.h). */
struct kvm_long_state {
	uint64_t rip, rdi, rsi;
	uint64_t cr3;
};
int kvm_vcpu_set_long_mode(struct kvm_vcpu *vcpu,
			   const struct kvm_long_state *state);
int kvm_vcpu_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *regs);
int kvm_vcpu_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs);
int kvm_vcpu_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs);
int kvm_vcpu_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs);
/*
 * Queue an external interrupt for the next entry. Only without irqchip, and
 * only when the run page says ready_for_interrupt_injection and if_flag; else
 * set request_interrupt_window there and try again at the exit it causes.
 * -EEXIST: one is queued already. [KVM_INTERRUPT]
 */
int kvm_vcpu_interrupt(struct kvm_vcpu *vcpu, uint8_t vector);
/* TSC ticks per second as the guest sees it; 0: KVM does not say. */
uint64_t kvm_vcpu_tsc_hz(struct kvm_vcpu *vcpu);
/*
 * Enter the guest. 0: it left, see kvm_vcpu_run_page(); -EINTR: a signal or
 * kvm_vcpu_kick(). [KVM_RUN]
 */
int kvm_vcpu_run(struct kvm_vcpu *vcpu);
struct kvm_run *kvm_vcpu_run_page(struct kvm_vcpu *vcpu);
/*
 * Make every later kvm_vcpu_run() return -EINTR. The caller also sends the
 * thread a signal for the one under way; this covers the gap before KVM_RUN.
 * Any thread.
 */
void kvm_vcpu_kick(struct kvm_vcpu *vcpu);
/* The kick was noticed; the next kvm_vcpu_run() enters again. */
void kvm_vcpu_unkick(struct kvm_vcpu *vcpu);
/*
 * Does this KVM run guests with 32-bit paging? Software KVM drops CR0.PG
 * without EFER.LME in silence and its vCPU is unusable afterwards, so a
 * throw-away VM tries it. 0 or -errno when that could not be found out.
 */
int kvm_has_paging32(bool *has);
/* KVM's own counter of that name (KVM_GET_STATS_FD); -ENOENT, -ENOTSUP. */
int kvm_vcpu_stat(struct kvm_vcpu *vcpu, const char *name, uint64_t *value);

#endif
