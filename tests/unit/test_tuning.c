/* SPDX-License-Identifier: MIT */
/* test_tuning.c - does what was tuned come back, and garbage not? */
#include "vmm/lab/tuning.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/guarded.h"
#include "tests/unit/harness.h"
#include "vmm/core/log.h"

#define REGION_LEN 4096ull

static char dir[64], path[PATH_MAX];

static void room_open(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%s/ivlab-tune-XXXXXX",
		       tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	CU_ASSERT_EQUAL_FATAL(setenv("XDG_CONFIG_HOME", dir, 1), 0);
	CU_ASSERT_EQUAL_FATAL(tuning_path(path), 0);
	log_set_level(LOG_ERROR);
}

static void room_close(void)
{
	char sub[80];

	CU_ASSERT_EQUAL(tuning_forget(), 0);
	(void)snprintf(sub, sizeof(sub), "%s/ivlab", dir);
	(void)rmdir(sub);
	CU_ASSERT_EQUAL(rmdir(dir), 0);
	log_set_level(LOG_INFO);
}

static bool empty(const struct region_tuning *t)
{
	return !t->prefetch_read_len && !t->prefetch_write_len && !t->spin_ns;
}

static void what_is_saved_is_loaded_and_can_be_forgotten(void)
{
	const struct region_tuning saved = { 256, 2048, 12345 };
	struct region_tuning loaded;

	room_open();
	tuning_load(&loaded);
	CU_ASSERT(empty(&loaded));
	CU_ASSERT_EQUAL(tuning_save(&saved), 0);
	CU_ASSERT_EQUAL(tuning_save(&saved), 0); /* over itself */
	tuning_load(&loaded);
	CU_ASSERT_EQUAL(loaded.prefetch_read_len, 256);
	CU_ASSERT_EQUAL(loaded.prefetch_write_len, 2048);
	CU_ASSERT_EQUAL(loaded.spin_ns, 12345);
	CU_ASSERT_EQUAL(tuning_forget(), 0);
	CU_ASSERT_EQUAL(tuning_forget(), 0);
	tuning_load(&loaded);
	CU_ASSERT(empty(&loaded));
	room_close();
}

static void a_file_with_one_bad_line_is_not_used_at_all(void)
{
	static const char *const bad[] = {
		"prefetch_read = 99999", "prefetch_write = -1",
		"spin_ns = 99999999999", "spin_ns = x",
		"unknown = 1",		 "[other]\nprefetch_read = 1",
		"no equals sign",	 "prefetch_read =",
	};
	const struct region_tuning saved = { 256, 2048, 12345 };
	struct region_tuning loaded;

	room_open();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		FILE *file;

		CU_ASSERT_EQUAL_FATAL(tuning_save(&saved), 0);
		file = fopen(path, "ae");
		CU_ASSERT_PTR_NOT_NULL_FATAL(file);
		fprintf(file, "%s\n", bad[i]);
		CU_ASSERT_EQUAL(fclose(file), 0);
		tuning_load(&loaded);
		CU_ASSERT(empty(&loaded));
	}
	room_close();
}

static void no_home_is_no_file(void)
{
	struct region_tuning loaded;

	room_open();
	CU_ASSERT_EQUAL(unsetenv("XDG_CONFIG_HOME"), 0);
	CU_ASSERT_EQUAL(unsetenv("HOME"), 0);
	CU_ASSERT_EQUAL(tuning_path(path), -ENOENT);
	CU_ASSERT_EQUAL(tuning_save(&(struct region_tuning){ 0 }), -ENOENT);
	tuning_load(&loaded);
	CU_ASSERT(empty(&loaded));
	CU_ASSERT_EQUAL(setenv("XDG_CONFIG_HOME", dir, 1), 0);
	room_close();
}

static void regions_carry_it_and_absurd_advice_is_ignored(void)
{
	const struct region_tuning d = REGION_TUNING_DEFAULT;
	static const struct region_tuning good = { 128, 4096, 7 };
	static const struct region_tuning bad = { REGION_PREFETCH_MAX + 1,
						  UINT32_MAX,
						  REGION_SPIN_MAX_NS + 1 };
	uint8_t *mem = guarded_map(REGION_LEN);
	struct region_tuning t;
	struct region region;

	CU_ASSERT_EQUAL_FATAL(region_create(&region, mem, REGION_LEN), 0);
	region_tuning(&region, &t);
	CU_ASSERT_EQUAL(t.prefetch_read_len, d.prefetch_read_len);
	CU_ASSERT_EQUAL(t.spin_ns, d.spin_ns);
	region_set_tuning(&region, &good);
	region_tuning(&region, &t);
	CU_ASSERT_EQUAL(t.prefetch_read_len, 128);
	CU_ASSERT_EQUAL(t.prefetch_write_len, 4096);
	CU_ASSERT_EQUAL(t.spin_ns, 7);
	region_set_tuning(&region, &bad);
	region_tuning(&region, &t);
	CU_ASSERT_EQUAL(t.prefetch_read_len, d.prefetch_read_len);
	CU_ASSERT_EQUAL(t.prefetch_write_len, d.prefetch_write_len);
	CU_ASSERT_EQUAL(t.spin_ns, d.spin_ns);
	guarded_unmap(mem, REGION_LEN);
}

static const struct unit_test tests[] = {
	{ "what_is_saved_is_loaded_and_can_be_forgotten",
	  what_is_saved_is_loaded_and_can_be_forgotten },
	{ "a_file_with_one_bad_line_is_not_used_at_all",
	  a_file_with_one_bad_line_is_not_used_at_all },
	{ "no_home_is_no_file", no_home_is_no_file },
	{ "regions_carry_it_and_absurd_advice_is_ignored",
	  regions_carry_it_and_absurd_advice_is_ignored },
};

UNIT_MAIN("tuning", tests)
