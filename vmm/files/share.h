/* SPDX-License-Identifier: MIT */
/*
 * share.h - one shared directory as one VM sees it: the border between those
 * who speak a protocol (9P server, file port) and the layers on the host.
 *
 * A share has a lower layer, the host's directory, and in mode SHARE_COW an
 * upper one, private to the VM. Names below are the guest's; nobody above
 * this header forms a host path, nobody below it parses a message.
 *
 * Modes:   SHARE_RO   everything that would change answers -EROFS
 *          SHARE_RW   the host's directory itself is changed
 *          SHARE_COW  the lower layer is never opened for writing; the first
 *                     change of anything copies it up (docs/files.md)
 * Threads: a share and all that came from it belong to one thread. Reads and
 *          writes on share_file_fd() may be under way elsewhere (io_uring)
 *          while the file is held.
 * Errors:  0 or -errno, the value a local file system would give; the guest
 *          gets it as it is. -ESTALE: somebody on the host put something
 *          else where the node was.
 * Needs:   /proc, for /proc/self/fd of own descriptors; a node holds at most
 *          two of them, an open file one more.
 * Trust:   names, targets, modes, sizes and offsets are the guest's. A name
 *          is one component: not empty, no '/', no NUL, up to 255 bytes, not
 *          "." or ".." unless said otherwise: -EINVAL, -ENAMETOOLONG.
 *          Symbolic links are never followed: a link is an object like any
 *          other. Special files (FIFOs, sockets, devices) are never opened.
 *          What another process does to the host's directory meanwhile can
 *          change answers, but nothing outside of it is ever reached:
 *          openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
 *          RESOLVE_NO_MAGICLINKS, from a directory's descriptor.
 * Source:  Linux Documentation/filesystems/overlayfs.rst for what a merge of
 *          two layers means; fs/9p for what a guest asks.
 */
#ifndef VMM_FILES_SHARE_H
#define VMM_FILES_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct share;
struct share_node; /* what a name led to; counted */
struct share_file; /* an open file or directory */

#define SHARE_NAME_MAX	 255u
#define SHARE_TARGET_MAX 4095u	/* bytes of a symbolic link */
#define SHARE_XATTR_MAX	 65536u /* bytes of one value: Linux XATTR_SIZE_MAX */

enum share_mode {
	SHARE_RO,
	SHARE_RW,
	SHARE_COW
};

/* What becomes of owners, set-id bits and device nodes a guest asks for. */
enum share_policy {
	/* Recorded beside the file and shown to guests; the host's own owner,
	 * mode bits above 0777 and file types stay harmless. */
	SHARE_RECORD,
	/* Owners and set-id bits are dropped without a word, as a mount with
	 * all_squash does; mknod of devices answers -EPERM. */
	SHARE_SQUASH,
};

struct share_opts {
	enum share_mode mode;
	enum share_policy policy;
	/* The host's directory; must exist. A path of the user's, so symbolic
	 * links in it are followed, once. */
	const char *lower;
	/* SHARE_COW: the VM's private directory, made (0700) if missing, with
	 * its parent existing. Two shares must not have the same one: -EBUSY.
	 */
	const char *upper;
	/* Empty the upper layer first, whatever directory it was of. */
	bool fresh;
	/* Bytes the upper layer may hold, 0: no limit. Beyond: -EDQUOT. Files
	 * count with their size, and each object with 4 KiB. */
	uint64_t quota;
	/* Flush each copy before it takes its place, so that not even a power
	 * cut leaves a copy without its bytes. A killed monitor does not need
	 * that. */
	bool sync;
	/* Copies of at least so many bytes are what share_copy.h makes
	 * beforehand; 0: COPY_AHEAD_MIN. */
	uint64_t ahead_min;
	/* Called now and then while a copy-up of a large file is under way
	 * without reflink; true: give it up (-EINTR), nothing has changed.
	 * NULL: none. */
	bool (*copying)(void *arg, uint64_t done, uint64_t total);
	/* What the user should read: one line, without an end. NULL: none. */
	void (*say)(void *arg, const char *line);
	void *arg;
};

/*
 * Open the layers; what a killed monitor left half done is undone first.
 * -ENOENT, -ENOTDIR, -EBUSY (another share has the upper), -ENOTEMPTY (upper
 * is a directory of somebody else's), -EXDEV (it has changes to another lower
 * directory), -EINVAL (one layer inside the other, or
 * an upper of another version), -EOPNOTSUPP (the upper's file system cannot
 * exchange names), ...: said with the path.
 */
int share_create(struct share **out, const struct share_opts *opts);
/* Is there a private layer at path, of any share? Makes nothing. */
bool share_is_upper(const char *path);
/* NULL is fine. No node or file of it may be left. */
void share_destroy(struct share *share);
enum share_mode share_mode(const struct share *share);

