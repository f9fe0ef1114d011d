/* SPDX-License-Identifier: MIT */
/*
 * labfile_shares.h - [share NAME] of a lab file: which directories there are,
 * and which VM sees which. Used by labfile.c; lab_shares_*() by the launcher.
 */
#ifndef VMM_LAB_LABFILE_SHARES_H
#define VMM_LAB_LABFILE_SHARES_H

#include "vmm/lab/labfile.h"
#include "vmm/lab/labfile_keys.h"

enum labfile_share_key {
	LABFILE_SHARE_PATH,
	LABFILE_SHARE_MODE,
	LABFILE_SHARE_POLICY,
	LABFILE_SHARE_QUOTA,
	LABFILE_SHARE_KEYS_NR,
};
extern const struct labfile_key labfile_share_keys[LABFILE_SHARE_KEYS_NR];

/*
 * Once all sections are read: vm->share_names to vm->shares. NULL, or what is
 * wrong with one of the words (in reason).
 */
const char *labfile_shares_find(const struct lab *lab, struct lab_vm *vm,
				char *reason, size_t reason_len);

/*
 * The private directory of vm in a share, of mode cow:
 * LAB's directory/.ivlab/LAB/VM/SHARE; the caller frees it. NULL: no memory.
 */
char *lab_shares_private(const struct lab *lab, const struct lab_vm *vm,
			 const struct lab_share *share);
/*
 * Make what that directory is to be in, for all VMs. -errno, with *where the
 * directory (the caller's; NULL: no memory); -EINVAL: it would be in what is
 * shared, or that is in it.
 */
int lab_shares_prepare(const struct lab *lab, char **where);

#endif
