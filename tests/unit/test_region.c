/* SPDX-License-Identifier: MIT */
/* test_region.c - do all peers see one region, and only a good one? */
#include <pthread.h>
#include <string.h>

#include "tests/unit/region_room.h"

static void format_of_an_impossible_length_is_einval(void)
{
	static const uint64_t lens[] = {
		0, 1, 2048, 4095, 4097, 12288, UINT64_MAX, (1ull << 63) + 4096
	};

	mem = guarded_map(TINY_LEN);
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		CU_ASSERT_EQUAL(region_format(mem, lens[i]), -SHM_EINVAL);
		CU_ASSERT_EQUAL(region_attach(&region, mem, lens[i]),
				-SHM_EINVAL);
		CU_ASSERT_PTR_NULL(region.base);
	}
	guarded_unmap(mem, TINY_LEN);
}

static void raw_memory_is_not_ready(void)
{
	mem = guarded_map(TINY_LEN);
	CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN), -SHM_ENOTREADY);
	CU_ASSERT_PTR_NULL(region.base);
	guarded_unmap(mem, TINY_LEN);
}

static void memory_being_formatted_is_not_ready(void)
{
	struct region_header *h = mem = guarded_map(TINY_LEN);

	h->state = REGION_FORMATTING;
	CU_ASSERT_EQUAL(region_format(mem, TINY_LEN), -SHM_ENOTREADY);
	CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN), -SHM_ENOTREADY);
	CU_ASSERT_EQUAL(h->magic, 0);
	guarded_unmap(mem, TINY_LEN);
}

static void formatting_twice_leaves_the_first_in_place(void)
{
	struct region_info info;
	uint64_t off;

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(create("kept", 64, &off), 0);
	CU_ASSERT_EQUAL(region_format(mem, TINY_LEN), 0);
	CU_ASSERT_EQUAL(find("kept", &info), 0);
	close_region();
}

static void create_formats_and_attaches_or_says_why_not(void)
{
	mem = guarded_map(TINY_LEN);
	CU_ASSERT_EQUAL(region_create(&region, mem, TINY_LEN), 0);
	CU_ASSERT_PTR_EQUAL(region.base, mem);
	CU_ASSERT_EQUAL(region_create(&region, mem, TINY_LEN - 1), -SHM_EINVAL);
	((struct region_header *)mem)->state = REGION_FORMATTING;
	CU_ASSERT_EQUAL(region_create(&region, mem, TINY_LEN), -SHM_ENOTREADY);
	guarded_unmap(mem, TINY_LEN);
}

static void geometry_leaves_room_for_data_at_every_length(void)
{
	for (uint64_t len = TINY_LEN; len <= 16 * LARGE_LEN; len *= 2) {
		const struct region_header *h;

		open_region(len);
		h = mem;
		CU_ASSERT_EQUAL(h->region_len, len);
		CU_ASSERT_EQUAL(h->header_len, 256);
		CU_ASSERT_EQUAL(h->peers_off, 256);
		CU_ASSERT_EQUAL(h->channels_off,
				h->peers_off + h->peers_nr * 4ull);
		CU_ASSERT(h->data_off >=
			  h->channels_off + h->channels_nr * 64ull);
		CU_ASSERT(h->data_off <= len / 2);
		CU_ASSERT_EQUAL(h->used_off, h->data_off);
		CU_ASSERT_EQUAL(region.peers_nr, h->peers_nr);
		CU_ASSERT_EQUAL(region.channels_nr, h->channels_nr);
		CU_ASSERT_EQUAL(region.data_off, h->data_off);
		close_region();
	}
}

static void *format_thread(void *arg)
{
	int err;

	do {
		err = region_format(arg, TINY_LEN);
	} while (err == -SHM_ENOTREADY);
	return err ? arg : NULL;
}

