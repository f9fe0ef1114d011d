/* SPDX-License-Identifier: MIT */
/* vm_process.c - in which order does one VM come to life and end? */
#include "vmm/lab/vm_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/atomic.h"
#include "shm/link/client.h"
#include "shm/memory_map.h"
#include "shm/pci.h"
#include "vmm/boot/bare.h"
#include "vmm/boot/elf.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"
#include "vmm/core/loop.h"
#include "vmm/core/stats.h"
#include "vmm/core/vcpu.h"
#include "vmm/devices/machine.h"
#include "vmm/lab/cmd.h"
#include "vmm/lab/console_pump.h"
#include "vmm/lab/file_share.h"

#define LINK_TIMEOUT_MS 10000
#define STATS_PERIOD_NS 100000000ull

struct vm_process {
	const struct vm_opts *opts;
	struct stats *stats;
	int stats_fd; /* -1: the page came from the launcher */
	struct loop *loop;
	int signal_fd;
	struct client *client;	 /* NULL: no link */
	struct machine *machine; /* NULL: not built yet */
	struct vcpus *vcpus;
	struct console_pump *pump;
	struct loop_watch *link_watch;
	struct file_share *shares[MACHINE_SHARES_MAX]; /* NULL: none */
	uint64_t kvm_ns;
	_Atomic bool searched; /* the guest, for devices */
};

/* The first reason counts; the loop thread does the rest. Any thread. */
static void vm_end(void *arg, enum stats_end why, uint32_t status)
{
	struct vm_process *vm = arg;
	uint32_t none = STATS_END_NONE;

	if (cas_strong(&vm->stats->end, &none, why))
		store_relaxed(&vm->stats->status, status);
	loop_stop(vm->loop, 0);
}

static void vcpu_ended(void *arg, enum stats_end why)
{
	vm_end(arg, why, 0);
}

static bool vcpu_pio(void *arg, uint16_t port, uint32_t len, uint32_t count,
		     bool is_write, void *data)
{
	struct vm_process *vm = arg;

	/* Guests of a VM without shares look for the ivshmem device. */
	if ((port & ~3u) == PCI_PORT_DATA)
		store_relaxed(&vm->searched, true);
	if (machine_pio(vm->machine, port, len, count, is_write, data) ==
	    BUS_FATAL)
		vm_end(vm, STATS_END_KVM, 0);
	return load_relaxed(&vm->stats->end) == STATS_END_NONE;
}

static bool vcpu_mmio(void *arg, uint64_t gpa, uint32_t len, bool is_write,
		      void *data)
{
	struct vm_process *vm = arg;

	if (machine_mmio(vm->machine, gpa, len, is_write, data) == BUS_FATAL)
		vm_end(vm, STATS_END_KVM, 0);
	return load_relaxed(&vm->stats->end) == STATS_END_NONE;
}

static void signal_came(void *arg, unsigned int revents)
{
	struct vm_process *vm = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(vm->signal_fd, &info, sizeof(info)) == sizeof(info))
		vm_end(vm, STATS_END_STOPPED, 0);
}

static int take_signals(struct vm_process *vm)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	vm->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (vm->signal_fd < 0)
		return -errno;
	return loop_watch_fd(vm->loop, vm->signal_fd, POLLIN, signal_came, vm,
			     NULL);
}

/* --- the link: what it tells before the machine is built, client_replay()
 * tells again ------------------------------------------------------------ */

static void link_peer_vector(void *arg, uint32_t peer_id, uint32_t vector,
			     int efd)
{
	struct vm_process *vm = arg;

	if (vm->machine)
		machine_peer_vector(vm->machine, peer_id, vector, efd);
}

static void link_own_vector(void *arg, uint32_t vector, int efd)
{
	struct vm_process *vm = arg;

	if (!vm->machine)
		return;
	/* The server may send more than the device has, as to QEMU's. */
	if (vector < vm->opts->vectors_nr)
		machine_own_vector(vm->machine, vector, efd);
	/* Ringing oneself works like ringing a peer (ivshmem specification). */
	machine_peer_vector(vm->machine, client_id(vm->client), vector, efd);
}

static void link_peer_gone(void *arg, uint32_t peer_id)
{
	struct vm_process *vm = arg;

	if (vm->machine)
		machine_peer_gone(vm->machine, peer_id);
}

static void link_server_gone(void *arg, int err)
{
	struct vm_process *vm = arg;

	log_info("the ivshmem server is gone (%s); known peers stay",
		 err == -ECONNRESET ? "closed" : strerror(-err));
	loop_watch_del(vm->loop, &vm->link_watch);
}

static void link_came(void *arg, unsigned int revents)
{
	struct vm_process *vm = arg;

	(void)revents;
	(void)client_dispatch(vm->client); /* server_gone() tells */
}

