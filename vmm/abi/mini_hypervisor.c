/* SPDX-License-Identifier: MIT */
/*
 * mini_hypervisor.c - the ABI mini-hypervisor: up to 32 VMs in 64-bit mode, a
 * console port, and files over another port (docs/classic-guests.md).
 */
#include "vmm/abi/mini_hypervisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "shm/atomic.h"
#include "shm/memory_map.h"
#include "vmm/abi/abis.h"
#include "vmm/boot/flat_image.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

#define CONSOLE 0xe9u
#define MIB	(1ull << 20)

/*
 * Page tables are where the ancestor had them if the image leaves that place
 * free, else below the stack, so that a large image has its .bss behind it.
 */
#define TABLES_GPA  0x11000u
#define TABLES_DOWN 0x40000u /* below the end of RAM; for 8 MB 7 pages */

#define GUEST_DIR "../Guest"

/* A file of a VM's own: two descriptors for a node, one to read or write; a
 * shared one: one. Beside: the machine, its vCPU, the private directory. */
#define VM_FDS	  (3 * FILE_PORT_HANDLES + 16)
#define OTHER_FDS 128

struct minihv_vm {
	struct minihv *all;
	uint32_t nr;
	struct flat *flat;
	struct file_view *view;
	struct file_port *port;
	_Atomic bool takes_input;
};

struct minihv {
	const struct abi_call *call;
	struct minihv_opts opts;
	struct session *session;
	struct file_shared shared;
	struct minihv_input input;
	struct minihv_vm vms[MINIHV_VMS_MAX];
};

/* --- ports ---------------------------------------------------------------- */

/* On the keyboard's thread. */
static void input_arrived(void *arg)
{
	struct minihv *all = arg;

	for (uint32_t i = 0; i < all->opts.images_nr; i++)
		if (load_relaxed(&all->vms[i].takes_input))
			flat_cpu_kick(&all->vms[i].flat->cpu[0]);
}

static enum flat_next console_in(struct flat_io *io)
{
	struct minihv_vm *vm = io->cpu->flat->arg;
	struct minihv_input *input = &vm->all->input;
	uint32_t bytes;
	uint8_t value;

	store_relaxed(&vm->takes_input, true);
	keys_start(input->keys);
	minihv_input_prompt(input, io->cpu->name);
	while (!minihv_input_take(input, &value, &bytes)) {
		io->cpu->counters.got_bytes += bytes;
		if (flat_cpu_sleep(io->cpu, 0))
			return FLAT_END;
	}
	io->cpu->counters.got_bytes += bytes;
	io->value = value;
	return FLAT_GO;
}

static enum flat_next console(struct flat_io *io)
{
	uint8_t byte = (uint8_t)io->value;

	if (!io->is_write)
		return console_in(io);
	flat_put(io->cpu, &byte, 1);
	return FLAT_GO;
}

static enum flat_next files(struct flat_io *io)
{
	const struct minihv_vm *vm = io->cpu->flat->arg;

	if (io->is_write)
		file_port_out(vm->port, (uint8_t)io->value);
	else
		io->value = file_port_in(vm->port);
	return FLAT_GO;
}

static const struct flat_port ports[] = {
	{ CONSOLE, CONSOLE, FLAT_LEN_1, console },
	{ FILE_PORT, FILE_PORT, FLAT_LEN_1, files },
	{ 0, 0, 0, NULL },
};

/* --- the end of a VM ------------------------------------------------------ */

/* Both end this VM and are no failure, as with the ancestor. */
static enum flat_next vm_exit(struct flat_cpu *cpu, struct kvm_run *run)
{
	const struct minihv_vm *vm = cpu->flat->arg;

	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
		log_info("VM %u: KVM_EXIT_HLT", vm->nr);
		return FLAT_PASS;
	case KVM_EXIT_SHUTDOWN:
		log_info("VM %u: Shutdown", vm->nr);
		return FLAT_END;
	default:
		return FLAT_PASS;
	}
}

static void vm_ended(struct flat_cpu *cpu)
{
	const struct minihv_vm *vm = cpu->flat->arg;

	log_info("VM %u has finished.", vm->nr);
}

/* --- files ---------------------------------------------------------------- */

