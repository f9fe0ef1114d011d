/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - what a file server may still do once its files are open.
 *
 * Three walls, each where the kernel has it: no new privileges (prctl(2)),
 * Landlock (the file system but for the directories named is out of reach),
 * and a seccomp filter (system calls a file server needs; others answer
 * EPERM, and those no file server can mean, execve and ptrace among them, end
 * the process). They hold for the calling thread and what it starts, and
 * cannot be taken down.
 *
 * Threads: before any other is started.
 * Source:  Linux Documentation/userspace-api/landlock.rst, seccomp(2).
 */
#ifndef VMM_FILES_SANDBOX_H
#define VMM_FILES_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

enum sandbox_right {
	SANDBOX_READ,	/* list and read what is below */
	SANDBOX_CHANGE, /* and make, change and remove it */
	SANDBOX_REMOVE, /* only remove files: the directory of a socket */
};
struct sandbox_dir {
	const char *path;
	enum sandbox_right right;
};

struct sandbox {
	bool no_new_privileges, landlock, seccomp;
};

/*
 * got says which walls stand. A missing Landlock, and none of the last two
 * under a sanitizer, which needs more than a file server, are no errors; one
 * that is there and cannot be put up is.
 */
int sandbox_enter(const struct sandbox_dir *dirs, uint32_t dirs_nr,
		  struct sandbox *got);

#endif
