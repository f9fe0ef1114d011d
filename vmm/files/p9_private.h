/* SPDX-License-Identifier: MIT */
/*
 * p9_private.h - what the files behind p9_server.h know of each other.
 *
 * A request goes: p9_server.c decodes it and calls its row of the table, a
 * function of p9_ops_*.c. That fills in the reply (0), refuses (-errno), or
 * has begun what ends later (P9_LATER); p9_requests.c knows who is live, who
 * waits, and who waits for whom.
 */
#ifndef VMM_FILES_P9_PRIVATE_H
#define VMM_FILES_P9_PRIVATE_H

#include "vmm/files/p9_codec.h"
#include "vmm/files/p9_fids.h"
#include "vmm/files/p9_server.h"

#define P9_TAGS_NR     65536u
#define P9_SCRATCH_LEN (P9_READDIR_MAX + 128u)

struct p9_session {
	struct p9_session_opts opts;
	struct p9_counters counters;
	uint32_t msize; /* 0: no version was agreed on */
	bool stopped;
	struct p9_fids fids;

	struct p9_request *live; /* the newest first */
	uint32_t live_nr;
	struct p9_request *queue, **queue_end;
	bool queue_runs;
	uint32_t io_nr; /* under way */
	uint64_t io_len;
	struct p9_request *reset; /* a Tversion that waits for those */
	uint64_t tags[P9_TAGS_NR / 64];

	/* For the reply being made, in this order. */
	uint8_t scratch[P9_SCRATCH_LEN];
	char target[SHARE_TARGET_MAX];
};

/* --- p9_requests.c -------------------------------------------------------- */

/* It is the session's; its tag is not taken yet. */
void p9_request_begin(struct p9_session *session, struct p9_request *req);
/* -EPROTO: the tag is another's, or P9_NOTAG; -ENOMEM: too many requests. */
int p9_request_take_tag(struct p9_request *req, uint16_t tag);
/* The first len bytes of room are the reply; 0: no reply. */
void p9_request_end(struct p9_request *req, uint32_t len);

/* Wait for a turn at the files; p9_io_begin() follows, perhaps at once. */
void p9_queue_add(struct p9_request *req);
/* It is over there, and will be ended now; then let others go. */
void p9_queue_leave(struct p9_request *req);
void p9_queue_run(struct p9_session *session);

/* Answer this Tflush when the other is over. true: it is already. */
bool p9_request_flush(struct p9_request *req, uint16_t oldtag);
/* Drop all but one; those under way are live until they are over. */
void p9_requests_abort(struct p9_session *session, struct p9_request *but);

/* --- p9_server.c ---------------------------------------------------------- */

/* What it waited for is there: do it. */
void p9_request_again(struct p9_request *req);

/* Encode a reply into the room, and end the request. */
void p9_reply(struct p9_request *req, struct p9_msg *reply);
void p9_reply_error(struct p9_request *req, int err);
/* Of a read: its data are in place. */
void p9_reply_read(struct p9_request *req, uint32_t count);

/* Copy to or from pieces; *nr bytes at most as many as they have. */
void p9_iov_put(const struct iovec *iov, uint32_t iov_nr, const void *bytes,
		size_t len);
void p9_iov_get(const struct iovec *iov, uint32_t iov_nr, void *bytes,
		size_t len);
size_t p9_iov_len(const struct iovec *iov, uint32_t iov_nr);

/* --- p9_copy.c ------------------------------------------------------------ */

/* 0: do it now. P9_LATER: the request goes on, or ends, when a large file is
 * copied; perhaps it has already. */
int p9_copy_first(struct p9_request *req, const struct p9_msg *msg);

/* --- p9_ops_*.c ----------------------------------------------------------- */

#define P9_LATER 1
typedef int p9_op_fn(struct p9_request *req, const struct p9_msg *msg,
		     struct p9_msg *reply);

/* The fid of this number, if it is one of these kinds; -EBADF. */
int p9_fid_of(const struct p9_session *session, uint32_t number,
	      unsigned int kinds, struct p9_fid **out);
#define P9_FID_PLACE (P9_FID_NODE | P9_FID_FILE) /* has a node that counts */

static inline struct p9_qid p9_qid_of(const struct share_id *id)
{
	uint8_t type = P9_QID_FILE;

	if ((id->type & 0170000u) == 0040000u)
		type = P9_QID_DIR;
	else if ((id->type & 0170000u) == 0120000u)
		type = P9_QID_SYMLINK;
	return (struct p9_qid){ type, id->version, id->path };
}
int p9_qid_of_node(struct share_node *node, struct p9_qid *qid);

static inline struct share_owner p9_owner_of(const struct p9_fid *fid,
					     uint32_t gid)
{
	_Static_assert(P9_NOUID == SHARE_HOST_ID, "no number: the host's");

	return (struct share_owner){ fid->uid, gid };
}

/* p9_ops_session.c */
p9_op_fn p9_op_version, p9_op_auth, p9_op_attach, p9_op_flush, p9_op_walk,
	p9_op_clunk;
/* What was agreed on. */
void p9_version_reply(const struct p9_session *session, struct p9_msg *reply);
/* p9_ops_names.c */
p9_op_fn p9_op_mkdir, p9_op_symlink, p9_op_mknod, p9_op_link, p9_op_rename,
	p9_op_renameat, p9_op_unlinkat, p9_op_remove, p9_op_readlink;
/* p9_ops_attr.c */
p9_op_fn p9_op_getattr, p9_op_setattr, p9_op_statfs;
/* p9_ops_open.c */
p9_op_fn p9_op_lopen, p9_op_lcreate, p9_op_readdir;
/* p9_ops_io.c */
p9_op_fn p9_op_read, p9_op_write, p9_op_fsync;
void p9_io_begin(struct p9_request *req);
/* p9_ops_lock.c */
p9_op_fn p9_op_lock, p9_op_getlock;
/* p9_ops_xattr.c */
p9_op_fn p9_op_xattrwalk, p9_op_xattrcreate;
int p9_xattr_read(const struct p9_fid *fid, const struct p9_msg *msg,
		  struct p9_msg *reply);
int p9_xattr_write(struct p9_request *req, struct p9_fid *fid,
		   const struct p9_msg *msg);
/* The fid is being clunked: the value is whole, or refused. */
int p9_xattr_set(const struct p9_fid *fid);

#endif
