/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * matrix_neo.S - counts up in AX and says so each turn by a 16-bit OUT to
 * port 0x10: an exit for the scheduler to show. It needs no stack and no
 * data, so it runs wherever the image lies.
 *
 * matrix, loaded at 0x10000. The data shown: 0, 1, 2, ...
 */
	.code16
	.globl	start
start:
	xor	%ax, %ax
1:	out	%ax, $0x10
	inc	%ax
	jmp	1b
