/* SPDX-License-Identifier: MIT */
/*
 * link_script.h - a server that says exactly what a test tells it to, so that
 * the client meets what no honest server sends.
 */
#ifndef TESTS_UNIT_LINK_SCRIPT_H
#define TESTS_UNIT_LINK_SCRIPT_H

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "shm/link/client.h"
#include "tests/unit/link_room.h"

#define OWN_ID 3

/* What goes along with a message of a script. */
enum with {
	WITH_NOTHING,
	WITH_SHM,
	WITH_EVENTFD,
	WITH_PIPE,
	WITH_SMALL_SHM,
};

struct line {
	int64_t value;
	enum with with;
};

/* A server that says its lines and hands over the socket. */
struct script {
	struct socket_listener listener;
	const struct line *lines;
	int lines_nr;
	const uint8_t *bytes; /* instead of lines */
	size_t bytes_len;
	bool hang_up; /* after the last line */
	int sock;     /* the server's end afterwards */
};

static inline int script_fd(enum with with)
{
	int ends[2];
	int fd;

	switch (with) {
	case WITH_NOTHING:
		break;
	case WITH_EVENTFD:
		return eventfd(0, EFD_CLOEXEC); /* blocking, on purpose */
	case WITH_PIPE:
		if (pipe2(ends, O_CLOEXEC))
			return -1;
		close(ends[0]);
		return ends[1];
	case WITH_SHM:
	case WITH_SMALL_SHM:
		fd = memfd_create("t", MFD_CLOEXEC);
		if (ftruncate(fd, with == WITH_SHM ? 4096 : 100))
			return -1;
		return fd;
	}
	return -1;
}

static inline int script_say(int sock, int64_t value, enum with with)
{
	int fd = script_fd(with);
	int err = wire_send(sock, value, fd);

	if (fd >= 0)
		close(fd);
	return err;
}

static inline void *script_thread(void *arg)
{
	struct script *script = arg;
	struct pollfd fd = { .fd = script->listener.fd, .events = POLLIN };
	int err = 0;

	if (poll(&fd, 1, ROOM_TIMEOUT_MS) != 1)
		return NULL;
	script->sock = accept4(fd.fd, NULL, NULL, SOCK_CLOEXEC);
	if (script->bytes_len)
		err = send(script->sock, script->bytes, script->bytes_len,
			   MSG_NOSIGNAL) < 0;
	for (int i = 0; !err && i < script->lines_nr; i++)
		err = script_say(script->sock, script->lines[i].value,
				 script->lines[i].with);
	if (script->hang_up) {
		close(script->sock);
		script->sock = -1;
	}
	return NULL;
}

/* client_connect() against the script. */
static inline int script_connect(struct client **client, struct script *script,
				 int timeout_ms,
				 const struct client_events *events)
{
	struct room room;
	pthread_t thread;
	int err;

	script->sock = -1;
	room_dir(&room);
	CU_ASSERT_EQUAL_FATAL(socket_listen(&script->listener, room.path), 0);
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&thread, NULL, script_thread, script), 0);
	err = client_connect(client, room.path, timeout_ms, events);
	CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
	socket_unlisten(&script->listener);
	room_close(&room);
	return err;
}

/* The usual beginning. Returns the server's end of the connection. */
static inline int script_greet(struct client **client,
			       const struct client_events *events)
{
	static const struct line greeting[] = {
		{ 0, WITH_NOTHING },
		{ OWN_ID, WITH_NOTHING },
		{ IVSHMEM_MSG_SHM, WITH_SHM },
	};
	struct script script = { .lines = greeting, .lines_nr = 3 };

	CU_ASSERT_EQUAL_FATAL(
		script_connect(client, &script, ROOM_TIMEOUT_MS, events), 0);
	return script.sock;
}

#endif
