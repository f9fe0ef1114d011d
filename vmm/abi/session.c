/* SPDX-License-Identifier: MIT */
/* session.c - how does one `ivlab boot` begin, and what ends it? */
#include "vmm/abi/session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "vmm/abi/dump.h"
#include "vmm/abi/out.h"
#include "vmm/abi/session_private.h"
#include "vmm/abi/trace.h"
#include "vmm/core/clock.h"
#include "vmm/core/log.h"

#define SIGNAL_STATUS 128 /* plus the signal, as shells have it */
#define NS_PER_MS     1000000ull

static int take_signals(struct session *session)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	/* A reader of our output that goes away is an error of write(). */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &mask, NULL))
		return -errno;
	session->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (session->signal_fd < 0)
		return -errno;
	session->quit_fd = eventfd(0, EFD_CLOEXEC);
	return session->quit_fd < 0 ? -errno : 0;
}

int session_create(struct session **out, const char *name,
		   const struct session_opts *opts)
{
	pthread_condattr_t monotonic;
	struct session *session;
	int err;

	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->name = name;
	session->opts = opts;
	session->signal_fd = -1;
	session->quit_fd = -1;
	pthread_mutex_init(&session->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&session->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);

	err = take_signals(session);
	if (err) {
		log_error("cannot take signals: %s", strerror(-err));
		goto fail;
	}
	err = out_create(&session->out, STDOUT_FILENO, opts->tag);
	if (err)
		goto fail;
	if (opts->trace_path) {
		err = trace_create(&session->trace, opts->trace_path);
		if (err)
			goto fail;
	}
	*out = session;
	return 0;

fail:
	session_destroy(session);
	return err;
}

static void watcher_end(struct session *session)
{
	uint64_t one = 1;

	if (!session->has_watcher)
		return;
	/* An eventfd at 0 takes a 1. */
	(void)!write(session->quit_fd, &one, sizeof(one));
	pthread_join(session->watcher, NULL);
	session->has_watcher = false;
}

void session_destroy(struct session *session)
{
	if (!session)
		return;
	watcher_end(session);
	while (session->machines_nr)
		flat_destroy(session->machines[--session->machines_nr]);
	(void)trace_destroy(session->trace);
	out_destroy(session->out);
	if (session->quit_fd >= 0)
		close(session->quit_fd);
	if (session->signal_fd >= 0)
		close(session->signal_fd);
	pthread_cond_destroy(&session->wake);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

int session_machine(struct session *session, const struct flat_desc *desc,
		    struct flat **out)
{
	struct flat_desc ours = *desc;
	int err;

	if (session->machines_nr == SESSION_MACHINES_MAX)
		return -ENOSPC;
	ours.out = session->out;
	ours.trace = session->trace;
	err = flat_create(out, &ours);
	if (!err)
		session->machines[session->machines_nr++] = *out;
	return err;
}

uint32_t session_machines_nr(const struct session *session)
{
	return session->machines_nr;
}

struct flat *session_machine_at(const struct session *session, uint32_t nr)
{
	return session->machines[nr];
}

void session_note(struct session *session, const char *key, const char *value)
{
	struct session_note *note;

	if (session->notes_nr == SESSION_NOTES_MAX)
		return;
	note = &session->notes[session->notes_nr++];
	snprintf(note->key, sizeof(note->key), "%s", key);
	snprintf(note->value, sizeof(note->value), "%s", value);
}

/* --- what ends it --------------------------------------------------------- */

static void stop_all(struct session *session, int sig)
{
	pthread_mutex_lock(&session->lock);
	session->stopping = true;
	if (sig)
		session->stop_signal = sig;
	else
		session->timed_out = true;
	pthread_cond_broadcast(&session->wake);
	pthread_mutex_unlock(&session->lock);
	/* Only the main thread adds machines, and not while this one runs. */
	for (uint32_t i = 0; i < session->machines_nr; i++)
		flat_stop(session->machines[i]);
}

/* -1: none. */
static int ms_until(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t ms;

	if (!deadline_ns)
		return -1;
	if (now_ns >= deadline_ns)
		return 0;
	ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void *watcher_main(void *arg)
{
	struct session *session = arg;
	uint64_t deadline_ns = 0;
	struct pollfd fds[] = {
		{ .fd = session->quit_fd, .events = POLLIN },
		{ .fd = session->signal_fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	if (session->opts->timeout_s)
		deadline_ns = session->begin_ns +
			      session->opts->timeout_s * CLOCK_NS_PER_S;
	for (;;) {
		int ready = poll(fds, 2, ms_until(deadline_ns));

		if (ready < 0 && errno != EINTR)
			return NULL;
		if (ready > 0 && fds[0].revents)
			return NULL;
		if (ready > 0 && read(session->signal_fd, &info,
				      sizeof(info)) == sizeof(info)) {
			stop_all(session, (int)info.ssi_signo);
		} else if (deadline_ns && clock_now_ns() >= deadline_ns) {
			log_error("the time of %llu s is up",
				  (unsigned long long)session->opts->timeout_s);
			stop_all(session, 0);
			deadline_ns = 0;
		}
	}
}

int session_begin(struct session *session)
{
	int err;

	if (session->opts->dump_state)
		for (uint32_t i = 0; i < session->machines_nr; i++)
			dump_state(stderr, session->machines[i]);
	session->begin_ns = clock_now_ns();
	err = -pthread_create(&session->watcher, NULL, watcher_main, session);
	session->has_watcher = !err;
	if (err)
		log_error("no thread: %s", strerror(-err));
	return err;
}

int session_run(struct session *session)
{
	int err = session_begin(session);

	for (uint32_t i = 0; i < session->machines_nr && !err; i++)
		err = flat_start(session->machines[i]);
	for (uint32_t i = 0; i < session->machines_nr; i++) {
		if (err)
			flat_stop(session->machines[i]);
		flat_wait(session->machines[i]);
	}
	return err;
}

int session_finish(struct session *session, int status)
{
	int stop_signal;

	session->end_ns = clock_now_ns();
	watcher_end(session);
	if (out_error(session->out) || session->timed_out)
		status = status ? status : 1;
	if (trace_destroy(session->trace))
		status = status ? status : 1;
	session->trace = NULL;
	stop_signal = session->stop_signal;
	if (stop_signal)
		status = SIGNAL_STATUS + stop_signal;
	if (session->opts->stats && session_report(session, status))
		status = status ? status : 1;
	return status;
}

bool session_stopping(struct session *session)
{
	bool stopping;

	pthread_mutex_lock(&session->lock);
	stopping = session->stopping;
	pthread_mutex_unlock(&session->lock);
	return stopping;
}

bool session_sleep_until(struct session *session, uint64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / CLOCK_NS_PER_S),
		.tv_nsec = (long)(deadline_ns % CLOCK_NS_PER_S),
	};
	bool go_on;
	int err = 0;

	pthread_mutex_lock(&session->lock);
	while (!session->stopping && !err)
		err = pthread_cond_timedwait(&session->wake, &session->lock,
					     &until);
	go_on = !session->stopping;
	pthread_mutex_unlock(&session->lock);
	return go_on;
}
