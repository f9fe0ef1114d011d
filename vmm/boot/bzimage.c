/* SPDX-License-Identifier: MIT */
/* bzimage.c - is this a Linux kernel, and what must be ready when it begins?
 */
#include "vmm/boot/bzimage.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "shm/memory_map.h"
#include "vmm/boot/boot_file.h"
#include "vmm/boot/flat_tables.h"
#include "vmm/core/log.h"
#include "vmm/core/x86.h"

/* Ours, in the memory that a PC's firmware leaves alone. */
#define GDT_GPA	     0x1000u
#define TABLES_GPA   0x2000u /* PML4, PDPT, directory */
#define CMDLINE_GPA  0x20000u
#define CMDLINE_ROOM 0x10000u
#define PARAMS_GPA   0x90000u
#define LOW_END	     0x9fc00u  /* then a PC's EBDA, ROMs, display */
#define HIGH_BEGIN   0x100000u /* 1 MiB */

/* "The Real-Mode Kernel Header". */
#define HEADER_OFF    0x1f1u
#define HEADER_MAGIC  0x53726448u /* "HdrS" */
#define BOOT_FLAG     0xaa55u
#define SECTOR_LEN    512u
#define SETUP_DEFAULT 4u  /* sectors, when setup_sects is 0 */
#define PARAGRAPH_LEN 16u /* syssize counts these */
#define VERSION_MIN   0x020au
#define VERSION_LONG  0x020cu /* has xloadflags */
#define LOADER_OTHER  0xffu   /* type_of_loader: without a number */
#define ENTRY64_OFF   0x200u

#define E820_RAM 1u

/* "32-bit Boot Protocol": __BOOT_CS and __BOOT_DS, flat. */
#define BOOT_CS	   0x10u
#define BOOT_DS	   0x18u
#define GDT_CODE32 0x00cf9a000000ffffull
#define GDT_CODE64 0x00af9a000000ffffull
#define GDT_DATA   0x00cf92000000ffffull

struct kernel {
	const char *path;
	int fd;
	uint64_t file_len, code_off, code_len, room_len;
	struct setup_header header;
};

/* --- kernel --------------------------------------------------------------- */

/* "32-bit Boot Protocol": the header ends at 0x202 plus the byte at 0x201,
 * which is the distance of the jump over it. */
static size_t header_len(const struct setup_header *header)
{
	size_t len = offsetof(struct setup_header, header) +
		     (header->jump >> 8);

	return len < sizeof(*header) ? len : sizeof(*header);
}

/* NULL: it can be booted by this file. */
static const char *header_fault(const struct setup_header *header)
{
	if (header->boot_flag != BOOT_FLAG || header->header != HEADER_MAGIC)
		return "not a Linux bzImage";
	if (header->version < VERSION_MIN)
		return "a boot protocol before 2.10 (Linux 2.6.31)";
	if (!(header->loadflags & LOADED_HIGH))
		return "a zImage, which begins below 1 MiB";
	if (header_len(header) < offsetof(struct setup_header, handover_offset))
		return "its header is shorter than its protocol has it";
	if (!header->syssize)
		return "its header says that it has no code";
	if (!header->init_size)
		return "its header does not say how much memory it needs";
	return NULL;
}

static int kernel_open(struct kernel *kernel)
{
	struct setup_header *header = &kernel->header;
	uint64_t setup_sects;
	const char *fault;
	int err;

	err = boot_file_open(kernel->path, &kernel->fd, &kernel->file_len);
	if (err)
		return err;
	if (kernel->file_len < HEADER_OFF + sizeof(*header)) {
		log_error("%s: not a Linux bzImage: too short for a header",
			  kernel->path);
		return -ENOEXEC;
	}
	err = boot_file_read(kernel->fd, kernel->path, header, sizeof(*header),
			     HEADER_OFF);
	if (err)
		return err;
	fault = header_fault(header);
	if (fault) {
		log_error("%s: %s", kernel->path, fault);
		return -ENOEXEC;
	}
	/* "Loading The Rest of The Kernel". */
	setup_sects = header->setup_sects ? header->setup_sects : SETUP_DEFAULT;
	kernel->code_off = (setup_sects + 1) * SECTOR_LEN;
	kernel->code_len = (uint64_t)header->syssize * PARAGRAPH_LEN;
	if (kernel->file_len < kernel->code_off ||
	    kernel->file_len - kernel->code_off < kernel->code_len) {
		log_error("%s: truncated: %llu bytes, its header says %llu",
			  kernel->path, (unsigned long long)kernel->file_len,
			  (unsigned long long)(kernel->code_off +
					       kernel->code_len));
		return -ENOEXEC;
	}
	/* It unpacks itself within init_size bytes from where it begins. */
	kernel->room_len = header->init_size > kernel->code_len
				   ? header->init_size
				   : kernel->code_len;
	return 0;
}

