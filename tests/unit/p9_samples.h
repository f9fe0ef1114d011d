/* SPDX-License-Identifier: MIT */
/*
 * p9_samples.h - one message of each kind of 9P2000.L, as a structure and as
 * the bytes that it is on the wire.
 *
 * The bytes were not made by the codec under test but after diod's
 * protocol.md, and no two fields of a message have the same value.
 */
#ifndef TESTS_UNIT_P9_SAMPLES_H
#define TESTS_UNIT_P9_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/files/p9_codec.h"

struct p9_sample {
	const char *name;
	/* The body in the letters of Linux net/9p/protocol.c: b, w, d, q
	 * are 1, 2, 4, 8 bytes, s a string, Q a qid, T names, R qids, D data;
	 * o is a d that may be missing. */
	const char *format;
	struct p9_msg msg;
	const char *hex; /* blanks between fields */
};

#define P9_SAMPLE_MAX_LEN 256u

#define STR(text)                      \
	{                              \
		sizeof(text) - 1, text \
	}
#define DATA(text)                                        \
	{                                                 \
		sizeof(text) - 1, (const uint8_t *)(text) \
	}
#define QID_DIR                            \
	{                                  \
		0x80, 0x5f3a1b2c, 0xc0ffee \
	}
#define QID_LINK                                        \
	{                                               \
		0x02, 0x01020304, 0x1122334455667788ull \
	}
#define QID_FILE                                        \
	{                                               \
		0x00, 0xfffffffe, 0x8000000000000001ull \
	}

