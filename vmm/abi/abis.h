/* SPDX-License-Identifier: MIT */
/* abis.h - the ABIs' own files, for the list in abis.c alone. */
#ifndef VMM_ABI_ABIS_H
#define VMM_ABI_ABIS_H

#include "vmm/abi/abi.h"

extern const struct abi abi_mini_kvm;
extern const struct abi abi_matrix;
extern const struct abi abi_simple_kvm;
extern const struct abi abi_mini_hypervisor;
extern const struct abi abi_simple_kvm_hypervisor;

#endif
