/* SPDX-License-Identifier: MIT */
/* test_p9_uring.c - operations on a ring: all of them end, once, as asked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/files/p9_uring.h"

#define OPS_NR 100u

struct counted {
	struct p9_io_op op; /* first */
	struct iovec piece;
	int64_t result;
	unsigned int done_nr;
	char byte;
};

static struct p9_uring *uring;
static struct counted ops[OPS_NR];
static int file_fd;

static void done(struct p9_io_op *op, int64_t result)
{
	struct counted *counted = (struct counted *)op;

	counted->result = result;
	counted->done_nr++;
}

static bool room_open(unsigned int entries)
{
	if (p9_uring_create(&uring, entries)) {
		unit_skip("no io_uring here");
		return false;
	}
	file_fd = memfd_create("file", MFD_CLOEXEC);
	memset(ops, 0, sizeof(ops));
	return true;
}

static void room_close(void)
{
	p9_uring_destroy(uring);
	close(file_fd);
}

static void begin(unsigned int i, enum p9_io_kind kind, void *bytes, size_t len,
		  uint64_t off)
{
	struct p9_io *io = p9_uring_io(uring);

	ops[i].piece = (struct iovec){ bytes, len };
	ops[i].op = (struct p9_io_op){ .kind = kind,
				       .fd = file_fd,
				       .iov = &ops[i].piece,
				       .iov_nr = 1,
				       .off = off,
				       .done = done };
	ops[i].done_nr = 0;
	io->submit(io, &ops[i].op);
}

static void what_is_written_is_read(void)
{
	char text[] = "hello", got[6] = "";

	if (!room_open(4))
		return;
	begin(0, P9_IO_WRITE, text, 5, 3);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[0].result, 5);
	begin(1, P9_IO_READ, got, 5, 3);
	begin(2, P9_IO_FSYNC, NULL, 0, 0);
	begin(3, P9_IO_FDATASYNC, NULL, 0, 0);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[1].result, 5);
	CU_ASSERT_EQUAL(ops[2].result, 0);
	CU_ASSERT_EQUAL(ops[3].result, 0);
	CU_ASSERT_STRING_EQUAL(got, "hello");
	begin(0, P9_IO_READ, got, 5, 100);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[0].result, 0);
	room_close();
}

static void more_than_the_ring_holds_are_all_done_once(void)
{
	if (!room_open(4))
		return;
	for (unsigned int i = 0; i < OPS_NR; i++) {
		ops[i].byte = (char)i;
		begin(i, P9_IO_WRITE, &ops[i].byte, 1, i);
	}
	p9_uring_drain(uring);
	for (unsigned int i = 0; i < OPS_NR; i++) {
		char byte = -1;

		CU_ASSERT_EQUAL(ops[i].done_nr, 1);
		CU_ASSERT_EQUAL(pread(file_fd, &byte, 1, i), 1);
		CU_ASSERT_EQUAL(byte, (char)i);
	}
	room_close();
}

static void error_of_the_file_is_the_result(void)
{
	char byte = 0;

	if (!room_open(4))
		return;
	close(file_fd);
	file_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin(0, P9_IO_READ, &byte, 1, 0);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[0].result, -EISDIR);
	room_close();
}

/* A read of an empty pipe stays under way until it is cancelled. */
static void cancelled_operation_ends_without_effect(void)
{
	struct p9_io *io;
	char byte = 0;
	int pipe_fds[2];

	if (!room_open(1))
		return;
	io = p9_uring_io(uring);
	CU_ASSERT_EQUAL_FATAL(pipe2(pipe_fds, O_CLOEXEC), 0);
	close(file_fd);
	file_fd = pipe_fds[0];
	begin(0, P9_IO_READ, &byte, 1, 0);
	p9_uring_run(uring);
	CU_ASSERT_EQUAL(ops[0].done_nr, 0);
	/* Behind it, and not begun: taken back at once, first and last. */
	for (unsigned int i = 1; i < 4; i++)
		begin(i, P9_IO_WRITE, &byte, 1, 0);
	io->cancel(io, &ops[3].op);
	io->cancel(io, &ops[1].op);
	CU_ASSERT_EQUAL(ops[1].result, -ECANCELED);
	CU_ASSERT_EQUAL(ops[3].result, -ECANCELED);
	CU_ASSERT_EQUAL(ops[2].done_nr, 0);
	io->cancel(io, &ops[2].op);
	begin(3, P9_IO_FSYNC, NULL, 0, 0);
	io->cancel(io, &ops[0].op);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[0].done_nr, 1);
	CU_ASSERT(ops[0].result < 0);
	CU_ASSERT_EQUAL(ops[3].done_nr, 1);
	close(pipe_fds[1]);
	room_close();
}