static bool vm_stopping(void *arg)
{
	const struct minihv_vm *vm = arg;

	return flat_stopping(vm->flat);
}

static void vm_say(void *arg, const char *line)
{
	static struct log_limit limit;
	const struct minihv_vm *vm = arg;

	log_limited(&limit, "%s: %s", vm->flat->name, line);
}

static int share_files(struct minihv *all)
{
	for (uint32_t i = 0; i < all->opts.files_nr; i++) {
		const char *path = all->opts.files[i];
		int err = file_shared_add(&all->shared, path);
		const char *why = strerror(-err);

		if (!err)
			continue;
		if (err == -EEXIST)
			why = "guests know another file by this name";
		else if (err == -ENOTSUP)
			why = "not a regular file";
		else if (err == -EINVAL)
			why = "guests cannot say this name";
		log_error("shared file %s: %s", path, why);
		return err;
	}
	return 0;
}

/* What the VMs' directories are in. */
static const char *private_parent(const struct minihv *all)
{
	struct stat st;

	if (all->opts.private_dir)
		return all->opts.private_dir;
	return stat(GUEST_DIR, &st) == 0 && S_ISDIR(st.st_mode) ? GUEST_DIR
								: ".";
}

/* As the ancestor called it: the image's name without its ending. */
static int private_dir(const struct minihv_vm *vm, char **path)
{
	const char *image = vm->all->opts.images[vm->nr];
	const char *slash = strrchr(image, '/');
	const char *base = slash ? slash + 1 : image;
	const char *dot = strrchr(base, '.');
	size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);

	if (asprintf(path, "%s/%.*s_vm%u_files", private_parent(vm->all),
		     (int)len, base, vm->nr) < 0) {
		*path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int prepare_files(struct minihv_vm *vm)
{
	struct file_view_opts opts = {
		.shared = &vm->all->shared,
		.stopping = vm_stopping,
		.say = vm_say,
		.arg = vm,
	};
	char *dir;
	int err = private_dir(vm, &dir);

	if (!err && vm->all->opts.fresh) {
		err = file_view_discard(dir);
		if (err)
			log_error("--fresh: private directory %s: %s", dir,
				  strerror(-err));
	}
	opts.private_dir = dir;
	if (!err)
		err = file_view_create(&vm->view, &opts);
	if (!err)
		err = file_port_create(&vm->port, vm->view);
	free(dir);
	return err;
}

static int make_parent(const struct minihv *all)
{
	const char *dir = all->opts.private_dir;
	struct stat st;
	int err = 0;

	if (!dir)
		return 0;
	if ((mkdir(dir, 0755) < 0 && errno != EEXIST) || stat(dir, &st) < 0)
		err = -errno;
	else if (!S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err)
		log_error("--private-dir %s: %s", dir, strerror(-err));
	return err;
}

/* One VM that opens all it can shall not leave the others without: 1024
 * descriptors, the usual limit, are too few for 32. What the limit's owner
 * does not allow is done without. */
static void raise_fd_limit(uint32_t vms_nr)
{
	const rlim_t wanted = OTHER_FDS + (rlim_t)vms_nr * VM_FDS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- the machines --------------------------------------------------------- */

/* As the ancestor began, down to the bits that 64-bit mode ignores. */
static void first_state(struct first_state *state, uint64_t tables_gpa,
			uint64_t stack_gpa)
{
	struct kvm_sregs *sregs = &state->sregs;

	first_state_long(state, 0, tables_gpa, CR0_PE | CR0_PG);
	state->regs.rsp = stack_gpa;
	sregs->ds.db = sregs->es.db = sregs->ss.db = 0;
	sregs->fs.db = sregs->gs.db = 0;
}

static int load(struct minihv_vm *vm)
{
	const struct minihv_opts *opts = &vm->all->opts;
	const struct memory *memory = &vm->flat->memory;
	uint64_t below_gpa = memory->len - TABLES_DOWN;
	uint64_t len, tables_gpa, end_gpa;
	struct first_state state;
	char *path;
	int err;

	err = abi_image_path(vm->all->call, opts->images[vm->nr], &path);
	if (!err)
		err = flat_image_load(memory, path, 0, below_gpa, &len);
	free(path);
	if (!err)
		err = flat_cpu_get(&vm->flat->cpu[0], &state);
	if (err)
		return err;
	tables_gpa = len <= TABLES_GPA ? TABLES_GPA : below_gpa;
	err = flat_tables_long(memory, tables_gpa, memory->len, opts->page_len,
			       PTE_USER, &end_gpa);
	if (err)
		return err;
	first_state(&state, tables_gpa, memory->len);
	return flat_cpu_set(&vm->flat->cpu[0], &state);
}

static int make_vm(struct minihv *all, uint32_t nr)
{
	struct minihv_vm *vm = &all->vms[nr];
	char name[FLAT_NAME_LEN];
	const struct flat_desc desc = {
		.name = name,
		.ram_len = all->opts.memory_mb * MIB,
		.cpus_nr = 1,
		.ports = ports,
		.exit = vm_exit,
		.ended = vm_ended,
		.arg = vm,
	};
	int err;

	vm->all = all;
	vm->nr = nr;
	abi_guest_name(name, sizeof(name), all->opts.images[nr], nr,
		       all->opts.images_nr);
	err = session_machine(all->session, &desc, &vm->flat);
	return err ? err : load(vm);
}

static void tell_settings(const struct minihv_opts *opts)
{
	log_info("Starting VM with:");
	log_info("  Memory size: %u MB", (unsigned int)opts->memory_mb);
	log_info("  Page size: %s",
		 opts->page_len == MAP_PAGE_LEN ? "4 KB" : "2 MB");
	for (uint32_t i = 0; i < opts->images_nr; i++)
		log_info("  Guest image %u: %s", i, opts->images[i]);
	for (uint32_t i = 0; i < opts->files_nr; i++)
		log_info("  Shared file: %s", opts->files[i]);
}

/* All that can be refused is, before anything runs or is deleted. */
static int prepare(struct minihv *all)
{
	int err;

	tell_settings(&all->opts);
	raise_fd_limit(all->opts.images_nr);
	err = share_files(all);
	if (!err)
		err = make_parent(all);
	if (!err)
		err = minihv_input_create(&all->input, all->opts.numbers,
					  input_arrived, all);
	for (uint32_t i = 0; i < all->opts.images_nr && !err; i++)
		err = make_vm(all, i);
	for (uint32_t i = 0; i < all->opts.images_nr && !err; i++)
		err = prepare_files(&all->vms[i]);
	return err;
}

static int run_all(struct minihv *all)
{
	int status = ABI_OK;

	log_info("All VMs running. Waiting for them to exit...");
	if (session_run(all->session))
		status = ABI_FAILED;
	for (uint32_t i = 0; i < all->opts.images_nr; i++) {
		enum flat_end end = all->vms[i].flat->cpu[0].end;

		if (end == FLAT_FAULT || end == FLAT_FAILED)
			status = ABI_FAILED;
	}
	log_info("All VMs have finished. Exiting hypervisor.");
	return session_finish(all->session, status);
}

static int boot(struct minihv *all)
{
	int status = ABI_FAILED;

	if (!session_create(&all->session, all->call->abi->name,
			    &all->opts.session) &&
	    !prepare(all))
		status = run_all(all);
	/* It kicks vCPUs, so it goes first. */
	minihv_input_destroy(&all->input);
	session_destroy(all->session);
	for (uint32_t i = 0; i < MINIHV_VMS_MAX; i++) {
		file_port_destroy(all->vms[i].port);
		file_view_destroy(all->vms[i].view);
	}
	file_shared_destroy(&all->shared);
	return status;
}

static int run(const struct abi_call *call)
{
	struct minihv all = { .call = call };
	int status = minihv_options(call, &all.opts);

	return status < 0 ? boot(&all) : status;
}

static const char *const programs[] = { "mini_hypervisor", NULL };

const struct abi abi_mini_hypervisor = {
	.name = "mini-hypervisor",
	.programs = programs,
	.summary = "VMs in 64-bit mode, with a console port and files",
	.synopsis = "-m MB -p PAGE -g IMAGE... [-f FILE...] [options]",
	.help = minihv_help,
	.guest_prefix = "minihv_",
	.run = run,
};
