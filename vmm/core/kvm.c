/* SPDX-License-Identifier: MIT */
/* kvm.c - how a VM is asked of the kernel. No other file issues KVM ioctls. */
#include "vmm/core/kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shm/memory_map.h"
#include "vmm/core/kvm_private.h"
#include "vmm/core/log.h"

#define PIC_PINS_NR    8
#define IOAPIC_PINS_NR 24

const struct kvm_need kvm_needs[] = {
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ" },
	{ 0, NULL },
};

static bool module_loaded(const char *path)
{
	return access(path, F_OK) == 0;
}

enum kvm_kind kvm_kind(void)
{
	if (access(KVM_DEVICE_PATH, F_OK))
		return KVM_KIND_NONE;
	if (module_loaded("/sys/module/kvm_intel") ||
	    module_loaded("/sys/module/kvm_amd"))
		return KVM_KIND_HARDWARE;
	if (module_loaded("/sys/module/kvm_pvm"))
		return KVM_KIND_SOFTWARE;
	return KVM_KIND_UNKNOWN;
}

const char *kvm_kind_name(void)
{
	switch (kvm_kind()) {
	case KVM_KIND_HARDWARE:
		return module_loaded("/sys/module/kvm_intel") ? "kvm-intel"
							      : "kvm-amd";
	case KVM_KIND_SOFTWARE:
		return "kvm-pvm (software)";
	case KVM_KIND_NONE:
		return "none";
	default:
		return "unknown";
	}
}

int kvm_open(int *fd)
{
	*fd = open(KVM_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

int kvm_api_version(int kvm_fd)
{
	return ioctl(kvm_fd, KVM_GET_API_VERSION, 0);
}

int kvm_check_extension(int kvm_fd, long cap)
{
	int answer = ioctl(kvm_fd, KVM_CHECK_EXTENSION, cap);

	return answer < 0 ? 0 : answer;
}

static int check_needs(int kvm_fd)
{
	int version = kvm_api_version(kvm_fd);
	int err = 0;

	if (version != KVM_API_VERSION) {
		log_error("%s speaks API version %d, ivlab needs %d",
			  KVM_DEVICE_PATH, version, KVM_API_VERSION);
		return -ENOTSUP;
	}
	for (const struct kvm_need *need = kvm_needs; need->name; need++) {
		if (kvm_check_extension(kvm_fd, need->cap))
			continue;
		log_error("this KVM lacks %s; see ivlab doctor", need->name);
		err = -ENOTSUP;
	}
	return err;
}

/* The pins KVM routes by default; SET_GSI_ROUTING replaces all of them. */
static void routes_init(struct kvm_vm *vm)
{
	for (uint32_t gsi = 0; gsi < IOAPIC_PINS_NR; gsi++) {
		struct kvm_irq_routing_entry *e;

		if (gsi < 2 * PIC_PINS_NR) {
			e = &vm->routes[vm->routes_nr++];
			e->gsi = gsi;
			e->type = KVM_IRQ_ROUTING_IRQCHIP;
			e->u.irqchip.irqchip = gsi < PIC_PINS_NR
						       ? KVM_IRQCHIP_PIC_MASTER
						       : KVM_IRQCHIP_PIC_SLAVE;
			e->u.irqchip.pin = gsi % PIC_PINS_NR;
		}
		e = &vm->routes[vm->routes_nr++];
		e->gsi = gsi;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = gsi;
	}
}

static int vm_create(struct kvm_vm **out, bool irqchip)
{
	uint64_t identity_gpa = MAP_KVM_IDENTITY_GPA;
	struct kvm_vm *vm;
	int err;

	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->kvm_fd = -1;
	vm->vm_fd = -1;

	err = kvm_open(&vm->kvm_fd);
	if (err) {
		log_error("%s: %s; see ivlab doctor", KVM_DEVICE_PATH,
			  strerror(-err));
		goto fail;
	}
	err = check_needs(vm->kvm_fd);
	if (err)
		goto fail;
	vm->run_len = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (vm->run_len < (int)sizeof(struct kvm_run)) {
		err = -ENOTSUP;
		goto fail;
	}
	/* A signal may interrupt it; the kernel asks for another try. */
	do {
		vm->vm_fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	} while (vm->vm_fd < 0 && errno == EINTR);
	if (vm->vm_fd < 0 ||
	    ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_gpa) ||
	    ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, MAP_KVM_TSS_GPA) ||
	    (irqchip && ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0))) {
		err = -errno;
		log_error("KVM refused to create a VM: %s", strerror(errno));
		goto fail;
	}
	if (irqchip)
		routes_init(vm);
	*out = vm;
	return 0;

fail:
	kvm_vm_destroy(vm);
	return err;
}

int kvm_vm_create(struct kvm_vm **out)
{
	return vm_create(out, true);
}

int kvm_vm_create_flat(struct kvm_vm **out)
{
	return vm_create(out, false);
}

int kvm_vm_create_pc(struct kvm_vm **out)
{
	const struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int err;

	err = vm_create(out, true);
	if (err)
		return err;
	(*out)->is_pc = true;
	if (ioctl((*out)->vm_fd, KVM_CREATE_PIT2, &pit)) {
		err = -errno;
		log_error("KVM refused to create a timer: %s", strerror(-err));
		kvm_vm_destroy(*out);
		*out = NULL;
	}
	return err;
}

void kvm_vm_destroy(struct kvm_vm *vm)
{
	if (!vm)
		return;
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	free(vm);
}

static int slot_set(struct kvm_vm *vm, uint32_t slot, uint64_t gpa, void *hva,
		    uint64_t len)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = len,
		.userspace_addr = (uintptr_t)hva,
	};

	return ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) ? -errno
								     : 0;
}

