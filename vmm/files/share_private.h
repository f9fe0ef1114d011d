/* SPDX-License-Identifier: MIT */
/*
 * share_private.h - what the files behind share.h know of each other.
 *
 * A share has at most two layers. SHARE_RO has a lower one, SHARE_RW only an
 * upper one, which is the host's directory itself, SHARE_COW both. So "upper"
 * below is whatever is written, and only SHARE_COW has whiteouts, copies and
 * a work directory. The format of a private upper layer: docs/files.md.
 */
#ifndef VMM_FILES_SHARE_PRIVATE_H
#define VMM_FILES_SHARE_PRIVATE_H

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "vmm/files/layer.h"
#include "vmm/files/share.h"

/* Which object of the host's. Guests never see these numbers alone. */
struct inode_key {
	dev_t dev;
	ino_t ino;
};

/* --- ids.c: qid.path of what stands behind an inode ----------------------- */

#define IDS_DEVS_MAX 254u

struct ids {
	dev_t devs[IDS_DEVS_MAX]; /* high byte of an id: its index here */
	uint32_t devs_nr;
	uint64_t fresh; /* counts ids that belong to no inode number */
	void *given;	/* tsearch(3): those that differ from the rule */
};

/* -ENOMEM. */
int ids_of(struct ids *ids, struct inode_key key, uint64_t *id);
/* From now on key has this id. */
int ids_give(struct ids *ids, struct inode_key key, uint64_t id);
/* From now on key has an id that nothing ever had. */
int ids_renew(struct ids *ids, struct inode_key key, uint64_t *id);
/* The object is gone; its inode number may come back for another. */
void ids_forget(struct ids *ids, struct inode_key key);
void ids_destroy(struct ids *ids);

/* --- quota.c: bytes of a private upper layer ------------------------------ */

#define QUOTA_OBJECT 4096u /* each file, directory and link */

struct quota {
	uint64_t limit; /* 0: nothing is counted */
	uint64_t used;
};

/* What len bytes of content count. */
uint64_t quota_bytes(uint64_t len);
int quota_take(struct quota *quota, uint64_t bytes); /* -EDQUOT */
void quota_give(struct quota *quota, uint64_t bytes);
/* Count what is below a directory. */
int quota_scan(struct quota *quota, int dir_fd);

/* --- claim.c: what counts for the quota, by inode ------------------------- */

struct claim {
	struct inode_key key;
	uint64_t promised; /* what it may hold after the writes */
	uint32_t writes;   /* reserved and under way */
	uint32_t nodes;	   /* that share it */
	bool owes;	   /* counted until the last of them ends */
	bool known;	   /* by its key */
};

struct share_node;
/* A node is new; -ENOMEM. Without a quota it has none. */
int claim_begin(struct share_node *node);
/* It is in the upper layer now: other names of it may be known. */
void claim_join(struct share_node *node);
void claim_end(struct share_node *node);

/* --- lower.c: which directory a private layer belongs to ------------------ */

/* -EXDEV: another one than share->lower_fd; said. */
int lower_check(struct share *share, const char *upper);
/* It is of none any more. */
int lower_forget(struct share *share);
/* From now on it is that one. No room on the disk is said, and no error. */
int lower_note(struct share *share);

/* --- the share ------------------------------------------------------------ */

struct share {
	struct share_opts opts; /* the paths are not kept */
	int lower_fd;		/* root of the lower layer, or -1 */
	int upper_fd;		/* root of the upper layer, or -1 */
	int home_fd;		/* SHARE_COW: holds tree, work, lock */
	int work_fd;		/* SHARE_COW: things not yet in place */
	uint32_t work_seq;
	struct copier *copier; /* share_copy.c's; NULL: none was needed */
	bool records;	       /* the upper layer takes user xattrs */
	void *nodes;	       /* tsearch(3): by parent and name */
	uint64_t nodes_nr;
	struct ids ids;
	struct quota quota;
	void *claims; /* tsearch(3): by inode */
};

static inline bool share_is_cow(const struct share *share)
{
	return share->opts.mode == SHARE_COW;
}

