/* SPDX-License-Identifier: MIT */
/*
 * socket.h - Unix stream sockets at a path: how server and client meet.
 *
 * All sockets are non-blocking and close-on-exec.
 * Threads: any; a listener belongs to one.
 */
#ifndef SHM_LINK_SOCKET_H
#define SHM_LINK_SOCKET_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

struct socket_listener {
	int fd; /* -1: not held */
	struct sockaddr_un addr;
	dev_t dev; /* the file we bound: another's is not ours to remove */
	ino_t ino;
};
#define SOCKET_LISTENER_INIT \
	{                    \
		.fd = -1     \
	}

/*
 * Bind path, only for this user whatever the umask, and listen. A socket file
 * that nobody holds open any more is replaced. -EINVAL: path empty or too
 * long; -EADDRINUSE: somebody holds it; -EEXIST: not a socket; -errno.
 */
int socket_listen(struct socket_listener *listener, const char *path);
/* Close and, if it is still ours, remove the file. Safe when not held. */
void socket_unlisten(struct socket_listener *listener);

/*
 * Connect to path, waiting for room in the server's backlog until deadline_ns
 * (deadline.h). -EINVAL as above, -ETIMEDOUT, -errno.
 */
int socket_connect(int *out_fd, const char *path, uint64_t deadline_ns);

#endif