static int link_join(struct vm_process *vm)
{
	const struct client_events events = {
		.peer_vector = link_peer_vector,
		.own_vector = link_own_vector,
		.peer_gone = link_peer_gone,
		.server_gone = link_server_gone,
		.arg = vm,
	};
	int err;

	if (!vm->opts->socket)
		return 0;
	err = client_connect(&vm->client, vm->opts->socket, LINK_TIMEOUT_MS,
			     &events);
	if (err) {
		log_error("joining %s: %s", vm->opts->socket,
			  client_strerror(err));
		return err;
	}
	store_relaxed(&vm->stats->peer_id, client_id(vm->client));
	return loop_watch_fd(vm->loop, client_fd(vm->client), POLLIN, link_came,
			     vm, &vm->link_watch);
}

/* Before the machine, since a directory that is not there ends it all. */
static int open_shares(struct vm_process *vm)
{
	const struct vm_opts *opts = vm->opts;
	int err = 0;

	for (uint32_t i = 0; i < opts->shares_nr && !err; i++)
		err = file_share_create(&vm->shares[i],
					&(struct file_share_opts){
						.name = opts->shares[i].name,
						.share = opts->shares[i].opts,
						.fresh = opts->shares[i].fresh,
						.stop_fd = vm->signal_fd });
	return err;
}

static int serve_shares(struct vm_process *vm)
{
	int err = 0;

	for (uint32_t i = 0; i < vm->opts->shares_nr && !err; i++)
		err = file_share_start(vm->shares[i], vm->loop,
				       machine_share(vm->machine, i),
				       machine_memory(vm->machine));
	if (err)
		log_error("serving the shares: %s", strerror(-err));
	return err;
}

static int build_machine(struct vm_process *vm)
{
	const struct vm_opts *opts = vm->opts;
	struct machine_opts mo = {
		.ram_len = opts->memory_len,
		.stats = vm->stats,
		.ended = vm_end,
		.arg = vm,
		.vectors_nr = opts->vectors_nr,
	};
	struct vcpus_opts vo = {
		.cpus_nr = opts->cpus_nr,
		.pins = opts->pins,
		.stats = vm->stats,
		.ops = { .pio = vcpu_pio,
			 .mmio = vcpu_mmio,
			 .ended = vcpu_ended,
			 .arg = vm },
	};
	uint64_t start_ns = clock_now_ns();
	int err;

	if (vm->client) {
		mo.region_hva = client_shmem(vm->client)->hva;
		mo.region_len = client_shmem(vm->client)->len;
		mo.peer_id = client_id(vm->client);
	}
	for (uint32_t i = 0; i < opts->shares_nr; i++)
		mo.shares[i] = file_share_device(vm->shares[i]);
	mo.shares_nr = opts->shares_nr;
	err = machine_create(&vm->machine, &mo);
	if (err) {
		log_error("building the machine: %s", strerror(-err));
		return err;
	}
	if (vm->client)
		client_replay(vm->client);
	vo.kvm = machine_kvm(vm->machine);
	err = vcpus_create(&vm->vcpus, &vo);
	vm->kvm_ns += clock_now_ns() - start_ns;
	return err;
}

static int boot(struct vm_process *vm)
{
	const struct memory *memory = machine_memory(vm->machine);
	struct kvm_long_state start = { .rdi = MAP_BOOT_INFO_GPA };
	struct bare_opts bare = {
		.name = vm->opts->name,
		.args = vm->opts->args,
		.cpus_nr = vm->opts->cpus_nr,
		.tsc_hz = vcpus_tsc_hz(vm->vcpus),
	};
	struct elf_image image;
	uint64_t start_ns;
	int err;

	if (vm->client)
		bare.pci64_len =
			(client_shmem(vm->client)->len + MAP_LARGE_LEN - 1) &
			~(MAP_LARGE_LEN - 1);
	err = elf_load(vm->opts->image, memory, &image);
	if (!err)
		err = bare_prepare(memory, &bare, &start.cr3);
	if (err)
		return err;
	start.rip = image.entry_gpa;
	start_ns = clock_now_ns();
	store_relaxed(&vm->stats->kvm_setup_ns, vm->kvm_ns);
	err = vcpus_start(vm->vcpus, &start);
	if (err)
		log_error("starting the vCPUs: %s", strerror(-err));
	store_relaxed(&vm->stats->kvm_setup_ns,
		      vm->kvm_ns + clock_now_ns() - start_ns);
	return err;
}

