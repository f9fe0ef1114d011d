/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* test_bzimage.c - does a kernel find what the boot protocol promises it, and
 * is a file that is none, or a bad one, named? */
#include <asm/bootparam.h>
#include <errno.h>

#include "tests/unit/bzimage_file.h"
#include "vmm/core/x86.h"

static const struct boot_params *params_of(const struct bzimage *image)
{
	return memory_range(&memory, image->params_gpa,
			    sizeof(struct boot_params));
}

/* A change of the good header must be refused with this. */
static void refuse(int expected)
{
	struct bzimage image;

	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, "", &image), expected);
	memory_destroy(&memory);
	file_good();
}

static void good_kernel_is_where_it_wants_to_be(void)
{
	struct bzimage image;

	file_good();
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, "", &image), 0);
	CU_ASSERT_EQUAL(image.load_gpa, LOAD_GPA);
	CU_ASSERT_EQUAL(image.version, 0x20f);
	CU_ASSERT(image.has_boot64);
	CU_ASSERT_EQUAL(memcmp(memory_range(&memory, LOAD_GPA, CODE_LEN),
			       file.code, CODE_LEN),
			0);
	CU_ASSERT_EQUAL(memory.hva[LOAD_GPA - 1], 0);
	CU_ASSERT_EQUAL(memory.hva[LOAD_GPA + CODE_LEN], 0);
	memory_destroy(&memory);
}

static void boot_params_hold_header_command_line_and_ram(void)
{
	const struct boot_params *params;
	const char *cmdline = "console=ttyS0 panic=-1";
	struct bzimage image;

	file_good();
	file.header.setup_data = 0x1234;
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, cmdline, &image),
			      0);
	params = params_of(&image);
	CU_ASSERT_EQUAL(params->hdr.header, file.header.header);
	CU_ASSERT_EQUAL(params->hdr.type_of_loader, 0xff);
	CU_ASSERT_EQUAL(params->hdr.code32_start, LOAD_GPA);
	CU_ASSERT_EQUAL(params->hdr.ramdisk_size, 0);
	CU_ASSERT_EQUAL(params->hdr.setup_data, 0);
	CU_ASSERT_EQUAL(params->sentinel, 0);
	CU_ASSERT_STRING_EQUAL(
		memory_range(&memory, params->hdr.cmd_line_ptr, 1), cmdline);
	CU_ASSERT_EQUAL_FATAL(params->e820_entries, 2);
	CU_ASSERT_EQUAL(params->e820_table[0].addr, 0);
	CU_ASSERT_EQUAL(params->e820_table[0].size, 0x9fc00);
	CU_ASSERT_EQUAL(params->e820_table[1].addr, 0x100000);
	CU_ASSERT_EQUAL(params->e820_table[1].size, RAM_LEN - 0x100000);
	CU_ASSERT_EQUAL(params->e820_table[0].type, 1);
	CU_ASSERT_EQUAL(params->e820_table[1].type, 1);
	memory_destroy(&memory);
}

/* What stands behind a shorter header in the file is code. */
static void header_of_an_older_protocol_ends_where_it_says(void)
{
	struct bzimage image;

	file_good();
	file.header.version = 0x20a;
	file.header.jump = 0x62 << 8 | 0xeb; /* up to init_size */
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, "", &image), 0);
	CU_ASSERT_FALSE(image.has_boot64);
	CU_ASSERT_EQUAL(params_of(&image)->hdr.init_size, INIT_LEN);
	CU_ASSERT_EQUAL(params_of(&image)->hdr.handover_offset, 0);
	CU_ASSERT_EQUAL(params_of(&image)->hdr.kernel_info_offset, 0);
	memory_destroy(&memory);
}

static void setup_sects_0_means_4(void)
{
	struct bzimage image;

	file_good();
	CU_ASSERT_EQUAL(file.header.setup_sects, 4);
	file.header.setup_sects = 0;
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, "", &image), 0);
	CU_ASSERT_EQUAL(memory.hva[LOAD_GPA], file.code[0]);
	memory_destroy(&memory);
}

static void file_that_ends_early_is_enoexec(void)
{
	static const size_t lens[] = { 1,
				       0x1f1,
				       0x202,
				       HEADER_END - 1,
				       HEADER_END,
				       sizeof(file) - CODE_LEN,
				       sizeof(file) - 1 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
		struct bzimage image;

		file_good();
		CU_ASSERT_EQUAL(file_load(lens[i], NULL, "", &image), -ENOEXEC);
		memory_destroy(&memory);
	}
}

static void header_that_is_none_is_enoexec(void)
{
	file_good();
	file.header.boot_flag = 0x55aa;
	refuse(-ENOEXEC);
	file.header.header ^= 1;
	refuse(-ENOEXEC);
	file.header.version = 0x209;
	refuse(-ENOEXEC);
	file.header.loadflags = 0; /* a zImage */
	refuse(-ENOEXEC);
	file.header.jump = 0x61 << 8 | 0xeb;
	refuse(-ENOEXEC);
	file.header.syssize = 0;
	refuse(-ENOEXEC);
	file.header.init_size = 0;
	refuse(-ENOEXEC);
}

