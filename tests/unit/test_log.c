/* SPDX-License-Identifier: MIT */
/* test_log.c - what arrives on stderr, line by line? */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/core/log.h"

#define LINE_MAX_LEN 1023

static int stderr_fd, read_fd;
static char text[65536];

/* From here to taken() stderr is a pipe. */
static void take(void)
{
	int ends[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	stderr_fd = dup(STDERR_FILENO);
	CU_ASSERT_FATAL(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
	read_fd = ends[0];
}

static const char *taken(void)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(read_fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	close(read_fd);
	return text;
}

static void reset(void)
{
	log_set_prefix("");
	log_set_level(LOG_INFO);
}

static void line_says_who_and_how_bad(void)
{
	reset();
	take();
	log_info("plain");
	log_set_prefix("vm one");
	log_error("e %d", 1);
	log_warn("w");
	log_info("i");
	CU_ASSERT_STRING_EQUAL(taken(), "ivlab: plain\n"
					"ivlab: vm one: error: e 1\n"
					"ivlab: vm one: warning: w\n"
					"ivlab: vm one: i\n");
}

static void lines_above_the_level_are_dropped(void)
{
	static struct log_limit limit;

	reset();
	take();
	log_debug("not by default");
	log_set_level(LOG_DEBUG);
	log_debug("d");
	log_set_level(LOG_ERROR);
	log_warn("w");
	/* Guests' misdeeds are warnings. */
	log_limited(&limit, "limited");
	log_error("e");
	CU_ASSERT_STRING_EQUAL(taken(), "ivlab: debug: d\nivlab: error: e\n");
}

static void prefix_is_copied_and_cut(void)
{
	char prefix[128];

	reset();
	memset(prefix, 'p', sizeof(prefix) - 1);
	prefix[sizeof(prefix) - 1] = '\0';
	log_set_prefix(prefix);
	memset(prefix, 'q', sizeof(prefix) - 1);
	take();
	log_info("x");
	(void)taken();
	CU_ASSERT_EQUAL(strspn(text + strlen("ivlab: "), "p"), 63);
	CU_ASSERT_STRING_EQUAL(text + strlen("ivlab: ") + 63, ": x\n");
	log_set_prefix("");
}

static void line_that_is_too_long_is_cut_and_still_one_line(void)
{
	static char body[4096];

	reset();
	memset(body, 'b', sizeof(body) - 1);
	for (size_t len = 1000; len < 1100; len++) {
		size_t want = len + strlen("ivlab: \n");

		body[len] = '\0';
		take();
		log_info("%s", body);
		(void)taken();
		body[len] = 'b';
		CU_ASSERT_EQUAL(strlen(text),
				want < LINE_MAX_LEN ? want : LINE_MAX_LEN);
		CU_ASSERT_PTR_EQUAL(strchr(text, '\n'),
				    text + strlen(text) - 1);
	}
	take();
	log_info("%s", body);
	(void)taken();
	CU_ASSERT_EQUAL(strlen(text), LINE_MAX_LEN);
}

static int lines(const char *needle)
{
	int nr = 0;

	for (const char *at = text; (at = strstr(at, needle)); at++)
		nr++;
	return nr;
}

static void limit_lets_a_burst_through_and_says_so(void)
{
	static struct log_limit limit;

	reset();
	take();
	for (int i = 0; i < 1000; i++)
		log_limited(&limit, "guest did %d", i);
	(void)taken();
	CU_ASSERT_EQUAL(lines("ivlab: warning: guest did "), LOG_LIMIT_BURST);
	CU_ASSERT_EQUAL(lines("further ones are silent"), 1);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(text, "guest did 7 (further ones are silent)\n"));
}

static void limit_says_so_even_behind_a_long_line(void)
{
	static struct log_limit limit;
	static char body[4096];

	reset();
	memset(body, 'b', sizeof(body) - 1);
	take();
	for (int i = 0; i < LOG_LIMIT_BURST + 1; i++)
		log_limited(&limit, "%s", body);
	(void)taken();
	CU_ASSERT_EQUAL(lines("\n"), LOG_LIMIT_BURST);
	CU_ASSERT_EQUAL(lines("(further ones are silent)\n"), 1);
}

static void limit_near_its_wrap_stays_silent(void)
{
	struct log_limit limit = { .seen = ~0u };

	reset();
	take();
	for (int i = 0; i < 4; i++)
		log_limited(&limit, "again");
	CU_ASSERT_STRING_EQUAL(taken(), "");
}

static void lines_dropped_by_the_level_do_not_use_up_the_burst(void)
{
	static struct log_limit limit;

	reset();
	log_set_level(LOG_ERROR);
	take();
	for (int i = 0; i < 100; i++)
		log_limited(&limit, "unheard");
	log_set_level(LOG_WARN);
	log_limited(&limit, "heard");
	CU_ASSERT_STRING_EQUAL(taken(), "ivlab: warning: heard\n");
}

static void *log_thread(void *arg)
{
	for (int i = 0; i < 50; i++)
		log_info("thread %s", (const char *)arg);
	return NULL;
}

static void lines_of_two_threads_do_not_mix(void)
{
	char a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	pthread_t other;

	reset();
	take();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&other, NULL, log_thread, a), 0);
	for (int i = 0; i < 50; i++)
		log_info("main");
	CU_ASSERT_EQUAL(pthread_join(other, NULL), 0);
	(void)taken();
	CU_ASSERT_EQUAL(lines("ivlab: main\n"), 50);
	CU_ASSERT_EQUAL(
		lines("ivlab: thread aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"),
		50);
	CU_ASSERT_EQUAL(lines("\n"), 100);
}

static void stderr_that_is_gone_is_no_error(void)
{
	reset();
	take();
	close(STDERR_FILENO);
	log_error("unheard");
	CU_ASSERT_STRING_EQUAL(taken(), "");
}

static const struct unit_test tests[] = {
	{ "line_says_who_and_how_bad", line_says_who_and_how_bad },
	{ "lines_above_the_level_are_dropped",
	  lines_above_the_level_are_dropped },
	{ "prefix_is_copied_and_cut", prefix_is_copied_and_cut },
	{ "line_that_is_too_long_is_cut_and_still_one_line",
	  line_that_is_too_long_is_cut_and_still_one_line },
	{ "limit_lets_a_burst_through_and_says_so",
	  limit_lets_a_burst_through_and_says_so },
	{ "limit_says_so_even_behind_a_long_line",
	  limit_says_so_even_behind_a_long_line },
	{ "limit_near_its_wrap_stays_silent",
	  limit_near_its_wrap_stays_silent },
	{ "lines_dropped_by_the_level_do_not_use_up_the_burst",
	  lines_dropped_by_the_level_do_not_use_up_the_burst },
	{ "lines_of_two_threads_do_not_mix", lines_of_two_threads_do_not_mix },
	{ "stderr_that_is_gone_is_no_error", stderr_that_is_gone_is_no_error },
};

UNIT_MAIN("log", tests)
