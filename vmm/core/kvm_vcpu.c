/* SPDX-License-Identifier: MIT */
/* kvm_vcpu.c - the vCPU half of the KVM room (kvm.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "vmm/core/kvm.h"
#include "vmm/core/kvm_private.h"
#include "vmm/core/x86.h"

#define CPUID_ENTRIES_MAX 256
#define CPUID1_ECX_XSAVE  (1u << 26)
/* KVM leaves this bit to the monitor. An operating system looks for KVM's
 * clock only where it is set. */
#define CPUID1_ECX_HYPERVISOR (1u << 31)
/* AMX state needs a permission of the process and 8 KiB a vCPU: left out. */
#define XCR0_NOT_OFFERED (3ull << 17)

static const struct kvm_cpuid_entry2 *
cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function &&
		    cpuid->entries[i].index == index)
			return &cpuid->entries[i];
	return NULL;
}

/* What KVM supports, with this vCPU's APIC id where CPUID shows it. */
static int vcpu_set_cpuid(struct kvm_vcpu *vcpu, const struct kvm_vm *vm,
			  uint32_t id)
{
	const struct kvm_cpuid_entry2 *leaf;
	struct kvm_cpuid2 *cpuid;
	int err = 0;

	cpuid = calloc(1, sizeof(*cpuid) +
				  CPUID_ENTRIES_MAX * sizeof(*cpuid->entries));
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = CPUID_ENTRIES_MAX;
	if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid)) {
		err = -errno;
		goto out;
	}
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 1) {
			e->ebx = (e->ebx & 0x00ffffff) | id << 24;
			e->ecx |= vm->is_pc ? CPUID1_ECX_HYPERVISOR : 0;
		}
		if (e->function == 0xb || e->function == 0x1f)
			e->edx = id;
	}
	leaf = cpuid_find(cpuid, 1, 0);
	if (leaf && leaf->ecx & CPUID1_ECX_XSAVE) {
		leaf = cpuid_find(cpuid, 0xd, 0);
		if (leaf)
			vcpu->xcr0 = ((uint64_t)leaf->edx << 32 | leaf->eax) &
				     ~XCR0_NOT_OFFERED;
	}
	if (ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid))
		err = -errno;
out:
	free(cpuid);
	return err;
}

int kvm_vcpu_create(struct kvm_vm *vm, uint32_t id, struct kvm_vcpu **out)
{
	struct kvm_vcpu *vcpu;
	void *run;
	int err;

	vcpu = malloc(sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	*vcpu = (struct kvm_vcpu){ .fd = -1, .run_len = vm->run_len };

	vcpu->fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd < 0) {
		err = -errno;
		goto fail;
	}
	run = mmap(NULL, (size_t)vcpu->run_len, PROT_READ | PROT_WRITE,
		   MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED) {
		err = -errno;
		goto fail;
	}
	vcpu->run = run;
	err = vcpu_set_cpuid(vcpu, vm, id);
	if (err)
		goto fail;
	*out = vcpu;
	return 0;

fail:
	kvm_vcpu_destroy(vcpu);
	return err;
}

void kvm_vcpu_destroy(struct kvm_vcpu *vcpu)
{
	if (!vcpu)
		return;
	if (vcpu->run)
		munmap(vcpu->run, (size_t)vcpu->run_len);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	free(vcpu);
}

/* Limits and bases do not count in 64-bit mode, but VMX checks their
 * consistency at entry (Intel SDM vol. 3, 26.3.1.2). */
void kvm_flat_segments(struct kvm_sregs *sregs, bool is_long)
{
	struct kvm_segment code = {
		.selector = 0x08,
		.limit = 0xffffffff,
		.type = 11, /* execute, read, accessed */
		.present = 1,
		.s = 1,
		.l = is_long,
		.db = !is_long,
		.g = 1,
	};
	struct kvm_segment data = code;

	data.selector = 0x10;
	data.type = 3; /* read, write, accessed */
	data.l = 0;
	data.db = 1;
	sregs->cs = code;
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
}

int kvm_vcpu_set_long_mode(struct kvm_vcpu *vcpu,
			   const struct kvm_long_state *state)
{
	struct kvm_mp_state runnable = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_regs regs = {
		.rip = state->rip,
		.rdi = state->rdi,
		.rsi = state->rsi,
		.rflags = RFLAGS_FIXED,
	};
	struct kvm_xcrs xcrs = {
		.nr_xcrs = 1,
		.xcrs[0] = { .xcr = 0, .value = vcpu->xcr0 },
	};
	struct kvm_sregs sregs;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs))
		return -errno;
	kvm_flat_segments(&sregs, true);
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = state->cr3;
	sregs.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT |
		    (vcpu->xcr0 ? CR4_OSXSAVE : 0);
	sregs.efer = EFER_LME | EFER_LMA;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs))
		return -errno;
	if (vcpu->xcr0 && ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs))
		return -errno;
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs))
		return -errno;
	/* Secondary vCPUs wait for a start-up IPI after reset; ours all start
	 * at the entry point (shm/bare_abi.h). */
	if (ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable))
		return -errno;
	return 0;
}

uint64_t kvm_vcpu_tsc_hz(struct kvm_vcpu *vcpu)
{
	int khz = ioctl(vcpu->fd, KVM_GET_TSC_KHZ, 0);

	return khz > 0 ? (uint64_t)khz * 1000 : 0;
}

int kvm_vcpu_run(struct kvm_vcpu *vcpu)
{
	int err;

	if (!ioctl(vcpu->fd, KVM_RUN, 0))
		return 0;
	err = -errno;
	return err == -EAGAIN ? -EINTR : err;
}

struct kvm_run *kvm_vcpu_run_page(struct kvm_vcpu *vcpu)
{
	return vcpu->run;
}

/* The kernel reads it; a signal handler and another thread may write it. */
static void set_immediate_exit(struct kvm_vcpu *vcpu, __u8 value)
{
	store_relaxed((_Atomic __u8 *)&vcpu->run->immediate_exit, value);
}

void kvm_vcpu_kick(struct kvm_vcpu *vcpu)
{
	set_immediate_exit(vcpu, 1);
}

void kvm_vcpu_unkick(struct kvm_vcpu *vcpu)
{
	set_immediate_exit(vcpu, 0);
}

static int stat_read(int fd, const char *name, uint64_t *value)
{
	struct kvm_stats_header header;
	size_t desc_len;
	char *desc;
	int err = -ENOENT;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.name_size > 256)
		return -EIO;
	desc_len = sizeof(struct kvm_stats_desc) + header.name_size;
	desc = malloc(desc_len);
	if (!desc)
		return -ENOMEM;
	for (uint32_t i = 0; i < header.num_desc; i++) {
		const struct kvm_stats_desc *d = (void *)desc;
		off_t at = header.desc_offset + (off_t)(i * desc_len);

		if (pread(fd, desc, desc_len, at) != (ssize_t)desc_len) {
			err = -EIO;
			break;
		}
		if (strncmp(d->name, name, header.name_size) != 0)
			continue;
		at = header.data_offset + (off_t)d->offset;
		err = pread(fd, value, sizeof(*value), at) == sizeof(*value)
			      ? 0
			      : -EIO;
		break;
	}
	free(desc);
	return err;
}

int kvm_vcpu_stat(struct kvm_vcpu *vcpu, const char *name, uint64_t *value)
{
	int fd = ioctl(vcpu->fd, KVM_GET_STATS_FD, NULL);
	int err;

	if (fd < 0)
		return errno == ENOTTY ? -ENOTSUP : -errno;
	err = stat_read(fd, name, value);
	close(fd);
	return err;
}
