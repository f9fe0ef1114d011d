/* SPDX-License-Identifier: MIT */
/* fake_kvm.c - what has the code under test asked of KVM? */
#include "tests/fakes/fake_kvm.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/atomic.h"

struct fake_kvm fake_kvm;

const struct kvm_need kvm_needs[] = { { 0, NULL } };

void fake_kvm_reset(void)
{
	fake_kvm = (struct fake_kvm){
		.ioeventfds_max = FAKE_IOEVENTFDS_NR,
		.gsis_max = FAKE_GSIS_NR,
	};
}

static int misuse(int err)
{
	fake_kvm.misuses_nr++;
	return err;
}

int kvm_vm_create(struct kvm_vm **out)
{
	if (fake_kvm.vm_create_err)
		return fake_kvm.vm_create_err;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	fake_kvm.vms_nr++;
	return 0;
}

int kvm_vm_create_flat(struct kvm_vm **out)
{
	return kvm_vm_create(out);
}

int kvm_vm_create_pc(struct kvm_vm **out)
{
	int err = kvm_vm_create(out);

	if (!err)
		(*out)->is_pc = true;
	return err;
}

int kvm_irq_line(struct kvm_vm *vm, uint32_t gsi, bool level)
{
	if (!vm->is_pc || gsi >= FAKE_GSI_FIRST)
		return misuse(-ENXIO);
	fake_kvm.lines = (fake_kvm.lines & ~(1u << gsi)) |
			 ((uint32_t)level << gsi);
	fake_kvm.line_sets_nr++;
	return 0;
}

void kvm_vm_destroy(struct kvm_vm *vm)
{
	if (!vm)
		return;
	for (int i = 0; i < FAKE_GSIS_NR; i++)
		fake_kvm.leftovers_nr += vm->gsis[i].used;
	fake_kvm.leftovers_nr += fake_kvm_slots_nr(vm) + vm->ioeventfds_nr;
	fake_kvm.vms_nr--;
	free(vm);
}

static bool overlaps(const struct fake_slot *slot, uint64_t gpa, uint64_t len)
{
	return slot->used && gpa < slot->gpa + slot->len &&
	       slot->gpa < gpa + len;
}

int kvm_slot_add(struct kvm_vm *vm, uint64_t gpa, void *hva, uint64_t len)
{
	struct fake_slot *slot = NULL;

	if (!len || (gpa | len | (uintptr_t)hva) % 4096 || gpa + len < gpa)
		return misuse(-EINVAL);
	if (fake_kvm.slot_add_err)
		return fake_kvm.slot_add_err;
	for (int i = FAKE_SLOTS_NR - 1; i >= 0; i--) {
		if (overlaps(&vm->slots[i], gpa, len))
			return -EEXIST;
		if (!vm->slots[i].used)
			slot = &vm->slots[i];
	}
	if (!slot)
		return -ENOSPC;
	*slot = (struct fake_slot){
		.used = true, .gpa = gpa, .len = len, .hva = hva
	};
	return (int)(slot - vm->slots);
}

int kvm_slot_del(struct kvm_vm *vm, int slot)
{
	if (slot < 0 || slot >= FAKE_SLOTS_NR || !vm->slots[slot].used)
		return misuse(-ENOENT);
	vm->slots[slot] = (struct fake_slot){ .used = false };
	return 0;
}

const struct fake_slot *fake_kvm_slot(const struct kvm_vm *vm, uint64_t gpa)
{
	for (int i = 0; i < FAKE_SLOTS_NR; i++)
		if (overlaps(&vm->slots[i], gpa, 1))
			return &vm->slots[i];
	return NULL;
}

uint32_t fake_kvm_slots_nr(const struct kvm_vm *vm)
{
	uint32_t nr = 0;

	for (int i = 0; i < FAKE_SLOTS_NR; i++)
		nr += vm->slots[i].used;
	return nr;
}

const struct fake_ioeventfd *fake_kvm_ioeventfd(const struct kvm_vm *vm,
						uint64_t gpa, uint32_t value)
{
	for (uint32_t i = 0; i < vm->ioeventfds_nr; i++)
		if (vm->ioeventfds[i].gpa == gpa &&
		    (vm->ioeventfds[i].any ||
		     vm->ioeventfds[i].datamatch == value))
			return &vm->ioeventfds[i];
	return NULL;
}

static int ioeventfd_add(struct kvm_vm *vm, struct fake_ioeventfd request)
{
	if (fake_kvm_ioeventfd(vm, request.gpa, request.datamatch))
		return misuse(-EEXIST);
	if (vm->ioeventfds_nr >= fake_kvm.ioeventfds_max)
		return -ENOSPC;
	vm->ioeventfds[vm->ioeventfds_nr++] = request;
	return 0;
}

