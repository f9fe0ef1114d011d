/* SPDX-License-Identifier: MIT */
/* test_loop_write.c - is all of it written, without the loop standing still? */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/loop_room.h"

#define BIG_LEN (1u << 20) /* more than any pipe holds by default */

static uint8_t *big;
static uint8_t *received;
static size_t received_len;
static int64_t result;
static int ends[2];

static void open_pipe(int flags)
{
	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | flags), 0);
	big = malloc(BIG_LEN);
	received = calloc(1, BIG_LEN);
	CU_ASSERT_FATAL(big && received);
	for (uint32_t i = 0; i < BIG_LEN; i++)
		big[i] = (uint8_t)(i * 31 + i / 4096);
	received_len = 0;
	result = -1;
	loop_open();
}

static void close_pipe(void)
{
	loop_close();
	close(ends[0]);
	close(ends[1]);
	free(big);
	free(received);
}

static void wrote(void *arg, int64_t what)
{
	(void)arg;
	counted++;
	result = what;
	loop_stop(loop, 0);
}

/* Some of what is in the pipe, now and then: a slow reader. */
static void take_some(void *arg)
{
	ssize_t got;

	(void)arg;
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while ((got = read(ends[0], received + received_len,
			   BIG_LEN - received_len)) > 0)
		received_len += (size_t)got;
}

/* The write ends and its bytes are there, in order. */
static void expect_all(void)
{
	CU_ASSERT_EQUAL(
		loop_watch_timer(loop, MS_NS, take_some, NULL, &watches[0]), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	take_some(NULL);
	CU_ASSERT_EQUAL(counted, 1);
	CU_ASSERT_EQUAL(result, BIG_LEN);
	CU_ASSERT_EQUAL(received_len, BIG_LEN);
	CU_ASSERT_EQUAL(memcmp(received, big, BIG_LEN), 0);
}

static void short_write_is_done_with_its_length(void)
{
	char buf[8];

	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], "hello", 5, wrote, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(result, 5);
	CU_ASSERT_EQUAL(read(ends[0], buf, sizeof(buf)), 5);
	CU_ASSERT_EQUAL(memcmp(buf, "hello", 5), 0);
	close_pipe();
}

static void write_of_nothing_is_done_with_0(void)
{
	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], "", 0, wrote, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(result, 0);
	close_pipe();
}

static void write_of_more_than_the_pipe_holds_arrives_whole(void)
{
	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], big, BIG_LEN, wrote, NULL),
			0);
	expect_all();
	close_pipe();
}

static void same_to_a_pipe_that_does_not_block(void)
{
	open_pipe(O_NONBLOCK);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], big, BIG_LEN, wrote, NULL),
			0);
	expect_all();
	close_pipe();
}

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000ull + (uint64_t)used.tv_nsec;
}

static void loop_sleeps_while_a_pipe_is_full(void)
{
	static const int flags[] = { 0, O_NONBLOCK };

	for (int i = 0; i < 2; i++) {
		uint64_t cpu, wall;

		open_pipe(flags[i]);
		CU_ASSERT_EQUAL(
			loop_write(loop, ends[1], big, BIG_LEN, wrote, NULL),
			0);
		run_for_a_while(); /* until it is full */
		cpu = cpu_ns();
		wall = deadline_now_ns();
		for (int turn = 0; turn < 10; turn++)
			run_for_a_while();
		/* Spinning takes what the machine gives, sleeping nothing. */
		CU_ASSERT((cpu_ns() - cpu) * 3 < deadline_now_ns() - wall);
		CU_ASSERT_EQUAL(counted, 0);
		expect_all();
		close_pipe();
	}
}

static void other_events_come_while_a_pipe_is_full(void)
{
	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], big, BIG_LEN, wrote, NULL),
			0);
	for (int i = 0; i < 3; i++)
		run_for_a_while();
	CU_ASSERT_EQUAL(counted, 0);
	/* Gone without a call of wrote(). */
	close_pipe();
	CU_ASSERT_EQUAL(counted, 0);
}

