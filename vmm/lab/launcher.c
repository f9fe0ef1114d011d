/* SPDX-License-Identifier: MIT */
/* launcher.c - what does a lab need to run, and in which order is it made? */
#include "vmm/lab/launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/core/kvm.h"
#include "vmm/lab/lab_region.h"
#include "vmm/lab/labfile_shares.h"
#include "vmm/lab/launcher_private.h"
#include "vmm/lab/private_dir.h"

/* From here signals are something to read; 0 or -errno. */
static int signals_hold(struct launcher *l)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction hup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* Under nohup a lab outlives its terminal. */
	if (sigaction(SIGHUP, NULL, &hup) || hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &l->old_signals))
		return -errno;
	/* A reader of our output that goes away must not end us unready. */
	sigaction(SIGPIPE, &ignore, &l->old_sigpipe);
	l->signals_held = true;
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signal_fd < 0 ? -errno : 0;
}

static void signals_release(struct launcher *l)
{
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	l->signal_fd = -1;
	if (!l->signals_held)
		return;
	sigaction(SIGPIPE, &l->old_sigpipe, NULL);
	sigprocmask(SIG_SETMASK, &l->old_signals, NULL);
}

/* --- the server's questions and news ------------------------------------- */

static int id_for_pid(void *arg, pid_t pid)
{
	const struct launcher *l = arg;

	for (uint32_t i = 0; i < l->children_nr; i++)
		if (l->children[i].pid == pid && !l->children[i].ended)
			return (int)i;
	return -1;
}

static void joined(void *arg, uint32_t peer_id, pid_t pid)
{
	peers_joined(((struct launcher *)arg)->peers, peer_id, pid);
}

static void left(void *arg, uint32_t peer_id)
{
	peers_left(((struct launcher *)arg)->peers, peer_id);
}

/* --- set-up: each step 0, or it has told result why not ------------------ */

static int fail(struct launcher *l, const char *what, int err)
{
	result_fail(l->result, 1, "%s: %s", what, strerror(-err));
	return -1;
}

static int check_kvm(struct launcher *l)
{
	int kvm_fd;
	int err = kvm_open(&kvm_fd);

	if (err) {
		result_fail(l->result, 1,
			    "cannot open %s: %s; \"ivlab doctor\" says what "
			    "to do",
			    KVM_DEVICE_PATH, strerror(-err));
		return -1;
	}
	close(kvm_fd);
	snprintf(l->result->kvm, sizeof(l->result->kvm), "%s", kvm_kind_name());
	return 0;
}

static int make_region(struct launcher *l)
{
	const struct lab *lab = l->lab;
	char why[RESULT_TEXT_LEN];

	if (lab_region_create(&l->shmem, &l->region, lab->region_len,
			      lab->hugepages, why, sizeof(why))) {
		result_fail(l->result, 1, "%s", why);
		return -1;
	}
	l->result->page_len = l->shmem.page_len;
	return 0;
}

static int make_server(struct launcher *l)
{
	struct server_opts opts = { .shm_fd = l->shmem.fd,
				    .vectors_nr = l->lab->vectors_nr,
				    .id_for_pid = id_for_pid,
				    .reserved_nr = l->lab->vms_nr,
				    .joined = joined,
				    .left = left,
				    .arg = l };
	int err;

	l->socket_path = l->opts->socket_path;
	if (!l->socket_path) {
		err = runtime_dir_create(&l->dir);
		if (err)
			return fail(l, "cannot make a directory for the socket",
				    err);
		l->socket_path = l->dir.socket;
	}
	opts.socket_path = l->socket_path;
	err = peers_create(&l->peers, l->loop, &l->region, &l->server);
	if (err)
		return fail(l, "cannot watch peers", err);
	err = server_create(&l->server, &opts);
	if (err) {
		result_fail(l->result, 1, "cannot serve on %s: %s",
			    l->socket_path, server_strerror(err));
		return -1;
	}
	return 0;
}

