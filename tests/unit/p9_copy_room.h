/* SPDX-License-Identifier: MIT */
/*
 * p9_copy_room.h - what the tests of copies under way share: two clients of
 * one share with a large file, and pieces that go when the test says so.
 */
#ifndef TESTS_UNIT_P9_COPY_ROOM_H
#define TESTS_UNIT_P9_COPY_ROOM_H

#include <linux/fs.h>
#include <sys/ioctl.h>

#include "tests/unit/p9_server_room.h"

#define BIG_LEN (2 * (size_t)COPY_PIECE_LEN + 1234)

static struct server_room s;
static struct p9_session *other; /* a second client of the same share */
static struct ask asks[3];

static inline struct p9_msg tagged(uint16_t tag, struct p9_msg msg)
{
	msg.tag = tag;
	return msg;
}

static inline struct p9_msg msg_open(uint32_t fid, uint32_t flags)
{
	return (struct p9_msg){ .type = P9_TLOPEN, .tlopen = { fid, flags } };
}

static inline struct p9_msg msg_flush(uint16_t oldtag)
{
	return (struct p9_msg){ .type = P9_TFLUSH,
				.tag = 99,
				.tflush = { oldtag } };
}

static inline uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 4096);
}

static inline void big_file(const char *name, size_t len)
{
	int fd = open(tree_path(s.room.lower.text, name).text,
		      O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uint8_t *bytes = malloc(len);

	CU_ASSERT_FATAL(fd >= 0 && bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = byte_at(i);
	CU_ASSERT_EQUAL(write(fd, bytes, len), (ssize_t)len);
	free(bytes);
	close(fd);
}

/* Is every byte as big_file() wrote it, but for the first `changed` ones? */
static inline bool is_big(const char *dir, const char *name, size_t changed)
{
	int fd = open(tree_path(dir, name).text, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes = malloc(BIG_LEN + 1);
	bool is = read(fd, bytes, BIG_LEN + 1) == (ssize_t)BIG_LEN;

	for (size_t i = changed; is && i < BIG_LEN; i++)
		is = bytes[i] == byte_at(i);
	free(bytes);
	close(fd);
	return is;
}

static inline bool shares_extents(void)
{
	int from = open(tree_path(s.room.lower.text, "f").text, O_RDONLY);
	int to = open(tree_path(s.room.dir.text, "clone").text,
		      O_WRONLY | O_CREAT, 0600);
	bool can = ioctl(to, FICLONE, from) == 0;

	close(from);
	close(to);
	return can;
}

static inline unsigned int work_nr(void)
{
	DIR *dir = opendir(tree_path(s.room.upper.text, "work").text);
	unsigned int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr - 2;
}

/* A file with nothing but a hole behind its first byte, fid 2. */
static inline void sparse_file(unsigned int i)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "sparse%u", i);
	fd = open(tree_path(s.room.lower.text, name).text,
		  O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CU_ASSERT_EQUAL(ftruncate(fd, BIG_LEN), 0);
	CU_ASSERT_EQUAL(pwrite(fd, "x", 1, 0), 1);
	close(fd);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 2, name), 0);
}

/* Fid 1 is the large file "big", not open; the copies' pieces are held. */
static inline bool copy_open(struct share_opts opts)
{
	struct p9_session *first;

	opts.mode = SHARE_COW;
	server_open_with(&s, opts, server_limits());
	if (shares_extents()) {
		unit_skip("files share their extents here: nothing is copied");
		server_close(&s);
		return false;
	}
	big_file("big", BIG_LEN);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "big"), 0);
	first = s.session;
	server_session(&s, server_limits());
	other = s.session;
	CU_ASSERT_EQUAL(ask_version(&s, 65536), 0);
	CU_ASSERT_EQUAL(ask_attach(&s, 0), 0);
	CU_ASSERT_EQUAL(ask_walk(&s, 0, 1, "big"), 0);
	s.session = first;
	s.io.holds = true;
	return true;
}

static inline void copy_close(void)
{
	p9_session_stop(other);
	while (s.io.nr)
		held_go(&s.io, 0);
	p9_session_destroy(other);
	server_close(&s);
}

static inline void as_other(void)
{
	struct p9_session *first = s.session;

	s.session = other;
	other = first;
}

/* Let all pieces go. */
static inline void go_all(void)
{
	while (s.io.nr)
		held_go(&s.io, 0);
}

static inline void open_begins(struct ask *one, uint16_t tag, uint32_t fid)
{
	ask_begin(&s, one, tagged(tag, msg_open(fid, P9_OPEN_RDWR)));
	CU_ASSERT_FALSE(one->over);
}

static inline int error_of(const struct ask *one)
{
	CU_ASSERT_TRUE_FATAL(one->over && one->reply_len);
	return one->reply.type == P9_RLERROR ? (int)one->reply.rlerror.ecode
					     : 0;
}

/* An xattr's end, which is fid 1's Tclunk, waits for the copy: asks[0]. */
static inline void copy_xattr_begin(void)
{
	EXPECT_OK(&s, .type = P9_TXATTRCREATE,
		  .txattrcreate = { 1, str("user.x"), 2, 0 });
	CU_ASSERT_EQUAL(ask_write(&s, 1, 0, "hi"), 0);
	ask_begin(&s, &asks[0],
		  tagged(7, (struct p9_msg){ .type = P9_TCLUNK,
					     .tclunk = { 1 } }));
	CU_ASSERT_FALSE(asks[0].over);
}

#endif