static void reader_that_is_gone_is_epipe(void)
{
	struct sigaction old, ignore = { .sa_handler = SIG_IGN };

	CU_ASSERT_EQUAL_FATAL(sigaction(SIGPIPE, &ignore, &old), 0);
	for (int i = 0; i < 2; i++) {
		open_pipe(i ? O_NONBLOCK : 0);
		CU_ASSERT_EQUAL(
			loop_write(loop, ends[1], big, BIG_LEN, wrote, NULL),
			0);
		run_for_a_while();
		close(ends[0]);
		CU_ASSERT_EQUAL(loop_run(loop), 0);
		CU_ASSERT_EQUAL(result, -EPIPE);
		ends[0] = dup(ends[1]); /* for close_pipe() */
		close_pipe();
	}
	(void)sigaction(SIGPIPE, &old, NULL);
}

static void fd_that_is_none_is_its_errno(void)
{
	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, -1, "x", 1, wrote, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(result, -EBADF);
	CU_ASSERT_EQUAL(loop_write(loop, ends[0], "x", 1, wrote, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(result, -EBADF);
	close_pipe();
}

static void file_is_written_from_its_position_on(void)
{
	char text[16] = "";
	int fd = memfd_create("file", MFD_CLOEXEC);

	loop_open();
	CU_ASSERT_EQUAL_FATAL(write(fd, "abc", 3), 3);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(loop_write(loop, fd, "def", 3, wrote, NULL), 0);
		CU_ASSERT_EQUAL(loop_run(loop), 0);
	}
	CU_ASSERT_EQUAL(pread(fd, text, sizeof(text), 0), 9);
	CU_ASSERT_STRING_EQUAL(text, "abcdefdef");
	loop_close();
	close(fd);
}

static void write_of_4_gib_counts_them_all(void)
{
	const size_t len = (4ull << 30) + 4096;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	void *zeroes = mmap(NULL, len, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CU_ASSERT_FATAL(zeroes != MAP_FAILED);
	loop_open();
	CU_ASSERT_EQUAL(loop_write(loop, fd, zeroes, len, wrote, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(result, (int64_t)len);
	loop_close();
	munmap(zeroes, len);
	close(fd);
}

static void write_next(void *arg, int64_t what)
{
	CU_ASSERT_EQUAL(what, 1);
	if (++counted == 100)
		loop_stop(loop, 0);
	else
		CU_ASSERT_EQUAL(
			loop_write(loop, ends[1], "x", 1, write_next, arg), 0);
}

static void callback_may_write_again(void)
{
	open_pipe(0);
	CU_ASSERT_EQUAL(loop_write(loop, ends[1], "x", 1, write_next, NULL), 0);
	CU_ASSERT_EQUAL(loop_run(loop), 0);
	CU_ASSERT_EQUAL(counted, 100);
	take_some(NULL);
	CU_ASSERT_EQUAL(received_len, 100);
	close_pipe();
}

static const struct unit_test tests[] = {
	{ "short_write_is_done_with_its_length",
	  short_write_is_done_with_its_length },
	{ "write_of_nothing_is_done_with_0", write_of_nothing_is_done_with_0 },
	{ "write_of_more_than_the_pipe_holds_arrives_whole",
	  write_of_more_than_the_pipe_holds_arrives_whole },
	{ "same_to_a_pipe_that_does_not_block",
	  same_to_a_pipe_that_does_not_block },
	{ "loop_sleeps_while_a_pipe_is_full",
	  loop_sleeps_while_a_pipe_is_full },
	{ "other_events_come_while_a_pipe_is_full",
	  other_events_come_while_a_pipe_is_full },
	{ "reader_that_is_gone_is_epipe", reader_that_is_gone_is_epipe },
	{ "fd_that_is_none_is_its_errno", fd_that_is_none_is_its_errno },
	{ "file_is_written_from_its_position_on",
	  file_is_written_from_its_position_on },
	{ "write_of_4_gib_counts_them_all", write_of_4_gib_counts_them_all },
	{ "callback_may_write_again", callback_may_write_again },
};

UNIT_MAIN("loop_write", tests)
