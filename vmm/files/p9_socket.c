/* SPDX-License-Identifier: MIT */
/* p9_socket.c - where do messages begin and end in a stream of bytes? */
#include "vmm/files/p9_socket.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/p9.h"

/* Holds several small requests; of a large one the rest is read to its place.
 * Also what one turn reads at least. */
#define STAGE_LEN (16u << 10)
/* A choice: a name of 255 bytes in every step of the longest walk, and the
 * longest symbolic link as an answer, fit. */
#define SMALL_LEN 4608u
/* Large buffers kept for the next request: allocating one of 1 MiB costs more
 * than moving it does. */
#define SPARE_MAX 8u
/* Bytes of large buffers, beyond which nothing is read. One may always be. */
#define LARGE_MAX_LEN (16u << 20)
#define SEND_MAX      16 /* replies per system call */
#define TURN_MAX      64 /* requests per p9_conn_run() */

struct slot {
	struct p9_request req;
	struct p9_conn *conn;
	struct slot *next;
	uint32_t len, got; /* of the request */
	uint32_t reply_len, sent;
	uint8_t *in, *out; /* small, or large */
	uint8_t *large;	   /* of large_len bytes, or NULL */
	uint32_t large_len;
	struct iovec room;
	uint8_t small_in[SMALL_LEN], small_out[SMALL_LEN];
};

struct p9_conn {
	int fd;
	bool stopped;
	bool full_out; /* the socket takes no more for now */
	struct p9_session *session;
	uint32_t requests_max, slots_nr;
	uint64_t large_len;
	struct slot *spare; /* without a request */
	uint32_t spare_large_nr;
	struct slot *incoming;		 /* one that is not whole yet */
	struct slot *ready, **ready_end; /* replies to send */
	uint32_t stage_pos, stage_len;
	uint8_t stage[STAGE_LEN];
};

/* --- slots ---------------------------------------------------------------- */

static void large_free(struct slot *slot)
{
	free(slot->large);
	slot->large = NULL;
	slot->large_len = 0;
}

static void slot_put(struct slot *slot)
{
	struct p9_conn *conn = slot->conn;

	conn->slots_nr--;
	conn->large_len -= slot->large_len;
	if (slot->large && conn->spare_large_nr < SPARE_MAX)
		conn->spare_large_nr++;
	else
		large_free(slot);
	slot->next = conn->spare;
	conn->spare = slot;
}

static struct slot *slot_get(struct p9_conn *conn)
{
	struct slot *slot = conn->spare;

	if (slot) {
		conn->spare = slot->next;
	} else {
		slot = malloc(sizeof(*slot));
		if (!slot)
			return NULL;
		slot->conn = conn;
		slot->large = NULL;
		slot->large_len = 0;
	}
	if (slot->large)
		conn->spare_large_nr--;
	conn->large_len += slot->large_len;
	conn->slots_nr++;
	slot->next = NULL;
	slot->len = slot->got = slot->reply_len = slot->sent = 0;
	return slot;
}

/* Nothing is read as long as the client has not taken what it asked for. */
static bool may_read(const struct p9_conn *conn)
{
	if (conn->stopped || conn->incoming)
		return !conn->stopped;
	return !conn->slots_nr || (conn->slots_nr < conn->requests_max &&
				   conn->large_len < LARGE_MAX_LEN);
}

/* The slot's one large buffer, of at least len bytes. */
static uint8_t *large_of(struct slot *slot, uint32_t len)
{
	uint32_t msize = p9_session_msize(slot->conn->session);

	if (slot->large_len < len) {
		slot->conn->large_len -= slot->large_len;
		large_free(slot);
		slot->large = malloc(msize);
		if (!slot->large)
			return NULL;
		slot->large_len = msize;
		slot->conn->large_len += msize;
	}
	return slot->large;
}

/* --- requests ------------------------------------------------------------- */

static void done(struct p9_request *req, uint32_t reply_len)
{
	struct slot *slot = (struct slot *)req;
	struct p9_conn *conn = slot->conn;

	slot->reply_len = reply_len;
	if (!reply_len || conn->stopped) {
		slot_put(slot);
		return;
	}
	*conn->ready_end = slot;
	conn->ready_end = &slot->next;
}