__attribute__((format(printf, 2, 3))) void share_say(struct share *share,
						     const char *format, ...);

/* --- share_node.c: what names led to -------------------------------------- */

struct share_node {
	struct share *share;
	struct share_node *parent; /* counted; NULL: the root */
	char *name;
	struct share_file *lower_files; /* open ones that read the lower */
	struct share_copy *copy;	/* of it, on its way, or NULL */
	uint64_t id;
	struct claim *claim; /* NULL: there is no quota */
	uint32_t refs;
	uint32_t type; /* S_IFMT bits as the guest sees them */
	/* Path descriptors or -1. Both: a merged directory. */
	int upper_fd, lower_fd;
	struct inode_key upper, lower;
	bool found; /* walks to its name lead here */
	bool gone;  /* its name was taken away */
};

static inline int node_fd(const struct share_node *node)
{
	return node->upper_fd >= 0 ? node->upper_fd : node->lower_fd;
}
/* Is what the guest sees of it private to this share? */
static inline bool node_is_private(const struct share_node *node)
{
	return node->upper_fd >= 0 && share_is_cow(node->share);
}

struct name {
	char text[SHARE_NAME_MAX + 1];
};
int node_name(struct name *out, const char *name, size_t len);
/* What every change begins with: -EROFS, -ENOTDIR, -ENOENT, bad names. */
int node_change_in(struct share_node *dir, struct name *out, const char *name,
		   size_t len);

int node_root(struct share *share, struct share_node **out);
int node_walk(struct share_node *dir, const char *name,
	      struct share_node **out);
/* Of an inode's state, as share_id.version. */
static inline uint32_t node_version(int64_t sec, uint32_t nsec, uint64_t size)
{
	return (uint32_t)sec * 1000003u + nsec + (uint32_t)(size * 31);
}
/* The name was removed, or something else took its place. */
void node_removed(struct share_node *node);
/* The name was moved. to_name becomes the node's. */
void node_moved(struct share_node *node, struct share_node *to, char *to_name);
/* All live nodes of a lower inode but this one get its new id. */
void node_part(struct share_node *node, uint64_t new_id);
/* Does its name still lead to it? 0, -ESTALE, -ENOENT when gone. */
int node_check_name(const struct share_node *node);

/* --- whiteout.c ----------------------------------------------------------- */

/* A name of the lower layer is deleted by a symbolic link to this in the
 * upper one: no privilege, no xattr, one step to make or to replace. Guests
 * cannot make such links. */
#define WHITEOUT_TARGET "(ivlab: deleted)"

bool whiteout_is(int dir_fd, const char *name);
bool whiteout_is_fd(int path_fd);
bool whiteout_is_target(const char *target, size_t len);
int whiteout_make(int dir_fd, const char *name);
/* Does the lower layer have something under this name of the directory's? */
bool whiteout_needed(const struct share_node *dir, const char *name);

/* A directory of a private layer hides the lower one below its name when it
 * has the sticky bit; a guest's own sticky bit is in the record. */
static inline bool whiteout_opaque(uint32_t host_mode)
{
	return S_ISDIR(host_mode) && (host_mode & S_ISVTX);
}

/* --- work.c: things that are not yet, or no longer, in place ---------------
 */

struct work_name {
	char text[16];
};
struct work_name work_next(struct share *share);
/* Of what stays there while other requests come and go. */
struct work_name work_next_copy(struct share *share);
/* Delete what work_fd holds, trees of any depth too; not the copies of a share
 * that makes some. */
int work_empty(struct share *share);
/* Delete one thing there. */
void work_drop(struct share *share, const char *name);

/* --- record.c: what the guest asked for and the host does not do -----------
 */

#define RECORD_XATTR  "user.ivlab.stat"
#define RECORD_PREFIX "user.ivlab." /* guests have no such xattrs */

struct record {
	uint32_t mode; /* with its type */
	uint32_t uid, gid;
	uint32_t major, minor;
};

/* private: the object is in a private upper layer. */
int record_read(int path_fd, const struct stat *host, bool private,
		struct record *record);
/* Make the host's mode fit, and record what does not fit into it. opaque: as
 * the sticky bit of a private directory. */
