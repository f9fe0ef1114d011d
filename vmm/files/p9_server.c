/* SPDX-License-Identifier: MIT */
/* p9_server.c - which function answers a request, and how does its reply get
 * into the room that is there? */
#include "vmm/files/p9_server.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/files/p9_private.h"

#define ERRNO_MAX 4095 /* Linux include/linux/err.h */

struct op {
	p9_op_fn *run; /* NULL: no request of 9P2000.L */
	uint16_t reply_len;
	bool varies; /* reply_len is the least of it */
};

#define QID_REPLY  (P9_HEAD_LEN + P9_QID_LEN)
#define OPEN_REPLY (QID_REPLY + 4)

static const struct op ops[] = {
	[P9_TVERSION] = { p9_op_version, 21, false },
	[P9_TAUTH] = { p9_op_auth, QID_REPLY, false },
	[P9_TATTACH] = { p9_op_attach, QID_REPLY, false },
	[P9_TFLUSH] = { p9_op_flush, P9_HEAD_LEN, false },
	[P9_TWALK] = { p9_op_walk, P9_HEAD_LEN + 2, true },
	[P9_TCLUNK] = { p9_op_clunk, P9_HEAD_LEN, false },

	[P9_TLOPEN] = { p9_op_lopen, OPEN_REPLY, false },
	[P9_TLCREATE] = { p9_op_lcreate, OPEN_REPLY, false },
	[P9_TREAD] = { p9_op_read, P9_RREAD_HEAD_LEN, true },
	[P9_TWRITE] = { p9_op_write, P9_HEAD_LEN + 4, false },
	[P9_TREADDIR] = { p9_op_readdir, P9_RREAD_HEAD_LEN, true },
	[P9_TFSYNC] = { p9_op_fsync, P9_HEAD_LEN, false },
	[P9_TLOCK] = { p9_op_lock, P9_HEAD_LEN + 1, false },
	[P9_TGETLOCK] = { p9_op_getlock, P9_HEAD_LEN, true },

	[P9_TMKDIR] = { p9_op_mkdir, QID_REPLY, false },
	[P9_TSYMLINK] = { p9_op_symlink, QID_REPLY, false },
	[P9_TMKNOD] = { p9_op_mknod, QID_REPLY, false },
	[P9_TLINK] = { p9_op_link, P9_HEAD_LEN, false },
	[P9_TRENAME] = { p9_op_rename, P9_HEAD_LEN, false },
	[P9_TRENAMEAT] = { p9_op_renameat, P9_HEAD_LEN, false },
	[P9_TUNLINKAT] = { p9_op_unlinkat, P9_HEAD_LEN, false },
	[P9_TREMOVE] = { p9_op_remove, P9_HEAD_LEN, false },
	[P9_TREADLINK] = { p9_op_readlink, P9_HEAD_LEN + 2, true },

	[P9_TGETATTR] = { p9_op_getattr, 160, false },
	[P9_TSETATTR] = { p9_op_setattr, P9_HEAD_LEN, false },
	[P9_TSTATFS] = { p9_op_statfs, 67, false },
	[P9_TXATTRWALK] = { p9_op_xattrwalk, P9_HEAD_LEN + 8, false },
	[P9_TXATTRCREATE] = { p9_op_xattrcreate, P9_HEAD_LEN, false },
};

static const struct op *op_of(uint8_t type)
{
	static const size_t ops_nr = sizeof(ops) / sizeof(*ops);

	return type < ops_nr && ops[type].run ? &ops[type] : NULL;
}

/* --- pieces of memory ----------------------------------------------------- */

size_t p9_iov_len(const struct iovec *iov, uint32_t iov_nr)
{
	size_t len = 0;

	for (uint32_t i = 0; i < iov_nr; i++)
		len += iov[i].iov_len;
	return len;
}

void p9_iov_put(const struct iovec *iov, uint32_t iov_nr, const void *bytes,
		size_t len)
{
	const uint8_t *from = bytes;

	for (uint32_t i = 0; len && i < iov_nr; i++) {
		size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;

		if (!part)
			continue;
		memcpy(iov[i].iov_base, from, part);
		from += part;
		len -= part;
	}
}

