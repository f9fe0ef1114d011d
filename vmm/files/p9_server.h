/* SPDX-License-Identifier: MIT */
/*
 * p9_server.h - the 9P2000.L server: requests in, replies out.
 *
 * A session is one client's conversation. It moves no bytes itself: a
 * transport (a stream socket, a virtqueue, a test) hands it whole requests
 * with room for their replies, and is told when a reply is there. Names and
 * attributes are done at once, by share.h; reads, writes and fsyncs go
 * through a p9_io and may be answered later, in any order.
 *
 * Called by: transports (p9_socket.c, vmm/devices/virtio_9p.c, tests).
 * Threads:   a session, its shares and its p9_io belong to one thread: the
 *            process's loop, never a vCPU. There are no locks. Callbacks come
 *            on that thread, also from inside p9_session_submit().
 * Trust:     everything in a request is the client's. Its head is private
 *            memory that nobody else writes; what data and room point to may
 *            be a guest's memory, changing at any time: it is moved and never
 *            looked at.
 * Errors:    a request that is wrong is answered with Rlerror, a Linux errno,
 *            and the session goes on: EPROTO for what is no message, comes
 *            before Tversion or has the tag of another, EBADF for a fid there
 *            is not or that cannot do that, EINVAL, ENAMETOOLONG,
 *            EOPNOTSUPP, and EMFILE, ENFILE, ENOMEM for limits (docs/
 *            files-9p.md). Framing is the transport's: a size below
 *            P9_HEAD_LEN or above p9_session_msize() ends the connection.
 * Source:    diod protocol.md; Plan 9 manual, section 5; Linux fs/9p.
 */
#ifndef VMM_FILES_P9_SERVER_H
#define VMM_FILES_P9_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vmm/files/p9_io.h"
#include "vmm/files/share_copy.h"

struct share;
struct p9_fid;
struct p9_session;

#define P9_MSIZE_MAX (1u << 20)
/* The most data of one Rreaddir, however much is asked for. */
#define P9_READDIR_MAX 65536u

/* What a client attaches to: aname is its name, with or without a '/' before
 * it; an empty one is the first. */
struct p9_export {
	const char *name;
	struct share *share;
};

struct p9_limits {
	uint32_t msize;	   /* P9_MSIZE_MIN..P9_MSIZE_MAX */
	uint32_t fids;	   /* beyond: ENFILE */
	uint32_t files;	   /* open files and directories; beyond: EMFILE */
	uint32_t requests; /* not yet answered; beyond: ENOMEM */
	/* Of those, at the files at once, and bytes of reads and writes at
	 * them. More wait for their turn. One may always go. */
	uint32_t io_nr;
	uint64_t io_len;
	uint32_t xattr_len; /* bytes of values held by fids; beyond: ENOMEM */
};
#define P9_LIMITS_DEFAULT                                          \
	((struct p9_limits){ .msize = P9_MSIZE_MAX,                \
			     .fids = 16384,                        \
			     .files = 4096,                        \
			     .requests = 128,                      \
			     .io_nr = 32,                          \
			     .io_len = 8 * (uint64_t)P9_MSIZE_MAX, \
			     .xattr_len = 4 * (uint32_t)P9_MSIZE_MAX })

struct p9_session_opts {
	const struct p9_export *exports; /* outlive the session */
	uint32_t exports_nr;		 /* at least 1 */
	struct p9_io *io;		 /* outlives the session */
	struct p9_limits limits;
};

enum p9_request_state {
	P9_REQUEST_NONE,   /* not the session's */
	P9_REQUEST_QUEUED, /* waits for its turn at the files */
	P9_REQUEST_IO,	   /* is under way there */
	P9_REQUEST_COPY,   /* waits until a large file is copied */
	P9_REQUEST_FLUSH,  /* a Tflush, waits for another request */
	P9_REQUEST_RESET,  /* a Tversion, waits for those under way */
};

#define P9_REQUEST_IOV 4

/*
 * A request and the room for its reply. It, and all it points to, is the
 * session's from p9_session_submit() to done(), which comes once for each.
 */
struct p9_request {
	/* --- filled in by the transport --- */
	const uint8_t *head; /* as p9_decode_head() wants it */
	uint32_t head_len, len;
	const struct iovec *data; /* the rest: len - head_len bytes */
	uint32_t data_nr;
	const struct iovec *room; /* see p9_reply_room() */
	uint32_t room_nr;
	/* The reply is the first reply_len bytes of room. 0: there is none and
	 * never will be (the request was flushed, or the session stopped). */
	void (*done)(struct p9_request *req, uint32_t reply_len);

	/* --- the session's own --- */
	struct p9_session *session;
	enum p9_request_state state;
	uint16_t tag;
	bool tagged;			 /* the tag is this request's */
	bool dropped;			 /* no reply, however it ends */
	bool cancelled;			 /* it was tried */
	struct p9_request *next, **link; /* of the session's live ones */
	struct p9_request *queue_next;	 /* behind it at the files */
	struct p9_request *flushes;	 /* Tflushes that wait for its end */
	struct p9_request *flush_next;	 /* a Tflush: who waits for the same */
	struct p9_request *flush_of;	 /* a Tflush: what it waits for */
	struct p9_fid *fid;		 /* counted */
	struct share_wait copy;		 /* what it waits for, or uses */
	uint32_t copies_nr;		 /* that it was told of */
	uint64_t io_len;
	struct p9_io_op op;
	struct iovec iov[P9_REQUEST_IOV], *iov_more;
};

/* -EINVAL: limits or exports cannot be; -ENOMEM. opts is copied. */
int p9_session_create(struct p9_session **out,
		      const struct p9_session_opts *opts);

/*
 * Begin a request. Always taken: what is wrong with it is answered. A reply
 * may be there, and done() have been called, before this returns. Not to be
 * called from done().
 */
void p9_session_submit(struct p9_session *session, struct p9_request *req);

/*
 * The client is gone: drop what waits, take back what can be, free the fids.
 * What is under way ends with done(req, 0). Nothing may be submitted any more.
 */
void p9_session_stop(struct p9_session *session);
/* Requests that done() has not been called for. */
uint32_t p9_session_live(const struct p9_session *session);
/* NULL is fine. Stopped, and nothing live. */
void p9_session_destroy(struct p9_session *session);

/* The largest message either side may send now: as Tversion agreed. */
uint32_t p9_session_msize(const struct p9_session *session);

/*
 * Bytes of room that the reply to this request will not exceed, for
 * transports that make the room; P9_RLERROR_LEN to msize. head is as in a
 * p9_request. Where a client gives less, what does not fit is answered
 * EMSGSIZE, before anything has been done; less than P9_RLERROR_LEN not at
 * all.
 */
uint32_t p9_reply_room(const uint8_t *head, uint32_t head_len, uint32_t msize);

struct p9_counters {
	uint64_t requests, errors, read_len, written_len;
};
const struct p9_counters *p9_session_counters(const struct p9_session *session);

#endif
