/* SPDX-License-Identifier: MIT */
/* server.c - who is in the lab, and who has to hear about whom. */
#include "shm/link/server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "shm/ivshmem.h"
#include "shm/link/member.h"
#include "shm/link/socket.h"

#define EVENTS_MAX     64
#define RETRY_DELAY_NS 50000000 /* a choice: 50 ms */
#define ID_WORD_BITS   64

struct server {
	struct server_opts opts;
	struct socket_listener listener;
	bool paused; /* out of descriptors: not accepting */
	int epoll_fd;
	int retry_fd; /* timer for what failed for want of resources */
	uint32_t members_nr;
	uint32_t doomed_nr;
	uint32_t next_id;
	uint64_t used_ids[IVSHMEM_PEERS_MAX / ID_WORD_BITS];
	/* In order of arrival. Untouched pages of it cost nothing. */
	struct member *members[IVSHMEM_PEERS_MAX];
};

static bool id_used(const struct server *server, uint32_t id)
{
	return server->used_ids[id / ID_WORD_BITS] >> (id % ID_WORD_BITS) & 1;
}

static void doom(struct server *server, struct member *member)
{
	if (member->doomed)
		return;
	member->doomed = true;
	server->doomed_nr++;
}

static void retry_later(const struct server *server)
{
	struct itimerspec when = { .it_value.tv_nsec = RETRY_DELAY_NS };

	/* Cannot fail: a timer of ours and a valid time. */
	(void)timerfd_settime(server->retry_fd, 0, &when, NULL);
}

/* A level-triggered listener nobody can accept from would keep us awake. */
static void set_paused(struct server *server, bool paused)
{
	struct epoll_event event = {
		.events = paused ? 0 : EPOLLIN,
		.data.ptr = &server->listener,
	};

	if (server->paused == paused)
		return;
	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, server->listener.fd,
		      &event) == 0)
		server->paused = paused;
}

static void flush(struct server *server, struct member *member)
{
	int err;

	if (member->doomed)
		return;
	err = member_flush(member);
	if (err == -EAGAIN)
		retry_later(server);
	else if (err)
		doom(server, member);
}

/* Take the first doomed member out of the list; NULL: there is none. */
static struct member *take_doomed(struct server *server)
{
	for (uint32_t i = 0; server->doomed_nr && i < server->members_nr; i++) {
		struct member *member = server->members[i];

		if (!member->doomed)
			continue;
		server->doomed_nr--;
		server->members_nr--;
		for (; i < server->members_nr; i++)
			server->members[i] = server->members[i + 1];
		return member;
	}
	return NULL;
}

/*
 * Remove the doomed. Telling the others may doom more of them; each was told
 * of everybody in the list, so each must also be told who left.
 */
static void reap(struct server *server)
{
	struct member *gone;

	while ((gone = take_doomed(server))) {
		uint32_t id = gone->id;

		for (uint32_t i = 0; i < server->members_nr; i++) {
			struct member *other = server->members[i];

			if (outbox_forget(&other->outbox, id,
					  server->opts.vectors_nr))
				continue;
			if (outbox_push(&other->outbox, id, -1, NULL))
				doom(server, other);
			flush(server, other);
		}
		member_free(gone);
		set_paused(server, false); /* there are fds again */
		if (server->opts.left)
			server->opts.left(server->opts.arg, id);
	}
}

/* The id for pid, or -EUSERS: it may not have one. */
static int choose_id(struct server *server, pid_t pid)
{
	int id = -1;

	/* Pid 0 lives in another pid namespace: nobody we know. */
	if (server->opts.id_for_pid && pid > 0)
		id = server->opts.id_for_pid(server->opts.arg, pid);
	if (id < 0) {
		while (server->next_id < IVSHMEM_PEERS_MAX &&
		       id_used(server, server->next_id))
			server->next_id++;
		id = (int)server->next_id;
	}
	if (id >= IVSHMEM_PEERS_MAX || id_used(server, (uint32_t)id))
		return -EUSERS;
	return id;
}

/*
 * The messages of a join, in the order of QEMU's example server. The newest
 * member, the last in the list, is introduced to the others before it learns
 * of them: an answer to its first words finds its doorbell on the way already.
 */
static void introduce(struct server *server, struct member *member)
{
	uint32_t others_nr = server->members_nr - 1;
	struct outbox *outbox = &member->outbox;
	bool lost = false;

	lost |= outbox_push(outbox, IVSHMEM_PROTOCOL_VERSION, -1, NULL) != 0;
	lost |= outbox_push(outbox, member->id, -1, NULL) != 0;
	lost |= outbox_push(outbox, IVSHMEM_MSG_SHM, server->opts.shm_fd,
			    NULL) != 0;
	flush(server, member);
	for (uint32_t i = 0; i < others_nr; i++) {
		struct member *other = server->members[i];

		if (outbox_push_bells(&other->outbox, member->id,
				      member->bells))
			doom(server, other);
		flush(server, other);
	}
	for (uint32_t i = 0; i < others_nr; i++)
		lost |= outbox_push_bells(outbox, server->members[i]->id,
					  server->members[i]->bells) != 0;
	lost |= outbox_push_bells(outbox, member->id, member->bells) != 0;
	flush(server, member);
	if (lost)
		doom(server, member);
}

