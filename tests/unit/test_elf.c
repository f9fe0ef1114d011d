/* SPDX-License-Identifier: MIT */
/* test_elf.c - is a good image loaded byte by byte, and a bad one named? */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "tests/unit/elf_file.h"

static void good_image_is_loaded_byte_by_byte(void)
{
	struct elf_image image;
	const uint8_t *text, *data;

	file_good();
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), &image), 0);
	CU_ASSERT_EQUAL(image.entry_gpa, TEXT_GPA + 16);
	CU_ASSERT_EQUAL(image.end_gpa, DATA_GPA + DATA_LEN + BSS_LEN);
	text = memory_range(&memory, TEXT_GPA, TEXT_LEN);
	data = memory_range(&memory, DATA_GPA, DATA_LEN + BSS_LEN);
	CU_ASSERT_EQUAL(memcmp(text, file.text, TEXT_LEN), 0);
	CU_ASSERT_EQUAL(memcmp(data, file.data, DATA_LEN), 0);
	/* Nothing else was touched. */
	for (uint64_t i = 0; i < RAM_LEN; i++) {
		bool loaded = (i >= TEXT_GPA && i < TEXT_GPA + TEXT_LEN) ||
			      (i >= DATA_GPA && i < DATA_GPA + DATA_LEN);

		if (!loaded && memory.hva[i])
			CU_FAIL_FATAL("a byte outside the segments");
	}
	memory_destroy(&memory);
}

static void segment_that_fills_ram_to_its_end_is_loaded(void)
{
	struct elf_image image;

	file_good();
	file.segs[2].p_paddr = RAM_LEN - DATA_LEN;
	file.segs[2].p_memsz = DATA_LEN;
	CU_ASSERT_EQUAL(file_load(sizeof(file), &image), 0);
	CU_ASSERT_EQUAL(image.end_gpa, RAM_LEN);
	CU_ASSERT_EQUAL(memory.hva[RAM_LEN - 1], file.data[DATA_LEN - 1]);
	memory_destroy(&memory);
}

static void segments_that_touch_are_loaded_in_any_order(void)
{
	struct elf_image image;

	file_good();
	file.segs[2].p_paddr = TEXT_GPA + TEXT_LEN;
	file.segs[1] = file.segs[0];
	file.segs[0] = file.segs[2];
	file.segs[2] = (Elf64_Phdr){ .p_type = PT_NULL };
	CU_ASSERT_EQUAL(file_load(sizeof(file), &image), 0);
	CU_ASSERT_EQUAL(image.end_gpa,
			TEXT_GPA + TEXT_LEN + DATA_LEN + BSS_LEN);
	CU_ASSERT_EQUAL(memory.hva[TEXT_GPA + TEXT_LEN], file.data[0]);
	memory_destroy(&memory);
}

static void segment_of_no_bytes_counts_for_nothing(void)
{
	file_good();
	file.segs[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
				     .p_offset = UINT64_MAX };
	CU_ASSERT_EQUAL(file_error(), 0);
}

static void truncated_file_is_enoexec_at_every_length(void)
{
	file_good();
	for (size_t len = 0; len < sizeof(file); len++) {
		struct elf_image image;
		int err = file_load(len, &image);

		memory_destroy(&memory);
		if (err == -ENOEXEC)
			continue;
		/* Padding at the end may be missing. */
		CU_ASSERT(len >= offsetof(struct elf_file, data) + DATA_LEN);
		CU_ASSERT_EQUAL(err, 0);
	}
}

static void what_is_not_a_file_is_a_named_error(void)
{
	struct elf_image image;

	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL(elf_load("/nowhere/guest.elf", &memory, &image),
			-ENOENT);
	CU_ASSERT_EQUAL(elf_load("", &memory, &image), -ENOENT);
	CU_ASSERT_EQUAL(elf_load("/dev/null/x", &memory, &image), -ENOTDIR);
	CU_ASSERT_EQUAL(elf_load("/", &memory, &image), -ENOEXEC);
	CU_ASSERT_EQUAL(elf_load("/dev/zero", &memory, &image), -ENOEXEC);
	memory_destroy(&memory);
}

static void fifo_without_a_writer_is_enoexec_not_a_hang(void)
{
	const char *tmp = getenv("TMPDIR");
	struct elf_image image;

	(void)snprintf(path, sizeof(path), "%s/ivlab-elf-fifo-%d",
		       tmp && strlen(tmp) < 90 ? tmp : "/tmp", getpid());
	CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	CU_ASSERT_EQUAL(elf_load(path, &memory, &image), -ENOEXEC);
	memory_destroy(&memory);
	unlink(path);
}

