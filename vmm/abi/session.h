/* SPDX-License-Identifier: MIT */
/*
 * session.h - one `ivlab boot` from its options to its report: the machines,
 * stdout for their guests, the trace, signals and time-out.
 *
 *	session_create()
 *	session_machine() for each VM; load images, set first states
 *	session_run()			or, scheduling oneself:
 *					session_begin(), flat_step()...
 *	status = session_finish(session, status)
 *	session_destroy()
 *
 * Threads: all but session_sleep_until() and session_stopping() from the one
 *          that created it.
 */
#ifndef VMM_ABI_SESSION_H
#define VMM_ABI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/abi/flat.h"

#define SESSION_MACHINES_MAX 32

/* The options all ABIs have; abi_option() (abi.h) fills it. */
struct session_opts {
	bool stats, json, dump_state, tag;
	const char *stats_path; /* NULL: stderr */
	const char *trace_path; /* NULL: no trace */
	uint64_t timeout_s;	/* 0: none */
};

struct session;

/*
 * Opens the trace, ignores SIGPIPE, and keeps SIGINT, SIGTERM and SIGHUP for
 * itself, in this thread and those it creates. name is the ABI's, for the
 * report; not copied, nor is opts. Errors are logged.
 */
int session_create(struct session **out, const char *name,
		   const struct session_opts *opts);
/* With its machines. NULL is fine. */
void session_destroy(struct session *session);

/* Machine number 0, 1, ...; its output and trace go where the session's go
 * (desc->out and desc->trace are ignored). Errors are logged. */
int session_machine(struct session *session, const struct flat_desc *desc,
		    struct flat **out);
uint32_t session_machines_nr(const struct session *session);
struct flat *session_machine_at(const struct session *session, uint32_t nr);

/* A line of the summary (--stats): "paging backend", "memslot". Both are
 * copied, cut; a few fit. */
void session_note(struct session *session, const char *key, const char *value);

/* Show the first states if asked to; from now on a signal or the time-out
 * stops all machines. Errors are logged. */
int session_begin(struct session *session);
/* session_begin(), then a thread for each vCPU, until all have ended. */
int session_run(struct session *session);
/* The machines have ended, or have never begun: the report, if asked for.
 * The exit status: status, or what is worse: 128 and the signal, 1 for a
 * time-out or for output, trace or report that could not be written. */
int session_finish(struct session *session, int status);

/* A signal or the time-out came. Any thread. */
bool session_stopping(struct session *session);
/* Until then (CLOCK_MONOTONIC). false: the session is stopping. Any thread. */
bool session_sleep_until(struct session *session, uint64_t deadline_ns);

#endif
