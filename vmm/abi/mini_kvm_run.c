/* SPDX-License-Identifier: MIT */
/* mini_kvm_run.c - mini-kvm from its images to its exit status. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/abi/dump.h"
#include "vmm/abi/mini_kvm.h"
#include "vmm/core/log.h"

/* --- the beginning -------------------------------------------------------- */

static void ended(struct flat_cpu *cpu)
{
	log_debug("%s: %s after %llu exits", cpu->name, flat_end_name(cpu->end),
		  (unsigned long long)cpu->counters.exits);
}

/* A machine for the guests from `first` on; real mode has all in one. */
static int make_machine(struct mini *mini, uint32_t first, uint32_t nr)
{
	const struct mini_opts *opts = &mini->opts;
	struct flat_desc desc = {
		.name = mini->call->abi->name,
		.ram_len = nr * mini_mode_ram(opts->mode),
		.cpus_nr = nr,
		.ended = ended,
	};
	char name[FLAT_NAME_LEN];
	struct flat *flat;
	int err;

	if (opts->mode == MINI_LINUX)
		mini_linux_rules(opts, &desc);
	else
		mini_rules(&desc);
	err = session_machine(mini->session, &desc, &flat);
	for (uint32_t i = 0; i < nr && !err; i++) {
		struct mini_guest *guest = &mini->guests[first + i];

		mini_guest_init(guest, mini, &flat->cpu[i]);
		abi_guest_name(name, sizeof(name), opts->images[first + i],
			       first + i, opts->images_nr);
		err = flat_cpu_rename(guest->cpu, name);
	}
	return err;
}

static int prepare_guest(struct mini *mini, uint32_t nr)
{
	struct mini_guest *guest = &mini->guests[nr];
	struct flat *flat = guest->cpu->flat;
	char *path;
	int err;

	if (mini->opts.mode == MINI_LINUX)
		return mini_linux_prepare(&mini->opts, guest->cpu);
	err = abi_image_path(mini->call, mini->opts.images[nr], &path);
	if (!err)
		err = mini_mode_prepare(&mini->opts, guest->cpu, path);
	free(path);
	if (!err && mini->opts.mode == MINI_PAGING &&
	    mini->opts.backend == PAGING_MEMSLOT)
		err = pager_create(&guest->pager, flat->kvm, &flat->memory,
				   mini_mode_directory(),
				   !mini->opts.small_pages);
	return err;
}

static bool wants_legacy(const struct mini_opts *opts)
{
	if (opts->calls == MINI_CALLS_AUTO)
		return opts->mode == MINI_REAL || opts->mode == MINI_PROTECTED;
	return opts->calls == MINI_CALLS_LEGACY;
}

static int prepare(struct mini *mini)
{
	uint32_t nr = mini->opts.images_nr;
	uint32_t in_one = mini->opts.mode == MINI_REAL ? nr : 1;
	int err = 0;

	mini->legacy = wants_legacy(&mini->opts);
	session_note(mini->session, "mode", mini_mode_name(mini->opts.mode));
	if (mini->opts.mode != MINI_LINUX)
		session_note(mini->session, "hypercalls",
			     mini->legacy ? "legacy" : "1k");
	else
		err = mini_linux_possible();
	if (mini->opts.mode == MINI_PAGING)
		err = paging_choose(mini->session, &mini->opts.backend);
	for (uint32_t i = 0; i < nr && !err; i += in_one)
		err = make_machine(mini, i, in_one);
	for (uint32_t i = 0; i < nr && !err; i++)
		err = prepare_guest(mini, i);
	if (!err)
		err = keys_create(&mini->keys, STDIN_FILENO, mini_keys_arrived,
				  mini);
	if (!err)
		err = ticks_create(&mini->ticks, MINI_TICK_NS, mini_tick, mini);
	return err;
}

/* --- the end -------------------------------------------------------------- */

static int write_ram(const struct memory *memory, const char *path)
{
	FILE *file = fopen(path, "we");
	int err = 0;

	if (!file || fwrite(memory->hva, 1, memory->len, file) != memory->len)
		err = -errno;
	if (file && fclose(file) && !err)
		err = -errno;
	if (err)
		log_error("--dump-mem %s: %s", path, strerror(-err));
	return err;
}

static int dump_mem(const struct mini *mini)
{
	uint32_t nr = session_machines_nr(mini->session);
	char *path = NULL;
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++) {
		const struct flat *flat = session_machine_at(mini->session, i);
		int len = nr > 1 ? asprintf(&path, "%s.%u", mini->opts.dump_mem,
					    i)
				 : asprintf(&path, "%s", mini->opts.dump_mem);

		if (len < 0)
			return -ENOMEM;
		err = write_ram(&flat->memory, path);
		free(path);
	}
	return err;
}

/* As the ancestor: 0 also for a guest that ended by an unknown hypercall. Not
 * for one that crashed. */
static int status_of(const struct mini *mini)
{
	for (uint32_t i = 0; i < mini->opts.images_nr; i++) {
		const struct mini_guest *guest = &mini->guests[i];

		if (guest->crashed || guest->cpu->end == FLAT_FAULT ||
		    guest->cpu->end == FLAT_FAILED)
			return ABI_FAILED;
	}
	return ABI_OK;
}

static int run_all(struct mini *mini)
{
	int status = ABI_FAILED;

	if (!session_run(mini->session))
		status = status_of(mini);
	if (mini->opts.dump_regs)
		for (uint32_t i = 0; i < session_machines_nr(mini->session);
		     i++)
			dump_state(stderr,
				   session_machine_at(mini->session, i));
	if (mini->opts.dump_mem && dump_mem(mini))
		status = ABI_FAILED;
	return session_finish(mini->session, status);
}

int mini_run(const struct abi_call *call)
{
	struct mini mini = { .call = call };
	int status = mini_options(call, &mini.opts);

	if (status >= 0)
		return status;
	if (mini.opts.verbose)
		log_set_level(LOG_DEBUG);
	status = ABI_FAILED;
	if (!session_create(&mini.session, call->abi->name,
			    &mini.opts.session) &&
	    !prepare(&mini))
		status = run_all(&mini);
	/* They kick vCPUs, so they go first. */
	ticks_destroy(mini.ticks);
	keys_destroy(mini.keys);
	for (uint32_t i = 0; i < MINI_GUESTS_MAX; i++)
		pager_destroy(mini.guests[i].pager);
	session_destroy(mini.session);
	return status;
}