static void two_formatters_agree_on_one_region(void)
{
	void *result;

	for (int round = 0; round < 200; round++) {
		pthread_t other;

		mem = guarded_map(TINY_LEN);
		CU_ASSERT_EQUAL_FATAL(
			pthread_create(&other, NULL, format_thread, mem), 0);
		CU_ASSERT_PTR_NULL(format_thread(mem));
		/* Whoever it was, now it is ready. */
		CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN), 0);
		CU_ASSERT_EQUAL(pthread_join(other, &result), 0);
		CU_ASSERT_PTR_NULL(result);
		guarded_unmap(mem, TINY_LEN);
	}
}

static void peer_states_are_kept_and_ids_beyond_the_table_unknown(void)
{
	static const uint32_t beyond[] = { 64, 65, 65535, UINT32_MAX };

	open_region(TINY_LEN);
	CU_ASSERT_EQUAL(region.peers_nr, 64);
	CU_ASSERT_EQUAL(region_peer(&region, 63), REGION_PEER_UNKNOWN);
	region_peer_set(&region, 63, REGION_PEER_ALIVE);
	CU_ASSERT_EQUAL(region_peer(&region, 63), REGION_PEER_ALIVE);
	region_peer_set(&region, 63, REGION_PEER_GONE);
	CU_ASSERT_EQUAL(region_peer(&region, 63), REGION_PEER_GONE);
	CU_ASSERT_EQUAL(region_peer(&region, 62), REGION_PEER_UNKNOWN);
	for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
		region_peer_set(&region, beyond[i], REGION_PEER_ALIVE);
		CU_ASSERT_EQUAL(region_peer(&region, beyond[i]),
				REGION_PEER_UNKNOWN);
	}
	/* The directory stands right behind the table. */
	CU_ASSERT_EQUAL(region.channels[0].state, REGION_CHANNEL_FREE);
	close_region();
}

static void peer_state_that_is_none_is_unknown(void)
{
	open_region(TINY_LEN);
	region.peers[0] = 3;
	region.peers[1] = UINT32_MAX;
	CU_ASSERT_EQUAL(region_peer(&region, 0), REGION_PEER_UNKNOWN);
	CU_ASSERT_EQUAL(region_peer(&region, 1), REGION_PEER_UNKNOWN);
	close_region();
}

static void header_with_one_wrong_field_is_a_named_error(void)
{
	/* Offset, width in bytes, error: the fields of version 1. */
	static const struct {
		uint32_t off, len;
		int err;
	} fields[] = {
		{ offsetof(struct region_header, magic), 8, -SHM_EVERSION },
		{ offsetof(struct region_header, version), 4, -SHM_EVERSION },
		{ offsetof(struct region_header, header_len), 4, -SHM_EPEER },
		{ offsetof(struct region_header, region_len), 8, -SHM_EPEER },
		{ offsetof(struct region_header, peers_nr), 4, -SHM_EPEER },
		{ offsetof(struct region_header, channels_nr), 4, -SHM_EPEER },
		{ offsetof(struct region_header, peers_off), 8, -SHM_EPEER },
		{ offsetof(struct region_header, channels_off), 8, -SHM_EPEER },
		{ offsetof(struct region_header, data_off), 8, -SHM_EPEER },
	};

	open_region(TINY_LEN);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		for (uint32_t bit = 0; bit < fields[i].len * 8; bit++) {
			uint8_t *byte = (uint8_t *)mem + fields[i].off +
					bit / 8;

			*byte ^= (uint8_t)(1u << bit % 8);
			CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN),
					fields[i].err);
			CU_ASSERT_PTR_NULL(region.base);
			*byte ^= (uint8_t)(1u << bit % 8);
		}
	}
	CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN), 0);
	close_region();
}

static void state_that_is_none_is_epeer(void)
{
	static const uint32_t states[] = { 3, 4, 0x102, UINT32_MAX };

	open_region(TINY_LEN);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		((struct region_header *)mem)->state = states[i];
		CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN),
				-SHM_EPEER);
	}
	close_region();
}

