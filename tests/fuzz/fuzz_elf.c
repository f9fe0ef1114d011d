/* SPDX-License-Identifier: MIT */
/* fakes: quiet_log */
/* fuzz_elf.c - can any file get past elf_load() that should not, or write
 * outside of guest RAM? */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/memory_map.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/guarded.h"
#include "vmm/boot/elf.h"

#define RAM_LEN MAP_RAM_MIN_LEN

static struct memory memory;
static char path[64];
static int fd = -1;

static void file_put(const uint8_t *data, size_t len)
{
	if (fd < 0) {
		fd = memfd_create("image", MFD_CLOEXEC);
		FUZZ_CHECK(fd >= 0);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memory.hva = guarded_map(RAM_LEN);
		memory.len = RAM_LEN;
	}
	FUZZ_CHECK(!ftruncate(fd, (off_t)len));
	FUZZ_CHECK(pwrite(fd, data, len, 0) == (ssize_t)len);
}

/* A loaded segment: as much of it as the file has, then zeros. */
static void segment_check(const uint8_t *data, size_t len,
			  const Elf64_Phdr *seg)
{
	FUZZ_CHECK(seg->p_paddr >= MAP_IMAGE_GPA && seg->p_memsz <= RAM_LEN &&
		   seg->p_paddr <= RAM_LEN - seg->p_memsz);
	FUZZ_CHECK(seg->p_filesz <= seg->p_memsz);
	/* With no bytes in the file it does not matter where they are. */
	if (seg->p_filesz) {
		FUZZ_CHECK(seg->p_filesz <= len &&
			   seg->p_offset <= len - seg->p_filesz);
		FUZZ_CHECK(!memcmp(memory.hva + seg->p_paddr,
				   data + seg->p_offset, seg->p_filesz));
	}
	for (uint64_t i = seg->p_filesz; i < seg->p_memsz; i += 64)
		FUZZ_CHECK(!memory.hva[seg->p_paddr + i]);
}

static void image_check(const uint8_t *data, size_t len,
			const struct elf_image *image)
{
	bool entry_inside = false;
	uint64_t end = 0;
	Elf64_Ehdr eh;

	memcpy(&eh, data, sizeof(eh));
	for (uint32_t i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr seg;

		memcpy(&seg, data + eh.e_phoff + i * sizeof(seg), sizeof(seg));
		if (seg.p_type != PT_LOAD || !seg.p_memsz)
			continue;
		segment_check(data, len, &seg);
		if (seg.p_paddr + seg.p_memsz > end)
			end = seg.p_paddr + seg.p_memsz;
		entry_inside |= seg.p_flags & PF_X &&
				eh.e_entry - seg.p_paddr < seg.p_memsz;
	}
	FUZZ_CHECK(entry_inside && image->entry_gpa == eh.e_entry);
	FUZZ_CHECK(image->end_gpa == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct elf_image image = { 0 };
	int err;

	file_put(data, len);
	err = elf_load(path, &memory, &image);
	FUZZ_CHECK(err == 0 || err == -ENOEXEC || err == -EINVAL);
	if (!err)
		image_check(data, len, &image);
	/* Fresh again, as elf_load() may expect. */
	FUZZ_CHECK(!madvise(memory.hva, RAM_LEN, MADV_DONTNEED));
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

#define TEXT_LEN 40u
#define DATA_LEN 24u

struct file {
	Elf64_Ehdr eh;
	Elf64_Phdr segs[3];
	uint8_t text[TEXT_LEN], data[DATA_LEN];
};

static const struct file good = {
	.eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = MAP_IMAGE_GPA + 16,
		.e_phoff = offsetof(struct file, segs),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3 },
	.segs = { { .p_type = PT_LOAD,
		    .p_flags = PF_R | PF_X,
		    .p_offset = offsetof(struct file, text),
		    .p_paddr = MAP_IMAGE_GPA,
		    .p_filesz = TEXT_LEN,
		    .p_memsz = TEXT_LEN },
		  { .p_type = PT_NOTE, .p_paddr = 64, .p_memsz = 64 },
		  { .p_type = PT_LOAD,
		    .p_flags = PF_R | PF_W,
		    .p_offset = offsetof(struct file, data),
		    .p_paddr = MAP_IMAGE_GPA + 0x1000,
		    .p_filesz = DATA_LEN,
		    .p_memsz = DATA_LEN + 5000 } },
	.text = { 0xf4, 0xeb, 0xfd },
	.data = { 1, 2, 3 },
};

static const char *spoil(uint32_t nr, struct file *file)
{
	Elf64_Phdr *text = &file->segs[0], *data = &file->segs[2];

	switch (nr) {
	case 0:
		return "good_image";
	case 1:
		text->p_paddr = RAM_LEN - TEXT_LEN;
		file->eh.e_entry = RAM_LEN - 1;
		return "text_ends_with_ram";
	case 2:
		text->p_paddr = UINT64_MAX - 8;
		return "address_that_wraps";
	case 3:
		data->p_memsz = UINT64_MAX;
		return "memory_length_that_wraps";
	case 4:
		data->p_offset = INT64_MAX;
		return "offset_beyond_any_file";
	case 5:
		data->p_paddr = MAP_IMAGE_GPA + TEXT_LEN - 1;
		return "segments_that_overlap";
	case 6:
		file->eh.e_phoff = UINT64_MAX;
		return "program_headers_nowhere";
	case 7:
		file->eh.e_phnum = 64;
		return "program_headers_cut_short";
	case 8:
		text->p_filesz = 0;
		return "text_of_zeros";
	}
	return NULL;
}

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	struct file file = good;

	seed->name = spoil(nr, &file);
	if (!seed->name)
		return false;
	seed->len = sizeof(file);
	memcpy(seed->bytes, &file, sizeof(file));
	return true;
}