static int ioeventfd_del(struct kvm_vm *vm, struct fake_ioeventfd request)
{
	const struct fake_ioeventfd *found;

	found = fake_kvm_ioeventfd(vm, request.gpa, request.datamatch);
	if (!found || found->efd != request.efd || found->any != request.any)
		return misuse(-ENOENT);
	vm->ioeventfds[found - vm->ioeventfds] =
		vm->ioeventfds[--vm->ioeventfds_nr];
	return 0;
}

int kvm_ioeventfd_add(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd)
{
	return ioeventfd_add(
		vm, (struct fake_ioeventfd){
			    .gpa = gpa, .datamatch = datamatch, .efd = efd });
}

int kvm_ioeventfd_del(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd)
{
	return ioeventfd_del(
		vm, (struct fake_ioeventfd){
			    .gpa = gpa, .datamatch = datamatch, .efd = efd });
}

int kvm_ioeventfd_add_any(struct kvm_vm *vm, uint64_t gpa, int efd)
{
	return ioeventfd_add(vm, (struct fake_ioeventfd){
					 .gpa = gpa, .any = true, .efd = efd });
}

int kvm_ioeventfd_del_any(struct kvm_vm *vm, uint64_t gpa, int efd)
{
	return ioeventfd_del(vm, (struct fake_ioeventfd){
					 .gpa = gpa, .any = true, .efd = efd });
}

bool fake_kvm_store32(struct kvm_vm *vm, uint64_t gpa, uint32_t value)
{
	const struct fake_ioeventfd *found = fake_kvm_ioeventfd(vm, gpa, value);
	uint64_t one = 1;

	return found && write(found->efd, &one, sizeof(one)) == sizeof(one);
}

static struct fake_gsi *gsi_of(struct kvm_vm *vm, int gsi)
{
	int i = gsi - FAKE_GSI_FIRST;

	return i >= 0 && i < FAKE_GSIS_NR && vm->gsis[i].used ? &vm->gsis[i]
							      : NULL;
}

int kvm_gsi_alloc(struct kvm_vm *vm)
{
	for (uint32_t i = 0; i < fake_kvm.gsis_max; i++) {
		if (vm->gsis[i].used)
			continue;
		vm->gsis[i] = (struct fake_gsi){ .used = true, .efd = -1 };
		return FAKE_GSI_FIRST + (int)i;
	}
	return -ENOSPC;
}

void kvm_gsi_free(struct kvm_vm *vm, int gsi)
{
	struct fake_gsi *found = gsi_of(vm, gsi);

	if (!found || found->has_irqfd)
		(void)misuse(0);
	else
		found->used = false;
}

int kvm_gsi_route_msi(struct kvm_vm *vm, int gsi, uint64_t address,
		      uint32_t data)
{
	struct fake_gsi *found = gsi_of(vm, gsi);

	if (!found)
		return misuse(-EINVAL);
	if (fake_kvm.route_err)
		return fake_kvm.route_err;
	found->routed = true;
	found->address = address;
	found->data = data;
	return 0;
}

int kvm_irqfd_add(struct kvm_vm *vm, int efd, int gsi)
{
	struct fake_gsi *found = gsi_of(vm, gsi);

	if (!found || !found->routed || found->has_irqfd)
		return misuse(-EINVAL);
	if (fake_kvm_irqfd(vm, efd))
		return -EBUSY;
	if (fake_kvm.irqfd_add_err)
		return fake_kvm.irqfd_add_err;
	found->has_irqfd = true;
	found->efd = efd;
	return 0;
}

int kvm_irqfd_del(struct kvm_vm *vm, int efd, int gsi)
{
	struct fake_gsi *found = gsi_of(vm, gsi);

	if (!found || !found->has_irqfd || found->efd != efd)
		return misuse(-ENOENT);
	found->has_irqfd = false;
	return 0;
}

const struct fake_gsi *fake_kvm_irqfd(const struct kvm_vm *vm, int efd)
{
	for (int i = 0; i < FAKE_GSIS_NR; i++)
		if (vm->gsis[i].has_irqfd && vm->gsis[i].efd == efd)
			return &vm->gsis[i];
	return NULL;
}

/* --- vCPUs ---------------------------------------------------------------- */

#define DATA_OFF 4096u /* of the data area in the run page, as in KVM */

struct kvm_vcpu {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	uint32_t at; /* in the script */
	union {
		struct kvm_run run;
		uint8_t page[DATA_OFF + FAKE_DATA_LEN];
	};
};

