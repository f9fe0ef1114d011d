/* SPDX-License-Identifier: MIT */
/* p9_ops_open.c - how does a fid become an open file or directory, and what
 * is in a directory? */
#include <errno.h>
#include <fcntl.h>

#include "vmm/files/p9_dirent.h"
#include "vmm/files/p9_private.h"

/*
 * The wire has numbers of its own, which happen to be x86's. Those with 0
 * mean something between a client and its own kernel: a transport that has
 * neither terminals nor signals need not know.
 */
static const struct {
	uint32_t wire;
	uint32_t host;
} flags_table[] = {
	{ P9_OPEN_CREAT, 0 }, /* the message says it */
	{ P9_OPEN_EXCL, O_EXCL },
	{ P9_OPEN_NOCTTY, 0 },
	{ P9_OPEN_TRUNC, O_TRUNC },
	{ P9_OPEN_APPEND, O_APPEND },
	{ P9_OPEN_NONBLOCK, 0 },
	{ P9_OPEN_DSYNC, O_DSYNC },
	{ P9_OPEN_FASYNC, 0 },
	{ P9_OPEN_DIRECT, 0 }, /* of the client's cache: ours is shared */
	{ P9_OPEN_LARGEFILE, 0 },
	{ P9_OPEN_DIRECTORY, O_DIRECTORY },
	{ P9_OPEN_NOFOLLOW, O_NOFOLLOW },
	{ P9_OPEN_NOATIME, 0 }, /* needs a right we may not have */
	{ P9_OPEN_CLOEXEC, 0 },
	/* Linux's O_SYNC is this bit and that of O_DSYNC. */
	{ P9_OPEN_SYNC, O_SYNC },
};

static int flags_of(uint32_t wire, uint32_t *host)
{
	static const uint32_t modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	uint32_t mode = wire & P9_OPEN_ACCMODE;

	if (mode >= sizeof(modes) / sizeof(*modes))
		return -EINVAL;
	*host = modes[mode];
	wire &= ~P9_OPEN_ACCMODE;
	for (size_t i = 0; i < sizeof(flags_table) / sizeof(*flags_table);
	     i++) {
		if (wire & flags_table[i].wire)
			*host |= flags_table[i].host;
		wire &= ~flags_table[i].wire;
	}
	return wire ? -EINVAL : 0;
}

int p9_op_lopen(struct p9_request *req, const struct p9_msg *msg,
		struct p9_msg *reply)
{
	struct share_file *file;
	struct p9_fid *fid;
	uint32_t flags;
	int err = p9_fid_of(req->session, msg->tlopen.fid, P9_FID_PLACE, &fid);

	if (err)
		return err;
	if (fid->kind != P9_FID_NODE)
		return -EINVAL; /* open already: open(5) */
	err = flags_of(msg->tlopen.flags, &flags);
	if (!err)
		err = p9_fids_may_open(fid->fids);
	if (!err)
		err = share_open(fid->node, flags & ~(uint32_t)O_EXCL, &file);
	if (err)
		return err;
	/* After the opening, which may have changed the version. */
	err = p9_qid_of_node(fid->node, &reply->rlopen.qid);
	if (err) {
		share_file_close(file);
		return err;
	}
	p9_fid_opened(fid, file);
	return 0;
}

int p9_op_lcreate(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	struct p9_str name = msg->tlcreate.name;
	struct share_node *node;
	struct share_file *file;
	struct p9_fid *fid;
	uint32_t flags;
	int err = p9_fid_of(req->session, msg->tlcreate.fid, P9_FID_PLACE,
			    &fid);

	if (err)
		return err;
	if (fid->kind != P9_FID_NODE)
		return -EINVAL;
	err = flags_of(msg->tlcreate.flags, &flags);
	if (!err)
		err = p9_fids_may_open(fid->fids);
	if (!err)
		err = share_create_file(fid->node, name.bytes, name.len, flags,
					msg->tlcreate.mode,
					p9_owner_of(fid, msg->tlcreate.gid),
					&node, &file);
	if (err)
		return err;
	err = p9_qid_of_node(node, &reply->rlcreate.qid);
	if (err) {
		share_file_close(file);
		share_node_put(node);
		return err;
	}
	/* The fid of the directory is that of the file from now on. */
	share_node_put(fid->node);
	fid->node = node;
	p9_fid_opened(fid, file);
	return 0;
}

static int put_entry(struct p9_writer *w, const struct share_dirent *entry)
{
	const struct p9_dirent dirent = {
		.qid = p9_qid_of(&entry->id),
		.offset = entry->next_off,
		.type = entry->type,
		.name = { (uint16_t)entry->name_len, entry->name },
	};

	return p9_put_dirent(w, &dirent);
}

int p9_op_readdir(struct p9_request *req, const struct p9_msg *msg,
		  struct p9_msg *reply)
{
	struct p9_session *session = req->session;
	size_t room = p9_iov_len(req->room, req->room_nr) - P9_RREAD_HEAD_LEN;
	uint32_t count = msg->treaddir.count;
	uint64_t off = msg->treaddir.offset;
	struct share_dirent entry;
	struct p9_writer w;
	struct p9_fid *fid;
	int got, err = p9_fid_of(session, msg->treaddir.fid, P9_FID_FILE, &fid);

	if (err)
		return err;
	if (count > P9_READDIR_MAX)
		count = P9_READDIR_MAX;
	if (count > room)
		count = (uint32_t)room;
	/* Where p9_reply() wants the data. */
	w = p9_writer_of(session->scratch + P9_RREAD_HEAD_LEN, count);
	while ((got = share_readdir(fid->file, off, &entry)) == 1) {
		if (put_entry(&w, &entry))
			break;
		off = entry.next_off;
	}
	/* What there is comes first; the error at the next offset. */
	if (!w.pos && got < 0)
		return got;
	if (!w.pos && got)
		return -EINVAL; /* count is less than an entry */
	reply->rreaddir.data.count = w.pos;
	reply->rreaddir.data.bytes = session->scratch + P9_RREAD_HEAD_LEN;
	return 0;
}