/*
 * Make a connection a member. On failure, among it that no id is left, it is
 * closed: the client sees the end of the stream, and no id is used up.
 */
static void join(struct server *server, int sock)
{
	struct member *member;
	int id;

	if (member_create(&member, sock, server->epoll_fd,
			  server->opts.vectors_nr))
		return;
	id = choose_id(server, member->pid);
	if (id < 0) {
		member_free(member);
		return;
	}
	member->id = (uint32_t)id;
	server->used_ids[id / ID_WORD_BITS] |= 1ull << (id % ID_WORD_BITS);
	/* In range: members have different ids. */
	server->members[server->members_nr++] = member;
	introduce(server, member);
	if (server->opts.joined)
		server->opts.joined(server->opts.arg, member->id, member->pid);
}

static void accept_all(struct server *server)
{
	for (;;) {
		int sock = accept4(server->listener.fd, NULL, NULL,
				   SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (sock >= 0) {
			join(server, sock);
			reap(server);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			/* Mostly EMFILE. They wait in the backlog meanwhile. */
			set_paused(server, true);
			retry_later(server);
			return;
		}
	}
}

static void retry(struct server *server)
{
	uint64_t expirations;

	if (read(server->retry_fd, &expirations, sizeof(expirations)) < 0)
		return;
	set_paused(server, false);
	for (uint32_t i = 0; i < server->members_nr; i++)
		flush(server, server->members[i]);
}

int server_dispatch(struct server *server)
{
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		bool arrivals = false;
		int nr = epoll_wait(server->epoll_fd, events, EVENTS_MAX, 0);

		if (nr == 0)
			return 0;
		if (nr < 0 && errno == EINTR)
			continue;
		if (nr < 0)
			return -errno;
		for (int i = 0; i < nr; i++) {
			void *source = events[i].data.ptr;

			if (source == &server->listener)
				arrivals = true;
			else if (source == &server->retry_fd)
				retry(server);
			else if (events[i].events & ~(uint32_t)EPOLLOUT)
				doom(server, source); /* a byte, or the end */
			else
				flush(server, source);
		}
		reap(server);
		if (arrivals)
			accept_all(server);
	}
}

static int watch(const struct server *server, int fd, void *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	return 0;
}

int server_create(struct server **out, const struct server_opts *opts)
{
	struct server *server;
	int err;

	if (opts->vectors_nr < 1 || opts->vectors_nr > IVSHMEM_VECTORS_MAX ||
	    opts->reserved_nr > IVSHMEM_PEERS_MAX)
		return -EINVAL;
	/* Not a compound literal: that would touch all of members[]. */
	server = calloc(1, sizeof(*server));
	if (!server)
		return -ENOMEM;
	server->opts = *opts;
	server->opts.socket_path = NULL; /* the listener has its own copy */
	server->listener.fd = -1;
	server->retry_fd = -1;
	server->next_id = opts->reserved_nr;

	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0) {
		err = -errno;
		goto fail;
	}
	server->retry_fd = timerfd_create(CLOCK_MONOTONIC,
					  TFD_NONBLOCK | TFD_CLOEXEC);
	if (server->retry_fd < 0) {
		err = -errno;
		goto fail;
	}
	err = watch(server, server->retry_fd, &server->retry_fd);
	if (err)
		goto fail;
	err = socket_listen(&server->listener, opts->socket_path);
	if (err)
		goto fail;
	err = watch(server, server->listener.fd, &server->listener);
	if (err)
		goto fail;
	*out = server;
	return 0;

fail:
	server_destroy(server);
	return err;
}

const char *server_strerror(int err)
{
	switch (err) {
	case -EADDRINUSE:
		return "another server runs there; stop it or take another "
		       "path";
	case -EEXIST:
		return "a file is there that is no socket; remove it or take "
		       "another path";
	case -EINVAL:
		return "a socket's path has 1 to 107 bytes";
	case -ENOENT:
		return "there is no such directory";
	default:
		return strerror(-err);
	}
}

void server_destroy(struct server *server)
{
	if (!server)
		return;
	for (uint32_t i = 0; i < server->members_nr; i++)
		member_free(server->members[i]);
	socket_unlisten(&server->listener);
	if (server->retry_fd >= 0)
		close(server->retry_fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server);
}

int server_fd(const struct server *server)
{
	return server->epoll_fd;
}

uint32_t server_peers_nr(const struct server *server)
{
	return server->members_nr;
}

void server_ring_all(const struct server *server)
{
	const uint64_t one = 1;

	for (uint32_t i = 0; i < server->members_nr; i++) {
		const struct bells *bells = server->members[i]->bells;

		/* -EAGAIN: so many rings wait there that one more is nothing.
		 */
		(void)!write(bells->efds[server->opts.vectors_nr - 1], &one,
			     sizeof(one));
	}
}