static int submit(struct slot *slot)
{
	struct p9_session *session = slot->conn->session;
	uint32_t room = p9_reply_room(slot->in, slot->len,
				      p9_session_msize(session));

	slot->out = slot->small_out;
	if (room > SMALL_LEN && slot->in != slot->large)
		slot->out = large_of(slot, room);
	else if (room > SMALL_LEN)
		room = SMALL_LEN; /* no request is as long as its reply */
	if (!slot->out)
		return -ENOMEM;
	slot->room = (struct iovec){ slot->out, room };
	slot->req.head = slot->in;
	slot->req.head_len = slot->req.len = slot->len;
	slot->req.data = NULL;
	slot->req.data_nr = 0;
	slot->req.room = &slot->room;
	slot->req.room_nr = 1;
	slot->req.done = done;
	p9_session_submit(session, &slot->req);
	return 0;
}

/* --- reading -------------------------------------------------------------- */

/* A new request of as many bytes as its size field says. */
static int begin_request(struct p9_conn *conn, const uint8_t size_field[4])
{
	struct slot *slot;
	uint32_t size;

	memcpy(&size, size_field, sizeof(size));
	size = le32toh(size);
	if (size < P9_HEAD_LEN || size > p9_session_msize(conn->session))
		return -EPROTO;
	slot = slot_get(conn);
	if (!slot)
		return -ENOMEM;
	slot->len = size;
	slot->in = size > SMALL_LEN ? large_of(slot, size) : slot->small_in;
	if (!slot->in) {
		slot_put(slot);
		return -ENOMEM;
	}
	conn->incoming = slot;
	return 0;
}

/* Requests from what is staged, up to one that is not whole. */
static int take_staged(struct p9_conn *conn, int *taken_nr)
{
	while (may_read(conn) && *taken_nr < TURN_MAX) {
		uint32_t staged = conn->stage_len - conn->stage_pos, part;
		const uint8_t *bytes = conn->stage + conn->stage_pos;
		struct slot *slot = conn->incoming;
		int err;

		if (!slot) {
			if (staged < sizeof(uint32_t))
				return 0;
			err = begin_request(conn, bytes);
			if (err)
				return err;
			slot = conn->incoming;
		}
		part = slot->len - slot->got;
		if (part > staged)
			part = staged;
		memcpy(slot->in + slot->got, bytes, part);
		slot->got += part;
		conn->stage_pos += part;
		if (slot->got < slot->len)
			return 0;
		conn->incoming = NULL;
		(*taken_nr)++;
		err = submit(slot);
		if (err) {
			slot_put(slot);
			return err;
		}
	}
	return 0;
}

/* Bytes read; 0: nothing there now. A large request is read to its place,
 * everything else to the stage. *drained: there was no more; if that has
 * changed, events will tell. */