void p9_iov_get(const struct iovec *iov, uint32_t iov_nr, void *bytes,
		size_t len)
{
	uint8_t *to = bytes;

	for (uint32_t i = 0; len && i < iov_nr; i++) {
		size_t part = iov[i].iov_len < len ? iov[i].iov_len : len;

		if (!part)
			continue;
		memcpy(to, iov[i].iov_base, part);
		to += part;
		len -= part;
	}
}

/* --- replies -------------------------------------------------------------- */

static void put_error(struct p9_request *req, int err)
{
	struct p9_msg reply = { .type = P9_RLERROR, .tag = req->tag };
	uint8_t bytes[P9_RLERROR_LEN];
	int len;

	reply.rlerror.ecode = err < 0 && err >= -ERRNO_MAX ? (uint32_t)-err
							   : EIO;
	req->session->counters.errors++;
	len = p9_encode(&reply, bytes, sizeof(bytes));
	if (p9_iov_len(req->room, req->room_nr) < P9_RLERROR_LEN)
		len = 0;
	p9_iov_put(req->room, req->room_nr, bytes, (size_t)len);
	p9_request_end(req, (uint32_t)len);
}

void p9_reply_error(struct p9_request *req, int err)
{
	put_error(req, err);
}

void p9_reply(struct p9_request *req, struct p9_msg *reply)
{
	struct p9_session *session = req->session;
	int len;

	reply->tag = req->tag;
	len = p9_encode(reply, session->scratch, sizeof(session->scratch));
	if (len >= 0 && ((size_t)len > p9_iov_len(req->room, req->room_nr) ||
			 (uint32_t)len > p9_session_msize(session)))
		len = -EMSGSIZE;
	if (len < 0) {
		put_error(req, len);
		return;
	}
	p9_iov_put(req->room, req->room_nr, session->scratch, (size_t)len);
	p9_request_end(req, (uint32_t)len);
}

void p9_reply_read(struct p9_request *req, uint32_t count)
{
	struct p9_msg reply = { .type = P9_RREAD,
				.tag = req->tag,
				.rread = { .data = { .count = count } } };
	uint8_t head[P9_RREAD_HEAD_LEN];

	(void)p9_encode_head(&reply, head, sizeof(head));
	p9_iov_put(req->room, req->room_nr, head, sizeof(head));
	req->session->counters.read_len += count;
	p9_request_end(req, P9_RREAD_HEAD_LEN + count);
}

/* --- how much room -------------------------------------------------------- */

static uint32_t field_u32(const uint8_t *head, uint32_t head_len, uint32_t off)
{
	uint32_t value = 0;

	if (head_len >= off + sizeof(value))
		memcpy(&value, head + off, sizeof(value));
	return le32toh(value);
}

/* Of a reply whose length the request tells. */
static uint64_t varying_len(const uint8_t *head, uint32_t head_len)
{
	/* Behind fid and offset, and behind fid and newfid. */
	uint32_t count = field_u32(head, head_len, P9_HEAD_LEN + 12);
	uint32_t steps_nr = field_u32(head, head_len, P9_HEAD_LEN + 6) >> 16;

	switch (head[4]) {
	case P9_TREAD:
		return (uint64_t)P9_RREAD_HEAD_LEN + count;
	case P9_TREADDIR:
		if (count > P9_READDIR_MAX)
			count = P9_READDIR_MAX;
		return P9_RREAD_HEAD_LEN + count;
	case P9_TWALK:
		return P9_HEAD_LEN + 2 + steps_nr * P9_QID_LEN;
	case P9_TGETLOCK:
		return head_len;
	default: /* Treadlink */
		return P9_HEAD_LEN + 2 + SHARE_TARGET_MAX;
	}
}

uint32_t p9_reply_room(const uint8_t *head, uint32_t head_len, uint32_t msize)
{
	const struct op *op = head_len >= P9_HEAD_LEN ? op_of(head[4]) : NULL;
	uint64_t len = op ? op->reply_len : 0;

	if (op && op->varies)
		len = varying_len(head, head_len);
	if (len < P9_RLERROR_LEN)
		len = P9_RLERROR_LEN;
	return len < msize ? (uint32_t)len : msize;
}

