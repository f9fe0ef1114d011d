/* SPDX-License-Identifier: MIT */
/* elf.c - is this file a guest we can run, and where do its bytes go? */
#include "vmm/boot/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "shm/memory_map.h"
#include "vmm/boot/boot_file.h"
#include "vmm/core/log.h"

#define SEGMENTS_MAX 64

/* 0 when the file begins like one; else -errno, and it was said. */
static int is_elf(int fd, const char *path)
{
	char magic[SELFMAG] = { 0 };
	ssize_t got;

	do {
		got = pread(fd, magic, sizeof(magic), 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		int err = -errno;

		log_error("%s: %s", path, strerror(-err));
		return err;
	}
	if (memcmp(magic, ELFMAG, SELFMAG) == 0)
		return 0;
	log_error("%s: not an ELF file", path);
	return -ENOEXEC;
}

static const char *header_fault(const Elf64_Ehdr *eh)
{
	if (eh->e_ident[EI_CLASS] != ELFCLASS64)
		return "not a 64-bit ELF file";
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB || eh->e_machine != EM_X86_64)
		return "not for x86-64";
	if (eh->e_ident[EI_VERSION] != EV_CURRENT)
		return "an ELF version nobody knows";
	if (eh->e_type != ET_EXEC)
		return "not a static executable (link it with -static -no-pie)";
	if (eh->e_phentsize != sizeof(Elf64_Phdr))
		return "program headers of another size";
	if (eh->e_phnum == 0)
		return "it has no program headers";
	if (eh->e_phnum > SEGMENTS_MAX)
		return "more than 64 program headers";
	return NULL;
}

static int segment_check(const char *path, const struct memory *memory,
			 const Elf64_Phdr *seg)
{
	if (seg->p_filesz > seg->p_memsz) {
		log_error("%s: a segment has more file bytes than memory",
			  path);
		return -ENOEXEC;
	}
	if (seg->p_paddr < MAP_IMAGE_GPA) {
		log_error("%s: a segment at 0x%llx lies below 0x%llx, where "
			  "images begin",
			  path, (unsigned long long)seg->p_paddr,
			  (unsigned long long)MAP_IMAGE_GPA);
		return -EINVAL;
	}
	if (!memory_range(memory, seg->p_paddr, seg->p_memsz)) {
		log_error("%s: a segment at 0x%llx, %llu bytes, does not fit "
			  "into %llu MiB of RAM: give the VM more memory",
			  path, (unsigned long long)seg->p_paddr,
			  (unsigned long long)seg->p_memsz,
			  (unsigned long long)(memory->len >> 20));
		return -EINVAL;
	}
	return 0;
}

/* Ranges were checked against RAM, so the sums cannot wrap. */
static bool segments_overlap(const Elf64_Phdr *a, const Elf64_Phdr *b)
{
	return a->p_paddr < b->p_paddr + b->p_memsz &&
	       b->p_paddr < a->p_paddr + a->p_memsz;
}

static int segments_check(const char *path, const struct memory *memory,
			  const Elf64_Phdr *segs, uint32_t segs_nr)
{
	for (uint32_t i = 0; i < segs_nr; i++) {
		int err = segment_check(path, memory, &segs[i]);

		if (err)
			return err;
		for (uint32_t j = 0; j < i; j++) {
			if (!segments_overlap(&segs[i], &segs[j]))
				continue;
			log_error("%s: segments at 0x%llx and 0x%llx overlap",
				  path, (unsigned long long)segs[j].p_paddr,
				  (unsigned long long)segs[i].p_paddr);
			return -EINVAL;
		}
	}
	return 0;
}

static int segments_load(int fd, const char *path, const struct memory *memory,
			 const Elf64_Phdr *segs, uint32_t segs_nr,
			 struct elf_image *image)
{
	bool entry_inside = false;

	image->end_gpa = 0;
	for (uint32_t i = 0; i < segs_nr; i++) {
		const Elf64_Phdr *seg = &segs[i];
		uint64_t end = seg->p_paddr + seg->p_memsz;
		/* RAM is fresh and zero, so .bss needs nothing. */
		int err = boot_file_read(
			fd, path,
			memory_range(memory, seg->p_paddr, seg->p_filesz),
			seg->p_filesz, seg->p_offset);

		if (err)
			return err;
		if (seg->p_flags & PF_X && image->entry_gpa >= seg->p_paddr &&
		    image->entry_gpa < end)
			entry_inside = true;
		if (end > image->end_gpa)
			image->end_gpa = end;
	}
	if (entry_inside)
		return 0;
	log_error("%s: the entry point 0x%llx is in no executable segment",
		  path, (unsigned long long)image->entry_gpa);
	return -ENOEXEC;
}

static int image_load(int fd, const char *path, const struct memory *memory,
		      struct elf_image *image)
{
	Elf64_Phdr segs[SEGMENTS_MAX] = { 0 };
	uint32_t loads_nr = 0;
	const char *fault;
	Elf64_Ehdr eh;
	int err;

	/* A short file of another kind is not a truncated image. */
	err = is_elf(fd, path);
	if (!err)
		err = boot_file_read(fd, path, &eh, sizeof(eh), 0);
	if (err)
		return err;
	fault = header_fault(&eh);
	if (fault) {
		log_error("%s: %s", path, fault);
		return -ENOEXEC;
	}
	/* An offset above INT64_MAX would turn negative in pread(). */
	if (eh.e_phoff > INT64_MAX - sizeof(segs)) {
		log_error("%s: program headers beyond any file", path);
		return -ENOEXEC;
	}
	err = boot_file_read(fd, path, segs, eh.e_phnum * sizeof(*segs),
			     eh.e_phoff);
	if (err)
		return err;
	for (uint32_t i = 0; i < eh.e_phnum; i++) {
		if (segs[i].p_type != PT_LOAD ||
		    (segs[i].p_memsz == 0 && segs[i].p_filesz == 0))
			continue;
		if (segs[i].p_offset > (uint64_t)INT64_MAX - MAP_RAM_MAX_LEN) {
			log_error("%s: a segment beyond any file", path);
			return -ENOEXEC;
		}
		segs[loads_nr++] = segs[i];
	}
	if (!loads_nr) {
		log_error("%s: no segment to load", path);
		return -ENOEXEC;
	}
	err = segments_check(path, memory, segs, loads_nr);
	if (err)
		return err;
	image->entry_gpa = eh.e_entry;
	return segments_load(fd, path, memory, segs, loads_nr, image);
}

int elf_load(const char *path, const struct memory *memory,
	     struct elf_image *image)
{
	uint64_t len;
	int err, fd;

	err = boot_file_open(path, &fd, &len);
	if (!err)
		err = image_load(fd, path, memory, image);
	if (fd >= 0)
		close(fd);
	return err;
}
