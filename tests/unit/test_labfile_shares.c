/* SPDX-License-Identifier: MIT */
/* test_labfile_shares.c - do [share NAME] sections reach the lab, and their
 * mistakes the user? */
#include "vmm/lab/labfile_shares.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/harness.h"

#define VM    "[vm a]\nimage = /proc/self/exe\n"
#define SHARE "[share s]\npath = task\n"

static char messages[4096];

static int read_text(const char *text, struct lab **lab)
{
	FILE *file = fmemopen((char *)text, strlen(text), "r");
	FILE *errors = fmemopen(messages, sizeof(messages), "w");
	int err;

	messages[0] = '\0';
	CU_ASSERT_PTR_NOT_NULL_FATAL(errors);
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	err = labfile_read_stream(file, "x/t.lab", "/proc/self", lab, errors);
	(void)fclose(file);
	(void)fclose(errors);
	return err;
}

/* Also of what should be there, and is not. */
static bool is(const char *text, const char *expected)
{
	return text && strcmp(text, expected) == 0;
}

static void assert_bad(const char *text, const char *expected)
{
	struct lab *lab = NULL;

	CU_ASSERT_EQUAL(read_text(text, &lab), -EINVAL);
	CU_ASSERT_PTR_NULL(lab);
	CU_ASSERT_TRUE(strncmp(messages, expected, strlen(expected)) == 0);
	if (strncmp(messages, expected, strlen(expected)) != 0)
		printf("# wanted: %s\n# got: %s", expected, messages);
}

static void every_key_reaches_the_lab(void)
{
	struct lab *lab = NULL;
	char *private_dir;

	if (read_text(VM "shares = t  s\n"
			 "[share s]\npath = task\nmode = cow\n"
			 "policy = squash\nquota = 4K\n"
			 "[share t]\npath = /\n",
		      &lab) ||
	    !lab) {
		CU_FAIL("refused");
		return;
	}
	CU_ASSERT_EQUAL(lab->shares_nr, 2);
	CU_ASSERT_STRING_EQUAL(lab->shares[0].name, "s");
	CU_ASSERT_STRING_EQUAL(lab->shares[0].path, "/proc/self/task");
	CU_ASSERT_EQUAL(lab->shares[0].mode, SHARE_COW);
	CU_ASSERT_EQUAL(lab->shares[0].policy, SHARE_SQUASH);
	CU_ASSERT_EQUAL(lab->shares[0].quota, 4096);
	CU_ASSERT_STRING_EQUAL(lab->shares[1].path, "/");
	CU_ASSERT_EQUAL(lab->shares[1].mode, SHARE_RO);
	CU_ASSERT_EQUAL(lab->shares[1].policy, SHARE_RECORD);
	CU_ASSERT_EQUAL(lab->shares[1].quota, 0);
	CU_ASSERT_EQUAL_FATAL(lab->vms[0].shares_nr, 2);
	CU_ASSERT_EQUAL(lab->vms[0].shares[0], 1);
	CU_ASSERT_EQUAL(lab->vms[0].shares[1], 0);
	private_dir = lab_shares_private(lab, &lab->vms[0], &lab->shares[0]);
	CU_ASSERT_TRUE(is(private_dir, "/proc/self/.ivlab/t/a/s"));
	free(private_dir);
	labfile_destroy(lab);
}

static void bad_values_are_named(void)
{
	assert_bad(VM "[share s]\n",
		   "x/t.lab:3: [share s] path: missing; allowed: a directory");
	assert_bad(VM "[share s]\npath = none\n",
		   "x/t.lab:4: [share s] path = none: No such file or "
		   "directory; allowed: a directory");
	assert_bad(VM "[share s]\npath = maps\n",
		   "x/t.lab:4: [share s] path = maps: not a directory");
	assert_bad(VM SHARE "mode = RW\n",
		   "x/t.lab:5: [share s] mode = RW: no such mode; allowed: ro, "
		   "rw or cow");
	assert_bad(VM SHARE "policy = trust\n",
		   "x/t.lab:5: [share s] policy = trust: no such policy; "
		   "allowed: record or squash");
	assert_bad(VM SHARE "mode = cow\nquota = 0\n",
		   "x/t.lab:6: [share s] quota = 0: too small");
	assert_bad(VM SHARE "mode = cow\nquota = much\n",
		   "x/t.lab:6: [share s] quota = much: not a size");
	assert_bad(VM SHARE "quota = 1M\n",
		   "x/t.lab:5: [share s] quota: only changes of VMs have one; "
		   "allowed: with mode = cow");
	assert_bad(VM SHARE "qouta = 1M\n",
		   "x/t.lab:5: [share s] qouta: no such key, did you mean "
		   "quota?");
}

