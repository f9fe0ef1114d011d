/* SPDX-License-Identifier: MIT */
/*
 * files_serve.c - how does one thread serve several 9P clients at once?
 *
 * A poll(2) loop, not loop.h's ring: that could open files whatever the
 * sandbox says. The one ring of this process can only read, write and fsync.
 */
#include "vmm/lab/files_serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/link/server.h"
#include "shm/link/socket.h"
#include "vmm/core/log.h"
#include "vmm/files/p9_socket.h"
#include "vmm/files/p9_uring.h"
#include "vmm/files/sandbox.h"
#include "vmm/lab/copy_progress.h"
#include "vmm/lab/share_reason.h"
#include "vmm/lab/size.h"

#define CLIENTS_MAX  64 /* a choice; more wait in the backlog */
#define RING_ENTRIES 128

struct client {
	struct p9_conn *conn; /* NULL: a free place */
	unsigned int nr;
	bool more; /* it stopped for the others' sake */
};

struct service {
	const struct files_serve_opts *opts;
	int signal_fd;
	struct share *share; /* NULL: not made yet */
	struct share_reason reason;
	struct socket_listener listener;
	struct p9_uring *uring; /* NULL: files are read and written in turn */
	struct p9_export export;
	struct p9_session_opts session;
	bool stopping;
	bool deaf; /* no descriptor for another client */
	struct copy_progress progress;
	unsigned int clients_nr, clients_seen;
	int places_nr; /* of clients[]: none is in use behind */
	struct client clients[CLIENTS_MAX];
};

static int fail(const char *what, int err)
{
	log_error("%s: %s", what, strerror(-err));
	return err;
}

/* --- what the share says -------------------------------------------------- */

static void say(void *arg, const char *line)
{
	struct service *s = arg;

	share_reason_say(&s->reason, line);
	if (s->share) /* made, so it is none */
		share_reason_warn(&s->reason);
}

