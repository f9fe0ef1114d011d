/* SPDX-License-Identifier: MIT */
/*
 * p9_ops_xattr.c - how do extended attributes go over fids?
 *
 * Txattrwalk takes the value, or the list of names, as it is then, and its fid
 * is read like a file. Txattrcreate makes the fid one that is written like a
 * file; the value is set when it is clunked, if as many bytes have come as
 * were announced. Until then memory is taken for bytes that came, not for
 * those that were announced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "vmm/files/p9_private.h"

struct xattr_name {
	char text[P9_NAME_MAX + 1];
};

/* xattr(7): up to 255 bytes; ERANGE is what setxattr(2) gives for more. */
static int name_of(struct p9_str str, struct xattr_name *name)
{
	if (str.len > P9_NAME_MAX)
		return -ERANGE;
	if (str.len && memchr(str.bytes, '\0', str.len))
		return -EINVAL;
	if (str.len)
		memcpy(name->text, str.bytes, str.len);
	name->text[str.len] = '\0';
	return 0;
}

static int64_t get(struct share_node *node, const struct xattr_name *name,
		   void *buf, size_t cap)
{
	if (!name->text[0])
		return share_listxattr(node, buf, cap);
	return share_getxattr(node, name->text, buf, cap);
}

/* Its value becomes the fid's. */
static int take(struct p9_fid *fid, const struct xattr_name *name)
{
	int64_t len = get(fid->node, name, NULL, 0);
	int err;

	if (len < 0)
		return (int)len;
	if (len > SHARE_XATTR_MAX)
		return -E2BIG;
	err = p9_fid_xattr(fid, P9_FID_XATTR_READ, (uint32_t)len);
	if (err || !len)
		return err;
	/* Somebody on the host may have made it longer: ERANGE then. */
	len = get(fid->node, name, fid->xattr->bytes, (size_t)len);
	if (len < 0)
		return (int)len;
	fid->xattr->len = (uint32_t)len;
	return 0;
}

int p9_op_xattrwalk(struct p9_request *req, const struct p9_msg *msg,
		    struct p9_msg *reply)
{
	struct p9_fids *fids = &req->session->fids;
	struct p9_fid *fid, *newfid;
	struct xattr_name name;
	int err = p9_fid_of(req->session, msg->txattrwalk.fid, P9_FID_PLACE,
			    &fid);

	if (!err)
		err = name_of(msg->txattrwalk.name, &name);
	if (err)
		return err;
	err = p9_fids_add(fids, msg->txattrwalk.newfid, fid->uid,
			  share_node_get(fid->node), &newfid);
	if (err) {
		share_node_put(fid->node);
		return err;
	}
	err = take(newfid, &name);
	if (err) {
		p9_fids_remove(fids, newfid);
		return err;
	}
	reply->rxattrwalk.size = newfid->xattr->len;
	return 0;
}

int p9_op_xattrcreate(struct p9_request *req, const struct p9_msg *msg,
		      struct p9_msg *reply)
{
	uint32_t flags = msg->txattrcreate.flags;
	struct xattr_name name;
	struct p9_fid *fid;
	int err = p9_fid_of(req->session, msg->txattrcreate.fid, P9_FID_PLACE,
			    &fid);

	(void)reply;
	if (!err)
		err = name_of(msg->txattrcreate.name, &name);
	if (err)
		return err;
	if (fid->kind != P9_FID_NODE || !name.text[0] ||
	    (flags && flags != XATTR_CREATE && flags != XATTR_REPLACE))
		return -EINVAL;
	if (msg->txattrcreate.attr_size > SHARE_XATTR_MAX)
		return -E2BIG;
	err = p9_fid_xattr(fid, P9_FID_XATTR_SET, 0);
	if (err)
		return err;
	memcpy(fid->xattr->name, name.text, sizeof(name.text));
	fid->xattr->limit = (uint32_t)msg->txattrcreate.attr_size;
	fid->xattr->flags = flags;
	return 0;
}

int p9_xattr_read(const struct p9_fid *fid, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	const struct p9_xattr *xattr = fid->xattr;
	uint32_t count = msg->tread.count, off;

	if (msg->tread.offset >= xattr->len)
		return 0; /* the end */
	off = (uint32_t)msg->tread.offset;
	if (count > xattr->len - off)
		count = xattr->len - off;
	reply->rread.data.count = count;
	reply->rread.data.bytes = xattr->bytes + off;
	return 0;
}

int p9_xattr_write(struct p9_request *req, struct p9_fid *fid,
		   const struct p9_msg *msg)
{
	struct p9_xattr *xattr = fid->xattr;
	uint32_t count = msg->twrite.data.count, off;
	int err;

	/* No holes, and no more than was said. */
	if (msg->twrite.offset > xattr->len)
		return -EINVAL;
	off = (uint32_t)msg->twrite.offset;
	if (count > xattr->limit - off)
		return -ENOSPC;
	err = p9_fid_xattr_grow(fid, off + count);
	if (err)
		return err;
	p9_iov_get(req->op.iov, req->op.iov_nr, xattr->bytes + off, count);
	if (off + count > xattr->len)
		xattr->len = off + count;
	return 0;
}

int p9_xattr_set(const struct p9_fid *fid)
{
	const struct p9_xattr *xattr = fid->xattr;

	if (xattr->len != xattr->limit)
		return -EINVAL;
	/* How Linux fs/9p asks for removal: nothing, and it must be there. */
	if (!xattr->len && xattr->flags == XATTR_REPLACE)
		return share_setxattr(fid->node, xattr->name, NULL, 0,
				      XATTR_REPLACE);
	return share_setxattr(fid->node, xattr->name,
			      xattr->len ? (const void *)xattr->bytes : "",
			      xattr->len, (int)xattr->flags);
}
