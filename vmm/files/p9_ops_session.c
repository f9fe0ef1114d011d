/* SPDX-License-Identifier: MIT */
/* p9_ops_session.c - how does a client begin, find its way, and let go? */
#include <errno.h>
#include <string.h>

#include "vmm/files/p9_private.h"

int p9_fid_of(const struct p9_session *session, uint32_t number,
	      unsigned int kinds, struct p9_fid **out)
{
	struct p9_fid *fid = p9_fids_find(&session->fids, number);

	if (!fid || !(fid->kind & kinds))
		return -EBADF;
	*out = fid;
	return 0;
}

int p9_qid_of_node(struct share_node *node, struct p9_qid *qid)
{
	struct share_id id;
	int err = share_id(node, &id);

	if (!err)
		*qid = p9_qid_of(&id);
	return err;
}

static bool str_is(struct p9_str str, const char *text)
{
	return str.len == strlen(text) && !memcmp(str.bytes, text, str.len);
}

/* --- the session ---------------------------------------------------------- */

void p9_version_reply(const struct p9_session *session, struct p9_msg *reply)
{
	const char *version = session->msize ? P9_VERSION_L
					     : P9_VERSION_UNKNOWN;

	reply->rversion.msize = p9_session_msize(session);
	reply->rversion.version = (struct p9_str){ (uint16_t)strlen(version),
						   version };
}

int p9_op_version(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	struct p9_session *session = req->session;
	uint32_t msize = msg->tversion.msize;

	if (msize < P9_MSIZE_MIN)
		return -EINVAL;
	if (msize > session->opts.limits.msize)
		msize = session->opts.limits.msize;
	/* Whatever the version, all that was before is over: version(5). */
	p9_requests_abort(session, req);
	p9_fids_remove_all(&session->fids);
	session->msize = str_is(msg->tversion.version, P9_VERSION_L) ? msize
								     : 0;
	if (session->io_nr) {
		req->state = P9_REQUEST_RESET;
		session->reset = req;
		return P9_LATER;
	}
	p9_version_reply(session, reply);
	return 0;
}

int p9_op_auth(struct p9_request *req, const struct p9_msg *msg,
	       struct p9_msg *reply)
{
	(void)req;
	(void)msg;
	(void)reply;
	/* Who may connect is the socket's or the machine's business. */
	return -EOPNOTSUPP;
}

int p9_op_flush(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	(void)reply;
	return p9_request_flush(req, msg->tflush.oldtag) ? 0 : P9_LATER;
}

static struct share *find_export(const struct p9_session *session,
				 struct p9_str aname)
{
	const struct p9_session_opts *opts = &session->opts;

	if (aname.len && aname.bytes[0] == '/') {
		aname.bytes++;
		aname.len--;
	}
	if (!aname.len)
		return opts->exports[0].share;
	for (uint32_t i = 0; i < opts->exports_nr; i++)
		if (str_is(aname, opts->exports[i].name))
			return opts->exports[i].share;
	return NULL;
}

int p9_op_attach(struct p9_request *req, const struct p9_msg *msg,
		 struct p9_msg *reply)
{
	struct p9_session *session = req->session;
	struct share *share = find_export(session, msg->tattach.aname);
	struct share_node *root;
	struct p9_fid *fid;
	int err;

	if (!share)
		return -ENOENT;
	if (msg->tattach.afid != P9_NOFID)
		return -EINVAL; /* Tauth gave none */
	err = share_root(share, &root);
	if (err)
		return err;
	err = p9_qid_of_node(root, &reply->rattach.qid);
	if (!err)
		err = p9_fids_add(&session->fids, msg->tattach.fid,
				  msg->tattach.n_uname, root, &fid);
	if (err)
		share_node_put(root);
	return err;
}

/* --- fids ----------------------------------------------------------------- */

/* The names one after the other, as far as they go; *err is that of the first
 * that did not. The node reached is the caller's. */
static struct share_node *walk(struct share_node *from,
			       const struct p9_names *names,
			       struct p9_qids *qids, int *err)
{
	struct share_node *node = share_node_get(from), *next;

	*err = 0;
	while (qids->nr < names->nr) {
		struct p9_str name = names->name[qids->nr];
		struct share_id id;

		*err = p9_name_check(name);
		if (!*err)
			*err = share_walk_id(node, name.bytes, name.len, &next,
					     &id);
		if (*err)
			break;
		share_node_put(node);
		node = next;
		qids->qid[qids->nr++] = p9_qid_of(&id);
	}
	return node;
}

int p9_op_walk(struct p9_request *req, const struct p9_msg *msg,
	       struct p9_msg *reply)
{
	struct p9_fids *fids = &req->session->fids;
	const struct p9_names *names = &msg->twalk.names;
	struct p9_qids *qids = &reply->rwalk.qids;
	bool same = msg->twalk.newfid == msg->twalk.fid;
	struct share_node *node;
	struct p9_fid *fid, *newfid;
	int err = p9_fid_of(req->session, msg->twalk.fid, P9_FID_PLACE, &fid);

	if (err)
		return err;
	/* walk(5): not from an open fid. A clone of one is where it was. */
	if (fid->kind == P9_FID_FILE && (names->nr || same))
		return -EINVAL;
	if (!same && p9_fids_find(fids, msg->twalk.newfid))
		return -EINVAL;
	node = walk(fid->node, names, qids, &err);
	if (qids->nr < names->nr) {
		share_node_put(node);
		/* A part of the way is an answer, and makes no fid. */
		return qids->nr ? 0 : err;
	}
	if (same) {
		share_node_put(fid->node);
		fid->node = node;
		return 0;
	}
	err = p9_fids_add(fids, msg->twalk.newfid, fid->uid, node, &newfid);
	if (err)
		share_node_put(node);
	return err;
}

int p9_op_clunk(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	struct p9_fids *fids = &req->session->fids;
	struct p9_fid *fid = p9_fids_find(fids, msg->tclunk.fid);
	int err = 0;

	(void)reply;
	if (!fid)
		return -EBADF;
	if (fid->kind == P9_FID_XATTR_SET)
		err = p9_xattr_set(fid);
	p9_fids_remove(fids, fid); /* also then: clunk(5) */
	return err;
}
