/* SPDX-License-Identifier: MIT */
/* elf_file.h - a small good guest image, for tests that spoil it. */
#ifndef TESTS_UNIT_ELF_FILE_H
#define TESTS_UNIT_ELF_FILE_H

#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/memory_map.h"
#include "tests/unit/harness.h"
#include "vmm/boot/elf.h"

#define TEXT_GPA MAP_IMAGE_GPA
#define TEXT_LEN 300u
#define DATA_GPA (MAP_IMAGE_GPA + 0x1000)
#define DATA_LEN 100u
#define BSS_LEN	 5000u
#define RAM_LEN	 MAP_RAM_MIN_LEN

/* Code and data with .bss behind it; a note between that is not loaded. */
struct elf_file {
	Elf64_Ehdr eh;
	Elf64_Phdr segs[3];
	uint8_t text[TEXT_LEN];
	uint8_t data[DATA_LEN];
};

static struct elf_file file;
static struct memory memory;
static char path[128];

static inline void file_good(void)
{
	file = (struct elf_file){
		.eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				     ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = TEXT_GPA + 16,
			.e_phoff = offsetof(struct elf_file, segs),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3 },
		.segs = { { .p_type = PT_LOAD,
			    .p_flags = PF_R | PF_X,
			    .p_offset = offsetof(struct elf_file, text),
			    .p_vaddr = TEXT_GPA,
			    .p_paddr = TEXT_GPA,
			    .p_filesz = TEXT_LEN,
			    .p_memsz = TEXT_LEN },
			  { .p_type = PT_NOTE, .p_paddr = 64, .p_memsz = 64 },
			  { .p_type = PT_LOAD,
			    .p_flags = PF_R | PF_W,
			    .p_offset = offsetof(struct elf_file, data),
			    .p_vaddr = DATA_GPA,
			    .p_paddr = DATA_GPA,
			    .p_filesz = DATA_LEN,
			    .p_memsz = DATA_LEN + BSS_LEN } },
	};
	for (uint32_t i = 0; i < TEXT_LEN; i++)
		file.text[i] = (uint8_t)(i * 7 + 1);
	for (uint32_t i = 0; i < DATA_LEN; i++)
		file.data[i] = (uint8_t)(i * 5 + 3);
}

/* The first len bytes of file on disk, loaded into fresh RAM. */
static inline int file_load(size_t len, struct elf_image *image)
{
	const char *tmp = getenv("TMPDIR");
	int err, fd;

	(void)snprintf(path, sizeof(path), "%s/ivlab-elf-XXXXXX",
		       tmp && strlen(tmp) < 90 ? tmp : "/tmp");
	fd = mkstemp(path);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, &file, len), (ssize_t)len);
	close(fd);
	CU_ASSERT_EQUAL_FATAL(memory_create(&memory, RAM_LEN), 0);
	err = elf_load(path, &memory, image);
	unlink(path);
	return err;
}

/* What loading the whole of file says, and nothing else. */
static inline int file_error(void)
{
	struct elf_image image;
	int err = file_load(sizeof(file), &image);

	memory_destroy(&memory);
	return err;
}

#endif
