/* SPDX-License-Identifier: MIT */
/* test_stats.c - does the launcher read what the VM process counted? */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/core/stats.h"

static struct stats *stats;
static int stats_fd;

static void open_stats(void)
{
	CU_ASSERT_EQUAL_FATAL(stats_create(&stats, &stats_fd), 0);
}

static void close_stats(void)
{
	stats_unmap(stats);
	close(stats_fd);
}

static void new_page_says_that_nothing_happened(void)
{
	open_stats();
	CU_ASSERT_EQUAL(stats->state, STATS_STARTING);
	CU_ASSERT_EQUAL(stats->end, STATS_END_NONE);
	CU_ASSERT_EQUAL(stats->peer_id, UINT32_MAX);
	CU_ASSERT_EQUAL(stats->kvm_exits, UINT64_MAX);
	CU_ASSERT_EQUAL(stats_exits(stats), 0);
	CU_ASSERT_EQUAL(stats->reports_nr, 0);
	close_stats();
}

static void page_is_sealed_and_closed_on_exec(void)
{
	const int want = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	open_stats();
	CU_ASSERT_EQUAL(fcntl(stats_fd, F_GET_SEALS) & want, want);
	CU_ASSERT_NOT_EQUAL(ftruncate(stats_fd, 0), 0);
	CU_ASSERT_NOT_EQUAL(ftruncate(stats_fd, 8192), 0);
	CU_ASSERT(fcntl(stats_fd, F_GETFD) & FD_CLOEXEC);
	close_stats();
}

static void second_mapping_sees_the_first(void)
{
	struct stats *other = NULL;

	open_stats();
	CU_ASSERT_EQUAL_FATAL(stats_map(&other, stats_fd), 0);
	stats->exits[STATS_EXIT_IO] = 3;
	stats->exits[STATS_EXIT_OTHER] = 1ull << 40;
	CU_ASSERT_EQUAL(stats_exits(other), (1ull << 40) + 3);
	CU_ASSERT_EQUAL(stats_report_set(stats, "key", 7), 0);
	CU_ASSERT_EQUAL(stats_report_get(other, "key", 0), 7);
	stats_unmap(other);
	/* The page outlives a mapping and fd is still ours. */
	CU_ASSERT_EQUAL(stats_map(&other, stats_fd), 0);
	stats_unmap(other);
	close_stats();
	stats_unmap(NULL);
}

static void file_that_is_no_such_page_is_refused(void)
{
	static const off_t lens[] = { 0, 1, 4095, 4096, 4097, 8192 };
	struct stats *page = NULL;
	int ends[2];

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		int fd = memfd_create("other", MFD_CLOEXEC);

		CU_ASSERT_EQUAL_FATAL(ftruncate(fd, lens[i]), 0);
		CU_ASSERT_EQUAL(stats_map(&page, fd), -EINVAL);
		CU_ASSERT_PTR_NULL(page);
		close(fd);
	}
	CU_ASSERT_EQUAL(stats_map(&page, -1), -EBADF);
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(stats_map(&page, ends[0]), -EINVAL);
	close(ends[0]);
	close(ends[1]);
	CU_ASSERT_PTR_NULL(page);
}

static void page_of_another_version_is_einval(void)
{
	struct stats *page = NULL;

	open_stats();
	stats->version++;
	CU_ASSERT_EQUAL(stats_map(&page, stats_fd), -EINVAL);
	stats->version--;
	stats->magic ^= 1ull << 63;
	CU_ASSERT_EQUAL(stats_map(&page, stats_fd), -EINVAL);
	CU_ASSERT_PTR_NULL(page);
	close_stats();
}

static void report_is_replaced_by_the_same_key(void)
{
	open_stats();
	CU_ASSERT_EQUAL(stats_report_get(stats, "a", 99), 99);
	CU_ASSERT_EQUAL(stats_report_set(stats, "a", 1), 0);
	CU_ASSERT_EQUAL(stats_report_set(stats, "ab", 2), 0);
	CU_ASSERT_EQUAL(stats_report_set(stats, "a", UINT64_MAX), 0);
	CU_ASSERT_EQUAL(stats->reports_nr, 2);
	CU_ASSERT_EQUAL(stats_report_get(stats, "a", 0), UINT64_MAX);
	CU_ASSERT_EQUAL(stats_report_get(stats, "ab", 0), 2);
	CU_ASSERT_EQUAL(stats_report_get(stats, "", 5), 5);
	close_stats();
}

