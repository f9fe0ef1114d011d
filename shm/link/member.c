/* SPDX-License-Identifier: MIT */
/* member.c - when may something be sent to this client? */
#include "shm/link/member.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Bytes, before the kernel doubles it: about ten messages. The fds inside
 * unread messages count against a limit that all of this user's processes
 * share (unix(7), ETOOMANYREFS), so a client that does not read may hold few.
 */
#define SEND_BUFFER_LEN 4096

static int watch(struct member *member, int op, uint32_t epoll_events)
{
	struct epoll_event event = { .events = epoll_events };

	event.data.ptr = member;
	if (epoll_ctl(member->epoll_fd, op, member->sock, &event) < 0)
		return -errno;
	member->epoll_events = epoll_events;
	return 0;
}

int member_create(struct member **out, int sock, int epoll_fd,
		  uint32_t vectors_nr)
{
	int send_buffer_len = SEND_BUFFER_LEN;
	struct ucred cred = { 0 };
	socklen_t cred_len = sizeof(cred);
	struct member *member;
	int err;

	member = malloc(sizeof(*member));
	if (!member) {
		close(sock);
		return -ENOMEM;
	}
	*member = (struct member){ .sock = sock, .epoll_fd = epoll_fd };

	/* Only saves fds, so no reason to refuse anybody. */
	(void)setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &send_buffer_len,
			 sizeof(send_buffer_len));
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) < 0) {
		err = -errno;
		goto fail;
	}
	member->pid = cred.pid;
	err = bells_create(&member->bells, vectors_nr);
	if (err)
		goto fail;
	err = watch(member, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP);
	if (err)
		goto fail;
	*out = member;
	return 0;

fail:
	member_free(member);
	return err;
}

void member_free(struct member *member)
{
	if (!member)
		return;
	/*
	 * A fork of this process may hold a copy of the socket: without these
	 * two, epoll would go on naming a freed member, and the client would
	 * not see the end.
	 */
	(void)epoll_ctl(member->epoll_fd, EPOLL_CTL_DEL, member->sock, NULL);
	(void)shutdown(member->sock, SHUT_RDWR);
	close(member->sock);
	outbox_destroy(&member->outbox);
	bells_put(member->bells);
	free(member);
}

int member_flush(struct member *member)
{
	uint32_t epoll_events = EPOLLIN | EPOLLRDHUP;
	int later = 0;
	int err = outbox_flush(&member->outbox, member->sock);

	switch (err) {
	case 0:
		break;
	case -EAGAIN:
		epoll_events |= EPOLLOUT;
		break;
	case -ETOOMANYREFS:
	case -ENOBUFS:
	case -ENOMEM:
		/* The socket would say "writable" all the time: no EPOLLOUT. */
		later = -EAGAIN;
		break;
	default:
		return err;
	}
	if (epoll_events != member->epoll_events) {
		err = watch(member, EPOLL_CTL_MOD, epoll_events);
		if (err)
			return err;
	}
	return later;
}
