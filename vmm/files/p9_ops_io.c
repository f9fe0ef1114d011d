/* SPDX-License-Identifier: MIT */
/*
 * p9_ops_io.c - how do the bytes of files go, while other requests are served?
 *
 * A read's data go from the file into the reply's room, a write's from where
 * they came into the file; they are not copied on the way, and not looked at.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "vmm/files/p9_private.h"

static struct p9_request *request_of(struct p9_io_op *op)
{
	return (struct p9_request *)((char *)op -
				     offsetof(struct p9_request, op));
}

static void answer(struct p9_request *req, int64_t result)
{
	struct p9_msg reply = { 0 };

	switch (req->op.kind) {
	case P9_IO_READ:
		p9_reply_read(req, (uint32_t)result);
		return;
	case P9_IO_WRITE:
		req->session->counters.written_len += (uint64_t)result;
		reply.type = P9_RWRITE;
		reply.rwrite.count = (uint32_t)result;
		break;
	case P9_IO_FSYNC:
	case P9_IO_FDATASYNC:
		reply.type = P9_RFSYNC;
		break;
	}
	p9_reply(req, &reply);
}

static void finish(struct p9_request *req, int64_t result)
{
	struct p9_session *session = req->session;

	p9_queue_leave(req);
	/* It was taken back in time: nobody wants to hear of it. */
	if (req->dropped || (result == -ECANCELED && req->flushes))
		p9_request_end(req, 0);
	else if (result < 0)
		p9_reply_error(req, (int)result);
	else
		answer(req, result);
	p9_queue_run(session);
}

static void op_done(struct p9_io_op *op, int64_t result)
{
	struct p9_request *req = request_of(op);

	if (op->kind == P9_IO_WRITE)
		share_file_wrote(req->fid->file);
	finish(req, result);
}

void p9_io_begin(struct p9_request *req)
{
	struct p9_io *io = req->session->opts.io;
	struct p9_io_op *op = &req->op;
	int err = 0;

	if (op->kind == P9_IO_WRITE)
		err = share_file_reserve(req->fid->file, op->off, req->io_len);
	if (err)
		finish(req, err);
	else
		io->submit(io, op);
}

/* Takes over the request. fd is the file's, or -errno. */
static int begin(struct p9_request *req, struct p9_fid *fid, int fd,
		 enum p9_io_kind kind, uint64_t off, uint64_t len)
{
	if (fd < 0)
		return fd;
	if (off > INT64_MAX || len > INT64_MAX - off)
		return kind == P9_IO_WRITE ? -EFBIG : -EINVAL;
	req->op.kind = kind;
	req->op.fd = fd;
	req->op.off = off;
	req->op.done = op_done;
	req->op.next = NULL;
	req->io_len = len;
	req->fid = p9_fid_hold(fid);
	p9_queue_add(req);
	return P9_LATER;
}

/* --- reads ---------------------------------------------------------------- */

/* The op's pieces: len bytes of the room behind the reply's head. */
static int aim_at_room(struct p9_request *req, uint32_t len)
{
	size_t skip = P9_RREAD_HEAD_LEN;
	struct iovec *iov = req->iov;
	uint32_t nr = 0;

	if (req->room_nr > IOV_MAX)
		return -EINVAL;
	if (req->room_nr > P9_REQUEST_IOV) {
		req->iov_more = malloc(req->room_nr * sizeof(*iov));
		iov = req->iov_more;
		if (!iov)
			return -ENOMEM;
	}
	for (uint32_t i = 0; len && i < req->room_nr; i++) {
		struct iovec piece = req->room[i];

		if (piece.iov_len <= skip) {
			skip -= piece.iov_len;
			continue;
		}
		piece.iov_base = (char *)piece.iov_base + skip;
		piece.iov_len -= skip;
		skip = 0;
		if (piece.iov_len > len)
			piece.iov_len = len;
		len -= (uint32_t)piece.iov_len;
		iov[nr++] = piece;
	}
	req->op.iov = iov;
	req->op.iov_nr = nr;
	return 0;
}

int p9_op_read(struct p9_request *req, const struct p9_msg *msg,
	       struct p9_msg *reply)
{
	uint32_t count = msg->tread.count;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->tread.fid,
			    P9_FID_FILE | P9_FID_XATTR_READ, &fid);

	if (err)
		return err;
	if (fid->kind == P9_FID_XATTR_READ)
		return p9_xattr_read(fid, msg, reply);
	err = aim_at_room(req, count);
	return err ? err
		   : begin(req, fid, share_file_fd(fid->file), P9_IO_READ,
			   msg->tread.offset, count);
}

/* --- writes --------------------------------------------------------------- */

int p9_op_write(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	uint32_t count = msg->twrite.data.count;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->twrite.fid,
			    P9_FID_FILE | P9_FID_XATTR_SET, &fid);

	if (err)
		return err;
	/* A message that came in one piece has its data in the head. */
	if (msg->twrite.data.bytes) {
		req->iov[0] = (struct iovec){
			.iov_base = (void *)msg->twrite.data.bytes,
			.iov_len = count,
		};
		req->op.iov = req->iov;
		req->op.iov_nr = 1;
	} else {
		req->op.iov = req->data;
		req->op.iov_nr = req->data_nr;
	}
	if (req->op.iov_nr > IOV_MAX ||
	    p9_iov_len(req->op.iov, req->op.iov_nr) != count)
		return -EINVAL;
	if (fid->kind == P9_FID_XATTR_SET) {
		err = p9_xattr_write(req, fid, msg);
		reply->rwrite.count = count;
		return err;
	}
	return begin(req, fid, share_file_fd(fid->file), P9_IO_WRITE,
		     msg->twrite.offset, count);
}

/* --- fsync ---------------------------------------------------------------- */

int p9_op_fsync(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	bool data_only = msg->tfsync.datasync.value;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->tfsync.fid, P9_FID_FILE, &fid);
	int fd;

	(void)reply;
	if (err)
		return err;
	fd = share_fsync_fd(fid->file);
	if (fd == -ENODATA)
		return 0;
	return begin(req, fid, fd, data_only ? P9_IO_FDATASYNC : P9_IO_FSYNC, 0,
		     0);
}
