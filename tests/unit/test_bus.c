/* SPDX-License-Identifier: MIT */
/* test_bus.c - does every address reach the right device, or nobody? */
#include "vmm/devices/bus.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/harness.h"

struct spy {
	struct bus_access last;
	uint32_t calls_nr;
	uint64_t answer;
	enum bus_result result;
};

static enum bus_result spy_access(void *arg, struct bus_access *access)
{
	struct spy *spy = arg;

	spy->calls_nr++;
	spy->last = *access;
	if (!access->is_write)
		access->value = spy->answer;
	return spy->result;
}

static uint64_t read_bus(struct bus *bus, uint64_t addr, uint32_t len)
{
	struct bus_access access = { .addr = addr, .len = len };

	(void)bus_access(bus, &access);
	return access.value;
}

static void add_empty_or_wrapping_is_einval(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, 0, spy_access, &spy), -EINVAL);
	CU_ASSERT_EQUAL(bus_add(&bus, UINT64_MAX, 2, spy_access, &spy),
			-EINVAL);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, UINT64_MAX, spy_access, &spy),
			-EINVAL);
	CU_ASSERT_EQUAL(bus.ranges_nr, 0);
}

static void add_at_the_very_top_answers(void)
{
	struct bus bus = { 0 };
	struct spy spy = { .answer = 7 };

	CU_ASSERT_EQUAL(bus_add(&bus, UINT64_MAX - 7, 8, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, UINT64_MAX - 7, 8), 7);
	CU_ASSERT_EQUAL(read_bus(&bus, UINT64_MAX, 1), 7);
	CU_ASSERT_EQUAL(read_bus(&bus, UINT64_MAX - 1, 4), 0xffffffff);
}

static void add_overlapping_is_eexist(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, 0x100, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, 0x100, spy_access, &spy),
			-EEXIST);
	CU_ASSERT_EQUAL(bus_add(&bus, 0xfff, 2, spy_access, &spy), -EEXIST);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x10ff, 1, spy_access, &spy), -EEXIST);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1040, 1, spy_access, &spy), -EEXIST);
	CU_ASSERT_EQUAL(bus_add(&bus, 0, UINT64_MAX, spy_access, &spy),
			-EEXIST);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1100, 1, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0xfff, 1, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus.ranges_nr, 3);
}

static void add_to_a_full_bus_is_enospc(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	for (uint64_t i = 0; i < BUS_RANGES_MAX; i++)
		CU_ASSERT_EQUAL(bus_add(&bus, i * 16, 8, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x9000, 8, spy_access, &spy), -ENOSPC);
	CU_ASSERT_EQUAL(bus_del(&bus, 0), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x9000, 8, spy_access, &spy), 0);
}

static void del_of_no_start_is_enoent(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_del(&bus, 0), -ENOENT);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, 0x100, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_del(&bus, 0x1001), -ENOENT);
	CU_ASSERT_EQUAL(bus_del(&bus, 0xfff), -ENOENT);
	CU_ASSERT_EQUAL(bus_del(&bus, 0x1000), 0);
	CU_ASSERT_EQUAL(bus_del(&bus, 0x1000), -ENOENT);
}

static void access_reaches_its_range_with_its_offset(void)
{
	struct bus bus = { 0 };
	struct spy spies[3] = { 0 };
	struct bus_access store = {
		.addr = 0x3004, .len = 2, .is_write = true, .value = 0x123456
	};

	/* Added out of order. */
	CU_ASSERT_EQUAL(bus_add(&bus, 0x2000, 16, spy_access, &spies[1]), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x3000, 16, spy_access, &spies[2]), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x1000, 16, spy_access, &spies[0]), 0);
	(void)read_bus(&bus, 0x100f, 1);
	CU_ASSERT_EQUAL(spies[0].calls_nr, 1);
	CU_ASSERT_EQUAL(spies[0].last.off, 15);
	CU_ASSERT_EQUAL(bus_access(&bus, &store), BUS_HANDLED);
	CU_ASSERT_EQUAL(spies[2].last.off, 4);
	CU_ASSERT_EQUAL(spies[2].last.value, 0x3456);
	CU_ASSERT_EQUAL(spies[1].calls_nr, 0);
	CU_ASSERT_EQUAL(bus.unclaimed_nr, 0);
}

