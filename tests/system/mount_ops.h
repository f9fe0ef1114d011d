/* SPDX-License-Identifier: MIT */
/*
 * mount_ops.h - claims about a directory, one function each.
 *
 * A claim is made where it is tried: CLAIM(call that must be true) ends the
 * program with the line and errno when it is not. REFUSED(call, errno) is the
 * claim that a call fails in this way.
 */
#ifndef TESTS_SYSTEM_MOUNT_OPS_H
#define TESTS_SYSTEM_MOUNT_OPS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn static inline void claim_failed(const char *file, int line,
					  const char *what, int err)
{
	fprintf(stderr, "%s:%d: %s (errno %d, %s)\n", file, line, what, err,
		strerror(err));
	exit(EXIT_FAILURE);
}

#define CLAIM(expression)                                                     \
	do {                                                                  \
		errno = 0;                                                    \
		if (!(expression))                                            \
			claim_failed(__FILE__, __LINE__, #expression, errno); \
	} while (0)

#define REFUSED(call, error)                                           \
	do {                                                           \
		errno = 0;                                             \
		if ((call) >= 0 || errno != (error))                   \
			claim_failed(__FILE__, __LINE__,               \
				     #call " must be " #error, errno); \
	} while (0)

/* A process of its own makes claims, too. */
static inline pid_t claim_begin(void (*claims)(const void *arg),
				const void *arg)
{
	pid_t pid = fork();

	CLAIM(pid >= 0);
	if (pid)
		return pid;
	claims(arg);
	_exit(EXIT_SUCCESS);
}

static inline void claim_end(pid_t pid)
{
	int status;

	CLAIM(waitpid(pid, &status, 0) == pid);
	CLAIM(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- what most claims begin with --- */

static inline void make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CLAIM(fd >= 0);
	CLAIM(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CLAIM(close(fd) == 0);
}

static inline struct stat look(const char *path)
{
	struct stat st;

	CLAIM(lstat(path, &st) == 0);
	return st;
}

#endif
