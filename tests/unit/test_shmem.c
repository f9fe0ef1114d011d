/* SPDX-License-Identifier: MIT */
/* test_shmem.c - does the region's memory keep its size and its promises? */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/link/shmem.h"
#include "tests/unit/harness.h"

#define LEN 65536ull

static void check_not_held(const struct shmem *shmem)
{
	CU_ASSERT_EQUAL(shmem->fd, -1);
	CU_ASSERT_PTR_NULL(shmem->hva);
}

static void create_maps_zeroed_memory(void)
{
	struct shmem shmem;
	const char *bytes;

	CU_ASSERT_EQUAL_FATAL(shmem_create(&shmem, "t", LEN, false), 0);
	CU_ASSERT_EQUAL(shmem.len, LEN);
	CU_ASSERT_EQUAL(shmem.page_len, 4096);
	CU_ASSERT_EQUAL(fcntl(shmem.fd, F_GETFD), FD_CLOEXEC);
	bytes = shmem.hva;
	CU_ASSERT(bytes[0] == 0 && bytes[LEN - 1] == 0);
	shmem_destroy(&shmem);
}

static void create_seals_size_for_good(void)
{
	struct shmem shmem;

	CU_ASSERT_EQUAL_FATAL(shmem_create(&shmem, "t", LEN, false), 0);
	CU_ASSERT_EQUAL(ftruncate(shmem.fd, 0), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	CU_ASSERT_EQUAL(ftruncate(shmem.fd, (off_t)(2 * LEN)), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	CU_ASSERT_EQUAL(fcntl(shmem.fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	CU_ASSERT_EQUAL(errno, EPERM);
	shmem_destroy(&shmem);
}

static void create_bad_len_is_einval(void)
{
	static const uint64_t lens[] = {
		0, 1, 2048, 4095, 4097, 12288, 3145728, UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct shmem shmem;

		CU_ASSERT_EQUAL(shmem_create(&shmem, "t", lens[i], false),
				-EINVAL);
		check_not_held(&shmem);
		CU_ASSERT_EQUAL(shmem_create(&shmem, "t", lens[i], true),
				-EINVAL);
		check_not_held(&shmem);
	}
}

static void create_beyond_ram_and_swap_is_enomem(void)
{
	uint64_t len = SHMEM_MIN_LEN;
	struct shmem shmem;

	CU_ASSERT(shmem_backing_len() > SHMEM_HUGE_LEN);
	while (len <= shmem_backing_len())
		len *= 2;
	/* Then beyond the address space, then beyond any file. */
	for (; len; len *= 2) {
		CU_ASSERT_EQUAL(shmem_create(&shmem, "t", len, false), -ENOMEM);
		check_not_held(&shmem);
		CU_ASSERT_EQUAL(shmem_create(&shmem, "t", len, true), -ENOMEM);
		check_not_held(&shmem);
	}
}

static void create_hugepages_is_usable_whatever_backs_it(void)
{
	struct shmem shmem;

	CU_ASSERT_EQUAL_FATAL(
		shmem_create(&shmem, "t", 2 * SHMEM_HUGE_LEN, true), 0);
	CU_ASSERT(shmem.page_len == 4096 || shmem.page_len == SHMEM_HUGE_LEN);
	/* A pool that was not reserved would end this with SIGBUS. */
	memset(shmem.hva, 0x5a, shmem.len);
	CU_ASSERT_EQUAL(ftruncate(shmem.fd, 0), -1);
	shmem_destroy(&shmem);
}

static void create_hugepages_smaller_than_one_has_small_pages(void)
{
	struct shmem shmem;

	CU_ASSERT_EQUAL_FATAL(
		shmem_create(&shmem, "t", SHMEM_HUGE_LEN / 2, true), 0);
	CU_ASSERT_EQUAL(shmem.page_len, 4096);
	shmem_destroy(&shmem);
}

static void map_shows_the_same_memory(void)
{
	struct shmem made;
	struct shmem mapped;

	CU_ASSERT_EQUAL_FATAL(shmem_create(&made, "t", LEN, false), 0);
	CU_ASSERT_EQUAL_FATAL(shmem_map(&mapped, dup(made.fd)), 0);
	CU_ASSERT_EQUAL(mapped.len, LEN);
	CU_ASSERT_EQUAL(mapped.page_len, 4096);
	memcpy((char *)made.hva + 5000, "seen", sizeof("seen"));
	CU_ASSERT_STRING_EQUAL((char *)mapped.hva + 5000, "seen");
	shmem_destroy(&made);
	/* Still there: the object lives as long as one of them. */
	CU_ASSERT_STRING_EQUAL((char *)mapped.hva + 5000, "seen");
	shmem_destroy(&mapped);
}

static void map_bad_size_is_einval_and_leaves_fd(void)
{
	static const off_t lens[] = { 0, 100, 2048, 4095, 5000, 12288 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		int fd = memfd_create("t", MFD_CLOEXEC);
		struct shmem shmem;

		CU_ASSERT_EQUAL_FATAL(ftruncate(fd, lens[i]), 0);
		CU_ASSERT_EQUAL(shmem_map(&shmem, fd), -EINVAL);
		check_not_held(&shmem);
		CU_ASSERT_EQUAL(close(fd), 0);
	}
}

static void map_something_else_is_error_and_leaves_fd(void)
{
	struct shmem shmem;
	int ends[2];
	int dir_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	CU_ASSERT_EQUAL(shmem_map(&shmem, ends[0]), -EINVAL);
	check_not_held(&shmem);
	CU_ASSERT_EQUAL(shmem_map(&shmem, dir_fd), -EINVAL);
	CU_ASSERT_EQUAL(shmem_map(&shmem, -1), -EBADF);
	CU_ASSERT_EQUAL(close(ends[0]), 0);
	CU_ASSERT_EQUAL(close(ends[1]), 0);
	CU_ASSERT_EQUAL(close(dir_fd), 0);
}

static void map_read_only_fd_is_eacces(void)
{
	struct shmem shmem;
	char path[] = "/tmp/ivlab-shmem-XXXXXX";
	int fd = mkstemp(path);
	int ro_fd = open(path, O_RDONLY | O_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0 && ro_fd >= 0);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(ftruncate(fd, 4096), 0);
	CU_ASSERT_EQUAL(shmem_map(&shmem, ro_fd), -EACCES);
	check_not_held(&shmem);
	CU_ASSERT_EQUAL(close(fd), 0);
	CU_ASSERT_EQUAL(close(ro_fd), 0);
}

static void destroy_twice_does_nothing_the_second_time(void)
{
	struct shmem shmem;

	CU_ASSERT_EQUAL_FATAL(shmem_create(&shmem, "t", LEN, false), 0);
	shmem_destroy(&shmem);
	check_not_held(&shmem);
	shmem_destroy(&shmem);
	check_not_held(&shmem);
}

static const struct unit_test tests[] = {
	{ "create_maps_zeroed_memory", create_maps_zeroed_memory },
	{ "create_seals_size_for_good", create_seals_size_for_good },
	{ "create_bad_len_is_einval", create_bad_len_is_einval },
	{ "create_beyond_ram_and_swap_is_enomem",
	  create_beyond_ram_and_swap_is_enomem },
	{ "create_hugepages_is_usable_whatever_backs_it",
	  create_hugepages_is_usable_whatever_backs_it },
	{ "create_hugepages_smaller_than_one_has_small_pages",
	  create_hugepages_smaller_than_one_has_small_pages },
	{ "map_shows_the_same_memory", map_shows_the_same_memory },
	{ "map_bad_size_is_einval_and_leaves_fd",
	  map_bad_size_is_einval_and_leaves_fd },
	{ "map_something_else_is_error_and_leaves_fd",
	  map_something_else_is_error_and_leaves_fd },
	{ "map_read_only_fd_is_eacces", map_read_only_fd_is_eacces },
	{ "destroy_twice_does_nothing_the_second_time",
	  destroy_twice_does_nothing_the_second_time },
};

UNIT_MAIN("shmem", tests)
