/* SPDX-License-Identifier: MIT */
/* session_private.h - what session.c and report.c share, and nobody else. */
#ifndef VMM_ABI_SESSION_PRIVATE_H
#define VMM_ABI_SESSION_PRIVATE_H

#include <pthread.h>

#include "vmm/abi/session.h"

#define SESSION_NOTES_MAX 8
#define SESSION_NOTE_LEN  64

struct session {
	const char *name;
	const struct session_opts *opts;
	struct out *out;
	struct trace *trace;
	struct flat *machines[SESSION_MACHINES_MAX];
	uint32_t machines_nr;
	struct session_note {
		char key[SESSION_NOTE_LEN], value[SESSION_NOTE_LEN];
	} notes[SESSION_NOTES_MAX];
	uint32_t notes_nr;

	uint64_t begin_ns, end_ns; /* 0: not yet */

	int signal_fd, quit_fd; /* -1: not held */
	pthread_t watcher;
	bool has_watcher;

	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;  /* stopping changed */
	bool stopping;
	int stop_signal; /* 0: none */
	bool timed_out;
};

/* The report to opts->stats_path or stderr. 0 or -errno, logged. */
int session_report(struct session *session, int status);

#endif
