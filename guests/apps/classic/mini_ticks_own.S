/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_ticks_own.S - timer interrupts for each of four guests: every vCPU has
 * its own ticks, and by lidt its own vectors, in its own RAM.
 *
 * mini-kvm, real mode, one to four copies. stdout: "3 ticks at CS xxxx",
 * xxxx being 0000, 4000, 8000 or c000.
 */
#include "guests/apps/classic/lib/mini.h"

#define TICKS 3

	.code16
	.globl	start
start:
	movzwl	%ax, %eax
	mov	%cs, %ax
	shl	$4, %eax
	add	$vectors, %eax
	mov	%eax, pointer + 2
	lidt	pointer
	mov	%cs, vectors + 4 * VECTOR_TIMER + 2
	mov	%cs, vectors + 4 * VECTOR_KEY + 2
	sti
1:	cmpb	$TICKS, ticks
	jb	1b
	cli
	mov	$text, %si
	call	uart_puts
	mov	%cs, %ax
	call	uart_hex
	mov	$'\n', %al
	call	uart_put
	hlt

tick:
	incb	ticks
ignored:
	iret

text:	.asciz	"3 ticks at CS "
ticks:	.byte	0
	.balign	4
vectors:
	.fill	VECTOR_TIMER, 4, 0
	.word	tick, 0
	.word	ignored, 0	/* VECTOR_KEY: the first guest's */
pointer:
	.word	pointer - vectors - 1
	.long	0
