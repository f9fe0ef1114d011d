/* SPDX-License-Identifier: MIT */
/*
 * p9_codec.h - messages of 9P2000.L, as bytes and as structures.
 *
 * Each message is described once, as a row of the table in p9_codec.c, which
 * one decoder and one encoder walk. It knows form, not meaning: which fids
 * there are, what a name may be called or how long a reply may get is the
 * server's business.
 *
 * Called by: the server, for requests; clients and tests, for replies.
 * Threads:   any; there is no state.
 * Trust:     buf is private memory that the sender cannot change any more:
 *            strings and data of a decoded message point into it, and live as
 *            long as it does. A transport copies a guest's request out of
 *            guest memory, all of it or (p9_decode_head()) all but the data.
 * Source:    diod protocol.md; see p9.h.
 */
#ifndef VMM_FILES_P9_CODEC_H
#define VMM_FILES_P9_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/p9.h"

/* count[4] and as many bytes, always the last field. bytes NULL: elsewhere,
 * see p9_decode_head() and p9_encode_head(). */
struct p9_data {
	uint32_t count;
	const uint8_t *bytes;
};
struct p9_names {
	uint16_t nr; /* up to P9_WALK_MAX */
	struct p9_str name[P9_WALK_MAX];
};
struct p9_qids {
	uint16_t nr; /* up to P9_WALK_MAX */
	struct p9_qid qid[P9_WALK_MAX];
};
/* The last field, that not every client sends. */
struct p9_opt_u32 {
	bool given;
	uint32_t value; /* not given: 0 */
};

struct p9_msg {
	uint8_t type; /* enum p9_type: which member of the union */
	uint16_t tag;
	/* Replies that are not here have no body. */
	union {
		struct {
			uint32_t ecode; /* a Linux errno */
		} rlerror;

		/* --- the session and its fids --- */
		struct {
			uint32_t msize;
			struct p9_str version;
		} tversion, rversion;
		struct {
			uint32_t afid;
			struct p9_str uname, aname;
			uint32_t n_uname;
		} tauth;
		struct {
			uint32_t fid, afid;
			struct p9_str uname, aname;
			uint32_t n_uname;
		} tattach;
		struct {
			uint16_t oldtag;
		} tflush;
		struct {
			uint32_t fid, newfid;
			struct p9_names names;
		} twalk;
		struct {
			struct p9_qids qids;
		} rwalk;

		/* --- open files --- */
		struct {
			uint32_t fid, flags;
		} tlopen;
		struct {
			uint32_t fid;
			struct p9_str name;
			uint32_t flags, mode, gid;
		} tlcreate;
		struct {
			struct p9_qid qid;
			uint32_t iounit; /* 0: as much as msize allows */
		} rlopen, rlcreate;
		struct {
			uint32_t fid;
			uint64_t offset;
			uint32_t count;
		} tread, treaddir;
		struct {
			struct p9_data data;
		} rread, rreaddir;
		struct {
			uint32_t fid;
			uint64_t offset;
			struct p9_data data;
		} twrite;
		struct {
			uint32_t count;
		} rwrite;
		struct {
			uint32_t fid;
			struct p9_opt_u32 datasync;
		} tfsync;
		struct {
			uint32_t fid;
			uint8_t type;
			uint32_t flags;
			uint64_t start, length;
			uint32_t proc_id;
			struct p9_str client_id;
		} tlock;
		struct {
			uint8_t status;
		} rlock;
		struct {
			uint32_t fid; /* not of the reply */
			uint8_t type;
			uint64_t start, length;
			uint32_t proc_id;
			struct p9_str client_id;
		} tgetlock, rgetlock;

