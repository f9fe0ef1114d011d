/* SPDX-License-Identifier: MIT */
/*
 * p9_ops_lock.c - who may have which part of a file?
 *
 * A lock belongs to the open fid that asked for it, and ends with it: proc_id
 * and client_id are the client's own affair. Nobody waits here: Rlock says
 * blocked, and the client asks again, as Linux fs/9p does.
 */
#include <errno.h>
#include <fcntl.h>

#include "vmm/files/p9_private.h"

static int type_of(uint8_t wire, int *type)
{
	static const int types[] = { F_RDLCK, F_WRLCK, F_UNLCK };

	if (wire >= sizeof(types) / sizeof(*types))
		return -EINVAL;
	*type = types[wire];
	return 0;
}

int p9_op_lock(struct p9_request *req, const struct p9_msg *msg,
	       struct p9_msg *reply)
{
	struct p9_fid *fid;
	int type, err = p9_fid_of(req->session, msg->tlock.fid, P9_FID_FILE,
				  &fid);

	if (!err)
		err = type_of(msg->tlock.type, &type);
	if (!err && msg->tlock.flags & ~(P9_LOCK_BLOCK | P9_LOCK_RECLAIM))
		err = -EINVAL;
	if (err)
		return err;
	/* Locks end with their session: there is none to have again. */
	if (msg->tlock.flags & P9_LOCK_RECLAIM) {
		reply->rlock.status = P9_LOCK_ERROR;
		return 0;
	}
	err = share_lock(fid->file, type, msg->tlock.start, msg->tlock.length);
	if (err && err != -EAGAIN)
		return err;
	reply->rlock.status = err ? P9_LOCK_BLOCKED : P9_LOCK_SUCCESS;
	return 0;
}

int p9_op_getlock(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	uint64_t start = msg->tgetlock.start, len = msg->tgetlock.length;
	struct p9_fid *fid;
	int type, err = p9_fid_of(req->session, msg->tgetlock.fid, P9_FID_FILE,
				  &fid);

	if (!err)
		err = type_of(msg->tgetlock.type, &type);
	/* Linux's client always says "unlock" (fs/9p, v9fs_file_getlock), for
	 * readers and writers: tell of any lock. */
	if (!err && type == F_UNLCK)
		type = F_WRLCK;
	if (!err)
		err = share_getlock(fid->file, &type, &start, &len);
	if (err)
		return err;
	reply->rgetlock.type = P9_LOCK_UNLCK;
	if (type != F_UNLCK)
		reply->rgetlock.type = type == F_RDLCK ? P9_LOCK_RDLCK
						       : P9_LOCK_WRLCK;
	reply->rgetlock.start = start;
	reply->rgetlock.length = len;
	/* Who holds it is not known beyond this: fcntl(2) says -1, too. */
	if (type == F_UNLCK) {
		reply->rgetlock.proc_id = msg->tgetlock.proc_id;
		reply->rgetlock.client_id = msg->tgetlock.client_id;
	}
	return 0;
}