/* --- nodes --------------------------------------------------------------- */

/* Each node that a call hands out is the caller's: share_node_put() it. */
int share_root(struct share *share, struct share_node **out);
struct share *share_of(const struct share_node *node);
struct share_node *share_node_get(struct share_node *node);
void share_node_put(struct share_node *node); /* NULL is fine */

/* name may be ".." (the root's is the root) and ".". -ENOTDIR, -ENOENT. */
int share_walk(struct share_node *dir, const char *name, size_t len,
	       struct share_node **out);

/*
 * qid.path: one file has one for the life of the share, across copy-up,
 * rename and hard links; two files never have the same. When a copy-up parts
 * a file from its other lower names, it keeps its id and they get a new one.
 */
struct share_id {
	uint64_t path;
	uint32_t version; /* changes when the content does, as far as known */
	uint32_t type;	  /* S_IFMT bits as the guest sees them */
};
/* A walk that tells what it has seen anyway. */
int share_walk_id(struct share_node *dir, const char *name, size_t len,
		  struct share_node **out, struct share_id *id);
int share_id(struct share_node *node, struct share_id *id);

struct share_attr {
	struct share_id id;
	uint32_t mode; /* type and permission bits */
	uint32_t uid, gid;
	uint64_t nlink, rdev, size, blksize, blocks; /* blocks of 512 bytes */
	struct timespec atime, mtime, ctime, btime;  /* btime 0: unknown */
};
int share_getattr(struct share_node *node, struct share_attr *attr);

enum share_set {
	SHARE_SET_MODE = 1,
	SHARE_SET_UID = 2,
	SHARE_SET_GID = 4,
	SHARE_SET_SIZE = 8,
	SHARE_SET_ATIME = 16,	  /* to now, unless... */
	SHARE_SET_MTIME = 32,	  /* to now, unless... */
	SHARE_SET_CTIME = 64,	  /* touch */
	SHARE_SET_ATIME_TO = 128, /* ...to the time given; with ATIME */
	SHARE_SET_MTIME_TO = 256, /* ...to the time given; with MTIME */
};
struct share_setattr {
	uint32_t valid; /* enum share_set */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct timespec atime, mtime;
};
/* Works on unlinked files too. Owners of symbolic links are not kept. */
int share_setattr(struct share_node *node, const struct share_setattr *set);

/* Bytes written to buf (not terminated), or -errno; -ERANGE: cap too small. */
int share_readlink(struct share_node *node, char *buf, size_t cap);

struct share_statfs {
	uint32_t type, bsize, namelen;
	uint64_t blocks, bfree, bavail, files, ffree, fsid;
};
int share_statfs(struct share_node *node, struct share_statfs *statfs);

/* --- names --------------------------------------------------------------- */

/* Who a new object belongs to, in the guest's eyes. SHARE_HOST_ID: to whom
 * it belongs on the host. */
#define SHARE_HOST_ID UINT32_MAX
struct share_owner {
	uint32_t uid, gid;
};

/* mode: permission bits as they shall be; the guest has applied its umask. */
int share_mkdir(struct share_node *dir, const char *name, size_t len,
		uint32_t mode, struct share_owner owner,
		struct share_node **out);
int share_symlink(struct share_node *dir, const char *name, size_t len,
		  const char *target, size_t target_len,
		  struct share_owner owner, struct share_node **out);
/* mode with its type. A FIFO, socket or device is recorded, never made as
 * such on the host; -EPERM where nothing can be recorded. */
int share_mknod(struct share_node *dir, const char *name, size_t len,
		uint32_t mode, uint32_t major, uint32_t minor,
		struct share_owner owner, struct share_node **out);
/* Copies a lower file up and parts it from its other lower names. */
int share_link(struct share_node *dir, const char *name, size_t len,
	       struct share_node *node);
/* Replaces what is there, as rename(2). -EXDEV: a directory of the lower
 * layer, which overlayfs does not rename either. */
int share_rename(struct share_node *from, const char *from_name,
		 size_t from_len, struct share_node *to, const char *to_name,
		 size_t to_len);
/* is_dir: rmdir. The node's own open files go on. */
int share_unlink(struct share_node *dir, const char *name, size_t len,
		 bool is_dir);
/* As unlink or rename, by the node itself (Tremove, Trename). */
int share_remove(struct share_node *node);
int share_rename_node(struct share_node *node, struct share_node *to,
		      const char *to_name, size_t to_len);

/* --- open files ---------------------------------------------------------- */

