/* SPDX-License-Identifier: MIT */
/* abis.c - which classic ABIs are there? The list, by hand. */
#include <stddef.h>
#include <string.h>

#include "vmm/abi/abi.h"
#include "vmm/abi/abis.h"

const struct abi *const abis[] = {
	&abi_mini_kvm,
	&abi_simple_kvm,
	&abi_matrix,
	&abi_mini_hypervisor,
	&abi_simple_kvm_hypervisor,
	NULL,
};

const struct abi *abi_find(const char *name)
{
	for (const struct abi *const *abi = abis; *abi; abi++) {
		if (strcmp((*abi)->name, name) == 0)
			return *abi;
		for (const char *const *p = (*abi)->programs; *p; p++)
			if (strcmp(*p, name) == 0)
				return *abi;
	}
	return NULL;
}