static void region_of_another_length_is_epeer(void)
{
	mem = guarded_map(LARGE_LEN);
	CU_ASSERT_EQUAL(region_format(mem, LARGE_LEN / 2), 0);
	for (uint64_t len = TINY_LEN; len <= LARGE_LEN; len *= 2)
		CU_ASSERT_EQUAL(region_attach(&region, mem, len),
				len == LARGE_LEN / 2 ? 0 : -SHM_EPEER);
	guarded_unmap(mem, LARGE_LEN);
}

static void attach_to_random_bytes_is_an_error_or_safe(void)
{
	uint64_t seed = 0x1715;
	uint64_t *words = mem = guarded_map(TINY_LEN);

	for (int round = 0; round < 300; round++) {
		struct region_info info;
		uint64_t off;

		for (uint32_t i = 0; i < TINY_LEN / 8; i++) {
			seed = seed * 6364136223846793005ull +
			       1442695040888963407ull;
			words[i] = seed ^ seed >> 29;
		}
		CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN),
				-SHM_EVERSION);
		/* A good header before a random directory. */
		memset(mem, 0, sizeof(struct region_header));
		CU_ASSERT_EQUAL(region_format(mem, TINY_LEN), 0);
		CU_ASSERT_EQUAL(region_attach(&region, mem, TINY_LEN), 0);
		for (uint32_t i = 0; i < region.channels_nr; i++) {
			int err = region_channel_at(&region, i, &info);

			CU_ASSERT(err == -SHM_ENOENT || err == -SHM_EPEER);
		}
		CU_ASSERT_NOT_EQUAL(find("name", &info), 0);
		CU_ASSERT_NOT_EQUAL(create("name", 64, &off), 0);
	}
	guarded_unmap(mem, TINY_LEN);
}

static void every_error_has_a_sentence(void)
{
	for (int err = -SHM_ERR_NR; err <= SHM_ERR_NR; err++) {
		const char *text = shm_strerror(err);

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT(*text != '\0');
		CU_ASSERT_PTR_EQUAL(text, shm_strerror(-err));
		CU_ASSERT_EQUAL(!strcmp(text, "unknown error"),
				err == SHM_ERR_NR || err == -SHM_ERR_NR);
	}
	CU_ASSERT_STRING_EQUAL(shm_strerror(INT32_MIN), "unknown error");
	CU_ASSERT_STRING_EQUAL(shm_strerror(INT32_MAX), "unknown error");
	CU_ASSERT_STRING_EQUAL(shm_strerror(-SHM_EFULL), "no room left");
}

static const struct unit_test tests[] = {
	{ "format_of_an_impossible_length_is_einval",
	  format_of_an_impossible_length_is_einval },
	{ "raw_memory_is_not_ready", raw_memory_is_not_ready },
	{ "memory_being_formatted_is_not_ready",
	  memory_being_formatted_is_not_ready },
	{ "formatting_twice_leaves_the_first_in_place",
	  formatting_twice_leaves_the_first_in_place },
	{ "create_formats_and_attaches_or_says_why_not",
	  create_formats_and_attaches_or_says_why_not },
	{ "geometry_leaves_room_for_data_at_every_length",
	  geometry_leaves_room_for_data_at_every_length },
	{ "two_formatters_agree_on_one_region",
	  two_formatters_agree_on_one_region },
	{ "peer_states_are_kept_and_ids_beyond_the_table_unknown",
	  peer_states_are_kept_and_ids_beyond_the_table_unknown },
	{ "peer_state_that_is_none_is_unknown",
	  peer_state_that_is_none_is_unknown },
	{ "header_with_one_wrong_field_is_a_named_error",
	  header_with_one_wrong_field_is_a_named_error },
	{ "state_that_is_none_is_epeer", state_that_is_none_is_epeer },
	{ "region_of_another_length_is_epeer",
	  region_of_another_length_is_epeer },
	{ "attach_to_random_bytes_is_an_error_or_safe",
	  attach_to_random_bytes_is_an_error_or_safe },
	{ "every_error_has_a_sentence", every_error_has_a_sentence },
};

UNIT_MAIN("region", tests)
