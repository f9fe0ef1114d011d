/* SPDX-License-Identifier: MIT */
/*
 * launcher_private.h - the launcher's insides, by phase of its life:
 * launcher.c sets up and tears down, launcher_watch.c is what happens in
 * between, children.c starts and ends VM processes.
 */
#ifndef VMM_LAB_LAUNCHER_PRIVATE_H
#define VMM_LAB_LAUNCHER_PRIVATE_H

#include <signal.h>
#include <sys/types.h>

#include "shm/link/server.h"
#include "shm/link/shmem.h"
#include "shm/region.h"
#include "vmm/core/loop.h"
#include "vmm/core/stats.h"
#include "vmm/lab/console_lines.h"
#include "vmm/lab/launcher.h"
#include "vmm/lab/peers.h"
#include "vmm/lab/progress.h"
#include "vmm/lab/runtime_dir.h"
#include "vmm/lab/screen.h"
#include "vmm/lab/shares.h"

struct launcher;

/* One VM process. Index in launcher.children = index in lab.vms = peer id. */
struct child {
	struct launcher *launcher;
	const struct lab_vm *vm;
	pid_t pid;  /* 0: never started */
	int pidfd;  /* -1: not held */
	int out_fd; /* our end of its stdout and stderr; -1: not held */
	int stats_fd;
	struct stats *stats;
	struct loop_watch *pidfd_watch, *out_watch;
	struct console_lines lines;
	char last[CONSOLE_LINE_LEN]; /* mute: the start of its last line */
	size_t last_len;
	bool ended; /* and waited for */
	siginfo_t how;
};

struct launcher {
	const struct lab *lab;
	const struct launcher_opts *opts;
	struct lab_result *result;

	sigset_t old_signals; /* children get them back */
	bool signals_held;
	struct sigaction old_sigpipe;
	int signal_fd;

	struct loop *loop;
	struct screen *screen;
	struct shmem shmem;
	struct region region;
	struct runtime_dir dir;
	const char *socket_path;
	struct server *server;
	struct peers *peers;
	struct progress progress;
	struct shares *shares; /* NULL: no VM has one */
	uint32_t ticks;

	struct child children[LAB_VMS_MAX];
	uint32_t children_nr; /* initialised, started or not */
	uint32_t alive_nr;
	bool stopping; /* all VMs were asked to end: */
	uint64_t stopped_ns;
	struct progress_sum at_stop; /* what the rings told then */
	uint64_t asked_ns; /* when the first signal came, 0: none did */
	bool leaving;	   /* all have ended, the screen is being written */

	struct loop_watch *signal_watch, *server_watch;
	struct loop_watch *progress_timer, *timeout_timer;
	struct loop_watch *grace_timer, *leave_timer;
};

/* --- children.c */
void child_init(struct child *child, struct launcher *launcher,
		const struct lab_vm *vm);
/* Start its process. 0 or -errno. */
int child_start(struct child *child);
/* Send it a signal if it lives. */
void child_signal(struct child *child, int signo);
/* Show what it has said, as far as the screen takes it. */
void child_read_output(struct child *child);
/* Wait for it if it has ended: true. Never blocks. */
bool child_reap(struct child *child);
/* Kill it if it still lives and wait; give everything back. */
void child_destroy(struct child *child);

/* --- launcher_watch.c */
/* Have the loop watch signals, server, time and children; 0 or -errno. */
int launcher_watch(struct launcher *launcher);
/* Have the loop watch one child that was started. */
int launcher_watch_child(struct child *child);
void launcher_unwatch(struct launcher *launcher);
/* End all VMs: SIGTERM, after LAUNCHER_GRACE_NS SIGKILL. */
void launcher_stop(struct launcher *launcher);
/* screen.h's drained(). */
void launcher_drained(void *arg);

#endif
