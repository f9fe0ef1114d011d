/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_halt.S - HLT with interrupts off ends a guest.
 *
 * mini-kvm, real mode. stdout: nothing.
 */
	.code16
	.globl	start
start:
	hlt
