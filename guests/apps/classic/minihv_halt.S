/* SPDX-License-Identifier: MIT */
/* flat: 64 0 0x11000 */
/*
 * minihv_halt.S - HLT ends a VM.
 *
 * mini-hypervisor. stdout: nothing.
 */
	.code64
	.globl	start
start:
	hlt