		/* --- names --- */
		struct {
			uint32_t dfid;
			struct p9_str name, target;
			uint32_t gid;
		} tsymlink;
		struct {
			uint32_t dfid;
			struct p9_str name;
			uint32_t mode, major, minor, gid;
		} tmknod;
		struct {
			uint32_t dfid;
			struct p9_str name;
			uint32_t mode, gid;
		} tmkdir;
		struct {
			uint32_t dfid, fid;
			struct p9_str name;
		} tlink;
		struct {
			uint32_t fid, dfid;
			struct p9_str name;
		} trename;
		struct {
			uint32_t olddirfid;
			struct p9_str oldname;
			uint32_t newdirfid;
			struct p9_str newname;
		} trenameat;
		struct {
			uint32_t dirfid;
			struct p9_str name;
			uint32_t flags;
		} tunlinkat;
		struct {
			struct p9_str target;
		} rreadlink;

		/* --- attributes --- */
		struct {
			uint32_t type, bsize;
			uint64_t blocks, bfree, bavail, files, ffree, fsid;
			uint32_t namelen;
		} rstatfs;
		struct {
			uint32_t fid;
			uint64_t request_mask;
		} tgetattr;
		struct {
			uint64_t valid;
			struct p9_qid qid;
			uint32_t mode, uid, gid;
			uint64_t nlink, rdev, size, blksize, blocks;
			struct p9_time atime, mtime, ctime, btime;
			uint64_t gen, data_version;
		} rgetattr;
		struct {
			uint32_t fid, valid, mode, uid, gid;
			uint64_t size;
			struct p9_time atime, mtime;
		} tsetattr;
		struct {
			uint32_t fid, newfid;
			struct p9_str name; /* empty: the list of names */
		} txattrwalk;
		struct {
			uint64_t size;
		} rxattrwalk;
		struct {
			uint32_t fid;
			struct p9_str name;
			uint64_t attr_size;
			uint32_t flags;
		} txattrcreate;

		/* --- the same for several --- */
		struct {
			uint32_t fid;
		} tclunk, tremove, treadlink, tstatfs;
		struct {
			struct p9_qid qid;
		} rauth, rattach, rsymlink, rmknod, rmkdir;
	};
};

/*
 * Decode the message that is these len bytes, no more and no fewer. 0;
 * -EBADMSG: not a message: its size field is not len, a field runs over the
 * end, a walk has more than P9_WALK_MAX steps, or bytes are left;
 * -EOPNOTSUPP: not a type of 9P2000.L. type and tag are filled in if
 * len >= P9_HEAD_LEN whatever the result, so that it can be answered; else
 * they are 0 and P9_NOTAG.
 */
int p9_decode(const void *buf, uint32_t len, struct p9_msg *msg);

/*
 * The same with only the first head_len bytes of len in buf, for data that
 * stay where they are (Twrite, Rread, Rreaddir). With head_len < len such a
 * message has data.bytes NULL; they are the last data.count of the len bytes.
 * Of any other message the whole is needed: -EBADMSG. So for requests
 * head_len is len, or P9_TWRITE_HEAD_LEN if the type, buf[4], is P9_TWRITE.
 */
int p9_decode_head(const void *buf, uint32_t head_len, uint32_t len,
		   struct p9_msg *msg);

/*
 * Encode into cap bytes at buf. The message's length; -EMSGSIZE: it is longer
 * than that; -EINVAL: it is none: an unknown type, more than P9_WALK_MAX
 * steps, or data.bytes NULL with a count. Data may lie in buf already if they
 * are where they belong; strings may not.
 */
int p9_encode(const struct p9_msg *msg, void *buf, uint32_t cap);

/*
 * The same but for the bytes of the data, for who puts them there himself
 * (Rread, Rreaddir, Twrite; data.bytes is not looked at). cap is for the head
 * alone. The head's length, P9_RREAD_HEAD_LEN or P9_TWRITE_HEAD_LEN; the size
 * field counts the data.count bytes that follow.
 */
int p9_encode_head(const struct p9_msg *msg, void *buf, uint32_t cap);

/* "Tlopen"; NULL: not a type of 9P2000.L. */
const char *p9_type_name(uint8_t type);

/* --- names ---------------------------------------------------------------- */

/*
 * Can a file be called that? -EINVAL: empty, or with '/' or NUL in it;
 * -ENAMETOOLONG: more than P9_NAME_MAX bytes. "." and ".." pass: what they
 * mean depends on the message.
 */
int p9_name_check(struct p9_str name);

#endif