/*
 * flags: Linux open(2) values as on x86-64: O_RDONLY, O_WRONLY, O_RDWR,
 * O_TRUNC, O_APPEND, O_DIRECTORY, O_SYNC, O_DSYNC, O_NOFOLLOW, O_EXCL count,
 * the rest is ignored. Opening for writing copies up. Files that were opened
 * for reading before that read the copy from then on, and keep their locks:
 * unlike with overlayfs, a guest sees one file.
 * -EACCES: a special file. -ELOOP: a symbolic link. How many files may be
 * open is the server's to count.
 */
int share_open(struct share_node *node, uint32_t flags,
	       struct share_file **out);
/* A new regular file, or with O_EXCL clear one that is there. */
int share_create_file(struct share_node *dir, const char *name, size_t len,
		      uint32_t flags, uint32_t mode, struct share_owner owner,
		      struct share_node **node, struct share_file **out);
void share_file_close(struct share_file *file); /* NULL is fine */

/*
 * The descriptor to read from or write to, for as long as the file is held;
 * opened for no more than was asked; its number stays the same. -EISDIR for
 * directories. Who writes asks share_file_reserve() first
 * and, when that was 0, calls share_file_wrote() afterwards, however the
 * write ended.
 */
int share_file_fd(struct share_file *file);
/* Writes go to the end whatever their offset says. */
bool share_file_append(const struct share_file *file);
/* Room for a write of len bytes at off? -EDQUOT, -EFBIG. */
int share_file_reserve(struct share_file *file, uint64_t off, uint64_t len);
void share_file_wrote(struct share_file *file);

/* Synchronous forms of the same. Bytes, or -errno. */
int64_t share_read(struct share_file *file, void *buf, size_t len,
		   uint64_t off);
int64_t share_write(struct share_file *file, const void *buf, size_t len,
		    uint64_t off);
int share_fsync(struct share_file *file, bool data_only);
/* The descriptor to flush it by, of directories too, for as long as the file
 * is held. -ENODATA: the lower layer's, there is nothing to flush. */
int share_fsync_fd(struct share_file *file);

/* POSIX record locks of this share's guests against each other and the host's
 * processes: open file description locks. type: F_RDLCK, F_WRLCK, F_UNLCK.
 * -EAGAIN: held by another. len 0: to the end of the file. */
int share_lock(struct share_file *file, int type, uint64_t start, uint64_t len);
/* What stands in the way, in place; *type F_UNLCK: nothing. */
int share_getlock(struct share_file *file, int *type, uint64_t *start,
		  uint64_t *len);

struct share_dirent {
	struct share_id id;
	uint64_t next_off; /* where the entry behind this one begins */
	uint8_t type;	   /* DT_* */
	uint32_t name_len;
	char name[SHARE_NAME_MAX + 1];
};
/*
 * The entry at off: 0, or a next_off of this open directory's. Offset 0 takes
 * a fresh look; all others belong to the look that gave them and stay valid
 * while the directory is open. "." and ".." are the first two.
 * 1: *entry is filled; 0: the end; -EINVAL: not an offset given; -ENOMEM:
 * more entries than are held at once.
 */
int share_readdir(struct share_file *dir, uint64_t off,
		  struct share_dirent *entry);

/* --- extended attributes ------------------------------------------------- */

/*
 * Names are NUL-terminated. user.* pass, but for those this share keeps for
 * itself; system.posix_acl_* pass if the host's file system has them; others
 * answer -EOPNOTSUPP. A length, or -errno; cap 0 asks for the length.
 */
int64_t share_getxattr(struct share_node *node, const char *name, void *value,
		       size_t cap);
/* Names, each with its NUL, one behind the other. */
int64_t share_listxattr(struct share_node *node, char *names, size_t cap);
/* flags: XATTR_CREATE, XATTR_REPLACE. value NULL with len 0 removes. */
int share_setxattr(struct share_node *node, const char *name, const void *value,
		   size_t len, int flags);

/* --- what a VM changed --------------------------------------------------- */

enum share_change {
	SHARE_ADDED,
	SHARE_CHANGED,
	SHARE_DELETED
};
/* path: relative to the share, '/' between names. Not 0: stop, and return. */
typedef int share_change_fn(void *arg, enum share_change change,
			    const char *path);
/* SHARE_COW; in the order of names, directories before what is in them. */
int share_diff(struct share *share, share_change_fn *fn, void *arg);
/*
 * For the host's user, with no VM running: make the changes in the lower
 * layer, and empty the upper one. Not one step: it may be stopped half way
 * and started again. fn hears of each change made, may be NULL. Changed files
 * belong to who commits; hard links among them become files of their own.
 * -EBUSY: nodes are held.
 */
int share_commit(struct share *share, share_change_fn *fn, void *arg);
/* Empty the upper layer. -EBUSY: nodes are held. */
int share_discard(struct share *share);

#endif