int kvm_vcpu_create(struct kvm_vm *vm, uint32_t id, struct kvm_vcpu **out)
{
	(void)vm;
	(void)id;
	*out = NULL;
	if (fake_kvm.vcpu_create_err)
		return fake_kvm.vcpu_create_err;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->sregs = fake_kvm.sregs;
	return 0;
}

void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	free(vcpu);
}

int kvm_vcpu_set_long_mode(struct kvm_vcpu *vcpu,
			   const struct kvm_long_state *state)
{
	(void)vcpu;
	(void)state;
	return -ENOSYS;
}

int kvm_vcpu_get_regs(struct kvm_vcpu *vcpu, struct kvm_regs *regs)
{
	*regs = vcpu->regs;
	return 0;
}

int kvm_vcpu_set_regs(struct kvm_vcpu *vcpu, const struct kvm_regs *regs)
{
	vcpu->regs = *regs;
	return 0;
}

int kvm_vcpu_get_sregs(struct kvm_vcpu *vcpu, struct kvm_sregs *sregs)
{
	*sregs = vcpu->sregs;
	return 0;
}

int kvm_vcpu_set_sregs(struct kvm_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	if (fake_kvm.set_sregs_err)
		return fake_kvm.set_sregs_err;
	vcpu->sregs = *sregs;
	return 0;
}

int kvm_vcpu_interrupt(struct kvm_vcpu *vcpu, uint8_t vector)
{
	if (!vcpu->run.ready_for_interrupt_injection || !vcpu->run.if_flag)
		return misuse(-EINVAL);
	fake_kvm.interrupts_nr++;
	fake_kvm.interrupt = vector;
	return 0;
}

uint64_t kvm_vcpu_tsc_hz(struct kvm_vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

/* Somebody kicks from another thread; the kernel would read it in its way. */
static _Atomic __u8 *kick_of(struct kvm_vcpu *vcpu)
{
	return (_Atomic __u8 *)&vcpu->run.immediate_exit;
}

static bool kicked(struct kvm_vcpu *vcpu)
{
	return load_acquire(kick_of(vcpu));
}

static void exit_set(struct kvm_vcpu *vcpu, const struct fake_exit *e)
{
	struct kvm_run *run = &vcpu->run;

	run->exit_reason = e->reason;
	memcpy(vcpu->page + DATA_OFF, e->data, FAKE_DATA_LEN);
	if (e->reason == KVM_EXIT_IO) {
		run->io.direction = e->is_write ? KVM_EXIT_IO_OUT
						: KVM_EXIT_IO_IN;
		run->io.size = e->len;
		run->io.port = e->port;
		run->io.count = e->count ? e->count : 1;
		run->io.data_offset = DATA_OFF;
	} else if (e->reason == KVM_EXIT_MMIO) {
		run->mmio.phys_addr = e->gpa;
		run->mmio.len = e->len;
		run->mmio.is_write = e->is_write;
		memcpy(run->mmio.data, e->data, sizeof(run->mmio.data));
	}
}

int kvm_vcpu_run(struct kvm_vcpu *vcpu)
{
	const struct fake_exit *e;

	if (kicked(vcpu))
		return -EINTR;
	if (vcpu->at == fake_kvm.script_nr) {
		while (!kicked(vcpu))
			sched_yield();
		return -EINTR;
	}
	e = &fake_kvm.script[vcpu->at++];
	if (e->err)
		return e->err;
	exit_set(vcpu, e);
	return 0;
}

struct kvm_run *kvm_vcpu_run_page(struct kvm_vcpu *vcpu)
{
	return &vcpu->run;
}

const uint8_t *fake_kvm_data(struct kvm_vcpu *vcpu)
{
	return vcpu->page + DATA_OFF;
}

void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	store_release(kick_of(vcpu), 1);
}

void kvm_vcpu_unkick(struct kvm_vcpu *vcpu)
{
	store_release(kick_of(vcpu), 0);
}

int kvm_vcpu_stat(struct kvm_vcpu *vcpu, const char *name, uint64_t *value)
{
	(void)vcpu;
	(void)name;
	(void)value;
	return -ENOTSUP;
}

/*
 * The rest of core/kvm.h is not for devices. It is here so that the linker
 * never fetches the real one beside this.
 */
enum kvm_kind kvm_kind(void)
{
	return KVM_KIND_NONE;
}

const char *kvm_kind_name(void)
{
	return "fake";
}

int kvm_open(int *fd)
{
	*fd = -1;
	return -ENOENT;
}

int kvm_api_version(int kvm_fd)
{
	(void)kvm_fd;
	return -ENOSYS;
}

int kvm_check_extension(int kvm_fd, long cap)
{
	(void)kvm_fd;
	(void)cap;
	return 0;
}

int kvm_has_paging32(bool *has)
{
	*has = fake_kvm.paging32;
	return 0;
}
