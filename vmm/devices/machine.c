/* SPDX-License-Identifier: MIT */
/*
 * machine.c - which parts does the computer have?
 *
 * The only file that decides it: machine_create() reads as the list.
 */
#include "vmm/devices/machine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "shm/memory_map.h"
#include "vmm/core/log.h"
#include "vmm/devices/console.h"
#include "vmm/devices/hypercall.h"
#include "vmm/devices/ivshmem.h"
#include "vmm/devices/pci.h"

#define FOUR_GIB 0x100000000ull

enum pci_slot {
	SLOT_HOST_BRIDGE = 0,
	SLOT_IVSHMEM = 1,
	SLOT_SHARES = 2, /* and those behind it */
};
_Static_assert(SLOT_SHARES + MACHINE_SHARES_MAX <= PCI_SLOTS_NR, "a slot each");

struct machine {
	struct machine_opts opts;
	pthread_mutex_t lock; /* everything below */
	struct kvm_vm *kvm;
	struct memory memory;
	int ram_slot; /* -1: none */
	struct bus ports, mmio;
	struct pci_bus pci;
	struct pci_dev host_bridge;
	struct ivshmem *ivshmem; /* NULL: no region to show */
	struct virtio_9p *shares[MACHINE_SHARES_MAX]; /* NULL: none */
	struct console *console;
	struct hypercall hypercall;
};

static int add_ram(struct machine *machine)
{
	int err;

	err = memory_create(&machine->memory, machine->opts.ram_len);
	if (err)
		return err;
	err = kvm_slot_add(machine->kvm, 0, machine->memory.hva,
			   machine->memory.len);
	if (err < 0)
		return err;
	machine->ram_slot = err;
	/* No exits come from there; no BAR may go there. */
	return bus_add(&machine->mmio, 0, machine->memory.len, NULL, NULL);
}

/*
 * The local APIC and the pages KVM keeps for itself are inside KVM. A BAR
 * placed over them would hide them from the guest's other processors.
 */
static int keep_top_free(struct machine *machine)
{
	return bus_add(&machine->mmio, MAP_LAPIC_GPA, FOUR_GIB - MAP_LAPIC_GPA,
		       NULL, NULL);
}

/* Nothing but its identity, which is what PCI probes look for first. */
static void add_host_bridge(struct machine *machine)
{
	static const struct pci_dev_ops ops = { .bar_map = NULL };
	static const struct pci_id id = {
		.vendor = 0x8086, /* Intel 440FX */
		.device = 0x1237,
		.class_code = 0x060000,
	};

	pci_dev_init(&machine->host_bridge, "host bridge", &id, &ops, NULL);
	machine->pci.slots[SLOT_HOST_BRIDGE] = &machine->host_bridge;
}

static int add_ivshmem(struct machine *machine)
{
	const struct machine_opts *opts = &machine->opts;
	int err;

	if (!opts->region_hva)
		return 0;
	err = ivshmem_create(&machine->ivshmem,
			     &(struct ivshmem_opts){
				     .kvm = machine->kvm,
				     .mmio = &machine->mmio,
				     .stats = opts->stats,
				     .region_hva = opts->region_hva,
				     .region_len = opts->region_len,
				     .vectors_nr = opts->vectors_nr,
				     .peer_id = opts->peer_id,
			     });
	if (!err)
		machine->pci.slots[SLOT_IVSHMEM] =
			ivshmem_pci(machine->ivshmem);
	return err;
}

static int add_shares(struct machine *machine)
{
	const struct machine_opts *opts = &machine->opts;
	int err = 0;

	for (uint32_t i = 0; i < opts->shares_nr && !err; i++) {
		err = virtio_9p_create(&machine->shares[i],
				       &(struct virtio_9p_opts){
					       .kvm = machine->kvm,
					       .mmio = &machine->mmio,
					       .memory = &machine->memory,
					       .tag = opts->shares[i].tag,
					       .ops = opts->shares[i].ops,
					       .arg = opts->shares[i].arg,
				       });
		if (!err)
			machine->pci.slots[SLOT_SHARES + i] =
				virtio_9p_pci(machine->shares[i]);
	}
	return err;
}

static int add_paravirtual_ports(struct machine *machine)
{
	int err;

	err = console_create(&machine->console);
	if (err)
		return err;
	machine->hypercall = (struct hypercall){
		.memory = &machine->memory,
		.stats = machine->opts.stats,
		.console = machine->console,
		.ended = machine->opts.ended,
		.arg = machine->opts.arg,
	};
	return hypercall_init(&machine->hypercall, &machine->ports);
}

