/* SPDX-License-Identifier: MIT */
/*
 * test_bench_ring.c - what `ivlab bench ring` makes of runs that are slow,
 * disturbed or fail. The runs are played: launcher_run() and bench_host_run()
 * stand here in place of the real ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/lab/bench.h"
#include "vmm/lab/launcher.h"

#define RUNS_MAX 16
#define MESSAGES 1000

/* The runs of a kind, in order: ns of a message; 0: time was up, -1: broken. */
static double guest_ns[RUNS_MAX], host_ns[RUNS_MAX];
static uint32_t guests_nr, hosts_nr;

int labfile_read_stream(FILE *file, const char *name, const char *dir,
			struct lab **lab, FILE *errors)
{
	(void)file;
	(void)name;
	(void)dir;
	(void)errors;
	*lab = calloc(1, sizeof(**lab));
	return *lab ? 0 : -ENOMEM;
}

void labfile_destroy(struct lab *lab)
{
	free(lab);
}

int launcher_run(const struct lab *lab, const struct launcher_opts *opts,
		 struct lab_result *result)
{
	double ns = guest_ns[guests_nr++];

	(void)opts;
	result_init(result, lab);
	strcpy(result->kvm, "played");
	if (ns > 0) {
		result->messages = MESSAGES;
		result->ns = (uint64_t)(ns * MESSAGES);
		return 0;
	}
	result->timed_out = ns == 0;
	result_fail(result, 1, ns == 0 ? "still running" : "broken");
	return 1;
}

int bench_host_run(struct bench_host *host, const struct bench_host_opts *opts,
		   char *error, size_t error_len)
{
	double ns = host_ns[hosts_nr++];

	(void)opts;
	*host = (struct bench_host){ MESSAGES, (uint64_t)(ns * MESSAGES), 0 };
	if (ns > 0)
		return 0;
	snprintf(error, error_len, ns == 0 ? "too long" : "broken");
	return ns == 0 ? -ETIMEDOUT : -ECHILD;
}

static char errors[4096];

/* Send fd into a file of its own; *old is what it was. */
static int divert(int fd, int *old)
{
	int file_fd = memfd_create("diverted", MFD_CLOEXEC);

	*old = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	CU_ASSERT_TRUE_FATAL(file_fd >= 0 && *old >= 0 &&
			     dup2(file_fd, fd) >= 0);
	return file_fd;
}

static void undivert(int fd, int old, int file_fd, char *text, size_t text_len)
{
	ssize_t len;

	dup2(old, fd);
	close(old);
	len = pread(file_fd, text, text_len - 1, 0);
	text[len < 0 ? 0 : len] = '\0';
	close(file_fd);
}

/* The exit status; what it printed on stdout is in *root, the caller's. */
static int bench(uint32_t pairs_nr, json_t **root)
{
	const struct bench_opts opts = { .json = true,
					 .pairs_nr = pairs_nr,
					 .messages = MESSAGES };
	static char text[16384];
	int old_out, old_err, out_fd, err_fd, status;

	guests_nr = 0;
	hosts_nr = 0;
	(void)fflush(stdout);
	out_fd = divert(STDOUT_FILENO, &old_out);
	err_fd = divert(STDERR_FILENO, &old_err);
	status = bench_ring(&opts);
	(void)fflush(stdout);
	undivert(STDOUT_FILENO, old_out, out_fd, text, sizeof(text));
	undivert(STDERR_FILENO, old_err, err_fd, errors, sizeof(errors));
	*root = json_loads(text, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(*root);
	return status;
}

/* Half a nanosecond apart: guests 10, 10.5, 11, ...; host 20, 21, 22, ... */
static bool play_good_runs(void)
{
	char error[256];
	uint32_t cpus[2];

	for (uint32_t i = 0; i < RUNS_MAX; i++) {
		guest_ns[i] = 10 + i * 0.5;
		host_ns[i] = 2 * guest_ns[i];
	}
	if (!bench_cpus(cpus, NULL, 0, error, sizeof(error)))
		return true;
	unit_skip(error);
	return false;
}

static double number(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);

	CU_ASSERT_TRUE(json_is_number(value));
	return json_number_value(value);
}

