/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* test_keys.c - does a guest get each byte of input once, and its end? */
#include "vmm/abi/keys.h"

#include <fcntl.h>
#include <semaphore.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/harness.h"

struct rig {
	struct keys *keys;
	int fds[2]; /* a pipe; -1: closed */
	sem_t arrived;
};

static void arrived(void *arg)
{
	struct rig *rig = arg;

	sem_post(&rig->arrived);
}

static void rig_init(struct rig *rig)
{
	CU_ASSERT_EQUAL_FATAL(pipe2(rig->fds, O_CLOEXEC), 0);
	sem_init(&rig->arrived, 0, 0);
	CU_ASSERT_EQUAL_FATAL(
		keys_create(&rig->keys, rig->fds[0], arrived, rig), 0);
}

static void rig_done(struct rig *rig)
{
	keys_destroy(rig->keys);
	sem_destroy(&rig->arrived);
	close(rig->fds[0]);
	if (rig->fds[1] >= 0)
		close(rig->fds[1]);
}

static void type(struct rig *rig, const char *text)
{
	CU_ASSERT_EQUAL(write(rig->fds[1], text, strlen(text)),
			(ssize_t)strlen(text));
}

static void end(struct rig *rig)
{
	close(rig->fds[1]);
	rig->fds[1] = -1;
}

/* The harness ends a wait that never does. */
static void wait_for(struct rig *rig, uint32_t nr)
{
	while (keys_waiting(rig->keys) < nr)
		sem_wait(&rig->arrived);
}

static void wait_for_end(struct rig *rig)
{
	while (!keys_ended(rig->keys))
		sem_wait(&rig->arrived);
}

static void nothing_is_read_before_the_start(void)
{
	uint8_t byte, left[4];
	struct rig rig;

	rig_init(&rig);
	type(&rig, "abc");
	end(&rig);
	CU_ASSERT_EQUAL(keys_waiting(rig.keys), 0);
	CU_ASSERT_FALSE(keys_take(rig.keys, &byte));
	CU_ASSERT_FALSE(keys_ended(rig.keys));
	keys_destroy(rig.keys);
	rig.keys = NULL;
	CU_ASSERT_EQUAL(read(rig.fds[0], left, sizeof(left)), 3);
	rig_done(&rig);
}

static void bytes_come_in_order_and_then_the_end(void)
{
	uint8_t byte = 0;
	struct rig rig;

	rig_init(&rig);
	type(&rig, "ab");
	keys_start(rig.keys);
	keys_start(rig.keys); /* twice is once */
	wait_for(&rig, 2);
	CU_ASSERT_TRUE(keys_take(rig.keys, &byte));
	CU_ASSERT_EQUAL(byte, 'a');
	end(&rig);
	/* A byte waits, so this is not the end. */
	CU_ASSERT_FALSE(keys_ended(rig.keys));
	CU_ASSERT_TRUE(keys_take(rig.keys, &byte));
	CU_ASSERT_EQUAL(byte, 'b');
	wait_for_end(&rig);
	CU_ASSERT_FALSE(keys_take(rig.keys, &byte));
	rig_done(&rig);
}

static void all_byte_values_pass(void)
{
	uint8_t bytes[256], byte = 0;
	struct rig rig;

	rig_init(&rig);
	for (int i = 0; i < 256; i++)
		bytes[i] = (uint8_t)i;
	CU_ASSERT_EQUAL(write(rig.fds[1], bytes, sizeof(bytes)), 256);
	keys_start(rig.keys);
	wait_for(&rig, 256);
	for (int i = 0; i < 256; i++) {
		CU_ASSERT_TRUE(keys_take(rig.keys, &byte));
		CU_ASSERT_EQUAL(byte, i);
	}
	rig_done(&rig);
}

