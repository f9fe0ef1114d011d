/* SPDX-License-Identifier: MIT */
/* test_region_hostile.c - what can a peer do by scribbling the directory? */
#include "tests/unit/region_room.h"

#define NAME "victim"

/* The directory entry of NAME. */
static struct region_channel *victim(void)
{
	uint64_t off;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL_FATAL(create(NAME, 64, &off), 0);
	for (uint32_t i = 0; i < region.channels_nr; i++)
		if (region.channels[i].state)
			return &region.channels[i];
	CU_FAIL_FATAL("no entry");
	return NULL;
}

/* Both ways to look must call the entry garbage, and none may use it. */
static void expect_garbage(const struct region_channel *ch)
{
	uint32_t slot = (uint32_t)(ch - region.channels);
	struct region_info info;
	uint64_t off;

	CU_ASSERT_EQUAL(region_channel_at(&region, slot, &info), -SHM_EPEER);
	CU_ASSERT_EQUAL(find(NAME, &info), -SHM_EPEER);
	CU_ASSERT_EQUAL(create(NAME, 64, &off), -SHM_EPEER);
}

static void place_outside_the_data_area_is_epeer(void)
{
	static const struct {
		uint64_t off, len;
	} places[] = {
		{ 0, 64 },   /* the header */
		{ 512, 64 }, /* the directory */
		{ 1023, 1 },
		{ 960, 64 },
		{ 4096, 64 },
		{ 4032, 65 },
		{ 1024, 3073 },
		{ 1024, UINT64_MAX },
		{ 1024, UINT64_MAX - 1023 }, /* the sum wraps to 0 */
		{ 4032, UINT64_MAX - 63 },
		{ UINT64_MAX - 63, 64 },
		{ UINT64_MAX - 63, 128 },
		{ 1ull << 63, 1ull << 63 },
		{ 1025, 64 }, /* not aligned */
		{ 1056, 64 },
		{ 1088, 0 }, /* nothing */
		{ 4096, 0 },
	};
	struct region_channel *ch = victim();

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		ch->off = places[i].off;
		ch->len = places[i].len;
		expect_garbage(ch);
	}
	close_region();
}

static void name_that_is_none_is_epeer(void)
{
	static const char *const names[] = {
		"", " ", "\n", "\x1b[2J", "vic\x80tim", "vic tim", "\x7f",
	};
	struct region_channel *ch = victim();

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		memset(ch->name, 0, sizeof(ch->name));
		memcpy(ch->name, names[i], strlen(names[i]));
		expect_garbage(ch);
	}
	close_region();
}

static void name_without_end_is_epeer(void)
{
	struct region_channel *ch = victim();

	memset(ch->name, 'a', sizeof(ch->name));
	expect_garbage(ch);
	close_region();
}

static void kind_of_another_is_einval_and_listed_as_it_is(void)
{
	struct region_channel *ch = victim();
	struct region_info info;

	ch->kind = UINT32_MAX;
	CU_ASSERT_EQUAL(find(NAME, &info), -SHM_EINVAL);
	CU_ASSERT_EQUAL(region_channel_at(&region,
					  (uint32_t)(ch - region.channels),
					  &info),
			0);
	CU_ASSERT_EQUAL(info.kind, UINT32_MAX);
	close_region();
}

static void state_that_is_none_hides_the_entry(void)
{
	struct region_channel *ch = victim();
	uint32_t hash = ch->state & ~0xffu;
	struct region_info info;
	uint64_t off;

	for (uint32_t low = 5; low < 256; low += 9) {
		ch->state = hash | low;
		CU_ASSERT_EQUAL(find(NAME, &info), -SHM_ENOENT);
		/* No second one behind it, which nobody would find. */
		CU_ASSERT_EQUAL(create(NAME, 64, &off), -SHM_EPEER);
	}
	close_region();
}

static void claim_for_ever_is_not_ready(void)
{
	struct region_channel *ch = victim();
	struct region_info info;
	uint64_t off;

	ch->state = (ch->state & ~0xffu) | REGION_CHANNEL_CLAIMED;
	CU_ASSERT_EQUAL(find(NAME, &info), -SHM_ENOENT);
	CU_ASSERT_EQUAL(region_channel_at(&region,
					  (uint32_t)(ch - region.channels),
					  &info),
			-SHM_ENOENT);
	CU_ASSERT_EQUAL(create(NAME, 64, &off), -SHM_ENOTREADY);
	/* Other names go on. */
	CU_ASSERT_EQUAL(create("bystander", 64, &off), 0);
	CU_ASSERT_EQUAL(find("bystander", &info), 0);
	close_region();
}

static void directory_of_claims_is_full_not_a_hang(void)
{
	struct region_info info;
	uint64_t off;

	open_region(TINY_LEN);
	for (uint32_t i = 0; i < region.channels_nr; i++)
		region.channels[i].state = 0x12345600u | REGION_CHANNEL_CLAIMED;
	CU_ASSERT_EQUAL(create(NAME, 64, &off), -SHM_EFULL);
	CU_ASSERT_EQUAL(find(NAME, &info), -SHM_ENOENT);
	close_region();
}

static void used_bytes_that_cannot_be_are_epeer(void)
{
	static const uint64_t used[] = {
		0,    64,   960,	1023, 1025,
		4097, 4160, UINT64_MAX, 1056, UINT64_MAX - 63,
	};
	struct region_info info;
	uint64_t off;

	for (size_t i = 0; i < sizeof(used) / sizeof(*used); i++) {
		open_region(TINY_LEN);
		((struct region_header *)mem)->used_off = used[i];
		CU_ASSERT_EQUAL(create(NAME, 64, &off), -SHM_EPEER);
		CU_ASSERT_EQUAL(find(NAME, &info), -SHM_ENOENT);
		close_region();
	}
}

static void header_scribbled_after_attach_changes_nothing(void)
{
	struct region_info info;
	uint64_t off;

	open_region(TINY_LEN);
	memset(mem, 0xff, offsetof(struct region_header, state));
	CU_ASSERT_EQUAL(create(NAME, 64, &off), 0);
	CU_ASSERT_EQUAL(off, 1024);
	CU_ASSERT_EQUAL(find(NAME, &info), 0);
	CU_ASSERT_EQUAL(region_peer(&region, 63), REGION_PEER_UNKNOWN);
	close_region();
}

static const struct unit_test tests[] = {
	{ "place_outside_the_data_area_is_epeer",
	  place_outside_the_data_area_is_epeer },
	{ "name_that_is_none_is_epeer", name_that_is_none_is_epeer },
	{ "name_without_end_is_epeer", name_without_end_is_epeer },
	{ "kind_of_another_is_einval_and_listed_as_it_is",
	  kind_of_another_is_einval_and_listed_as_it_is },
	{ "state_that_is_none_hides_the_entry",
	  state_that_is_none_hides_the_entry },
	{ "claim_for_ever_is_not_ready", claim_for_ever_is_not_ready },
	{ "directory_of_claims_is_full_not_a_hang",
	  directory_of_claims_is_full_not_a_hang },
	{ "used_bytes_that_cannot_be_are_epeer",
	  used_bytes_that_cannot_be_are_epeer },
	{ "header_scribbled_after_attach_changes_nothing",
	  header_scribbled_after_attach_changes_nothing },
};

UNIT_MAIN("region_hostile", tests)
