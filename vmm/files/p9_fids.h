/* SPDX-License-Identifier: MIT */
/*
 * p9_fids.h - what a client's numbers stand for.
 *
 * A fid is in the table from the request that made it to Tclunk, Tremove or
 * the end of the session; it lives until the last request that uses it has
 * ended. So a number can be used for another fid while a read on the old one
 * is still under way.
 *
 * Threads: the session's.
 */
#ifndef VMM_FILES_P9_FIDS_H
#define VMM_FILES_P9_FIDS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/p9.h"
#include "vmm/files/share.h"

enum p9_fid_kind {
	P9_FID_NODE = 1,       /* a place in the tree */
	P9_FID_FILE = 2,       /* open: a file or directory */
	P9_FID_XATTR_READ = 4, /* of Txattrwalk */
	P9_FID_XATTR_SET = 8,  /* of Txattrcreate; takes effect at its end */
};

struct p9_xattr {
	uint8_t *bytes;
	uint32_t len, cap;
	uint32_t limit; /* SET: the length that was announced */
	uint32_t flags; /* SET: of setxattr(2) */
	char name[P9_NAME_MAX + 1];
};

struct p9_fid {
	uint32_t number;
	uint32_t refs;
	struct p9_fid *next; /* of its chain in the table */
	struct p9_fids *fids;
	enum p9_fid_kind kind;
	uint32_t uid; /* whose attach it comes from */
	struct share_node *node;
	struct share_file *file; /* P9_FID_FILE */
	struct p9_xattr *xattr;	 /* P9_FID_XATTR_* */
};

struct p9_fids {
	struct p9_fid **chains;
	uint32_t chains_nr; /* a power of two, or 0 */
	uint32_t nr;	    /* in the table */
	/* Also those that are not in the table any more. */
	uint32_t held_nr, files_nr, xattr_len;
	uint32_t held_max, files_max, xattr_max;
};

/* NULL: there is none. Good until the fid is removed, unless held. */
struct p9_fid *p9_fids_find(const struct p9_fids *fids, uint32_t number);
/*
 * A new fid for node, whose count is the fid's from then on if this succeeds.
 * -EINVAL: the number is taken or P9_NOFID; -ENFILE; -ENOMEM.
 */
int p9_fids_add(struct p9_fids *fids, uint32_t number, uint32_t uid,
		struct share_node *node, struct p9_fid **out);
/* Take it out of the table. */
void p9_fids_remove(struct p9_fids *fids, struct p9_fid *fid);
void p9_fids_remove_all(struct p9_fids *fids);
/* Empty, but for fids that requests hold. */
void p9_fids_destroy(struct p9_fids *fids);

struct p9_fid *p9_fid_hold(struct p9_fid *fid);
void p9_fid_drop(struct p9_fid *fid); /* NULL is fine */

/* May another be open? -EMFILE. */
int p9_fids_may_open(const struct p9_fids *fids);
/* It is open now; the file is the fid's. */
void p9_fid_opened(struct p9_fid *fid, struct share_file *file);

/* Make the fid one for an xattr, with len bytes held; -ENOMEM. */
int p9_fid_xattr(struct p9_fid *fid, enum p9_fid_kind kind, uint32_t len);
/* Room for len bytes in all, no fewer than now; -ENOMEM. */
int p9_fid_xattr_grow(struct p9_fid *fid, uint32_t len);

#endif