static int set_up(struct launcher *l)
{
	char *where;
	int err;

	err = signals_hold(l);
	if (err)
		return fail(l, "cannot hold signals", err);
	err = loop_create(&l->loop);
	if (err)
		return fail(l,
			    "io_uring does not work (\"ivlab doctor\" says "
			    "what to do)",
			    err);
	err = screen_create(&l->screen, l->loop, STDERR_FILENO,
			    launcher_drained, l);
	if (err)
		return fail(l, "cannot write", err);
	if (check_kvm(l) || make_region(l) || make_server(l))
		return -1;
	err = shares_create(&l->shares, l->loop, l->lab);
	if (err == -ENOTSUP) {
		result_fail(l->result, 1,
			    "this kernel has no /proc/PID/schedstat, which "
			    "share needs: leave share out");
		return -1;
	}
	if (err)
		return fail(l, "cannot share CPUs", err);
	err = lab_shares_prepare(l->lab, &where);
	if (err) {
		result_fail(l->result, 1, "cannot make %s: %s",
			    where ? where : "a directory",
			    err == -EINVAL ? PRIVATE_DIR_NOT_APART
					   : strerror(-err));
		free(where);
		return -1;
	}
	err = launcher_watch(l);
	return err ? fail(l, "cannot watch", err) : 0;
}

static int start_child(struct launcher *l, struct child *child)
{
	int err = child_start(child);

	if (!err)
		err = launcher_watch_child(child);
	if (!err) {
		l->alive_nr++;
		shares_begin(l->shares, (uint32_t)(child - l->children),
			     child->pid, child->stats);
		return 0;
	}
	/* Nobody would notice its end: make it now. */
	loop_watch_del(l->loop, &child->pidfd_watch);
	loop_watch_del(l->loop, &child->out_watch);
	child_destroy(child);
	result_fail(l->result, 1, "cannot start vm %s: %s", child->vm->name,
		    strerror(-err));
	return -1;
}

/* In the order of the lab file, until one fails. */
static void start_children(struct launcher *l)
{
	for (uint32_t i = 0; i < l->lab->vms_nr; i++) {
		const struct lab_vm *vm = &l->lab->vms[i];

		child_init(&l->children[i], l, vm);
		l->children_nr++;
		if (start_child(l, &l->children[i]))
			return;
		snprintf(l->result->vms[i].name, LAB_NAME_LEN, "%s", vm->name);
		l->result->vms_nr++;
	}
}

/* The reverse of set_up(); safe on a half-made launcher. */
static void tear_down(struct launcher *l)
{
	/* Before the loop goes: a write under way points into the screen. */
	if (l->loop)
		launcher_unwatch(l);
	shares_destroy(l->shares);
	peers_destroy(l->peers);
	loop_destroy(l->loop);
	screen_destroy(l->screen);
	for (uint32_t i = l->children_nr; i-- > 0;)
		child_destroy(&l->children[i]);
	server_destroy(l->server);
	runtime_dir_destroy(&l->dir);
	shmem_destroy(&l->shmem);
	signals_release(l);
}

/* A lab that was told to stop may have been through already. */
static bool all_ended_well(const struct lab_result *result)
{
	bool ok = true;

	for (uint32_t i = 0; i < result->vms_nr; i++)
		ok = ok && result->vms[i].ok;
	return ok;
}

int launcher_run(const struct lab *lab, const struct launcher_opts *opts,
		 struct lab_result *result)
{
	struct launcher *l = calloc(1, sizeof(*l));

	result_init(result, lab);
	if (!l) {
		result_fail(result, 1, "out of memory");
		return result->exit_code;
	}
	l->lab = lab;
	l->opts = opts;
	l->result = result;
	l->signal_fd = -1;
	l->shmem.fd = -1;
	if (!set_up(l)) {
		int err;

		start_children(l);
		/* Whatever failed, those that run end in the usual way. */
		if (result->exit_code && l->alive_nr)
			launcher_stop(l);
		err = l->alive_nr ? loop_run(l->loop) : 0;
		if (err)
			fail(l, "io_uring failed", err);
		result_sum(result, opts->start_ns);
		if (l->stopping && !all_ended_well(result))
			result_cut_short(result, l->at_stop.messages,
					 l->at_stop.bytes, l->stopped_ns);
	}
	tear_down(l);
	free(l);
	return result->exit_code;
}
