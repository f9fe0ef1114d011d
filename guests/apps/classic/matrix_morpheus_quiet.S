/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * matrix_morpheus_quiet.S - counts down in AX and never exits: only a timer ends
 * its slice.
 *
 * matrix, loaded at 0x10000. Nothing is shown but the slices.
 */
	.code16
	.globl	start
start:
	xor	%ax, %ax
1:	dec	%ax
	jmp	1b
