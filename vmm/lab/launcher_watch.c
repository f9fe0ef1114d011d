/* SPDX-License-Identifier: MIT */
/* launcher_watch.c - what happens while a lab runs, and when is it over? */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/core/clock.h"
#include "vmm/lab/launcher_private.h"

#define PROGRESS_NS    (CLOCK_NS_PER_S / 2)
#define TICKS_PER_LINE 4 /* of progress, off a terminal: every 2 s */
#define ONE_WISH_NS    (CLOCK_NS_PER_S / 2)
#define LEAVE_NS       CLOCK_NS_PER_S /* what a stuck stderr may cost at the end */

/* --- the end ------------------------------------------------------------- */

static void leave_if_done(struct launcher *l)
{
	if (!l->leaving || !screen_idle(l->screen))
		return;
	for (uint32_t i = 0; i < l->children_nr; i++)
		if (l->children[i].out_fd >= 0)
			return;
	loop_stop(l->loop, 0);
}

static void on_leave_timer(void *arg)
{
	struct launcher *l = arg;

	loop_stop(l->loop, 0);
}

/* All VMs are gone: what they said last is still to be shown. */
static void leave(struct launcher *l)
{
	l->leaving = true;
	loop_watch_del(l->loop, &l->grace_timer);
	loop_watch_del(l->loop, &l->progress_timer);
	loop_watch_del(l->loop, &l->timeout_timer);
	screen_progress_end(l->screen);
	if (loop_watch_timer(l->loop, LEAVE_NS, on_leave_timer, l,
			     &l->leave_timer))
		loop_stop(l->loop, 0);
	leave_if_done(l);
}

void launcher_drained(void *arg)
{
	struct launcher *l = arg;

	for (uint32_t i = 0; i < l->children_nr; i++)
		child_read_output(&l->children[i]);
	leave_if_done(l);
}

static void kill_all(void *arg)
{
	struct launcher *l = arg;

	loop_watch_del(l->loop, &l->grace_timer);
	for (uint32_t i = 0; i < l->children_nr; i++)
		child_signal(&l->children[i], SIGKILL);
}

void launcher_stop(struct launcher *l)
{
	if (l->stopping)
		return;
	l->stopping = true;
	l->stopped_ns = clock_now_ns();
	progress_look(&l->region, &l->at_stop);
	for (uint32_t i = 0; i < l->children_nr; i++)
		child_signal(&l->children[i], SIGTERM);
	if (loop_watch_timer(l->loop, LAUNCHER_GRACE_NS, kill_all, l,
			     &l->grace_timer))
		kill_all(l);
}

/* --- what may happen ----------------------------------------------------- */

static void on_child_end(void *arg, unsigned int revents)
{
	struct child *child = arg;
	struct launcher *l = child->launcher;
	uint32_t nr = (uint32_t)(child - l->children);
	struct vm_result *vm = &l->result->vms[nr];

	(void)revents;
	if (!child_reap(child))
		return;
	loop_watch_del(l->loop, &child->pidfd_watch);
	l->alive_nr--;
	result_take_vm(vm, child->vm->name, child->stats, &child->how,
		       l->stopping);
	vm->share = child->vm->share;
	shares_end(l->shares, nr, &vm->shared_ns, &vm->shared_all_ns);
	child_read_output(child);
	if (!vm->ok && !l->stopping) {
		if (child->last_len)
			screen_put(l->screen, child->last, child->last_len);
		result_fail(l->result, 1, "vm %s: %s", vm->name, vm->reason);
		launcher_stop(l);
	}
	if (!l->alive_nr)
		leave(l);
}

static void on_output(void *arg, unsigned int revents)
{
	(void)revents;
	child_read_output(arg);
	leave_if_done(((struct child *)arg)->launcher);
}

static void on_signal(void *arg, unsigned int revents)
{
	struct launcher *l = arg;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(l->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		result_fail(l->result, 128 + signo, "ended by SIG%s",
			    sigabbrev_np(signo));
		if (!l->asked_ns)
			l->asked_ns = clock_now_ns();
		/* Who asks again does not want to wait; but timeout(1) and
		 * terminals send one wish more than once. */
		if (clock_now_ns() - l->asked_ns > ONE_WISH_NS)
			kill_all(l);
		else
			launcher_stop(l);
	}
}

static void on_server(void *arg, unsigned int revents)
{
	struct launcher *l = arg;
	int err = server_dispatch(l->server);

	(void)revents;
	if (!err)
		return;
	result_fail(l->result, 1, "the ivshmem server failed: %s",
		    strerror(-err));
	loop_watch_del(l->loop, &l->server_watch);
	launcher_stop(l);
}

static void on_timeout(void *arg)
{
	struct launcher *l = arg;

	loop_watch_del(l->loop, &l->timeout_timer);
	l->result->timed_out = !l->result->exit_code;
	result_fail(l->result, 1, "still running after %g s",
		    (double)l->opts->timeout_ns / CLOCK_NS_PER_S);
	launcher_stop(l);
}

static void on_progress(void *arg)
{
	struct launcher *l = arg;
	char line[128];

	if (progress_line(&l->progress, &l->region, clock_now_ns(), line,
			  sizeof(line)))
		return;
	if (screen_is_terminal(l->screen) || ++l->ticks % TICKS_PER_LINE == 0)
		screen_progress(l->screen, line);
}

/* --- set-up -------------------------------------------------------------- */

int launcher_watch(struct launcher *l)
{
	int err;

	err = loop_watch_fd(l->loop, l->signal_fd, POLLIN, on_signal, l,
			    &l->signal_watch);
	if (!err)
		err = loop_watch_fd(l->loop, server_fd(l->server), POLLIN,
				    on_server, l, &l->server_watch);
	if (!err && !l->opts->quiet)
		err = loop_watch_timer(l->loop, PROGRESS_NS, on_progress, l,
				       &l->progress_timer);
	if (!err && l->opts->timeout_ns)
		err = loop_watch_timer(l->loop, l->opts->timeout_ns, on_timeout,
				       l, &l->timeout_timer);
	return err;
}

int launcher_watch_child(struct child *child)
{
	struct launcher *l = child->launcher;
	int err;

	err = loop_watch_fd(l->loop, child->pidfd, POLLIN, on_child_end, child,
			    &child->pidfd_watch);
	if (!err)
		err = loop_watch_fd(l->loop, child->out_fd, POLLIN, on_output,
				    child, &child->out_watch);
	return err;
}

void launcher_unwatch(struct launcher *l)
{
	for (uint32_t i = 0; i < l->children_nr; i++) {
		loop_watch_del(l->loop, &l->children[i].pidfd_watch);
		loop_watch_del(l->loop, &l->children[i].out_watch);
	}
	loop_watch_del(l->loop, &l->leave_timer);
	loop_watch_del(l->loop, &l->grace_timer);
	loop_watch_del(l->loop, &l->timeout_timer);
	loop_watch_del(l->loop, &l->progress_timer);
	loop_watch_del(l->loop, &l->server_watch);
	loop_watch_del(l->loop, &l->signal_watch);
}
