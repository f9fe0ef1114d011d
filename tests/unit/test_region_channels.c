/* SPDX-License-Identifier: MIT */
/* test_region_channels.c - do honest peers find each other's channels? */
#include <pthread.h>
#include <stdio.h>

#include "tests/unit/region_room.h"

static int refuse(void *arg, void *bytes, uint64_t len)
{
	(void)arg;
	(void)bytes;
	(void)len;
	return -SHM_EIO;
}

static void channel_is_found_as_it_was_created(void)
{
	struct region_info info;
	const uint8_t *bytes;
	uint64_t off = 0;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(find("ch", &info), -SHM_ENOENT);
	CU_ASSERT_EQUAL(create("ch", 100, &off), 0);
	CU_ASSERT_EQUAL(find("ch", &info), 0);
	CU_ASSERT_EQUAL(info.kind, REGION_KIND_SPSC);
	CU_ASSERT_EQUAL(info.creator, CREATOR_ID);
	CU_ASSERT_EQUAL(info.off, off);
	CU_ASSERT_EQUAL(info.len, 100);
	CU_ASSERT_STRING_EQUAL(info.name, "ch");
	bytes = (uint8_t *)mem + off;
	CU_ASSERT_EQUAL(bytes[0], 0xc5);
	CU_ASSERT_EQUAL(bytes[99], 0xc5);
	CU_ASSERT_EQUAL(bytes[100], 0);
	CU_ASSERT_EQUAL(create("ch", 64, &off), -SHM_EEXIST);
	CU_ASSERT_EQUAL(region_channel_find(&region, "ch", 2, &info),
			-SHM_EINVAL);
	close_region();
}

static void channels_are_aligned_and_apart(void)
{
	static const struct {
		uint64_t region_len, step;
	} cases[] = { { TINY_LEN, 64 },
		      { 32768, 64 },
		      { 65536, 4096 },
		      { LARGE_LEN, 4096 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t a, b, c;

		open_region(cases[i].region_len);
		CU_ASSERT_EQUAL(create("a", 1, &a), 0);
		CU_ASSERT_EQUAL(create("b", cases[i].step + 1, &b), 0);
		CU_ASSERT_EQUAL(create("c", cases[i].step, &c), 0);
		CU_ASSERT_EQUAL(a, region.data_off);
		CU_ASSERT_EQUAL(a % cases[i].step, 0);
		CU_ASSERT_EQUAL(b, a + cases[i].step);
		CU_ASSERT_EQUAL(c, b + 2 * cases[i].step);
		close_region();
	}
}

static void name_that_is_none_is_einval(void)
{
	static const char *const names[] = {
		"",
		" ",
		"two words",
		"tab\t",
		"line\n",
		"\x7f",
		"\x80",
		"\xff",
		"\x01",
		"umlaut\xc3\xa4",
		"12345678901234567890123456789012", /* 32 */
		"a name that is so long that it would fill the next entry too",
	};
	uint64_t off;

	open_region(TINY_LEN);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		CU_ASSERT_EQUAL(create(names[i], 64, &off), -SHM_EINVAL);
	for (uint32_t i = 0; i < region.channels_nr; i++)
		CU_ASSERT_EQUAL(region.channels[i].state, REGION_CHANNEL_FREE);
	close_region();
}

static void name_of_31_characters_fits(void)
{
	static const char name[] = "~234567890123456789012345678901";
	struct region_info info;
	uint64_t off;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(create(name, 64, &off), 0);
	CU_ASSERT_EQUAL(find(name, &info), 0);
	CU_ASSERT_STRING_EQUAL(info.name, name);
	/* One more character is another name. */
	CU_ASSERT_EQUAL(find("~2345678901234567890123456789012", &info),
			-SHM_ENOENT);
	CU_ASSERT_EQUAL(find("~23456789012345678901234567890", &info),
			-SHM_ENOENT);
	close_region();
}

static void length_of_nothing_or_more_than_the_region_is_einval(void)
{
	uint64_t off;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(create("x", 0, &off), -SHM_EINVAL);
	CU_ASSERT_EQUAL(create("x", TINY_LEN + 1, &off), -SHM_EINVAL);
	CU_ASSERT_EQUAL(create("x", UINT64_MAX, &off), -SHM_EINVAL);
	close_region();
}

static void full_region_is_efull_and_the_last_byte_usable(void)
{
	uint64_t room, off;

	open_region(TINY_LEN);
	room = TINY_LEN - region.data_off;
	CU_ASSERT_EQUAL(create("too-much", room + 1, &off), -SHM_EFULL);
	CU_ASSERT_EQUAL(create("all", room, &off), 0);
	CU_ASSERT_EQUAL(off + room, TINY_LEN);
	CU_ASSERT_EQUAL(create("more", 1, &off), -SHM_EFULL);
	close_region();
}

static void full_directory_is_efull_and_all_are_found(void)
{
	struct region_info info;
	char name[24];
	uint64_t off;

	open_region(TINY_LEN);
	for (uint32_t i = 0; i < region.channels_nr; i++) {
		(void)snprintf(name, sizeof(name), "channel%u", i);
		CU_ASSERT_EQUAL(create(name, 64, &off), 0);
	}
	CU_ASSERT_EQUAL(create("late", 64, &off), -SHM_EFULL);
	CU_ASSERT_EQUAL(find("late", &info), -SHM_ENOENT);
	for (uint32_t i = 0; i < region.channels_nr; i++) {
		(void)snprintf(name, sizeof(name), "channel%u", i);
		CU_ASSERT_EQUAL(find(name, &info), 0);
		CU_ASSERT_EQUAL(create(name, 64, &off), -SHM_EEXIST);
		CU_ASSERT_EQUAL(region_channel_at(&region, i, &info), 0);
	}
	CU_ASSERT_EQUAL(region_channel_at(&region, region.channels_nr, &info),
			-SHM_ENOENT);
	CU_ASSERT_EQUAL(region_channel_at(&region, UINT32_MAX, &info),
			-SHM_ENOENT);
	close_region();
}

static void names_of_one_hash_are_two_channels(void)
{
	/* Found by search: their hashes agree in the upper 24 bits. */
	static const char *const names[] = { "ring-2137", "ring-52792" };
	struct region_info info;
	uint64_t off[2];
	uint32_t alike = 0;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(create(names[0], 64, &off[0]), 0);
	CU_ASSERT_EQUAL(find(names[1], &info), -SHM_ENOENT);
	CU_ASSERT_EQUAL(create(names[1], 64, &off[1]), 0);
	for (uint32_t i = 0; i < region.channels_nr; i++)
		for (uint32_t j = 0; j < i; j++)
			alike += region.channels[i].state &&
				 region.channels[i].state ==
					 region.channels[j].state;
	CU_ASSERT_EQUAL(alike, 1);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(find(names[i], &info), 0);
		CU_ASSERT_EQUAL(info.off, off[i]);
		CU_ASSERT_EQUAL(create(names[i], 64, &off[i]), -SHM_EEXIST);
	}
	close_region();
}

