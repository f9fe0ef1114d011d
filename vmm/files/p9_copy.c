/* SPDX-License-Identifier: MIT */
/*
 * p9_copy.c - which requests change a file that may have to be copied first,
 * and wait for that while others are served?
 *
 * Only what the share may be asked to copy is found out here. Whether the
 * request is right, its own function says, afterwards.
 */
#include <stddef.h>

#include "vmm/files/p9_private.h"

/* A file that others on the host keep changing is not copied beforehand for
 * ever: the last time the change copies it. */
#define COPIES_MAX 3u

/* The node is counted; NULL: none. */
static struct share_node *node_of(const struct p9_request *req, uint32_t number,
				  unsigned int kinds)
{
	struct p9_fid *fid;

	return p9_fid_of(req->session, number, kinds, &fid)
		       ? NULL
		       : share_node_get(fid->node);
}

static struct share_node *named(const struct p9_request *req, uint32_t number,
				struct p9_str name)
{
	struct share_node *dir = node_of(req, number, P9_FID_PLACE), *node;

	/* Nothing else copies: save the look-up. */
	if (!dir || share_mode(share_of(dir)) != SHARE_COW ||
	    share_walk(dir, name.bytes, name.len, &node))
		node = NULL;
	share_node_put(dir);
	return node;
}

/* What would be copied, the first *keep bytes of it. */
static struct share_node *target_of(const struct p9_request *req,
				    const struct p9_msg *msg, uint64_t *keep)
{
	uint32_t flags;

	*keep = UINT64_MAX;
	switch (msg->type) {
	case P9_TLOPEN:
		flags = msg->tlopen.flags;
		if (!(flags & P9_OPEN_ACCMODE) || flags & P9_OPEN_TRUNC)
			return NULL;
		return node_of(req, msg->tlopen.fid, P9_FID_NODE);
	case P9_TLCREATE:
		flags = msg->tlcreate.flags;
		if (!(flags & P9_OPEN_ACCMODE) ||
		    flags & (P9_OPEN_TRUNC | P9_OPEN_EXCL))
			return NULL;
		return named(req, msg->tlcreate.fid, msg->tlcreate.name);
	case P9_TSETATTR:
		if (!msg->tsetattr.valid)
			return NULL;
		if (msg->tsetattr.valid & P9_SETATTR_SIZE)
			*keep = msg->tsetattr.size;
		return node_of(req, msg->tsetattr.fid, P9_FID_PLACE);
	case P9_TLINK:
		return node_of(req, msg->tlink.fid, P9_FID_PLACE);
	case P9_TRENAME:
		return node_of(req, msg->trename.fid, P9_FID_PLACE);
	case P9_TRENAMEAT:
		return named(req, msg->trenameat.olddirfid,
			     msg->trenameat.oldname);
	case P9_TCLUNK:
		return node_of(req, msg->tclunk.fid, P9_FID_XATTR_SET);
	default:
		return NULL;
	}
}

/* clunk(5): the fid is gone also when its last effect could not be had. */
static void forget_fid(const struct p9_request *req, const struct p9_msg *msg)
{
	struct p9_fids *fids = &req->session->fids;
	struct p9_fid *fid;

	if (msg->type != P9_TCLUNK)
		return;
	fid = p9_fids_find(fids, msg->tclunk.fid);
	if (fid)
		p9_fids_remove(fids, fid);
}

static void ready(struct share_wait *wait, int err)
{
	struct p9_request *req =
		(void *)((char *)wait - offsetof(struct p9_request, copy));
	struct p9_msg msg;

	req->state = P9_REQUEST_NONE;
	req->copies_nr++;
	if (!err) {
		p9_request_again(req);
		return;
	}
	/* It was a message then, and is private memory. */
	(void)p9_decode_head(req->head, req->head_len, req->len, &msg);
	forget_fid(req, &msg);
	p9_reply_error(req, err);
}

int p9_copy_first(struct p9_request *req, const struct p9_msg *msg)
{
	struct share_node *node;
	uint64_t keep;
	int later;

	node = req->copies_nr < COPIES_MAX ? target_of(req, msg, &keep) : NULL;
	if (!node)
		return 0;
	req->copy.ready = ready;
	req->state = P9_REQUEST_COPY;
	later = share_copy_ahead(node, keep, req->session->opts.io, &req->copy);
	share_node_put(node);
	if (later > 0)
		return P9_LATER;
	req->state = P9_REQUEST_NONE;
	if (later)
		forget_fid(req, msg);
	return later;
}