int kvm_slot_add(struct kvm_vm *vm, uint64_t gpa, void *hva, uint64_t len)
{
	for (uint32_t slot = 0; slot < KVM_SLOTS_MAX; slot++) {
		int err;

		if (vm->slot_gpa[slot].used)
			continue;
		err = slot_set(vm, slot, gpa, hva, len);
		if (err)
			return err;
		vm->slot_gpa[slot].used = true;
		vm->slot_gpa[slot].gpa = gpa;
		return (int)slot;
	}
	return -ENOSPC;
}

int kvm_slot_del(struct kvm_vm *vm, int slot)
{
	int err;

	if (slot < 0 || slot >= KVM_SLOTS_MAX || !vm->slot_gpa[slot].used)
		return -EINVAL;
	err = slot_set(vm, (uint32_t)slot, vm->slot_gpa[slot].gpa, NULL, 0);
	if (!err)
		vm->slot_gpa[slot].used = false;
	return err;
}

static int ioeventfd_set(struct kvm_vm *vm, struct kvm_ioeventfd request)
{
	return ioctl(vm->vm_fd, KVM_IOEVENTFD, &request) ? -errno : 0;
}

/* One value, 32 bits wide. */
static struct kvm_ioeventfd ioeventfd_of(uint64_t gpa, uint32_t datamatch,
					 int efd)
{
	return (struct kvm_ioeventfd){
		.datamatch = datamatch,
		.addr = gpa,
		.len = sizeof(uint32_t),
		.fd = efd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
}

int kvm_ioeventfd_add(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd)
{
	return ioeventfd_set(vm, ioeventfd_of(gpa, datamatch, efd));
}

int kvm_ioeventfd_del(struct kvm_vm *vm, uint64_t gpa, uint32_t datamatch,
		      int efd)
{
	struct kvm_ioeventfd request = ioeventfd_of(gpa, datamatch, efd);

	request.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
	return ioeventfd_set(vm, request);
}

/* Length 0 is any width; without the flag, any value. */
int kvm_ioeventfd_add_any(struct kvm_vm *vm, uint64_t gpa, int efd)
{
	return ioeventfd_set(vm,
			     (struct kvm_ioeventfd){ .addr = gpa, .fd = efd });
}

int kvm_ioeventfd_del_any(struct kvm_vm *vm, uint64_t gpa, int efd)
{
	return ioeventfd_set(
		vm,
		(struct kvm_ioeventfd){ .addr = gpa,
					.fd = efd,
					.flags = KVM_IOEVENTFD_FLAG_DEASSIGN });
}

int kvm_gsi_alloc(struct kvm_vm *vm)
{
	for (int i = 0; i < KVM_GSIS_MAX; i++) {
		if (vm->gsi_used[i])
			continue;
		vm->gsi_used[i] = true;
		return IOAPIC_PINS_NR + i;
	}
	return -ENOSPC;
}

static struct kvm_irq_routing_entry *route_find(struct kvm_vm *vm, int gsi)
{
	for (uint32_t i = 0; i < vm->routes_nr; i++)
		if (vm->routes[i].gsi == (uint32_t)gsi &&
		    vm->routes[i].type == KVM_IRQ_ROUTING_MSI)
			return &vm->routes[i];
	return NULL;
}

void kvm_gsi_free(struct kvm_vm *vm, int gsi)
{
	struct kvm_irq_routing_entry *e;
	int i = gsi - IOAPIC_PINS_NR;

	if (i < 0 || i >= KVM_GSIS_MAX)
		return;
	vm->gsi_used[i] = false;
	/* The kernel's copy keeps the stale route until the next one is set;
	 * no irqfd names it any more. */
	e = route_find(vm, gsi);
	if (e)
		*e = vm->routes[--vm->routes_nr];
}

int kvm_gsi_route_msi(struct kvm_vm *vm, int gsi, uint64_t address,
		      uint32_t data)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[KVM_ROUTES_MAX];
	} table;
	struct kvm_irq_routing_entry *e = route_find(vm, gsi);

	if (!e) {
		if (vm->routes_nr == KVM_ROUTES_MAX)
			return -ENOSPC;
		e = &vm->routes[vm->routes_nr++];
	}
	*e = (struct kvm_irq_routing_entry){
		.gsi = (uint32_t)gsi,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = (uint32_t)address,
		.u.msi.address_hi = (uint32_t)(address >> 32),
		.u.msi.data = data,
	};
	table.head = (struct kvm_irq_routing){ .nr = vm->routes_nr };
	memcpy(table.entries, vm->routes,
	       vm->routes_nr * sizeof(vm->routes[0]));
	return ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, &table) ? -errno : 0;
}

static int irqfd_set(struct kvm_vm *vm, int efd, int gsi, uint32_t flags)
{
	struct kvm_irqfd request = {
		.fd = (uint32_t)efd,
		.gsi = (uint32_t)gsi,
		.flags = flags,
	};

	return ioctl(vm->vm_fd, KVM_IRQFD, &request) ? -errno : 0;
}

int kvm_irqfd_add(struct kvm_vm *vm, int efd, int gsi)
{
	return irqfd_set(vm, efd, gsi, 0);
}

int kvm_irqfd_del(struct kvm_vm *vm, int efd, int gsi)
{
	return irqfd_set(vm, efd, gsi, KVM_IRQFD_FLAG_DEASSIGN);
}

int kvm_irq_line(struct kvm_vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level request = { .irq = gsi, .level = level };

	return ioctl(vm->vm_fd, KVM_IRQ_LINE, &request) ? -errno : 0;
}
