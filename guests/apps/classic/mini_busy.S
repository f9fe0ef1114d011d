/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_busy.S - a guest that never exits. It ends when it is stopped: by
 * --timeout, or by Ctrl-C.
 *
 * mini-kvm, real mode. stdout: nothing.
 */
	.code16
	.globl	start
start:
	jmp	start