static void descriptor_can_be_polled(void)
{
	struct pollfd fd;
	char byte = 0;

	if (!room_open(4))
		return;
	fd = (struct pollfd){ p9_uring_fd(uring), POLLIN, 0 };
	CU_ASSERT_EQUAL(poll(&fd, 1, 0), 0);
	close(file_fd);
	{
		int pipe_fds[2];

		CU_ASSERT_EQUAL_FATAL(pipe2(pipe_fds, O_CLOEXEC), 0);
		file_fd = pipe_fds[0];
		begin(0, P9_IO_READ, &byte, 1, 0);
		p9_uring_run(uring);
		CU_ASSERT_EQUAL(write(pipe_fds[1], "x", 1), 1);
		CU_ASSERT_EQUAL(poll(&fd, 1, 10000), 1);
		p9_uring_run(uring);
		CU_ASSERT_EQUAL(ops[0].result, 1);
		close(pipe_fds[1]);
	}
	room_close();
}

static void fixed_memory_is_used_where_a_piece_is_in_it(void)
{
	const size_t len = 1 << 16;
	struct iovec region = { .iov_len = len };
	char outside[8] = "outside", *memory;
	int err;

	if (!room_open(4))
		return;
	memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(memory != MAP_FAILED);
	region.iov_base = memory;
	CU_ASSERT_EQUAL(p9_uring_fix(uring, &region, 0), -EINVAL);
	err = p9_uring_fix(uring, &region, 1);
	CU_ASSERT(err == 0 || err == -ENOMEM);
	if (!err)
		CU_ASSERT_EQUAL(p9_uring_fix(uring, &region, 1), -EINVAL);
	memset(memory + len - 6, 'i', 6);
	begin(0, P9_IO_WRITE, memory + len - 6, 6, 0);
	begin(1, P9_IO_WRITE, outside, 7, 6);
	p9_uring_drain(uring);
	begin(2, P9_IO_READ, memory, 13, 0);
	p9_uring_drain(uring);
	CU_ASSERT_EQUAL(ops[2].result, 13);
	CU_ASSERT_NSTRING_EQUAL(memory, "iiiiiioutside", 13);
	room_close();
	munmap(memory, len);
	if (err)
		unit_skip("RLIMIT_MEMLOCK allows no fixed memory");
}

static unsigned int again_nr;

static void once_more(struct p9_io_op *op, int64_t result)
{
	(void)result;
	if (++again_nr < 1000)
		p9_uring_io(uring)->submit(p9_uring_io(uring), op);
}

/* The pieces of a copy: others have to be served in between. */
static void what_begins_more_each_time_does_not_keep_its_caller(void)
{
	struct pollfd fd = { .events = POLLIN };
	char byte = 'x';
	unsigned int runs;

	if (!room_open(4))
		return;
	ops[0].piece = (struct iovec){ &byte, 1 };
	ops[0].op = (struct p9_io_op){ .kind = P9_IO_WRITE,
				       .fd = file_fd,
				       .iov = &ops[0].piece,
				       .iov_nr = 1,
				       .done = once_more };
	again_nr = 0;
	p9_uring_io(uring)->submit(p9_uring_io(uring), &ops[0].op);
	p9_uring_run(uring);
	CU_ASSERT_TRUE(again_nr < 100);
	fd.fd = p9_uring_fd(uring);
	for (runs = 1; again_nr < 1000 && poll(&fd, 1, 10000) == 1; runs++)
		p9_uring_run(uring);
	CU_ASSERT_EQUAL(again_nr, 1000);
	CU_ASSERT_TRUE(runs > 10);
	room_close();
}

static const struct unit_test tests[] = {
	{ "what_begins_more_each_time_does_not_keep_its_caller",
	  what_begins_more_each_time_does_not_keep_its_caller },
	{ "what_is_written_is_read", what_is_written_is_read },
	{ "more_than_the_ring_holds_are_all_done_once",
	  more_than_the_ring_holds_are_all_done_once },
	{ "error_of_the_file_is_the_result", error_of_the_file_is_the_result },
	{ "cancelled_operation_ends_without_effect",
	  cancelled_operation_ends_without_effect },
	{ "descriptor_can_be_polled", descriptor_can_be_polled },
	{ "fixed_memory_is_used_where_a_piece_is_in_it",
	  fixed_memory_is_used_where_a_piece_is_in_it },
};

UNIT_MAIN("p9_uring", tests)