static void assert_error(const json_t *root, const char *error)
{
	const char *text = json_string_value(json_object_get(root, "error"));

	CU_ASSERT_TRUE(json_is_false(json_object_get(root, "ok")));
	CU_ASSERT_TRUE(text && strstr(text, error));
	CU_ASSERT_PTR_NOT_NULL(strstr(errors, error));
	if (!text || !strstr(text, error))
		printf("# error: %s\n", text ? text : "none");
}

static void quiet_pairs_are_summed_up_without_a_warning(void)
{
	json_t *root;

	if (!play_good_runs())
		return;
	CU_ASSERT_EQUAL(bench(5, &root), 0);
	CU_ASSERT_STRING_EQUAL(errors, "");
	CU_ASSERT_TRUE(json_is_true(json_object_get(root, "ok")));
	CU_ASSERT_TRUE(json_is_false(json_object_get(root, "disturbed")));
	CU_ASSERT_EQUAL(number(root, "ratio"), 2);
	CU_ASSERT_EQUAL(number(root, "messages"), MESSAGES);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "pairs")), 5);
	json_decref(root);
}

static void pairs_far_apart_are_a_warning(void)
{
	json_t *root;

	if (!play_good_runs())
		return;
	host_ns[2] *= 1.3;
	CU_ASSERT_EQUAL(bench(5, &root), 0);
	CU_ASSERT_TRUE(json_is_true(json_object_get(root, "disturbed")));
	CU_ASSERT_PTR_NOT_NULL(strstr(errors, "lie 30 % apart: the machine "
					      "was busy"));
	json_decref(root);
	/* Of one pair nothing can be said. */
	host_ns[0] *= 1.3;
	CU_ASSERT_EQUAL(bench(1, &root), 0);
	CU_ASSERT_STRING_EQUAL(errors, "");
	json_decref(root);
}

static void time_that_is_up_leaves_the_pairs_there_are(void)
{
	json_t *root;

	if (!play_good_runs())
		return;
	guest_ns[3] = 0;
	CU_ASSERT_EQUAL(bench(5, &root), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(errors, "time is up after 3 of 5 pairs"));
	CU_ASSERT_EQUAL(number(root, "ratio"), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "pairs")), 3);
	json_decref(root);
	play_good_runs();
	host_ns[1] = 0;
	CU_ASSERT_EQUAL(bench(5, &root), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(root, "pairs")), 1);
	json_decref(root);
}

static void time_up_in_the_first_pair_is_an_error_with_a_cure(void)
{
	json_t *root;

	if (!play_good_runs())
		return;
	host_ns[0] = 0;
	CU_ASSERT_EQUAL(bench(5, &root), 1);
	assert_error(root, "time was up before one pair of runs was done: try "
			   "fewer than --messages 1000, or when");
	json_decref(root);
}

static void run_that_fails_is_its_error_whatever_was_done_before(void)
{
	json_t *root;

	if (!play_good_runs())
		return;
	guest_ns[3] = -1;
	CU_ASSERT_EQUAL(bench(5, &root), 1);
	assert_error(root, "guests: broken");
	json_decref(root);
	play_good_runs();
	host_ns[3] = -1;
	CU_ASSERT_EQUAL(bench(5, &root), 1);
	assert_error(root, "host threads: broken");
	json_decref(root);
}

static const struct unit_test tests[] = {
	{ "quiet_pairs_are_summed_up_without_a_warning",
	  quiet_pairs_are_summed_up_without_a_warning },
	{ "pairs_far_apart_are_a_warning", pairs_far_apart_are_a_warning },
	{ "time_that_is_up_leaves_the_pairs_there_are",
	  time_that_is_up_leaves_the_pairs_there_are },
	{ "time_up_in_the_first_pair_is_an_error_with_a_cure",
	  time_up_in_the_first_pair_is_an_error_with_a_cure },
	{ "run_that_fails_is_its_error_whatever_was_done_before",
	  run_that_fails_is_its_error_whatever_was_done_before },
};
UNIT_MAIN("bench_ring", tests)
