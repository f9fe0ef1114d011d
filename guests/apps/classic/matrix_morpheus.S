/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * matrix_morpheus.S - counts down in AX and says so each turn by a 16-bit OUT to
 * port 0x11: an exit for the scheduler to show. It needs no stack and no
 * data, so it runs wherever the image lies.
 *
 * matrix, loaded at 0x10000. The data shown: 0, 65535, 65534, ...
 */
	.code16
	.globl	start
start:
	xor	%ax, %ax
1:	out	%ax, $0x11
	dec	%ax
	jmp	1b