static bool signal_came(const struct service *s)
{
	struct pollfd fd = { .fd = s->signal_fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0;
}

/* A large file without reflink. */
static bool copying(void *arg, uint64_t done, uint64_t total)
{
	struct service *s = arg;

	copy_progress_tell(&s->progress, s->opts->share.lower, done, total);
	return signal_came(s);
}

/* --- clients -------------------------------------------------------------- */

static void client_add(struct service *s, int fd)
{
	struct client *client = s->clients;
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int err;

	while (client->conn)
		client++; /* there is one: clients_nr was looked at */
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	*client = (struct client){ .nr = ++s->clients_seen };
	err = p9_conn_create(&client->conn, fd, &s->session);
	if (err) {
		client->conn = NULL;
		log_warn("client %u not served: %s", client->nr,
			 strerror(-err));
		return;
	}
	s->clients_nr++;
	if (client - s->clients >= s->places_nr)
		s->places_nr = (int)(client - s->clients) + 1;
	log_info("client %u connected (process %d)", client->nr, (int)peer.pid);
}

static bool may_accept(const struct service *s)
{
	return !s->deaf && s->clients_nr < CLIENTS_MAX &&
	       !(s->opts->once && s->clients_seen);
}

static void accept_clients(struct service *s)
{
	while (may_accept(s)) {
		int fd = accept4(s->listener.fd, NULL, NULL,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			client_add(s, fd);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_warn("a client cannot be served: %s",
				 strerror(errno));
			s->deaf = s->clients_nr; /* until one leaves */
			return;
		}
	}
}

static void client_run(struct client *client, int (*run)(struct p9_conn *conn))
{
	int ret = run(client->conn);

	client->more = ret > 0;
	if (ret < 0 && ret != -ECONNRESET && ret != -EPIPE)
		log_warn("client %u: %s", client->nr,
			 ret == -EPROTO ? "what it sends is not 9P2000.L"
					: strerror(-ret));
}

static void client_end(struct service *s, struct client *client)
{
	const struct p9_counters *counters = p9_conn_counters(client->conn);
	char read_text[SIZE_TEXT_LEN], written_text[SIZE_TEXT_LEN];

	log_info("client %u left: %llu requests, %llu of them refused; %s "
		 "read, %s written",
		 client->nr, (unsigned long long)counters->requests,
		 (unsigned long long)counters->errors,
		 size_format(counters->read_len, read_text),
		 size_format(counters->written_len, written_text));
	p9_conn_destroy(client->conn);
	client->conn = NULL;
	s->clients_nr--;
	while (s->places_nr && !s->clients[s->places_nr - 1].conn)
		s->places_nr--;
	s->deaf = false;
	if (s->opts->once)
		s->stopping = true;
}

/* --- the loop ------------------------------------------------------------- */

enum {
	FD_SIGNAL,
	FD_LISTENER,
	FD_RING,
	FD_CLIENTS
};

static void wait_for_events(struct service *s, struct pollfd *fds)
{
	int timeout = -1, fds_nr;

	fds[FD_SIGNAL] = (struct pollfd){ s->signal_fd, POLLIN, 0 };
	fds[FD_LISTENER] = (struct pollfd){ may_accept(s) ? s->listener.fd : -1,
					    POLLIN, 0 };
	fds[FD_RING] = (struct pollfd){ s->uring ? p9_uring_fd(s->uring) : -1,
					POLLIN, 0 };
	for (int i = 0; i < s->places_nr; i++) {
		struct p9_conn *conn = s->clients[i].conn;
		struct pollfd *fd = &fds[FD_CLIENTS + i];

		*fd = (struct pollfd){ .fd = -1 };
		if (!conn)
			continue;
		/* A stopped one would tell its end for ever. */
		if (!p9_conn_stopped(conn))
			*fd = (struct pollfd){ p9_conn_fd(conn),
					       p9_conn_events(conn), 0 };
		if (s->clients[i].more || p9_conn_ready(conn) ||
		    p9_conn_over(conn))
			timeout = 0;
	}
	fds_nr = FD_CLIENTS + s->places_nr;
	if (poll(fds, (nfds_t)fds_nr, timeout) < 0)
		for (int i = 0; i < fds_nr; i++)
			fds[i].revents = 0; /* EINTR: look again */
}

static void turn(struct service *s)
{
	struct pollfd fds[FD_CLIENTS + CLIENTS_MAX];
	int polled_nr = s->places_nr;

	wait_for_events(s, fds);
	if (fds[FD_SIGNAL].revents)
		s->stopping = true;
	for (int i = 0; i < polled_nr; i++) {
		struct client *client = &s->clients[i];
		short revents = fds[FD_CLIENTS + i].revents;

		if (!client->conn)
			continue;
		/* It hung up and waits for nothing that could tell. */
		if (revents & (POLLHUP | POLLERR) &&
		    !(fds[FD_CLIENTS + i].events & POLLIN))
			p9_conn_stop(client->conn);
		else if (revents || client->more)
			client_run(client, p9_conn_run);
	}
	if (s->uring)
		p9_uring_run(s->uring);
	for (int i = 0; i < s->places_nr; i++) {
		struct client *client = &s->clients[i];

		if (client->conn && p9_conn_ready(client->conn))
			client_run(client, p9_conn_answer);
		if (client->conn && p9_conn_over(client->conn))
			client_end(s, client);
	}
	/* What those runs have begun. */
	if (s->uring)
		p9_uring_run(s->uring);
	if (fds[FD_LISTENER].revents)
		accept_clients(s);
}

/* --- set-up and tear-down ------------------------------------------------- */

static int hold_signals(struct service *s)
{
	struct sigaction hup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* Under nohup a server outlives its terminal. */
	if (sigaction(SIGHUP, NULL, &hup) || hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -errno : 0;
}

/* A client's fids hold up to three descriptors each. */
static void raise_files_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_share(struct service *s)
{
	struct share_opts opts = s->opts->share;
	int err;

	opts.fresh = s->opts->fresh;
	opts.copying = copying;
	opts.say = say;
	opts.arg = s;
	err = share_create(&s->share, &opts);
	if (err)
		log_error("cannot serve %s: %s%s", opts.lower,
			  share_reason_why(&s->reason, err),
			  share_reason_cure(err));
	else
		share_reason_warn(&s->reason);
	return err;
}

static int make_ring(struct service *s)
{
	int err = p9_uring_create(&s->uring, RING_ENTRIES);

	if (err)
		log_warn("no io_uring (%s): files are read and written one "
			 "after the other",
			 strerror(-err));
	s->session.io = s->uring ? p9_uring_io(s->uring) : &p9_io_sync;
	return 0;
}

static int confine(const struct service *s)
{
	const struct share_opts *share = &s->opts->share;
	const char *path = s->listener.addr.sun_path;
	const char *slash = strrchr(path, '/');
	char socket_dir[sizeof(s->listener.addr.sun_path) + 1] = ".";
	struct sandbox_dir dirs[3];
	uint32_t dirs_nr = 0;
	struct sandbox got;
	int err;

	if (slash) /* with it, so that the root is one, too */
		(void)snprintf(socket_dir, sizeof(socket_dir), "%.*s",
			       (int)(slash - path) + 1, path);
	dirs[dirs_nr++] = (struct sandbox_dir){ share->lower,
						share->mode == SHARE_RW
							? SANDBOX_CHANGE
							: SANDBOX_READ };
	if (share->mode == SHARE_COW)
		dirs[dirs_nr++] = (struct sandbox_dir){ share->upper,
							SANDBOX_CHANGE };
	dirs[dirs_nr++] = (struct sandbox_dir){ socket_dir, SANDBOX_REMOVE };
	err = sandbox_enter(dirs, dirs_nr, &got);
	if (err)
		return fail("cannot give up rights", err);
	log_info("sandbox: no new privileges; landlock %s, seccomp %s",
		 got.landlock ? "on" : "not here",
		 got.seccomp ? "on" : "not under a sanitizer");
	return 0;
}

static int set_up(struct service *s)
{
	static const char *const modes[] = { "read-only", "read-write",
					     "copy-on-write" };
	const struct share_opts *share = &s->opts->share;
	int err = hold_signals(s);

	if (err)
		return fail("cannot hold signals", err);
	raise_files_limit();
	err = open_share(s);
	if (!err)
		err = make_ring(s);
	if (err)
		return err;
	s->export = (struct p9_export){ "share", s->share };
	s->session.exports = &s->export;
	s->session.exports_nr = 1;
	s->session.limits = P9_LIMITS_DEFAULT;
	s->session.limits.msize = s->opts->msize;
	err = socket_listen(&s->listener, s->opts->socket_path);
	if (err) {
		log_error("cannot serve on %s: %s", s->opts->socket_path,
			  server_strerror(err));
		return err;
	}
	err = confine(s);
	if (!err)
		log_info("serving %s %s on %s", share->lower,
			 modes[share->mode], s->opts->socket_path);
	return err;
}

static void tear_down(struct service *s)
{
	socket_unlisten(&s->listener);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].conn)
			p9_conn_stop(s->clients[i].conn);
	if (s->uring)
		p9_uring_drain(s->uring);
	for (int i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].conn)
			client_end(s, &s->clients[i]);
	p9_uring_destroy(s->uring);
	share_destroy(s->share);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}

int files_serve(const struct files_serve_opts *opts)
{
	struct service *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail("cannot serve", -ENOMEM);
	s->opts = opts;
	s->reason = (struct share_reason){ "share ", opts->share.lower, "" };
	s->signal_fd = -1;
	s->listener = (struct socket_listener)SOCKET_LISTENER_INIT;
	err = set_up(s);
	while (!err && !s->stopping)
		turn(s);
	tear_down(s);
	free(s);
	return err;
}
