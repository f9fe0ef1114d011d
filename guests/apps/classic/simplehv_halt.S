/* SPDX-License-Identifier: MIT */
/* flat: 16 0x1000 0x10000 */
/*
 * simplehv_halt.S - the one byte that this ABI runs: HLT at 0x1000.
 *
 * simple-kvm-hypervisor, real mode. stdout: nothing.
 */
	.code16
	.globl	start
start:
	hlt
