/* SPDX-License-Identifier: MIT */
/*
 * p9.h - numbers and values of 9P2000.L, the protocol of the file channel, as
 * server, virtio device and guests' clients share them.
 *
 * Source: diod protocol.md (messages, their fields, lock and setattr values);
 *         Linux include/net/9p/9p.h (message numbers, getattr masks, open and
 *         lock flags) and fs/9p/vfs_inode_dotl.c (setattr bits), which is the
 *         client that counts; Plan 9 manual, section 5, for what .L inherits.
 */
#ifndef SHM_P9_H
#define SHM_P9_H

#include <stdint.h>

#define P9_VERSION_L	   "9P2000.L"
#define P9_VERSION_UNKNOWN "unknown" /* the answer to any other: version(5) */

/* A request has an even number, its reply the next. 6 is never sent; 106,
 * 112, 114, 124 and 126 are of 9P2000 and replaced in .L. */
enum p9_type {
	P9_RLERROR = 7,
	P9_TSTATFS = 8,
	P9_RSTATFS,
	P9_TLOPEN = 12,
	P9_RLOPEN,
	P9_TLCREATE = 14,
	P9_RLCREATE,
	P9_TSYMLINK = 16,
	P9_RSYMLINK,
	P9_TMKNOD = 18,
	P9_RMKNOD,
	P9_TRENAME = 20,
	P9_RRENAME,
	P9_TREADLINK = 22,
	P9_RREADLINK,
	P9_TGETATTR = 24,
	P9_RGETATTR,
	P9_TSETATTR = 26,
	P9_RSETATTR,
	P9_TXATTRWALK = 30,
	P9_RXATTRWALK,
	P9_TXATTRCREATE = 32,
	P9_RXATTRCREATE,
	P9_TREADDIR = 40,
	P9_RREADDIR,
	P9_TFSYNC = 50,
	P9_RFSYNC,
	P9_TLOCK = 52,
	P9_RLOCK,
	P9_TGETLOCK = 54,
	P9_RGETLOCK,
	P9_TLINK = 70,
	P9_RLINK,
	P9_TMKDIR = 72,
	P9_RMKDIR,
	P9_TRENAMEAT = 74,
	P9_RRENAMEAT,
	P9_TUNLINKAT = 76,
	P9_RUNLINKAT,
	P9_TVERSION = 100,
	P9_RVERSION,
	P9_TAUTH = 102,
	P9_RAUTH,
	P9_TATTACH = 104,
	P9_RATTACH,
	P9_TFLUSH = 108,
	P9_RFLUSH,
	P9_TWALK = 110,
	P9_RWALK,
	P9_TREAD = 116,
	P9_RREAD,
	P9_TWRITE = 118,
	P9_RWRITE,
	P9_TCLUNK = 120,
	P9_RCLUNK,
	P9_TREMOVE = 122,
	P9_RREMOVE,
};

#define P9_NOTAG UINT16_MAX /* of Tversion */
#define P9_NOFID UINT32_MAX
#define P9_NOUID UINT32_MAX /* n_uname: there is no number */

/* --- lengths, in bytes ---------------------------------------------------- */

#define P9_HEAD_LEN	    7u	/* size[4] type[1] tag[2] */
#define P9_RLERROR_LEN	    11u /* the shortest whole answer to anything */
#define P9_RREAD_HEAD_LEN   11u /* up to the data; Rreaddir's too */
#define P9_TWRITE_HEAD_LEN  23u /* up to the data */
#define P9_QID_LEN	    13u
#define P9_DIRENT_FIXED_LEN 24u	  /* an entry of Rreaddir without its name */
#define P9_MSIZE_MIN	    4096u /* Linux net/9p/client.c asks for no less */

#define P9_WALK_MAX 16u	 /* names of one Twalk: walk(5), MAXWELEM */
#define P9_NAME_MAX 255u /* Linux NAME_MAX */

/* --- values of fields ----------------------------------------------------- */

