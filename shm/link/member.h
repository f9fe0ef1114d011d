/* SPDX-License-Identifier: MIT */
/*
 * member.h - one connection of the server: its socket, its doorbells and what
 * it has yet to be sent.
 *
 * Called by: shm/link/server.c only.
 * Threads:   the server's.
 */
#ifndef SHM_LINK_MEMBER_H
#define SHM_LINK_MEMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/link/outbox.h"

struct member {
	uint32_t id; /* the server's to set */
	pid_t pid;   /* who connected; 0: in another pid namespace */
	int sock;
	int epoll_fd;	       /* the server's */
	uint32_t epoll_events; /* what epoll watches sock for */
	struct bells *bells;
	struct outbox outbox;
	bool doomed; /* to be removed by the server when it gets there */
};

/*
 * Take over the connection sock, also when this fails, and watch it in
 * epoll_fd with the member as data.ptr. -ENOMEM, -errno of eventfd() and
 * epoll_ctl().
 */
int member_create(struct member **out, int sock, int epoll_fd,
		  uint32_t vectors_nr);
/* Disconnect. NULL is fine. */
void member_free(struct member *member);

/*
 * Send what can be sent; epoll tells when there is room for more. 0; -EAGAIN:
 * the system is short of something, try again later; else the connection is
 * broken: -errno.
 */
int member_flush(struct member *member);

#endif