/* Only what has done something must know beforehand that its reply fits. */
static uint64_t room_needed(const struct p9_msg *msg)
{
	switch (msg->type) {
	case P9_TREAD:
		return (uint64_t)P9_RREAD_HEAD_LEN + msg->tread.count;
	case P9_TWALK:
		return P9_HEAD_LEN + 2 +
		       (uint64_t)msg->twalk.names.nr * P9_QID_LEN;
	default:
		return op_of(msg->type)->reply_len;
	}
}

/* --- requests ------------------------------------------------------------- */

/* May it be begun at all? */
static int admit(struct p9_request *req, const struct p9_msg *msg)
{
	struct p9_session *session = req->session;

	if (!op_of(msg->type))
		return -EOPNOTSUPP;
	if (msg->type != P9_TVERSION) {
		int err;

		if (!session->msize)
			return -EPROTO;
		err = p9_request_take_tag(req, msg->tag);
		if (err)
			return err;
	}
	if (session->reset)
		return -EPROTO;
	if ((msg->type == P9_TREAD &&
	     msg->tread.count > session->msize - P9_RREAD_HEAD_LEN) ||
	    (msg->type == P9_TREADDIR &&
	     msg->treaddir.count > session->msize - P9_RREAD_HEAD_LEN))
		return -EINVAL;
	if (p9_iov_len(req->room, req->room_nr) < room_needed(msg))
		return -EMSGSIZE;
	return 0;
}

static void run(struct p9_request *req, const struct p9_msg *msg)
{
	struct p9_msg reply = { .type = (uint8_t)(msg->type + 1) };
	int result = p9_copy_first(req, msg);

	if (!result)
		result = op_of(msg->type)->run(req, msg, &reply);
	if (result < 0)
		put_error(req, result);
	else if (!result)
		p9_reply(req, &reply);
}

void p9_request_again(struct p9_request *req)
{
	struct p9_msg msg;

	/* It was a message then, and is private memory. */
	(void)p9_decode_head(req->head, req->head_len, req->len, &msg);
	run(req, &msg);
}

void p9_session_submit(struct p9_session *session, struct p9_request *req)
{
	struct p9_msg msg;
	int result;

	p9_request_begin(session, req);
	if (session->stopped) {
		p9_request_end(req, 0);
		return;
	}
	session->counters.requests++;
	result = p9_decode_head(req->head, req->head_len, req->len, &msg);
	req->tag = msg.tag;
	if (result == -EBADMSG)
		result = -EPROTO;
	if (!result)
		result = admit(req, &msg);
	if (result)
		put_error(req, result);
	else
		run(req, &msg);
}

/* --- sessions ------------------------------------------------------------- */

static bool limits_ok(const struct p9_limits *limits)
{
	return limits->msize >= P9_MSIZE_MIN && limits->msize <= P9_MSIZE_MAX &&
	       limits->fids && limits->files && limits->requests &&
	       limits->io_nr && limits->io_len;
}

int p9_session_create(struct p9_session **out,
		      const struct p9_session_opts *opts)
{
	struct p9_session *session;

	if (!opts->exports_nr || !limits_ok(&opts->limits))
		return -EINVAL;
	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->opts = *opts;
	session->fids.held_max = opts->limits.fids;
	session->fids.files_max = opts->limits.files;
	session->fids.xattr_max = opts->limits.xattr_len;
	session->queue_end = &session->queue;
	*out = session;
	return 0;
}

void p9_session_stop(struct p9_session *session)
{
	session->stopped = true;
	p9_requests_abort(session, NULL);
	p9_fids_remove_all(&session->fids);
}

uint32_t p9_session_live(const struct p9_session *session)
{
	return session->live_nr;
}

void p9_session_destroy(struct p9_session *session)
{
	if (!session)
		return;
	p9_fids_destroy(&session->fids);
	free(session);
}

uint32_t p9_session_msize(const struct p9_session *session)
{
	return session->msize ? session->msize : P9_MSIZE_MIN;
}

const struct p9_counters *p9_session_counters(const struct p9_session *session)
{
	return &session->counters;
}