/* qid.type */
#define P9_QID_DIR     0x80u
#define P9_QID_SYMLINK 0x02u
#define P9_QID_FILE    0x00u

/* Tgetattr.request_mask, Rgetattr.valid */
#define P9_GETATTR_MODE		0x0001u
#define P9_GETATTR_NLINK	0x0002u
#define P9_GETATTR_UID		0x0004u
#define P9_GETATTR_GID		0x0008u
#define P9_GETATTR_RDEV		0x0010u
#define P9_GETATTR_ATIME	0x0020u
#define P9_GETATTR_MTIME	0x0040u
#define P9_GETATTR_CTIME	0x0080u
#define P9_GETATTR_INO		0x0100u /* the qid */
#define P9_GETATTR_SIZE		0x0200u
#define P9_GETATTR_BLOCKS	0x0400u
#define P9_GETATTR_BTIME	0x0800u
#define P9_GETATTR_GEN		0x1000u
#define P9_GETATTR_DATA_VERSION 0x2000u
#define P9_GETATTR_BASIC	0x07ffu /* up to BLOCKS: what stat(2) has */

/* Tsetattr.valid */
#define P9_SETATTR_MODE	     0x001u
#define P9_SETATTR_UID	     0x002u
#define P9_SETATTR_GID	     0x004u
#define P9_SETATTR_SIZE	     0x008u
#define P9_SETATTR_ATIME     0x010u /* to now, unless ATIME_SET */
#define P9_SETATTR_MTIME     0x020u
#define P9_SETATTR_CTIME     0x040u
#define P9_SETATTR_ATIME_SET 0x080u /* to the time given */
#define P9_SETATTR_MTIME_SET 0x100u

/* Tlopen.flags, Tlcreate.flags: Linux's generic open(2) flags, as on x86 */
#define P9_OPEN_RDONLY	  0x000000u
#define P9_OPEN_WRONLY	  0x000001u
#define P9_OPEN_RDWR	  0x000002u
#define P9_OPEN_ACCMODE	  0x000003u
#define P9_OPEN_CREAT	  0x000040u
#define P9_OPEN_EXCL	  0x000080u
#define P9_OPEN_NOCTTY	  0x000100u
#define P9_OPEN_TRUNC	  0x000200u
#define P9_OPEN_APPEND	  0x000400u
#define P9_OPEN_NONBLOCK  0x000800u
#define P9_OPEN_DSYNC	  0x001000u
#define P9_OPEN_FASYNC	  0x002000u
#define P9_OPEN_DIRECT	  0x004000u
#define P9_OPEN_LARGEFILE 0x008000u
#define P9_OPEN_DIRECTORY 0x010000u
#define P9_OPEN_NOFOLLOW  0x020000u
#define P9_OPEN_NOATIME	  0x040000u
#define P9_OPEN_CLOEXEC	  0x080000u
#define P9_OPEN_SYNC	  0x100000u

#define P9_UNLINKAT_REMOVEDIR 0x200u /* Tunlinkat.flags */

/* Tlock.type, .flags, Rlock.status */
#define P9_LOCK_RDLCK	0u
#define P9_LOCK_WRLCK	1u
#define P9_LOCK_UNLCK	2u
#define P9_LOCK_BLOCK	1u
#define P9_LOCK_RECLAIM 2u
#define P9_LOCK_SUCCESS 0u
#define P9_LOCK_BLOCKED 1u
#define P9_LOCK_ERROR	2u
#define P9_LOCK_GRACE	3u

/* --- what fields are made of ---------------------------------------------- */

/* A view of bytes somebody else holds; no NUL ends them. */
struct p9_str {
	uint16_t len;
	const char *bytes;
};

/* What a file is: equal qid.path, same file. */
struct p9_qid {
	uint8_t type;
	uint32_t version;
	uint64_t path;
};

struct p9_time {
	uint64_t sec, nsec;
};

#endif