static void read_is_cut_to_its_width(void)
{
	struct bus bus = { 0 };
	struct spy spy = { .answer = 0x1122334455667788 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0, 16, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 1), 0x88);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 2), 0x7788);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 4), 0x55667788);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 8), 0x1122334455667788);
}

static void unclaimed_read_gives_ones(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };
	struct bus_access access = { .addr = 0x20, .len = 4 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0x10, 16, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_access(&bus, &access), BUS_NOT_MINE);
	CU_ASSERT_EQUAL(access.value, 0xffffffff);
	CU_ASSERT_EQUAL(read_bus(&bus, 0x0, 8), UINT64_MAX);
	CU_ASSERT_EQUAL(read_bus(&bus, 0xf, 1), 0xff);
	CU_ASSERT_EQUAL(bus.unclaimed_nr, 3);
	CU_ASSERT_EQUAL(spy.calls_nr, 0);
}

static void access_over_an_end_is_unclaimed(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0x10, 16, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 0x20, 16, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, 0x1e, 4), 0xffffffff);
	CU_ASSERT_EQUAL(read_bus(&bus, 0xe, 4), 0xffffffff);
	CU_ASSERT_EQUAL(spy.calls_nr, 0);
}

static void odd_width_is_unclaimed(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0, 64, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 0), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 3), 0xffffff);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 7), 0xffffffffffffff);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 16), UINT64_MAX);
	CU_ASSERT_EQUAL(spy.calls_nr, 0);
}

static void not_mine_is_as_if_unclaimed(void)
{
	struct bus bus = { 0 };
	struct spy spy = { .answer = 0, .result = BUS_NOT_MINE };

	CU_ASSERT_EQUAL(bus_add(&bus, 0, 64, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(read_bus(&bus, 0, 2), 0xffff);
	CU_ASSERT_EQUAL(bus.unclaimed_nr, 1);
}

static void reserved_range_is_kept_and_unclaimed(void)
{
	struct bus bus = { 0 };
	struct spy spy = { 0 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0, 64, NULL, NULL), 0);
	CU_ASSERT_EQUAL(bus_add(&bus, 8, 8, spy_access, &spy), -EEXIST);
	CU_ASSERT_EQUAL(read_bus(&bus, 8, 1), 0xff);
}

static void fatal_comes_through(void)
{
	struct bus bus = { 0 };
	struct spy spy = { .result = BUS_FATAL };
	struct bus_access access = { .addr = 0, .len = 1 };

	CU_ASSERT_EQUAL(bus_add(&bus, 0, 1, spy_access, &spy), 0);
	CU_ASSERT_EQUAL(bus_access(&bus, &access), BUS_FATAL);
	CU_ASSERT_EQUAL(bus.unclaimed_nr, 0);
}

#define TEST(name)          \
	{                   \
#name, name \
	}
static const struct unit_test tests[] = {
	TEST(add_empty_or_wrapping_is_einval),
	TEST(add_at_the_very_top_answers),
	TEST(add_overlapping_is_eexist),
	TEST(add_to_a_full_bus_is_enospc),
	TEST(del_of_no_start_is_enoent),
	TEST(access_reaches_its_range_with_its_offset),
	TEST(read_is_cut_to_its_width),
	TEST(unclaimed_read_gives_ones),
	TEST(access_over_an_end_is_unclaimed),
	TEST(odd_width_is_unclaimed),
	TEST(not_mine_is_as_if_unclaimed),
	TEST(reserved_range_is_kept_and_unclaimed),
	TEST(fatal_comes_through),
};

UNIT_MAIN("bus", tests)