static int64_t read_some(struct p9_conn *conn, bool *drained)
{
	struct slot *slot = conn->incoming;
	size_t room;
	ssize_t n;

	if (slot && slot->len - slot->got > STAGE_LEN) {
		room = slot->len - slot->got;
		n = recv(conn->fd, slot->in + slot->got, room, 0);
		if (n > 0)
			slot->got += (uint32_t)n;
	} else {
		/* What is left there is less than a size field. */
		memmove(conn->stage, conn->stage + conn->stage_pos,
			conn->stage_len - conn->stage_pos);
		conn->stage_len -= conn->stage_pos;
		conn->stage_pos = 0;
		room = STAGE_LEN - conn->stage_len;
		n = recv(conn->fd, conn->stage + conn->stage_len, room, 0);
		if (n > 0)
			conn->stage_len += (uint32_t)n;
	}
	*drained = n < (ssize_t)room;
	if (n > 0)
		return n;
	if (n == 0)
		return -ECONNRESET;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* 1: all that came is taken; 0: the turn is over, or nothing may be read.
 * drained: nothing is at the socket. */
static int serve(struct p9_conn *conn, int *taken_nr, bool drained)
{
	for (;;) {
		int64_t n;
		int err = take_staged(conn, taken_nr);

		if (err || !may_read(conn) || *taken_nr >= TURN_MAX)
			return err;
		if (drained)
			return 1;
		n = read_some(conn, &drained);
		if (n <= 0)
			return n ? (int)n : 1;
		/* The bytes of one large request can be a turn, too. */
		if (conn->incoming)
			(*taken_nr)++;
	}
}

/* --- writing -------------------------------------------------------------- */

static void sent(struct p9_conn *conn, size_t len)
{
	while (len && conn->ready) {
		struct slot *slot = conn->ready;
		size_t part = slot->reply_len - slot->sent;

		if (part > len)
			part = len;
		slot->sent += (uint32_t)part;
		len -= part;
		if (slot->sent < slot->reply_len)
			return;
		conn->ready = slot->next;
		if (!conn->ready)
			conn->ready_end = &conn->ready;
		slot_put(slot);
	}
}

static int send_replies(struct p9_conn *conn)
{
	while (conn->ready) {
		struct iovec iov[SEND_MAX];
		struct msghdr msg = { .msg_iov = iov };
		ssize_t n;

		for (struct slot *slot = conn->ready;
		     slot && msg.msg_iovlen < SEND_MAX; slot = slot->next)
			iov[msg.msg_iovlen++] = (struct iovec){
				slot->out + slot->sent,
				slot->reply_len - slot->sent,
			};
		n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		conn->full_out = n < 0 && errno == EAGAIN;
		if (n < 0)
			return conn->full_out ? 0 : -errno;
		sent(conn, (size_t)n);
	}
	conn->full_out = false;
	return 0;
}

/* --- connections ---------------------------------------------------------- */

static int run(struct p9_conn *conn, bool drained)
{
	int taken_nr = 0, all;

	if (conn->stopped)
		return -ECONNRESET;
	do {
		int err;

		all = serve(conn, &taken_nr, drained);
		/* Also what was answered before a fault is the client's due. */
		err = send_replies(conn);
		if (all < 0 || err < 0) {
			p9_conn_stop(conn);
			return all < 0 ? all : err;
		}
	} while (!all && may_read(conn) && taken_nr < TURN_MAX);
	return !all && may_read(conn);
}

int p9_conn_run(struct p9_conn *conn)
{
	return run(conn, false);
}

int p9_conn_answer(struct p9_conn *conn)
{
	return run(conn, true);
}

bool p9_conn_ready(const struct p9_conn *conn)
{
	return !conn->stopped && conn->ready && !conn->full_out;
}

short p9_conn_events(const struct p9_conn *conn)
{
	if (conn->stopped)
		return 0;
	return (short)((may_read(conn) ? POLLIN : 0) |
		       (conn->full_out ? POLLOUT : 0));
}

int p9_conn_fd(const struct p9_conn *conn)
{
	return conn->fd;
}

int p9_conn_create(struct p9_conn **out, int fd,
		   const struct p9_session_opts *opts)
{
	struct p9_conn *conn = malloc(sizeof(*conn));
	const int send_len = P9_MSIZE_MAX;
	int flags, err = -ENOMEM;

	if (!conn) {
		close(fd);
		return err;
	}
	*conn = (struct p9_conn){ .fd = fd,
				  .requests_max = opts->limits.requests };
	conn->ready_end = &conn->ready;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		err = -errno;
		goto fail;
	}
	/* As much as the system allows: a reply in fewer system calls. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_len,
			 sizeof(send_len));
	err = p9_session_create(&conn->session, opts);
	if (err)
		goto fail;
	*out = conn;
	return 0;

fail:
	conn->stopped = true;
	p9_conn_destroy(conn);
	return err;
}

void p9_conn_stop(struct p9_conn *conn)
{
	if (conn->stopped)
		return;
	conn->stopped = true;
	if (conn->incoming)
		slot_put(conn->incoming);
	conn->incoming = NULL;
	while (conn->ready) {
		struct slot *slot = conn->ready;

		conn->ready = slot->next;
		slot_put(slot);
	}
	conn->ready_end = &conn->ready;
	p9_session_stop(conn->session);
	(void)shutdown(conn->fd, SHUT_RDWR);
}

bool p9_conn_stopped(const struct p9_conn *conn)
{
	return conn->stopped;
}

bool p9_conn_over(const struct p9_conn *conn)
{
	return conn->stopped && !conn->slots_nr;
}

void p9_conn_destroy(struct p9_conn *conn)
{
	if (!conn)
		return;
	p9_session_destroy(conn->session);
	while (conn->spare) {
		struct slot *slot = conn->spare;

		conn->spare = slot->next;
		free(slot->large);
		free(slot);
	}
	close(conn->fd);
	free(conn);
}

const struct p9_counters *p9_conn_counters(const struct p9_conn *conn)
{
	return p9_session_counters(conn->session);
}
