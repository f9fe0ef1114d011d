/* SPDX-License-Identifier: MIT */
/* p9_ops_attr.c - what is known of a file, and what of it may be set? */
#include <errno.h>

#include "vmm/files/p9_private.h"

#define NSEC_MAX 999999999u

/* The protocol's numbers were chosen to be share.h's. */
_Static_assert(P9_SETATTR_MODE == (int)SHARE_SET_MODE &&
		       P9_SETATTR_UID == (int)SHARE_SET_UID &&
		       P9_SETATTR_GID == (int)SHARE_SET_GID &&
		       P9_SETATTR_SIZE == (int)SHARE_SET_SIZE &&
		       P9_SETATTR_ATIME == (int)SHARE_SET_ATIME &&
		       P9_SETATTR_MTIME == (int)SHARE_SET_MTIME &&
		       P9_SETATTR_CTIME == (int)SHARE_SET_CTIME &&
		       P9_SETATTR_ATIME_SET == (int)SHARE_SET_ATIME_TO &&
		       P9_SETATTR_MTIME_SET == (int)SHARE_SET_MTIME_TO,
	       "valid is passed on");
#define SETATTR_ALL 0x1ffu

static struct p9_time time_of(struct timespec time)
{
	return (struct p9_time){ (uint64_t)time.tv_sec,
				 (uint64_t)time.tv_nsec };
}

int p9_op_getattr(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	uint64_t known = P9_GETATTR_BASIC;
	struct share_attr attr;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->tgetattr.fid, P9_FID_PLACE,
			    &fid);

	if (!err)
		err = share_getattr(fid->node, &attr);
	if (err)
		return err;
	if (attr.btime.tv_sec)
		known |= P9_GETATTR_BTIME;
	reply->rgetattr.valid = known & msg->tgetattr.request_mask;
	reply->rgetattr.qid = p9_qid_of(&attr.id);
	reply->rgetattr.mode = attr.mode;
	reply->rgetattr.uid = attr.uid;
	reply->rgetattr.gid = attr.gid;
	reply->rgetattr.nlink = attr.nlink;
	reply->rgetattr.rdev = attr.rdev;
	reply->rgetattr.size = attr.size;
	reply->rgetattr.blksize = attr.blksize;
	reply->rgetattr.blocks = attr.blocks;
	reply->rgetattr.atime = time_of(attr.atime);
	reply->rgetattr.mtime = time_of(attr.mtime);
	reply->rgetattr.ctime = time_of(attr.ctime);
	reply->rgetattr.btime = time_of(attr.btime);
	return 0;
}

/* Seconds are signed: what was before 1970 comes as a large number. */
static int to_time(struct p9_time time, struct timespec *out)
{
	if (time.nsec > NSEC_MAX)
		return -EINVAL;
	*out = (struct timespec){ .tv_sec = (time_t)time.sec,
				  .tv_nsec = (long)time.nsec };
	return 0;
}

int p9_op_setattr(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	struct share_setattr set = { .valid = msg->tsetattr.valid,
				     .mode = msg->tsetattr.mode,
				     .uid = msg->tsetattr.uid,
				     .gid = msg->tsetattr.gid,
				     .size = msg->tsetattr.size };
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->tsetattr.fid, P9_FID_PLACE,
			    &fid);

	(void)reply;
	if (!err && set.valid & ~SETATTR_ALL)
		err = -EINVAL;
	/* Times that are not asked for may be anything. */
	if (!err && set.valid & P9_SETATTR_ATIME_SET)
		err = to_time(msg->tsetattr.atime, &set.atime);
	if (!err && set.valid & P9_SETATTR_MTIME_SET)
		err = to_time(msg->tsetattr.mtime, &set.mtime);
	return err ? err : share_setattr(fid->node, &set);
}

int p9_op_statfs(struct p9_request *req, const struct p9_msg *msg,
		 struct p9_msg *reply)
{
	struct share_statfs statfs;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->tstatfs.fid, P9_FID_PLACE, &fid);

	if (!err)
		err = share_statfs(fid->node, &statfs);
	if (err)
		return err;
	reply->rstatfs.type = statfs.type;
	reply->rstatfs.bsize = statfs.bsize;
	reply->rstatfs.blocks = statfs.blocks;
	reply->rstatfs.bfree = statfs.bfree;
	reply->rstatfs.bavail = statfs.bavail;
	reply->rstatfs.files = statfs.files;
	reply->rstatfs.ffree = statfs.ffree;
	reply->rstatfs.fsid = statfs.fsid;
	reply->rstatfs.namelen = statfs.namelen;
	return 0;
}
