/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* fuzz_bzimage.c - can any file get past bzimage_load() that should not, or
 * write outside of guest RAM, or over what the loader made? */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/guarded.h"
#include "vmm/boot/bzimage.h"

#define RAM_LEN	   0x400000u
#define HEADER_OFF 0x1f1u
#define INITRD_LEN 0x1801u
#define CMDLINE	   "console=ttyS0"

static struct memory memory;
static char kernel_path[32], initrd_path[32];
static int kernel_fd = -1;

static int file_make(char *path, size_t len)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	FUZZ_CHECK(fd >= 0);
	(void)snprintf(path, len, "/proc/self/fd/%d", fd);
	return fd;
}

static void file_put(const uint8_t *data, size_t len)
{
	if (kernel_fd < 0) {
		kernel_fd = file_make(kernel_path, sizeof(kernel_path));
		FUZZ_CHECK(
			!ftruncate(file_make(initrd_path, sizeof(initrd_path)),
				   INITRD_LEN));
		memory.hva = guarded_map(RAM_LEN);
		memory.len = RAM_LEN;
	}
	FUZZ_CHECK(!ftruncate(kernel_fd, (off_t)len));
	FUZZ_CHECK(pwrite(kernel_fd, data, len, 0) == (ssize_t)len);
}

/* Kernel, initrd and what lies below 1 MiB do not touch. */
static void image_check(const uint8_t *data, size_t len,
			const struct bzimage *image)
{
	struct setup_header header;
	struct boot_params params;
	uint64_t code_off, code_len;

	FUZZ_CHECK(len >= HEADER_OFF + sizeof(header));
	memcpy(&header, data + HEADER_OFF, sizeof(header));
	code_off = ((header.setup_sects ? header.setup_sects : 4) + 1) * 512ull;
	code_len = header.syssize * 16ull;
	FUZZ_CHECK(code_off <= len && code_len <= len - code_off);
	FUZZ_CHECK(image->load_gpa == header.pref_address &&
		   image->load_gpa >= 0x100000 && image->load_gpa < RAM_LEN);
	FUZZ_CHECK(code_len <= RAM_LEN - image->load_gpa &&
		   header.init_size <= RAM_LEN - image->load_gpa);
	FUZZ_CHECK(!memcmp(memory.hva + image->load_gpa, data + code_off,
			   code_len));
	FUZZ_CHECK(image->initrd_len == INITRD_LEN &&
		   image->initrd_gpa >= image->load_gpa + code_len &&
		   image->initrd_gpa >= image->load_gpa + header.init_size &&
		   image->initrd_gpa <= RAM_LEN - INITRD_LEN);
	FUZZ_CHECK(image->initrd_gpa + INITRD_LEN - 1 <=
		   header.initrd_addr_max);
	memcpy(&params, memory.hva + image->params_gpa, sizeof(params));
	FUZZ_CHECK(params.e820_entries == 2 && !params.sentinel &&
		   !params.hdr.setup_data);
	FUZZ_CHECK(
		header.cmdline_size >= strlen(CMDLINE) &&
		!strcmp((char *)memory.hva + params.hdr.cmd_line_ptr, CMDLINE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct bzimage_files files = { kernel_path, initrd_path,
					     CMDLINE };
	struct first_state state = { .regs.rip = 0 };
	struct bzimage image;
	int err;

	file_put(data, len);
	err = bzimage_load(&memory, &files, &image);
	FUZZ_CHECK(err == 0 || err == -ENOEXEC || err == -EINVAL ||
		   err == -E2BIG || err == -ENOSPC);
	if (!err) {
		image_check(data, len, &image);
		err = bzimage_first_state(&memory, &image, BZIMAGE_BOOT64,
					  &state);
		FUZZ_CHECK(err == (image.has_boot64 ? 0 : -EOPNOTSUPP));
	}
	/* Fresh again, as bzimage_load() may expect. */
	FUZZ_CHECK(!madvise(memory.hva, RAM_LEN, MADV_DONTNEED));
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define SETUP_SECTS 1
#define CODE_LEN    64u

struct file {
	uint8_t boot[HEADER_OFF];
	struct setup_header header;
	uint8_t setup[2 * 512 - HEADER_OFF - sizeof(struct setup_header)];
	uint8_t code[CODE_LEN];
} __attribute__((packed));

static const struct setup_header good = {
	.setup_sects = SETUP_SECTS,
	.syssize = CODE_LEN / 16,
	.boot_flag = 0xaa55,
	.jump = 0x6a << 8 | 0xeb,
	.header = 0x53726448,
	.version = 0x20f,
	.loadflags = LOADED_HIGH,
	.initrd_addr_max = 0x7fffffff,
	.xloadflags = XLF_KERNEL_64,
	.cmdline_size = 2047,
	.pref_address = 0x200000,
	.init_size = 0x8000,
};

static const char *spoil(uint32_t nr, struct setup_header *header)
{
	switch (nr) {
	case 0:
		return "good_kernel";
	case 1:
		header->version = 0x20a;
		header->jump = 0x62 << 8 | 0xeb;
		return "shortest_header";
	case 2:
		header->pref_address = UINT64_MAX - 0x8000 + 1;
		return "address_that_wraps";
	case 3:
		header->init_size = UINT32_MAX;
		return "room_beyond_ram";
	case 4:
		header->syssize = UINT32_MAX;
		return "code_beyond_the_file";
	case 5:
		header->initrd_addr_max = 0x209fff;
		return "initrd_just_above_the_kernel";
	case 6:
		header->initrd_addr_max = 0x1000;
		return "initrd_below_0";
	case 7:
		header->cmdline_size = 12;
		return "command_line_too_long";
	case 8:
		header->setup_sects = 0;
		return "setup_sects_of_0";
	}
	return NULL;
}

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	struct file file = { .header = good, .code = { 0xf4, 0xeb, 0xfd } };

	seed->name = spoil(nr, &file.header);
	if (!seed->name)
		return false;
	seed->len = sizeof(file);
	memcpy(seed->bytes, &file, sizeof(file));
	return true;
}
