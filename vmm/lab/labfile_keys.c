/* SPDX-License-Identifier: MIT */
/* labfile_keys.c - what may each key of a lab file hold? */
#include "vmm/lab/labfile_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/ivshmem.h"
#include "shm/memory_map.h"
#include "vmm/core/duration.h"
#include "vmm/lab/cpus.h"
#include "vmm/lab/images.h"
#include "vmm/lab/lab_region.h"
#include "vmm/lab/size.h"

static const char *set_region(struct labfile_target *target, const char *text)
{
	return lab_region_parse(text, &target->lab->region_len);
}

static const char *set_hugepages(struct labfile_target *target,
				 const char *text)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
		return "neither yes nor no";
	target->lab->hugepages = text[0] == 'y';
	return NULL;
}

static const char *set_number(const char *text, uint32_t max, uint32_t *number)
{
	uint64_t n;
	int err = size_parse_number(text, 1, max, &n);

	if (err)
		return err == -ERANGE ? "out of range" : "not a number";
	*number = (uint32_t)n;
	return NULL;
}

static const char *set_lab_vectors(struct labfile_target *target,
				   const char *text)
{
	return set_number(text, IVSHMEM_VECTORS_MAX, &target->lab->vectors_nr);
}

static const char *set_quantum(struct labfile_target *target, const char *text)
{
	int err = duration_parse(text, LAB_QUANTUM_MIN_NS, LAB_QUANTUM_MAX_NS,
				 &target->lab->quantum_ns);

	if (err)
		return err == -ERANGE ? "out of range" : "not a time";
	return NULL;
}

static const char *set_share(struct labfile_target *target, const char *text)
{
	return set_number(text, 100, &target->vm->share);
}

static const char *set_vm_vectors(struct labfile_target *target,
				  const char *text)
{
	return set_number(text, IVSHMEM_VECTORS_MAX, &target->vm->vectors_nr);
}

static const char *set_cpus(struct labfile_target *target, const char *text)
{
	return set_number(text, BARE_CPUS_MAX, &target->vm->cpus_nr);
}

static const char *set_memory(struct labfile_target *target, const char *text)
{
	uint64_t len;
	int err = size_parse(text, &len);

	if (err)
		return err == -ERANGE ? "too large" : "not a size";
	if (len < MAP_RAM_MIN_LEN)
		return "too small";
	if (len > MAP_RAM_MAX_LEN)
		return "too large";
	if (len % MAP_LARGE_LEN)
		return "not a multiple of 2M";
	target->vm->memory_len = len;
	return NULL;
}

static const char *set_image(struct labfile_target *target, const char *text)
{
	char *path;
	int err = images_guest(text, target->dir, &path);

	if (err) {
		images_guest_why(text, path, err, target->reason,
				 sizeof(target->reason));
		free(path);
		return target->reason;
	}
	target->vm->image = path;
	return NULL;
}

static const char *set_pin(struct labfile_target *target, const char *text)
{
	struct lab_vm *vm = target->vm;
	uint32_t nr;
	int err;

	if (strcmp(text, "spread") == 0) {
		vm->pin_spread = true;
		return NULL;
	}
	err = size_parse_list(text, vm->pin, BARE_CPUS_MAX, &nr);
	if (err)
		return err == -E2BIG ? "more CPUs than a VM can have"
				     : "not a list of CPU numbers";
	if (cpus_check(vm->pin, nr, target->reason, sizeof(target->reason)))
		return target->reason;
	vm->pin_nr = nr;
	return NULL;
}

static const char *set_args(struct labfile_target *target, const char *text)
{
	char *copy;

	if (strlen(text) >= BARE_ARGS_LEN)
		return "too long";
	copy = strdup(text);
	if (!copy)
		return "out of memory";
	free(target->vm->args);
	target->vm->args = copy;
	return NULL;
}

static const char *set_device(struct labfile_target *target, const char *text)
{
	if (strcmp(text, "plain") != 0 && strcmp(text, "doorbell") != 0)
		return "no such device";
	target->vm->plain = text[0] == 'p';
	return NULL;
}

/* The shares themselves may come later in the file. */
static const char *set_shares(struct labfile_target *target, const char *text)
{
	target->vm->share_names = strdup(text);
	return target->vm->share_names ? NULL : "out of memory";
}

const struct labfile_key labfile_lab_keys[LABFILE_LAB_KEYS_NR] = {
	[LABFILE_LAB_REGION] = { "region", LAB_REGION_ALLOWED, set_region },
	[LABFILE_LAB_HUGEPAGES] = { "hugepages", "yes or no", set_hugepages },
	[LABFILE_LAB_VECTORS] = { "vectors", "1 to 64", set_lab_vectors },
	[LABFILE_LAB_QUANTUM] = { "quantum", "10ms to 10s", set_quantum },
};

const struct labfile_key labfile_vm_keys[LABFILE_VM_KEYS_NR] = {
	[LABFILE_VM_IMAGE] = { "image",
			       "the name of a guest that came with ivlab, or "
			       "a path with a slash, relative to the lab file",
			       set_image },
	[LABFILE_VM_MEMORY] = { "memory", "4M to 3G in steps of 2M",
				set_memory },
	[LABFILE_VM_CPUS] = { "cpus", "1 to 8", set_cpus },
	[LABFILE_VM_PIN] = { "pin",
			     "one host CPU per vCPU, separated by commas, or "
			     "spread",
			     set_pin },
	[LABFILE_VM_SHARE] = { "share", "1 to 100 percent, without the sign",
			       set_share },
	[LABFILE_VM_ARGS] = { "args", "words of 3071 bytes in all", set_args },
	[LABFILE_VM_DEVICE] = { "device", "doorbell or plain", set_device },
	[LABFILE_VM_VECTORS] = { "vectors", "1 to 64", set_vm_vectors },
	[LABFILE_VM_SHARES] = { "shares",
				"names of [share NAME] sections, up to 8, "
				"separated by blanks",
				set_shares },
};