static void longest_key_is_told_from_its_neighbours(void)
{
	open_stats();
	CU_ASSERT_EQUAL(stats_report_set(stats, "12345678901234567890123", 1),
			0);
	CU_ASSERT_EQUAL(stats_report_set(stats, "1234567890123456789012", 2),
			0);
	CU_ASSERT_EQUAL(stats_report_set(stats, "12345678901234567890124", 3),
			0);
	CU_ASSERT_EQUAL(stats_report_get(stats, "12345678901234567890123", 0),
			1);
	CU_ASSERT_EQUAL(stats_report_get(stats, "1234567890123456789012", 0),
			2);
	CU_ASSERT_EQUAL(stats_report_get(stats, "12345678901234567890124", 0),
			3);
	close_stats();
}

static void full_table_is_enospc_and_old_keys_still_change(void)
{
	char key[BARE_KEY_LEN];

	open_stats();
	for (int i = 0; i < STATS_REPORTS_MAX; i++) {
		(void)snprintf(key, sizeof(key), "key%d", i);
		CU_ASSERT_EQUAL(stats_report_set(stats, key, (uint64_t)i), 0);
	}
	CU_ASSERT_EQUAL(stats_report_set(stats, "more", 1), -ENOSPC);
	CU_ASSERT_EQUAL(stats_report_get(stats, "more", 77), 77);
	CU_ASSERT_EQUAL(stats_report_set(stats, "key31", 5), 0);
	CU_ASSERT_EQUAL(stats_report_get(stats, "key31", 0), 5);
	CU_ASSERT_EQUAL(stats_report_get(stats, "key0", 9), 0);
	close_stats();
}

static void page_full_of_garbage_is_read_within_its_bounds(void)
{
	open_stats();
	memset(stats->reports, 'x', sizeof(stats->reports));
	stats->reports_nr = UINT32_MAX;
	CU_ASSERT_EQUAL(stats_report_get(stats, "xxxxxxxxxxxxxxxxxxxxxxx", 4),
			4);
	CU_ASSERT_EQUAL(stats_report_set(stats, "k", 1), -ENOSPC);
	close_stats();
}

static void every_end_has_a_name(void)
{
	for (int end = STATS_END_NONE; end <= STATS_END_HALTED; end++)
		CU_ASSERT(strlen(stats_end_name((enum stats_end)end)) > 0);
	CU_ASSERT_STRING_EQUAL(stats_end_name((enum stats_end)99), "unknown");
	CU_ASSERT_STRING_EQUAL(stats_end_name((enum stats_end) - 1), "unknown");
}

static const struct unit_test tests[] = {
	{ "new_page_says_that_nothing_happened",
	  new_page_says_that_nothing_happened },
	{ "page_is_sealed_and_closed_on_exec",
	  page_is_sealed_and_closed_on_exec },
	{ "second_mapping_sees_the_first", second_mapping_sees_the_first },
	{ "file_that_is_no_such_page_is_refused",
	  file_that_is_no_such_page_is_refused },
	{ "page_of_another_version_is_einval",
	  page_of_another_version_is_einval },
	{ "report_is_replaced_by_the_same_key",
	  report_is_replaced_by_the_same_key },
	{ "longest_key_is_told_from_its_neighbours",
	  longest_key_is_told_from_its_neighbours },
	{ "full_table_is_enospc_and_old_keys_still_change",
	  full_table_is_enospc_and_old_keys_still_change },
	{ "page_full_of_garbage_is_read_within_its_bounds",
	  page_full_of_garbage_is_read_within_its_bounds },
	{ "every_end_has_a_name", every_end_has_a_name },
};

UNIT_MAIN("stats", tests)
