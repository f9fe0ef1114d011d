/* SPDX-License-Identifier: MIT */
/*
 * link_room.h - what the tests of shm/link share: a directory for the socket,
 * a server that runs in a thread or by hand, and clients that are bare
 * sockets, so that a test sees each message.
 */
#ifndef TESTS_UNIT_LINK_ROOM_H
#define TESTS_UNIT_LINK_ROOM_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/link/deadline.h"
#include "shm/link/server.h"
#include "shm/link/shmem.h"
#include "shm/link/socket.h"
#include "shm/link/wire.h"
#include "tests/unit/harness.h"

#define ROOM_TIMEOUT_MS 20000 /* never waited for when things work */
#define ROOM_SHM_LEN	65536ull

struct room {
	char dir[64];
	char path[96];
	struct shmem shmem;
	struct server *server;
	pthread_t thread;
	int stop_efd; /* -1: no thread */
};

static inline uint64_t room_deadline_ns(void)
{
	return deadline_after_ns(ROOM_TIMEOUT_MS * 1000000ull);
}

/* A directory and the path of a socket that is not there yet. */
static inline void room_dir(struct room *room)
{
	const char *tmp = getenv("TMPDIR");

	*room = (struct room){ .shmem = { .fd = -1 }, .stop_efd = -1 };
	if (!tmp || strlen(tmp) > 40)
		tmp = "/tmp";
	(void)snprintf(room->dir, sizeof(room->dir), "%s/ivlab-XXXXXX", tmp);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(room->dir));
	(void)snprintf(room->path, sizeof(room->path), "%s/sock", room->dir);
}

/* opts: socket_path and shm_fd are filled in. */
static inline void room_open(struct room *room, struct server_opts opts)
{
	room_dir(room);
	CU_ASSERT_EQUAL_FATAL(
		shmem_create(&room->shmem, "room", ROOM_SHM_LEN, false), 0);
	opts.socket_path = room->path;
	opts.shm_fd = room->shmem.fd;
	CU_ASSERT_EQUAL_FATAL(server_create(&room->server, &opts), 0);
}

static inline void *room_thread(void *arg)
{
	struct room *room = arg;
	struct pollfd fds[2] = {
		{ .fd = server_fd(room->server), .events = POLLIN },
		{ .fd = room->stop_efd, .events = POLLIN },
	};

	while (!fds[1].revents && poll(fds, 2, -1) >= 0)
		if (server_dispatch(room->server))
			break;
	return NULL;
}

static inline void room_start(struct room *room)
{
	room->stop_efd = eventfd(0, EFD_CLOEXEC);
	CU_ASSERT_FATAL(room->stop_efd >= 0);
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&room->thread, NULL, room_thread, room), 0);
}

/* The server is gone, as when its process ends. */
static inline void room_stop(struct room *room)
{
	if (room->stop_efd >= 0) {
		CU_ASSERT_EQUAL(eventfd_write(room->stop_efd, 1), 0);
		CU_ASSERT_EQUAL(pthread_join(room->thread, NULL), 0);
		close(room->stop_efd);
		room->stop_efd = -1;
	}
	server_destroy(room->server);
	room->server = NULL;
}

static inline void room_close(struct room *room)
{
	room_stop(room);
	shmem_destroy(&room->shmem);
	(void)unlink(room->path);
	CU_ASSERT_EQUAL(rmdir(room->dir), 0);
}

/* Let the server do what it can do now (a room without thread). */
static inline void room_pump(const struct room *room)
{
	CU_ASSERT_EQUAL(server_dispatch(room->server), 0);
}

static inline int raw_connect(const struct room *room)
{
	int sock = -1;

	CU_ASSERT_EQUAL_FATAL(
		socket_connect(&sock, room->path, room_deadline_ns()), 0);
	return sock;
}

/*
 * The next message at sock, the server working meanwhile. 1 and *value and
 * *fd, or what wire_receive() says, or -ETIMEDOUT.
 */
static inline int raw_receive(const struct room *room, int sock, int64_t *value,
			      int *fd)
{
	struct wire_reader reader = WIRE_READER_INIT;
	uint64_t deadline_ns = room_deadline_ns();

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = sock, .events = POLLIN },
			{ .fd = room->server ? server_fd(room->server) : -1,
			  .events = POLLIN },
		};
		int ret = wire_receive(sock, &reader, value, fd);

		if (ret)
			return ret;
		if (deadline_poll(fds, 2, deadline_ns) <= 0)
			return -ETIMEDOUT;
		if (room->server)
			room_pump(room);
	}
}

/* The next message must be value; with an fd or not. Returns the fd. */
static inline int raw_expect(const struct room *room, int sock, int64_t want,
			     int with_fd)
{
	int64_t value = -2;
	int fd = -1;

	CU_ASSERT_EQUAL_FATAL(raw_receive(room, sock, &value, &fd), 1);
	CU_ASSERT_EQUAL_FATAL(value, want);
	CU_ASSERT_EQUAL_FATAL(fd >= 0, with_fd);
	return fd;
}

static inline void raw_expect_end(const struct room *room, int sock)
{
	int64_t value;
	int fd;

	CU_ASSERT_EQUAL(raw_receive(room, sock, &value, &fd), -ECONNRESET);
}

/* nr messages with an eventfd each; closes them. */
static inline void raw_expect_vectors(const struct room *room, int sock,
				      int64_t id, int nr)
{
	for (int i = 0; i < nr; i++)
		close(raw_expect(room, sock, id, 1));
}

/* Version, id, memory object: the beginning of every conversation. */
static inline void raw_expect_greeting(const struct room *room, int sock,
				       int64_t id)
{
	raw_expect(room, sock, IVSHMEM_PROTOCOL_VERSION, 0);
	raw_expect(room, sock, id, 0);
	close(raw_expect(room, sock, IVSHMEM_MSG_SHM, 1));
}

static inline int fds_open(void)
{
	int nr = 0;

	for (int fd = 0; fd < 4096; fd++)
		nr += dup2(fd, fd) == fd;
	return nr;
}

#endif
