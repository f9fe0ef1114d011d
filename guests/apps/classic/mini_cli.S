/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_cli.S - a guest that has interrupts off gets none, though a key waits
 * and the timer runs. When it lets them, what was held back comes.
 *
 * mini-kvm, real mode, the first guest; give it a byte of input. stdout:
 * "none while off" and "one when on"
 */
#include "guests/apps/classic/lib/mini.h"

#define PATIENCE 20000 /* turns with an exit in each */

	.code16
	.globl	start
start:
	jmp	main
	.org	0x400
main:
	mov	$VECTOR_TIMER, %bx
	mov	$8, %cx		/* of both interrupt controllers' first */
	shl	$2, %bx
1:	movw	$interrupt, (%bx)
	mov	%cs, 2(%bx)
	add	$4, %bx
	loop	1b
	/* The key is there, so its interrupt is due. */
2:	mov	$UART_LSR, %dx
	in	%dx, %al
	test	$LSR_DATA, %al
	jz	2b
	mov	$PATIENCE, %cx
3:	in	%dx, %al
	loop	3b
	mov	$early, %si
	cmpb	$0, came
	jne	5f
	mov	$none, %si
	call	uart_puts
	sti
4:	cmpb	$0, came
	je	4b
	cli
	mov	$one, %si
5:	call	uart_puts
	hlt

interrupt:
	movb	$1, came
	iret

none:	.asciz	"none while off\n"
one:	.asciz	"one when on\n"
early:	.asciz	"interrupted with interrupts off\n"
came:	.byte	0