static void script_is_enoexec(void)
{
	file_good();
	memcpy(&file, "#!/bin/sh\n", 10);
	CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
}

static void wrong_identification_is_enoexec(void)
{
	static const struct {
		int at;
		uint8_t value;
	} bad[] = { { EI_MAG0, 0 },	      { EI_MAG1, 'e' },
		    { EI_MAG3, 0 },	      { EI_CLASS, ELFCLASSNONE },
		    { EI_CLASS, ELFCLASS32 }, { EI_CLASS, 3 },
		    { EI_DATA, ELFDATANONE }, { EI_DATA, ELFDATA2MSB },
		    { EI_VERSION, 0 },	      { EI_VERSION, 2 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		file_good();
		file.eh.e_ident[bad[i].at] = bad[i].value;
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
}

static void wrong_machine_or_type_is_enoexec(void)
{
	static const uint16_t machines[] = { EM_NONE, EM_386, EM_AARCH64,
					     UINT16_MAX };
	static const uint16_t types[] = { ET_NONE, ET_REL, ET_DYN, ET_CORE,
					  UINT16_MAX };

	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		file_good();
		file.eh.e_machine = machines[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		file_good();
		file.eh.e_type = types[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
}

static void wrong_program_header_table_is_enoexec(void)
{
	static const uint16_t counts[] = { 0, 65, 1000, PN_XNUM };
	static const uint16_t lens[] = { 0, 1, 55, 57, 112, UINT16_MAX };
	static const uint64_t offs[] = {
		sizeof(file) - 1, sizeof(file),	   1ull << 40, INT64_MAX,
		1ull << 63,	  UINT64_MAX - 55, UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		file_good();
		file.eh.e_phnum = counts[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		file_good();
		file.eh.e_phentsize = lens[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
	for (size_t i = 0; i < sizeof(offs) / sizeof(*offs); i++) {
		file_good();
		file.eh.e_phoff = offs[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
}

static void image_without_a_segment_to_load_is_enoexec(void)
{
	file_good();
	file.segs[0].p_type = PT_DYNAMIC;
	file.segs[2].p_type = PT_GNU_STACK;
	CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	file_good();
	file.eh.e_phnum = 1;
	file.segs[0].p_filesz = 0;
	file.segs[0].p_memsz = 0;
	CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
}

static void more_file_bytes_than_memory_is_enoexec(void)
{
	static const uint64_t lens[] = { 0, 1, DATA_LEN - 1 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		file_good();
		file.segs[2].p_memsz = lens[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
	file_good();
	file.segs[2].p_filesz = UINT64_MAX;
	CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
}

static void segment_bytes_beyond_the_file_are_enoexec(void)
{
	static const uint64_t offs[] = {
		sizeof(file) - DATA_LEN + 8,
		sizeof(file),
		1ull << 40,
		INT64_MAX - 8,
		INT64_MAX,
		1ull << 63,
		UINT64_MAX - DATA_LEN + 1,
		UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(offs) / sizeof(*offs); i++) {
		file_good();
		file.segs[2].p_offset = offs[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
}

static void segment_outside_ram_or_below_images_is_einval(void)
{
	static const struct {
		uint64_t gpa, len;
	} places[] = {
		{ 0, DATA_LEN },
		{ MAP_BOOT_INFO_GPA, DATA_LEN },
		{ MAP_TABLES_GPA, DATA_LEN },
		{ MAP_IMAGE_GPA - 1, DATA_LEN },
		{ MAP_IMAGE_GPA - DATA_LEN, DATA_LEN },
		{ RAM_LEN, DATA_LEN },
		{ RAM_LEN - 1, DATA_LEN },
		{ RAM_LEN - DATA_LEN, DATA_LEN + 1 },
		{ RAM_LEN + 1, DATA_LEN },
		{ MAP_IMAGE_GPA + 0x1000, RAM_LEN },
		{ MAP_IMAGE_GPA + 0x1000, UINT64_MAX },
		{ MAP_IMAGE_GPA + 0x1000, 0 - (MAP_IMAGE_GPA + 0x1000) },
		{ MAP_PCI32_GPA, DATA_LEN },
		{ MAP_PCI64_GPA, DATA_LEN },
		{ UINT64_MAX - DATA_LEN + 1, DATA_LEN }, /* the sum wraps */
		{ UINT64_MAX - 4095, 8192 },
		{ UINT64_MAX, DATA_LEN },
		{ 1ull << 63, 1ull << 63 },
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		file_good();
		file.segs[2].p_paddr = places[i].gpa;
		file.segs[2].p_memsz = places[i].len;
		CU_ASSERT_EQUAL(file_error(), -EINVAL);
	}
}

static void segments_that_overlap_are_einval(void)
{
	static const struct {
		uint64_t gpa, len;
	} places[] = {
		{ TEXT_GPA, TEXT_LEN }, /* the same */
		{ TEXT_GPA, 0x2000 },
		{ TEXT_GPA + TEXT_LEN - 1, DATA_LEN },
		{ TEXT_GPA + 10, DATA_LEN }, /* inside */
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		file_good();
		file.segs[2].p_paddr = places[i].gpa;
		file.segs[2].p_memsz = places[i].len;
		CU_ASSERT_EQUAL(file_error(), -EINVAL);
		/* The other way round as well. */
		file.segs[1] = file.segs[0];
		file.segs[0] = file.segs[2];
		file.segs[2] = (Elf64_Phdr){ .p_type = PT_NULL };
		CU_ASSERT_EQUAL(file_error(), -EINVAL);
	}
}

static void entry_outside_executable_segments_is_enoexec(void)
{
	static const uint64_t entries[] = {
		0,	 TEXT_GPA - 1, TEXT_GPA + TEXT_LEN, DATA_GPA,
		RAM_LEN, 1ull << 47,   UINT64_MAX,
	};

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		file_good();
		file.eh.e_entry = entries[i];
		CU_ASSERT_EQUAL(file_error(), -ENOEXEC);
	}
	file_good();
	file.eh.e_entry = TEXT_GPA + TEXT_LEN - 1;
	CU_ASSERT_EQUAL(file_error(), 0);
}

static void random_damage_is_an_error_or_loads_safely(void)
{
	uint64_t seed = 0xe1f;

	for (int round = 0; round < 300; round++) {
		uint8_t *bytes = (uint8_t *)&file;
		int err;

		file_good();
		for (int i = 0; i < 3; i++) {
			seed = seed * 6364136223846793005ull +
			       1442695040888963407ull;
			bytes[(seed >> 33) % offsetof(struct elf_file, text)] ^=
				(uint8_t)(1u << (seed >> 61));
		}
		err = file_error();
		CU_ASSERT(err == 0 || err == -ENOEXEC || err == -EINVAL);
	}
}

static const struct unit_test tests[] = {
	{ "good_image_is_loaded_byte_by_byte",
	  good_image_is_loaded_byte_by_byte },
	{ "segment_that_fills_ram_to_its_end_is_loaded",
	  segment_that_fills_ram_to_its_end_is_loaded },
	{ "segments_that_touch_are_loaded_in_any_order",
	  segments_that_touch_are_loaded_in_any_order },
	{ "segment_of_no_bytes_counts_for_nothing",
	  segment_of_no_bytes_counts_for_nothing },
	{ "truncated_file_is_enoexec_at_every_length",
	  truncated_file_is_enoexec_at_every_length },
	{ "what_is_not_a_file_is_a_named_error",
	  what_is_not_a_file_is_a_named_error },
	{ "fifo_without_a_writer_is_enoexec_not_a_hang",
	  fifo_without_a_writer_is_enoexec_not_a_hang },
	{ "script_is_enoexec", script_is_enoexec },
	{ "wrong_identification_is_enoexec", wrong_identification_is_enoexec },
	{ "wrong_machine_or_type_is_enoexec",
	  wrong_machine_or_type_is_enoexec },
	{ "wrong_program_header_table_is_enoexec",
	  wrong_program_header_table_is_enoexec },
	{ "image_without_a_segment_to_load_is_enoexec",
	  image_without_a_segment_to_load_is_enoexec },
	{ "more_file_bytes_than_memory_is_enoexec",
	  more_file_bytes_than_memory_is_enoexec },
	{ "segment_bytes_beyond_the_file_are_enoexec",
	  segment_bytes_beyond_the_file_are_enoexec },
	{ "segment_outside_ram_or_below_images_is_einval",
	  segment_outside_ram_or_below_images_is_einval },
	{ "segments_that_overlap_are_einval",
	  segments_that_overlap_are_einval },
	{ "entry_outside_executable_segments_is_enoexec",
	  entry_outside_executable_segments_is_enoexec },
	{ "random_damage_is_an_error_or_loads_safely",
	  random_damage_is_an_error_or_loads_safely },
};

UNIT_MAIN("elf", tests)
