/* SPDX-License-Identifier: MIT */
/*
 * bzimage.h - a Linux kernel as distributions pack it, into guest RAM, and
 * the registers it begins with.
 *
 * Memory below 1 MiB holds what the loader makes: a GDT, page tables, the
 * kernel's command line and its boot_params (bzimage.c has the addresses).
 * The kernel goes where it prefers to be, the initrd as high as it may.
 *
 * Trust:   kernel and initrd may be any file; each field of the header is
 *          read once, and checked before use. An error names the file and
 *          what is wrong with it (logged).
 * Source:  Linux Documentation/arch/x86/boot.rst; its section titles are
 *          given in quotes.
 */
#ifndef VMM_BOOT_BZIMAGE_H
#define VMM_BOOT_BZIMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/boot/first_state.h"
#include "vmm/core/memory.h"

/* RAM that the page tables at the start of 64-bit code show. */
#define BZIMAGE_RAM_MAX_LEN (1ull << 30)

enum bzimage_entry {
	BZIMAGE_CODE32, /* "32-bit Boot Protocol" */
	BZIMAGE_BOOT64, /* "64-bit Boot Protocol" */
};

struct bzimage_files {
	const char *kernel;
	const char *initrd; /* NULL: none */
	const char *cmdline;
};

struct bzimage {
	uint64_t load_gpa;   /* of the code behind the real-mode part */
	uint64_t params_gpa; /* of struct boot_params */
	uint64_t initrd_gpa, initrd_len; /* len 0: none */
	uint16_t version;		 /* of the protocol */
	bool has_boot64;
};

/*
 * Load kernel, initrd and command line, and fill in boot_params. RAM is fresh:
 * what is not written is 0. -errno from open and read; -ENOEXEC: not a
 * bzImage of protocol 2.10 (Linux 2.6.31) or later, or truncated; -EINVAL: its
 * addresses or sizes cannot be; -E2BIG: the command line is too long;
 * -ENOSPC: not enough RAM for kernel or initrd.
 */
int bzimage_load(const struct memory *memory, const struct bzimage_files *files,
		 struct bzimage *image);

/*
 * First registers, from those of a reset; makes GDT and page tables.
 * -EOPNOTSUPP, logged: the kernel has no 64-bit entry. -EINVAL: RAM is too
 * small for the tables.
 */
int bzimage_first_state(const struct memory *memory,
			const struct bzimage *image, enum bzimage_entry entry,
			struct first_state *state);

#endif
