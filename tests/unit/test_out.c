/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* test_out.c - do the bytes of several guests share a descriptor well? */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/abi/out.h"

#define TEXT_LEN 32768

static int fds[2];
static struct out *out;

static void begin(bool tag)
{
	CU_ASSERT_NOT_EQUAL(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
	CU_ASSERT_EQUAL_FATAL(out_create(&out, fds[1], tag), 0);
}

static void end(void)
{
	out_destroy(out);
	close(fds[0]);
	close(fds[1]);
}

static struct out_stream *stream_of(const char *name)
{
	struct out_stream *stream = NULL;

	CU_ASSERT_EQUAL_FATAL(out_stream_create(&stream, out, name), 0);
	return stream;
}

static int put(struct out_stream *stream, const char *text)
{
	return out_stream_write(stream, text, strlen(text));
}

/* All that is in the pipe by now. */
static void expect(const char *text)
{
	static char got[TEXT_LEN];
	ssize_t n;

	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	n = read(fds[0], got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	CU_ASSERT_STRING_EQUAL(got, text);
}

static void untagged_bytes_go_out_as_they_come(void)
{
	struct out_stream *a, *b;

	begin(false);
	a = stream_of("a");
	b = stream_of("b");
	CU_ASSERT_EQUAL(put(a, "one "), 0);
	expect("one ");
	CU_ASSERT_EQUAL(put(b, "two\nthree"), 0);
	expect("two\nthree");
	CU_ASSERT_EQUAL(out_stream_end(a), 0);
	expect("");
	out_stream_destroy(a);
	out_stream_destroy(b);
	end();
}

static void tagged_lines_go_out_whole(void)
{
	struct out_stream *a, *b;

	begin(true);
	a = stream_of("a");
	b = stream_of("bee");
	put(a, "on");
	put(b, "tw");
	expect("");
	put(a, "e\n\nx");
	expect("a| one\na| \n");
	put(b, "o\n");
	expect("bee| two\n");
	CU_ASSERT_EQUAL(out_stream_end(a), 0);
	expect("a> x\n");
	CU_ASSERT_EQUAL(out_stream_end(a), 0);
	CU_ASSERT_EQUAL(out_stream_end(b), 0);
	expect("");
	out_stream_destroy(a);
	out_stream_destroy(b);
	end();
}

static void tagged_line_that_is_too_long_is_cut_and_marked(void)
{
	static char wanted[OUT_LINE_MAX + 64], line[OUT_LINE_MAX + 1];
	struct out_stream *a;

	begin(true);
	a = stream_of("a");
	memset(line, 'x', OUT_LINE_MAX);
	put(a, line);
	put(a, "\n");
	snprintf(wanted, sizeof(wanted), "a| %s\n", line);
	expect(wanted);
	put(a, line);
	put(a, "yz\n");
	snprintf(wanted, sizeof(wanted), "a> %s\na| yz\n", line);
	expect(wanted);
	out_stream_destroy(a);
	end();
}

static void name_of_any_length_is_cut(void)
{
	char name[200], got[200];
	struct out_stream *a;

	begin(true);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	a = stream_of(name);
	put(a, "t\n");
	CU_ASSERT_EQUAL(read(fds[0], got, sizeof(got)), 64 + 4);
	out_stream_destroy(a);
	end();
}

static void reader_that_is_gone_is_epipe_for_good(void)
{
	struct out_stream *a;

	begin(false);
	a = stream_of("a");
	close(fds[0]);
	fds[0] = -1;
	CU_ASSERT_EQUAL(out_error(out), 0);
	CU_ASSERT_EQUAL(put(a, "x"), -EPIPE);
	CU_ASSERT_EQUAL(put(a, "x"), -EPIPE);
	CU_ASSERT_EQUAL(out_error(out), -EPIPE);
	out_stream_destroy(a);
	out_destroy(out);
	close(fds[1]);
}

static void full_disk_is_enospc(void)
{
	struct out_stream *a;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (full < 0) {
		unit_skip("no /dev/full");
		return;
	}
	CU_ASSERT_EQUAL_FATAL(out_create(&out, full, true), 0);
	a = stream_of("a");
	CU_ASSERT_EQUAL(put(a, "no line yet"), 0);
	CU_ASSERT_EQUAL(out_stream_end(a), -ENOSPC);
	out_stream_destroy(a);
	out_destroy(out);
	close(full);
}

struct drain {
	uint8_t bytes[(1 << 20) + 777];
	size_t len;
};

/* Reads everything, in small pieces, until the writer has closed. */
static void *drain(void *arg)
{
	struct drain *to = arg;
	ssize_t n;

	while ((n = read(fds[0], to->bytes + to->len, 777)) > 0)
		to->len += (size_t)n;
	return NULL;
}

static void short_and_refused_writes_lose_nothing(void)
{
	static uint8_t from[1 << 20];
	static struct drain to;
	struct out_stream *a;
	pthread_t reader;

	begin(false);
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7 >> 3);
	CU_ASSERT_EQUAL(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	a = stream_of("a");
	CU_ASSERT_EQUAL_FATAL(pthread_create(&reader, NULL, drain, &to), 0);
	CU_ASSERT_EQUAL(out_stream_write(a, from, sizeof(from)), 0);
	close(fds[1]);
	pthread_join(reader, NULL);
	CU_ASSERT_EQUAL(to.len, sizeof(from));
	CU_ASSERT_EQUAL(memcmp(from, to.bytes, sizeof(from)), 0);
	out_stream_destroy(a);
	out_destroy(out);
	close(fds[0]);
}

static void nothing_is_destroyed_twice(void)
{
	out_destroy(NULL);
	out_stream_destroy(NULL);
}

static const struct unit_test tests[] = {
	{ "untagged_bytes_go_out_as_they_come",
	  untagged_bytes_go_out_as_they_come },
	{ "tagged_lines_go_out_whole", tagged_lines_go_out_whole },
	{ "tagged_line_that_is_too_long_is_cut_and_marked",
	  tagged_line_that_is_too_long_is_cut_and_marked },
	{ "name_of_any_length_is_cut", name_of_any_length_is_cut },
	{ "reader_that_is_gone_is_epipe_for_good",
	  reader_that_is_gone_is_epipe_for_good },
	{ "full_disk_is_enospc", full_disk_is_enospc },
	{ "short_and_refused_writes_lose_nothing",
	  short_and_refused_writes_lose_nothing },
	{ "nothing_is_destroyed_twice", nothing_is_destroyed_twice },
};

UNIT_MAIN("out", tests)