static void sizes_beyond_the_file_are_enoexec(void)
{
	file_good();
	file.header.syssize++;
	refuse(-ENOEXEC);
	file.header.syssize = UINT32_MAX;
	refuse(-ENOEXEC);
	file.header.setup_sects = 5;
	refuse(-ENOEXEC);
	file.header.setup_sects = 0xff;
	refuse(-ENOEXEC);
}

static void address_outside_of_ram_is_named(void)
{
	file_good();
	file.header.pref_address = 0x100000 - 1;
	refuse(-EINVAL);
	file.header.pref_address = 0;
	refuse(-EINVAL);
	file.header.pref_address = RAM_LEN - INIT_LEN + 1;
	refuse(-ENOSPC);
	file.header.pref_address = UINT64_MAX;
	refuse(-ENOSPC);
	file.header.pref_address = UINT64_MAX - INIT_LEN + 1;
	refuse(-ENOSPC);
	file.header.init_size = UINT32_MAX;
	refuse(-ENOSPC);
}

static void kernel_that_fills_ram_to_its_end_is_loaded(void)
{
	struct bzimage image;

	file_good();
	file.header.pref_address = RAM_LEN - INIT_LEN;
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, "", &image), 0);
	memory_destroy(&memory);
	/* Its code counts when init_size is a lie. */
	file.header.init_size = 1;
	file.header.pref_address = RAM_LEN - CODE_LEN;
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, "", &image), 0);
	memory_destroy(&memory);
	file.header.pref_address++;
	refuse(-ENOSPC);
}

static void command_line_of_cmdline_size_is_the_longest(void)
{
	char cmdline[CMDLINE_LEN + 2];
	struct bzimage image;

	file_good();
	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[CMDLINE_LEN] = '\0';
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, cmdline, &image), 0);
	memory_destroy(&memory);
	cmdline[CMDLINE_LEN] = 'x';
	cmdline[CMDLINE_LEN + 1] = '\0';
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, cmdline, &image), -E2BIG);
	memory_destroy(&memory);
}

/* The loader has 64 KiB for it, whatever the header allows. */
static void command_line_beyond_the_loaders_room_is_e2big(void)
{
	static char cmdline[0x10001];
	struct bzimage image;

	file_good();
	file.header.cmdline_size = UINT32_MAX;
	memset(cmdline, 'x', sizeof(cmdline) - 1);
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, cmdline, &image), -E2BIG);
	memory_destroy(&memory);
	cmdline[0xffff] = '\0';
	CU_ASSERT_EQUAL(file_load(sizeof(file), NULL, cmdline, &image), 0);
	memory_destroy(&memory);
}

static void initrd_is_as_high_as_it_may_be(void)
{
	struct bzimage image;

	file_good();
	initrd_make(0x1801);
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), initrd_path, "", &image),
			      0);
	CU_ASSERT_EQUAL(image.initrd_gpa, RAM_LEN - 0x2000);
	CU_ASSERT_EQUAL(params_of(&image)->hdr.ramdisk_image, RAM_LEN - 0x2000);
	CU_ASSERT_EQUAL(params_of(&image)->hdr.ramdisk_size, 0x1801);
	CU_ASSERT_EQUAL(memory.hva[image.initrd_gpa], INITRD_BYTE);
	CU_ASSERT_EQUAL(memory.hva[image.initrd_gpa + 0x1800], INITRD_BYTE);
	CU_ASSERT_EQUAL(memory.hva[image.initrd_gpa + 0x1801], 0);
	memory_destroy(&memory);
	/* The last byte may be at initrd_addr_max. */
	file.header.initrd_addr_max = LOAD_GPA + INIT_LEN + 0x27ff;
	CU_ASSERT_EQUAL(file_load(sizeof(file), initrd_path, "", &image), 0);
	CU_ASSERT_EQUAL(image.initrd_gpa, LOAD_GPA + INIT_LEN);
	memory_destroy(&memory);
	initrd_destroy();
}

