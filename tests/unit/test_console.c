/* SPDX-License-Identifier: MIT */
/* test_console.c - does every byte come out once, in order, or at the end? */
#include "vmm/devices/console.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/harness.h"

#define WAIT_MS 30000

static bool is_readable(const struct console *console, int timeout_ms)
{
	struct pollfd fd = { .fd = console_fd(console), .events = POLLIN };

	return poll(&fd, 1, timeout_ms) == 1;
}

static void taken_bytes_are_the_written_ones(void)
{
	struct console *console;
	char buf[16] = "";

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	CU_ASSERT_EQUAL(console_take(console, buf, sizeof(buf)), 0);
	console_write(console, "hello ", 6);
	console_write(console, "", 0);
	console_write(console, "world", 5);
	CU_ASSERT_EQUAL(console_take(console, buf, 4), 4);
	CU_ASSERT_EQUAL(console_take(console, buf + 4, 12), 7);
	CU_ASSERT_STRING_EQUAL(buf, "hello world");
	CU_ASSERT_EQUAL(console_take(console, buf, sizeof(buf)), 0);
	console_destroy(console);
}

static void fd_is_readable_exactly_while_bytes_wait(void)
{
	struct console *console;
	char buf[4];

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	CU_ASSERT_FALSE(is_readable(console, 0));
	console_write(console, "", 0);
	CU_ASSERT_FALSE(is_readable(console, 0));
	console_write(console, "abc", 3);
	console_write(console, "def", 3);
	CU_ASSERT_TRUE(is_readable(console, 0));
	CU_ASSERT_EQUAL(console_take(console, buf, 4), 4);
	CU_ASSERT_TRUE(is_readable(console, 0));
	CU_ASSERT_EQUAL(console_take(console, buf, 4), 2);
	CU_ASSERT_FALSE(is_readable(console, 0));
	console_destroy(console);
}

static void buffer_wraps_without_loss(void)
{
	struct console *console;
	uint8_t in[1000], out[1000];
	bool same = true;

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	for (uint32_t round = 0; round < 200; round++) {
		memset(in, (int)round, sizeof(in));
		console_write(console, in, sizeof(in));
		same &= console_take(console, out, sizeof(out)) == sizeof(out);
		same &= !memcmp(in, out, sizeof(in));
	}
	CU_ASSERT_TRUE(same);
	console_destroy(console);
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

#define LONG_LEN (3 * CONSOLE_BUFFER_LEN + 17)

static void *write_long(void *arg)
{
	uint8_t *bytes = malloc(LONG_LEN);

	for (size_t i = 0; bytes && i < LONG_LEN; i++)
		bytes[i] = pattern(i);
	if (bytes)
		console_write(arg, bytes, LONG_LEN);
	free(bytes);
	return NULL;
}

static void writer_of_too_much_is_held_not_cut(void)
{
	struct console *console;
	pthread_t writer;
	uint8_t buf[5000];
	size_t taken_len = 0;
	bool same = true;

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&writer, NULL, write_long, console), 0);
	while (taken_len < LONG_LEN && is_readable(console, WAIT_MS)) {
		size_t len = console_take(console, buf, sizeof(buf));

		for (size_t i = 0; i < len; i++)
			same &= buf[i] == pattern(taken_len + i);
		taken_len += len;
	}
	CU_ASSERT_EQUAL(pthread_join(writer, NULL), 0);
	CU_ASSERT_EQUAL(taken_len, LONG_LEN);
	CU_ASSERT_TRUE(same);
	console_destroy(console);
}

static void close_lets_a_held_writer_go(void)
{
	struct console *console;
	pthread_t writer;

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	CU_ASSERT_EQUAL_FATAL(
		pthread_create(&writer, NULL, write_long, console), 0);
	CU_ASSERT_TRUE(is_readable(console, WAIT_MS));
	console_close(console);
	CU_ASSERT_EQUAL(pthread_join(writer, NULL), 0);
	console_destroy(console);
}

static void closed_drops_new_bytes_and_keeps_old(void)
{
	struct console *console;
	char buf[8] = "";

	CU_ASSERT_EQUAL_FATAL(console_create(&console), 0);
	console_write(console, "old", 3);
	console_close(console);
	console_write(console, "new", 3);
	CU_ASSERT_EQUAL(console_take(console, buf, sizeof(buf)), 3);
	CU_ASSERT_STRING_EQUAL(buf, "old");
	console_close(console);
	console_destroy(console);
	console_destroy(NULL);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(taken_bytes_are_the_written_ones),
	TEST(fd_is_readable_exactly_while_bytes_wait),
	TEST(buffer_wraps_without_loss),
	TEST(writer_of_too_much_is_held_not_cut),
	TEST(close_lets_a_held_writer_go),
	TEST(closed_drops_new_bytes_and_keeps_old),
};

UNIT_MAIN("console", tests)
