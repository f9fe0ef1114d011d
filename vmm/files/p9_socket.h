/* SPDX-License-Identifier: MIT */
/*
 * p9_socket.h - a session over a stream socket: where messages begin and end.
 *
 * Requests are read ahead and many may be under way; replies go out as they
 * come, several per system call. Memory is bounded: when as many requests as
 * the session allows, or their bytes, are not answered and taken by the
 * client yet, nothing more is read. So a slow client waits for itself.
 *
 * Called by: who owns the loop: p9_conn_run() when the socket has what
 *            p9_conn_events() asks for, and when it is p9_conn_ready().
 * Threads:   the session's.
 * Trust:     the client may send any bytes, stop at any of them, and never
 *            read. A size field below P9_HEAD_LEN or above msize ends the
 *            connection, and nothing else of what it sends.
 */
#ifndef VMM_FILES_P9_SOCKET_H
#define VMM_FILES_P9_SOCKET_H

#include <stdbool.h>

#include "vmm/files/p9_server.h"

struct p9_conn;

/* fd: a connected stream socket, made non-blocking, the connection's from
 * then on, also when this fails. */
int p9_conn_create(struct p9_conn **out, int fd,
		   const struct p9_session_opts *opts);

/*
 * Read, serve and write as far as it goes, for a bounded time. 1: there is
 * more, call again soon; 0: nothing until events come; -ECONNRESET: the client
 * has left; -EPROTO: it broke the framing; -errno. After an error there are no
 * events any more and the connection ends: see p9_conn_over().
 */
int p9_conn_run(struct p9_conn *conn);
/* The same for what was read before: where nothing but replies is new. */
int p9_conn_answer(struct p9_conn *conn);
/* Replies came meanwhile that p9_conn_answer() could send. */
bool p9_conn_ready(const struct p9_conn *conn);
/* POLLIN, POLLOUT or both; 0: none, look at POLLHUP alone. */
short p9_conn_events(const struct p9_conn *conn);
int p9_conn_fd(const struct p9_conn *conn);

/* End it. What is under way at the files is waited for: by p9_conn_over(). */
void p9_conn_stop(struct p9_conn *conn);
bool p9_conn_stopped(const struct p9_conn *conn);
/* Stopped, and nothing is under way: it may be destroyed. */
bool p9_conn_over(const struct p9_conn *conn);
/* NULL is fine. Only when it is over. */
void p9_conn_destroy(struct p9_conn *conn);

const struct p9_counters *p9_conn_counters(const struct p9_conn *conn);

#endif
