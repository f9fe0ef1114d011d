/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_ticks.S - the timer interrupts a guest that lets it. The entry of
 * vector 0x20 is where real mode has it, at 0:0x80, inside the RAM of the
 * first guest: start this one as the first.
 *
 * It waits by counting, which needs nothing of HLT but that it ends a guest that
 * has interrupts off.
 *
 * mini-kvm, real mode. stdout: five lines "tick"
 */
#include "guests/apps/classic/lib/mini.h"

#define TICKS 5

	.code16
	.globl	start
start:
	jmp	main
	.org	0x400		/* the vectors end here */
main:
	movw	$tick, 4 * VECTOR_TIMER
	mov	%cs, 4 * VECTOR_TIMER + 2
	/* Typing shall not disturb it. */
	movw	$ignored, 4 * VECTOR_KEY
	mov	%cs, 4 * VECTOR_KEY + 2
	sti
1:	cmpb	$TICKS, ticks
	jb	1b
	cli
	hlt

tick:
	push	%ax
	push	%dx
	push	%si
	cmpb	$TICKS, ticks
	jae	2f
	incb	ticks
	mov	$text, %si
	call	uart_puts
2:	mov	$PIC_EOI, %al
	out	%al, $PIC_COMMAND
	pop	%si
	pop	%dx
	pop	%ax
ignored:
	iret

text:	.asciz	"tick\n"
ticks:	.byte	0
