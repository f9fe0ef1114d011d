/* SPDX-License-Identifier: MIT */
/*
 * files_serve.h - serves one shared directory to 9P clients on a Unix socket.
 *
 * Threads: the caller's, which it blocks until the end.
 */
#ifndef VMM_LAB_FILES_SERVE_H
#define VMM_LAB_FILES_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/files/share.h"

struct files_serve_opts {
	struct share_opts share; /* layers, mode, policy, quota */
	const char *socket_path;
	uint32_t msize;
	bool fresh; /* SHARE_COW: empty the private directory first */
	bool once;  /* end with the first client */
};

/*
 * Serve until SIGINT or SIGTERM (or SIGHUP, unless it is ignored), in a
 * sandbox. 0, or -errno after it was said.
 */
int files_serve(const struct files_serve_opts *opts);

#endif
