/* SPDX-License-Identifier: MIT */
/* socket.c - who owns a socket path, and how to get to its owner. */
#include "shm/link/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/link/deadline.h"

#define BACKLOG_MAX	   128
#define CONNECT_RETRY_NS   5000000ull /* a choice: 5 ms */
#define SOCKET_FLAGS	   (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define SOCKET_FILE_ACCESS (S_IRUSR | S_IWUSR)

static int addr_set(struct sockaddr_un *addr, const char *path)
{
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(addr->sun_path))
		return -EINVAL;
	*addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(addr->sun_path, path, len + 1);
	return 0;
}

static int connect_to(int fd, const struct sockaddr_un *addr)
{
	int ret;

	do {
		ret = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/*
 * 0 when the file at addr is a socket without an owner. The probe has the
 * wrong type on purpose: Linux refuses it differently with and without an
 * owner, and a living server never notices that it was asked. It also sees an
 * owner that has bound and not yet called listen().
 */
static int check_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	int probe_fd;
	int err;

	if (lstat(addr->sun_path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	probe_fd = socket(AF_UNIX, SOCK_DGRAM | SOCKET_FLAGS, 0);
	if (probe_fd < 0)
		return -errno;
	err = connect_to(probe_fd, addr);
	close(probe_fd);
	return err == -ECONNREFUSED ? 0 : -EADDRINUSE;
}

static int bind_to(int fd, const struct sockaddr_un *addr)
{
	if (bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return -errno;
	return 0;
}

int socket_listen(struct socket_listener *listener, const char *path)
{
	struct stat st;
	int err;

	*listener = (struct socket_listener)SOCKET_LISTENER_INIT;
	err = addr_set(&listener->addr, path);
	if (err)
		return err;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCKET_FLAGS, 0);
	/* bind() gives the file the socket's own mode, so there is no moment
	 * at which others could connect. */
	if (listener->fd < 0 || fchmod(listener->fd, SOCKET_FILE_ACCESS) < 0) {
		err = -errno;
		goto fail;
	}
	err = bind_to(listener->fd, &listener->addr);
	if (err == -EADDRINUSE) {
		err = check_stale(&listener->addr);
		if (err)
			goto fail;
		if (unlink(path) < 0 && errno != ENOENT) {
			err = -errno;
			goto fail;
		}
		err = bind_to(listener->fd, &listener->addr);
	}
	if (err)
		goto fail;
	if (lstat(path, &st) < 0) {
		err = -errno;
		goto fail;
	}
	listener->dev = st.st_dev;
	listener->ino = st.st_ino;
	if (listen(listener->fd, BACKLOG_MAX) < 0) {
		err = -errno;
		goto fail;
	}
	return 0;

fail:
	socket_unlisten(listener);
	return err;
}

void socket_unlisten(struct socket_listener *listener)
{
	struct stat st;

	/* Inode 0 does not exist: not bound. */
	if (listener->ino && lstat(listener->addr.sun_path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->addr.sun_path);
	if (listener->fd >= 0)
		close(listener->fd);
	*listener = (struct socket_listener)SOCKET_LISTENER_INIT;
}

int socket_connect(int *out_fd, const char *path, uint64_t deadline_ns)
{
	struct sockaddr_un addr;
	int fd;
	int err;

	err = addr_set(&addr, path);
	if (err)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCKET_FLAGS, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN is a full backlog, which no poll() can wait for. */
	while ((err = connect_to(fd, &addr)) == -EAGAIN) {
		if (deadline_now_ns() >= deadline_ns) {
			err = -ETIMEDOUT;
			break;
		}
		err = deadline_poll(NULL, 0,
				    deadline_after_ns(CONNECT_RETRY_NS));
		if (err < 0)
			break;
	}
	if (err) {
		close(fd);
		return err;
	}
	*out_fd = fd;
	return 0;
}
