/* SPDX-License-Identifier: MIT */
/*
 * simple_hypervisor_example.c - a virtual machine step by step, with the API
 * of `ivlab boot simple-kvm-hypervisor`; prints what that prints.
 */
#include <stdint.h>
#include <stdlib.h>

#include "vmm/abi/simple_hypervisor.h"

int main(void)
{
	static const uint8_t halt[] = { 0xf4 };
	struct simple_hypervisor *vm = NULL;
	int err;

	err = simple_hypervisor_create(&vm, NULL);
	if (!err)
		err = simple_hypervisor_memory(vm, SIMPLE_HYPERVISOR_MB);
	if (!err)
		err = simple_hypervisor_vcpu(vm);
	if (!err)
		err = simple_hypervisor_load(vm, halt, sizeof(halt),
					     SIMPLE_HYPERVISOR_LOAD_GPA);
	if (!err)
		err = simple_hypervisor_show(vm);
	if (!err)
		err = simple_hypervisor_run(vm);
	simple_hypervisor_destroy(vm);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
