/* SPDX-License-Identifier: MIT */
/* p9_ops_names.c - how do names come, move and go? share.h checks them. */
#include <errno.h>

#include "vmm/files/p9_private.h"

/* The qid of what was made, which needs no fid. */
static int made(int err, struct share_node *node, struct p9_qid *qid)
{
	if (err)
		return err;
	err = p9_qid_of_node(node, qid);
	share_node_put(node);
	return err;
}

int p9_op_mkdir(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	struct p9_str name = msg->tmkdir.name;
	struct share_node *node = NULL;
	struct p9_fid *dir;
	int err = p9_fid_of(req->session, msg->tmkdir.dfid, P9_FID_PLACE, &dir);

	if (err)
		return err;
	err = share_mkdir(dir->node, name.bytes, name.len, msg->tmkdir.mode,
			  p9_owner_of(dir, msg->tmkdir.gid), &node);
	return made(err, node, &reply->rmkdir.qid);
}

int p9_op_symlink(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	struct p9_str name = msg->tsymlink.name, target = msg->tsymlink.target;
	struct share_node *node = NULL;
	struct p9_fid *dir;
	int err = p9_fid_of(req->session, msg->tsymlink.dfid, P9_FID_PLACE,
			    &dir);

	if (err)
		return err;
	err = share_symlink(dir->node, name.bytes, name.len, target.bytes,
			    target.len, p9_owner_of(dir, msg->tsymlink.gid),
			    &node);
	return made(err, node, &reply->rsymlink.qid);
}

int p9_op_mknod(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	struct p9_str name = msg->tmknod.name;
	struct share_node *node = NULL;
	struct p9_fid *dir;
	int err = p9_fid_of(req->session, msg->tmknod.dfid, P9_FID_PLACE, &dir);

	if (err)
		return err;
	err = share_mknod(dir->node, name.bytes, name.len, msg->tmknod.mode,
			  msg->tmknod.major, msg->tmknod.minor,
			  p9_owner_of(dir, msg->tmknod.gid), &node);
	return made(err, node, &reply->rmknod.qid);
}

static int fids_of(const struct p9_request *req, uint32_t a_number,
		   uint32_t b_number, struct p9_fid **a, struct p9_fid **b)
{
	int err = p9_fid_of(req->session, a_number, P9_FID_PLACE, a);

	return err ? err : p9_fid_of(req->session, b_number, P9_FID_PLACE, b);
}

int p9_op_link(struct p9_request *req, const struct p9_msg *msg,
	       struct p9_msg *reply)
{
	struct p9_str name = msg->tlink.name;
	struct p9_fid *dir, *fid;
	int err = fids_of(req, msg->tlink.dfid, msg->tlink.fid, &dir, &fid);

	(void)reply;
	return err ? err
		   : share_link(dir->node, name.bytes, name.len, fid->node);
}

int p9_op_rename(struct p9_request *req, const struct p9_msg *msg,
		 struct p9_msg *reply)
{
	struct p9_str name = msg->trename.name;
	struct p9_fid *dir, *fid;
	int err = fids_of(req, msg->trename.dfid, msg->trename.fid, &dir, &fid);

	(void)reply;
	return err ? err
		   : share_rename_node(fid->node, dir->node, name.bytes,
				       name.len);
}

int p9_op_renameat(struct p9_request *req, const struct p9_msg *msg,
		   struct p9_msg *reply)
{
	struct p9_str from_name = msg->trenameat.oldname;
	struct p9_str to_name = msg->trenameat.newname;
	struct p9_fid *from, *to;
	int err = fids_of(req, msg->trenameat.olddirfid,
			  msg->trenameat.newdirfid, &from, &to);

	(void)reply;
	return err ? err
		   : share_rename(from->node, from_name.bytes, from_name.len,
				  to->node, to_name.bytes, to_name.len);
}

int p9_op_unlinkat(struct p9_request *req, const struct p9_msg *msg,
		   struct p9_msg *reply)
{
	struct p9_str name = msg->tunlinkat.name;
	struct p9_fid *dir;
	int err = p9_fid_of(req->session, msg->tunlinkat.dirfid, P9_FID_PLACE,
			    &dir);

	(void)reply;
	if (err)
		return err;
	if (msg->tunlinkat.flags & ~P9_UNLINKAT_REMOVEDIR)
		return -EINVAL;
	return share_unlink(dir->node, name.bytes, name.len,
			    msg->tunlinkat.flags & P9_UNLINKAT_REMOVEDIR);
}

int p9_op_remove(struct p9_request *req, const struct p9_msg *msg,
		 struct p9_msg *reply)
{
	struct p9_fids *fids = &req->session->fids;
	struct p9_fid *fid = p9_fids_find(fids, msg->tremove.fid);
	int err = -EBADF;

	(void)reply;
	if (!fid)
		return -EBADF;
	if (fid->kind & P9_FID_PLACE)
		err = share_remove(fid->node);
	p9_fids_remove(fids, fid); /* also then: remove(5) */
	return err;
}

int p9_op_readlink(struct p9_request *req, const struct p9_msg *msg,
		   struct p9_msg *reply)
{
	struct p9_session *session = req->session;
	struct p9_fid *fid;
	int err = p9_fid_of(session, msg->treadlink.fid, P9_FID_PLACE, &fid);
	int len;

	if (err)
		return err;
	len = share_readlink(fid->node, session->target,
			     sizeof(session->target));
	if (len < 0)
		return len;
	reply->rreadlink.target = (struct p9_str){ (uint16_t)len,
						   session->target };
	return 0;
}
