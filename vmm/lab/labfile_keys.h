/* SPDX-License-Identifier: MIT */
/*
 * labfile_keys.h - the keys of a lab file: their names, what each may hold,
 * and where its value goes. Used by labfile.c only.
 */
#ifndef VMM_LAB_LABFILE_KEYS_H
#define VMM_LAB_LABFILE_KEYS_H

#include "vmm/lab/labfile.h"

/* Where a value goes. */
struct labfile_target {
	struct lab *lab;
	struct lab_vm *vm; /* NULL in other sections */
	struct lab_share *share;
	const char *dir;  /* images are relative to it */
	char reason[512]; /* room for a reason that names something */
};

struct labfile_key {
	const char *name;
	const char *allowed; /* completes "allowed: " */
	/* NULL, or why text cannot be this key's value: static, or in
	 * target->reason. */
	const char *(*set)(struct labfile_target *target, const char *text);
};

#define LABFILE_KEYS_MAX 16

enum labfile_vm_key {
	LABFILE_VM_IMAGE,
	LABFILE_VM_MEMORY,
	LABFILE_VM_CPUS,
	LABFILE_VM_PIN,
	LABFILE_VM_SHARE,
	LABFILE_VM_ARGS,
	LABFILE_VM_DEVICE,
	LABFILE_VM_VECTORS,
	LABFILE_VM_SHARES,
	LABFILE_VM_KEYS_NR,
};
enum labfile_lab_key {
	LABFILE_LAB_REGION,
	LABFILE_LAB_HUGEPAGES,
	LABFILE_LAB_VECTORS,
	LABFILE_LAB_QUANTUM,
	LABFILE_LAB_KEYS_NR,
};
_Static_assert(LABFILE_VM_KEYS_NR <= LABFILE_KEYS_MAX, "keys of a section");

extern const struct labfile_key labfile_vm_keys[LABFILE_VM_KEYS_NR];
extern const struct labfile_key labfile_lab_keys[LABFILE_LAB_KEYS_NR];

#endif
