/* SPDX-License-Identifier: MIT */
/* flat: 16 0 0x10000 */
/*
 * mini_uart_irq.S - the UART interrupts when a byte came: IRQ 4 at vector
 * 0x24, switched on by bit 0 of IER, asked for in IIR (4: data). A newline is
 * the last.
 *
 * mini-kvm, real mode, the first guest. stdout: the first line of stdin.
 */
#include "guests/apps/classic/lib/mini.h"

#define IIR_RX 0x04

	.code16
	.globl	start
start:
	jmp	main
	.org	0x400
main:
	movw	$ignored, 4 * VECTOR_TIMER
	mov	%cs, 4 * VECTOR_TIMER + 2
	movw	$ignored, 4 * VECTOR_KEY
	mov	%cs, 4 * VECTOR_KEY + 2
	movw	$received, 4 * VECTOR_UART
	mov	%cs, 4 * VECTOR_UART + 2
	mov	$UART_IER, %dx
	mov	$IER_RX, %al
	out	%al, %dx
	sti
1:	cmpb	$'\n', last
	jne	1b
	cli
	hlt

received:
	push	%ax
	push	%dx
2:	cmpb	$'\n', last
	je	3f
	mov	$UART_IIR, %dx
	in	%dx, %al
	and	$IIR_MASK, %al
	cmp	$IIR_RX, %al
	jne	3f
	mov	$UART_DATA, %dx
	in	%dx, %al
	mov	%al, last
	call	uart_put
	jmp	2b
3:	mov	$PIC_EOI, %al
	out	%al, $PIC_COMMAND
	pop	%dx
	pop	%ax
ignored:
	iret

last:	.byte	0