/* To pref_address, where it needs not move. */
static int kernel_load(const struct memory *memory, struct kernel *kernel,
		       uint64_t *load_gpa)
{
	uint64_t gpa = kernel->header.pref_address;

	if (gpa < HIGH_BEGIN) {
		log_error("%s: it wants to be loaded at 0x%llx, below 1 MiB",
			  kernel->path, (unsigned long long)gpa);
		return -EINVAL;
	}
	if (!memory_range(memory, gpa, kernel->room_len)) {
		log_error("%s: it needs %llu MiB of RAM from 0x%llx on, and "
			  "there are %llu MiB in all",
			  kernel->path,
			  (unsigned long long)(kernel->room_len >> 20) + 1,
			  (unsigned long long)gpa,
			  (unsigned long long)(memory->len >> 20));
		return -ENOSPC;
	}
	*load_gpa = gpa;
	return boot_file_read(kernel->fd, kernel->path,
			      memory_range(memory, gpa, kernel->code_len),
			      kernel->code_len, kernel->code_off);
}

/* --- what goes with it ---------------------------------------------------- */

/* "The Kernel Command Line"; cmdline_size is without the NUL. */
static int cmdline_load(const struct memory *memory,
			const struct kernel *kernel, const char *cmdline)
{
	uint64_t max_len = kernel->header.cmdline_size;
	size_t len = strlen(cmdline);
	void *hva;

	if (max_len > CMDLINE_ROOM - 1)
		max_len = CMDLINE_ROOM - 1;
	if (len > max_len) {
		log_error("the command line has %zu bytes; %s takes %llu", len,
			  kernel->path, (unsigned long long)max_len);
		return -E2BIG;
	}
	hva = memory_range(memory, CMDLINE_GPA, len + 1);
	if (!hva)
		return -ENOSPC;
	memcpy(hva, cmdline, len + 1);
	return 0;
}

/*
 * "The Real-Mode Kernel Header", initrd_addr_max: the highest address that a
 * byte of it may have. Whole pages above the kernel's room.
 */
static int initrd_place(const struct memory *memory,
			const struct kernel *kernel, const char *path,
			struct bzimage *image)
{
	uint64_t end_gpa = (uint64_t)kernel->header.initrd_addr_max + 1;
	uint64_t begin_gpa = image->load_gpa + kernel->room_len;
	uint64_t len = image->initrd_len;

	if (end_gpa > memory->len)
		end_gpa = memory->len;
	if (len <= end_gpa) {
		image->initrd_gpa = (end_gpa - len) & ~(MAP_PAGE_LEN - 1);
		if (image->initrd_gpa >= begin_gpa)
			return 0;
	}
	log_error("%s: too large: %llu bytes, and %llu are free for an initrd "
		  "between 0x%llx and 0x%llx",
		  path, (unsigned long long)len,
		  (unsigned long long)(end_gpa > begin_gpa ? end_gpa - begin_gpa
							   : 0),
		  (unsigned long long)begin_gpa, (unsigned long long)end_gpa);
	return -ENOSPC;
}

static int initrd_load(const struct memory *memory, const struct kernel *kernel,
		       const char *path, struct bzimage *image)
{
	int err, fd;

	err = boot_file_open(path, &fd, &image->initrd_len);
	if (!err)
		err = initrd_place(memory, kernel, path, image);
	if (!err)
		err = boot_file_read(fd, path,
				     memory_range(memory, image->initrd_gpa,
						  image->initrd_len),
				     image->initrd_len, 0);
	if (fd >= 0)
		close(fd);
	return err;
}

/* "32-bit Boot Protocol": zeroes, the file's header, and what loaders write.
 */
