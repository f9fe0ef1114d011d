/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_cpu.S - which vCPU am I? Four copies of one image run at the same time
 * in four segments. Each keeps a word of its data and one on its stack over a
 * hundred exits, and looks whether they are still its own.
 *
 * mini-kvm, real mode, one to four copies. stdout: "CS xxxx: data and stack
 * are mine", xxxx being 0000, 4000, 8000 or c000.
 */
#include "guests/apps/classic/lib/mini.h"

	.code16
	.globl	start
start:
	mov	%cs, %ax
	mov	%ax, mine
	push	%ax
	mov	$UART_SCR, %dx
	mov	$100, %cx
1:	in	%dx, %al
	loop	1b
	mov	$text, %si
	call	uart_puts
	mov	%cs, %ax
	call	uart_hex
	mov	%cs, %bx
	mov	$not_data, %si
	cmp	%bx, mine
	jne	2f
	mov	$not_stack, %si
	pop	%ax
	cmp	%bx, %ax
	jne	2f
	mov	$not_segments, %si
	mov	%ds, %ax
	cmp	%bx, %ax
	jne	2f
	mov	%es, %ax
	cmp	%bx, %ax
	jne	2f
	mov	%ss, %ax
	cmp	%bx, %ax
	jne	2f
	mov	$good, %si
2:	call	uart_puts
	hlt

mine:	.word	0
text:	.asciz	"CS "
good:	.asciz	": data and stack are mine\n"
not_data: .asciz ": somebody wrote my data\n"
not_stack: .asciz ": somebody wrote my stack\n"
not_segments: .asciz ": DS, ES or SS is not CS\n"