static const struct p9_sample p9_samples[] = {
	{ "Rlerror",
	  "d",
	  { .type = P9_RLERROR, .tag = 258, .rlerror = { .ecode = 2 } },
	  "0b000000 07 0201 02000000" },
	{ "Tversion",
	  "ds",
	  { .type = P9_TVERSION,
	    .tag = 0xffff,
	    .tversion = { .msize = 0x80018, .version = STR("9P2000.L") } },
	  "15000000 64 ffff 18000800 0800 3950323030302e4c" },
	{ "Rversion",
	  "ds",
	  { .type = P9_RVERSION,
	    .tag = 0xffff,
	    .rversion = { .msize = 8192, .version = STR("unknown") } },
	  "14000000 65 ffff 00200000 0700 756e6b6e6f776e" },
	{ "Tauth",
	  "dssd",
	  { .type = P9_TAUTH,
	    .tag = 1,
	    .tauth = { .afid = 7,
		       .uname = STR("glenda"),
		       .aname = STR("/share"),
		       .n_uname = 1000 } },
	  "1f000000 66 0100 07000000 0600 676c656e6461 0600 2f7368617265 "
	  "e8030000" },
	{ "Rauth",
	  "Q",
	  { .type = P9_RAUTH, .tag = 1, .rauth = { .qid = QID_LINK } },
	  "14000000 67 0100 02 04030201 8877665544332211" },
	{ "Tattach",
	  "ddssd",
	  { .type = P9_TATTACH,
	    .tag = 2,
	    .tattach = { .fid = 1,
			 .afid = 0xffffffff,
			 .uname = STR("root"),
			 .aname = STR(""),
			 .n_uname = 0xfffffffe } },
	  "1b000000 68 0200 01000000 ffffffff 0400 726f6f74 0000 feffffff" },
	{ "Rattach",
	  "Q",
	  { .type = P9_RATTACH, .tag = 2, .rattach = { .qid = QID_DIR } },
	  "14000000 69 0200 80 2c1b3a5f eeffc00000000000" },
	{ "Tflush",
	  "w",
	  { .type = P9_TFLUSH, .tag = 3, .tflush = { .oldtag = 0xfffe } },
	  "09000000 6c 0300 feff" },
	{ "Rflush", "", { .type = P9_RFLUSH, .tag = 3 }, "07000000 6d 0300" },
	{ "Twalk",
	  "ddT",
	  { .type = P9_TWALK,
	    .tag = 4,
	    .twalk = { .fid = 1,
		       .newfid = 0x7fffffff,
		       .names = { 3,
				  { STR("usr"), STR(".."),
				    STR("\303\251t\303\251") } } } },
	  "21000000 6e 0400 01000000 ffffff7f 0300 0300 757372 0200 2e2e "
	  "0500 c3a974c3a9" },
	{ "Rwalk",
	  "R",
	  { .type = P9_RWALK,
	    .tag = 4,
	    .rwalk = { .qids = { 3, { QID_DIR, QID_LINK, QID_FILE } } } },
	  "30000000 6f 0400 0300 80 2c1b3a5f eeffc00000000000 02 04030201 "
	  "8877665544332211 00 feffffff 0100000000000080" },
	{ "Tclunk",
	  "d",
	  { .type = P9_TCLUNK, .tag = 5, .tclunk = { .fid = 0x1020304 } },
	  "0b000000 78 0500 04030201" },
	{ "Rclunk", "", { .type = P9_RCLUNK, .tag = 5 }, "07000000 79 0500" },
	{ "Tremove",
	  "d",
	  { .type = P9_TREMOVE, .tag = 6, .tremove = { .fid = 0x80000000 } },
	  "0b000000 7a 0600 00000080" },
	{ "Rremove", "", { .type = P9_RREMOVE, .tag = 6 }, "07000000 7b 0600" },
	{ "Tlopen",
	  "dd",
	  { .type = P9_TLOPEN,
	    .tag = 7,
	    .tlopen = { .fid = 9, .flags = 0x128402 } },
	  "0f000000 0c 0700 09000000 02841200" },
	{ "Rlopen",
	  "Qd",
	  { .type = P9_RLOPEN,
	    .tag = 7,
	    .rlopen = { .qid = QID_FILE, .iounit = 0x7ffe8 } },
	  "18000000 0d 0700 00 feffffff 0100000000000080 e8ff0700" },
	{ "Tlcreate",
	  "dsddd",
	  { .type = P9_TLCREATE,
	    .tag = 8,
	    .tlcreate = { .fid = 10,
			  .name = STR("new file"),
			  .flags = 0x80c1,
			  .mode = 0x81a4,
			  .gid = 100 } },
	  "21000000 0e 0800 0a000000 0800 6e65772066696c65 c1800000 "
	  "a4810000 64000000" },
	{ "Rlcreate",
	  "Qd",
	  { .type = P9_RLCREATE,
	    .tag = 8,
	    .rlcreate = { .qid = QID_LINK, .iounit = 4096 } },
	  "18000000 0f 0800 02 04030201 8877665544332211 00100000" },
	{ "Tread",
	  "dqd",
	  { .type = P9_TREAD,
	    .tag = 9,
	    .tread = { .fid = 9,
		       .offset = 0x1122334455667788ull,
		       .count = 0x10000 } },
	  "17000000 74 0900 09000000 8877665544332211 00000100" },
	{ "Rread",
	  "D",
	  { .type = P9_RREAD,
	    .tag = 9,
	    .rread = { .data = DATA("\000binary\377") } },
	  "13000000 75 0900 08000000 0062696e617279ff" },
	{ "Twrite",
	  "dqD",
	  { .type = P9_TWRITE,
	    .tag = 10,
	    .twrite = { .fid = 11,
			.offset = 0x1fffffff0ull,
			.data = DATA("four or more") } },
	  "23000000 76 0a00 0b000000 f0ffffff01000000 0c000000 "
	  "666f7572206f72206d6f7265" },
	{ "Rwrite",
	  "d",
	  { .type = P9_RWRITE, .tag = 10, .rwrite = { .count = 12 } },
	  "0b000000 77 0a00 0c000000" },
	{ "Treaddir",
	  "dqd",
	  { .type = P9_TREADDIR,
	    .tag = 11,
	    .treaddir = { .fid = 12,
			  .offset = 0x7fffffffffffffffull,
			  .count = 8168 } },
	  "17000000 28 0b00 0c000000 ffffffffffffff7f e81f0000" },
	{ "Rreaddir",
	  "D",
	  { .type = P9_RREADDIR,
	    .tag = 11,
	    .rreaddir = { .data = DATA(
				  "\200,\033:_"
				  "\356\377\300\000\000\000\000\000\001\000\000"
				  "\000\000\000\000\000\004\001\000."
				  "\000\376\377\377\377\001\000\000\000\000\000"
				  "\000\200\002\000\000\000\000\000\000\000\010"
				  "\005\000notes") } },
	  "41000000 29 0b00 36000000 "
	  "802c1b3a5feeffc0000000000001000000000000000401002e00feffffff0100 "
	  "00000000008002000000000000000805006e6f746573" },
	{ "Tfsync",
	  "do",
	  { .type = P9_TFSYNC,
	    .tag = 12,
	    .tfsync = { .fid = 13, .datasync = { true, 1 } } },
	  "0f000000 32 0c00 0d000000 01000000" },
	{ "Rfsync", "", { .type = P9_RFSYNC, .tag = 12 }, "07000000 33 0c00" },
	{ "Tlock",
	  "dbdqqds",
	  { .type = P9_TLOCK,
	    .tag = 13,
	    .tlock = { .fid = 14,
		       .type = 1,
		       .flags = 3,
		       .start = 0x100000000ull,
		       .length = 4096,
		       .proc_id = 4711,
		       .client_id = STR("vm0") } },
	  "29000000 34 0d00 0e000000 01 03000000 0000000001000000 "
	  "0010000000000000 67120000 0300 766d30" },
	{ "Rlock",
	  "b",
	  { .type = P9_RLOCK, .tag = 13, .rlock = { .status = 1 } },
	  "08000000 35 0d00 01" },
	{ "Tgetlock",
	  "dbqqds",
	  { .type = P9_TGETLOCK,
	    .tag = 14,
	    .tgetlock = { .fid = 15,
			  .type = 2,
			  .start = 0x200000000ull,
			  .length = 8192,
			  .proc_id = 4712,
			  .client_id = STR("vm1") } },
	  "25000000 36 0e00 0f000000 02 0000000002000000 0020000000000000 "
	  "68120000 0300 766d31" },
	{ "Rgetlock",
	  "bqqds",
	  { .type = P9_RGETLOCK,
	    .tag = 14,
	    .rgetlock = { .type = 1,
			  .start = 0x300000000ull,
			  .length = 0x3000,
			  .proc_id = 4713,
			  .client_id = STR("another") } },
	  "25000000 37 0e00 01 0000000003000000 0030000000000000 69120000 "
	  "0700 616e6f74686572" },
	{ "Tsymlink",
	  "dssd",
	  { .type = P9_TSYMLINK,
	    .tag = 15,
	    .tsymlink = { .dfid = 1,
			  .name = STR("link"),
			  .target = STR("../to/it"),
			  .gid = 5 } },
	  "1f000000 10 0f00 01000000 0400 6c696e6b 0800 2e2e2f746f2f6974 "
	  "05000000" },
	{ "Rsymlink",
	  "Q",
	  { .type = P9_RSYMLINK, .tag = 15, .rsymlink = { .qid = QID_LINK } },
	  "14000000 11 0f00 02 04030201 8877665544332211" },
	{ "Tmknod",
	  "dsdddd",
	  { .type = P9_TMKNOD,
	    .tag = 16,
	    .tmknod = { .dfid = 1,
			.name = STR("null"),
			.mode = 8630,
			.major = 1,
			.minor = 3,
			.gid = 6 } },
	  "21000000 12 1000 01000000 0400 6e756c6c b6210000 01000000 "
	  "03000000 06000000" },
	{ "Rmknod",
	  "Q",
	  { .type = P9_RMKNOD, .tag = 16, .rmknod = { .qid = QID_FILE } },
	  "14000000 13 1000 00 feffffff 0100000000000080" },
	{ "Tmkdir",
	  "dsdd",
	  { .type = P9_TMKDIR,
	    .tag = 17,
	    .tmkdir = { .dfid = 1,
			.name = STR("dir"),
			.mode = 0x41ed,
			.gid = 8 } },
	  "18000000 48 1100 01000000 0300 646972 ed410000 08000000" },
	{ "Rmkdir",
	  "Q",
	  { .type = P9_RMKDIR, .tag = 17, .rmkdir = { .qid = QID_DIR } },
	  "14000000 49 1100 80 2c1b3a5f eeffc00000000000" },
	{ "Tlink",
	  "dds",
	  { .type = P9_TLINK,
	    .tag = 18,
	    .tlink = { .dfid = 1, .fid = 16, .name = STR("second") } },
	  "17000000 46 1200 01000000 10000000 0600 7365636f6e64" },
	{ "Rlink", "", { .type = P9_RLINK, .tag = 18 }, "07000000 47 1200" },
	{ "Trename",
	  "dds",
	  { .type = P9_TRENAME,
	    .tag = 19,
	    .trename = { .fid = 17, .dfid = 1, .name = STR("moved") } },
	  "16000000 14 1300 11000000 01000000 0500 6d6f766564" },
	{ "Rrename",
	  "",
	  { .type = P9_RRENAME, .tag = 19 },
	  "07000000 15 1300" },
	{ "Trenameat",
	  "dsds",
	  { .type = P9_TRENAMEAT,
	    .tag = 20,
	    .trenameat = { .olddirfid = 1,
			   .oldname = STR("from"),
			   .newdirfid = 18,
			   .newname = STR("to") } },
	  "19000000 4a 1400 01000000 0400 66726f6d 12000000 0200 746f" },
	{ "Rrenameat",
	  "",
	  { .type = P9_RRENAMEAT, .tag = 20 },
	  "07000000 4b 1400" },
	{ "Tunlinkat",
	  "dsd",
	  { .type = P9_TUNLINKAT,
	    .tag = 21,
	    .tunlinkat = { .dirfid = 1, .name = STR("gone"), .flags = 512 } },
	  "15000000 4c 1500 01000000 0400 676f6e65 00020000" },
	{ "Runlinkat",
	  "",
	  { .type = P9_RUNLINKAT, .tag = 21 },
	  "07000000 4d 1500" },
	{ "Treadlink",
	  "d",
	  { .type = P9_TREADLINK, .tag = 22, .treadlink = { .fid = 19 } },
	  "0b000000 16 1600 13000000" },
	{ "Rreadlink",
	  "s",
	  { .type = P9_RREADLINK,
	    .tag = 22,
	    .rreadlink = { .target = STR("/etc/mtab") } },
	  "12000000 17 1600 0900 2f6574632f6d746162" },
	{ "Tstatfs",
	  "d",
	  { .type = P9_TSTATFS, .tag = 23, .tstatfs = { .fid = 1 } },
	  "0b000000 08 1700 01000000" },
	{ "Rstatfs",
	  "ddqqqqqqd",
	  { .type = P9_RSTATFS,
	    .tag = 23,
	    .rstatfs = { .type = 0x1021997,
			 .bsize = 4096,
			 .blocks = 0x10000001,
			 .bfree = 0x10000002,
			 .bavail = 0x10000003,
			 .files = 0x20000004,
			 .ffree = 0x20000005,
			 .fsid = 0x8877665544332211ull,
			 .namelen = 255 } },
	  "43000000 09 1700 97190201 00100000 0100001000000000 "
	  "0200001000000000 0300001000000000 0400002000000000 "
	  "0500002000000000 1122334455667788 ff000000" },
	{ "Tgetattr",
	  "dq",
	  { .type = P9_TGETATTR,
	    .tag = 24,
	    .tgetattr = { .fid = 20, .request_mask = 0x3fff } },
	  "13000000 18 1800 14000000 ff3f000000000000" },
	{ "Rgetattr",
	  "qQdddqqqqqqqqqqqqqqq",
	  { .type = P9_RGETATTR,
	    .tag = 24,
	    .rgetattr = { .valid = 2047,
			  .qid = QID_LINK,
			  .mode = 0xa1ff,
			  .uid = 1001,
			  .gid = 1002,
			  .nlink = 3,
			  .rdev = 2049,
			  .size = 0x123456789aull,
			  .blksize = 4096,
			  .blocks = 0x91a2b3d,
			  .atime = { 0x60000001, 1 },
			  .mtime = { 0x60000002, 0x3b9ac9ff },
			  .ctime = { 0x60000003, 3 },
			  .btime = { 0x60000004, 4 },
			  .gen = 5,
			  .data_version = 6 } },
	  "a0000000 19 1800 ff07000000000000 02 04030201 8877665544332211 "
	  "ffa10000 e9030000 ea030000 0300000000000000 0108000000000000 "
	  "9a78563412000000 0010000000000000 3d2b1a0900000000 "
	  "0100006000000000 0100000000000000 0200006000000000 "
	  "ffc99a3b00000000 0300006000000000 0300000000000000 "
	  "0400006000000000 0400000000000000 0500000000000000 "
	  "0600000000000000" },
	{ "Tsetattr",
	  "dddddqqqqq",
	  { .type = P9_TSETATTR,
	    .tag = 25,
	    .tsetattr = { .fid = 21,
			  .valid = 511,
			  .mode = 384,
			  .uid = 1003,
			  .gid = 1004,
			  .size = 0x100000001ull,
			  .atime = { 0x70000001, 7 },
			  .mtime = { 0x70000002, 8 } } },
	  "43000000 1a 1900 15000000 ff010000 80010000 eb030000 ec030000 "
	  "0100000001000000 0100007000000000 0700000000000000 "
	  "0200007000000000 0800000000000000" },
	{ "Rsetattr",
	  "",
	  { .type = P9_RSETATTR, .tag = 25 },
	  "07000000 1b 1900" },
	{ "Txattrwalk",
	  "dds",
	  { .type = P9_TXATTRWALK,
	    .tag = 26,
	    .txattrwalk = { .fid = 22,
			    .newfid = 23,
			    .name = STR("user.note") } },
	  "1a000000 1e 1a00 16000000 17000000 0900 757365722e6e6f7465" },
	{ "Rxattrwalk",
	  "q",
	  { .type = P9_RXATTRWALK,
	    .tag = 26,
	    .rxattrwalk = { .size = 0x10000 } },
	  "0f000000 1f 1a00 0000010000000000" },
	{ "Txattrcreate",
	  "dsqd",
	  { .type = P9_TXATTRCREATE,
	    .tag = 27,
	    .txattrcreate = { .fid = 24,
			      .name = STR("user.note"),
			      .attr_size = 5,
			      .flags = 2 } },
	  "22000000 20 1b00 18000000 0900 757365722e6e6f7465 "
	  "0500000000000000 02000000" },
	{ "Rxattrcreate",
	  "",
	  { .type = P9_RXATTRCREATE, .tag = 27 },
	  "07000000 21 1b00" },
};

#undef STR
#undef DATA
#undef QID_DIR
#undef QID_LINK
#undef QID_FILE

#define P9_SAMPLES_NR (sizeof(p9_samples) / sizeof(*p9_samples))

/* Its bytes; the length. */
static inline uint32_t p9_sample_bytes(const struct p9_sample *sample,
				       uint8_t bytes[P9_SAMPLE_MAX_LEN])
{
	uint32_t len = 0;

	for (const char *at = sample->hex; *at;) {
		char digits[3] = { at[0], at[1], 0 };

		if (*at == ' ') {
			at++;
			continue;
		}
		if (len == P9_SAMPLE_MAX_LEN)
			abort();
		bytes[len++] = (uint8_t)strtoul(digits, NULL, 16);
		at += 2;
	}
	return len;
}

static inline const struct p9_sample *p9_sample_of(uint8_t type)
{
	for (size_t i = 0; i < P9_SAMPLES_NR; i++)
		if (p9_samples[i].msg.type == type)
			return &p9_samples[i];
	return NULL;
}

#endif