/* The loop's thread, on which they are counted. */
static void update_files(struct vm_process *vm)
{
	struct stats_files *files = &vm->stats->files;
	struct file_share_counters sum = { 0 };

	for (uint32_t i = 0; i < vm->opts->shares_nr; i++) {
		struct file_share_counters one =
			file_share_counters(vm->shares[i]);

		sum.requests += one.requests;
		sum.read_len += one.read_len;
		sum.written_len += one.written_len;
		sum.doorbells += one.doorbells;
		sum.interrupts += one.interrupts;
	}
	store_relaxed(&files->requests, sum.requests);
	store_relaxed(&files->read_bytes, sum.read_len);
	store_relaxed(&files->written_bytes, sum.written_len);
	store_relaxed(&files->doorbells, sum.doorbells);
	store_relaxed(&files->interrupts, sum.interrupts);
	store_relaxed(&files->shares_nr, vm->opts->shares_nr);
}

static void update_stats(void *arg)
{
	struct vm_process *vm = arg;

	machine_update_stats(vm->machine);
	vcpus_update_stats(vm->vcpus);
	update_files(vm);
}

static int open_stats(struct vm_process *vm)
{
	int err;

	if (vm->opts->stats_fd >= 0)
		err = stats_map(&vm->stats, vm->opts->stats_fd);
	else
		err = stats_create(&vm->stats, &vm->stats_fd);
	if (err)
		log_error("the stats page: %s", strerror(-err));
	else
		store_relaxed(&vm->stats->main_ns, cmd_start_ns);
	return err;
}

static int set_up(struct vm_process *vm)
{
	int err;

	err = open_stats(vm);
	if (err)
		return err;
	err = loop_create(&vm->loop);
	if (err) {
		log_error("io_uring: %s; see ivlab doctor", strerror(-err));
		return err;
	}
	err = take_signals(vm);
	if (!err)
		err = link_join(vm);
	if (!err)
		err = open_shares(vm);
	if (!err)
		err = build_machine(vm);
	if (!err)
		err = serve_shares(vm);
	if (!err)
		err = console_pump_create(&vm->pump, vm->loop,
					  machine_console(vm->machine),
					  STDOUT_FILENO, vm->stats);
	if (!err)
		err = loop_watch_timer(vm->loop, STATS_PERIOD_NS, update_stats,
				       vm, NULL);
	return err ? err : boot(vm);
}

static void tear_down(struct vm_process *vm)
{
	/* A vCPU that waits for room on the console must not hold us up. */
	if (vm->machine)
		console_close(machine_console(vm->machine));
	if (vm->vcpus)
		vcpus_stop(vm->vcpus);
	if (vm->machine) {
		machine_update_stats(vm->machine);
		update_files(vm);
	}
	console_pump_finish(vm->pump);
	if (vm->stats)
		store_release(&vm->stats->state, STATS_ENDED);
	for (uint32_t i = 0; i < MACHINE_SHARES_MAX; i++)
		file_share_destroy(vm->shares[i]);
	loop_destroy(vm->loop);
	console_pump_destroy(vm->pump);
	vcpus_destroy(vm->vcpus);
	machine_destroy(vm->machine);
	client_destroy(vm->client);
	if (vm->signal_fd >= 0)
		close(vm->signal_fd);
}

static int exit_status(const struct stats *stats)
{
	uint32_t status = load_relaxed(&stats->status);

	switch (load_relaxed(&stats->end)) {
	case STATS_END_EXIT:
		return status <= VM_STATUS_GUEST_MAX ? (int)status
						     : VM_STATUS_GUEST_MAX;
	case STATS_END_FAULT:
	case STATS_END_SHUTDOWN:
		return VM_STATUS_FAULT;
	case STATS_END_STOPPED:
		return VM_STATUS_STOPPED;
	case STATS_END_NONE:
		return VM_STATUS_MONITOR;
	default:
		return VM_STATUS_KVM;
	}
}

/* A guest that finds no device cannot know how it would have got one. */
static void say_what_was_missing(const struct vm_process *vm)
{
	if (!vm->opts->socket && !vm->opts->shares_nr &&
	    load_relaxed(&vm->searched) &&
	    load_relaxed(&vm->stats->end) == STATS_END_EXIT &&
	    load_relaxed(&vm->stats->status) != 0)
		log_warn("the guest looked for devices, and had no shared "
			 "memory: --socket PATH gives it some (see: ivlab "
			 "server --help)");
}

int vm_process_run(const struct vm_opts *opts)
{
	struct vm_process vm = { .opts = opts,
				 .stats_fd = -1,
				 .signal_fd = -1 };
	int err, status;

	err = set_up(&vm);
	if (!err)
		err = loop_run(vm.loop);
	tear_down(&vm);
	if (!err)
		say_what_was_missing(&vm);
	status = err ? VM_STATUS_MONITOR : exit_status(vm.stats);
	stats_unmap(vm.stats);
	if (vm.stats_fd >= 0)
		close(vm.stats_fd);
	return status;
}
