/* SPDX-License-Identifier: MIT */
/*
 * elf.h - load an ELF64 executable into guest RAM.
 *
 * Trust:  the file may be anything; every field is checked before use and an
 *         error names the file and what is wrong with it (logged).
 * Source: System V ABI, ELF-64 Object File Format 1.5; x86-64 psABI.
 */
#ifndef VMM_BOOT_ELF_H
#define VMM_BOOT_ELF_H

#include <stdint.h>

#include "vmm/core/memory.h"

struct elf_image {
	uint64_t entry_gpa;
	uint64_t end_gpa; /* first byte above the highest segment */
};

/*
 * Copy the PT_LOAD segments of path into memory (physical addresses, which
 * must be >= MAP_IMAGE_GPA). -errno from open and read; -ENOEXEC: no regular
 * file, truncated, empty, not ELF64, not x86-64, not ET_EXEC, no segment, more
 * file bytes than memory, entry in no executable segment; -EINVAL: segments
 * overlap each other or lie outside RAM.
 */
int elf_load(const char *path, const struct memory *memory,
	     struct elf_image *image);

#endif