static void creation_that_fails_hides_the_name_and_nothing_else(void)
{
	struct region_info info;
	uint64_t off;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(create("ring-2137", 64, &off), 0);
	CU_ASSERT_EQUAL(region_channel_create(&region, "ring-52792",
					      REGION_KIND_SPSC, 64, CREATOR_ID,
					      refuse, NULL, &off),
			-SHM_EIO);
	CU_ASSERT_EQUAL(find("ring-52792", &info), -SHM_ENOENT);
	CU_ASSERT_EQUAL(find("ring-2137", &info), 0);
	/* A second try gets another slot. */
	CU_ASSERT_EQUAL(create("ring-52792", 64, &off), 0);
	CU_ASSERT_EQUAL(find("ring-52792", &info), 0);
	close_region();
}

static void *create_thread(void *arg)
{
	static const char *const names[] = { "one", "two", "three", "four" };
	uint32_t *made = arg; /* a bit for each */

	for (uint32_t i = 0; i < 4; i++) {
		uint64_t off;
		int err = create(names[i], 64, &off);

		if (!err)
			*made |= 1u << i;
		else if (err != -SHM_EEXIST)
			*made |= 0x100u;
	}
	return NULL;
}

static void two_creators_of_a_name_make_one_channel(void)
{
	for (int round = 0; round < 100; round++) {
		pthread_t other;
		uint32_t ours = 0, theirs = 0;

		open_region(TINY_LEN);
		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&other, NULL, create_thread, &theirs),
			0);
		(void)create_thread(&ours);
		CU_ASSERT_EQUAL(pthread_join(other, NULL), 0);
		CU_ASSERT_EQUAL(ours ^ theirs, 0xf);
		CU_ASSERT_EQUAL(ours & theirs, 0);
		close_region();
	}
}

static const struct unit_test tests[] = {
	{ "channel_is_found_as_it_was_created",
	  channel_is_found_as_it_was_created },
	{ "channels_are_aligned_and_apart", channels_are_aligned_and_apart },
	{ "name_that_is_none_is_einval", name_that_is_none_is_einval },
	{ "name_of_31_characters_fits", name_of_31_characters_fits },
	{ "length_of_nothing_or_more_than_the_region_is_einval",
	  length_of_nothing_or_more_than_the_region_is_einval },
	{ "full_region_is_efull_and_the_last_byte_usable",
	  full_region_is_efull_and_the_last_byte_usable },
	{ "full_directory_is_efull_and_all_are_found",
	  full_directory_is_efull_and_all_are_found },
	{ "names_of_one_hash_are_two_channels",
	  names_of_one_hash_are_two_channels },
	{ "creation_that_fails_hides_the_name_and_nothing_else",
	  creation_that_fails_hides_the_name_and_nothing_else },
	{ "two_creators_of_a_name_make_one_channel",
	  two_creators_of_a_name_make_one_channel },
};

UNIT_MAIN("region_channels", tests)