int record_write(struct share *share, int path_fd, const struct record *record,
		 bool opaque);
/* The same without the share's policy; keep: the layer takes records. */
int record_put(int path_fd, const struct record *record, bool opaque,
	       bool keep);
bool record_is_special(uint32_t mode);
/* Only its size, mode and type are looked at. */
bool record_is_likely(const struct stat *host);

/* --- copy.c: bytes and attributes from one object to another ---------------
 */

/* Between two looks whether a copy shall go on. */
#define COPY_TELL_LEN (8ull << 20)

int copy_data(struct share *share, int from_fd, int to_fd, uint64_t len);
/* Let to_fd share the first len bytes of from_fd, if the file system can. */
bool copy_shared(int from_fd, int to_fd, uint64_t len);
int copy_xattrs(int from_fd, int to_fd);
int copy_times(int fd, const struct stat *from);

/* --- copy_up.c -------------------------------------------------------------
 */

#define COPY_ALL UINT64_MAX

/*
 * The node is in the upper layer afterwards, with its parents. keep: bytes of
 * content that are still wanted. -EROFS, -ESTALE, -EINTR, -EDQUOT, -ENOSPC.
 */
int copy_up(struct share_node *node, uint64_t keep);

/* --- share_copy.c: copies made beforehand ----------------------------------
 */

/*
 * A finished copy of the first len bytes of the node's lower file, which is
 * still as `now`: its descriptor and its name in the work directory, both the
 * caller's. -ENOENT: there is none.
 */
int copy_take(struct share_node *node, uint64_t len, const struct stat *now,
	      struct work_name *name);
/* NULL is fine. Nobody waits for a copy, and none is under way. */
void copier_destroy(struct copier *copier);

/* --- open files ------------------------------------------------------------
 */

struct file_lock {
	short type;
	uint64_t start, len;
};

struct share_file {
	struct share_node *node;	 /* counted */
	struct share_file *next, **link; /* in node->lower_files, or NULL */
	int fd;				 /* -1: a directory */
	int sync_fd; /* of a directory that is flushed, or -1 */
	int next_fd; /* while a copy-up is being made */
	uint32_t flags;
	struct file_lock *locks; /* in the order they were asked for */
	uint32_t locks_nr;
	struct merge *merge; /* a directory's last look */
};

/* A copy is being made: open it for each reader of the lower file; then let
 * them read it, or forget it. */
int file_prepare(struct share_node *node, int copy_fd);
void file_switch(struct share_node *node);
void file_forget(struct share_node *node);
/* Take the locks that `from` has on the file's next_fd. */
void lock_carry(const struct share_file *file);

/* --- merge.c: names of directories -----------------------------------------
 */

struct merge_entry {
	uint64_t ino;
	uint32_t name_off; /* into names */
	uint8_t name_len;
	uint8_t type; /* DT_* */
	bool upper;
	bool hidden; /* a whiteout */
};
struct merge {
	struct merge_entry *entries;
	char *names;
	size_t entries_nr, entries_cap, names_len, names_cap;
};

/* Add one layer's names, as they are; -ENOMEM. */
int merge_add(struct merge *merge, int path_fd, bool upper);
const char *merge_name(const struct merge *merge, size_t i);
/* By name; of two the upper one stays. */
void merge_sort(struct merge *merge);
void merge_free(struct merge *merge);
/* 0: no name is visible. -ENOTEMPTY. */
int merge_empty(const struct share_node *dir);

/* --- diff.c ----------------------------------------------------------------
 */

/* One difference; a descriptor is -1 when that layer does not have it. They
 * end with the call. */
struct diff_item {
	enum share_change change;
	const char *path;
	int upper_fd, lower_fd;
};
struct diff_ops {
	int (*item)(void *arg, const struct diff_item *item);
	/* All in this directory of the upper layer has been seen. */
	int (*leave)(void *arg, const char *path);
	void *arg;
};
int diff_run(struct share *share, const struct diff_ops *ops);

/* --- remove.c --------------------------------------------------------------
 */

/* Take the node's name away; the caller has looked at types. */
int remove_name(struct share_node *node);

#endif
