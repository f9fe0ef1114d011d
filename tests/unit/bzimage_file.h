/* SPDX-License-Identifier: MIT */
/* bzimage_file.h - a small good kernel image, for tests that spoil it. */
#ifndef TESTS_UNIT_BZIMAGE_FILE_H
#define TESTS_UNIT_BZIMAGE_FILE_H

#include <asm/bootparam.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "vmm/boot/bzimage.h"

#define HEADER_OFF  0x1f1u
#define HEADER_END  (HEADER_OFF + sizeof(struct setup_header))
#define SETUP_LEN   2560u /* 5 sectors */
#define CODE_LEN    0x1000u
#define INIT_LEN    0x8000u
#define LOAD_GPA    0x200000u
#define CMDLINE_LEN 255u
#define RAM_LEN	    0x400000u
#define INITRD_BYTE 0x5a

struct bzimage_file {
	uint8_t boot[HEADER_OFF];
	struct setup_header header;
	uint8_t setup[SETUP_LEN - HEADER_END];
	uint8_t code[CODE_LEN];
} __attribute__((packed));

static struct bzimage_file file;
static struct memory memory;
static char initrd_path[32];
static int initrd_fd = -1;

static inline void file_good(void)
{
	/* What is around the header must not be taken for a part of it. */
	memset(&file, 0xee, sizeof(file));
	file.header = (struct setup_header){
		.setup_sects = 4,
		.syssize = CODE_LEN / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6a << 8 | 0xeb, /* over all of it */
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.code32_start = 0x100000,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = CMDLINE_LEN,
		.pref_address = LOAD_GPA,
		.init_size = INIT_LEN,
		.handover_offset = 1,
		.kernel_info_offset = 1,
	};
	for (uint32_t i = 0; i < CODE_LEN; i++)
		file.code[i] = (uint8_t)(i * 7 + 1);
}

/* In place of a path. */
static inline int file_make(char *path, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	CU_ASSERT_FATAL(fd >= 0);
	(void)snprintf(path, len, "/proc/self/fd/%d", fd);
	return fd;
}

/* The first len bytes of file, loaded into fresh RAM. */
static inline int file_load(size_t len, const char *initrd, const char *cmdline,
			    struct bzimage *image)
{
	char path[32];
	const struct bzimage_files files = { path, initrd, cmdline };
	int err, fd = file_make(path, sizeof(path));

	CU_ASSERT_EQUAL_FATAL(write(fd, &file, len), (ssize_t)len);
	CU_ASSERT_EQUAL_FATAL(memory_create_flat(&memory, RAM_LEN), 0);
	err = bzimage_load(&memory, &files, image);
	close(fd);
	return err;
}

/* Its path is initrd_path until initrd_destroy(). */
static inline void initrd_make(size_t len)
{
	uint8_t byte = INITRD_BYTE;

	initrd_fd = file_make(initrd_path, sizeof(initrd_path));
	for (size_t i = 0; i < len; i++)
		CU_ASSERT_EQUAL_FATAL(write(initrd_fd, &byte, 1), 1);
}

static inline void initrd_resize(size_t len)
{
	CU_ASSERT_EQUAL_FATAL(ftruncate(initrd_fd, (off_t)len), 0);
}

static inline void initrd_destroy(void)
{
	close(initrd_fd);
}

#endif