static void bad_sections_are_named(void)
{
	assert_bad(VM "[share]\n", "x/t.lab:3: [share ]: not a name");
	assert_bad(VM "[share a/b]\n", "x/t.lab:3: [share a/b]: not a name");
	assert_bad(VM SHARE SHARE,
		   "x/t.lab:5: [share s]: there is one of that name on line 3");
}

static size_t put_shares(char *to, size_t room, int nr)
{
	size_t len = 0;

	for (int i = 0; i < nr; i++)
		len += (size_t)snprintf(to + len, room - len,
					"[share s%d]\npath = task\n", i);
	return len;
}

static void more_shares_than_a_lab_may_have_are_named(void)
{
	char text[4096] = VM;
	size_t len = strlen(text);

	(void)put_shares(text + len, sizeof(text) - len, LAB_SHARES_MAX + 1);
	assert_bad(text, "x/t.lab:35: [share s16]: allowed: at most 16 shares");
}

static void words_that_are_no_shares_are_named(void)
{
	char text[4096] = VM "shares = s0 s1 s2 s3 s4 s5 s6 s7 s8\n";
	size_t len = strlen(text);

	assert_bad(VM "shares = s t\n" SHARE,
		   "x/t.lab:3: [vm a] shares: there is no [share t]; allowed: "
		   "names of [share NAME] sections");
	assert_bad(VM "shares = s s\n" SHARE,
		   "x/t.lab:3: [vm a] shares: s twice");
	(void)put_shares(text + len, sizeof(text) - len, 9);
	assert_bad(text, "x/t.lab:3: [vm a] shares: too many");
}

/* path's last name; then the one above it, and so on. */
static void remove_up(char *path, int nr)
{
	while (nr--) {
		CU_ASSERT_EQUAL(rmdir(path), 0);
		*strrchr(path, '/') = '\0';
	}
}

static void what_private_directories_are_in_is_made(void)
{
	char dir[] = "/tmp/ivlab-test-XXXXXX", path[64], *where = NULL;
	struct lab lab = {
		.vms = { { .name = "a", .shares = { 0, 1 }, .shares_nr = 2 } },
		.vms_nr = 1,
		.shares = { { .name = "s", .mode = SHARE_RO },
			    { .name = "t",
			      .path = (char *)"/proc",
			      .mode = SHARE_COW } },
		.shares_nr = 2,
	};

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.ivlab/t", dir);
	lab.private_dir = path;
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(lab_shares_prepare(&lab, &where), 0);
		CU_ASSERT_PTR_NULL(where);
	}
	lab.private_dir = (char *)"/proc/self/maps/t";
	CU_ASSERT_EQUAL(lab_shares_prepare(&lab, &where), -ENOTDIR);
	CU_ASSERT_TRUE(is(where, "/proc/self/maps/t"));
	free(where);
	snprintf(path, sizeof(path), "%s/.ivlab/t/a", dir);
	remove_up(path, 4);
}

static void nothing_is_made_inside_what_is_shared(void)
{
	char dir[] = "/tmp/ivlab-test-XXXXXX", path[64], *where = NULL;
	struct lab lab = {
		.vms = { { .name = "a", .shares_nr = 1 } },
		.vms_nr = 1,
		.shares = { { .name = "s", .path = dir, .mode = SHARE_COW } },
		.shares_nr = 1,
	};

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/.ivlab/t", dir);
	lab.private_dir = path;
	CU_ASSERT_EQUAL(lab_shares_prepare(&lab, &where), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(where);
	free(where);
	CU_ASSERT_EQUAL(rmdir(dir), 0); /* it is empty */
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(every_key_reaches_the_lab),
	TEST(bad_values_are_named),
	TEST(bad_sections_are_named),
	TEST(more_shares_than_a_lab_may_have_are_named),
	TEST(words_that_are_no_shares_are_named),
	TEST(what_private_directories_are_in_is_made),
	TEST(nothing_is_made_inside_what_is_shared),
};
UNIT_MAIN("labfile_shares", tests)