/* Twice as much as the queue holds: the writer waits, nothing is lost. */
static void full_queue_holds_the_input_back(void)
{
	uint8_t bytes[2 * KEYS_QUEUE_NR], byte = 0;
	struct rig rig;

	rig_init(&rig);
	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	CU_ASSERT_EQUAL(write(rig.fds[1], bytes, sizeof(bytes)),
			(ssize_t)sizeof(bytes));
	end(&rig);
	keys_start(rig.keys);
	wait_for(&rig, KEYS_QUEUE_NR);
	CU_ASSERT_EQUAL(keys_waiting(rig.keys), KEYS_QUEUE_NR);
	for (uint32_t i = 0; i < sizeof(bytes); i++) {
		wait_for(&rig, 1);
		CU_ASSERT_TRUE(keys_take(rig.keys, &byte));
		CU_ASSERT_EQUAL(byte, bytes[i]);
	}
	wait_for_end(&rig);
	rig_done(&rig);
}

static void destroy_with_a_full_queue_does_not_hang(void)
{
	uint8_t bytes[2 * KEYS_QUEUE_NR] = { 0 };
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL(write(rig.fds[1], bytes, sizeof(bytes)),
			(ssize_t)sizeof(bytes));
	keys_start(rig.keys);
	wait_for(&rig, KEYS_QUEUE_NR);
	rig_done(&rig);
}

static void destroy_of_an_input_that_never_comes_does_not_hang(void)
{
	struct rig rig;

	rig_init(&rig);
	keys_start(rig.keys);
	rig_done(&rig);
	keys_destroy(NULL);
}

static void input_that_cannot_be_read_has_ended(void)
{
	struct keys *keys = NULL;
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL_FATAL(keys_create(&keys, rig.fds[1], arrived, &rig), 0);
	keys_start(keys);
	/* The write end is readable for poll() once nobody reads it. */
	close(rig.fds[0]);
	rig.fds[0] = -1;
	while (!keys_ended(keys))
		sem_wait(&rig.arrived);
	keys_destroy(keys);
	rig_done(&rig);
}

static void file_ends_like_a_pipe(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct keys *keys = NULL;
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_EQUAL_FATAL(keys_create(&keys, fd, arrived, &rig), 0);
	keys_start(keys);
	while (!keys_ended(keys))
		sem_wait(&rig.arrived);
	keys_destroy(keys);
	close(fd);
	rig_done(&rig);
}

static void each_byte_is_announced_once(void)
{
	struct rig rig;

	rig_init(&rig);
	CU_ASSERT_FALSE(keys_announce(rig.keys));
	type(&rig, "ab");
	keys_start(rig.keys);
	wait_for(&rig, 2);
	CU_ASSERT_TRUE(keys_announce(rig.keys));
	CU_ASSERT_TRUE(keys_announce(rig.keys));
	CU_ASSERT_FALSE(keys_announce(rig.keys));
	rig_done(&rig);
}

static void byte_that_was_taken_is_not_announced(void)
{
	uint8_t byte;
	struct rig rig;

	rig_init(&rig);
	type(&rig, "abc");
	keys_start(rig.keys);
	wait_for(&rig, 3);
	keys_take(rig.keys, &byte);
	keys_take(rig.keys, &byte);
	CU_ASSERT_TRUE(keys_announce(rig.keys));
	CU_ASSERT_FALSE(keys_announce(rig.keys));
	rig_done(&rig);
}

static const struct unit_test tests[] = {
	{ "nothing_is_read_before_the_start",
	  nothing_is_read_before_the_start },
	{ "bytes_come_in_order_and_then_the_end",
	  bytes_come_in_order_and_then_the_end },
	{ "all_byte_values_pass", all_byte_values_pass },
	{ "full_queue_holds_the_input_back", full_queue_holds_the_input_back },
	{ "destroy_with_a_full_queue_does_not_hang",
	  destroy_with_a_full_queue_does_not_hang },
	{ "destroy_of_an_input_that_never_comes_does_not_hang",
	  destroy_of_an_input_that_never_comes_does_not_hang },
	{ "input_that_cannot_be_read_has_ended",
	  input_that_cannot_be_read_has_ended },
	{ "file_ends_like_a_pipe", file_ends_like_a_pipe },
	{ "each_byte_is_announced_once", each_byte_is_announced_once },
	{ "byte_that_was_taken_is_not_announced",
	  byte_that_was_taken_is_not_announced },
};

UNIT_MAIN("keys", tests)