static void initrd_that_does_not_fit_is_enospc(void)
{
	struct bzimage image;

	file_good();
	initrd_make(0x1801);
	/* It would begin a page too low; before 0; anywhere below. */
	file.header.initrd_addr_max = LOAD_GPA + INIT_LEN + 0x17ff;
	CU_ASSERT_EQUAL(file_load(sizeof(file), initrd_path, "", &image),
			-ENOSPC);
	memory_destroy(&memory);
	file.header.initrd_addr_max = 0x1000;
	CU_ASSERT_EQUAL(file_load(sizeof(file), initrd_path, "", &image),
			-ENOSPC);
	memory_destroy(&memory);
	file_good();
	initrd_resize(RAM_LEN + 1);
	CU_ASSERT_EQUAL(file_load(sizeof(file), initrd_path, "", &image),
			-ENOSPC);
	memory_destroy(&memory);
	initrd_resize(0);
	CU_ASSERT_EQUAL(file_load(sizeof(file), initrd_path, "", &image),
			-ENOEXEC);
	memory_destroy(&memory);
	initrd_destroy();
	CU_ASSERT_EQUAL(file_load(sizeof(file), "/nonexistent", "", &image),
			-ENOENT);
	memory_destroy(&memory);
}

static void first_registers_are_the_protocols(void)
{
	struct first_state state = { .regs.rbx = 1 };
	const uint64_t *gdt;
	struct bzimage image;

	file_good();
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, "", &image), 0);
	CU_ASSERT_EQUAL(
		bzimage_first_state(&memory, &image, BZIMAGE_CODE32, &state),
		0);
	CU_ASSERT_EQUAL(state.regs.rip, LOAD_GPA);
	CU_ASSERT_EQUAL(state.regs.rsi, image.params_gpa);
	CU_ASSERT_EQUAL(state.regs.rbx, 0);
	CU_ASSERT_EQUAL(state.regs.rflags, RFLAGS_FIXED);
	CU_ASSERT_EQUAL(state.sregs.cs.selector, 0x10);
	CU_ASSERT_EQUAL(state.sregs.ss.selector, 0x18);
	CU_ASSERT_EQUAL(state.sregs.cs.db, 1);
	CU_ASSERT_FALSE(state.sregs.cr0 & CR0_PG);
	gdt = memory_range(&memory, state.sregs.gdt.base, 32);
	CU_ASSERT_EQUAL(state.sregs.gdt.limit, 31);
	CU_ASSERT_EQUAL(gdt[2], 0x00cf9a000000ffff);
	CU_ASSERT_EQUAL(gdt[3], 0x00cf92000000ffff);

	CU_ASSERT_EQUAL(
		bzimage_first_state(&memory, &image, BZIMAGE_BOOT64, &state),
		0);
	CU_ASSERT_EQUAL(state.regs.rip, LOAD_GPA + 0x200);
	CU_ASSERT_EQUAL(state.sregs.cs.l, 1);
	CU_ASSERT(state.sregs.cr0 & CR0_PG);
	CU_ASSERT_EQUAL(gdt[2], 0x00af9a000000ffff);
	memory_destroy(&memory);
}

static void entry_that_a_kernel_does_not_have_is_eopnotsupp(void)
{
	struct first_state state = { .regs.rip = 0 };
	struct bzimage image;

	file_good();
	file.header.xloadflags = 0;
	CU_ASSERT_EQUAL_FATAL(file_load(sizeof(file), NULL, "", &image), 0);
	CU_ASSERT_EQUAL(
		bzimage_first_state(&memory, &image, BZIMAGE_BOOT64, &state),
		-EOPNOTSUPP);
	memory_destroy(&memory);
}

static const struct unit_test tests[] = {
	{ "good_kernel_is_where_it_wants_to_be",
	  good_kernel_is_where_it_wants_to_be },
	{ "boot_params_hold_header_command_line_and_ram",
	  boot_params_hold_header_command_line_and_ram },
	{ "header_of_an_older_protocol_ends_where_it_says",
	  header_of_an_older_protocol_ends_where_it_says },
	{ "setup_sects_0_means_4", setup_sects_0_means_4 },
	{ "file_that_ends_early_is_enoexec", file_that_ends_early_is_enoexec },
	{ "header_that_is_none_is_enoexec", header_that_is_none_is_enoexec },
	{ "sizes_beyond_the_file_are_enoexec",
	  sizes_beyond_the_file_are_enoexec },
	{ "address_outside_of_ram_is_named", address_outside_of_ram_is_named },
	{ "kernel_that_fills_ram_to_its_end_is_loaded",
	  kernel_that_fills_ram_to_its_end_is_loaded },
	{ "command_line_of_cmdline_size_is_the_longest",
	  command_line_of_cmdline_size_is_the_longest },
	{ "command_line_beyond_the_loaders_room_is_e2big",
	  command_line_beyond_the_loaders_room_is_e2big },
	{ "initrd_is_as_high_as_it_may_be", initrd_is_as_high_as_it_may_be },
	{ "initrd_that_does_not_fit_is_enospc",
	  initrd_that_does_not_fit_is_enospc },
	{ "first_registers_are_the_protocols",
	  first_registers_are_the_protocols },
	{ "entry_that_a_kernel_does_not_have_is_eopnotsupp",
	  entry_that_a_kernel_does_not_have_is_eopnotsupp },
};

UNIT_MAIN("bzimage", tests)
