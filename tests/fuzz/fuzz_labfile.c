/* SPDX-License-Identifier: MIT */
/* fuzz_labfile.c - what can be written into a lab file that is neither
 * refused in words nor within the limits? */
#include <errno.h>
#include <string.h>

#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/lab/labfile.h"

#define NAME "lab"

static void vm_check(const struct lab_vm *vm)
{
	size_t len = strnlen(vm->name, LAB_NAME_LEN);

	FUZZ_CHECK(len > 0 && len < LAB_NAME_LEN);
	FUZZ_CHECK(vm->image && *vm->image);
	FUZZ_CHECK(vm->args && strlen(vm->args) < BARE_ARGS_LEN);
	FUZZ_CHECK(vm->memory_len >= MAP_RAM_MIN_LEN &&
		   vm->memory_len <= MAP_RAM_MAX_LEN &&
		   vm->memory_len % MAP_LARGE_LEN == 0);
	FUZZ_CHECK(vm->cpus_nr >= 1 && vm->cpus_nr <= BARE_CPUS_MAX);
	FUZZ_CHECK(!vm->pin_nr || vm->pin_nr == vm->cpus_nr);
	FUZZ_CHECK(vm->plain ? vm->vectors_nr == 0
			     : vm->vectors_nr >= 1 &&
				       vm->vectors_nr <= IVSHMEM_VECTORS_MAX);
}

static void lab_check(const struct lab *lab)
{
	FUZZ_CHECK(lab->region_len >= 4096 &&
		   !(lab->region_len & (lab->region_len - 1)));
	FUZZ_CHECK(lab->vectors_nr >= 1 &&
		   lab->vectors_nr <= IVSHMEM_VECTORS_MAX);
	FUZZ_CHECK(lab->vms_nr >= 1 && lab->vms_nr <= LAB_VMS_MAX);
	for (uint32_t i = 0; i < lab->vms_nr; i++) {
		vm_check(&lab->vms[i]);
		for (uint32_t j = 0; j < i; j++)
			FUZZ_CHECK(strcmp(lab->vms[i].name, lab->vms[j].name) !=
				   0);
	}
}

/* At least one line; each is fit for a terminal and names the file. */
static void errors_check(const char *text, size_t len)
{
	uint32_t lines_nr = 0;
	const char *line = text;

	FUZZ_CHECK(len > 0 && text[len - 1] == '\n');
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n') {
			FUZZ_CHECK((text[i] >= ' ' && text[i] <= '~') ||
				   text[i] == '\t');
			continue;
		}
		FUZZ_CHECK(strncmp(line, NAME ":", strlen(NAME ":")) == 0);
		line = text + i + 1;
		lines_nr++;
	}
	FUZZ_CHECK(lines_nr <= LAB_ERRORS_MAX + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct lab *lab = NULL;
	char *text = NULL;
	size_t text_len = 0;
	FILE *file, *errors;
	int err;

	if (!len)
		return 0; /* fmemopen() wants a byte */
	file = fmemopen((void *)data, len, "r");
	errors = open_memstream(&text, &text_len);
	FUZZ_CHECK(file && errors);
	err = labfile_read_stream(file, NAME, NULL, &lab, errors);
	FUZZ_CHECK(!fclose(file));
	FUZZ_CHECK(!fclose(errors));
	FUZZ_CHECK(err == 0 || err == -EINVAL);
	if (err) {
		errors_check(text, text_len);
	} else {
		FUZZ_CHECK(!text_len);
		lab_check(lab);
		labfile_destroy(lab);
	}
	free(text);
	return 0;
}

/* --- seeds --------------------------------------------------------------- */

static const struct {
	const char *name, *text;
} seeds[] = {
	{ "every_key",
	  "# comment\n[lab]\nregion = 64M\nhugepages = yes\n"
	  "vectors = 4 ; why\n\n[vm producer]\nimage = /proc/self/exe\n"
	  "memory = 16M\ncpus = 2\npin = 0,0\n"
	  "args = --count 5\ndevice = doorbell\nvectors = 3\n" },
	{ "two_vms", "[vm a]\nimage=/proc/self/exe\n[vm b]\n"
		     "image=/proc/self/exe\npin=spread\ndevice=plain\n" },
	{ "every_mistake",
	  "\xef\xbb\xbf[lab]\nregion=3M\nregion=1K\nhugepage=yes\n"
	  "[lab]\n[vm a]\n[vm a]\n[vm \x07]\n[vm]\nimage\n[nothing\n"
	  "[x]y\nimage=\ncpus=9\npin=7-9\n memory=1M\n" },
	{ "image_by_name", "[vm a]\nimage=consumer\n" },
	{ "sizes", "[lab]\nregion=1G\nregion=0x1000\nregion=4096\n"
		   "region=99999999999999999999K\nregion=1T\nregion=-1\n" },
	{ "escape_in_image_path", "[vm a]\nimage=./\x1b[2J\n" },
	{ "blanks", "  [ vm\ta ]\r\n\timage = /proc/self/exe \r\n;\n#\n\n" },
};

bool fuzz_seed(uint32_t nr, struct fuzz_seed *seed)
{
	if (nr >= sizeof(seeds) / sizeof(*seeds))
		return false;
	seed->name = seeds[nr].name;
	seed->len = strlen(seeds[nr].text);
	memcpy(seed->bytes, seeds[nr].text, seed->len);
	return true;
}
