/* SPDX-License-Identifier: MIT */
/*
 * launcher.h - runs a lab: the shared memory, its server, one process per VM.
 *
 * The launcher is the parent of the VM processes and joins nothing itself; it
 * looks at their stats pages and at the region. VMs end with it, it ends with
 * the last VM, and whichever way it ends it leaves no process, no socket and
 * no directory.
 *
 * Threads: one call at a time in a process. It waits for children it started
 *          and no others; SIGINT, SIGTERM and SIGHUP are its business while
 *          it runs.
 */
#ifndef VMM_LAB_LAUNCHER_H
#define VMM_LAB_LAUNCHER_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/lab/labfile.h"
#include "vmm/lab/result.h"

/* What a VM gets between SIGTERM and SIGKILL. */
#define LAUNCHER_GRACE_NS 2000000000ull

struct launcher_opts {
	const char *socket_path; /* NULL: in a private directory */
	uint64_t timeout_ns;	 /* for the whole lab; 0: none */
	uint64_t start_ns;	 /* CLOCK_MONOTONIC to count the start from */
	bool quiet;		 /* no progress line */
	bool fresh;		 /* shares: forget what VMs changed before */
	bool mute; /* of what VMs print, only the last line of one that fails */
};

/*
 * Run lab to its end. Returns result->exit_code: 0, 1, or 128 + the signal
 * that ended it; result is filled in either way.
 */
int launcher_run(const struct lab *lab, const struct launcher_opts *opts,
		 struct lab_result *result);

#endif