int machine_create(struct machine **out, const struct machine_opts *opts)
{
	struct machine *machine;
	int err;

	machine = malloc(sizeof(*machine));
	if (!machine)
		return -ENOMEM;
	*machine = (struct machine){ .opts = *opts, .ram_slot = -1 };
	pthread_mutex_init(&machine->lock, NULL);

	err = kvm_vm_create(&machine->kvm); /* processors' APICs included */
	if (err)
		goto fail;
	err = add_ram(machine);
	if (err)
		goto fail;
	err = keep_top_free(machine);
	if (err)
		goto fail;
	err = pci_bus_init(&machine->pci, &machine->ports);
	if (err)
		goto fail;
	add_host_bridge(machine);
	err = add_ivshmem(machine);
	if (err)
		goto fail;
	err = add_shares(machine);
	if (err)
		goto fail;
	err = add_paravirtual_ports(machine);
	if (err)
		goto fail;
	*out = machine;
	return 0;

fail:
	machine_destroy(machine);
	return err;
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	console_destroy(machine->console);
	for (uint32_t i = 0; i < MACHINE_SHARES_MAX; i++)
		virtio_9p_destroy(machine->shares[i]);
	ivshmem_destroy(machine->ivshmem);
	if (machine->ram_slot >= 0)
		kvm_slot_del(machine->kvm, machine->ram_slot);
	memory_destroy(&machine->memory);
	if (machine->kvm)
		kvm_vm_destroy(machine->kvm);
	pthread_mutex_destroy(&machine->lock);
	free(machine);
}

struct kvm_vm *machine_kvm(struct machine *machine)
{
	return machine->kvm;
}

const struct memory *machine_memory(const struct machine *machine)
{
	return &machine->memory;
}

struct console *machine_console(struct machine *machine)
{
	return machine->console;
}

struct virtio_9p *machine_share(struct machine *machine, uint32_t nr)
{
	return machine->shares[nr];
}

/* The exit's bytes to a bus access and back; both sides are little endian. */
static enum bus_result access_bytes(struct bus *bus, uint64_t addr,
				    uint32_t len, bool is_write, void *data)
{
	struct bus_access access = { .addr = addr,
				     .len = len,
				     .is_write = is_write };
	enum bus_result result;

	if (len > sizeof(access.value))
		return BUS_NOT_MINE;
	if (is_write)
		memcpy(&access.value, data, len);
	result = bus_access(bus, &access);
	if (!is_write)
		memcpy(data, &access.value, len);
	return result;
}

enum bus_result machine_pio(struct machine *machine, uint16_t port,
			    uint32_t len, uint32_t count, bool is_write,
			    void *data)
{
	enum bus_result result = BUS_NOT_MINE;
	struct hypercall_todo todo;
	uint8_t *bytes = data;

	/* Plain bytes, whatever the width: a string is one piece. */
	if (is_write && port == BARE_PORT_CONSOLE) {
		hypercall_console(&machine->hypercall, data,
				  (size_t)len * count);
		return BUS_HANDLED;
	}
	for (uint32_t i = 0; i < count; i++, bytes += len) {
		pthread_mutex_lock(&machine->lock);
		result = access_bytes(&machine->ports, port, len, is_write,
				      bytes);
		todo = hypercall_take_todo(&machine->hypercall);
		pthread_mutex_unlock(&machine->lock);

		hypercall_finish(&machine->hypercall, &todo);
		if (result == BUS_FATAL || todo.end != STATS_END_NONE)
			break;
	}
	return result;
}

enum bus_result machine_mmio(struct machine *machine, uint64_t gpa,
			     uint32_t len, bool is_write, void *data)
{
	enum bus_result result;

	pthread_mutex_lock(&machine->lock);
	result = access_bytes(&machine->mmio, gpa, len, is_write, data);
	pthread_mutex_unlock(&machine->lock);
	return result;
}

void machine_peer_vector(struct machine *machine, uint32_t peer_id,
			 uint32_t vector, int efd)
{
	static struct log_limit limit;
	int err;

	if (!machine->ivshmem)
		return;
	pthread_mutex_lock(&machine->lock);
	err = ivshmem_peer_vector(machine->ivshmem, peer_id, vector, efd);
	pthread_mutex_unlock(&machine->lock);
	if (err)
		log_limited(&limit,
			    "ivshmem: no doorbell to peer %u vector %u: %s",
			    peer_id, vector, strerror(-err));
}

void machine_peer_gone(struct machine *machine, uint32_t peer_id)
{
	if (!machine->ivshmem)
		return;
	pthread_mutex_lock(&machine->lock);
	ivshmem_peer_gone(machine->ivshmem, peer_id);
	pthread_mutex_unlock(&machine->lock);
}

void machine_own_vector(struct machine *machine, uint32_t vector, int efd)
{
	static struct log_limit limit;
	int err;

	if (!machine->ivshmem)
		return;
	pthread_mutex_lock(&machine->lock);
	err = ivshmem_own_vector(machine->ivshmem, vector, efd);
	pthread_mutex_unlock(&machine->lock);
	if (err)
		log_limited(&limit, "ivshmem: own vector %u is not used: %s",
			    vector, strerror(-err));
}

void machine_update_stats(struct machine *machine)
{
	pthread_mutex_lock(&machine->lock);
	hypercall_update_stats(&machine->hypercall);
	pthread_mutex_unlock(&machine->lock);
}