static int params_fill(const struct memory *memory, const struct kernel *kernel,
		       struct bzimage *image)
{
	struct boot_params *params = memory_range(memory, PARAMS_GPA,
						  sizeof(*params));

	if (!params || memory->len <= HIGH_BEGIN)
		return -ENOSPC;
	memcpy(&params->hdr, &kernel->header, header_len(&kernel->header));
	params->hdr.type_of_loader = LOADER_OTHER;
	params->hdr.ext_loader_type = 0;
	params->hdr.ext_loader_ver = 0;
	params->hdr.code32_start = (uint32_t)image->load_gpa;
	params->hdr.cmd_line_ptr = CMDLINE_GPA;
	params->hdr.ramdisk_image = (uint32_t)image->initrd_gpa;
	params->hdr.ramdisk_size = (uint32_t)image->initrd_len;
	/* A list in guest memory; the file cannot have made one. */
	params->hdr.setup_data = 0;
	params->e820_table[0] = (struct boot_e820_entry){ .addr = 0,
							  .size = LOW_END,
							  .type = E820_RAM };
	params->e820_table[1] = (struct boot_e820_entry){
		.addr = HIGH_BEGIN,
		.size = memory->len - HIGH_BEGIN,
		.type = E820_RAM,
	};
	params->e820_entries = 2;
	image->params_gpa = PARAMS_GPA;
	image->version = kernel->header.version;
	image->has_boot64 = image->version >= VERSION_LONG &&
			    kernel->header.xloadflags & XLF_KERNEL_64;
	return 0;
}

int bzimage_load(const struct memory *memory, const struct bzimage_files *files,
		 struct bzimage *image)
{
	struct kernel kernel = { .path = files->kernel, .fd = -1 };
	int err;

	*image = (struct bzimage){ .initrd_len = 0 };
	err = kernel_open(&kernel);
	if (!err)
		err = kernel_load(memory, &kernel, &image->load_gpa);
	if (!err)
		err = cmdline_load(memory, &kernel, files->cmdline);
	if (!err && files->initrd)
		err = initrd_load(memory, &kernel, files->initrd, image);
	if (!err)
		err = params_fill(memory, &kernel, image);
	if (kernel.fd >= 0)
		close(kernel.fd);
	return err;
}

/* --- registers ------------------------------------------------------------ */

/* GDT and selectors are the same in both protocols but for the code segment.
 */
static int segments(const struct memory *memory, struct kvm_sregs *sregs,
		    uint64_t code)
{
	const uint64_t gdt[] = { 0, 0, code, GDT_DATA };
	void *hva = memory_range(memory, GDT_GPA, sizeof(gdt));

	if (!hva)
		return -EINVAL;
	memcpy(hva, gdt, sizeof(gdt));
	sregs->gdt.base = GDT_GPA;
	sregs->gdt.limit = sizeof(gdt) - 1;
	sregs->idt.base = 0;
	sregs->idt.limit = 0;
	sregs->cs.selector = BOOT_CS;
	sregs->ds.selector = BOOT_DS;
	sregs->es.selector = BOOT_DS;
	sregs->fs.selector = BOOT_DS;
	sregs->gs.selector = BOOT_DS;
	sregs->ss.selector = BOOT_DS;
	return 0;
}

int bzimage_first_state(const struct memory *memory,
			const struct bzimage *image, enum bzimage_entry entry,
			struct first_state *state)
{
	uint64_t end_gpa;
	int err;

	if (entry == BZIMAGE_BOOT64 && !image->has_boot64) {
		log_error("this kernel has no 64-bit entry, only the 32-bit "
			  "one");
		return -EOPNOTSUPP;
	}
	if (entry == BZIMAGE_CODE32) {
		first_state_protected(state, (uint32_t)image->load_gpa);
		err = segments(memory, &state->sregs, GDT_CODE32);
	} else {
		first_state_long(state, image->load_gpa + ENTRY64_OFF,
				 TABLES_GPA, CR0_ET | CR0_NE);
		err = flat_tables_long(memory, TABLES_GPA, BZIMAGE_RAM_MAX_LEN,
				       MAP_LARGE_LEN, PTE_P | PTE_RW, &end_gpa);
		if (!err)
			err = segments(memory, &state->sregs, GDT_CODE64);
	}
	state->regs.rsi = image->params_gpa;
	return err;
}
